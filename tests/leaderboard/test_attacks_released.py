"""Attacks on what is released: scores, ranks with their intervals, differences to the first, the mean drop of robustness.

Each reads labels out of the numbers as a participant has them, and again with the rounding taken away, where it succeeds: so
the tests say what the rounding is worth, and would see it gone. docs/query-budget.md has the numbers measured here.
"""

import itertools
import re

import numpy as np
import pytest

from evaluators import statistics
from evaluators.metrics import METRICS
from evaluators.models import Run
from leaderboard import robustness
from leaderboard.models import Benchmark
from leaderboard.rounding import step_from_errors, to_step
from tests.leaderboard.test_attacks import QUERIES, N, chance, everything, spread, world  # noqa: F401  the fixture
from tests.leaderboard.test_attacks_figures import hand_in

pytestmark = pytest.mark.django_db
TOP = N // QUERIES  # cases that one file asks about
WAYS = np.array(list(itertools.product((0, 1), repeat=TOP)))  # (1024, 10): what they may be


def unrounded(world) -> None:  # noqa: F811
    """Take away the rounding: every number is released as it is."""
    Benchmark.objects.filter(pk=world.board.pk).update(steps=dict.fromkeys(world.board.steps, 1e-9))
    world.board.refresh_from_db()


def scores_of(world, who: str, entry, metric: str) -> dict:  # noqa: F811
    told = world.client(who).get(f"/api/v1/submissions/{entry.pk}").json()["scores"]
    return next(score for score in told if score["metric"] == metric)


# ---- average precision: all labels of a small set in one day, if it were exact


def ten_at_the_top(number: int) -> np.ndarray:
    """A file that ranks ten cases above all others, which are tied."""
    score = np.full(N, 0.1)
    score[number * TOP : (number + 1) * TOP] = np.linspace(0.95, 0.5, TOP)
    return score


def average_precisions(positives: int) -> np.ndarray:
    """(1024,): what such a file scores, by what the ten cases are. How many positives there are, the attacker may know."""
    found = np.cumsum(WAYS, axis=1)
    top = (WAYS * found / np.arange(1, TOP + 1)).sum(axis=1)
    return top / positives + (1 - found[:, -1] / positives) * positives / N


def test_average_precision_gives_no_more_labels_than_numbers_were_released(world):  # noqa: F811
    """Exact, one number of each file tells all ten labels; rounded, what is left of it stays within the budget."""
    made = [world.submit(ten_at_the_top(number)) for number in range(QUERIES)]
    expected, rng = average_precisions(world.labels.sum()), np.random.default_rng(7)

    def right(who: str) -> int:
        step, guesses = world.board.steps["average_precision"], []
        for entry in made:
            told = scores_of(world, who, entry, "average_precision")["value"]
            apart = np.abs(expected - told)
            fits = apart <= max(apart.min() + 1e-12, step / 2 if who == "ann" else 0)
            share = WAYS[fits].mean(axis=0)
            guesses += [*np.where(share == 0.5, rng.random(TOP) < 0.5, share > 0.5)]
        return int((np.array(guesses, int) == world.labels).sum())

    assert right("member") >= 0.95 * N, "the attack does not even work with everything"
    assert right("ann") <= chance(N) + QUERIES, "one number of average precision a file"
    unrounded(world)
    assert right("ann") >= 0.95 * N, "without the rounding the same attack would succeed"


@pytest.mark.parametrize(("n", "positives"), [(120, 12), (400, 40), (1000, 100)])
def test_where_positives_are_rare_one_case_that_is_moved_is_below_the_step_of_average_precision(n, positives):
    """Where they are not, one such file may tell one label: see docs/query-budget.md, and the limit of files a day."""
    labels, precision = (np.arange(n) < positives).astype(int), METRICS["average_precision"]
    asked, right = 19, {}
    for step in (step_of("average_precision", labels), 1e-9):
        rng = np.random.default_rng(1)
        base, cases = rng.permutation(n) / (n + 1) * 0.9, rng.permutation(n)[:asked]
        told = [to_step(precision(labels, np.where(np.arange(n) == case, 0.99, base)), step) for case in (-1, *cases)]
        right[step] = int((np.sign(np.array(told[1:]) - told[0]) == 2 * labels[cases] - 1).sum())
    rounded, exact = right.values()
    assert exact >= asked - 1 and rounded <= asked // 2


def step_of(metric: str, labels: np.ndarray) -> float:
    """The step that three baselines of different skill give a benchmark."""
    rng, patients = np.random.default_rng(0), np.arange(len(labels)) // 2
    noise = [skill * labels + rng.normal(size=len(labels)) for skill in (1, 2, 3)]
    return step_from_errors(
        statistics.estimate(METRICS[metric], labels, score, patients, resamples=300, seed=1).error for score in noise
    )


