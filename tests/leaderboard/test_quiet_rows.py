"""Trivial predictors and human readers on the board: measured by a worker's own code, quiet, and never ranked."""

import json

import pytest
from django.core.cache import cache

from leaderboard import benchmarks, computations, exports, standings, yardsticks
from leaderboard.models import Benchmark, Computation
from tests import reader_packages
from tests.packages import binary


def measured(benchmark):
    """What a worker does with what publication asked for."""
    row = Computation.objects.get(benchmark=benchmark, topic="yardsticks")
    assert row.content is None
    computations.make(row)
    return benchmark


def test_publication_asks_for_them_and_a_board_shows_them_in_grey(benchmark, cast, client, submit, finished):
    assert not standings.table(benchmark, cast.ann).quiet
    measured(benchmark)
    board = standings.table(benchmark, cast.ann)
    assert [row.name for row in board.quiet] == ["majority", "prevalence", "random"]
    assert board.quiet[0].score.value == 0.5 and not board.entries
    step = benchmark.steps["auroc"]
    assert board.quiet[2].score.value == pytest.approx(round(board.quiet[2].score.value / step) * step)
    entry = submit()
    finished(entry.run, {"auroc": (0.3, [0.3, 0.31, 0.29] * 50)})
    board = standings.table(benchmark, cast.ann)
    assert [entry.rank for entry in board.entries] == [1], "a predictor that looks at nothing takes no rank"
    page = client.get(benchmark.get_absolute_url()).content.decode()
    assert "Trivial predictors:" in page and "Always the commonest class" in page
    assert json.loads(exports.as_json(board))["yardsticks"][0]["score"]["value"] == 0.5


def test_a_sweep_makes_what_a_lost_message_would_have_made(benchmark):
    assert computations.sweep() == 0, "a message that was only just sent is not lost"
    Computation.objects.update(asked=benchmark.created - computations.LATE * 2)
    assert computations.sweep() == 1 and benchmark.yardsticks.count() == 3 and computations.sweep() == 0


def test_what_cannot_be_made_is_not_tried_for_ever(benchmark, monkeypatch):
    Computation.objects.update(asked=benchmark.created - computations.LATE * 2)
    monkeypatch.setitem(computations.MAKERS, yardsticks.TOPIC, lambda *given: 1 / 0)
    for _ in range(computations.ATTEMPTS + 2):
        computations.sweep()
    assert Computation.objects.get().attempts == computations.ATTEMPTS


@pytest.mark.skipif(not reader_packages.DATA.is_dir(), reason="the reader studies are not there")
def test_readers_of_a_published_study_stand_on_its_board(cast, tmp_path, client):
    reader_packages.van_dyke(tmp_path, labels="public")
    benchmark = measured(benchmarks.load(tmp_path, cast.hospital))
    board = standings.table(benchmark, cast.anonymous)
    readers = [row for row in board.quiet if row.kind == "reader"]
    assert len(readers) == 10 and readers[3].score.value == pytest.approx(
        0.973, abs=benchmark.steps["auroc"] / 2 + 1e-3
    )
    assert readers[3].finer["areas"]["auroc"]["value"] == pytest.approx(0.9731079, abs=5e-8)  # as published
    page = client.get(benchmark.get_absolute_url()).content.decode()
    assert "Human readers" in page and "Operating points" in page and ">Reader 1<" in page
    benchmark.yardsticks.filter(name="1").update(name="Radiologist 1")
    cache.clear()
    page = client.get(benchmark.get_absolute_url()).content.decode()
    assert ">Radiologist 1<" in page and "Reader Radiologist" not in page and ">Reader 2<" in page
    Benchmark.objects.filter(pk=benchmark.pk).update(labels="hidden")
    benchmark.refresh_from_db()
    hidden = [row for row in standings.table(benchmark, cast.anonymous).quiet if row.kind == "reader"]
    assert len(hidden) == 10 and not any(row.finer for row in hidden), "points and areas are the organiser's alone"


def test_a_draft_shows_none_and_a_published_one_is_asked_for_once(cast, folder):
    binary(folder, n=20)
    draft = benchmarks.load(folder, cast.hospital, publish=False)
    assert not Computation.objects.exists()
    benchmarks.publish(draft)
    yardsticks.request(draft)
    assert Computation.objects.count() == 1
