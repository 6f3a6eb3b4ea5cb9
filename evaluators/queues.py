"""The order in which waiting runs begin, and how long each still waits; one function gives both, so that they agree.

Of the runs in one queue the next is: a first look before any full run (it takes seconds and may spare a team hours), and
repetitions after an evaluator's change last; then the team that had the fewest turns within an hour, then the benchmark
with the fewest, then the smaller run, then the older one. Nobody starves: whoever waits sees every other team's count grow.
"""

import heapq
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from evaluators import workers
from evaluators.models import Run

WINDOW = timedelta(hours=1)  # what a team had longer ago is forgotten
QUEUES = ("cpu", "gpu")
PRIORITY = {"file": 3, "small": 5, "large": 7}  # within one team's turn: smaller first
LARGE = 256 << 20  # bytes of weights
PAST = 200  # ended runs that tell how long the next will take
SAME = 20  # of which the last of the same benchmark and kind count, where there are any
GONE = timedelta(minutes=2)  # a queue that no worker has served for so long hands its runs to `cpu`


@dataclass(frozen=True)
class Place:
    """Where a queued run stands: 1 is next. `wait` in seconds to its score, from past runs; None before there are any."""

    position: int
    wait: int | None


@dataclass(frozen=True)
class Waiting:
    """A queued run as the order sees it."""

    pk: int
    kind: str
    scope: str
    package: int
    looks: bool  # only its first look comes next
    repeats: bool
    size: tuple  # priority, age

    @property
    def rank(self) -> tuple[bool, bool]:
        return self.repeats, not self.looks


def choose(kind: str, size: int) -> dict:
    """Queue and priority of a new run: weights go where a worker has a GPU, if there is one."""
    if kind == Run.Kind.PREDICTIONS:
        return {"queue": "cpu", "priority": PRIORITY["file"]}
    gpu = any(worker.device and "gpu" in worker.queues for worker in workers.alive())
    return {"queue": "gpu" if gpu else "cpu", "priority": PRIORITY["large" if size >= LARGE else "small"]}


def order(queue: str, *, looks: bool = True, and_run: Run | None = None) -> list[Waiting]:
    """The queued runs in the order in which they begin, each counted as a turn of its team and benchmark.

    looks: whether first looks go before; without them it is the order of full runs, which tells who is scored when.
    and_run: a running one, taken as if it waited, to see whether it would be next.
    """
    queued = Q(status=Run.Status.QUEUED, queue=queue)
    rows = Run.objects.filter(queued | Q(pk=and_run.pk) if and_run else queued)
    waiting = [
        Waiting(
            pk, kind, scope, package, looks and kind == Run.Kind.WEIGHTS and not looked and not (and_run and pk == and_run.pk),
            replaces is not None, (priority, created, pk),
        )
        for pk, kind, scope, package, looked, replaces, priority, created in rows.values_list(
            "pk", "kind", "scope", "package_id", "looked", "replaces_id", "priority", "created"
        )
    ]  # fmt: skip
    teams, benchmarks = _turns(queue, and_run)
    return _deal(waiting, teams, benchmarks)


def _turns(queue: str, but: Run | None) -> tuple[Counter, Counter]:
    """How many runs each team and each benchmark had begun in this queue within the window."""
    begun = Run.objects.filter(queue=queue, started__gte=Now() - WINDOW, replaces=None)
    begun = begun.exclude(status=Run.Status.QUEUED).exclude(pk=but.pk if but else None)
    rows = list(begun.values_list("scope", "package_id"))
    return Counter(scope for scope, _ in rows), Counter(package for _, package in rows)


def _deal(waiting: list[Waiting], teams: Counter, benchmarks: Counter) -> list[Waiting]:
    """Turn by turn. Runs of one rank, team and benchmark keep their order, so only the first of each is compared."""
    hands: dict[tuple, list[Waiting]] = defaultdict(list)
    for run in sorted(waiting, key=lambda run: run.size, reverse=True):
        hands[run.rank, run.scope, run.package].append(run)
    dealt = []
    for rank in sorted({rank for rank, _, _ in hands}):
        had, measured = Counter(teams), Counter(benchmarks)
        mine = {(scope, package): hand for (other, scope, package), hand in hands.items() if other == rank}
        while mine:
            scope, package = min(mine, key=lambda key: (had[key[0]], measured[key[1]], mine[key][-1].size))
            dealt.append(mine[scope, package].pop())
            had[scope] += 1
            measured[package] += 1
            if not mine[scope, package]:
                del mine[scope, package]
        if rank[1]:  # full runs were turns; looks are none
            teams, benchmarks = had, measured
    return dealt


class Lines:
    """The places of queued runs, each queue looked at once: for a page or an answer that lists many."""

    def __init__(self):
        self._known: dict[str, dict[int, Place]] = {}

    def place(self, run: Run) -> Place | None:
        """Where a run stands in its queue; None when it is not queued."""
        if run.status != Run.Status.QUEUED:
            return None
        if run.queue not in self._known:
            self._known[run.queue] = _places(run.queue)
        return self._known[run.queue].get(run.pk)


def place(run: Run) -> Place | None:
    """Where one run stands in its queue; None when it is not queued."""
    return Lines().place(run)


def _places(queue: str) -> dict[int, Place]:
    expected = _Durations(queue)
    running = Run.objects.filter(queue=queue, status=Run.Status.RUNNING)
    now, free = timezone.now(), []
    for kind, package, started in running.values_list("kind", "package_id", "started"):
        free.append(max(0.0, expected.of(kind, package) - (now - started).total_seconds() if started else 0.0))
    free += [0.0] * (workers.slots(queue) - len(free))
    free = free or [0.0]
    heapq.heapify(free)
    found = {}
    for position, run in enumerate(order(queue, looks=False), 1):
        end = heapq.heappop(free) + expected.of(run.kind, run.package)
        heapq.heappush(free, end)
        found[run.pk] = Place(position, math.ceil(end) if expected.known else None)
    return found


class _Durations:
    """How many seconds a run takes: the median of past ones of the same kind and benchmark, else of all of the queue."""

    def __init__(self, queue: str):
        ended = Run.objects.filter(queue=queue, status=Run.Status.SCORED, started__isnull=False).order_by("-finished")
        rows = ended.values_list("kind", "package_id", "started", "finished")[:PAST]
        self.known = [
            (kind, package, (finished - started).total_seconds()) for kind, package, started, finished in rows
        ]
        self._of: dict[tuple, float] = {}

    def of(self, kind: str, package: int) -> float:
        if (kind, package) not in self._of:
            same = [seconds for k, p, seconds in self.known if (k, p) == (kind, package)][:SAME]
            like = same or [seconds for k, _, seconds in self.known if k == kind] or [s for _, _, s in self.known]
            self._of[kind, package] = median(like) if like else 0.0
        return self._of[kind, package]


def rescue() -> int:
    """Runs in a queue that no worker has served for a while go to `cpu`, which every site has; their number."""
    lost = Run.objects.filter(status=Run.Status.QUEUED, rung__lt=Now() - GONE).exclude(queue="cpu")
    served = {name for worker in workers.alive() for name in worker.queues}
    return lost.exclude(queue__in=served).update(queue="cpu")
