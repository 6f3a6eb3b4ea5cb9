"""The compare page: tests that suit the metric, adjusted, never contradicting the board; finer things for whom they are."""

import itertools

import numpy as np
import pytest
from scipy import stats

from evaluators import evaluate, readings, yardsticks
from evaluators.statistics import reader_study
from leaderboard import benchmarks, cases, compare, standings, submissions
from leaderboard.models import Benchmark
from tests import reader_packages
from tests.packages import binary, binary_answer
from zoo import accounts
from zoo.errors import NotFound


def evaluated(benchmark, number, score, tmp_path, finished):
    """A submission of a team of its own, scored as a worker scores it."""
    user = accounts.create_user(f"user{number}")
    path = tmp_path / f"answer{number}.csv"
    ids = cases.of(benchmark.package).ids
    names = benchmark.package.manifest["classes"]
    lines = [f"{name},{1 - p!r},{p!r}" for name, p in zip(ids, score.tolist(), strict=True)]
    path.write_text(f"case_id,{','.join(names)}\n" + "\n".join(lines) + "\n")
    made = submissions.submit(benchmark, user.namespace, user, file=path, name=f"entry {number}")
    result = evaluate.score(
        benchmark.package.manifest, cases.of(benchmark.package), np.column_stack([1 - score, score])
    )
    values = {
        row.metric: (row.value, result.details[f"resampled:{row.metric}:all"])
        for row in result.scores
        if row.subset == "all"
    }
    finished(made.run, values, n=len(ids), patients=benchmark.package.patients, prediction=result.details["prediction"])
    return made


def delong(truth, a, b):
    """Two-sided p, with plain loops over all pairs of cases."""
    ill, well = truth == 1, truth == 0
    parts = []
    for score in (a, b):
        wins = (score[ill][:, None] > score[well][None]) + 0.5 * (score[ill][:, None] == score[well][None])
        parts.append((wins.mean(axis=1), wins.mean(axis=0), wins.mean()))
    variance = sum(np.var(parts[0][side] - parts[1][side], ddof=1) / len(parts[0][side]) for side in (0, 1))
    return 2 * stats.norm.sf(abs(parts[0][2] - parts[1][2]) / np.sqrt(variance))


@pytest.fixture
def board(cast, folder, tmp_path, finished):
    """Three answers to 120 independent cases: two alike, one much worse."""
    labels = binary(folder, n=120, resample={"unit": "case_id", "resamples": 500})
    made = benchmarks.load(folder, cast.hospital)
    scores = [binary_answer(tmp_path / "x.csv", labels, skill, seed) for skill, seed in ((1.2, 1), (1.1, 2), (0.1, 3))]
    rows = [evaluated(made, number, score, tmp_path, finished) for number, score in enumerate(scores)]
    return made, rows, labels, scores


def test_pairs_are_tested_by_delong_and_adjusted_and_agree_with_the_board(board, cast):
    benchmark, rows, labels, scores = board
    found = compare.of(benchmark, cast.member, [row.pk for row in rows])
    assert [(pair.a.submission, pair.b.submission) for pair in found.pairs] == list(itertools.combinations(rows, 2))
    p = [delong(labels, scores[a], scores[b]) for a, b in itertools.combinations(range(3), 2)]
    assert [pair.p for pair in found.pairs] == pytest.approx(p, abs=1e-6) and found.pairs[0].method == "DeLong"
    assert max(pair.holm for pair in found.pairs) <= 1 and all(pair.holm >= pair.p for pair in found.pairs)
    table = standings.table(benchmark, cast.member)
    first = table.entries[0]
    for pair in found.pairs:
        if first.submission in (pair.a.submission, pair.b.submission):
            other = pair.b if pair.a.submission == first.submission else pair.a
            assert pair.differ == (not next(e for e in table.entries if e.submission == other.submission).tied)
    assert [pair.differ for pair in found.pairs] == [False, True, True]
    worst = found.disagreements[0]
    own = [np.where(labels == 1, score, 1 - score) for score in scores]
    spread = np.max(own, axis=0) - np.min(own, axis=0)
    assert worst["case"] == f"case-{spread.argmax():04d}" and worst["values"] == pytest.approx(
        [o[spread.argmax()] for o in own], abs=1e-3
    )


def test_where_labels_are_hidden_a_participant_sees_rounded_differences_alone(board, cast, client):
    benchmark, rows, *_ = board
    found = compare.of(benchmark, rows[0].author, [row.pk for row in rows])
    assert not found.disagreements and not found.readers
    assert {(pair.p, pair.holm, pair.method) for pair in found.pairs} == {(None, None, "")}
    step = benchmark.steps["auroc"]
    assert all(abs(pair.value / step - round(pair.value / step)) < 1e-9 for pair in found.pairs)
    page = client.get(f"/benchmarks/{benchmark.slug}/compare/").content.decode()
    assert "not told apart" in page and "DeLong" not in page and "case-0" not in page
    client.force_login(cast.member)
    page = client.get(f"/benchmarks/{benchmark.slug}/compare/").content.decode()
    assert "DeLong" in page and "Where they disagree most" in page and "case-0" in page
    Benchmark.objects.filter(pk=benchmark.pk).update(labels="public")
    client.logout()
    assert "DeLong" in client.get(f"/benchmarks/{benchmark.slug}/compare/").content.decode()


def test_one_entry_seven_and_strangers_are_refused_in_words(board, cast, client):
    benchmark, rows, *_ = board
    for wanted in ([rows[0].pk], [999_999, rows[0].pk]):
        with pytest.raises(NotFound):
            compare.of(benchmark, cast.ann, wanted)
    assert client.get(f"/benchmarks/{benchmark.slug}/compare/?s={rows[0].pk}&s=x").status_code == 404
    submissions.withdraw(rows[2], cast.operator)
    with pytest.raises(NotFound):
        compare.of(benchmark, cast.ann, [rows[0].pk, rows[2].pk])


@pytest.mark.skipif(not reader_packages.DATA.is_dir(), reason="the reader studies are not there")
def test_models_are_compared_with_readers_by_obuchowski_and_rockette(cast, folder, tmp_path, finished, client):
    reader_packages.van_dyke(folder, labels="public", readers={"margin": 0.05})
    made = benchmarks.load(folder, cast.hospital)
    held_out = cases.of(made.package)
    random = np.random.default_rng(0)
    scores = [
        np.clip(0.5 + 0.4 * (held_out.reference - 0.5) + random.normal(0, 0.1, 114), 0, 1).round(6) for _ in range(2)
    ]
    rows = [evaluated(made, number, score, tmp_path, finished) for number, score in enumerate(scores)]
    found = compare.of(made, cast.anonymous, [row.pk for row in rows])
    study = readings.read(made.package.manifest, held_out, folder / "readers.csv")
    values = np.stack([yardsticks.ranked(one.values) for one in study.of("1")])
    wanted = reader_study(held_out.reference, scores[0], values, 0.05)
    row = next(row for row in found.readers if (row["entry"], row["arm"]) == (0, "1"))
    assert (row["effect"], row["p"], row["low"]) == pytest.approx((wanted.effect, wanted.p, wanted.low), abs=1e-6)
    assert row["readers"] == pytest.approx(np.mean([0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907]), abs=1e-6)
    assert row["non_inferior"] is True and len(found.readers) == 4
    page = client.get(f"/benchmarks/{made.slug}/compare/").content.decode()
    assert "Against human readers" in page and "not inferior, margin 0.05" in page
