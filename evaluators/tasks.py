"""The Celery tasks: each claims, calls the code that judges, and stores."""

import logging
import os
import socket

from evaluators import runs, worker
from evaluators.celery import app

log = logging.getLogger(__name__)


@app.task
def evaluate(run_id: int) -> None:
    """Evaluate one queued run. A second message for the same run finds it taken, and does nothing."""
    lease = runs.claim(run_id, f"{socket.gethostname()}:{os.getpid()}")
    if lease:
        worker.evaluate(lease)


@app.task
def sweep() -> None:
    """What every worker also does by itself, for sites whose scheduler runs apart."""
    runs.sweep()
