"""Safety verdicts on a board: broken ranks below, and where labels are hidden one entry a team and month is told."""

import json
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from leaderboard import benchmarks, exports, standings, verdicts
from leaderboard.models import Benchmark, Competition, Submission
from tests.packages import binary
from zoo import accounts
from zoo.errors import Refused

RULES = [{"never": {"truth": ["malignant"], "predicted": ["benign"]}, "at_most": 0}]


def verdict(word, events, trials=10, subset="all"):
    return {"rule": 0, "subset": subset, "verdict": word, "value": events / trials, "bound": 0.2589, "events": events,
            "trials": trials}  # fmt: skip


@pytest.fixture
def benchmark(cast, folder):
    binary(folder, n=60, safety=RULES)
    return benchmarks.load(folder, cast.hospital)


@pytest.fixture
def labels(folder, benchmark):
    return binary(folder, n=60, safety=RULES)


@pytest.fixture
def entries(submit, finished):
    """The best breaks the constraint, the second does not show it, the third holds it."""
    made = []
    for number, (value, one) in enumerate(
        [(0.9, verdict("broken", 2)), (0.8, verdict("not shown", 0)), (0.7, verdict("holds", 0))]
    ):
        user = accounts.create_user(f"user{number}")
        entry = submit(user.namespace, user, seed=number, name=f"entry {number}")
        finished(
            entry.run, {"auroc": (value, value + np.random.default_rng(number).normal(0, 0.02, 200))}, safety=[one]
        )
        made.append(entry)
    return made


def names(board):
    return [(entry.name, entry.rank, entry.rank_low, entry.rank_high, entry.safety) for entry in board.entries]


def test_the_organiser_sees_the_broken_below_the_others_with_what_was_counted(benchmark, entries, cast):
    board = standings.table(benchmark, cast.member)
    assert names(board) == [
        ("entry 1", 1, 1, 1, "not shown"), ("entry 2", 2, 2, 2, "holds"), ("entry 0", 3, 3, 3, "broken"),
    ]  # fmt: skip
    told = board.entries[2].told[0]
    assert told.rule == "malignant taken for benign: at most 0" and told.detail == "2 of 10, up to 26 %"
    assert "One entry breaks a safety constraint" in " ".join(board.reading)


def test_where_labels_are_hidden_nothing_of_it_shows_in_order_or_words(benchmark, entries, cast, client):
    for viewer in (cast.ann, cast.anonymous, entries[0].author):
        board = standings.table(benchmark, viewer)
        assert [(entry.name, entry.safety, entry.told) for entry in board.entries] == [
            (f"entry {number}", "", []) for number in range(3)
        ]
        assert '"safety": "broken"' not in exports.as_json(board)
    page = client.get(benchmark.get_absolute_url()).content.decode()
    assert "Safety constraints" in page and "breaks a safety" not in page
    assert "not shown" not in client.get(entries[1].get_absolute_url()).content.decode()


def test_a_team_has_one_entry_a_month_told(benchmark, entries, cast, client):
    first, author = entries[0], entries[0].author
    with pytest.raises(Refused):
        verdicts.ask(first, cast.ann)
    client.force_login(author)
    assert "Tell the verdicts of this entry" in client.get(first.get_absolute_url()).content.decode()
    client.post(f"/submissions/{first.pk}/safety/")
    first.refresh_from_db()
    board = standings.table(benchmark, cast.anonymous)
    assert [entry.name for entry in board.entries] == ["entry 1", "entry 2", "entry 0"]
    assert board.entries[2].safety == "broken" and board.entries[2].told[0].detail == "", (
        "no counts where labels are hidden"
    )
    page = client.get(first.get_absolute_url()).content.decode()
    assert "malignant taken for benign" in page and "2 of 10" not in page
    again = Submission.objects.create(benchmark=benchmark, team=first.team, author=author, run=first.run, name="again")
    with pytest.raises(Refused, match="entry of this month"):
        verdicts.ask(again, author)
    Submission.objects.filter(pk=first.pk).update(safety_asked=timezone.now() - timedelta(days=40))
    assert verdicts.ask(again, author)


def test_public_labels_show_all_and_a_sealed_benchmark_nothing(benchmark, entries, cast):
    Benchmark.objects.filter(pk=benchmark.pk).update(labels="public")
    benchmark.refresh_from_db()
    board = standings.table(benchmark, cast.anonymous)
    assert board.entries[2].told[0].detail == "2 of 10, up to 26 %"
    assert json.loads(exports.as_json(board))["entries"][2]["safety"] == "broken"
    benchmark.sealed = True
    told = verdicts.reader(benchmark, cast.owner, "public")
    assert told(entries[0]) == []


def test_verdicts_come_at_the_reveal_without_counts(benchmark, entries, cast):
    Competition.objects.create(benchmark=benchmark, slug="contest", title="Contest", status="revealed")
    board = standings.table(benchmark, cast.anonymous)
    assert board.entries[2].safety == "broken" and board.entries[2].told[0].detail == ""


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"sensitivity": {"positive": ["a", "b"]}, "at_least": 0.9}, "sensitivity for a, b at least 90 %"),
        ({"specificity": {"positive": ["a"]}, "at_least": 0.5}, "specificity for a at least 50 %"),
        ({"cost": {"matrix": [[0, 1], [1, 0]]}, "at_most": 0.4}, "mean cost at most 0.4"),
        ({"never": {"truth": ["a"], "predicted": ["b"]}, "at_most": 0.05}, "a taken for b: at most 5 %"),
    ],
)
def test_every_kind_of_constraint_has_words(rule, words):
    assert verdicts.words(rule) == words
    one = (
        verdict("holds", None if "cost" in rule else 1)
        if "cost" not in rule
        else verdict("holds", 1) | {"events": None}
    )
    assert verdicts.counts(rule, one)
