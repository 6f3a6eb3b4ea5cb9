"""Teams: one a person, joined by the leader's link, never larger than allowed; limits that people cannot multiply."""

from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard import submissions
from leaderboard.contests import phases, teams
from leaderboard.models import Competition, Participant, Phase, Submission, Team
from tests.leaderboard.contests import contest, enter, hand_in, phase, score
from zoo.errors import NotFound, Refused


@pytest.fixture
def running(cast, folder):
    made, _ = contest(folder, cast.hospital, team_size=2, phases=[phase(per_day=3, in_total=4)], concurrent=9)
    enter(made, cast.ann, cast.ben, cast.mate, cast.stranger)
    return made


def code_of(refused) -> str:
    return refused.value.code


def test_joining_ends_the_team_of_one_and_the_limit_is_one_teams(cast, running, answer):
    ann = teams.of(running, cast.ann)
    assert teams.join(running, cast.ben, teams.code(ann)) == ann
    assert teams.join(running, cast.ben, teams.code(ann)) == ann
    assert set(ann.members.values_list("user__username", flat=True)) == {"ann", "ben"}
    assert not Team.objects.filter(name="ben").exists() and Participant.objects.filter(user=cast.ben).count() == 1
    with pytest.raises(Refused) as refused:
        teams.join(running, cast.mate, teams.code(ann))
    assert code_of(refused) == "full"
    for seed, who in enumerate(("ann", "ben", "ann")):
        hand_in(running, cast[who], answer(seed=seed))
    for who in ("ann", "ben"):
        with pytest.raises(Refused) as refused:
            hand_in(running, cast[who], answer(seed=9))
        assert refused.value.status == 429
    again = hand_in(running, cast.ben, answer(seed=0))  # an answer of the team's is answered from its run
    assert again.reused and phases.budget(ann, running.phases.get()).used_today == 3


def test_the_days_of_the_competition_and_its_total_count(cast, running, answer):
    made = [hand_in(running, cast.ann, answer(seed=seed)) for seed in range(3)]
    for row in made:
        type(row.run).objects.filter(pk=row.run_id).update(created=timezone.now() - timedelta(days=1))
    hand_in(running, cast.ann, answer(seed=5))
    with pytest.raises(Refused) as refused:
        hand_in(running, cast.ann, answer(seed=6))
    assert code_of(refused) == "used_up"
    zone = Competition(time_zone="Asia/Tokyo")
    start, end = phases.day_of(zone, timezone.datetime.fromisoformat("2026-11-24T16:00+00:00"))
    assert (start.isoformat(), end.isoformat()) == ("2026-11-25T00:00:00+09:00", "2026-11-26T00:00:00+09:00")


def test_no_more_runs_at_a_time_than_allowed(cast, running, answer):
    Competition.objects.update(concurrent=1)
    first = hand_in(running, cast.ann, answer(seed=1))
    with pytest.raises(Refused) as refused:
        hand_in(running, cast.ann, answer(seed=2))
    assert refused.value.status == 429 and "at a time" in str(refused.value)
    submissions.cancel(first, cast.ann)
    hand_in(running, cast.ann, answer(seed=2))


def test_who_has_handed_in_cannot_take_a_fresh_count_elsewhere(cast, running, answer):
    hand_in(running, cast.ben, answer())
    for leave in (lambda: teams.join(running, cast.ben, teams.code(teams.of(running, cast.ann))),
                  lambda: teams.leave(running, cast.ben)):  # fmt: skip
        if leave is not None:
            try:
                team = leave()
            except Refused as refused:
                assert refused.code == "has_submissions"
            else:
                assert team.submissions.count() == 1  # alone, one stays where one is


