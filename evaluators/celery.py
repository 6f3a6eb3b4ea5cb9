"""The Celery application. A message is a doorbell and carries a run's id alone; no result is kept in the broker."""

import os
import warnings

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")

# What is untrusted runs in children without any rights, whoever the worker is.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("kensa", include=["evaluators.tasks", "evaluators.sweeper"])
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    # The work happens in sandboxed children, so that a worker's own process only waits: threads suffice, and no
    # process that imports the database or the broker is ever forked.
    worker_pool="threads",
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    # Ringing must not keep a page waiting: one attempt, no pause. (A worker reconnects by its own rules, for ever.)
    broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS
    | {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    beat_schedule={"sweep": {"task": "evaluators.tasks.sweep", "schedule": 15.0, "options": {"expires": 15}}},
)
