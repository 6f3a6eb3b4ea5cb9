"""Brings what a caller passes into the arrays the metrics compute on, and refuses what cannot be scored.

Guarantees that past this door everything is finite, of one length and of the right type (ValueError otherwise).
"""

from dataclasses import dataclass

import numpy as np


def numbers(values, what: str, ndim: tuple[int, ...] = (1,)) -> np.ndarray:
    """`values` as a contiguous float64 array; ValueError for NaN, infinity, text or a wrong number of dimensions."""
    try:
        array = np.ascontiguousarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what}: not numbers") from error
    if array.ndim not in ndim:
        raise ValueError(f"{what}: {array.ndim} dimensions, expected {' or '.join(map(str, ndim))}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what}: {int((~np.isfinite(array)).sum())} values are NaN or infinite")
    return array


def whole_numbers(values, what: str, ndim: tuple[int, ...] = (1,)) -> np.ndarray:
    """`values` as a contiguous int64 array; ValueError when they are negative or not whole."""
    array = np.asarray(values)
    if array.dtype.kind not in "bui":
        floats = numbers(values, what, ndim)
        array = floats.astype(np.int64)
        if (array != floats).any():
            raise ValueError(f"{what}: class indices must be whole numbers")
    if array.ndim not in ndim:
        raise ValueError(f"{what}: {array.ndim} dimensions, expected {' or '.join(map(str, ndim))}")
    array = np.ascontiguousarray(array, dtype=np.int64)
    if array.size and array.min() < 0:
        raise ValueError(f"{what}: negative class index")
    return array


def same_length(reference, prediction) -> None:
    if len(reference) != len(prediction):
        raise ValueError(f"{len(prediction)} predictions for {len(reference)} cases")
    if not len(reference):
        raise ValueError("no cases")


@dataclass(frozen=True)
class Labels:
    """A classification answer: `kind` binary (truth (n,), scores (n,)), classes (scores (n, k)) or labels (both (n, k))."""

    kind: str
    truth: np.ndarray
    scores: np.ndarray

    @property
    def classes(self) -> int:
        return 2 if self.kind == "binary" else self.scores.shape[1]

    def columns(self):
        """Each class against the rest (or each label): pairs of 0/1 truth (n,) and score (n,)."""
        if self.kind == "binary":
            return [(self.truth, self.scores)]
        if self.kind == "classes":
            return [((self.truth == k).astype(np.int64), self.scores[:, k]) for k in range(self.classes)]
        return [(self.truth[:, k], self.scores[:, k]) for k in range(self.classes)]


def labels(reference, prediction, positive=None) -> Labels:
    """The forms of a classification answer, told apart by shape.

    reference `(n,)` class indices with prediction `(n,)` (score of class 1) or `(n, 2)`: binary; with `(n, k)`, k > 2:
    classes; reference `(n, k)` of 0/1 with prediction `(n, k)`: labels. `positive` (class indices) makes classes binary:
    the truth is "one of them", the score the sum of their columns.
    """
    truth = whole_numbers(reference, "reference", (1, 2))
    scores = numbers(prediction, "prediction", (1, 2))
    same_length(truth, scores)
    if truth.ndim == 2:
        if truth.shape != scores.shape:
            raise ValueError(f"prediction has shape {scores.shape}, reference {truth.shape}")
        if truth.max() > 1:
            raise ValueError("reference: a multi-label reference holds 0 and 1 only")
        return Labels("labels", truth, scores)
    if scores.ndim == 1:
        if truth.max() > 1:
            raise ValueError(f"reference has class {int(truth.max())}; one score a case is for classes 0 and 1")
        return Labels("binary", truth, scores)
    k = scores.shape[1]
    if k < 2:
        raise ValueError("prediction: a single column; pass the score of the positive class as (n,)")
    if truth.max() >= k:
        raise ValueError(f"reference has class {int(truth.max())}, prediction only {k} columns")
    if positive is not None:
        chosen = np.unique(np.atleast_1d(positive))
        if chosen.size and (chosen.min() < 0 or chosen.max() >= k):
            raise ValueError(f"positive: class out of 0..{k - 1}")
        return Labels(
            "binary", np.isin(truth, chosen).astype(np.int64), np.ascontiguousarray(scores[:, chosen].sum(axis=1))
        )
    if k == 2:
        return Labels("binary", truth, np.ascontiguousarray(scores[:, 1]))
    return Labels("classes", truth, scores)


