"""Plots, by walking their registry: each draws, says what it shows, keeps its size, and goes to whom access says."""

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from leaderboard import access, plots, standings
from leaderboard.models import Benchmark, Competition, Submission
from leaderboard.plots.registry import PLOTS
from tests.leaderboard.pages import HOSTILE, make_board, make_claim, make_entry, make_team, read
from tests.leaderboard.plotted import KINDS, make_plotted

pytestmark = pytest.mark.django_db
LIMIT = 300_000  # bytes of JSON
WANTED = {
    "state_of_the_art", "forest_plot", "rank_stability", "significance", "cost", "roc", "precision_recall", "calibration",
    "confusion", "kaplan_meier", "time_dependent_auc", "case_boxes", "froc", "bland_altman", "robustness",
}  # fmt: skip


@pytest.fixture
def boards(cast):
    """{kind: (board, submissions)} of the hospital, labels public."""
    return {kind: make_plotted(cast.hospital, kind, labels="public") for kind in KINDS}


def figures_of(board, entries, viewer):
    made = plots.of_board(standings.table(board, viewer), viewer)
    return made + [figure for entry in entries for figure in plots.of_entry(entry, viewer)]


def test_every_plot_draws_and_has_words_a_table_and_colours_of_the_stylesheet(boards, cast):
    css = (Path(__file__).resolve().parents[2] / "zoo/static/kensa/site.css").read_text()
    drawn = {}
    for board, entries in boards.values():
        for figure in figures_of(board, entries, cast.stranger):
            drawn.setdefault(figure.plot.name, []).append(figure)
    assert set(drawn) == set(PLOTS) == WANTED
    for name, figures in drawn.items():
        for figure in figures:
            assert figure.lead.endswith((".", ")")) and figure.alt and figure.header and figure.rows, name
            assert {len(row) for row in figure.rows} == {len(figure.header)}, name
            text = json.dumps(figure.as_dict(), allow_nan=False)
            assert len(text) < LIMIT
            colours = set(re.findall(r'"(--[a-z0-9-]+)', text))
            assert colours and all(f"{colour}:" in css for colour in colours), (name, colours)
            assert len(list(csv.reader(io.StringIO(plots.as_csv(figure))))) == len(figure.rows) + 1


def test_the_largest_plots_stay_below_the_limit(cast):
    names = [f"a class with a rather long name, number {i}" for i in range(40)]
    board, entries = make_plotted(cast.hospital, "classification", n=4000, classes=names, entries=1, labels="public")
    for figure in plots.of_entry(entries[0], cast.stranger):
        assert len(json.dumps(figure.as_dict())) < LIMIT, figure.plot.name
    for i in range(150):
        make_entry(board, f"many{i}", 0.5 + i / 1000, name=f"{i} " + "x" * 190)
    for figure in plots.of_board(standings.table(board, cast.stranger), cast.stranger):
        assert len(json.dumps(figure.as_dict())) < LIMIT, figure.plot.name


def test_survival_plots_name_the_unit_of_time_that_the_package_states(cast):
    board, entries = make_plotted(cast.hospital, "survival", labels="public")
    board.package.manifest["time_unit"] = "months"
    found = {figure.plot.name: figure for figure in plots.of_entry(entries[0], cast.stranger)}
    for name in ("kaplan_meier", "time_dependent_auc"):
        assert found[name].layout["xaxis"]["title"]["text"] == "Time, months"
        assert "Time, months" in found[name].header


@pytest.mark.parametrize("kind", KINDS)
def test_where_labels_are_hidden_only_the_organiser_sees_more_than_released_scores(kind, cast, client):
    board, entries = make_plotted(cast.hospital, kind)
    whole = {figure.plot.name for figure in figures_of(board, entries, cast.member)}
    released = {name for name, plot in PLOTS.items() if plot.made_of == access.RELEASED}
    own = entries[0].team.user
    for viewer in (own, cast.stranger, cast.anonymous):
        assert {figure.plot.name for figure in figures_of(board, entries, viewer)} <= released
        assert plots.of_entry(entries[0], viewer) == []
        if viewer.is_authenticated:
            client.force_login(viewer, backend="django.contrib.auth.backends.ModelBackend")
        for name in sorted(whole - released):
            about = f"submissions/{entries[0].pk}" if PLOTS[name].about == "entry" else f"benchmarks/{board.slug}"
            answers = [client.get(f"/api/v1/{about}/plots/{which}") for which in (name, "no-such-plot")]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].json() == answers[1].json()
        client.logout()
    assert whole > released & whole and whole - released


def test_after_a_reveal_a_package_may_release_coarse_curves_and_nothing_else(cast):
    board, entries = make_plotted(cast.hospital, "classification", n=400)
    Competition.objects.create(benchmark=board, slug="c", title="C", revealed=timezone.now())
    assert plots.of_entry(entries[0], cast.stranger) == []  # not one of the final ones
    entries[0].final = True
    found = {figure.plot.name: figure for figure in plots.of_entry(entries[0], cast.stranger)}
    assert set(found) == {"roc"}
    curve = found["roc"].as_dict()["data"][1]
    assert 3 <= len(curve["x"]) <= 20 and "threshold" not in json.dumps(found["roc"].as_dict()).lower()
    whole = {figure.plot.name: figure for figure in plots.of_entry(entries[0], cast.member)}
    assert len(whole["roc"].as_dict()["data"][3]["x"]) > 50
    Benchmark.objects.filter(pk=board.pk).update(sealed=True)
    board.refresh_from_db()
    entries[0].benchmark = board
    assert plots.of_entry(entries[0], cast.stranger) == []
    Benchmark.objects.filter(pk=board.pk).update(sealed=False)
    board.package.manifest["release"] = []
    board.package.save()
    board = Benchmark.objects.get(pk=board.pk)
    entries[0].benchmark = board
    assert plots.of_entry(entries[0], cast.stranger) == []


