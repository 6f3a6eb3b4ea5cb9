"""The fixed cast and what they own, for tests that ask who sees what.

`lab` is an organisation: `owner` leads it, `teammate` is a member. `stranger` belongs to nobody, `operator` runs the service,
`anonymous` is not signed in. Of everything there is an open and a secret one.
"""

from types import SimpleNamespace

from django.contrib.auth.models import AnonymousUser

from evaluators import runs
from evaluators.models import Run, Score
from leaderboard import benchmarks
from leaderboard.contests import making
from leaderboard.models import Benchmark, Submission
from tests.leaderboard.contests import phase
from tests.packages import binary
from zoo import accounts, blobs, commits

CAST = ("operator", "owner", "teammate", "stranger", "anonymous")
PASSWORD = "a password of the tests"
SECRET = "zq-secret-zq"  # part of every name that only the lab may learn


def build(folder) -> SimpleNamespace:
    """Store the world; `folder` is a scratch folder for packages."""
    people = {name: accounts.create_user(name, password=PASSWORD, operator=name == "operator") for name in CAST[:-1]}
    lab = accounts.create_organisation("lab", people["owner"], title="The lab")
    accounts.add_member(lab, people["teammate"])
    world = SimpleNamespace(people=people | {"anonymous": AnonymousUser()}, lab=lab)
    world.open_model = _model(lab, people["owner"], "open", private=False)
    world.secret_model = _model(lab, people["owner"], SECRET, private=True)
    world.labels = binary(folder / "open", slug="open-board", labels="hidden", release_inputs=False)
    binary(
        folder / "secret",
        slug=SECRET,
        title=f"Board {SECRET}",
        seed=5,
        task={"slug": "tumour", "title": "Is there a tumour?"},
    )
    world.open_board = benchmarks.load(folder / "open", lab)
    world.secret_board = benchmarks.load(folder / "secret", lab)
    Benchmark.objects.filter(pk=world.secret_board.pk).update(private=True)
    world.open_contest = _contest(folder / "contest", lab, "open-contest", private=False)
    world.secret_contest = _contest(folder / "secret-contest", lab, f"{SECRET}-contest", private=True)
    world.entry = _submission(world.open_board, lab, people["owner"], "An entry", Run.Status.SCORED)
    world.waiting = _submission(world.open_board, lab, people["teammate"], SECRET, Run.Status.QUEUED)
    return world


def _contest(folder, lab, slug, private):
    binary(folder, slug=slug, title=slug, split=True, n=40)
    made = making.make(
        benchmarks.load(folder, lab, publish=False), slug=slug, title=slug, private=private, phases=[phase()]
    )
    return making.publish(made)


def _model(lab, author, name, private):
    model = commits.create_model(lab, name, author=author, private=private)
    card = blobs.put([f"---\nlicense: mit\n---\n# {name}\n\nResearch use only.\n".encode()])
    commits.commit_files(model, author, add={"README.md": card}, title="Add the card")
    return model


def _submission(board, team, author, name, status):
    blob = blobs.put([name.encode()])
    run = runs.create(board.package, "predictions", {"files": {"answer.csv": blob.sha256}}, scope=f"team:{team.pk}")
    Run.objects.filter(pk=run.pk).update(status=status)
    if status == Run.Status.SCORED:
        Score.objects.create(
            run=run, metric="auroc", value=0.81234567, low=0.7, high=0.9, error=0.05, n=200, patients=100
        )
    return Submission.objects.create(
        benchmark=board, team=team, author=author, run=run, name=name, filename="answer.csv"
    )
