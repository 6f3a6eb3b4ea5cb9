"""Probing a competition over its REST, with as many submissions as its limits allow: private labels stay at chance, and
of the public ones no more is learnt than the released numbers can carry.
"""

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evaluators import evaluate, runs
from evaluators.metrics import METRICS as ENGINE
from evaluators.models import Run, Score
from leaderboard import cases
from leaderboard.contests import probing
from leaderboard.models import Competition
from tests.journeys import attacks
from tests.leaderboard.conftest import bearer, bell, cast, folder, storage  # noqa: F401 (fixtures)
from tests.leaderboard.contests import contest, enter, phase
from zoo import blobs

N, BUDGET = 120, 30
METRICS = ("auroc", "log_loss", "balanced_accuracy")


@pytest.fixture
def attacked(cast, folder):  # noqa: F811
    """(competition, labels, public): a contest whose primary metric and others an attacker may choose among."""

    def make(primary="auroc", **rules):
        metrics = {"primary": primary, "also": [name for name in METRICS if name != primary]}
        made, labels = contest(
            folder, cast.hospital, n=N, package={"metrics": metrics, "resample": {"unit": "patient_id", "resamples": 100}},
            phases=[phase(per_day=BUDGET)], concurrent=BUDGET, **rules,
        )  # fmt: skip
        enter(made, cast.ann)
        return made, labels, cases.chosen(made.benchmark.package, "public")

    return make


@pytest.fixture
def ask(client, bearer, cast):  # noqa: F811
    """ask(scores) -> what REST tells ann of that file, evaluated by the real engine; none where it is refused."""
    headers = bearer(cast.ann)

    def hand_in(scores):
        rows = [f"case-{place:04d},{1 - value:.6f},{value:.6f}" for place, value in enumerate(scores)]
        text = "case_id,benign,malignant\n" + "\n".join(rows) + "\n"
        fields = {"name": "probe", "file": SimpleUploadedFile("a.csv", text.encode())}
        answer = client.post("/api/v1/competitions/lungs/submissions", fields, **headers)
        if answer.status_code == 429:
            return {}
        assert answer.status_code in (200, 201), answer.content
        pk = answer.json()["id"]
        measure(Run.objects.get(submissions=pk), np.asarray(scores))
        told = client.get(f"/api/v1/submissions/{pk}", **headers).json()["scores"]
        assert {row["subset"] for row in told} <= {"public"}
        return {row["metric"]: row["value"] for row in told}

    return hand_in


def measure(run: Run, scores: np.ndarray) -> None:
    """What a worker does, without its sandbox: it would take a second for each question."""
    if run.status == Run.Status.SCORED:
        return
    found = evaluate.score(
        run.package.manifest, cases.of(run.package), np.column_stack([1 - scores, scores]), resamples=100
    )
    lease = runs.claim(run.pk, "test")
    names = ("metric", "subset", "part", "value", "low", "high", "error", "n", "patients", "method", "reason")
    details = save(found.details, run.pk)
    assert runs.finish(
        lease, [Score(**{name: getattr(row, name) for name in names}) for row in found.scores], details=details
    )


def save(arrays: dict, pk: int) -> str:
    path = blobs.root() / f"details-{pk}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: array for name, array in arrays.items() if isinstance(array, np.ndarray)})
    return blobs.put_path(path).sha256


def learnt(belief, labels, among) -> tuple[int, int]:
    """(right, wrong) guesses among these cases; where the attack learnt nothing it guesses nothing."""
    sure = among & (belief != 0.5)
    right = int(((belief > 0.5) == (labels == 1))[sure].sum())
    return right, int(sure.sum()) - right


def bits(competition, queries: int) -> float:
    """What the released numbers of so many answers can carry, at most: the logarithm of how many values each can have."""
    name = competition.benchmark.primary_metric
    span = {"auroc": 1.0, "log_loss": np.log(1e15)}[name]
    return queries * np.log2(span / competition.benchmark.steps[name] + 1)


