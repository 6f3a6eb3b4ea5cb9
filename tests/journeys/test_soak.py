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
# Turns by which a team may be ahead of one that waits, as docs/queues.md states: none by the order itself, one for each worker
# (what it takes at the same moment counts for neither yet), and one for each of a team's runs that was lost and begun again.
TOLERANCE = 4
FULL = {"submissions": 200, "teams": 10, "worker_kills": 30, "broker_kills": 3, "within": 1500}

COUNTS = """
import json
from django.db.models import Count
from evaluators.models import Run, Score
from leaderboard.models import Quota, Submission
begun = Run.objects.filter(started__isnull=False).order_by("started").values_list("scope", "created", "started")
twice = Score.objects.values("run", "metric", "subset", "part").annotate(n=Count("pk")).filter(n__gt=1).count()
print(json.dumps({
    "submissions": Submission.objects.count(), "runs": Run.objects.count(), "scored_twice": twice,
    "status": dict(Run.objects.order_by().values_list("status").annotate(Count("pk"))),
    "attempts": dict(Run.objects.order_by().values_list("attempt").annotate(Count("pk"))),
    "quota": sum(Quota.objects.values_list("used", flat=True)),
    "begun": [(scope, created.timestamp(), started.timestamp()) for scope, created, started in begun],
}))
"""


def part(service: Service, word: str) -> int | None:
    """A process of the running service whose command holds `word`, any of several."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(service.process.pid)], capture_output=True, text=True
    )
    found = [line.split(None, 1)[0] for line in listed.stdout.splitlines() if word in line]
    return int(random.choice(found)) if found else None


def kill(service: Service, word: str) -> bool:
    pid = part(service, word)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return True


@pytest.mark.parametrize(
    ("size", "database"),
    [
        pytest.param(SHORT, "sqlite", id="short"),
        pytest.param(FULL, "sqlite", id="full-sqlite", marks=pytest.mark.soak),
        pytest.param(FULL, "postgres", id="full-postgres", marks=[pytest.mark.soak, pytest.mark.postgres]),
    ],
)
def test_nothing_is_lost_and_nothing_counted_twice(database, size, tmp_path):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres_server()) if database == "postgres" else ""
        workers = ("--evaluators", "2", "--concurrency", "1")
        service = stack.enter_context(Service(tmp_path, *workers, **({"DATABASE_URL": url} if url else {})))
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
    counts["turns_ahead"] = turns_ahead(counts.pop("begun"))
    assert counts["turns_ahead"] <= TOLERANCE, counts
    assert kills["worker"] >= size["worker_kills"] and kills["broker"] >= size["broker_kills"]
    if size is FULL:
        record(counts)


def hand_in(service, tokens, labels, size, folder) -> int:
    """One greedy team hands in half of all answers first; then the others, in turn."""
    taken, greedy = 0, size["submissions"] // 2
    for number in range(size["submissions"]):
        binary_answer(folder / "answer.csv", labels, seed=number)
        team = tokens[0] if number < greedy else tokens[1 + number % (len(tokens) - 1)]
        answer = service.submit("tumour-or-not", team, folder / "answer.csv", name=f"entry {number}")
        taken += answer.status_code == 201
    return taken


def turns_ahead(begun: list) -> int:
    """By how many turns a team that began a run was ahead of one that waited, at most.

    begun: (team, received, begun) of every run, in the order they began; of a run that was lost, its last beginning.
    """
    turns, most = dict.fromkeys((scope for scope, _, _ in begun), 0), 0
    for number, (scope, _, now) in enumerate(begun):
        waiting = {other for other, received, _ in begun[number + 1 :] if received < now and other != scope}
        most = max([most, *(turns[scope] - turns[other] for other in waiting)])
        turns[scope] += 1
    return most


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
