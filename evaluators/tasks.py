"""The Celery tasks: each claims, calls the code that judges, and stores."""

import logging

from evaluators import chores, runs, worker
from evaluators.celery import app

log = logging.getLogger(__name__)


@app.task
def evaluate(run_id: int) -> None:
    """Evaluate one waiting run: the next in line in the queue of the run that was rung for. The message is a doorbell: a
    second one for the same run finds none waiting, or serves another."""
    lease = runs.claim_next(run_id, worker.name())
    if lease:
        worker.evaluate(lease)


@app.task
def sweep() -> None:
    """What every worker also does by itself, for sites whose scheduler runs apart."""
    runs.sweep()
    chores.run()
