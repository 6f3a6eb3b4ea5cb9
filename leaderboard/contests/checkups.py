"""The health of a test set before anyone is measured on it: what is there twice, who is on both sides of the split, whether
the order of rows tells the labels, what predictors that look at nothing reach, and how small a difference can be told.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _

from evaluators import cases as case_tables
from evaluators import statistics, yardsticks
from evaluators.metrics import METRICS
from leaderboard.contests.proposals import Proposal
from leaderboard.contests.tables import Labels
from leaderboard.rounding import text

ORDER = 4.0  # standard deviations beyond which the order of rows is no chance
RESAMPLES = 300
SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing to know. level: bad (it cannot stay), warn, or good."""

    level: str
    title: str
    text: str


def of_table(table: Labels, proposal: Proposal) -> list[Finding]:
    """What the table itself shows."""
    found = [_twice(table, proposal), _rows_twice(table, proposal), _missing(table, proposal)]
    found += [_overlap(table, proposal), _order(table, proposal, by_id=False), _order(table, proposal, by_id=True)]
    return [finding for finding in found if finding]


def _twice(table: Labels, proposal: Proposal) -> Finding:
    counted = Counter(table.columns[proposal.case])
    twice = [name for name, count in counted.items() if count > 1]
    if not twice:
        return Finding("good", _("Ids"), _("Every case has an id of its own."))
    shown = ", ".join(twice[:SHOWN])
    words = _("%(n)d ids are there more than once: %(shown)s.") % {"n": len(twice), "shown": shown}
    return Finding("bad", _("Ids"), words)


def _rows_twice(table: Labels, proposal: Proposal) -> Finding | None:
    others = [name for name in table.columns if name not in (proposal.case, proposal.split)]
    if len(others) < 3:
        return None  # label and patient alone are often the same of two cases
    counted = Counter(zip(*(table.columns[name] for name in others), strict=True))
    more = sum(count - 1 for count in counted.values())
    if not more:
        return Finding("good", _("Duplicates"), _("No two rows are the same but for their id."))
    words = _("%(n)d rows repeat another one but for the id; the same case twice counts twice.") % {"n": more}
    return Finding("warn", _("Duplicates"), words)


def _missing(table: Labels, proposal: Proposal) -> Finding | None:
    empty = sum(not value for value in table.columns[proposal.label])
    if not empty:
        return None
    return Finding("bad", _("Labels"), _("%(n)d cases have no label.") % {"n": empty})


def _overlap(table: Labels, proposal: Proposal) -> Finding:
    if not proposal.split:
        words = _("Drawn here: stratified by label, and no patient on both sides.")
        return Finding("good", _("Patients in both shares"), words)
    who = table.columns[proposal.patient or proposal.case]
    sides = defaultdict(set)
    for patient, share in zip(who, table.columns[proposal.split], strict=True):
        sides[patient].add(share.casefold())
    both = [patient for patient, shares in sides.items() if len(shares) > 1]
    if not both:
        return Finding("good", _("Patients in both shares"), _("No patient has cases in both shares."))
    words = _("%(n)d patients have cases in both shares. Leave the column out, and the split is drawn here.")
    return Finding("bad", _("Patients in both shares"), words % {"n": len(both)})


def _order(table: Labels, proposal: Proposal, by_id: bool) -> Finding:
    """Whether neighbours agree more than in a shuffled table: Wald and Wolfowitz' runs, or for numbers their correlation."""
    values = table.columns[proposal.label]
    if by_id:
        order = sorted(range(len(table)), key=table.columns[proposal.case].__getitem__)
        values = [values[place] for place in order]
    title = _("Order of the ids") if by_id else _("Order of the rows")
    if abs(order_score(values, proposal.kind)) <= ORDER:
        return Finding("good", title, _("Tells nothing of the labels."))
    if by_id:
        words = _(
            "Sorted by id, neighbours have the same label far too often: the ids tell the labels. Rename the cases."
        )
    else:
        words = _("Neighbours have the same label far too often. Cases are shown sorted by id, so only the ids matter.")
    return Finding("warn", title, words)