def test_released_plots_hold_no_number_that_is_not_released(cast):
    board, entries = make_plotted(cast.hospital, "classification")
    run = entries[0].run
    run.scores.update(value=0.8437219, low=0.7937219, high=0.8837219)
    text = json.dumps([f.as_dict() | {"rows": f.rows} for f in figures_of(board, entries, entries[1].team.user)])
    assert "0.84" in text and "8437" not in text and "7937" not in text


def test_entries_of_one_day_stand_on_an_axis_of_days(cast):
    board, entries = make_plotted(cast.hospital, "survival")
    axis = lambda: draw_first(board, cast).layout["xaxis"]  # noqa: E731
    assert (
        axis()["tickformat"] == "%Y-%m-%d" and axis()["range"][0] < entries[0].created.isoformat() < axis()["range"][1]
    )
    Submission.objects.filter(pk=entries[0].pk).update(created=entries[0].created - timedelta(days=30))
    assert "range" not in axis()


def draw_first(board, cast):
    return plots.one_of_board("state_of_the_art", standings.table(board, cast.stranger), cast.stranger)


def test_a_hostile_name_is_no_markup_in_a_plot_and_no_formula_in_its_table(cast):
    board = make_board(cast.hospital, labels="public")
    make_entry(board, "a", 0.9, name=HOSTILE)
    make_entry(board, "b", 0.8, name="=1+1")
    for figure in plots.of_board(standings.table(board, cast.stranger), cast.stranger):
        drawn = json.dumps(figure.as_dict()["data"])
        assert "<script" not in drawn and "<img" not in drawn
        assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(plots.as_csv(figure))) for cell in row)


def test_pages_hold_every_table_without_a_script_and_keep_the_policy(boards, client):
    for board, entries in boards.values():
        for address in (
            reverse("benchmark_plots", args=[board.slug]),
            reverse("submission_plots", args=[entries[0].pk]),
        ):
            response = client.get(address)
            page = read(response)
            assert response.content.decode().count('<details class="behind">') == response.content.decode().count(
                "data-plot="
            )
            assert (
                "The table behind this plot" in page.text
                and "unsafe-inline" not in response.headers["Content-Security-Policy"]
            )
    assert b"plotly" not in client.get(board.get_absolute_url()).content


def test_a_task_shows_the_state_of_the_art_of_each_board_that_its_reader_sees(cast, client):
    first, _ = make_plotted(cast.hospital, "classification", slug="first", task="one")
    second, _ = make_plotted(cast.hospital, "survival", slug="second", task="one")
    make_board(cast.hospital, "third", task="one")  # nothing measured
    make_claim(first, name="Claimed elsewhere", value=0.99)
    page = read(client.get("/tasks/one/"))
    drawn = re.findall(r'data-plot="([^"]+)"', client.get("/tasks/one/").content.decode())
    assert drawn == [f"/api/v1/benchmarks/{board.slug}/plots/state_of_the_art" for board in (first, second)]
    assert "The best score so far is 0.85, by Entry 0." in page.text and "stands in no plot" in page.text
    assert {f"state_of_the_art-{board.slug}" for board in (first, second)} <= set(page.ids)
    for address in drawn:
        told = client.get(address)
        assert told.status_code == 200 and "Claimed elsewhere" not in told.content.decode()
        assert f"{address}?format=csv" in page.links
    Benchmark.objects.filter(pk=second.pk).update(private=True)
    assert re.findall(r'data-plot="([^"]+)"', client.get("/tasks/one/").content.decode()) == drawn[:1]
    Benchmark.objects.filter(pk=first.pk).update(private=True)
    page = client.get("/tasks/one/").content.decode()
    assert "plotly" not in page and "Entry 0" not in page


def test_rest_lists_and_gives_plots_with_an_etag(boards, client):
    board, entries = boards["classification"]
    names = [row["name"] for row in client.get(f"/api/v1/submissions/{entries[0].pk}/plots").json()["plots"]]
    assert names == ["roc", "precision_recall", "calibration", "confusion", "robustness"]
    address = f"/api/v1/submissions/{entries[0].pk}/plots/roc"
    first = client.get(address)
    assert first.json()["data"] and client.get(address, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    table = client.get(address + "?format=csv")
    assert table["Content-Type"].startswith("text/csv") and table.content.decode().startswith("Class,At,Threshold")
    chosen = client.get(f"/api/v1/benchmarks/{board.slug}/plots/forest_plot?metric=average_precision").json()
    assert chosen["layout"]["xaxis"]["title"]["text"] == "AP"


def test_a_board_with_nothing_and_a_run_without_details_say_so(cast, client):
    board = make_board(cast.hospital, labels="public")
    assert "nothing to draw" in read(client.get(reverse("benchmark_plots", args=[board.slug]))).text
    entry = make_entry(board, "a", 0.9)
    assert "nothing to draw" in read(client.get(reverse("submission_plots", args=[entry.pk]))).text
    waiting = make_entry(board, "a", status="queued")
    assert client.get(reverse("submission_plots", args=[waiting.pk])).status_code == 404
    assert make_team("a").user is not None