@pytest.mark.parametrize("attack", [attacks.by_log_loss, attacks.bit_by_bit])
def test_the_attacks_work_where_nothing_protects(attack):
    """Exact scores on all cases: 30 questions give 30 labels one at a time, and nearly all of them by log loss."""
    labels = np.random.default_rng(1).integers(0, 2, N)

    def ask(scores):
        return {name: ENGINE[name](labels, np.asarray(scores)) for name in ("auroc", "log_loss")}

    right, wrong = learnt(attack(ask, N, BUDGET + 1, N), labels, np.ones(N, bool))
    assert wrong == 0 and right >= (N if attack is attacks.by_log_loss else BUDGET)


@pytest.mark.parametrize(
    ("attack", "primary"),
    [(attacks.by_log_loss, "auroc"), (attacks.bit_by_bit, "auroc"), (attacks.by_log_loss, "log_loss")],
)
def test_private_labels_stay_at_chance_and_public_ones_within_the_budget(attacked, ask, attack, primary):
    made, labels, public = attacked(primary)
    belief = attack(ask, N, BUDGET + 5, int(public.sum()))  # it tries more than it may
    right, wrong = learnt(belief, labels, ~public)
    assert abs(right - wrong) <= 4 * np.sqrt(max(1, right + wrong)), "private labels beyond chance"
    right, wrong = learnt(belief, labels, public)
    assert right - wrong <= bits(made, BUDGET)
    if primary == "log_loss":  # what checkups.leaks tells organisers in numbers
        assert (right, wrong) == (58, 0) and ENGINE["log_loss"].steered and not ENGINE["auroc"].steered
    if (attack, primary) == (attacks.by_log_loss, "auroc"):
        assert right + wrong == 0, "another metric than the primary one was released"
    if attack is attacks.bit_by_bit:
        assert right + wrong <= BUDGET, "more labels than questions"


@pytest.mark.parametrize(
    ("attack", "primary"), [(attacks.bit_by_bit, "auroc"), (attacks.by_log_loss, "log_loss")], ids=["bits", "log-loss"]
)
def test_the_ladder_leaves_the_attacks_next_to_nothing(attacked, ask, attack, primary):
    made, labels, public = attacked(primary, ladder=True)
    belief = attack(ask, N, BUDGET, int(public.sum()))
    right, wrong = learnt(belief, labels, public)
    assert right + wrong <= 3, "only real steps are released"


def test_probing_is_flagged_to_the_organiser(attacked, ask, cast, client, bearer):  # noqa: F811
    made, labels, public = attacked()
    attacks.bit_by_bit(ask, N, 8, N)
    found = probing.flags(Competition.objects.get())
    assert [(flag.kind, flag.teams) for flag in found] == [("steps", ("ann",))]
    assert len(found[0].submissions) == 7
    enter(made, cast.ben)
    text = "case_id,benign,malignant\n" + "".join(f"case-{place:04d},0.5,0.5\n" for place in range(N - 1))
    text += f"case-{N - 1:04d},0.4,0.6\n"
    fields = {"name": "another account", "file": SimpleUploadedFile("a.csv", text.encode())}
    assert client.post("/api/v1/competitions/lungs/submissions", fields, **bearer(cast.ben)).status_code == 201
    kinds = {(flag.kind, flag.teams) for flag in probing.flags(Competition.objects.get())}
    assert ("near", ("ann", "ben")) in kinds
    again = {"name": "a copy", "file": SimpleUploadedFile("b.csv", text.encode())}
    enter(made, cast.mate)
    assert client.post("/api/v1/competitions/lungs/submissions", again, **bearer(cast.mate)).status_code == 201
    found = {(flag.kind, flag.teams): flag for flag in probing.flags(Competition.objects.get())}
    same = found["same", ("ben", "mate")]
    assert [row.name for row in same.submissions] == ["another account", "a copy"]
    assert ("near", ("ben", "mate")) not in found and ("same", ("ann", "ben")) not in found
    for who in (cast.member, cast.ann):
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
        page = client.get("/competitions/lungs/manage/")
        if who == cast.ann:
            assert page.status_code == 403, "flags are for the house and its judges"
            continue
        for said in ("differ from the one before", "all but the same", "handed in the very same file", "ben, mate"):
            assert said in page.content.decode(), said
