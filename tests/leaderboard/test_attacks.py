"""An attack for every figure: what a participant may fetch gives hidden labels back no better than chance allows, beyond
one label for each released number that the query budget grants.

Each attack is first tried on what the organiser sees, where it succeeds: an attack that never works proves nothing. Scores
are computed by the evaluator itself from the files that the attacker hands in.
"""

import json
import re
from dataclasses import dataclass, field

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from scipy.stats import binom

from evaluators import evaluate, runs
from evaluators.models import Score
from evaluators.worker import ROW
from leaderboard import benchmarks, cases, submissions
from leaderboard.models import Competition, Submission
from leaderboard.plots.registry import PLOTS
from tests.leaderboard.plotted import make_plotted, truth_of
from tests.leaderboard.test_label_leak import routes
from tests.packages import binary
from zoo import blobs
from zoo.errors import Refused

pytestmark = pytest.mark.django_db
N, QUERIES = 120, 12  # cases, and submissions a day


@dataclass
class Field:
    """A benchmark with hidden labels, a worker in this process, and who looks at it."""

    board: object
    labels: np.ndarray
    cast: object
    folder: object
    made: list[Submission] = field(default_factory=list)

    def submit(self, score: np.ndarray, team="lab", user="ann") -> Submission:
        """Hand in a probability of malignant for each case, and have it scored."""
        path = self.folder / f"{team}-{len(self.made)}.csv"
        rows = [f"case-{i:04d},{1 - s:.6f},{s:.6f}\n" for i, s in enumerate(np.asarray(score, float))]
        path.write_text("case_id,benign,malignant\n" + "".join(rows))
        made = submissions.submit(
            self.board, self.cast[team], self.cast[user], file=path, name=f"{team} {len(self.made)}"
        )
        answer = np.column_stack([1 - np.round(score, 6), np.round(score, 6)])
        package = self.board.package
        result = evaluate.score(package.manifest, cases.of(package), answer, resamples=200)
        details = self.folder / "details.npz"
        np.savez(details, **result.details)
        scores = [Score(**{name: row.as_dict()[name] for name in ROW}) for row in result.scores]
        assert runs.finish(runs.claim(made.run_id, "test"), scores, details=blobs.put_path(details).sha256)
        self.made.append(Submission.objects.select_related("run", "benchmark__package").get(pk=made.pk))
        return self.made[-1]

    def client(self, who: str) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(self.cast[who], backend="django.contrib.auth.backends.ModelBackend")
        return client


@pytest.fixture
def world(cast, tmp_path):
    """The attacked benchmark, with another team's honest entry on it."""
    labels = binary(tmp_path / "p", n=N, seed=4, limits={"per_day": QUERIES}, release=["curves"])
    found = Field(benchmarks.load(tmp_path / "p", cast.hospital), labels, cast, tmp_path)
    noise = np.random.default_rng(0).normal(size=N)
    found.submit(1 / (1 + np.exp(-(2 * labels - 1 + noise))), "bens", "ben")
    return found


def chance(n: int) -> int:
    """The most labels of n that guessing gets right, but for one time in a thousand."""
    return int(binom.ppf(0.999, n, 0.5))


def spread(rng) -> np.ndarray:
    """A score of its own for each case, unrelated to the labels."""
    return (rng.permutation(N) + 1) / (N + 2)


# ---- one attack for each figure that labels could be read from: (figure's JSON, the attacker's own scores) -> guesses


def from_roc(figure: dict, mine: np.ndarray) -> np.ndarray:
    """Each step of the curve is one case, in the order of the attacker's own scores: up is a positive."""
    curve = figure["data"][-2]
    guesses, order = np.full(N, -1), np.argsort(-mine)
    up, right = np.diff(np.array(curve["y"], float)), np.diff(np.array(curve["x"], float))
    if len(up) == N:
        guesses[order] = (up > right).astype(int)
    return guesses


def from_precision_recall(figure: dict, mine: np.ndarray) -> np.ndarray:
    """Recall rises only where the next case is a positive."""
    curve = next(trace for trace in figure["data"] if trace["mode"] == "lines" and len(trace["x"]) == N)
    guesses = np.full(N, -1)
    guesses[np.argsort(-mine)] = np.diff(np.array([0, *curve["x"]], float)) > 1e-9
    return guesses


