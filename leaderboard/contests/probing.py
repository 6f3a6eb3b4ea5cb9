"""What looks like probing of the held-out labels, for organisers to judge: nothing is refused for it.

Files of one team that differ in a row or two (one question each to the labels), the same file from two teams, and files of
two teams that are all but the same (one person with two accounts). Tables are read as text; others are compared whole.
"""

import csv
import functools
import io
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from django.utils.translation import gettext as _

from evaluators.models import Run
from leaderboard.models import Competition, Submission
from zoo import blobs

NEWEST = 300  # submissions that are compared
MOST_BYTES = 8 << 20
FEW = 0.02  # share of rows that differ in files that are all but the same
STEPS = 3  # such files of one team, after which it looks like a method
SAMPLE = 64  # rows by which pairs of teams are found


@dataclass
class Flag:
    """One thing to look at. kind: steps | same | near."""

    kind: str
    teams: tuple[str, ...]
    words: str
    submissions: list[Submission] = field(default_factory=list)


def flags(competition: Competition) -> list[Flag]:
    """Everything that looks like probing, those with most submissions first."""
    rows = Submission.objects.filter(contest_team__competition=competition, run__kind=Run.Kind.PREDICTIONS)
    rows = list(rows.select_related("contest_team", "run").order_by("-created", "-pk")[:NEWEST])[::-1]
    found = [*_steps(rows), *_pairs(rows)]
    return sorted(found, key=lambda flag: -len(flag.submissions))


def _steps(rows: list[Submission]) -> list[Flag]:
    """Teams that change a row or two at a time."""
    by_team: dict[int, list[Submission]] = {}
    for row in rows:
        by_team.setdefault(row.contest_team_id, []).append(row)
    found = []
    for mine in by_team.values():
        small = [later for earlier, later in zip(mine, mine[1:], strict=False) if _differ(earlier, later, fewest=1)]
        if len(small) >= STEPS:
            words = _("%(n)d submissions that differ from the one before in a row or two") % {"n": len(small)}
            found.append(Flag("steps", (mine[0].by,), words, small))
    return found


def _pairs(rows: list[Submission]) -> list[Flag]:
    """Teams with the same file, or with files that are all but the same."""
    pairs: dict[tuple, Flag] = {}
    for one, other in combinations(rows, 2):
        if one.contest_team_id == other.contest_team_id:
            continue
        same = one.run.answer_digest == other.run.answer_digest
        if not same and not _differ(one, other):
            continue
        teams = tuple(sorted((one.by, other.by)))
        kind = "same" if same else "near"
        words = _("handed in the very same file") if same else _("handed in files that are all but the same")
        flag = pairs.setdefault((kind, teams), Flag(kind, teams, words))
        flag.submissions += [row for row in (one, other) if row not in flag.submissions]
    return list(pairs.values())


def _differ(one: Submission, other: Submission, fewest: int = 0) -> bool:
    """Whether two tables differ in few rows only (at least `fewest`)."""
    a, b = _table(one), _table(other)
    if a is None or b is None or len(a) != len(b):
        return False
    few = max(2, int(FEW * len(a)))
    places = np.linspace(0, len(a) - 1, min(SAMPLE, len(a))).astype(int)
    if (a[places] != b[places]).sum() > max(2, few):
        return False
    return fewest <= int((a != b).sum()) <= few


def _table(row: Submission) -> np.ndarray | None:
    files = row.run.answer.get("files") or {}
    sha256 = next(iter(files.values()), "") if len(files) == 1 and next(iter(files)).endswith(".csv") else ""
    return _rows(sha256) if sha256 and row.size <= MOST_BYTES else None


@functools.lru_cache(maxsize=NEWEST)
def _rows(sha256: str) -> np.ndarray | None:
    """A number for each row of a table, in the order of its first column; numbers count to three digits."""
    try:
        with blobs.open(sha256) as file:
            text = file.read().decode("utf-8-sig", "replace")
    except (OSError, KeyError):
        return None
    lines = sorted(csv.reader(io.StringIO(text, newline="")))
    return np.array([hash(tuple(_coarse(cell) for cell in line)) for line in lines if line], np.int64)


def _coarse(cell: str) -> str:
    try:
        return f"{float(cell):.3g}"
    except ValueError:
        return cell.strip()
