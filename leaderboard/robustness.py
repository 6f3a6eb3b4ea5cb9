"""What corrupted inputs do to an entry's score, as one viewer may see it: everything for the organiser and where labels are
public, else one rounded mean drop (each score of a corruption would be one more question to the hidden labels).
"""

from dataclasses import dataclass

from evaluators.corruptions import CORRUPTIONS
from evaluators.models import Run
from leaderboard import access
from leaderboard.models import Submission
from leaderboard.rounding import to_step

COARSEST = 0.01  # of the clean score; the step is never finer
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Robustness:
    """`mean_drop`: as a share of the clean score, over all corruptions and severities; None where there is none to tell."""

    mean_drop: float | None
    step: float
    facts: dict  # everything, for whom it is; else {}
    rows: list  # of it: (Corruption, [(score, drop, flips), ...])

    @property
    def text(self) -> str:
        """In whole per cent, with a true minus sign."""
        return "" if self.mean_drop is None else f"{100 * self.mean_drop:.0f} %".replace("-", "\N{MINUS SIGN}")

    def as_dict(self) -> dict:
        return {"mean_drop": self.mean_drop, "step": self.step} | ({"measured": self.facts} if self.facts else {})


def of(submission: Submission, viewer, run: Run | None = None) -> Robustness | None:
    """The robustness of a scored submission; None where none was measured."""
    run, benchmark = run or submission.run, submission.benchmark
    facts = run.robustness
    if run.status != Run.Status.SCORED or not facts or "error" in facts:
        return None
    whole = access.sees_finer(viewer, benchmark)
    step = _step(benchmark.steps.get(facts["metric"]), facts["clean"])
    drop = facts["mean_drop"] if whole else to_step(facts["mean_drop"], step)
    return Robustness(drop, step, facts if whole else {}, _rows(facts) if whole else [])


def of_board(board, viewer) -> dict[int, Robustness]:
    """By submission, for the entries that were run here."""
    runs = Run.objects.in_bulk([entry.run.pk for entry in board.entries if entry.evidence == Run.Kind.WEIGHTS])
    found = {
        entry.submission.pk: of(entry.submission, viewer, runs[entry.run.pk])
        for entry in board.entries
        if entry.run.pk in runs
    }
    return {pk: one for pk, one in found.items() if one}


def _step(step: float | None, clean: float | None) -> float:
    """The benchmark's own step as a share of the clean score, upwards to 1, 2 or 5 per cent and so on."""
    share = step / abs(clean) if step and clean else COARSEST
    return next((one for one in STEPS if one >= share), STEPS[-1])


def _rows(facts: dict) -> list:
    return [
        (CORRUPTIONS[row["name"]], list(zip(row["scores"], row["drops"], row["flips"], strict=True)))
        for row in facts["corruptions"]
        if row["name"] in CORRUPTIONS
    ]
