"""Tasks that are known from papers alone: task.yaml and claims.yaml in a folder, no case and no measurement; task pictures.

Guarantees that nothing of it is ever ranked: its claims hang on the task, not on a benchmark.
"""

from pathlib import Path

from django.db import transaction

from evaluators import manifest, places
from evaluators.faults import Fault, Faults, Findings
from evaluators.fields import Fields
from leaderboard import claims
from leaderboard.models import Claim, Task
from zoo import blobs

FILE = "task.yaml"
MOST = 1 << 20  # bytes of a picture
PNG = b"\x89PNG\r\n\x1a\n"


@transaction.atomic
def load(folder: Path) -> Task:
    """Make a task from `task: {slug, title, question, specialty, modality, anatomy}`, `note` and `command` in task.yaml, with
    the claims beside it; loading it again replaces both. Raises Faults with everything that is wrong."""
    fields, faults = _read(folder / FILE)
    published, more = claims.read(folder / claims.FILE, bare=True)
    faults += more
    if not faults and not published:
        hint = "Write claims.yaml beside it: without a benchmark, a task is what was published about it."
        faults.append(Fault("there is no claim", hint, file=claims.FILE))
    if faults:
        raise Faults(faults)
    task, _ = Task.objects.update_or_create(slug=fields["slug"], defaults=fields)
    Claim.objects.filter(task=task, benchmark=None).delete()
    for claim in published:
        claim.task = task
    Claim.objects.bulk_create(published)
    return task


def _read(file: Path) -> tuple[dict, list[Fault]]:
    if not file.is_file():
        return {}, [Fault("there is no task.yaml", "Write task: {slug: ..., title: ..., question: ...}.", file=FILE)]
    try:
        tree = places.read(file.read_bytes(), FILE)
    except Faults as faults:
        return {}, faults.faults
    found = Findings(FILE)
    top = Fields(tree, found)
    fields = manifest.task(top)
    fields |= {"note": top.text("note", longest=10_000), "command": top.text("command", longest=300)}
    top.done()
    return fields | {"title": fields["title"] or fields["slug"].replace("-", " ").capitalize()}, found.faults


def illustrate(task: Task, picture: Path, credit: str) -> None:
    """Give a task a small picture, a PNG, and say whose it is. Raises Faults."""
    size = picture.stat().st_size
    if size > MOST or not picture.read_bytes().startswith(PNG):
        raise Faults([Fault("this is not a small PNG", f"At most {MOST:,} bytes.", file=picture.name)])
    Task.objects.filter(pk=task.pk).update(picture=blobs.put_path(picture).sha256, credit=credit[:300])
