"""The benchmarks of a task together: mean ranks, and no mean for who is missing on one."""

from leaderboard import across, benchmarks
from tests.leaderboard.pages import make_board, make_entry
from zoo import accounts


def test_teams_by_their_mean_rank_and_who_is_missing_last(cast, client):
    boards = [make_board(cast.hospital, f"board{number}", task="one-task") for number in range(2)]
    for team in ("ann-a", "ben-b", "cem-c"):
        accounts.create_user(team)
    for board, values in zip(
        boards, ({"ann-a": 0.9, "ben-b": 0.7, "cem-c": 0.8}, {"ann-a": 0.6, "ben-b": 0.9}), strict=True
    ):
        for team, value in values.items():
            make_entry(board, team, value, error=0.001)
    shown, rows = across.of(list(benchmarks.visible(cast.anonymous)), cast.anonymous)
    assert [(row.place, row.name, row.mean) for row in rows] == [
        (1, "ann-a", 1.5),
        (2, "ben-b", 2.0),
        (None, "cem-c", None),
    ]
    assert rows[0].ranks == [(1, 3), (2, 2)] and len(shown) == 2
    page = client.get("/tasks/one-task/").content.decode()
    assert "Across the benchmarks" in page and "1.5" in page
    assert across.of(boards[:1], cast.anonymous)[1] == []
