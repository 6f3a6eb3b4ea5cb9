"""An attack for each figure of which a participant may fetch nothing: it gives labels to whoever has the figure, and nobody
below the organiser gets it by any address, format, parameter, validator, other entry's number or past day.

Each attack is tried three times: with the organiser's eyes, where it succeeds; by every door of a participant, where it gains
nothing; and with the guards in access.py taken away, where it succeeds again. So a door that opens would be seen here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from evaluators.metrics import METRICS
from evaluators.metrics.segmentation import case_scores
from evaluators.models import Run
from leaderboard import access, benchmarks
from leaderboard.plots.registry import PLOTS
from tests.leaderboard.plotted import add_material, keep, make_plotted, truth_of
from tests.leaderboard.test_attacks import READ, Field
from tests.packages import binary
from zoo import accounts

pytestmark = pytest.mark.django_db
ASKED = 6  # labels that an attack asks about, half of them of each kind
TRUTH = np.arange(ASKED) % 2 == 0


@dataclass
class Target:
    """A board with hidden labels and the entries that ask about it. `attack(get)`: what is read, a guess (bool) or None for
    each label asked; `get(entry)` is the figure's JSON, or None."""

    board: object
    entries: list
    attack: Callable
    own: object  # whoever handed them in


def asking(cast, kind: str, n: int):
    board, entries = make_plotted(cast.hospital, kind, n=n, entries=ASKED + 1)
    return board, entries, truth_of(board, n)


def in_pairs(read: Callable, entries: list) -> Callable:
    """The attack that compares the figure of each entry with that of the first: read(first, entry's) -> bool."""

    def attack(get):
        first = get(entries[0])
        figures = [get(entry) for entry in entries[1:]]
        return [read(first, figure) if first and figure else None for figure in figures]

    return attack


def time_dependent_auc(cast, folder) -> Target:
    """A patient whose risk is made the highest: AUC(t) rises if they had the event by then, and falls if they lived on."""
    board, entries, truth = asking(cast, "survival", 100)
    late = np.quantile(truth["time"][truth["event"]], 0.9)
    died, lived = np.flatnonzero(truth["event"] & (truth["time"] < late)), np.flatnonzero(truth["time"] > late)
    risk = np.random.default_rng(3).random(100)
    add_material(entries[0], truth, answer={"risk": risk})
    for entry, had in zip(entries[1:], TRUTH, strict=True):
        case, died, lived = (died[0], died[1:], lived) if had else (lived[0], died, lived[1:])
        add_material(entry, truth, answer={"risk": np.where(np.arange(100) == case, 2.0, risk)})
    last = lambda figure: figure["data"][-1]["y"][-1]  # noqa: E731
    return Target(board, entries, in_pairs(lambda a, b: last(b) > last(a), entries), entries[0].team.user)


def froc(cast, folder) -> Target:
    """One box and nothing else: the curve leaves zero if a lesion is there."""
    board, entries, truth = asking(cast, "detection", 60)
    nothing = {name: [np.zeros((0, 5))] * 60 for name in truth}
    add_material(entries[0], truth, answer=nothing)
    full = [case for case in range(60) if len(truth["nodule"][case])]
    empty = [case for case in range(60) if not len(truth["nodule"][case])]
    for entry, there in zip(entries[1:], TRUTH, strict=True):
        case = (full if there else empty).pop()
        box = truth["nodule"][case][0] if there else np.array([20.0, 20.0, 7.0, 7.0])
        boxes = [np.append(box, 0.9)[None] if place == case else np.zeros((0, 5)) for place in range(60)]
        add_material(entry, truth, answer=nothing | {"nodule": boxes})
    hit = lambda figure: any(any(trace["y"]) for trace in figure["data"] if trace["mode"] == "lines+markers")  # noqa: E731
    return Target(board, entries, in_pairs(lambda _, b: hit(b), entries), entries[0].team.user)