def test_merging_adds_up_what_was_used(cast, running, answer):
    ann, ben = teams.of(running, cast.ann), teams.of(running, cast.ben)
    for seed in range(2):
        hand_in(running, cast.ann, answer(seed=seed))
        hand_in(running, cast.ben, answer(seed=seed + 5))
    with pytest.raises(Refused) as refused:
        teams.merge(running, cast.ben, teams.code(ann))
    assert code_of(refused) == "too_many_used"
    Phase.objects.update(per_day=4)
    with pytest.raises(Refused) as refused:
        teams.merge(running, cast.ann, teams.code(ann))
    assert code_of(refused) == "same_team"
    teams.merge(running, cast.ben, teams.code(ann))
    assert teams.of(running, cast.ben) == ann and ann.submissions.count() == 4
    ben.refresh_from_db()
    assert ben.merged_into == ann
    with pytest.raises(Refused):
        hand_in(running, cast.ben, answer(seed=9))
    assert {row.by for row in Submission.objects.select_related("contest_team")} == {"ann"}


def test_without_a_total_merging_gives_no_more_than_the_days_allow(cast, running, answer):
    Phase.objects.update(in_total=0, per_day=3)  # the phase began yesterday: 6 by now
    for who, seeds in (("ann", range(3)), ("ben", range(5, 8))):
        for seed in seeds:
            run = hand_in(running, cast[who], answer(seed=seed)).run
            type(run).objects.filter(pk=run.pk).update(created=timezone.now() - timedelta(days=1, minutes=1))
    one = hand_in(running, cast.ben, answer(seed=9)).run
    with pytest.raises(Refused) as refused:
        teams.merge(running, cast.ben, teams.code(teams.of(running, cast.ann)))
    assert code_of(refused) == "too_many_used"
    type(one).objects.filter(pk=one.pk).update(status="failed")  # ours: given back
    teams.merge(running, cast.ben, teams.code(teams.of(running, cast.ann)))


def test_leaders_rename_pass_on_and_renew(cast, running):
    ann = teams.of(running, cast.ann)
    teams.join(running, cast.ben, teams.code(ann))
    assert teams.rename(running, cast.ann, "  The   readers ").name == "The readers"
    for name in ("MATE", "", "x" * 101, "a\x07b"):
        with pytest.raises(Refused):
            teams.rename(running, cast.ann, name)
    with pytest.raises(Refused) as refused:
        teams.rename(running, cast.ben, "Mine")
    assert code_of(refused) == "not_leader"
    old = teams.code(ann)
    teams.renew_link(running, cast.ann)
    for wrong in (old, "", "1", "x-y", f"{ann.pk}-x"):
        with pytest.raises(NotFound):
            teams.join(running, cast.mate, wrong)
    teams.lead(running, cast.ann, "ben")
    teams.leave(running, cast.ben)
    ann.refresh_from_db()
    assert ann.leader == cast.ann and teams.of(running, cast.ben).name == "ben"


def test_teams_do_not_change_after_their_deadline(cast, running):
    link = teams.code(teams.of(running, cast.ann))
    Competition.objects.update(merge_until=timezone.now() - timedelta(minutes=1))
    for change in (lambda: teams.join(running, cast.ben, link), lambda: teams.merge(running, cast.ben, link),
                   lambda: teams.leave(running, cast.ann), lambda: teams.rename(running, cast.ann, "x")):  # fmt: skip
        with pytest.raises(Refused) as refused:
            change()
        assert code_of(refused) == "too_late"


def test_a_teams_members_see_and_own_what_it_handed_in(cast, running, answer, client, bearer):
    mine = hand_in(running, cast.ann, answer())
    address = f"/api/v1/submissions/{mine.pk}"
    assert client.get(address, **bearer(cast.ben)).status_code == 404
    teams.join(running, cast.stranger, teams.code(teams.of(running, cast.ann)))
    assert client.get(address, **bearer(cast.stranger)).json()["team"] == "ann"
    score(mine.run, 0.8, 0.7)
    shown = client.get(address, **bearer(cast.ben)).json()
    assert [row["subset"] for row in shown["scores"]] == ["public"]
    submissions.withdraw(mine, cast.stranger)
    assert client.get(address, **bearer(cast.ben)).status_code == 404
