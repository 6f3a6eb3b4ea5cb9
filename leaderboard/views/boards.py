"""How a Board (standings.table) is laid out on a page: one axis, groups of rows, and the leading row for overviews.

Computes nothing about scores or ranks: it places what the board released.
"""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leaderboard import forest, measured
from zoo.templatetags.kensa import direction, number

ROWS = 200  # shown at first; the rest at an address of its own
LEADING = 15  # entries in the table of differences and in the rank histogram
TRIVIAL = {  # predictors that look at nothing
    "majority": gettext_lazy("Always the commonest class"), "prevalence": gettext_lazy("Always the prevalence"),
    "random": gettext_lazy("At random"), "mean": gettext_lazy("Always the mean"),
    "median": gettext_lazy("Always the median"), "nothing": gettext_lazy("Marks nothing"),
    "input": gettext_lazy("The input, unchanged"),
}  # fmt: skip
VISIBLE = 0.04  # the least share of the axis that the leading interval takes


@dataclass(frozen=True)
class Row:
    """One entry or claim as the page shows it."""

    entry: object
    cell: forest.Cell
    score: object = None
    declared: object = None  # what the model's card says of the same metric (measured.Versus)

    @property
    def ranked(self) -> bool:
        return getattr(self.entry, "rank", None) is not None


@dataclass
class Group:
    """A table body: the tied, those below, those without rank, the claims."""

    name: str  # first | tied | below | broken | unranked | readers | trivial | claimed
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    axis: forest.Axis
    groups: list[Group]
    ranked: int
    axis_note: str
    hidden: int  # rows left out here
    digits: int  # after the point, in the texts of this board; wide numbers take room from the plot


def layout(board, with_claims: bool = True, rows: int | None = None) -> Layout:
    """The whole board: axis, tie band, and groups in order."""
    metric = board.metric
    shown = [e.scores[metric.name] for e in board.ranked or board.entries if metric.name in e.scores]
    axis = _axis(metric, shown)
    first = next((score.value for score in shown if score.value is not None), None)
    if board.ranked:
        axis = forest.with_band(axis, first, board.resolvable, metric.direction, board.resolvable_text)
    groups = _groups(board, axis, board.entries[:rows])
    for kind in ("reader", "trivial"):
        quiet = [Row(_quiet(row), _quiet_cell(row, axis), row.score) for row in board.quiet if row.kind == kind]
        if quiet:
            groups.append(Group("readers" if kind == "reader" else "trivial", quiet))
    claims = [Row(claim, _claim_cell(claim, metric, axis)) for claim in board.claims] if with_claims else []
    if claims:
        groups.append(Group("claimed", claims))
    note = axis_note(metric, axis)
    off = sum(score.value is not None and not axis.low <= score.value <= axis.high for score in shown)
    if off:
        note += ", " + ngettext("%(n)d entry lies off the axis", "%(n)d entries lie off the axis", off) % {"n": off}
    hidden = max(0, len(board.entries) - rows) if rows else 0
    return Layout(axis, groups, len(board.ranked), note, hidden, _digits(board))


def _digits(board) -> int:
    return min(4, max(2, forest.decimals_of(board.step))) if board.step else 4


def _axis(metric, scores) -> forest.Axis:
    """An axis for scores, best first. Where a far worse entry would squeeze the best one's interval into a dot, the axis
    leaves it out, a third of the rows at most; it is drawn at the edge, with an arrow."""
    best = metric.best if metric.best is not None and math.isfinite(metric.best) else None
    kept = list(scores)
    while True:
        values = [value for score in kept for value in (score.value, score.low, score.high)]
        axis = forest.fit(values, bounds=metric.range, chance=metric.chance, best=best)
        dropped = len(scores) - len(kept)
        if len(kept) <= 2 or 3 * (dropped + 1) > len(scores) or _shows(axis, kept[0]):
            return axis
        kept.pop()


def _shows(axis, score) -> bool:
    """Whether an interval is wide enough on this axis to be seen."""
    if score.low is None or score.high is None:
        return True
    return score.high - score.low >= VISIBLE * (axis.high - axis.low)


def _groups(board, axis, entries) -> list[Group]:
    """Tied for first, below, not ranked; the tied group follows the max-T even where a rank lies between. Until a worker has
    made the first ranks, the order is by value alone and says nothing of who is tied."""
    groups = {name: Group(name) for name in ("waiting", "tied", "below", "broken", "unranked")}
    declared = measured.of_board(board)
    for entry in entries:
        name = "unranked" if entry.rank is None else "tied" if entry.tied or entry.rank == 1 else "below"
        if entry.safety == "broken" and name != "unranked":
            name = "broken"
        elif entry.provisional:
            name = "waiting"
        score = entry.scores.get(board.metric.name)
        said = next((one for one in declared.get(entry.submission.pk, []) if one.metric is board.metric), None)
        groups[name].rows.append(Row(entry, forest.cell(score, axis, entry.evidence), score, said))
    if len(groups["tied"].rows) == 1:
        groups["tied"].name = "first"
    return [group for group in groups.values() if group.rows]