def case_boxes(cast, folder) -> Target:
    """The left half of one picture marked, nothing elsewhere: the best case is 1 if the organ lies there."""
    board, entries, _ = asking(cast, "segmentation", ASKED)
    left = np.repeat([[1, 1, 0, 0]], 4, axis=0)
    hidden = [left if here else 1 - left for here in TRUTH]
    for number, entry in enumerate(entries):
        answers = [left if case == number - 1 else 0 * left for case in range(ASKED)]
        told = [case_scores(["dice"], t, a, [1])["dice"][1] for t, a in zip(hidden, answers, strict=True)]
        keep(entry, {f"per_case:dice:{name}": np.array(told) for name in board.package.manifest["classes"]})
    best = lambda figure: max(figure["data"][0]["upperfence"] + figure["data"][0]["y"][0])  # noqa: E731
    return Target(board, entries, in_pairs(lambda a, b: best(b) > best(a), entries), entries[0].team.user)


def robustness(cast, folder) -> Target:
    """A network that knows a corrupted picture moves one case there: its score under corruption tells the label."""
    board, entries, truth = asking(cast, "classification", 100)
    cases = [np.flatnonzero(truth == positive)[number] for number, positive in enumerate(TRUTH)]
    score = np.random.default_rng(4).random(100) * 0.9
    Run.objects.filter(submissions__in=entries).update(kind="weights")
    for entry, case in zip(entries[1:], cases, strict=True):
        moved = np.where(np.arange(100) == case, 0.99, score)
        keep(entry, {"robustness:blur": np.array([METRICS["auroc"](truth, each) for each in (score, moved)])})
    curve = lambda figure: next(trace["y"] for trace in figure["data"] if trace["name"] == "blur")  # noqa: E731
    attack = in_pairs(lambda _, b: curve(b)[1] > curve(b)[0], entries)
    return Target(board, entries, attack, entries[0].team.user)


def crowd(cast, folder, n: int) -> tuple[Field, np.ndarray, np.ndarray]:
    """A board, its labels, and scores that say nothing, which the attacker's first account has handed in."""
    labels = binary(folder / "p", n=n, seed=4)
    world = Field(benchmarks.load(folder / "p", cast.hospital), labels, cast, folder)
    score = (np.random.default_rng(1).permutation(n) + 1) / (n + 2) * 0.9
    hand_in(world, score)
    return world, labels, score


def hand_in(world: Field, score: np.ndarray):
    """As one more account, which costs the attacker nothing."""
    user = accounts.create_user(f"account{len(world.made)}")
    world.cast |= {user.username: user, f"of {user.username}": user.namespace}
    return world.submit(score, f"of {user.username}", user.username)


def rank_stability(cast, folder) -> Target:
    """Two accounts, one file and the same with one case moved up: the label decides which is before the other."""
    world, labels, score = crowd(cast, folder, 120)
    for number, positive in enumerate(TRUTH):
        case = np.flatnonzero(labels == positive)[number]
        hand_in(world, np.where(np.arange(120) == case, 0.99, score))

    def attack(get):
        figure = get(world.made[0])
        if figure is None:
            return [None] * ASKED
        points, rank, share = figure["data"][0], {}, {}
        for place, name, size in zip(points["x"], points["y"], points["marker"]["size"], strict=True):
            rank[name] = rank.get(name, 0) + place * size
            share[name] = share.get(name, 0) + size
        mean = {name: rank[name] / share[name] for name in rank}
        return [mean[entry.name] < mean[world.made[0].name] for entry in world.made[1:]]

    return Target(world.board, world.made, attack, cast["account0"])


