"""The rates a clinician reads off a confusion table: sensitivity, predictive values, likelihood ratios, Youden, net benefit."""

import numpy as np

from evaluators.metrics import _forms
from evaluators.metrics._plans import Counts, Recalls, ratio
from evaluators.metrics.registry import metric

FACTS = {"kinds": ("classification",), "needs": {"scores"}, "direction": "higher", "unit": ""}
DECIDED = (
    "Positive where score >= threshold. Several classes: `positive` names the classes that count as positive, else the mean of "
    "one-vs-rest with the most probable class as decision. Nothing to divide by: NaN with the reason. "
)
TABLE = {"threshold": 0.5, "positive": None}


def _rate(formula, reason: str, trials=None):
    """A plan builder: `formula(tn, fp, fn, tp, **extra)` of each binary table, averaged over tables.

    trials: the class (0, 1) of which the rate is a share, where it is a proportion.
    """

    def plan(reference, prediction, *, threshold=0.5, positive=None, **extra) -> Counts:
        form = _forms.labels(reference, prediction, positive)
        decision = _forms.decided(form, threshold)
        if form.kind == "classes":
            codes = np.stack([2 * (form.truth == k) + (decision == k) for k in range(form.classes)])
        else:
            codes = (2 * form.truth + decision).reshape(len(form.truth), -1).T
        codes = np.ascontiguousarray(codes, dtype=np.int32)
        of = None if trials is None else float((codes // 2 == trials).sum(axis=1).min())
        return Counts(codes, 4, lambda c: formula(*c.swapaxes(0, 1), **extra).mean(axis=0), reason, of)

    return plan


NO_POSITIVE, NO_NEGATIVE = "no positive among the cases", "no negative among the cases"
_sensitivity = _rate(lambda tn, fp, fn, tp: ratio(tp, tp + fn), NO_POSITIVE, 1)
_specificity = _rate(lambda tn, fp, fn, tp: ratio(tn, tn + fp), NO_NEGATIVE, 0)


@metric(
    **FACTS,
    range=(0.0, 1.0),
    best=1.0,
    title="Sensitivity",
    symbol="Sens",
    formula="TP / (TP + FN)",
    convention=DECIDED,
    equals="scikit-learn (recall_score)",
    pitfalls="Means nothing without the specificity at the same threshold.",
    reference="Altman & Bland 1994, BMJ 308:1552, doi:10.1136/bmj.308.6943.1552",
    parameters=TABLE,
    weighted=_sensitivity,
    interval="wilson",
)
def sensitivity(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """Share of the positives that are called positive, 0 to 1.

    >>> sensitivity([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8])
    0.5
    """
    return _sensitivity(reference, prediction, threshold=threshold, positive=positive).value()


@metric(
    **FACTS,
    range=(0.0, 1.0),
    best=1.0,
    title="Specificity",
    symbol="Spec",
    formula="TN / (TN + FP)",
    convention=DECIDED,
    equals="scikit-learn (recall_score of class 0)",
    pitfalls="Means nothing without the sensitivity at the same threshold.",
    reference="Altman & Bland 1994, BMJ 308:1552, doi:10.1136/bmj.308.6943.1552",
    parameters=TABLE,
    weighted=_specificity,
    interval="wilson",
)
def specificity(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """Share of the negatives that are called negative, 0 to 1.

    >>> specificity([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8])
    0.5
    """
    return _specificity(reference, prediction, threshold=threshold, positive=positive).value()


def _predictive(sign: int):
    def formula(tn, fp, fn, tp, prevalence=None):
        if prevalence is None:
            return ratio(tp, tp + fp) if sign else ratio(tn, tn + fn)
        sens, spec = ratio(tp, tp + fn), ratio(tn, tn + fp)
        right = sens * prevalence if sign else spec * (1 - prevalence)
        wrong = (1 - spec) * (1 - prevalence) if sign else (1 - sens) * prevalence
        return ratio(right, right + wrong)

    return formula


_ppv = _rate(_predictive(1), "nobody is called positive, or a class is missing")
_npv = _rate(_predictive(0), "nobody is called negative, or a class is missing")
AT = "At the prevalence of the test set, or by Bayes' theorem at a stated `prevalence` (0..1). "


def _prevalence(prevalence):
    if prevalence is not None and not 0 <= prevalence <= 1:
        raise ValueError(f"prevalence: {prevalence} is not in 0..1")
    return prevalence


@metric(
    **FACTS,
    range=(0.0, 1.0),
    best=1.0,
    title="Positive predictive value (precision)",
    symbol="PPV",
    formula="TP / (TP + FP); at prevalence q: Sens q / (Sens q + (1 - Spec)(1 - q))",
    convention=AT + DECIDED,
    equals="scikit-learn (precision_score)",
    pitfalls="The prevalence of a curated test set is not that of the clinic: state the one meant.",
    reference="Altman & Bland 1994, BMJ 309:102, doi:10.1136/bmj.309.6947.102",
    parameters={**TABLE, "prevalence": None},
    weighted=_ppv,
    interval="wilson",
)
def ppv(reference, prediction, *, threshold: float = 0.5, positive=None, prevalence: float | None = None) -> float:
    """Chance that somebody called positive is positive, 0 to 1.

    >>> round(ppv([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8], prevalence=0.1), 6)
    0.1
    """
    extra = {"prevalence": _prevalence(prevalence)}
    return _ppv(reference, prediction, threshold=threshold, positive=positive, **extra).value()


@metric(
    **FACTS,
    range=(0.0, 1.0),
    best=1.0,
    title="Negative predictive value",
    symbol="NPV",
    formula="TN / (TN + FN); at prevalence q: Spec (1 - q) / (Spec (1 - q) + (1 - Sens) q)",
    convention=AT + DECIDED,
    equals="scikit-learn (precision_score of class 0)",
    pitfalls="High for any test when the disease is rare.",
    reference="Altman & Bland 1994, BMJ 309:102, doi:10.1136/bmj.309.6947.102",
    parameters={**TABLE, "prevalence": None},
    weighted=_npv,
    interval="wilson",
)
def npv(reference, prediction, *, threshold: float = 0.5, positive=None, prevalence: float | None = None) -> float:
    """Chance that somebody called negative is negative, 0 to 1.

    >>> round(npv([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8], prevalence=0.1), 6)
    0.9
    """
    extra = {"prevalence": _prevalence(prevalence)}
    return _npv(reference, prediction, threshold=threshold, positive=positive, **extra).value()


_lr_up = _rate(
    lambda tn, fp, fn, tp: ratio(ratio(tp, tp + fn), ratio(fp, tn + fp)), "no false positive: the ratio is infinite"
)
_lr_down = _rate(
    lambda tn, fp, fn, tp: ratio(ratio(fn, tp + fn), ratio(tn, tn + fp)), "no true negative, or no positive"
)
RATIO = {
    "range": (0.0, np.inf),
    "equals": "scikit-learn (class_likelihood_ratios)",
    "convention": DECIDED,
    "pitfalls": "Its interval is wide and skewed: few false results decide it.",
    "reference": "Deeks & Altman 2004, BMJ 329:168, doi:10.1136/bmj.329.7458.168",
    "parameters": TABLE,
    "chance": 1.0,
}


@metric(
    **FACTS,
    **RATIO,
    best=np.inf,
    title="Positive likelihood ratio",
    symbol="LR+",
    formula="Sens / (1 - Spec)",
    weighted=_lr_up,
)
def positive_likelihood_ratio(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """How many times likelier a positive result is in the diseased, 0 to infinity; NaN without a false positive.

    >>> positive_likelihood_ratio([0, 0, 1, 1], [0.1, 0.6, 0.55, 0.8])
    2.0
    """
    return _lr_up(reference, prediction, threshold=threshold, positive=positive).value()


@metric(
    **{**FACTS, "direction": "lower"},
    **RATIO,
    best=0.0,
    title="Negative likelihood ratio",
    symbol="LR-",
    formula="(1 - Sens) / Spec",
    weighted=_lr_down,
)
def negative_likelihood_ratio(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """How many times likelier a negative result is in the diseased, 0 to infinity; 0 is best.

    >>> negative_likelihood_ratio([0, 0, 1, 1], [0.1, 0.2, 0.35, 0.8])
    0.5
    """
    return _lr_down(reference, prediction, threshold=threshold, positive=positive).value()


_balance = _rate(lambda tn, fp, fn, tp: ratio(tp, tp + fn) + ratio(tn, tn + fp) - 1, "only one class among the cases")


def _youden(reference, prediction, *, threshold=0.5, positive=None) -> Counts:
    plan = _balance(reference, prediction, threshold=threshold, positive=positive)
    return Recalls(plan.codes, plan.cells, plan.formula, plan.reason) if len(plan.codes) == 1 else plan


@metric(
    **FACTS,
    range=(-1.0, 1.0),
    best=1.0,
    chance=0.0,
    title="Youden's index",
    symbol="J",
    formula="Sens + Spec - 1",
    convention=DECIDED,
    equals="scikit-learn (balanced_accuracy_score, adjusted)",
    pitfalls="Weighs a missed case as much as a false alarm, whatever the prevalence.",
    reference="Youden 1950, Cancer 3:32, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3",
    parameters=TABLE,
    weighted=_youden,
    interval="mover",
)
def youden(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """Sensitivity + specificity - 1 at the threshold, -1 to 1.

    >>> youden([0, 0, 1, 1], [0.1, 0.2, 0.35, 0.8])
    0.5
    """
    return _youden(reference, prediction, threshold=threshold, positive=positive).value()


def _benefit(tn, fp, fn, tp, odds=1.0):
    return ratio(tp - fp * odds, tn + fp + fn + tp)


_net = _rate(_benefit, "no cases")


def _net_benefit(reference, prediction, *, threshold=0.5, positive=None):
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: {threshold} is not a probability between 0 and 1")
    form = _forms.labels(reference, prediction, positive)
    if form.kind == "classes":
        form = _forms.Labels("labels", np.eye(form.classes, dtype=np.int64)[form.truth], form.scores)
    return _net(form.truth, form.scores, threshold=threshold, odds=threshold / (1 - threshold))


@metric(
    **FACTS,
    range=(-np.inf, 1.0),
    best=1.0,
    title="Net benefit",
    symbol="NB",
    formula="TP / n - FP / n x p_t / (1 - p_t)",
    convention="Positive where the probability >= threshold p_t, which says how many false alarms a case found is worth. "
    "Several classes: mean of one-vs-rest. The best value is the prevalence.",
    equals="the definition by brute force",
    pitfalls="Needs calibrated probabilities. Compare with treating all and treating none at the same threshold.",
    reference="Vickers & Elkin 2006, Med Decis Making 26:565, doi:10.1177/0272989X06295361",
    parameters=TABLE,
    weighted=_net_benefit,
    interval="studentised",
)
def net_benefit(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """True positives a case, less false positives weighed by the odds of the threshold; at most the prevalence.

    >>> net_benefit([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8], threshold=0.5)
    0.0
    """
    return _net_benefit(reference, prediction, threshold=threshold, positive=positive).value()
