"""The life of a run: create, ring, claim, beat, finish, fail, reject, cancel, sweep. The only place that changes a status.

Each change is one conditional UPDATE that says whether it won, so that two workers never both hold a run, a message
that comes twice does nothing twice, and a worker that lost its lease cannot write a result. Times are the database's.
"""

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

import evaluators
from evaluators import chains, queues, receipts
from evaluators.celery import app
from evaluators.faults import SHOWN
from evaluators.models import Package, Run, Score

log = logging.getLogger(__name__)

ATTEMPTS = 3  # for failures that are ours; then the run has failed and its submission is refunded
RING_AGAIN = timedelta(seconds=8)  # a message not answered for this long may be lost
RINGS = 16  # messages waiting in the broker beyond which a sweep sends no more of them

# What costs nothing: what was ours, and what ended before a real case was opened.
REFUNDED = Q(status=Run.Status.FAILED) | Q(
    status__in=[Run.Status.REJECTED, Run.Status.CANCELLED], opened_real_case=False
)


@dataclass(frozen=True)
class Lease:
    """The right of one attempt to write to one run, until it is lost."""

    run_id: int
    secret: str
    attempt: int


def digest(answer: dict) -> str:
    """SHA-256 over an answer's files: the same bytes under the same names are the same answer, in whatever revision."""
    return hashlib.sha256(json.dumps(answer["files"], sort_keys=True).encode()).hexdigest()


def create(package: Package, kind: str, answer: dict, scope: str, queue: str = "cpu", priority: int = 5) -> Run:
    """A new queued run. `answer`: {"files": {path: sha256}} and, for weights, "model" and "revision"; queue and priority as
    queues.choose says.

    The caller rings once its transaction is committed: `transaction.on_commit(partial(runs.ring, run))`. A bell that
    is never rung is made good by a sweep.
    """
    return Run.objects.create(
        package=package,
        kind=kind,
        answer=answer,
        answer_digest=digest(answer),
        scope=scope,
        evaluator=evaluators.__version__,
        queue=queue,
        priority=priority,
    )


def repeat(run: Run) -> Run:
    """A new run of the same answer under the evaluator there is now; it takes the place of `run` once it is scored.

    Until then, and where it comes to no score, `run` stands. One that is open already is given back. The caller rings.
    """
    known = Run.objects.filter(replaces=run, status__in=Run.OPEN).first()
    if known:
        return known
    kept = {
        name: getattr(run, name) for name in ("package", "kind", "answer", "answer_digest", "scope", "queue", "created")
    }
    return Run.objects.create(
        **kept, evaluator=evaluators.__version__, priority=run.priority, looked=run.looked, replaces=run,
        opened_real_case=run.opened_real_case,
    )  # fmt: skip


def _take_place(run: Run) -> None:
    """What it repeats is superseded, and whatever pointed there points to this run; whose rows those are is not known here."""
    Run.objects.filter(pk=run.replaces_id).update(superseded_by=run)
    for relation in Run._meta.related_objects:
        if relation.related_model._meta.app_label != Run._meta.app_label:
            rows = relation.related_model._base_manager.filter(**{relation.field.name: run.replaces_id})
            rows.update(**{relation.field.name: run.pk})


def reusable(package: Package, kind: str, answer_digest: str, scope: str) -> Run | None:
    """An earlier run of the same answer by the same team that is scored or still open; never another team's."""
    same = Run.objects.filter(
        package=package,
        kind=kind,
        answer_digest=answer_digest,
        scope=scope,
        evaluator=evaluators.__version__,
        superseded_by=None,
        status__in=[Run.Status.SCORED, *Run.OPEN],
    )
    return same.order_by("-finished", "created").first()


def ring(run: Run) -> bool:
    """Tell the workers that a run waits. False, and never an error, when the broker cannot be reached."""
    try:
        app.send_task("evaluators.tasks.evaluate", args=[run.pk], queue=run.queue)
    except Exception as error:  # kombu raises a class of its own per transport
        log.warning(
            "run %s waits, but the broker cannot be reached (%s); a sweep will find it", run.pk, type(error).__name__
        )
        return False
    return True


def claim(run_id: int, worker: str) -> Lease | None:
    """Take a queued run: exactly one caller gets a lease, every other gets None."""
    secret = secrets.token_hex(16)
    won = Run.objects.filter(pk=run_id, status=Run.Status.QUEUED).update(
        status=Run.Status.RUNNING,
        attempt=F("attempt") + 1,
        lease=secret,
        lease_until=_lease_end(),
        worker=worker[:100],
        stage="starting",
        progress=0,
        started=Now(),
    )
    if not won:
        return None
    return Lease(run_id, secret, Run.objects.values_list("attempt", flat=True).get(pk=run_id))


def claim_next(run_id: int, worker: str) -> Lease | None:
    """Take the run that is next in line in the queue of `run_id`, whoever that is; None where none waits."""
    queue = Run.objects.filter(pk=run_id).values_list("queue", flat=True).first()
    leases = (claim(waiting.pk, worker) for waiting in (queues.order(queue) if queue else ()))
    return next((lease for lease in leases if lease), None)


def beat(lease: Lease, stage: str = "", progress: float = 0, opened_real_case: bool = False) -> bool:
    """Renew the lease and tell the progress (0 to 100, kept in steps of 5). False: the run is no longer this worker's."""
    known = {"stage": stage[:40]} if stage else {}
    if opened_real_case:  # never taken back
        known["opened_real_case"] = True
    step = int(min(max(progress, 0), 100)) // 5 * 5
    return bool(_held(lease).update(lease_until=_lease_end(), progress=step, **known))