def significance(cast, folder) -> Target:
    """Seventy cases that the attacker knows to be alike, moved up together: better or worse tells what they are."""
    world, labels, score = crowd(cast, folder, 600)
    for number, positive in enumerate(TRUTH):
        alike = np.flatnonzero(labels == positive)[number // 2 * 70 : number // 2 * 70 + 70]
        hand_in(world, np.where(np.isin(np.arange(600), alike), 0.95, score))

    def attack(get):
        figure = get(world.made[0])
        if figure is None:
            return [None] * ASKED
        heat = figure["data"][0]
        first = heat["x"].index(world.made[0].name)
        signs = [heat["z"][heat["y"].index(entry.name)][first] for entry in world.made[1:]]
        return [sign > 0 if sign else None for sign in signs]

    return Target(world.board, world.made, attack, cast["account0"])


ATTACKS = {
    one.__name__: one for one in (time_dependent_auc, froc, case_boxes, robustness, rank_stability, significance)
}


# ---- the doors


def straight(board, entry, name: str) -> list[str]:
    """The addresses of the figure itself, one of which is right."""
    return [f"/api/v1/submissions/{entry.pk}/plots/{name}", f"/api/v1/benchmarks/{board.slug}/plots/{name}"]


def doors(board, entry, other, name: str) -> list[str]:
    """Every address at which something of this figure could be had."""
    api, today = f"/api/v1/benchmarks/{board.slug}", timezone.localdate()
    asked = ("", "?format=json", "?format=csv", "?version=1", "?subset=public", "?whole=1&coarse=1", f"?day={today}", "?all_entries=true",
             f"?metric={board.primary_metric}&format=csv", "?exact=true&finer=true", "?limit=1&offset=1")  # fmt: skip
    pages = (f"/benchmarks/{board.slug}/", f"/submissions/{entry.pk}/")
    return [
        *(f"{address}{query}" for address in straight(board, entry, name) for query in asked),
        f"/api/v1/submissions/{other.pk}/plots/{name}", f"/api/v1/submissions/{entry.pk}/plots", f"{api}/plots", f"{api}/case-scores",
        *(f"{page}{query}" for page in pages for query in ("", "plots/", "?rows=all&scheme=rank_then_mean", f"?day={today}")),
        *(f"/benchmarks/{board.slug}/{page}/" for page in ("embed", "feed", "compare")), board.task.get_absolute_url(),
        *(f"{api}/leaderboard?format={form}" for form in ("json", "csv", "latex", "markdown", "bibtex", "papers")),
        f"{api}/receipts", f"{api}/badge", f"/api/v1/submissions/{entry.pk}", f"/api/v1/submissions/{entry.pk}/receipt",
    ]  # fmt: skip


def fetch(client: Client, addresses: list[str], name: str, tag: str) -> tuple[dict | None, str]:
    """(the figure's JSON by the first door that opens, all that was told). A validator from elsewhere opens none."""
    texts = []
    for address in addresses:
        answer = client.get(address)
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        texts.append(text.decode("utf-8", "replace"))
        if answer.status_code == 200 and f"/plots/{name}" in address and "csv" not in address:
            return answer.json(), ""
        if f"/plots/{name}" in address and "?" not in address:
            assert client.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 404, address
    return None, "\n".join(texts)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_figure_gives_labels_to_the_organiser_and_by_no_door_to_anyone_else(name, cast, tmp_path, monkeypatch):
    target = ATTACKS[name](cast, tmp_path)
    clients = {who: Client(raise_request_exception=False) for who in ("member", "own", "stranger", "anonymous")}
    people = {"member": cast.member, "own": target.own, "stranger": cast.stranger}
    for who, user in people.items():
        clients[who].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    told = {"leads": set(), "tag": ""}

    def gained(who: str, whole: bool = True) -> int:
        """Labels that this person reads out of the figures, with the doors of one entry all tried and the direct one of all."""

        def get(entry):
            addresses = straight(target.board, entry, name)
            if whole and entry.pk == target.entries[0].pk:
                addresses += doors(target.board, entry, target.entries[-1], name)
            figure, texts = fetch(clients[who], addresses, name, told["tag"])
            assert not [lead for lead in told["leads"] if lead in texts] and f'"name": "{name}"' not in texts
            return figure

        guesses = target.attack(get)
        return sum(guess is not None and guess == bool(truth) for guess, truth in zip(guesses, TRUTH, strict=True))

    assert gained("member") == ASKED, "the attack does not even work with everything"
    for entry in target.entries[:2]:
        for address in straight(target.board, entry, name):
            answer = clients["member"].get(address)
            if answer.status_code == 200:
                told["leads"].add(answer.json()["lead"])
                told["tag"] = answer["ETag"]
    assert told["leads"] and re.fullmatch(r'(W/)?"[^"]+"', told["tag"])
    assert gained("own") == gained("stranger", whole=False) == gained("anonymous", whole=False) == 0
    for guard in ("sees_finer", "is_organiser"):
        monkeypatch.setattr(access, guard, lambda user, benchmark: True)
    told["leads"].clear()
    assert gained("stranger") == ASKED, "without the guards the same attack would succeed"


def test_every_figure_is_attacked_or_made_of_released_scores():
    elsewhere = {*READ, "confusion", "kaplan_meier", "bland_altman"}  # in test_attacks.py
    released = {name for name, plot in PLOTS.items() if plot.made_of == access.RELEASED}
    assert {*ATTACKS} | elsewhere | released == set(PLOTS)
