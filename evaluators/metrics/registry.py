"""The registry of metrics: one decorator registers a pure function, and its facts live beside it as data.

`METRICS[name](reference, prediction, **parameters) -> float`. A value that cannot be computed is NaN with a reason
(`Undefined`), never 0. NaN and infinity in the input are refused with ValueError before any loop.
"""

import difflib
import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


class Undefined(float):
    """A NaN that says why: `float("nan")` in every computation, with `.reason` for the reader."""

    reason: str

    def __new__(cls, reason: str):
        self = super().__new__(cls, math.nan)
        self.reason = reason
        return self


@dataclass(frozen=True)
class Metric:
    """A metric and the facts about it that pages, forms, the API and the tests derive from."""

    name: str  # the function's name
    title: str  # as the field writes it: "Area under the ROC curve"
    symbol: str  # short, for table heads: "AUROC"
    kinds: tuple[str, ...]  # of benchmark: classification, segmentation, detection, survival, restoration, regression
    needs: frozenset[str]  # of the answer: scores (classes: never multi-label), grades, risk, survival, masks, ...
    direction: str  # "higher" | "lower" | "target" (best at `best`)
    range: tuple[float, float]
    best: float
    unit: str  # "" when it is a plain number, else "mm", "dB", ...
    formula: str
    convention: str  # ties, empties, degenerate input: what was decided, and that others differ
    equals: str  # the library it equals
    pitfalls: str
    reference: str  # the paper
    function: Callable[..., float]
    chance: float | None = None  # the value of a guess, where there is one
    interval: str = "percentile"  # how its interval is made, chosen by measured coverage: see statistics.intervals
    parameters: Mapping[str, object] = field(default_factory=dict)
    steered: bool = (
        False  # an answer sets each case's weight without limit: one value can tell many labels, rounded or not
    )
    # (reference, prediction, **parameters) -> (weights (n, B) uint8 -> (B,)): the value on B resamples, see statistics
    weighted: Callable | None = None
    per_case: Callable | None = (
        None  # (reference, prediction, **parameters) of ONE case -> float; the value is their mean
    )

    do_not_call_in_templates = True  # a template that names a metric wants its facts

    def __call__(self, reference, prediction, **parameters) -> float:
        return self.function(reference, prediction, **parameters)


class Registry(dict):
    """Metrics by name; a mistyped name is answered with the near ones."""

    def __missing__(self, name):
        near = difflib.get_close_matches(str(name), self, n=3, cutoff=0.5)
        raise KeyError(f"no metric {name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))


METRICS: Registry = Registry()


def metric(*, weighted=None, per_case=None, **facts):
    """Register a function `(reference, prediction, **parameters) -> float` under its own name; returns it unchanged."""

    def register(function):
        name = function.__name__
        if name in METRICS:
            raise ValueError(f"metric {name!r} is registered twice")
        facts["needs"] = frozenset(facts["needs"])
        METRICS[name] = Metric(name=name, function=function, weighted=weighted, per_case=per_case, **facts)
        return function

    return register


def load(package: str) -> None:
    """Import every module of a folder, so that a metric is one new file and no edit elsewhere."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.name.startswith("_") and module.name != "registry":
            importlib.import_module(f"{package}.{module.name}")
