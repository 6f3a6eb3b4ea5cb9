"""What a test gives at one point of its ROC curve, the point being picked on the held-out labels themselves."""


from evaluators.metrics import _curves, _forms
from evaluators.metrics.discrimination import ONE_CLASS, averaged
from evaluators.metrics.registry import Undefined, metric

PICKED = (
    "The threshold is picked on the held-out labels, and again in each resample; only thresholds between different "
    "scores count, without interpolation. Several classes: mean of one-vs-rest, or `positive` as one class."
)


def _at(at: float, x_is_specificity: bool):
    if not 0 <= at <= 1:
        raise ValueError(f"at: {at} is not in 0..1")

    def one(truth, score) -> float:
        fp, tp = _curves.counts(truth, score)
        if not fp[-1] or not tp[-1]:
            return Undefined(ONE_CLASS)
        if x_is_specificity:
            enough = fp[-1] - fp >= at * fp[-1] - 1e-9
            return float(tp[enough].max() / tp[-1])
        enough = tp >= at * tp[-1] - 1e-9
        return float((fp[-1] - fp[enough].min()) / fp[-1])

    return one


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
)
def sensitivity_at_specificity(reference, prediction, *, at: float = 0.9, positive=None) -> float:
    """The highest sensitivity, 0 to 1, of any threshold whose specificity is at least `at`.

    >>> sensitivity_at_specificity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], at=0.9)
    0.5
    """
    return averaged(_forms.labels(reference, prediction, positive), "macro", _at(at, True))


@metric(
    **FACTS,
    title="Specificity at a sensitivity",
    symbol="Spec@Sens",
    formula="max specificity over thresholds with sensitivity >= at",
    pitfalls="With few positives one missed case moves it by a whole step.",
    parameters={"at": 0.9, "positive": None},
)
def specificity_at_sensitivity(reference, prediction, *, at: float = 0.9, positive=None) -> float:
    """The highest specificity, 0 to 1, of any threshold whose sensitivity is at least `at`.

    >>> specificity_at_sensitivity([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], at=0.9)
    0.5
    """
    return averaged(_forms.labels(reference, prediction, positive), "macro", _at(at, False))
