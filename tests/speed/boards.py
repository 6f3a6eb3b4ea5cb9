"""Boards at full size: the page with 1,000 entries and with 10,000 submissions behind it, and standings made by a worker.

`python -m tests.speed.boards` prints the 95th percentile of the page, warm and cold, its queries, and the seconds of a ranking.
Cold: every cache of the service emptied, and the database connection new; what a worker computed is there.
"""

import importlib
import io
import json
import os
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

SIZES = ((1_000, 1_000), (1_000, 10_000))  # (teams, submissions)
LIMITS = {"warm": 0.1, "cold": 0.5, "ranking": 2.0}  # seconds
WARM, COLD = 40, 20
RESAMPLES = 2_000


def rows() -> list[dict]:
    """Rows for results.json: `library` is the limit that was set, `ratio` how far below it Kensa stays."""
    found = [_row("standings: 100 entries x 1,000 cases x 10,000 resamples", LIMITS["ranking"], ranking())]
    for teams, submissions in SIZES:
        took = pages(teams, submissions)
        for name in ("warm", "cold"):
            job = f"board page, {teams:,} entries, {submissions:,} submissions: p95 {name}, {took['queries']} queries"
            found.append(_row(job, LIMITS[name], took[name]))
    return found


def _row(job: str, limit: float, took: float) -> dict:
    return {"job": job, "library": "the limit", "library_s": limit, "kensa_s": took, "ratio": limit / took, "target": 1}


def ranking(entries: int = 100, cases: int = 1_000, resamples: int = 10_000) -> float:
    """Seconds from per-case values to the board's ranks, intervals, ties and stability, as a worker computes them."""
    import numpy as np

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
    os.environ.setdefault("KENSA_DATA_DIR", tempfile.mkdtemp())
    import django

    django.setup()
    from evaluators import statistics
    from evaluators.metrics import METRICS
    from leaderboard import ranking

    random = np.random.default_rng(0)
    values = (
        random.normal(size=(1, cases)) + random.normal(size=(entries, cases)) + np.linspace(0, 0.3, entries)[:, None]
    )

    def once(seed: int) -> float:
        begin = time.perf_counter()
        made = statistics.rank(values, resamples=resamples, seed=seed, tests=False)
        means = values.mean(axis=1)
        order = np.argsort(-means)
        ranking.compute(order.tolist(), means[order], made.resampled[order], METRICS["dice"], cases)
        return time.perf_counter() - begin

    once(0)  # compiles
    return min(once(seed) for seed in (1, 2, 3))


def pages(teams: int, submissions: int) -> dict:
    """{"warm", "cold": p95 in seconds, "queries": the most of any request, "worker": seconds of the ranking}; in a process
    of its own, with a data folder of its own."""
    import subprocess

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.speed.boards", "measure", str(teams), str(submissions)]
        done = subprocess.run(command, env=os.environ | {"KENSA_DATA_DIR": folder}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(teams: int, submissions: int) -> dict:
    import numpy as np
    from django.core.cache import cache
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    call_command("prepare", stdout=io.StringIO())
    importlib.import_module("leaderboard.wsgi")  # as gunicorn does
    setup_test_environment()
    board = build(teams, submissions)
    client, address = Client(), board.get_absolute_url()
    client.get(address)
    worker = made()

    def once(cold: bool) -> float:
        if cold:
            cache.clear()
            connection.close()
        begin = time.perf_counter()
        answer = client.get(address)
        assert answer.status_code == 200
        return time.perf_counter() - begin

    once(False)
    page = client.get(address).content.decode()
    assert "Updating" not in page and page.count("<tr") > 200
    cold = [once(True) for _ in range(COLD)]
    warm = [once(False) for _ in range(WARM)]
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return {
        "warm": float(np.quantile(warm, 0.95)), "cold": float(np.quantile(cold, 0.95)), "queries": len(asked),
        "worker": worker, "median_warm": float(np.median(warm)), "median_cold": float(np.median(cold)),
    }  # fmt: skip


def made() -> float:
    """Seconds in which a worker makes what the page asked for."""
    from leaderboard import computations
    from leaderboard.models import Computation

    begin = time.perf_counter()
    for row in Computation.objects.filter(content__isnull=True, topic__startswith="ranks").select_related(
        "benchmark__package"
    ):
        computations.make(row)
    return time.perf_counter() - begin


def build(teams: int, submissions: int):
    """A published board, written straight into the database: each team's submissions, scored on three metrics."""
    import numpy as np
    from django.utils import timezone

    from evaluators.models import Run, Score
    from leaderboard.models import Submission
    from tests.leaderboard.pages import make_board
    from zoo import accounts, blobs
    from zoo.models import Namespace

    organiser = accounts.create_user("organiser")
    metrics = ("auroc", "average_precision", "balanced_accuracy")
    board = make_board(accounts.create_organisation("hospital", organiser), metrics=metrics, cases=1000, patients=1000,
                       manifest={"resample": {"unit": "patient_id", "resamples": RESAMPLES}})  # fmt: skip
    names = [Namespace(name=f"team-{number:04d}", title=f"Team {number}") for number in range(teams)]
    Namespace.objects.bulk_create(names)
    random, now = np.random.default_rng(0), timezone.now()
    shared, made = random.normal(size=RESAMPLES), []
    values = 0.7 + 0.2 * random.random(submissions)
    kept = [_details(blobs, shared, metrics, random) for _ in range(50)]
    for number in range(submissions):
        made.append(Run(package=board.package, kind="predictions", answer={"files": {}}, answer_digest=str(number),
                        scope=f"team:{number % teams}", evaluator="speed", status="scored", started=now, finished=now,
                        attempt=1, details=kept[number % 50]))  # fmt: skip
    made = Run.objects.bulk_create(made, batch_size=500)
    Score.objects.bulk_create(
        [
            Score(run=run, metric=name, value=value, low=value - 0.04, high=value + 0.04, error=0.02, n=1000, patients=1000,
                  method="percentile")
            for run, value in zip(made, values, strict=True) for name in metrics
        ],
        batch_size=500,
    )  # fmt: skip
    Submission.objects.bulk_create(
        [Submission(benchmark=board, team=names[number % teams], run=run, name=f"entry {number}")
         for number, run in enumerate(made)],
        batch_size=500,
    )  # fmt: skip
    return board


def _details(blobs, shared, metrics, random) -> str:
    import numpy as np

    out = io.BytesIO()
    draws = {f"resampled:{name}:all": 0.8 + 0.01 * (shared + random.normal(size=len(shared))) for name in metrics}
    np.savez(out, **draws)
    out.seek(0)
    return blobs.put(out).sha256


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
        import django

        django.setup()
        print(json.dumps(measure(*map(int, sys.argv[2:]))))
    else:
        for row in rows():
            print(f"{row['job']}: {row['kensa_s']:.3f} s, limit {row['library_s']} s")
