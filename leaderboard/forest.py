"""Geometry of the forest column: axes with nice ticks, and where a point, its interval and the tie band are drawn.

Pure functions; places are per cent of the column's width, so a page needs no inline style. What is drawn is the released
(rounded) value, never the exact one. An interval that leaves the axis is cut there and marked with an arrow.
"""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace

from zoo.templatetags.kensa import number

SQUEEZED = 0.25  # an axis is not stretched to chance or to the best value if the intervals would fill less than this


@dataclass(frozen=True)
class Tick:
    value: float
    at: str  # per cent
    text: str
    strong: bool = False  # chance, or zero of a difference


@dataclass(frozen=True)
class Band:
    """The tie band: from the first value down by the smallest difference that the data can resolve."""

    low: str
    high: str
    width: str
    text: str
    label_left: bool  # no room for words on the right


@dataclass(frozen=True)
class Axis:
    low: float
    high: float
    ticks: tuple[Tick, ...]
    decimals: int
    chance: float | None = None
    best: float | None = None
    band: Band | None = None

    @property
    def starts_at(self) -> str:
        return number(self.low, self.decimals)

    @property
    def shows_chance(self) -> bool:
        return self.chance is not None and self.low <= self.chance <= self.high

    @property
    def shows_best(self) -> bool:
        return self.best is not None and self.low <= self.best <= self.high

    def position(self, value: float) -> float:
        """Per cent from the left, in [0, 100]; a value outside the axis lies on its end."""
        share = (value - self.low) / (self.high - self.low)
        return 100 * min(1.0, max(0.0, share))


@dataclass(frozen=True)
class Cell:
    """What one score cell draws and says; see zoo/templates/includes/score_cell.html."""

    kind: str  # of evidence: the shape
    text: str = ""
    low_text: str = ""
    high_text: str = ""
    reason: str = ""
    few: bool = False
    at: str | None = None
    low: str | None = None
    high: str | None = None
    width: str | None = None
    clipped_low: bool = False
    clipped_high: bool = False
    chance: str | None = None


def per_cent(share: float) -> str:
    """A place as an SVG attribute wants it, without the sign: 54.0 -> "54", 33.333 -> "33.33". Never localised."""
    return f"{share:.2f}".rstrip("0").rstrip(".") or "0"


def nice_step(span: float, about: int = 5) -> float:
    """The step 1, 2 or 5 x 10^k that divides `span` > 0 into a number of parts nearest to `about`, by ratio."""
    power = 10.0 ** math.floor(math.log10(span / about))
    return min((f * power for f in (1, 2, 5, 10)), key=lambda step: abs(math.log(span / step / about)))


def decimals_of(step: float) -> int:
    """Digits after the point that a multiple of `step` needs: 0.05 -> 2, 2.5 -> 1, 10 -> 0."""
    for digits in range(12):
        if math.isclose(step, round(step, digits), rel_tol=1e-9):
            return digits
    return 12


