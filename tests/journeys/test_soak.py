"""Submissions from many teams while workers and the broker are killed at random: every one ends, none is lost, none counted twice.

`make test` runs a few minutes' worth less; `make soak` the full size, and writes what it measured to docs/soak.json.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from datetime import UTC, datetime

import pytest

from tests.journeys.service import ROOT, Service, wait_for
from tests.packages import binary, binary_answer
from tests.postgres import server as postgres_server

SHORT = {"submissions": 10, "teams": 3, "worker_kills": 2, "broker_kills": 1, "within": 150}
FULL = {"submissions": 200, "teams": 10, "worker_kills": 30, "broker_kills": 3, "within": 1500}

COUNTS = """
import json
from django.db.models import Count
from evaluators.models import Run, Score
from leaderboard.models import Quota, Submission
twice = Score.objects.values("run", "metric", "subset", "part").annotate(n=Count("pk")).filter(n__gt=1).count()
print(json.dumps({
    "submissions": Submission.objects.count(), "runs": Run.objects.count(), "scored_twice": twice,
    "status": dict(Run.objects.order_by().values_list("status").annotate(Count("pk"))),
    "attempts": dict(Run.objects.order_by().values_list("attempt").annotate(Count("pk"))),
    "quota": sum(Quota.objects.values_list("used", flat=True)),
}))
"""


def part(service: Service, word: str) -> int | None:
    """The process of the running service whose command holds `word`."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(service.process.pid)], capture_output=True, text=True
    )
    found = [line.split(None, 1)[0] for line in listed.stdout.splitlines() if word in line]
    return int(found[0]) if found else None


def kill(service: Service, word: str) -> bool:
    pid = part(service, word)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return True


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("size", [SHORT, pytest.param(FULL, marks=pytest.mark.soak)], ids=["short", "full"])
def test_nothing_is_lost_and_nothing_counted_twice(database, size, tmp_path):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres_server()) if database == "postgres" else ""
        service = stack.enter_context(Service(tmp_path, **({"DATABASE_URL": url} if url else {})))
        labels = binary(tmp_path / "package", n=400, limits={"per_day": size["submissions"]})
        service.manage("load_benchmark", tmp_path / "package")
        tokens = [service.token(f"team-{number}") for number in range(size["teams"])]

        begin = time.monotonic()
        taken = hand_in(service, tokens, labels, size, tmp_path)
        kills = disturb(service, size)
        counts = settled(service, size)
        counts |= {"seconds": round(time.monotonic() - begin, 1), "kills": kills, "database": database}

    assert taken == size["submissions"]
    assert counts["status"] == {"scored": size["submissions"]}, counts
    assert counts["runs"] == counts["submissions"] == counts["quota"] == size["submissions"], counts
    assert counts["scored_twice"] == 0
    assert kills["worker"] >= size["worker_kills"] and kills["broker"] >= size["broker_kills"]
    if size is FULL:
        record(counts)


def hand_in(service, tokens, labels, size, folder) -> int:
    taken = 0
    for number in range(size["submissions"]):
        binary_answer(folder / "answer.csv", labels, seed=number)
        answer = service.submit(
            "tumour-or-not", tokens[number % len(tokens)], folder / "answer.csv", name=f"entry {number}"
        )
        taken += answer.status_code == 201
    return taken


def disturb(service, size) -> dict:
    """Kill workers and brokers at drawn moments, with seed, while the queue is worked off."""
    draw = random.Random(0)
    planned = ["celery"] * size["worker_kills"] + ["valkey-server"] * size["broker_kills"]
    draw.shuffle(planned)
    kills = {"worker": 0, "broker": 0}
    for word in planned:
        time.sleep(draw.uniform(0.5, 6))
        wait_for(lambda word=word: kill(service, word), 60, what=f"{word} runs again after its kill")
        kills["worker" if word == "celery" else "broker"] += 1
        if word == "valkey-server":
            (service.data / "broker" / "dump.rdb").unlink(missing_ok=True)  # its data is lost too
    return kills


def settled(service, size) -> dict:
    """The database's own counts once no run is open."""

    def counts():
        found = json.loads(service.manage("shell", "--no-imports", "-c", COUNTS).splitlines()[-1])
        return found if not set(found["status"]) & {"queued", "running"} else None

    return wait_for(counts, size["within"], every=2, what="every run ends")


def record(counts: dict) -> None:
    path = ROOT / "docs" / "soak.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known[counts["database"]] = counts | {"date": datetime.now(UTC).date().isoformat()}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
