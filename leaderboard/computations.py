"""What takes too long for a page: a page asks and shows the last one it finds, a worker makes the next.

The row is the truth and the message a doorbell: a row without content is made by the next sweep if the message was lost.
Where no broker can be reached, and it is small, it is made on the spot.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from evaluators.celery import app
from leaderboard.models import Benchmark, Computation

log = logging.getLogger(__name__)

KEPT = 8  # of one topic
TOPICS = 2000  # rows of one benchmark; beyond it those used for the longest time ago go
ATTEMPTS = 5
LATE = timedelta(seconds=8)  # a message not answered for this long may be lost
SMALL = 2_000_000  # numbers that a page may work through itself where there is nobody else to do it

Make = Callable[[Benchmark, dict], dict]
MAKERS: dict[str, Make] = {}  # by the first word of the topic


def makes(word: str) -> Callable[[Make], Make]:
    """Decorator: `make(benchmark, ask) -> content`, both plain JSON, for topics that begin with this word."""

    def register(make: Make) -> Make:
        MAKERS[word] = make
        return make

    return register


def digest(*parts) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def find(
    benchmark: Benchmark, topic: str, identity: str, ask: Callable[[], dict], size: int
) -> tuple[dict | None, bool]:
    """(content, whether it is of this very state). `identity`: the digest of what it comes from; `ask()`: what the maker
    needs; `size`: about how many numbers go into it. Content of an earlier state, or None, while a worker makes this one."""
    row = Computation.objects.filter(benchmark=benchmark, digest=identity).first()
    if row and row.content is not None:
        return row.content, True
    if row is None:
        row = _ask(benchmark, topic, identity, ask())
        if not ring(row) and size <= SMALL:
            return make(row), True
    last = Computation.objects.filter(benchmark=benchmark, topic=topic, computed__isnull=False)
    return last.order_by("-computed").values_list("content", flat=True).first(), False


def _ask(benchmark: Benchmark, topic: str, identity: str, ask: dict) -> Computation:
    """The row that waits to be made; where the database takes nothing just now, one that is not kept."""
    fresh = {"topic": topic, "ask": ask}
    try:
        with transaction.atomic():
            return Computation.objects.get_or_create(benchmark=benchmark, digest=identity, defaults=fresh)[0]
    except DatabaseError:
        log.warning("%s of %s could not be asked for", topic, benchmark, exc_info=True)
        return Computation(benchmark=benchmark, digest=identity, **fresh)


def ring(row: Computation) -> bool:
    """Tell the workers; False where the broker cannot be reached."""
    if row.pk is None:
        return False
    try:
        app.send_task("leaderboard.tasks.compute", args=[row.pk])
    except Exception as error:  # kombu raises a class of its own per transport
        log.info("the broker cannot be reached (%s)", type(error).__name__)
        return False
    return True


def make(row: Computation) -> dict:
    """Make and keep one computation; what has been made is not made again."""
    if row.content is not None:
        return row.content
    Computation.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1)
    row.content = MAKERS[row.topic.split()[0]](row.benchmark, row.ask)
    try:
        with transaction.atomic():
            Computation.objects.filter(pk=row.pk).update(content=row.content, ask={}, computed=timezone.now())
            _forget(row)
    except DatabaseError:  # a page is shown all the same; the next one keeps it
        log.warning("%s could not be kept", row, exc_info=True)
    return row.content


def _forget(row: Computation) -> None:
    made = Computation.objects.filter(benchmark=row.benchmark, computed__isnull=False).order_by("-computed")
    old = [
        *made.filter(topic=row.topic).values_list("pk", flat=True)[KEPT:],
        *made.values_list("pk", flat=True)[TOPICS:],
    ]
    Computation.objects.filter(pk__in=old).delete()


def sweep(most: int = 3) -> int:
    """Make what a lost message would have made, the longest wait first; how many were made."""
    late = timezone.now() - LATE
    waiting = Computation.objects.filter(content__isnull=True, attempts__lt=ATTEMPTS, asked__lt=late).order_by(
        "attempts", "asked"
    )
    rows = list(waiting.select_related("benchmark__package")[:most])
    for row in rows:
        try:
            make(row)
        except Exception:
            log.exception("%s failed", row)
    return len(rows)
