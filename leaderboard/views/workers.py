"""Who evaluates: for everyone how many workers there are and how long the queues are, for operators each worker."""

from datetime import timedelta

from django.db.models import Count, Q
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from evaluators import queues, workers
from evaluators.models import Run, Worker
from leaderboard.models import Submission
from leaderboard.views.submissions import STAGES
from zoo import access as zoo_access

DAY = timedelta(days=1)


@require_safe
def page(request):
    operator = zoo_access.can(request.user, "see workers")
    alive = list(workers.alive().order_by("name"))
    context = {
        "alive": len(alive),
        "slots": sum(worker.slots for worker in alive),
        "devices": sorted({worker.device for worker in alive if worker.device}),
        "queues": _queues(alive),
        "operator": operator,
        "workers": _workers(alive) if operator else [],
    }
    return render(request, "leaderboard/workers.html", context)


def _queues(alive: list[Worker]) -> list[dict]:
    """What waits and runs in each queue, and what ended within a day."""
    counted = {
        row["queue"]: row
        for row in Run.objects.order_by()
        .values("queue")
        .annotate(
            waiting=Count("pk", filter=Q(status=Run.Status.QUEUED)),
            running=Count("pk", filter=Q(status=Run.Status.RUNNING)),
            ended=Count("pk", filter=~Q(status__in=Run.OPEN) & Q(finished__gte=timezone.now() - DAY)),
        )
    }
    empty = {"waiting": 0, "running": 0, "ended": 0}
    return [
        {"name": name, "slots": sum(worker.slots for worker in alive if name in worker.queues)}
        | counted.get(name, empty)
        for name in queues.QUEUES
    ]


def _workers(alive: list[Worker]) -> list[dict]:
    """Every worker of the last day, those that live first, with what each runs."""
    living = {worker.pk for worker in alive}
    rows = sorted(Worker.objects.all(), key=lambda worker: (worker.pk not in living, worker.name))
    running = Submission.objects.filter(run__status=Run.Status.RUNNING).select_related("benchmark", "run")
    by_worker: dict[str, dict] = {}
    for submission in running:  # several may stand for one run
        stage = STAGES.get(submission.run.stage, submission.run.stage)
        by_worker.setdefault(submission.run.worker, {})[submission.run_id] = {"submission": submission, "stage": stage}
    return [
        {"worker": row, "alive": row.pk in living, "runs": list(by_worker.get(row.name, {}).values())} for row in rows
    ]
