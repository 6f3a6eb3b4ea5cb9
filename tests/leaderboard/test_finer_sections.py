"""Subgroups and ranking schemes on a board: for whom they are, the worst group and the gap, tau against scipy."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from scipy import stats

from evaluators.models import Score
from leaderboard import schemes, standings, subgroups, submissions
from leaderboard.models import Benchmark, Submission
from zoo import accounts
from zoo.models import Model


@pytest.fixture
def entries(submit, finished, benchmark):
    """Four entries; the first has groups, one of them too small."""
    benchmark.package.manifest["groups"] = ["sex", "site"]
    benchmark.package.save()
    made, random = [], np.random.default_rng(3)
    for number, value in enumerate((0.9, 0.88, 0.7, 0.6)):
        user = accounts.create_user(f"user{number}")
        entry = submit(user.namespace, user, seed=number, name=f"entry {number}")
        finished(entry.run, {"auroc": (value, value + random.normal(0, 0.02, 400))})
        for subset, score, error, n in (("sex=f", value + 0.05, 0.03, 30), ("sex=m", value - 0.1, 0.04, 25)):
            Score.objects.create(run=entry.run, metric="auroc", subset=subset, value=score, low=score - 0.05, high=score + 0.05,
                                 error=error, n=n, patients=n)  # fmt: skip
        Score.objects.create(run=entry.run, metric="auroc", subset="sex=x", n=5, patients=5,
                             reason="fewer than 10 events: not shown")  # fmt: skip
        made.append(entry)
    return made


def test_each_group_with_interval_and_n_the_worst_and_the_gap(entries, benchmark, cast, client):
    column, other = subgroups.of(standings.table(benchmark, cast.member))
    assert [(value, n) for value, n, _, _ in column.groups] == [("f", 30), ("m", 25), ("x", 5)] and other.groups == []
    gap = column.gaps[0]
    half = 1.959964 * np.hypot(0.03, 0.04)
    assert (gap.worst, gap.best) == ("m", "f") and float(gap.text) == pytest.approx(0.15, abs=0.03)
    assert float(gap.high_text) == pytest.approx(0.15 + half, abs=0.03)
    small = column.groups[2][3][0]
    assert small.value is None and small.reason == "fewer than 10 events: not shown"
    assert subgroups.of(standings.table(benchmark, cast.ann)) == [], "hidden labels: the organiser's alone"
    assert "For whom it works" not in client.get(benchmark.get_absolute_url()).content.decode()
    Benchmark.objects.filter(pk=benchmark.pk).update(labels="public")
    page = client.get(benchmark.get_absolute_url()).content.decode()
    assert "For whom it works" in page and "fewer than 10 events" in page and "worst" in page


def test_schemes_of_a_metric_without_values_of_single_cases(entries, benchmark, cast, client):
    found = schemes.of(standings.table(benchmark, cast.member), "test_then_rank")
    ranks = dict(zip(schemes.NAMES, zip(*(ranks for _, ranks in found.rows), strict=True), strict=True))
    assert ranks["mean_then_rank"] == (1, 2, 3, 4) and ranks["test_then_rank"] == (1, 1, 3, 4) and not found.by_case
    for a, b, tau in found.taus:
        assert tau == pytest.approx(stats.kendalltau(ranks[a], ranks[b]).statistic)
    assert schemes.of(standings.table(benchmark, cast.ann)) is None
    Benchmark.objects.filter(pk=benchmark.pk).update(labels="public")
    page = client.get(benchmark.get_absolute_url() + "?scheme=rank_then_mean").content.decode()
    assert "Under other ranking schemes" in page and 'aria-sort="ascending"' in page


def test_schemes_by_case_are_those_of_the_library(benchmark, cast, submit, finished, monkeypatch):
    """On per-case values, as a segmentation run leaves them."""
    from evaluators import statistics

    random, values = np.random.default_rng(1), []
    for number in range(3):
        user = accounts.create_user(f"user{number}")
        entry = submit(user.namespace, user, seed=number, name=f"entry {number}")
        own = random.normal(0.5 + 0.1 * number, 0.1, 60)
        values.append(own)
        draws = own.mean() + random.normal(0, 0.01, 200)
        finished(entry.run, {"auroc": (own.mean(), draws)}, **{"per_case:auroc:": own})
    found = schemes.of(standings.table(benchmark, cast.member))
    assert found.by_case
    wanted = statistics.rank(np.array(values), resamples=200)
    by = {entry.name: ranks for entry, ranks in found.rows}
    assert [by[f"entry {n}"] for n in range(3)] == [
        [int(wanted.ranks[name][n]) for name in schemes.NAMES] for n in range(3)
    ]


def test_a_board_is_seen_as_of_a_past_day_and_filtered(entries, benchmark, cast, client):
    old = timezone.now() - timedelta(days=10)
    for entry in entries[:2]:
        type(entry.run).objects.filter(pk=entry.run.pk).update(created=old, finished=old)
        Submission.objects.filter(pk=entry.pk).update(created=old)
    submissions.withdraw(entries[0], cast.operator)
    names = lambda **choice: [entry.name for entry in standings.table(benchmark, cast.ann, **choice).entries]  # noqa: E731
    assert names() == ["entry 1", "entry 2", "entry 3"]
    assert names(day=(old + timedelta(days=1)).date()) == ["entry 0", "entry 1"]
    assert names(day=(old - timedelta(days=2)).date()) == []
    assert names(team="USER2") == ["entry 2"]
    page = client.get(
        benchmark.get_absolute_url(), {"day": (old + timedelta(days=1)).date().isoformat()}
    ).content.decode()
    assert "The board as it stood" in page and "entry 0" in page and "entry 2" not in page
    assert client.get(benchmark.get_absolute_url() + "?day=tomorrow").status_code == 404


def test_a_board_is_filtered_by_what_its_networks_were_trained_on(entries, benchmark, cast, client):
    cards = ({"medical": {"modality": "CT"}}, {"modality": ["MRI", "CT"]}, {"medical": {"modality": ["ultrasound"]}})
    for number, card in enumerate(cards):
        model = Model.objects.create(namespace=cast.lab, name=f"net{number}", card=card)
        Submission.objects.filter(pk=entries[number].pk).update(model=model, revision="a" * 40)
    address, rest = benchmark.get_absolute_url(), f"/api/v1/benchmarks/{benchmark.slug}/leaderboard"
    ranks = lambda **query: {e["name"]: e["rank"] for e in client.get(rest, query).json()["entries"]}  # noqa: E731
    page = lambda **query: client.get(address, query).content.decode()  # noqa: E731
    whole = ranks()
    assert len(whole) == 4 and all(f"<option>{name}</option>" in page() for name in ("CT", "MRI", "ultrasound"))
    for modality, numbers in (("CT", [0, 1]), ("MRI", [1]), ("ultrasound", [2]), ("CT scan", [])):
        wanted = {f"entry {number}": whole[f"entry {number}"] for number in numbers}
        assert ranks(training=modality) == wanted, "rows are hidden, ranks are what they were"
        assert ("No entry fits what was chosen" in page(training=modality)) == (not numbers)
        table = page(training=modality).partition('id="board"')[2].partition("</table>")[0] if numbers else ""
        assert [f"entry {n}" in table for n in range(4)] == [n in numbers for n in range(4)]
    assert list(ranks(team="USER2")) == ["entry 2"] and ranks(training="CT", team="user2") == {}
    assert ranks(day="2020-01-01") == {} and ranks(day=timezone.localdate().isoformat()) == whole
    for wrong in ("tomorrow", "9999-12-31"):
        assert client.get(rest, {"day": wrong}).status_code == 404
    Model.objects.filter(name="net0").update(private=True)
    assert list(ranks(training="CT")) == ["entry 1"], "what a private model learnt from tells nobody"
