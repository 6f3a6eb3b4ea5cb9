"""Standings from outside: what is exported of single cases gives the board again, and tests to 1e-6."""

import csv

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leaderboard import compare, standings
from leaderboard.models import Benchmark
from tests.leaderboard.test_compare import board, delong  # noqa: F401  the fixture


def read(response) -> dict[str, dict]:
    """{submission: {"truth", "score", "patient"}} from the export alone."""
    found = {}
    for row in csv.DictReader(b"".join(response.streaming_content).decode().splitlines()):
        if row["part"] == "malignant":
            one = found.setdefault(row["submission"], {"truth": [], "score": [], "patient": []})
            one["truth"].append(row["reference"] == "malignant")
            one["score"].append(float(row["value"]))
            one["patient"].append(int(row["patient"]))
    return {name: {key: np.array(values) for key, values in one.items()} for name, one in found.items()}


def test_the_export_of_single_cases_gives_the_standings_again(board, client, cast):  # noqa: F811
    benchmark, rows, *_ = board
    address = f"/api/v1/benchmarks/{benchmark.slug}/case-scores"
    refused = client.get(address)
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "hidden_labels"
    Benchmark.objects.filter(pk=benchmark.pk).update(labels="public")
    benchmark.refresh_from_db()
    told = read(client.get(address))
    shown = standings.table(benchmark, cast.member)
    names = [str(entry.submission.pk) for entry in shown.entries]
    values = np.array([roc_auc_score(told[name]["truth"], told[name]["score"]) for name in names])
    assert [entry.score.value for entry in shown.entries] == pytest.approx(values, abs=1e-12)

    random, many = np.random.default_rng(11), 1500
    resampled = np.full((3, many), np.nan)
    for b in range(many):
        chosen = random.integers(0, 120, 120)
        truth = told[names[0]]["truth"][chosen]
        if 0 < truth.sum() < 120:
            resampled[:, b] = [roc_auc_score(truth, told[name]["score"][chosen]) for name in names]
    resampled = resampled[:, np.isfinite(resampled).all(axis=0)]
    order = np.argsort(np.argsort(-resampled, axis=0), axis=0)
    share = np.array([np.bincount(order[i], minlength=3) / resampled.shape[1] for i in range(3)])
    kept = np.array([shown.stability[entry.submission.pk] for entry in shown.entries]) / 100
    assert np.abs(share - kept).max() < 4 * np.sqrt(0.25 / 500) + 0.01, (
        "ranks over resamples agree within Monte-Carlo error"
    )
    paired = np.std(resampled[0] - resampled[1], ddof=1)
    assert shown.resolvable == pytest.approx(2.8 * paired, rel=0.15)

    found = compare.of(benchmark, cast.anonymous, [row.pk for row in rows])
    for pair in found.pairs:
        a, b = told[str(pair.a.submission.pk)], told[str(pair.b.submission.pk)]
        assert pair.p == pytest.approx(delong(a["truth"].astype(int), a["score"], b["score"]), abs=1e-6)