def interleaved(labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The strongest file there is: all other labels are known and in order; each case asked about weighs differently."""
    others = np.setdiff1d(np.arange(len(labels)), asked)
    order = [*others[labels[others] == 1], *others[labels[others] == 0]]
    for place, case in enumerate(asked):
        order.insert(round(0.6 * labels.sum() * (1 - 2.0**-place)), case)
    score = np.empty(len(labels))
    score[order] = np.linspace(0.99, 0.01, len(labels))
    return score


@pytest.mark.parametrize("metric", ["average_precision", "auroc"])
def test_even_who_knows_all_other_labels_learns_no_more_than_the_bits_of_a_released_number(metric):
    rng, n, asked, files = np.random.default_rng(0), 120, 6, 8
    labels, patients = (np.arange(n) < n // 2).astype(int), rng.permutation(n) // 2

    def learnt(step: float) -> float:
        """Labels a file, right minus wrong, from the value and both its limits."""

        def told(truth, score):
            found = statistics.estimate(METRICS[metric], truth, score, patients, resamples=100, seed=1)
            return [to_step(number, step) for number in (found.value, found.low, found.high)]

        net = 0
        for _ in range(files):
            cases = rng.permutation(n)[:asked]
            score, fits = interleaved(labels, cases), []
            seen = told(labels, score)
            for way in itertools.product((0, 1), repeat=asked):
                truth = labels.copy()
                truth[cases] = way
                if told(truth, score) == seen:
                    fits.append(way)
            share = np.mean(fits, axis=0)
            net += int(np.sign(share - 0.5) @ np.sign(labels[cases] - 0.5))
        return net / files

    step = step_of(metric, labels)
    assert learnt(step) <= np.log2(1 / step + 1), "more than the page of a competition says"
    assert learnt(1e-9) == asked


# ---- ranks, their intervals, ties, order, and the differences to the first


def standing(world, who: str, entries: list) -> dict[str, list]:  # noqa: F811
    """Everything the board tells of these entries, larger is better: rank, rank interval, tie, order, difference."""
    client, address = world.client(who), f"/api/v1/benchmarks/{world.board.slug}/leaderboard"
    rows = {row["submission"]: row for row in client.get(address).json()["entries"]}
    page = client.get(world.board.get_absolute_url()).content.decode()
    table = page.partition('id="diff-h"')[2].partition("</table>")[0].replace("\u2212", "-")
    differences = {}
    for row in table.split("<tr")[2:]:
        name = re.search(r"<th[^>]*>([^<]+)</th>", row)[1]
        differences[name] = [float(text) for text in re.findall(r'class="(?:v|lo|hi)">([-\d.]+)<', row)]
    first = next(iter(rows.values()))
    found = {
        "rank": [-rows[entry.pk]["rank"] for entry in entries],
        "rank_low": [-rows[entry.pk]["rank_low"] for entry in entries],
        "rank_high": [-rows[entry.pk]["rank_high"] for entry in entries],
        "tied": [rows[entry.pk]["tied"] for entry in entries],
    }
    for place, name in enumerate(("difference", "low", "high")):
        found[name] = [0.0 if e.pk == first["submission"] else differences[e.name][place] for e in entries]
    return found


def test_ranks_and_differences_to_the_first_tell_no_label_of_a_case_that_another_account_moves(world):  # noqa: F811
    """Accounts are free: one hands in a file, others the same with one case moved. What the board then tells of each against
    the first is the label, were it exact; rounded, they stand level."""
    base = spread(np.random.default_rng(2)) * 0.9
    asked = [
        case for pair in zip(*(np.flatnonzero(world.labels == one)[:5] for one in (0, 1)), strict=True) for case in pair
    ]
    entries = [hand_in(world, base), *(hand_in(world, np.where(np.arange(N) == case, 0.99, base)) for case in asked)]
    truth = np.sign(world.labels[asked] - 0.5)

    def told(who: str) -> dict[str, int]:
        """Labels that each thing the board tells gives, right minus wrong."""
        return {
            name: int(np.sign(np.array(values[1:], float) - float(values[0])) @ truth)
            for name, values in standing(world, who, entries).items()
        }

    exact = told("member")
    assert exact["rank"] == len(asked), "the attack does not even work with everything"
    level = told("ann")
    assert max(map(abs, level.values())) <= chance(len(asked)) - len(asked) // 2, level
    unrounded(world)
    bare = told("ann")
    assert bare["rank"] == bare["difference"] == len(asked), "without the rounding the same attack would succeed"


# ---- the mean drop of robustness


def test_the_mean_drop_under_corruption_tells_no_label(world, monkeypatch):  # noqa: F811
    """A network that knows a corrupted picture answers those as it likes: with one case moved in all of them, the mean drop is
    one more exact question. Released, it is too coarse for one case."""
    base, auroc = spread(np.random.default_rng(2)) * 0.9, METRICS["auroc"]
    asked = np.random.default_rng(3).permutation(N)[: QUERIES - 1]
    clean, truth = auroc(world.labels, base), np.sign(world.labels[asked] - 0.5)
    made = []
    for case in (None, *asked):
        corrupted = base if case is None else np.where(np.arange(N) == case, 0.99, base)
        drop = (clean - auroc(world.labels, corrupted)) / clean
        facts = {"n": N, "metric": "auroc", "clean": clean, "corruptions": [], "attack": None, "mean_drop": drop}
        made.append(world.submit(base + len(made) * 1e-6))
        Run.objects.filter(pk=made[-1].run_id).update(kind="weights", robustness=facts)

    def told(who: str) -> int:
        client = world.client(who)
        drops = [client.get(f"/api/v1/submissions/{entry.pk}").json()["robustness"]["mean_drop"] for entry in made]
        return int(np.sign(drops[0] - np.array(drops[1:])) @ truth)

    assert told("member") == len(asked), "the attack does not even work with everything"
    assert abs(told("ann")) <= 2  # from the last rank to the first, a case may cross a step
    exact = f"{Run.objects.get(pk=made[1].run_id).robustness['mean_drop']:.7f}"
    assert not [place for place, text in everything(world, "ann", made[1]).items() if exact in text]
    monkeypatch.setattr(robustness, "_step", lambda step, clean: 1e-9)
    assert told("ann") == len(asked), "without the rounding the same attack would succeed"