def from_calibration(figure: dict, mine: np.ndarray) -> np.ndarray:
    """Ten bins of the attacker's own cases: the majority of each."""
    observed = np.array(figure["data"][-1]["y"], float)
    guesses = np.full(N, -1)
    for part, rate in zip(np.array_split(np.argsort(mine), len(observed)), observed, strict=True):
        guesses[part] = rate > 0.5
    return guesses


READ = {"roc": from_roc, "precision_recall": from_precision_recall, "calibration": from_calibration}


@pytest.mark.parametrize("name", READ)
def test_a_curve_gives_labels_to_the_organiser_and_nothing_to_its_own_team(name, world):
    mine = spread(np.random.default_rng(1))
    entry = world.submit(mine)
    address = f"/api/v1/submissions/{entry.pk}/plots/{name}"
    guesses = READ[name](world.client("member").get(address).json(), mine)
    right = (guesses == world.labels).sum()
    assert right >= (N if name != "calibration" else chance(N) - 5), "the attack does not even work with everything"
    for who in ("ann", "mate", "ben", "stranger"):
        answer = world.client(who).get(address)
        assert answer.status_code == 404 and "data" not in answer.json()


def test_a_confusion_matrix_gives_a_label_for_each_pair_of_files_to_the_organiser_alone(world):
    base = np.full(N, 0.1)
    first = world.submit(base)
    found = {}
    for case in (3, 17, 40, 77):
        found[case] = world.submit(np.where(np.arange(N) == case, 0.9, base))
    read = lambda client, entry: client.get(f"/api/v1/submissions/{entry.pk}/plots/confusion")  # noqa: E731
    house, mine = world.client("member"), world.client("ann")
    before = read(house, first).json()["data"][0]["text"]
    for case, entry in found.items():
        after = read(house, entry).json()["data"][0]["text"]
        assert (int(after[1][1]) > int(before[1][1])) == world.labels[case]
        assert read(mine, entry).status_code == 404


@pytest.mark.parametrize("kind", ["regression", "survival", "detection", "segmentation"])
def test_what_lies_behind_entries_of_other_kinds_gives_their_reference_to_the_organiser_alone(kind, cast):
    board, entries = make_plotted(cast.hospital, kind)
    truth = truth_of(board, 300)
    clients = {name: Client() for name in ("member", "team0", "stranger")}
    people = {"member": cast.member, "team0": entries[0].team.user, "stranger": cast.stranger}
    for name, client in clients.items():
        client.force_login(people[name], backend="django.contrib.auth.backends.ModelBackend")
    names = [plot.name for plot in PLOTS.values() if plot.about == "entry" and kind in plot.kinds]
    for name in names:
        address = f"/api/v1/submissions/{entries[0].pk}/plots/{name}"
        assert clients["member"].get(address).status_code == 200
        assert clients["team0"].get(address).status_code == clients["stranger"].get(address).status_code == 404
        for wanted in ("?format=csv", "?format=json"):
            assert clients["team0"].get(address + wanted).status_code == 404
    if kind == "regression":  # mean and difference of a case give its reference
        figure = clients["member"].get(f"/api/v1/submissions/{entries[0].pk}/plots/bland_altman").json()["data"][0]
        reference = np.array(figure["x"]) - np.array(figure["y"]) / 2
        assert np.allclose(np.sort(reference), np.sort(truth), atol=0.05)
    if kind == "survival":  # every step is the time of an event
        times = clients["member"].get(f"/api/v1/submissions/{entries[0].pk}/plots/kaplan_meier").json()["data"][2]["x"]
        assert len(set(times) & set(np.round(truth["time"], 4))) > 50


# ---- the figures that everyone sees: state of the art, forest, cost; boards, exports, receipts, badges, feeds


def everything(world, who: str, entry: Submission) -> dict[str, str]:
    """Every GET address of the service, about this entry and board, as this person gets it."""
    client, values = world.client(who), {"slug": world.board.slug, "pk": entry.pk, "owner": "hospital", "name": "x"}
    found = {}
    for route in routes():
        if not re.search(r"<slug>|<pk>", route) or "accounts" in route:
            continue
        text = re.sub(r"<(\w+)>", lambda match: str(values.get(match[1], "x")), route)
        names = [plot.name for plot in PLOTS.values()] if "<name>" in route and "plots" in route else [""]
        for name in names:
            address = "/" + (text.replace("/x", f"/{name}") if name else text)
            answer = client.get(address)
            if answer.status_code == 200 and not answer.streaming:
                found[re.sub(r"\d+", "", route) + name] = answer.content.decode("utf-8", "replace")
    return found


