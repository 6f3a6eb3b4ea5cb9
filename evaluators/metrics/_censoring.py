"""The censoring distribution and the weights that undo it, from the test set itself (again in each resample) or a cohort.

Guarantees scikit-survival's convention: Kaplan-Meier of being censored, events before censoring at one time, G(t) at t.
"""

import numpy as np

from evaluators.kernels import LANES, censoring
from evaluators.metrics import _forms

BEYOND = "beyond the follow-up of the censoring cohort: fix tau or times below {:g}"
ZERO = "the censoring distribution is 0 at an event: fix tau below {:g}"


class Timeline:
    """Rows by time: `rows`, the distinct `times` (m,), where each starts (`groups`), and the `line` (its time) of each row."""

    def __init__(self, seen: _forms.Outcome):
        self.seen = seen
        self.rows = np.argsort(seen.time).astype(np.int32)
        ordered = seen.time[self.rows]
        starts = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
        self.times = ordered[starts]
        self.groups = np.append(starts, ordered.size).astype(np.int32)
        self.line = np.empty(ordered.size, np.int32)
        self.line[self.rows] = np.repeat(np.arange(starts.size, dtype=np.int32), np.diff(self.groups))

    def curve(self, weights: np.ndarray, of_censoring: bool) -> np.ndarray:
        """The Kaplan-Meier curve after each distinct time on each resample, (m, 32)."""
        out = np.empty((self.times.size, LANES))
        censoring.product_limit(self.rows, self.groups, self.seen.event, of_censoring, weights, out)
        return out


class Censoring:
    """G(t), the chance of being still observed at t: `lines(weights)` at each distinct test time, `at(t, lines)` at t."""

    def __init__(self, timeline: Timeline, cohort=None, upto: float = np.inf):
        self.timeline, self.fixed = timeline, None
        if cohort is None:
            return
        other = Timeline(_forms.outcome(cohort, "censoring"))
        self._times = other.times
        self._curve = np.ascontiguousarray(other.curve(np.ones((other.rows.size, LANES), np.uint8), True)[:, :1])
        needed = timeline.times[timeline.times <= upto]
        self.fixed = np.ones((timeline.times.size, LANES))
        self.fixed[: needed.size] = self._step(needed)[:, None]

    def _step(self, times: np.ndarray) -> np.ndarray:
        if times.size and times.max() > self._times[-1] and self._curve[-1, 0] > 0:
            raise ValueError(BEYOND.format(self._times[-1]))
        values = np.concatenate([[1.0], self._curve[:, 0]])[np.searchsorted(self._times, times, side="right")]
        return np.where(times > self._times[-1], 0.0, values)

    def lines(self, weights: np.ndarray) -> np.ndarray:
        return self.fixed if self.fixed is not None else self.timeline.curve(weights, True)

    def inverse(self, lines: np.ndarray) -> np.ndarray:
        """1 / G at each distinct test time, infinite where it is 0."""
        if self.fixed is not None:
            return inverse(lines)
        out, timeline = np.empty(lines.shape), self.timeline
        censoring.inverse(timeline.rows, timeline.groups, timeline.seen.event, lines, out)
        return out

    def at(self, times: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """G at given times on each resample, (times, 32)."""
        if self.fixed is not None:
            return np.repeat(self._step(times)[:, None], LANES, axis=1)
        index = np.searchsorted(self.timeline.times, times, side="right") - 1
        return np.where(index[:, None] < 0, 1.0, lines[np.maximum(index, 0)])


def inverse(probabilities: np.ndarray) -> np.ndarray:
    """1 / p, infinite where p is 0."""
    return np.divide(1.0, probabilities, out=np.full(probabilities.shape, np.inf), where=probabilities > 0)


def checked_times(times, seen: _forms.Outcome) -> np.ndarray:
    """The times of a time-dependent metric: ascending, inside the follow-up of the test set (ValueError otherwise)."""
    times = np.unique(_forms.numbers(np.atleast_1d(times), "times"))
    if not times.size:
        raise ValueError("times: none given")
    if times[-1] >= seen.time.max() or times[0] < seen.time.min():
        raise ValueError(f"times must lie within the follow-up {seen.time.min():g} to below {seen.time.max():g}")
    return times


def ones(n: int) -> np.ndarray:
    """Weights under which a plan gives the value itself."""
    return np.ones((n, LANES), np.uint8)
