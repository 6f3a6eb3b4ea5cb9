"""Whether the service works (/healthz, for the machines that watch it) and what it does (/metrics, Prometheus text)."""

import time
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models import Avg, Count, F, Min, Sum
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import evaluators
from evaluators.celery import app
from evaluators.models import Run
from leaderboard.models import Benchmark, Submission
from zoo import access as zoo_access
from zoo import errors, stores
from zoo.models import Blob, Model, User

STALE = timedelta(seconds=60)  # a run that waits this long while none runs: no worker is there


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "down"
    return "ok"


def _broker() -> str:
    """Reaching the broker is a comfort: without it runs are found by a sweep, so its loss is no outage."""
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
    except Exception:  # every transport has an error of its own
        return "down"
    return "ok"


def _storage() -> str:
    return "ok" if stores.current().is_ready() else "down"


def _workers() -> str:
    running = Run.objects.filter(status=Run.Status.RUNNING, lease_until__gt=timezone.now()).exists()
    waiting = Run.objects.filter(status=Run.Status.QUEUED).aggregate(oldest=Min("created"))["oldest"]
    if running or waiting is None or timezone.now() - waiting < STALE:
        return "ok"
    return "stale"


@never_cache
@require_safe
def healthz(request):
    """200 while pages can be served and results stored; 503 otherwise. `broker` and `workers` are told, not fatal."""
    checks = {"database": _database()}
    checks["storage"] = _storage()
    checks["broker"] = _broker()
    checks["workers"] = _workers() if checks["database"] == "ok" else "unknown"
    healthy = checks["database"] == checks["storage"] == "ok"
    status = "ok" if set(checks.values()) == {"ok"} else "degraded" if healthy else "down"
    body = {"status": status, "version": evaluators.__version__, "checks": checks}
    return JsonResponse(body, status=200 if healthy else 503)


@never_cache
@require_safe
def metrics(request):
    if not zoo_access.is_operator(request.user):
        hint = "Send an operator's token: manage.py create_token NAME --scope admin makes one."
        return errors.as_json(errors.Refused("forbidden", "Metrics are for operators.", hint, status=403))
    lines = []
    for name, kind, text, samples in _samples():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
        for labels, value in samples:
            inside = ",".join(f'{key}="{value_}"' for key, value_ in labels.items())
            lines.append(f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:g}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _samples():
    """(name, type, help, [(labels, value)]): labels are our own words, never a participant's."""
    started = time.perf_counter()
    runs = {(s, k): 0 for s in Run.Status.values for k in Run.Kind.values}
    counted = Run.objects.order_by().values_list("status", "kind").annotate(count=Count("pk"))
    runs |= {(status, kind): count for status, kind, count in counted}
    yield (
        "kensa_runs",
        "gauge",
        "Runs by status and kind.",
        [({"status": status, "kind": kind}, count) for (status, kind), count in sorted(runs.items())],
    )
    oldest = Run.objects.filter(status=Run.Status.QUEUED).aggregate(oldest=Min("created"))["oldest"]
    waited = (timezone.now() - oldest).total_seconds() if oldest else 0
    yield "kensa_queue_oldest_seconds", "gauge", "Age of the run that waits longest.", [({}, waited)]
    last_hour = Run.objects.filter(status=Run.Status.SCORED, finished__gt=timezone.now() - timedelta(hours=1))
    mean = last_hour.aggregate(mean=Avg(F("finished") - F("started")))["mean"]
    yield (
        "kensa_run_seconds_mean",
        "gauge",
        "Mean time of the runs scored in the last hour.",
        [({}, mean.total_seconds() if mean else 0)],
    )
    retried = Run.objects.filter(attempt__gt=1).aggregate(sum=Sum(F("attempt") - 1))["sum"] or 0
    yield "kensa_run_retries_total", "counter", "Attempts after the first.", [({}, retried)]
    for name, rows in (("users", User), ("models", Model), ("benchmarks", Benchmark), ("submissions", Submission)):
        yield f"kensa_{name}", "gauge", f"Number of {name}.", [({}, rows.objects.count())]
    stored = Blob.objects.aggregate(count=Count("pk"), size=Sum("size"))
    yield "kensa_blobs", "gauge", "Blobs stored.", [({}, stored["count"])]
    yield "kensa_blob_bytes", "gauge", "Bytes stored in blobs.", [({}, stored["size"] or 0)]
    yield "kensa_scrape_seconds", "gauge", "Time this answer took.", [({}, time.perf_counter() - started)]
