"""The Celery tasks of the boards, and what every sweep of a worker does for them."""

from evaluators import chores
from evaluators.celery import app
from leaderboard import computations
from leaderboard.models import Computation


@app.task
def compute(pk: int) -> None:
    """Make one computation that a page asked for. A second message for it finds it made, and does nothing."""
    row = Computation.objects.filter(pk=pk).select_related("benchmark__package").first()
    if row:
        computations.make(row)


@chores.register
def sweep() -> None:
    """Make what a lost message would have made."""
    computations.sweep()
