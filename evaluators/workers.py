"""Which workers there are: each says every few seconds that it lives, what it has and which queues it serves."""

from datetime import timedelta
from pathlib import Path

from django.db.models import QuerySet
from django.db.models.functions import Now

import evaluators
from evaluators.models import Worker

ALIVE = timedelta(seconds=30)  # since it was last seen
KEPT = timedelta(days=1)  # a worker that is gone is shown for so long
GPUS = Path("/proc/driver/nvidia/gpus")


def tell(name: str, queues: list[str], slots: int) -> None:
    """This worker lives: `name` is what runs hold as their worker; slots: runs at the same time."""
    facts = {"queues": sorted(queues), "slots": slots, "device": device(), "memory": memory()}
    Worker.objects.update_or_create(name=name, defaults=facts | {"evaluator": evaluators.__version__, "seen": Now()})
    Worker.objects.filter(seen__lt=Now() - KEPT).delete()


def leave(name: str) -> None:
    """This worker was asked to end."""
    Worker.objects.filter(name=name).delete()


def alive() -> QuerySet[Worker]:
    """Those seen within half a minute."""
    return Worker.objects.filter(seen__gte=Now() - ALIVE)


def slots(queue: str) -> int:
    """How many runs of a queue can go on at the same time, as far as workers have told."""
    return sum(worker.slots for worker in alive() if queue in worker.queues)


def device() -> str:
    """The machine's GPUs as the driver names them, "" without one: asked of the kernel, since torch stays in the sandbox."""
    names = []
    for path in sorted(GPUS.glob("*/information")):
        lines = path.read_text(errors="replace").splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return f"{len(names)} x {names[0]}"[:100] if len(names) > 1 else "".join(names)[:100]


def memory() -> int:
    """Bytes of memory this worker may use: the machine's, or its container's."""
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return min(total, int(text)) if text.isdigit() else total