def test_no_address_gives_an_exact_number_to_anyone_but_the_organiser(world):
    """Exact numbers tell the label of any case that is moved, so every answer is searched for the digits of every score."""
    entry = world.submit(spread(np.random.default_rng(2)))
    exact = [number for row in entry.run.scores.all() for number in (row.value, row.low, row.high, row.error) if number]
    digits = {f"{number:.6f}" for number in exact if len(f"{number:.6f}".rstrip("0")) >= 7}
    assert len(digits) >= 9
    texts = everything(world, "ann", entry)
    assert len(texts) > 15
    for place, text in texts.items():
        assert not [number for number in digits if number[:7] in text], place
    house = world.client("member").get(f"/api/v1/submissions/{entry.pk}").content.decode()
    assert any(number[:7] in house for number in digits)


def test_moving_one_case_tells_no_more_labels_than_numbers_were_released(world):
    """The single-case probe: with exact numbers a case that is moved to the top tells its label by the sign of the change.
    Released, AUROC is too coarse for it; average precision, which hangs on the first few cases, may tell one a file."""
    base = spread(np.random.default_rng(2)) * 0.9
    targets = np.random.default_rng(3).permutation(N)[: QUERIES - 1]
    truth = world.labels[targets]
    first = world.submit(base)
    moved = [world.submit(np.where(np.arange(N) == case, 0.99, base)) for case in targets]

    def told(who: str, metric: str) -> tuple[int, int]:
        client = world.client(who)
        seen = [client.get(f"/api/v1/submissions/{entry.pk}").json()["scores"] for entry in (first, *moved)]
        values = np.array([next(s["value"] for s in scores if s["metric"] == metric) for scores in seen])
        guesses = np.sign(values[1:] - values[0])
        return int((guesses == 2 * truth - 1).sum()), 3 * sum(map(len, seen))  # each with two limits

    assert told("member", "auroc")[0] == told("member", "average_precision")[0] == len(targets)
    right, released = told("ann", "auroc")
    assert right <= len(targets) // 2
    assert told("ann", "average_precision")[0] <= len(targets) < released


def test_random_files_within_the_budget_give_no_more_labels_than_numbers_were_released(world):
    """The wacky-boosting attack of Blum & Hardt (2015): add up random answers by whether their score beats chance."""
    rng, total, released = np.random.default_rng(5), np.zeros(N), 0
    mine = world.client("ann")
    for _ in range(QUERIES):
        vote = rng.integers(0, 2, N)
        entry = world.submit(0.25 + vote / 2)
        scores = mine.get(f"/api/v1/submissions/{entry.pk}").json()["scores"]
        released += len(scores)
        total += (2 * vote - 1) * np.sign(scores[0]["value"] - 0.5)
    right = int(((total > 0) == world.labels).sum())
    assert right <= chance(N) + released, (right, released)
    with pytest.raises(Refused, match=r"."):  # and then the day's budget is used up
        world.submit(spread(rng))
    assert Submission.objects.filter(team=world.cast.lab).count() == QUERIES


def test_a_coarse_curve_after_a_reveal_gives_no_more_labels_than_it_has_numbers(world):
    """The counts between two points are known, and which of the attacker's own cases lie there: guess each majority."""
    mine = spread(np.random.default_rng(6))
    entry = world.submit(mine)
    Competition.objects.create(benchmark=world.board, slug="c", title="C", revealed=timezone.now())
    address = f"/api/v1/submissions/{entry.pk}/plots/roc"
    assert world.client("ann").get(address).status_code == 404  # not a final one
    Submission.objects.filter(pk=entry.pk).update(final=True)
    curve = world.client("ann").get(address).json()["data"][-1]
    positives = world.labels.sum()
    tp, fp = np.rint(np.array(curve["y"]) * positives), np.rint(np.array(curve["x"]) * (N - positives))
    assert len(tp) <= 20 and np.diff(tp).min() >= 10 and np.diff(fp).min() >= 10
    order, guesses = np.argsort(-mine), np.zeros(N)
    for i in range(len(tp) - 1):
        low, high = int(tp[i] + fp[i]), int(tp[i + 1] + fp[i + 1])
        guesses[order[low:high]] = np.diff(tp)[i] > np.diff(fp)[i]
    right = int((guesses == world.labels).sum())
    assert right <= chance(N) + 2 * len(tp)
    assert json.dumps(curve).count("threshold") == 0
