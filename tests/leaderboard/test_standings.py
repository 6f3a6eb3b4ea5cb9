"""standings.table: the order, the ranks and what each viewer sees of the numbers, against an independent computation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from evaluators import statistics
from evaluators.models import Score
from leaderboard import benchmarks, computations, ranking, standings, submissions
from leaderboard.models import Benchmark, Computation, Submission
from zoo import accounts
from zoo.errors import NotFound

B = 400


def normal(value, spread=0.03, seed=0, shared=None):
    """(value, resampled): exact value first; draws that share a part, as paired entries do."""
    own = np.random.default_rng(seed).normal(0, spread, B)
    return value, value + (own if shared is None else 0.7 * shared + 0.3 * own)


@pytest.fixture
def field(submit, cast, finished):
    """field([(value, resampled) ...]) -> one scored entry for each, of teams of their own."""

    def make(values, metric="auroc", **more):
        made = []
        for number, value in enumerate(values):
            user = accounts.create_user(f"user{Submission.objects.count()}")
            submission = submit(user.namespace, user, seed=100 + number, name=f"entry {number}", **more)
            finished(submission.run, {metric: value})
            made.append(submission)
        return made

    return make


def independent_max_t(values, resampled, patients, level=0.95):
    """Ranks, interval ends and the tie group, written down anew with plain loops."""
    count, draws = resampled.shape
    pairs = list(itertools.combinations(range(count), 2))
    errors = {(i, j): np.std(resampled[i] - resampled[j], ddof=1) for i, j in pairs}
    largest = np.array(
        [
            max(abs((resampled[i, b] - resampled[j, b]) - (values[i] - values[j])) / errors[i, j] for i, j in pairs)
            for b in range(draws)
        ]
    )
    critical = stats.t.isf(stats.norm.sf(np.sort(largest)[math.ceil(level * (draws - 1))]), patients - 1)
    errors = {pair: error * math.sqrt(patients / (patients - 1)) for pair, error in errors.items()}
    better = lambda i, j: values[i] - values[j] > critical * errors[min(i, j), max(i, j)]  # noqa: E731
    places = []
    first = int(np.argmax(values))
    for i in range(count):
        rank = 1 + sum(values[j] > values[i] for j in range(count))
        low = 1 + sum(better(j, i) for j in range(count) if j != i)
        high = count - sum(better(i, j) for j in range(count) if j != i)
        places.append((rank, low, high, i == first or not better(first, i)))
    return places, critical, errors


def test_the_organisers_board_equals_an_independent_computation(field, benchmark, cast):
    shared = np.random.default_rng(7).normal(0, 0.03, B)
    made = [
        normal(0.91, 0.03, 1, shared),
        normal(0.905, 0.03, 2, shared),
        normal(0.86, 0.03, 3, shared),
        normal(0.70, 0.03, 4),
    ]
    field(made)
    board = standings.table(benchmark, cast.operator)
    values, resampled = np.array([v for v, _ in made]), np.stack([r for _, r in made])
    places, critical, errors = independent_max_t(values, resampled, 30)
    assert [(e.rank, e.rank_low, e.rank_high, e.tied) for e in board.entries] == places
    assert [e.score.value for e in board.entries] == values.tolist()
    assert board.resolvable == pytest.approx(2.8 * np.std(resampled[0] - resampled[1], ddof=1), rel=1e-9)
    last = board.differences[-1]
    assert (last.value, last.low, last.high) == pytest.approx(
        (
            values[3] - values[0],
            values[3] - values[0] - critical * errors[0, 3],
            values[3] - values[0] + critical * errors[0, 3],
        )
    )


def test_everyone_elses_board_is_the_same_computation_on_rounded_numbers(field, benchmark, cast):
    made = [normal(0.9134, 0.02, 1), normal(0.9071, 0.02, 2), normal(0.8012, 0.02, 3)]
    field(made)
    board = standings.table(benchmark, cast.stranger)
    step = board.step
    rounded = np.array([round(round(v / step) * step, 6) for v, _ in made])
    moved = np.stack([r + (w - v) for (v, r), w in zip(made, rounded, strict=True)])
    places, *_ = independent_max_t(rounded, moved, 30)
    assert [e.score.value for e in board.entries] == rounded.tolist()
    assert [(e.rank, e.rank_low, e.rank_high, e.tied) for e in board.entries] == places
    for entry in board.entries:
        for number in (entry.score.value, entry.score.low, entry.score.high):
            assert number == round(round(number / step) * step, 6)
    for difference in board.differences:
        assert difference.value == pytest.approx(difference.entry.score.value - board.entries[0].score.value, abs=1e-12)


def test_values_that_round_to_the_same_share_a_rank_and_stand_in_the_order_of_their_date(field, benchmark, cast):
    benchmark.steps["auroc"] = 0.05
    benchmark.save()
    first, second = field([normal(0.90, 0.03, 1), normal(0.91, 0.03, 2)])
    shown = standings.table(benchmark, cast.anonymous).entries
    assert [entry.submission for entry in shown] == [first, second] and [entry.rank for entry in shown] == [1, 1]
    exact = standings.table(benchmark, cast.owner).entries
    assert [entry.submission for entry in exact] == [second, first] and [entry.rank for entry in exact] == [1, 2]


def test_the_first_alone_is_not_tied_and_one_entry_ranks_first(field, benchmark, cast):
    field([normal(0.9, 0.001, 1)])
    (only,) = standings.table(benchmark, cast.ann).entries
    assert (only.rank, only.rank_low, only.rank_high, only.tied) == (1, 1, 1, False)
    field([normal(0.5, 0.001, 2)])
    assert [entry.tied for entry in standings.table(benchmark, cast.ann).entries] == [False, False]


def test_a_missing_value_is_unranked_and_last_and_says_why(field, benchmark, cast):
    field([normal(0.6, 0.03, 1), (None, [])])
    entries = standings.table(benchmark, cast.ann).entries
    assert [entry.rank for entry in entries] == [1, None]
    assert entries[1].score.value is None and entries[1].reason == "too few patients"


def test_without_an_interval_there_is_no_rank(field, benchmark, cast):
    field([(0.9, [])])
    (entry,) = standings.table(benchmark, cast.ann).entries
    assert entry.rank is None and entry.score.value == 0.9 and entry.reason


def test_each_team_stands_with_its_best_and_every_baseline_by_itself(submit, benchmark, cast, finished):
    for seed, value in enumerate([0.7, 0.9, 0.8]):
        finished(submit(seed=seed, name=f"lab {value}").run, {"auroc": normal(value, 0.03, seed)})
    for seed, value in ((10, 0.6), (11, 0.65)):
        own = submit(cast.hospital, cast.member, seed=seed, name=f"base {value}", baseline=True)
        finished(own.run, {"auroc": normal(value, 0.03, seed)})
    board = standings.table(benchmark, cast.anonymous)
    assert [entry.name for entry in board.entries] == ["lab 0.9", "base 0.65", "base 0.6"]
    everything = standings.table(benchmark, cast.anonymous, all_entries=True)
    assert len(everything.entries) == 5
    assert {entry.name: entry.rank for entry in everything.ranked} == {entry.name: entry.rank for entry in board.ranked}


def test_spamming_does_not_widen_anybodys_rank_interval(field, submit, benchmark, cast, finished):
    field([normal(0.9, 0.03, 1), normal(0.89, 0.03, 2)])
    before = [(e.rank, e.rank_low, e.rank_high) for e in standings.table(benchmark, cast.ann).entries]
    for seed in range(5):
        finished(submit(seed=seed, skill=0.1, name=f"spam {seed}").run, {"auroc": normal(0.5, 0.03, 50 + seed)})
    after = [(e.rank, e.rank_low, e.rank_high) for e in standings.table(benchmark, cast.ann).entries][:2]
    assert after == before


def test_where_lower_is_better_the_lowest_is_first(field, benchmark, cast):
    benchmark.package.manifest["metrics"] = {"primary": "mae", "also": []}
    benchmark.package.save()
    benchmark.steps["mae"] = 0.01
    benchmark.save()
    field([normal(0.2, 0.001, 1), normal(0.1, 0.001, 2)], metric="mae")
    assert [entry.name for entry in standings.table(benchmark, cast.ann).entries] == ["entry 1", "entry 0"]


def test_evidence_hides_rows_and_changes_no_rank(field, benchmark, cast):
    made = field([normal(0.9, 0.001, 1), normal(0.8, 0.001, 2)])
    made[0].run.kind = "weights"
    made[0].run.save()
    board = standings.table(benchmark, cast.ann, evidence="predictions")
    assert [(entry.name, entry.rank) for entry in board.entries] == [("entry 1", 2)]


def test_a_withdrawn_entry_leaves_the_board(field, benchmark, cast):
    made = field([normal(0.9, 0.001, 1), normal(0.8, 0.001, 2)])
    submissions.withdraw(made[0], cast.operator)
    assert [entry.rank for entry in standings.table(benchmark, cast.ann).entries] == [1]


def test_a_metric_or_subset_that_is_not_on_the_board_is_not_found(benchmark, cast):
    for wrong in ({"metric": "dice"}, {"subset": "site=B"}, {"subset": "public"}):
        with pytest.raises(NotFound):
            standings.table(benchmark, cast.ann, **wrong)


def test_finer_subsets_are_the_organisers_where_labels_are_hidden(submit, benchmark, cast, finished):
    submission = submit()
    finished(submission.run, {"auroc": normal(0.8)}, finer=[("auroc", "site=A", "", 0.7)])
    assert standings.subsets_of(benchmark, cast.ann) == ["all"]
    assert standings.subsets_of(benchmark, cast.member) == ["all", "site=A"]
    Benchmark.objects.update(labels="public")
    benchmark.refresh_from_db()
    assert standings.subsets_of(benchmark, cast.anonymous) == ["all", "site=A"]


def test_the_ranking_is_kept_until_a_run_changes_it(field, benchmark, cast, monkeypatch):
    made = field([normal(0.9, 0.03, 1), normal(0.8, 0.03, 2)])
    board = standings.table(benchmark, cast.ann)
    computed = []
    real = ranking.compute
    monkeypatch.setattr(ranking, "compute", lambda *given: computed.append(1) or real(*given))
    again = standings.table(benchmark, cast.ben)
    assert not computed and [e.rank_high for e in again.entries] == [e.rank_high for e in board.entries]
    assert again.resolvable == board.resolvable and again.differences[0].low == board.differences[0].low
    submissions.withdraw(made[0], cast.operator)
    standings.table(benchmark, cast.ann)
    assert computed and Computation.objects.filter(topic="ranks auroc all released").count() == 2


def test_undefined_resamples_are_left_out_for_all(field, benchmark, cast):
    value, resampled = normal(0.9, 0.03, 1)
    resampled[:10] = np.nan
    ids = [1, 2]
    metric = standings.metrics_of(benchmark)[0]
    found = ranking.compute(ids, np.array([0.9, 0.6]), np.stack([resampled, normal(0.6, 0.03, 2)[1]]), metric)
    assert found.places[1][:3] == (1, 1, 1) and found.places[2][:3] == (2, 2, 2)
    few = ranking.compute(ids, np.array([0.9, 0.6]), np.full((2, 50), 0.5), metric)
    assert few.places[2] == (2, 1, 2, True) and few.resolvable is None


def test_a_model_the_viewer_may_not_see_is_not_named(field, benchmark, cast, db):
    from zoo import commits

    (entry,) = field([normal(0.9)])
    entry.model = commits.create_model(cast.lab, "hush", author=cast.ann, private=True)
    entry.revision = "a" * 40
    entry.save()
    assert standings.table(benchmark, cast.ben).entries[0].model is None
    assert standings.table(benchmark, cast.ben).entries[0].revision == ""
    assert str(standings.table(benchmark, cast.mate).entries[0].model) == "lab/hush"


def test_the_reading_says_who_is_tied(field, benchmark, cast):
    assert standings.table(benchmark, cast.ann).reading == ["Nothing has been measured on this benchmark yet."]
    field([normal(0.9, 0.03, 1), normal(0.895, 0.03, 2), normal(0.5, 0.03, 3)])
    said = standings.table(benchmark, cast.ann).reading
    assert said[0] == "Two entries are tied for first." and "60 cases cannot tell apart" in said[1]


@pytest.mark.parametrize(
    ("said", "shown"), [(statistics.RARE, "rarest class"), (statistics.EVENTS, "had an event"), ("", "")]
)
def test_the_reading_warns_where_an_interval_may_be_too_narrow(field, benchmark, cast, said, shown):
    field([normal(0.9, 0.03, 1), normal(0.5, 0.03, 3)])
    Score.objects.update(reason=said)
    reading = standings.table(benchmark, cast.ann).reading
    assert len(reading) == (3 if shown else 2) and shown in reading[-1]


def test_a_page_asks_few_questions_whatever_the_number_of_entries(
    field, benchmark, cast, django_assert_max_num_queries
):
    field([normal(0.5 + number / 100, 0.03, number) for number in range(12)])
    standings.table(benchmark, cast.ann)
    found = benchmarks.find(benchmark.slug, cast.ann)
    with django_assert_max_num_queries(19):
        standings.table(found, cast.ann)


def test_two_leading_entries_of_one_answer_still_leave_a_smallest_difference(field, benchmark, cast):
    same = normal(0.8, seed=1)
    field([same, same, normal(0.6, seed=3)])
    found = standings.table(benchmark, cast.operator)
    assert found.resolvable == pytest.approx(2.8 * np.std(same[1], ddof=1), rel=1e-9)
    assert [entry.rank for entry in found.entries] == [1, 1, 3]


@pytest.mark.parametrize("others", [[], [normal(0.6, seed=3)]])
def test_two_entries_without_an_error_leave_no_smallest_difference_and_the_reading_says_why(
    field, benchmark, cast, others
):
    perfect = (1.0, np.ones(400))
    field([perfect, perfect, *others])
    found = standings.table(benchmark, cast.ann)
    assert (found.resolvable, found.resolvable_text) == (None, "")
    assert "too few, or too easy, to tell them apart" in found.reading[1]


def test_the_interval_of_a_difference_stays_within_what_the_metric_allows(field, benchmark, cast):
    field([normal(0.99, 0.4, 1), normal(0.5, 0.4, 2)])
    (difference,) = standings.table(benchmark, cast.operator).differences
    assert difference.low == -1 < difference.value < difference.high


def test_the_smallest_difference_is_never_below_what_the_numbers_show(field, benchmark, cast):
    base = normal(0.8, 0.05, 1)
    field([base, (0.8, base[1] + np.random.default_rng(2).normal(0, 1e-4, len(base[1])))])
    found = standings.table(benchmark, cast.ann)
    assert found.resolvable == found.step


def test_before_the_first_ranks_are_made_nobody_is_said_to_lead(field, benchmark, cast, client, monkeypatch):
    monkeypatch.setattr(computations, "ring", lambda row: True)  # the workers heard, and are busy
    field([normal(0.9, 0.03, 1), normal(0.7, 0.03, 2)])
    board = standings.table(benchmark, cast.ann)
    assert board.updating and [entry.rank for entry in board.entries] == [1, 2]
    assert board.reading == ["The order is by value alone: which differences are significant is being computed."]
    page = client.get(f"/benchmarks/{benchmark.slug}/").content.decode()
    assert "By value alone:" in page and "significantly better than every other entry" not in page
