"""Standings computed anew from what a board exports of single cases, by numpy, scipy, scikit-learn and lifelines alone.

Imports nothing of this project, so that an error in its statistics cannot be on both sides of a comparison.
"""

import csv
import itertools
import math

import numpy as np
from lifelines.utils import concordance_index
from scipy import stats
from sklearn import metrics

RESAMPLES = 2000
FIVE_YEARS = 1826  # days


def answers(text: str, part: str) -> dict[int, dict[str, np.ndarray]]:
    """{submission: {"reference" (texts), "value", "patient"}} from the CSV of single cases, of one class ("" where none)."""
    found: dict[int, dict[str, list]] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["part"] == part:
            one = found.setdefault(int(row["submission"]), {"reference": [], "value": [], "patient": []})
            one["reference"].append(row["reference"])
            one["value"].append(float(row["value"]))
            one["patient"].append(row["patient"])
    return {pk: {name: np.array(values) for name, values in one.items()} for pk, one in found.items()}


class Classes:
    """A benchmark of two classes: an answer is the probability of the second."""

    def __init__(self, reference: np.ndarray, positive: str):
        self.truth = reference == positive

    def values(self, score: np.ndarray) -> dict[str, float]:
        """By the name that a board gives each metric."""
        truth, called = self.truth, score >= 0.5
        wrong, right, _ = metrics.roc_curve(truth, score, drop_intermediate=False)
        treated = score >= 0.1
        gain, harm = (treated & truth).mean(), (treated & ~truth).mean()
        return {
            "auroc": metrics.roc_auc_score(truth, score),
            "average_precision": metrics.average_precision_score(truth, score),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
            "brier": metrics.brier_score_loss(truth, score),
            "sensitivity_at_specificity": right[wrong <= 0.05 + 1e-12].max(),
            "net_benefit": gain - harm * 0.1 / 0.9,
        }

    def resampled(self, score: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(B,) areas where case i is there counts[b, i] times: wins of pairs, ties half."""
        ill, well = score[self.truth][:, None], score[~self.truth][None]
        wins = (ill > well) + 0.5 * (ill == well)
        many, other = counts[:, self.truth].astype(float), counts[:, ~self.truth].astype(float)
        return ((many @ wins) * other).sum(axis=1) / (many.sum(axis=1) * other.sum(axis=1))

    def p(self, a: np.ndarray, b: np.ndarray) -> float:
        """DeLong, DeLong & Clarke-Pearson (1988), with all pairs of cases."""
        parts = []
        for score in (a, b):
            ill, well = score[self.truth][:, None], score[~self.truth][None]
            wins = (ill > well) + 0.5 * (ill == well)
            parts.append((wins.mean(axis=1), wins.mean(axis=0), wins.mean()))
        variance = sum(np.var(parts[0][i] - parts[1][i], ddof=1) / len(parts[0][i]) for i in (0, 1))
        return 2 * stats.norm.sf(abs(parts[0][2] - parts[1][2]) / math.sqrt(variance))


class Survival:
    """Times with events ("12.0|1"); an answer is a risk."""

    def __init__(self, reference: np.ndarray):
        self.time, event = (
            np.array(column, float) for column in zip(*(text.split("|") for text in reference), strict=True)
        )
        self.event = event == 1

    def values(self, risk: np.ndarray) -> dict[str, float]:
        time, event = self.time, self.event
        observed = np.ones(
            len(time)
        )  # the chance of being still observed; an event comes before a censoring of the same day
        for at in np.unique(time[~event]):
            gone, there = ((time == at) & ~event).sum(), ((time > at) | ((time == at) & ~event)).sum()
            observed[time >= at] *= 1 - gone / there
        weight = np.divide(event & (time < FIVE_YEARS), observed**2, out=np.zeros(len(time)), where=observed > 0)
        pairs = self.known() * weight[:, None]
        right = (risk[:, None] > risk) + 0.5 * (risk[:, None] == risk)
        return {
            "concordance_index": concordance_index(time, -risk, event),
            "concordance_index_ipcw": (pairs * right).sum() / pairs.sum(),
        }

    def known(self) -> np.ndarray:
        """(n, n): whether row is known to have had the event before column had it, if ever."""
        time, event = self.time, self.event
        return event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))

    def resampled(self, risk: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(B,) Harrell's index: of the pairs whose order is known, the share in which who had the event first has the higher risk."""
        known = self.known()
        right = known * ((risk[:, None] > risk) + 0.5 * (risk[:, None] == risk))
        many = counts.astype(float)
        return ((many @ right) * many).sum(axis=1) / ((many @ known.astype(float)) * many).sum(axis=1)


def draw(patients: np.ndarray, seed: int) -> np.ndarray:
    """(B, n): how often each case is in each resample, when patients are drawn with replacement."""
    names, codes = np.unique(patients, return_inverse=True)
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    return counts[:, codes]


def shares(resampled: np.ndarray) -> np.ndarray:
    """(K, K): in what share of the resamples (K, B) entry i takes rank j + 1; of equals the first listed."""
    place = np.argsort(np.argsort(-resampled, axis=0, kind="stable"), axis=0, kind="stable")
    return np.array([np.bincount(row, minlength=len(resampled)) / resampled.shape[1] for row in place])


def apart(values: np.ndarray, resampled: np.ndarray, patients: int) -> tuple[np.ndarray, float]:
    """(t of every pair (K, K), critical value): one studentised max-T over all pairs, corrected for few patients."""
    count = len(values)
    t, largest = np.zeros((count, count)), np.zeros(resampled.shape[1])
    for i, j in itertools.combinations(range(count), 2):
        difference = resampled[i] - resampled[j]
        error = np.std(difference, ddof=1)
        largest = np.maximum(largest, np.abs(difference - (values[i] - values[j])) / error)
        t[i, j] = (values[i] - values[j]) / (error * math.sqrt(patients / (patients - 1)))
        t[j, i] = -t[i, j]
    quantile = np.sort(largest)[math.ceil(0.95 * (len(largest) - 1))]
    return t, float(stats.t.isf(stats.norm.sf(quantile), patients - 1))