def _quiet(row) -> SimpleNamespace:
    """A yardstick's name in words."""
    name = TRIVIAL.get(row.name, row.name) if row.kind == "trivial" else row.name
    if row.kind == "reader" and len(name) <= 3:  # a number or a letter: "Radiologist 1" says enough
        name = _("Reader %(name)s") % {"name": name}
    return SimpleNamespace(name=name, arm=row.arm, finer=row.finer)


def _quiet_cell(row, axis) -> forest.Cell:
    kind = "null" if row.kind == "trivial" else "reader"
    if row.score is None:
        return forest.Cell(kind, reason=_("operating points below"))
    return forest.cell(row.score, axis, kind)


def _claim_cell(claim, metric, axis) -> forest.Cell:
    """A claim in this board's metric stands on its axis; one in another metric is words in place of the plot."""
    kind = "reader" if claim.reader else "claimed"
    same = claim.metric in {metric.name, metric.title, metric.symbol}
    texts = [number(v) for v in (claim.value, claim.low, claim.high)]
    if not same:
        words = f"{claim.metric} {texts[0]}"
        if claim.low is not None and claim.high is not None:
            words += f" ({texts[1]}–{texts[2]})"
        return forest.Cell(kind, reason=words)
    score = SimpleNamespace(
        value=claim.value, low=claim.low, high=claim.high, few=False, reason=_("no interval given"),
        text=texts[0], low_text=texts[1], high_text=texts[2],
    )  # fmt: skip
    return forest.cell(score, axis, kind)


def axis_note(metric, axis: forest.Axis) -> str:
    """What the ends of the axis mean; that it does not start at chance, where it does not."""
    parts = [direction(metric)]
    if metric.unit:
        parts.insert(0, metric.unit)
    if axis.chance is not None:
        chance = number(axis.chance)
        if not axis.shows_chance:
            parts.append(_("chance, %(chance)s, lies off the axis") % {"chance": chance})
        else:
            parts.append(_("chance %(chance)s") % {"chance": chance})
    if axis.shows_best and metric.direction != "target":
        parts.append(_("perfect %(best)s") % {"best": number(metric.best)})
    return ", ".join(parts)


@dataclass(frozen=True)
class Leader:
    """The first row of a board, for overviews: on the axis from 0 to 1, or in words where the metric has another range."""

    benchmark: object
    metric: object
    entry: object | None
    cell: forest.Cell | None
    tied: int
    ranked: int
    n: int
    patients: int
    resolvable: str
    why_empty: str


def lead(benchmark, board) -> Leader:
    ranked = board.ranked
    first = next((e for e in ranked or board.entries if board.metric.name in e.scores), None)
    cell = None
    if first is not None:
        low, high = board.metric.range
        axis = forest.UNIT if low in (-1, 0) and high == 1 else None
        if axis is not None and board.metric.chance is not None:
            axis = forest.replace(axis, chance=board.metric.chance)
        cell = forest.cell(first.scores.get(board.metric.name), axis, first.evidence, mark_chance=axis is not None)
    return Leader(
        benchmark, board.metric, first, cell, sum(bool(entry.tied) for entry in ranked), len(ranked), board.n,
        board.patients, board.resolvable_text, _why_empty(board),
    )  # fmt: skip


def _why_empty(board) -> str:
    if not board.entries:
        return (
            _("human readers alone") if any(row.kind == "reader" for row in board.quiet) else _("nothing measured yet")
        )
    return _("nothing ranked: one patient, so no interval") if board.patients < 2 else _("nothing ranked")


def differences(board) -> tuple[forest.Axis, list[Row]]:
    """Each of the leading entries minus the first, on an axis of their own; zero is the strong line."""
    shown = board.differences[:LEADING]
    axis = forest.fit([v for d in shown for v in (d.value, d.low, d.high)] + [0.0], chance=0.0, about=3)
    rows = []
    for difference in shown:
        score = SimpleNamespace(
            value=difference.value, low=difference.low, high=difference.high, few=False, reason="",
            text=difference.text, low_text=difference.low_text, high_text=difference.high_text,
        )  # fmt: skip
        rows.append(Row(difference.entry, forest.cell(score, axis, difference.entry.evidence), difference))
    return axis, rows


def stability(board) -> list[tuple[object, list[tuple[int, str]]]]:
    """The rank histogram as (entry, [(per cent, heat step), ...]): the leading entries and ranks."""
    steps = ((40, "h5"), (25, "h4"), (15, "h3"), (5, "h2"), (1, "h1"))
    return [
        (entry, [(share, next((css for least, css in steps if share >= least), "z")) for share in shares[:LEADING]])
        for entry in board.ranked[:LEADING]
        if (shares := board.stability.get(entry.submission.pk))
    ]


def query(**wanted) -> str:
    """ "?metric=auroc&e=weights" without what is None or empty; "." (this page) when nothing is left."""
    pairs = [(k, v) for k, v in wanted.items() if v not in (None, "", [], False)]
    return "?" + urlencode(pairs, doseq=True) if pairs else "?"
