"""Metrics that are formulas of weighted counts or sums: written once, they give the value and all resampled values.

A plan is built from one answer. `plan.value()` is the metric; `plan(weights)` with `weights` (n, 32) uint8 multiplicities is
the metric on each of the 32 resamples, equal to the value on the repeated rows. NaN means undefined there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluators.kernels import sums
from evaluators.metrics.registry import Undefined


@dataclass(frozen=True)
class Counts:
    """`formula(counts (columns, cells, B) float64) -> (B,)` over how often each cell occurs in each column of codes."""

    codes: np.ndarray  # (columns, n) int32 in 0..cells-1
    cells: int
    formula: Callable[[np.ndarray], np.ndarray]
    reason: str = "undefined"
    trials: float | None = None  # of a proportion: how many cases it is a share of

    def value(self) -> float:
        counts = np.stack([np.bincount(column, minlength=self.cells) for column in self.codes])
        return told(self.formula(counts[:, :, None].astype(np.float64)), self.reason)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        return self.formula(np.stack([sums.tallied(column, self.cells, weights) for column in self.codes]))


@dataclass(frozen=True)
class Sums:
    """`formula(sums (columns, B)) -> (B,)` over the weighted sum of each column; a first column of ones counts the rows."""

    columns: np.ndarray  # (columns, n) float64
    formula: Callable[[np.ndarray], np.ndarray]
    reason: str = "undefined"

    def value(self) -> float:
        return told(self.formula(self.columns.sum(axis=1)[:, None]), self.reason)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        return self.formula(sums.summed(self.columns, weights))


def told(values: np.ndarray, reason: str) -> float:
    """The only value as a float, or NaN with the reason."""
    return Undefined(reason) if np.isnan(values[0]) else float(values[0])


def ratio(top, bottom):
    """top / bottom, NaN where the bottom is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, np.float64), np.asarray(bottom, np.float64))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN; NaN where nothing is defined."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=0), defined.sum(axis=0))


@dataclass(frozen=True)
class Mean(Sums):
    """The plain mean of a loss over cases, columns (2, n): ones and the loss."""

    def influence(self) -> np.ndarray:
        """How far each case moves the mean, (n,)."""
        loss = self.columns[1]
        return (loss - loss.mean()) / loss.size


def mean(losses: np.ndarray) -> Mean:
    """The plan of a plain mean over cases; losses (n,)."""
    columns = np.stack([np.ones(losses.size), np.asarray(losses, dtype=np.float64)])
    return Mean(columns, lambda s: ratio(s[1], s[0]), "no cases")


class Recalls(Counts):
    """Counts of one confusion table (truth x decision) whose value is a mean of the recalls of the classes."""

    def rates(self) -> tuple[np.ndarray, np.ndarray]:
        """The recall of each class that has cases, and how many it has."""
        k = int(round(self.cells**0.5))
        table = np.bincount(self.codes[0], minlength=self.cells).reshape(k, k)
        trials = table.sum(axis=1)
        return (np.diag(table)[trials > 0] / trials[trials > 0]), trials[trials > 0].astype(np.float64)
