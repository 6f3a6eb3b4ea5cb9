"""Run by test_storage.py in a process of its own: garbage collection without any grace, beside uploads and commits.

Prints what went wrong as JSON. The database is whichever DATABASE_URL names.
"""

import json
import threading
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from zoo import accounts, blobs, commits, stores, upkeep  # noqa: E402
from zoo.models import File  # noqa: E402

NOW = timedelta(0)
SENDERS, TURNS = 4, 12


def main() -> dict:
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("createcachetable", verbosity=0)
    found: dict = {"errors": [], "committed": 0}
    _at_the_worst_moment(found)
    user = accounts.create_user("sender")
    model = commits.create_model(user.namespace, "net", author=user)
    _all_at_once(found, model, user)
    found["faults"] = [f"{fault.kind} {fault.note}" for fault in upkeep.check()]
    found["unread"] = sum(len(blobs.read(file.blob_id, 100)) == 0 for file in File.objects.all())
    return found


def _at_the_worst_moment(found: dict) -> None:
    """The collector starts when the sender has just seen that the bytes are there already."""
    blobs.put(b"old and unused")
    store, collectors = stores.current(), []
    adopt = store.adopt

    def adopt_and_be_disturbed(*arguments):
        adopt(*arguments)
        collectors.append(_start(found, lambda: upkeep.collect(NOW)))
        collectors[-1].join(0.5)

    store.adopt = adopt_and_be_disturbed
    blobs.put(b"old and unused")
    store.adopt = adopt
    for collector in collectors:
        collector.join()
    found["worst"] = [fault.kind for fault in upkeep.check()]


def _all_at_once(found: dict, model, user) -> None:
    """Threads send and commit the same few files, and take them out again, while another collects."""
    stop = threading.Event()

    def send(number):
        for turn in range(TURNS):
            blob = blobs.put(b"file %d" % (turn % 3))
            try:
                commits.commit_files(model, user, add={f"{number}.txt": blob}, title=f"{number} {turn}")
            except blobs.Incomplete:
                continue  # collected between sending and commit: told, and nothing broken
            found["committed"] += 1
            commits.commit_files(model, user, delete=[f"{number}.txt"], title=f"without {number} {turn}")

    def collect():
        while not stop.is_set():
            upkeep.collect(NOW)

    collector = _start(found, collect)
    for thread in [_start(found, lambda number=number: send(number)) for number in range(SENDERS)]:
        thread.join()
    stop.set()
    collector.join()


def _start(found: dict, work) -> threading.Thread:
    def run():
        try:
            work()
        except Exception as error:
            found["errors"].append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


if __name__ == "__main__":
    print(json.dumps(main()))