def order_score(values: list[str], kind: str) -> float:
    """Standard deviations by which neighbours agree more than chance; about standard normal in a shuffled table."""
    n = len(values)
    if n < 10:
        return 0.0
    if kind != "classification":
        ranks = np.argsort(np.argsort(np.array(values, float), kind="stable"), kind="stable").astype(float)
        return float(np.corrcoef(ranks[:-1], ranks[1:])[0, 1] * np.sqrt(n)) if n > 2 else 0.0
    counts = np.array(list(Counter(values).values()), float)
    same = sum(first == second for first, second in zip(values, values[1:], strict=False))
    chance = float((counts * (counts - 1)).sum() / (n * (n - 1)))
    spread = np.sqrt((n - 1) * chance * (1 - chance))
    return float((same - (n - 1) * chance) / spread) if spread > 0 else 0.0


def of_package(manifest: dict, root: Path) -> list[Finding]:
    """What the public cases show, once there is a split: trivial predictors, and the smallest resolvable difference."""
    cases = case_tables.read_cases(manifest, root / case_tables.FILE)
    metric = METRICS[manifest["metrics"]["primary"]]
    lines = []
    for yardstick in yardsticks.measure(manifest, cases, root):
        rows = [row for row in yardstick["scores"] if row["metric"] == metric.name and row["subset"] == "public"]
        if rows and rows[0]["value"] is not None:
            lines.append(f"{yardstick['name']}: {text(rows[0]['value'], 0.01)}")
    found = []
    if lines:
        words = _("On the public cases, by %(metric)s: %(lines)s.") % {
            "metric": metric.title,
            "lines": "; ".join(lines),
        }
        found.append(Finding("good", _("Predictors that look at nothing"), words))
    found += leaks(metric)
    least = resolvable(manifest, cases, metric)
    if least:
        words = _("About %(least)s %(unit)s on the public cases, for two entries of middling skill.")
        words %= {"least": text(least, 10 ** np.floor(np.log10(least))), "unit": metric.unit or metric.symbol}
        found.append(Finding("good", _("Smallest difference that can be told"), words))
    return found


def leaks(metric) -> list[Finding]:
    """That this primary metric tells public labels faster than others, and what to do; nothing where it does not."""
    if not metric.steered:
        return []
    words = _(
        "By %(metric)s a file decides how much each case weighs, so one made for it reads several public labels out of every "
        "score, rounded or not: with log loss 58 of 60 in 30 submissions (measured). Private labels stay hidden."
    )
    words += " " + _("Switch the Ladder on (then it was 2 of 60), or take a metric with bounds.")
    return [Finding("warn", _("Probing"), words % {"metric": metric.title})]


def resolvable(manifest: dict, cases, metric) -> float | None:
    """2.8 standard errors of a simulated entry of middling skill, as for entries that correlate by one half."""
    chosen = np.asarray(cases.split) == "public" if cases.split is not None else np.ones(len(cases.ids), bool)
    random = np.random.default_rng(0)
    n, kind = int(chosen.sum()), manifest["kind"]
    if kind == "survival":
        truth = {name: np.asarray(values)[chosen] for name, values in cases.reference.items()}
        spread = np.std(np.log1p(truth["time"])) or 1.0
        answer = -np.log1p(truth["time"]) + random.normal(0, spread, n)
    else:
        truth = np.asarray(cases.reference)[chosen]
        if kind == "regression":
            answer = truth + random.normal(0, truth.std() or 1.0, n)
        else:
            scores = np.eye(len(manifest["classes"]))[truth] * 1.5 + random.normal(size=(n, len(manifest["classes"])))
            answer = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            answer = answer[:, 1] if answer.shape[1] == 2 and not manifest.get("ordinal") else answer
    try:
        found = statistics.estimate(metric, truth, answer, np.asarray(cases.patients)[chosen], resamples=RESAMPLES)
    except ValueError:
        return None
    return statistics.smallest_resolvable_difference(found.error) if found.error else None
