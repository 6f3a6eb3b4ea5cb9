"""Brings a built demo into the service by the same verbs as everyone's: load, commit, submit; publish when it is scored.

Safe to repeat: what is there already is found again, and nothing is evaluated twice.
"""

from pathlib import Path

from evaluators.models import Run
from leaderboard import benchmarks, literature, submissions
from leaderboard.demo import Baseline, Demo, _artefacts
from leaderboard.models import Benchmark, Submission, Task
from zoo import blobs, commits
from zoo.models import Model, Namespace

TEAM = "kensa"


def team() -> Namespace:
    """The organisation that owns the demo's benchmarks, models and entries. It has no members: operators manage it."""
    return Namespace.objects.get_or_create(name=TEAM, defaults={"title": "Kensa demonstration"})[0]


def benchmark(place: Path, demo: Demo) -> Benchmark:
    """The benchmark of a built demo, as a draft where it is new. Raises Faults."""
    made = benchmarks.load(_artefacts.package(place), team(), publish=False)
    _illustrate(made.task, place, demo)
    return made


def task(place: Path, demo: Demo) -> Task:
    """The task of a demo that rests on papers alone. Raises Faults."""
    found = literature.load(_artefacts.package(place))
    _illustrate(found, place, demo)
    return found


def _illustrate(found: Task, place: Path, demo: Demo) -> None:
    if demo.picture:
        literature.illustrate(found, place / _artefacts.PICTURE, demo.credit)


def submit(made: Benchmark, demo: Demo, place: Path) -> list[Submission]:
    """Hand in every entry of a built demo; weights are published in the zoo first. Earlier makes of them are withdrawn."""
    found = []
    for number, entry in enumerate(demo.entries()):
        answer = _artefacts.answer(place, number)
        about = {"name": entry.name, "description": entry.description, "external_data": entry.external_data}
        if entry.kind == "weights":
            model = publish(made, entry, answer)
            submission = submissions.submit(made, team(), None, model=model, revision="main", baseline=True, **about)
        else:
            submission = submissions.submit(made, team(), None, file=answer, baseline=True, **about)
        found.append(submission)
    same = Submission.objects.filter(benchmark=made, team=team(), baseline=True, withdrawn=None)
    for stale in same.filter(name__in=[row.name for row in found]).exclude(pk__in=[row.pk for row in found]):
        submissions.withdraw(stale, None)
    return found


def publish(made: Benchmark, entry: Baseline, folder: Path) -> Model:
    """The entry's model in the zoo, its files committed to main; the same files again make no new revision."""
    model = Model.objects.filter(namespace=team(), name=entry.model).first()
    if model is None:
        model = commits.create_model(team(), entry.model, author=None, title=entry.name, task=made.task.slug)
    files = {
        str(path.relative_to(folder)): blobs.put_path(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    commits.commit_files(model, None, add=files, title="Publish weights, configuration and model card")
    return model


def open_runs(found: list[Submission]) -> list[Run]:
    """The runs of these submissions that are not at an end."""
    return list(Run.objects.filter(submissions__in=found, status__in=Run.OPEN).distinct())


def settle(made: Benchmark) -> Benchmark:
    """Publish a benchmark whose entries have come to an end; this freezes the steps its numbers are rounded to."""
    made.refresh_from_db()
    return benchmarks.publish(made)