def finish(
    lease: Lease,
    scores: list[Score],
    *,
    details: str = "",
    safety: list[dict] | None = None,
    robustness: dict | None = None,
    provenance: dict | None = None,
    log: str = "",
) -> bool:
    """Store scores, details, safety verdicts, robustness, provenance, receipt and its link in one transaction. False, and
    nothing stored, if the lease is lost."""
    with transaction.atomic():
        won = _held(lease).update(
            status=Run.Status.SCORED,
            finished=Now(),
            progress=100,
            stage="",
            details=details,
            safety=safety or [],
            robustness=robustness or {},
            provenance=provenance or {},
            log=log,
            **_RELEASED,
        )
        if not won:
            return False
        run = Run.objects.select_related("package").get(pk=lease.run_id)
        for score in scores:
            score.run = run
        Score.objects.bulk_create(scores)
        run.receipt = receipts.issue(run, scores)
        Run.objects.filter(pk=run.pk).update(receipt=run.receipt)
        chains.append(run)
        if run.replaces_id:
            _take_place(run)
    return True


def reject(lease: Lease, error: str, faults: list[dict], *, count: int = 0, log: str = "") -> bool:
    """End a run whose answer is at fault; `faults` name places in the participant's own files and nothing else.

    The first 50 are kept; `count`: how many there are.
    """
    shown = faults[:SHOWN]
    if count > len(shown):
        shown = [*shown[: SHOWN - 1], {"message": f"and {count - min(len(shown), SHOWN - 1):,} more faults"}]
    return bool(
        _held(lease).update(
            status=Run.Status.REJECTED, finished=Now(), stage="", error=error, faults=shown, log=log, **_RELEASED
        )
    )


def fail(lease: Lease, error: str, *, log: str = "") -> bool:
    """A failure of ours: back into the queue, where a sweep rings again, or failed after the last attempt."""
    held = _held(lease)
    return bool(
        held.filter(attempt__lt=ATTEMPTS).update(
            status=Run.Status.QUEUED, rung=Now(), stage="", progress=0, log=log, **_RELEASED
        )
        or held.update(status=Run.Status.FAILED, finished=Now(), stage="", error=error, log=log, **_RELEASED)
    )


def release(lease: Lease) -> bool:
    """Give a run back unfinished, as a worker that is asked to end does; this attempt does not count."""
    return bool(
        _held(lease).update(
            status=Run.Status.QUEUED,
            attempt=F("attempt") - 1,
            rung=Now() - 2 * RING_AGAIN,
            stage="",
            progress=0,
            **_RELEASED,
        )
    )


def pass_look(lease: Lease) -> bool:
    """Note that the first look found no fault. False: others go before the full run, which is back in the queue."""
    _held(lease).update(looked=True)
    run = Run.objects.get(pk=lease.run_id)
    if queues.order(run.queue, and_run=run)[0].pk == run.pk or not release(lease):
        return True
    ring(run)
    return False


def cancel(run: Run) -> bool:
    """Stop an open run, queued or running; its worker notices at the next beat. False when it had ended already."""
    return bool(
        Run.objects.filter(pk=run.pk, status__in=Run.OPEN).update(
            status=Run.Status.CANCELLED, finished=Now(), stage="", **_RELEASED
        )
    )


def forget(run: Run) -> bool:
    """Let go of the answer of a run that has ended; scores, digest and receipt stay. False where it is still open."""
    ended = Run.objects.filter(pk=run.pk).exclude(status__in=Run.OPEN)
    return bool(ended.update(answer={"files": {}, "forgotten": timezone.now().date().isoformat()}, log=""))


def sweep(evaluate=None) -> int:
    """Put back the runs whose worker is gone, ring again for those whose message may be lost; the number of runs touched.

    Where the broker cannot be reached, `evaluate(run_id)` is called for the first of them, so that runs finish without it.
    """
    touched = _requeue_expired() + queues.rescue()
    overdue = Run.objects.filter(status=Run.Status.QUEUED, rung__lt=Now() - RING_AGAIN).order_by(
        "priority", "created", "pk"
    )
    room = {}  # by queue: without it a long queue would be rung for over and over
    for run in overdue[: 4 * RINGS]:
        room.setdefault(run.queue, RINGS - _waiting(run.queue))
        if room[run.queue] <= 0:
            continue
        # Judged again by the database's own clock: on SQLite a time read and sent back is not equal to the one it wrote.
        if not overdue.filter(pk=run.pk).order_by().update(rung=Now()):
            continue  # another sweep was quicker
        room[run.queue] -= 1
        touched += 1
        if not ring(run):
            if evaluate:
                evaluate(run.pk)
            break
    return touched


def _requeue_expired() -> int:
    """Runs whose lease ran out go back into the queue, to be rung for at once, or have failed after the last attempt."""
    expired = Run.objects.filter(status=Run.Status.RUNNING, lease_until__lt=Now())
    back = expired.filter(attempt__lt=ATTEMPTS).update(
        status=Run.Status.QUEUED, rung=Now() - 2 * RING_AGAIN, stage="", progress=0, **_RELEASED
    )
    lost = expired.filter(attempt__gte=ATTEMPTS).update(
        status=Run.Status.FAILED, finished=Now(), stage="", error="lost", **_RELEASED
    )
    return back + lost


def _waiting(queue: str) -> int:
    """How many messages wait in the broker's queue; 0 where it has none or cannot be reached."""
    try:
        with app.connection_for_write() as connection:
            return connection.default_channel.queue_declare(queue, passive=True).message_count
    except Exception:  # a missing queue and a missing broker look different in every transport
        return 0


_RELEASED = {"lease": "", "lease_until": None}


def _held(lease: Lease):
    return Run.objects.filter(pk=lease.run_id, status=Run.Status.RUNNING, lease=lease.secret)


def _lease_end():
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
