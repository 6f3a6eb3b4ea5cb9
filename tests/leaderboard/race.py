"""Run by test_quota_race.py in a process of its own: twenty posts at once, by one team, at a limit of five.

Prints what became of them as JSON. The database is whichever DATABASE_URL names.
"""

import json
import sys
import threading
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from evaluators.models import Run  # noqa: E402
from leaderboard import benchmarks, submissions  # noqa: E402
from leaderboard.models import Quota, Submission  # noqa: E402
from tests.packages import binary, binary_answer  # noqa: E402
from zoo import accounts, blobs  # noqa: E402
from zoo.errors import Refused  # noqa: E402
from zoo.models import Blob  # noqa: E402

THREADS, LIMIT = 20, 5


def main(folder: Path) -> dict:
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("createcachetable", verbosity=0)
    labels = binary(folder / "package", n=40, limits={"per_day": LIMIT})
    benchmark = benchmarks.load(folder / "package")
    user = accounts.create_user("team")
    before = Blob.objects.count()
    for seed in range(THREADS):
        binary_answer(folder / f"{seed}.csv", labels, seed=seed)
    start, outcomes = threading.Barrier(THREADS), []

    def post(seed):
        start.wait()
        try:
            submissions.submit(benchmark, user.namespace, user, file=folder / f"{seed}.csv", name=str(seed))
            outcomes.append("taken")
        except Refused as refusal:
            outcomes.append(str(refusal.status))
        except Exception as error:
            outcomes.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=post, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = sum(path.is_file() for path in blobs.root().rglob("*"))
    return {
        "outcomes": {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))},
        "submissions": Submission.objects.count(), "runs": Run.objects.count(), "used": Quota.objects.get().used,
        "blobs": Blob.objects.count() - before, "files": files - before,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
