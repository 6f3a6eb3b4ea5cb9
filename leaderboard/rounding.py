"""How exact a number leaves the house: one step per benchmark and metric, frozen at publication.

The step is the largest of 1, 2, 5 x 10^k that is not above half a typical standard error. So a released number says no
less than its interval supports, and too little to read held-out labels out of it, one question at a time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

MINUS = "\N{MINUS SIGN}"
FEW = 20  # patients; below it an interval is drawn hollow and says so
# Spread of one case's value where no baseline was measured and the metric's range is open: a guess per unit.
SPREAD = {"mm": 5.0, "dB": 3.0}
PLAIN = 0.5  # the same for plain numbers such as AUROC, SSIM or R2


@dataclass(frozen=True)
class ReleasedScore:
    """One score as one viewer may see it: rounded to the benchmark's step, exact for its organiser."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    patients: int
    few: bool  # under 20 patients: a hollow interval that says "few patients"
    method: str
    reason: str  # why value or interval is missing; else ""
    text: str
    low_text: str
    high_text: str

    def as_dict(self) -> dict:
        """What the API says of it."""
        return {
            "value": self.value, "low": self.low, "high": self.high, "n": self.n, "patients": self.patients,
            "method": self.method, "reason": self.reason,
        }  # fmt: skip


def step_below(limit: float) -> float:
    """The largest of 1, 2, 5 x 10^k not above `limit` (> 0)."""
    if not (limit > 0 and math.isfinite(limit)):
        raise ValueError(f"a rounding step needs a positive limit, not {limit}")
    power = math.floor(math.log10(limit))
    # 0.05 / 10**-2 is 5.000000000000001 and 0.02 / 10**-2 is 2.0: compare with a whisker of slack.
    for exponent in (power + 1, power, power - 1):
        for digit in (5, 2, 1):
            step = float(f"{digit}e{exponent}")
            if step <= limit * (1 + 1e-12):
                return step
    raise AssertionError(limit)


def step_from_errors(errors: Iterable[float | None]) -> float | None:
    """The step for baselines with these standard errors; None when none of them is a positive number."""
    known = [error for error in errors if error is not None and math.isfinite(error) and error > 0]
    return step_below(median(known) / 2) if known else None


def step_from_size(low: float, high: float, unit: str, n: int, patients: int, spread: float | None = None) -> float:
    """The step before anything was measured: from the metric's range (or a spread) and the number of patients.

    A single patient gives no standard error at all; there the step is a hundredth of the range, or a tenth of the spread.
    """
    closed = math.isfinite(low) and math.isfinite(high)
    if spread is None:
        spread = min((high - low) / 2, PLAIN) if closed else SPREAD.get(unit, 1.0 if unit else PLAIN)
    if patients < 2:
        return step_below((high - low) / 100 if closed else spread / 10)
    return step_below(spread / math.sqrt(min(n, patients)) / 2)


def decimals(step: float) -> int:
    """Digits after the point that a multiple of `step` needs."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def to_step(value: float | None, step: float | None) -> float | None:
    """`value` on the nearest multiple of `step`, as the float its text parses to; None stays None."""
    if value is None or step is None:
        return value
    return round(round(value / step) * step, decimals(step)) + 0.0  # + 0.0: never minus zero


def text(value: float | None, step: float | None) -> str:
    """`value` with the digits that `step` supports and a true minus sign; "" for None."""
    if value is None:
        return ""
    written = f"{to_step(value, step):.{decimals(step)}f}" if step else f"{value:.4g}"
    if float(written) == 0:
        written = written.lstrip("-")
    return written.replace("-", MINUS)


RELEASED = ("value", "low", "high", "n", "patients", "method", "reason")  # the fields of a Score that `release` reads


def release(score, step: float | None, exact: bool) -> ReleasedScore:
    """A Score (or a row of its RELEASED fields) for a viewer: texts are always on the step, numbers too unless `exact`.

    Before there is a step (a draft) nothing is released to anyone else.
    """
    few = score.low is not None and score.patients < FEW
    if step is None and not exact:
        reason = "not released before the benchmark is published"
        return ReleasedScore(None, None, None, score.n, score.patients, False, score.method, reason, "", "", "")
    value, low, high = (number if exact else to_step(number, step) for number in (score.value, score.low, score.high))
    texts = (text(number, step) for number in (score.value, score.low, score.high))
    return ReleasedScore(value, low, high, score.n, score.patients, few, score.method, score.reason, *texts)