def nice_ticks(low: float, high: float, about: int = 5) -> tuple[list[float], float]:
    """Multiples of a nice step inside [low, high], and the step."""
    step = nice_step(high - low, about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = decimals_of(step)
    return [round(k * step, digits) + 0.0 for k in range(first, last + 1)], step


def _without_outliers(values: list[float]) -> list[float]:
    """One absurd entry must not squeeze all others into a line: beyond ten quartile ranges it is drawn with an arrow."""
    if len(values) < 8:
        return values
    quarters = statistics.quantiles(values, n=4)
    reach = 10 * (quarters[2] - quarters[0])
    kept = [v for v in values if abs(v - quarters[1]) <= reach]
    return kept if reach > 0 and kept else values


def _stretch(low: float, high: float, anchors: Iterable[float | None]) -> tuple[float, float]:
    """Widen to each anchor (chance, best) that leaves the intervals a fair share of the axis."""
    span = high - low
    for anchor in anchors:
        if anchor is None or not math.isfinite(anchor):
            continue
        wide = max(high, anchor) - min(low, anchor)
        if wide > 0 and span >= SQUEEZED * wide:
            low, high = min(low, anchor), max(high, anchor)
    return low, high


def fit(
    values: Iterable[float | None],
    *,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    chance: float | None = None,
    best: float | None = None,
    about: int = 5,
) -> Axis:
    """An axis for these values and interval ends. It keeps to `bounds`, and reaches chance and best where they fit."""
    finite = _without_outliers(sorted(v for v in values if v is not None and math.isfinite(v)))
    if finite:
        low, high = finite[0], finite[-1]
    else:
        low, high = (bound if math.isfinite(bound) else default for bound, default in zip(bounds, (0, 1), strict=True))
    if high - low < 1e-12 * max(1.0, abs(high)):  # one value: give it room
        room = 0.1 * abs(high) or 1.0
        if all(map(math.isfinite, bounds)):
            room = 0.1 * (bounds[1] - bounds[0])
        low, high = max(bounds[0], low - room), min(bounds[1], high + room)
    low, high = _stretch(low, high, (best, chance))
    step = nice_step(high - low, about)
    low = max(bounds[0], step * math.floor(low / step + 1e-9))
    high = min(bounds[1], step * math.ceil(high / step - 1e-9))
    return frame(low, high, chance=chance, best=best, about=about)


def frame(low: float, high: float, *, chance=None, best=None, about: int = 5) -> Axis:
    """An axis with fixed ends."""
    ticks, step = nice_ticks(low, high, about)
    decimals = decimals_of(step)
    axis = Axis(low, high, (), decimals, chance, best)
    marks = tuple(
        Tick(v, per_cent(axis.position(v)), number(v, decimals), chance is not None and math.isclose(v, chance))
        for v in ticks
    )
    return replace(axis, ticks=marks)


def with_band(axis: Axis, first: float | None, resolvable: float | None, direction: str, text: str) -> Axis:
    """The axis with the tie band drawn from the first entry's value towards the worse side."""
    if first is None or not resolvable or direction == "target":
        return axis
    ends = (first - resolvable, first) if direction == "higher" else (first, first + resolvable)
    low, high = (axis.position(end) for end in ends)
    if high - low < 0.01:
        return axis
    return replace(axis, band=Band(per_cent(low), per_cent(high), per_cent(high - low), text, label_left=high > 62))


def cell(score, axis: Axis | None, kind: str, *, mark_chance: bool = False) -> Cell:
    """The score cell of a released score (value, low, high, few, text, low_text, high_text, reason) or of None."""
    if score is None:
        return Cell(kind)
    drawn = {}
    if axis is not None and score.value is not None and math.isfinite(score.value):
        ends = (score.value, score.low, score.high)
        drawn = {
            "at": per_cent(axis.position(score.value)),
            "clipped_low": any(end is not None and end < axis.low - 1e-9 for end in ends),
            "clipped_high": any(end is not None and end > axis.high + 1e-9 for end in ends),
        }
        if score.low is not None and score.high is not None:
            low, high = axis.position(score.low), axis.position(score.high)
            drawn |= {
                "low": per_cent(low),
                "high": per_cent(high),
                "width": per_cent(high - low),
            }
        if mark_chance and axis.shows_chance:
            drawn["chance"] = per_cent(axis.position(axis.chance))
    return Cell(
        kind,
        text=number_text(score.text),
        low_text=number_text(score.low_text),
        high_text=number_text(score.high_text),
        reason=score.reason or "",
        few=bool(score.few),
        **drawn,
    )


def number_text(text) -> str:
    """A released number as text, with U+2212 for minus; None -> ""."""
    return "" if text is None else str(text).replace("-", "\u2212")


UNIT = frame(0, 1, about=4)  # overviews put boards of different metrics on one axis from 0 to 1
