"""Run by test_contest_race.py in a process of its own: posts, joins and merges at once. Prints what became of them as JSON.

The database is whichever DATABASE_URL names.
"""

import json
import sys
import threading
from collections import Counter
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from leaderboard import submissions  # noqa: E402
from leaderboard.contests import people, teams  # noqa: E402
from leaderboard.models import Participant, Submission, Team  # noqa: E402
from tests.leaderboard.contests import contest, phase  # noqa: E402
from tests.packages import binary_answer  # noqa: E402
from zoo import accounts  # noqa: E402
from zoo.errors import Refused  # noqa: E402

THREADS, LIMIT, SIZE = 20, 5, 3


def at_once(calls) -> Counter:
    start, outcomes = threading.Barrier(len(calls)), []

    def run(call):
        start.wait()
        try:
            call()
            outcomes.append("taken")
        except Refused as refusal:
            outcomes.append(refusal.code)
        except Exception as error:
            outcomes.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(outcomes)


def main(folder: Path) -> dict:
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("createcachetable", verbosity=0)
    made, labels = contest(
        folder / "package", "kensa", n=40, team_size=SIZE, concurrent=50, phases=[phase(per_day=LIMIT)]
    )
    users = [accounts.create_user(f"user-{number}") for number in range(11)]
    for user in users[:3]:
        people.enter(made, user)
    team = teams.of(made, users[0])
    for user in users[1:3]:
        teams.join(made, user, teams.code(team))
    for seed in range(THREADS):
        binary_answer(folder / f"{seed}.csv", labels, seed=seed)

    def post(seed):
        user = users[seed % 3]  # all of one team
        return lambda: submissions.submit(
            made.benchmark, user.namespace, user, file=folder / f"{seed}.csv", name=str(seed)
        )

    posts = at_once([post(seed) for seed in range(THREADS)])
    for user in users[3:]:
        people.enter(made, user)
    host, others = users[3], users[4:]
    link = teams.code(teams.of(made, host))
    joins = at_once(
        [
            lambda verb=[teams.join, teams.merge][number % 2], user=user: verb(made, user, link)
            for number, user in enumerate(others)
        ]
    )
    merged = teams.of(made, host)
    sizes = Counter(Participant.objects.values_list("team", flat=True))
    return {
        "posts": dict(posts), "submissions": Submission.objects.filter(contest_team=team).count(),
        "joins": dict(joins), "size": sizes[merged.pk], "largest": max(sizes.values()),
        "people": Participant.objects.exclude(team=None).count(),
        "teams": Team.objects.filter(merged_into=None).count(),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
