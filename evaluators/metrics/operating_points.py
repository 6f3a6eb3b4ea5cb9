"""What a test gives at one point of its ROC curve, the point being picked on the held-out labels themselves."""

import numpy as np

from evaluators.metrics import _curves, _forms
from evaluators.metrics.discrimination import averaged, averaged_plan
from evaluators.metrics.registry import metric

PICKED = (
    "The threshold is picked on the held-out labels, and again in each resample; only thresholds between different "
    "scores count, without interpolation. Several classes: mean of one-vs-rest, or `positive` as one class."
)


def _share(at: float) -> float:
    if not 0 <= at <= 1:
        raise ValueError(f"at: {at} is not in 0..1")
    return at


def _swapped(form: _forms.Labels) -> _forms.Labels:
    """The same question with the classes exchanged, where sensitivity is specificity."""
    pairs = form.columns()
    if len(pairs) == 1:
        return _forms.Labels("binary", 1 - pairs[0][0], -pairs[0][1])
    return _forms.Labels(
        "labels", np.stack([1 - t for t, _ in pairs], axis=1), np.stack([-s for _, s in pairs], axis=1)
    )


def _sensitivity(reference, prediction, *, at=0.9, positive=None):
    form = _forms.labels(reference, prediction, positive)
    return averaged_plan(form, "macro", _curves.sensitivity_plan(_share(at)))


def _specificity(reference, prediction, *, at=0.9, positive=None):
    form = _swapped(_forms.labels(reference, prediction, positive))
    return averaged_plan(form, "macro", _curves.sensitivity_plan(_share(at)))


FACTS = {
    "kinds": ("classification",),
    "needs": {"scores"},
    "direction": "higher",
    "range": (0.0, 1.0),
    "best": 1.0,
    "unit": "",
    "convention": PICKED,
    "equals": "scikit-learn (from roc_curve)",
    "reference": "Pepe 2003, The Statistical Evaluation of Medical Tests, ISBN 978-0198565826",
}


@metric(
    **FACTS,
    title="Sensitivity at a specificity",
    symbol="Sens@Spec",
    formula="max sensitivity over thresholds with specificity >= at",
    pitfalls="Optimistic for a device whose threshold was fixed beforehand: use a fixed threshold there.",
    parameters={"at": 0.9, "positive": None},
    weighted=_sensitivity,
    interval="agresti",
)
def sensitivity_at_specificity(reference, prediction, *, at: float = 0.9, positive=None) -> float:
    """The highest sensitivity, 0 to 1, of any threshold whose specificity is at least `at`.

    >>> sensitivity_at_specificity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], at=0.9)
    0.5
    """
    form, at = _forms.labels(reference, prediction, positive), _share(at)
    return averaged(form, "macro", lambda truth, score: _curves.sensitivity_where(truth, score, at))


@metric(
    **FACTS,
    title="Specificity at a sensitivity",
    symbol="Spec@Sens",
    formula="max specificity over thresholds with sensitivity >= at",
    pitfalls="With few positives one missed case moves it by a whole step.",
    parameters={"at": 0.9, "positive": None},
    weighted=_specificity,
    interval="agresti",
)
def specificity_at_sensitivity(reference, prediction, *, at: float = 0.9, positive=None) -> float:
    """The highest specificity, 0 to 1, of any threshold whose sensitivity is at least `at`.

    >>> specificity_at_sensitivity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], at=0.9)
    0.5
    """
    form, at = _swapped(_forms.labels(reference, prediction, positive)), _share(at)
    return averaged(form, "macro", lambda truth, score: _curves.sensitivity_where(truth, score, at))
