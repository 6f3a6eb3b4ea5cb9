"""Run by test_private_labels.py in a process of its own: a server with a running competition, walked by those below the judges.

argv: a scratch folder; "as-is" or "other" for its private labels; "planted" for a server that leaks (see plants.py), of which a
participant walks the competition alone. Writes every answer to the scratch folder as JSON: status, headers, body, and the
SHA-256 of the body.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import django

django.setup()

import numpy as np  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from evaluators import runs, tasks  # noqa: E402
from leaderboard import benchmarks, computations, submissions  # noqa: E402
from leaderboard.contests import making, people  # noqa: E402
from leaderboard.models import Computation, Submission  # noqa: E402
from tests.journeys import plants  # noqa: E402
from tests.leaderboard.contests import phase  # noqa: E402
from tests.packages import binary_answer, write_manifest  # noqa: E402
from tests.test_routes import VALUES, routes  # noqa: E402
from zoo import accounts  # noqa: E402

N = 80
QUERIES = {
    "benchmarks": ("?subset=private", "?subset=all", "?rows=all", "?format=csv", "?format=markdown", "?metric=average_precision",
                   "?all_entries=true", "?subset=site=a"),
    "competitions": ("?share=private", "?format=csv", "?share=private&format=latex", "?metric=balanced_accuracy"),
    "submissions": ("?subset=private", "?subset=all"),
}  # fmt: skip


def package(folder: Path, other: bool) -> np.ndarray:
    """A package with groups, safety constraints and a split; with `other`, each private label is the other one."""
    random = np.random.default_rng(4)
    labels = random.integers(0, 2, N)
    public = (np.arange(N) // 2) % 2 == 1
    known = labels.copy()
    if other:
        labels = np.where(public, labels, 1 - labels)
        labels[np.flatnonzero(~public)[:6]] = 1  # another prevalence too
    write_manifest(
        folder, slug="lungs", split={"column": "split"}, groups=["site"],
        safety=[{"never": {"truth": ["malignant"], "predicted": ["benign"]}, "at_most": 0}],
    )  # fmt: skip
    rows = ["case_id,patient_id,split,site,label"]
    for index in range(N):
        share, site, label = (
            ["private", "public"][int(public[index])],
            "ab"[index % 2],
            ["benign", "malignant"][int(labels[index])],
        )
        rows.append(f"case-{index:04d},patient-{index // 2:04d},{share},{site},{label}")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    return known


def evaluate(run) -> None:
    tasks.evaluate(run.pk)
    run.refresh_from_db()
    assert run.status == "scored", (run.status, run.error, run.log)


def build(scratch: Path, other: bool):
    runs.ring = lambda run: True  # evaluated below, in order
    owner = accounts.create_user("owner")
    people_ = {name: accounts.create_user(name) for name in ("ann", "ben", "watcher")}
    hospital = accounts.create_organisation("hospital", owner)
    known = package(scratch / "package", other)
    benchmark = benchmarks.load(scratch / "package", hospital, publish=False)
    made = making.make(benchmark, owner, slug="lungs", title="Lungs", ladder=False, phases=[phase(per_day=9)])
    making.appoint(made, owner, "watcher", "observer")
    files = [scratch / f"{number}.csv" for number in range(4)]
    for number, file in enumerate(files):
        binary_answer(file, known, skill=0.5 + number, seed=number)
    base = submissions.submit(made.benchmark, hospital, owner, file=files[3], name="Baseline", baseline=True)
    evaluate(base.run)
    made = making.publish(made, owner)
    for name in ("ann", "ben"):
        people.enter(made, people_[name])
    for name, file in (("ann", files[0]), ("ben", files[2])):
        user = people_[name]
        evaluate(submissions.submit(made.benchmark, user.namespace, user, file=file, name=file.stem).run)
    submissions.submit(made.benchmark, people_["ben"].namespace, people_["ben"], file=files[0], name="waiting")
    while row := Computation.objects.filter(content=None).first():
        computations.make(row)
    return people_


# Every route is walked by a participant, those about results by the others too.
WALKERS = ("ann", "watcher", "anonymous")


def addresses(name: str):
    pks = list(Submission.objects.order_by("pk").values_list("pk", flat=True))
    values = VALUES | {"slug": "lungs", "name": "hospital", "owner": "hospital"}
    for route in routes():
        if route.startswith(("accounts/", "settings/", "i18n/")):
            continue
        if name != "ann" and not re.search("benchmarks|competitions|submissions|search|^$", route):
            continue
        for pk in pks if "<pk>" in route else pks[:1]:
            filled = values | {"pk": pk} | ({"slug": "tumour"} if "tasks/" in route else {})
            address = "/" + re.sub(r"<(\w+)>", lambda match: str(filled.get(match[1], "x")), route)  # noqa: B023
            queries = next((more for word, more in QUERIES.items() if word in route), ()) if name == "ann" else ()
            yield from (address + query for query in ("", *queries))


def main(scratch: Path, other: bool, planted: bool) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for command in ("migrate", "createcachetable"):
        call_command(command, verbosity=0)
    people_ = build(scratch, other)
    found = {}
    if planted:
        plants.apply()
    for name in WALKERS[:1] if planted else WALKERS:
        user = people_.get(name)
        client = Client(raise_request_exception=False)
        if user:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for address in addresses(name):
            if planted and "competitions" not in address:
                continue
            answer = client.get(address)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            digest = hashlib.sha256(body).hexdigest()
            found[f"{name} {address}"] = [
                answer.status_code, dict(answer.headers), body.decode("utf-8", "replace"), digest, len(body),
            ]  # fmt: skip
    (scratch / "answers.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "other", "planted" in sys.argv[3:])