def decided(form: Labels, threshold: float = 0.5) -> np.ndarray:
    """The decision for each case: score >= threshold (binary, labels), or the first of the highest scores (classes)."""
    if form.kind == "classes":
        return form.scores.argmax(axis=1)
    return (form.scores >= threshold).astype(np.int64)


def grades(reference, prediction, classes: int | None = None, thresholds=None) -> tuple[np.ndarray, np.ndarray, int]:
    """Ordinal truth and grade `(n,)` and the number of grades k; `(n, k)` probabilities give the grade by argmax.

    With `thresholds` (k - 1 ascending numbers) the grade is how many of them the expected grade (or the value) reaches.
    """
    truth = whole_numbers(reference, "reference")
    values = numbers(prediction, "prediction", (1, 2))
    same_length(truth, values)
    if thresholds is not None:
        cuts = numbers(thresholds, "thresholds")
        if (np.diff(cuts) <= 0).any():
            raise ValueError("thresholds must ascend")
        expected = values @ np.arange(values.shape[1]) / values.sum(axis=1) if values.ndim == 2 else values
        grade, k = (expected[:, None] >= cuts).sum(axis=1), cuts.size + 1
    elif values.ndim == 2:
        grade, k = values.argmax(axis=1), values.shape[1]
    else:
        grade = whole_numbers(values, "prediction")
        k = int(max(truth.max(), grade.max())) + 1
    k = classes or k
    if max(truth.max(), grade.max()) >= k:
        raise ValueError(f"a grade is beyond the {k} classes")
    return truth, grade.astype(np.int64), int(k)


@dataclass(frozen=True)
class Outcome:
    """Right-censored survival: time (n,) above or at 0, event (n,) bool (False: censored)."""

    time: np.ndarray
    event: np.ndarray


def outcome(reference, what: str = "reference") -> Outcome:
    """`{"time": (n,), "event": (n,)}` as arrays; ValueError for negative times or events other than 0 and 1."""
    try:
        time, event = reference["time"], reference["event"]
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError(f'{what}: expected {{"time": (n,), "event": (n,)}}') from error
    time, flags = numbers(time, f"{what} time"), numbers(event, f"{what} event")
    if time.shape != flags.shape:
        raise ValueError(f"{what}: {time.size} times, {flags.size} events")
    if ((flags != 0) & (flags != 1)).any():
        raise ValueError(f"{what} event: only 0 (censored) and 1 (event)")
    if time.size and time.min() < 0:
        raise ValueError(f"{what} time: negative")
    return Outcome(time, flags == 1)


def survival(prediction) -> tuple[np.ndarray, np.ndarray]:
    """Times (k,) ascending and survival probabilities (n, k) of `{"times": (k,), "survival": (n, k)}`."""
    try:
        times, curves = prediction["times"], prediction["survival"]
    except (TypeError, KeyError, IndexError) as error:
        raise ValueError('prediction: expected {"times": (k,), "survival": (n, k)}') from error
    times, curves = numbers(times, "prediction times"), numbers(curves, "prediction survival", (2,))
    if curves.shape[1] != times.size:
        raise ValueError(f"prediction: {times.size} times, {curves.shape[1]} survival columns")
    if times.size and (np.diff(times) <= 0).any():
        raise ValueError("prediction times must ascend")
    if curves.size and (curves.min() < 0 or curves.max() > 1):
        raise ValueError("prediction survival: probabilities must lie in 0..1")
    return times, curves


def risk(prediction) -> np.ndarray:
    """A risk (n,), higher meaning earlier; from curves: minus the area under each (restricted mean survival time)."""
    if isinstance(prediction, dict) and prediction.get("risk") is not None:
        return numbers(prediction["risk"], "prediction risk")
    if isinstance(prediction, dict):
        times, curves = survival(prediction)
        starts, heights = np.concatenate([[0.0], times]), np.column_stack([np.ones(len(curves)), curves])
        return -np.trapezoid(heights, starts, axis=1)
    return numbers(prediction, "prediction")
