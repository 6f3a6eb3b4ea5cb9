"""What running each entry's network costs, beside its scores: for the board, a submission's page, and plots.

Measured on the worker that ran it and kept to two digits (see evaluators/provenance.py), so that everyone may see it.
Entries from prediction files have no cost: nothing of theirs was run here.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from evaluators.models import Run

# What can stand on the cost axis of a plot: the field, its title, its unit. The smaller the better, but for throughput.
AXES = (
    ("parameters", _("Parameters"), ""),
    ("file_bytes", _("File size"), "B"),
    ("macs", _("Multiply-adds of one case"), ""),
    ("latency_median", _("Median time of one case"), "s"),
    ("latency_p95", _("95th percentile of the time of one case"), "s"),
    ("throughput", _("Cases a second"), "1/s"),
    ("memory", _("Peak memory"), "B"),
)
OWN = ("parameters", "file_bytes", "macs")  # of the model, whoever runs it


@dataclass(frozen=True)
class Cost:
    """What one run cost; None where it was not measured. Times in seconds, sizes in bytes."""

    parameters: int | None
    file_bytes: int | None
    macs: int | None
    latency_median: float | None
    latency_p95: float | None
    throughput: float | None  # cases a second, decoding included
    memory: int | None  # peak, of the process
    device_memory: int | None  # peak, on the GPU
    device: str
    precision: str

    def as_dict(self) -> dict:
        return dict(vars(self))


def of(run: Run, whole: bool = True) -> Cost | None:
    """The cost of a scored run of weights; None for any other. Not `whole`: without what describes the model itself,
    for those who may not see a private one."""
    measured = run.provenance.get("cost") if run.kind == Run.Kind.WEIGHTS and run.status == Run.Status.SCORED else None
    if not measured:
        return None
    names = [name for name in Cost.__dataclass_fields__ if name not in ("device", "precision")]
    told = {name: str(run.provenance.get(name, "")) for name in ("device", "precision")}
    return Cost(**{name: measured.get(name) if whole or name not in OWN else None for name in names}, **told)


def of_board(board) -> list[tuple[object, Cost]]:
    """(entry, cost) of the board's entries that were run here, in the board's order: what a score-against-cost plot takes."""
    runs = Run.objects.in_bulk([entry.run.pk for entry in board.entries if entry.evidence == Run.Kind.WEIGHTS])
    found = ((e, of(runs[e.run.pk], e.model is not None)) for e in board.entries if e.run.pk in runs)
    return [(entry, cost) for entry, cost in found if cost]
