"""Walks the registry: a metric is tested for its facts, its best value and its refusals from the moment it exists."""

import inspect
import math

import numpy as np
import pytest

from evaluators.metrics import METRICS
from evaluators.metrics.registry import Undefined, metric
from evaluators.statistics.choice import MAKERS

from .inputs import INPUTS

KINDS = {"classification", "segmentation", "detection", "survival", "restoration", "regression"}
TABLES = [name for name, found in INPUTS.items() if found]


@pytest.mark.parametrize("name", METRICS)
def test_facts_are_complete(name):
    m = METRICS[name]
    for fact in ("title", "symbol", "formula", "convention", "equals", "pitfalls", "reference"):
        assert getattr(m, fact).strip(), fact
    assert set(m.kinds) <= KINDS
    assert m.kinds
    assert m.needs
    assert m.direction in ("higher", "lower", "target")
    bottom, top = m.range
    assert bottom <= m.best <= top
    assert m.direction != "higher" or m.best == top
    assert m.direction != "lower" or m.best in (bottom, 0.0)
    assert m.interval in MAKERS
    assert ">>>" in m.function.__doc__


@pytest.mark.parametrize("name", METRICS)
def test_declared_parameters_are_those_of_the_function(name):
    taken = inspect.signature(METRICS[name].function).parameters
    keywords = {p.name for p in taken.values() if p.kind is p.KEYWORD_ONLY}
    assert set(METRICS[name].parameters) <= keywords


def perfect(metric, reference):
    """The answer nothing can beat, in the form the metric takes; None where there is no such form."""
    if "survival" in metric.kinds:
        time, event = np.asarray(reference["time"]), np.asarray(reference["event"])
        if "survival" in metric.needs:
            return None  # the best Brier score under censoring is not 0
        return -time + 1e-3 * event
    if "regression" in metric.kinds or "grades" in metric.needs:
        return reference
    if np.ndim(reference) == 2:
        return np.asarray(reference, float)
    k = int(np.max(reference)) + 1
    return np.asarray(reference, float) if k == 2 else np.eye(k)[reference]


WITHOUT_BEST = {
    "calibration_slope": "separated classes have no finite slope",
    "calibration_intercept": "certain probabilities have no level",
    "net_benefit": "the best is the prevalence",
    "positive_likelihood_ratio": "infinite without a false positive, so undefined",
    "log_rank": "no upper limit",
    "restricted_mean_difference": "no upper limit",
    "gonen_heller": "never looks at the outcome",
}


@pytest.mark.parametrize("name", [n for n in TABLES if n not in WITHOUT_BEST])
def test_a_perfect_answer_gets_the_best_value(name):
    m, seen = METRICS[name], 0
    for label, reference, _, fixed in INPUTS[name]:
        answer = perfect(m, reference)
        if answer is None or (name == "cumulative_dynamic_auc" and "tied" in label):
            continue
        assert float(m(reference, answer, **fixed)) == pytest.approx(m.best, abs=1e-9), label
        seen += 1
    assert seen or "survival" in m.needs


@pytest.mark.parametrize("name", TABLES)
def test_values_lie_in_the_range(name):
    bottom, top = METRICS[name].range
    for label, reference, prediction, fixed in INPUTS[name]:
        value = METRICS[name](reference, prediction, **fixed)
        assert isinstance(value, float)
        assert math.isnan(value) or bottom <= value <= top, label


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_refused(name, bad):
    _, reference, prediction, fixed = INPUTS[name][0]
    if isinstance(prediction, dict):
        curves = prediction["survival"].copy()
        curves[1, 1] = bad
        prediction = {**prediction, "survival": curves}
    else:
        prediction = np.array(prediction, float)
        prediction[1] = bad
    with pytest.raises(ValueError, match="NaN or infinite|whole numbers"):
        METRICS[name](reference, prediction, **fixed)


@pytest.mark.parametrize("name", TABLES)
def test_a_wrong_length_is_refused(name):
    _, reference, prediction, fixed = INPUTS[name][0]
    short = {**prediction, "survival": prediction["survival"][:-1]} if isinstance(prediction, dict) else prediction[:-1]
    with pytest.raises(ValueError, match="predictions for"):
        METRICS[name](reference, short, **fixed)


def test_a_mistyped_name_is_answered_with_the_near_ones():
    with pytest.raises(KeyError, match="concordance_index"):
        METRICS["concordence_index"]


def test_a_name_is_registered_once():
    def auroc(reference, prediction):
        return 0.0

    facts = dict.fromkeys(("title", "symbol", "formula", "convention", "equals", "pitfalls", "reference", "unit"), "x")
    with pytest.raises(ValueError, match="twice"):
        metric(**facts, kinds=("classification",), needs={"scores"}, direction="higher", range=(0, 1), best=1)(auroc)


def test_undefined_is_nan_with_a_reason():
    value = Undefined("nobody has an event")
    assert math.isnan(value)
    assert value.reason == "nobody has an event"
    assert math.isnan(value + 1)
