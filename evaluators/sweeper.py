"""Every worker sweeps by itself, in a thread: a lost message, broker or worker is made good by whoever is left. The same
thread tells that the worker lives."""

import logging
import threading

from celery import bootsteps
from django.conf import settings
from django.db import close_old_connections

from evaluators import chores, runs, sandbox, tasks, worker, workers
from evaluators.celery import app

log = logging.getLogger(__name__)


class Sweeper(bootsteps.StartStopStep):
    """Refuses to start where the sandbox is impossible; then sweeps every SWEEP_SECONDS until the worker stops.

    Stops before the pool does, and gives back what runs: an update of the service does not wait for hours, nor lose them.
    """

    requires = {"celery.worker.components:Pool"}

    def __init__(self, parent, **options):
        super().__init__(parent, **options)
        self.stopping, self.parent = threading.Event(), parent
        self.thread = threading.Thread(target=self.work, name="sweeper", daemon=True)

    def start(self, parent):
        try:
            sandbox.shared().check()
        except sandbox.Impossible as error:
            log.critical(
                "This worker does not start: %s. Untrusted files are opened in a sandbox only. Allow user namespaces "
                "(sysctl kernel.unprivileged_userns_clone=1 or user.max_user_namespaces; in a container seccomp=unconfined), "
                "or set KENSA_SANDBOX=none where the container itself is the wall.",
                error,
            )
            raise SystemExit(3) from None
        self.thread.start()

    def stop(self, parent):
        self.stopping.set()
        worker.stopping.set()
        sandbox.shared().close()
        workers.leave(worker.name())

    def work(self):
        while not self.stopping.is_set():
            try:
                close_old_connections()
                workers.tell(worker.name(), list(self.parent.app.amqp.queues.consume_from), self.parent.concurrency)
                runs.sweep(evaluate=tasks.evaluate)
                chores.run()
                worker.tidy()
            except Exception:
                log.exception("sweep failed; the next one is in %s s", settings.SWEEP_SECONDS)
            self.stopping.wait(settings.SWEEP_SECONDS)


app.steps["worker"].add(Sweeper)
