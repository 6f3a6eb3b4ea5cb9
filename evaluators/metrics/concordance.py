"""Whether those with the higher risk have their event earlier: concordance indices for right-censored times."""

import numpy as np

from evaluators.metrics import _forms
from evaluators.metrics.registry import Undefined, metric

TIED = 1e-8
NO_PAIR = "no comparable pair: no event is followed by anybody"


@metric(
    title="Concordance index (Harrell)",
    symbol="C",
    kinds=("survival",),
    needs={"risk"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    chance=0.5,
    unit="",
    formula="(concordant + 1/2 tied) / comparable pairs",
    convention="A pair is comparable if the earlier time is an event; censored at the time of an event is later; two events "
    "at one time are not comparable; risks within 1e-8 are tied and count half. No comparable pair: NaN.",
    equals="scikit-survival",
    pitfalls="Depends on the censoring of the cohort; pair it with Uno's C at a fixed horizon. Says nothing of calibration.",
    reference="Harrell et al. 1982, JAMA 247:2543, doi:10.1001/jama.1982.03320430047030",
)
def concordance_index(reference, prediction) -> float:
    """Harrell's C, 0 to 1: the share of comparable pairs in which the earlier event had the higher risk.

    reference `{"time": (n,), "event": (n,)}`; prediction `(n,)` risk, or survival curves (then minus the restricted mean).

    >>> concordance_index({"time": [1, 2, 3, 4], "event": [1, 1, 0, 1]}, [4, 2, 3, 1])
    0.8
    """
    seen, risk = _forms.outcome(reference), _forms.risk(prediction)
    _forms.same_length(seen.time, risk)
    concordant = comparable = 0.0
    for i in np.flatnonzero(seen.event):
        later = (seen.time > seen.time[i]) | ((seen.time == seen.time[i]) & ~seen.event)
        difference = risk[i] - risk[later]
        tied = np.abs(difference) <= TIED
        concordant += (difference > TIED).sum() + 0.5 * tied.sum()
        comparable += later.sum()
    return float(concordant / comparable) if comparable else Undefined(NO_PAIR)
