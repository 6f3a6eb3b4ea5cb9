"""What a table of labels most likely is: its columns, the kind of task, the metrics and the split, each with the reason.

Metrics follow the reasoning of Metrics Reloaded (Maier-Hein et al. 2024, Nature Methods 21:195), written as data: the first
rule that fits is proposed, and the organiser may choose another.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from django.utils.translation import gettext_lazy as _

from leaderboard.contests.tables import Labels

NAMES = {
    "case": r"^(case|image|img|file|scan|study|slide|sample|row|record)?[ _-]?(id|name|no|number|filename|index)$|^(case|image|file|filename)$",
    "patient": r"patient|subject|person|participant|\bpid\b|^pid$|pat_?id|mrn",
    "split": r"^(split|usage|subset|share|part|set)$",
    "label": r"label|target|diagnos|^dx$|class|^y$|outcome|grade|stage|truth|severity|score|value",
    "time": r"^(time|duration|t|days|months|survival_?time|os_?time|futime|follow_?up)",
    "event": r"^(event|status|dead|death|died|censor|deceased|fustat|os_?event|cens)",
}
ORDINAL = r"grade|stage|severity|birads|bi-rads|pirads|pi-rads|gleason|level|score|kl_?grade"
MOST_CLASSES = 50
RARE = 0.1  # share of the rarer class below which chance looks good
CENSORED = 0.5  # share of censored times above which Harrell's index leans on them
PUBLIC_SHARE = 0.3


@dataclass(frozen=True)
class Facts:
    """What the rules look at."""

    kind: str
    classes: int = 0
    ordinal: bool = False
    rarest: float = 0.0  # share of the rarest class
    censored: float = 0.0


@dataclass(frozen=True)
class Rule:
    """A proposal of metrics and why; `fits` looks at the facts alone."""

    fits: Callable[[Facts], bool]
    primary: str
    also: tuple[str, ...]
    why: str


RULES = (
    Rule(lambda f: f.kind == "survival" and f.censored > CENSORED, "concordance_index_ipcw", ("concordance_index",),
         _("Times to an event, more than half of them censored: Uno's index weighs for censoring, which Harrell's does not.")),
    Rule(lambda f: f.kind == "survival", "concordance_index", ("concordance_index_ipcw",),
         _("Times to an event with some censoring: the share of pairs in the right order.")),
    Rule(lambda f: f.kind == "regression", "mae", ("rmse", "lin_ccc"),
         _("A measured quantity: the mean absolute error is in its unit, and one outlier does not decide it.")),
    Rule(lambda f: f.ordinal, "quadratic_weighted_kappa", ("balanced_accuracy", "mae_of_grade"),
         _("The classes are grades: an error by two grades must weigh more than one by one.")),
    Rule(lambda f: f.classes > 2, "balanced_accuracy", ("auroc", "mcc"),
         _("Several classes without an order: each class counts the same, however rare, so plain accuracy is no choice.")),
    Rule(lambda f: f.rarest < RARE, "average_precision", ("auroc", "balanced_accuracy"),
         _("One class is rarer than 1 in 10: precision over recall sees false alarms that the ROC curve hides.")),
    Rule(lambda f: True, "auroc", ("average_precision", "balanced_accuracy"),
         _("Two classes, neither rare: the area under the ROC curve needs no threshold and does not depend on prevalence.")),
)  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """How the table is read; every field may be chosen otherwise."""

    case: str
    label: str
    patient: str = ""
    split: str = ""
    event: str = ""  # survival: `label` is then the time
    kind: str = "classification"
    classes: list[str] = field(default_factory=list)
    ordinal: bool = False
    primary: str = ""
    also: list[str] = field(default_factory=list)
    public_share: float = PUBLIC_SHARE
    reasons: dict[str, object] = field(default_factory=dict)


def propose(table: Labels, **chosen) -> Proposal:
    """The proposal for a table. chosen: what the organiser decided already; the rest follows from it."""
    reasons: dict[str, object] = {}
    case = _known(chosen, "case", table) or _case(table, reasons)
    event = _known(chosen, "event", table) if "event" in chosen else _named(table, "event", {case})
    label = _known(chosen, "label", table)
    if not label:
        label = (_named(table, "time", {case, event}) if event else "") or _label(table, {case}, reasons)
    if event and not _is_time(table, label, event):
        event = ""
    taken = {case, label, event}
    patient = _known(chosen, "patient", table) if "patient" in chosen else _named(table, "patient", taken)
    split = _known(chosen, "split", table) if "split" in chosen else _split(table, taken | {patient})
    kind = chosen.get("kind") or _kind(table.columns[label], event, reasons)
    if kind == "survival" and not event:
        kind = "regression"
    found = Proposal(case, label, patient, split, event if kind == "survival" else "", kind, reasons=reasons)
    if kind == "classification":
        classes = _classes(table.columns[label], chosen.get("classes"))
        ordinal = chosen["ordinal"] if "ordinal" in chosen else _ordinal(label, classes, reasons)
        found = replace(found, classes=classes, ordinal=bool(ordinal) and len(classes) > 2)
    if not patient:
        reasons["patient"] = _("No column looks like a patient: each case is taken as a patient of its own.")
    return _with_metrics(found, table, chosen)


def _with_metrics(found: Proposal, table: Labels, chosen: dict) -> Proposal:
    rule = next(rule for rule in RULES if rule.fits(facts(found, table)))
    found.reasons["primary"] = rule.why
    primary = chosen.get("primary") or rule.primary
    also = [name for name in (rule.primary, *rule.also) if name != primary]
    return replace(found, primary=primary, also=also, public_share=chosen.get("public_share") or PUBLIC_SHARE)


def facts(found: Proposal, table: Labels) -> Facts:
    values = table.columns[found.label]
    shares = sorted(Counter(values).values())
    events = [value in ("0", "false", "no") for value in map(str.lower, table.columns.get(found.event, []))]
    return Facts(
        found.kind, len(found.classes), found.ordinal, shares[0] / len(values) if shares else 0.0,
        sum(events) / len(events) if events else 0.0,
    )  # fmt: skip


def _known(chosen: dict, name: str, table: Labels) -> str:
    return chosen.get(name, "") if chosen.get(name) in table.columns else ""


def _named(table: Labels, role: str, taken: set[str]) -> str:
    for name in table.columns:
        if name not in taken and re.search(NAMES[role], name.casefold()):
            return name
    return ""


def _case(table: Labels, reasons: dict) -> str:
    """A column of ids by its name, else the first whose values are all different, else the first."""
    different = [name for name, values in table.columns.items() if len(set(values)) == len(values)]
    for name in different:
        if re.search(NAMES["case"], name.casefold()) and not re.search(NAMES["patient"], name.casefold()):
            return name
    if different:
        reasons["case"] = _("The first column whose values are all different.")
        return different[0]
    reasons["case"] = _(
        "No column tells the cases apart: choose the one that names them, and see which are there twice."
    )
    return next(
        (name for name in table.columns if re.search(NAMES["case"], name.casefold())), next(iter(table.columns))
    )


def _label(table: Labels, taken: set[str], reasons: dict) -> str:
    free = [name for name in table.columns if name not in taken and not re.search(NAMES["patient"], name.casefold())]
    free = [name for name in free if name != _split(table, taken)] or list(table.columns)
    named = [name for name in free if re.search(NAMES["label"], name.casefold())]
    if named:
        return named[0]
    reasons["label"] = _("The last column that is nothing else; choose another if it is not the answer.")
    return free[-1]


def _split(table: Labels, taken: set[str]) -> str:
    for name, values in table.columns.items():
        if name not in taken and {value.casefold() for value in values} == {"public", "private"}:
            return name
    return ""


def _numbers(values: list[str]) -> np.ndarray | None:
    try:
        numbers = np.array(values, float)
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _is_time(table: Labels, label: str, event: str) -> bool:
    times, events = _numbers(table.columns.get(label, [])), {value.lower() for value in table.columns[event]}
    return times is not None and len(times) > 0 and bool((times >= 0).all()) and events <= {"0", "1", "true", "false"}


def _kind(values: list[str], event: str, reasons: dict) -> str:
    if event:
        reasons["kind"] = _("A time and an event: survival.")
        return "survival"
    numbers, different = _numbers(values), len(set(values))
    if numbers is not None and (different > 20 or (different > 5 and not (numbers == numbers.round()).all())):
        reasons["kind"] = _("Numbers with many different values: a measured quantity.")
        return "regression"
    reasons["kind"] = _("Few different values: classes.")
    return "classification"


def _classes(values: list[str], wanted=None) -> list[str]:
    """In their order: of numbers the smaller first, else as `wanted` or the alphabet says; the last of two is the finding."""
    there = set(values)
    if wanted and set(wanted) == there:
        return list(wanted)
    numbers = _numbers(sorted(there))
    if numbers is not None:
        return sorted(there, key=float)
    healthy = re.compile(r"^(no|none|normal|negative|benign|healthy|absent|control|false)\b", re.I)
    return sorted(there, key=lambda name: (not healthy.search(name), name.casefold()))[: MOST_CLASSES + 1]


def _ordinal(label: str, classes: list[str], reasons: dict) -> bool:
    numbers = _numbers(classes)
    in_a_row = numbers is not None and len(numbers) > 2 and bool((np.diff(numbers) == 1).all())
    if in_a_row and re.search(ORDINAL, label.casefold()):
        reasons["ordinal"] = _("Whole numbers in a row, and the column is called like a grade.")
        return True
    if in_a_row:
        reasons["ordinal"] = _("Whole numbers in a row: if they are grades, say so; the metric follows.")
    return False
