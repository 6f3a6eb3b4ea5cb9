"""The forest column draws what the text says: places in per cent, nice ticks, cut intervals marked."""

import math
from types import SimpleNamespace

import pytest

from evaluators.metrics import METRICS
from leaderboard import forest
from leaderboard.views.boards import layout


def score(value, low=None, high=None, **more):
    facts = {"text": f"{value}", "low_text": f"{low}", "high_text": f"{high}", "few": False, "reason": ""} | more
    return SimpleNamespace(value=value, low=low, high=high, **facts)


@pytest.mark.parametrize(
    ("low", "high", "about", "ticks"),
    [
        (0.0, 1.0, 5, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.86, 1.0, 5, [0.86, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98, 1.0]),
        (-0.3, 0.1, 4, [-0.3, -0.2, -0.1, 0.0, 0.1]),
        (0.0, 37.0, 5, [0, 10, 20, 30]),
    ],
)
def test_ticks_are_multiples_of_a_nice_step(low, high, about, ticks):
    found, _ = forest.nice_ticks(low, high, about)
    assert found == pytest.approx(ticks)
    assert not any(math.copysign(1, t) < 0 and t == 0 for t in found), "no minus zero"


def test_an_axis_reaches_chance_and_best_when_the_intervals_fill_enough_of_it():
    axis = forest.fit([0.62, 0.9], bounds=(0, 1), chance=0.5, best=1.0)
    assert (axis.low, axis.high) == pytest.approx((0.5, 1.0))
    assert axis.shows_chance and axis.shows_best


def test_an_axis_leaves_chance_out_rather_than_squeeze_the_intervals_into_a_line():
    axis = forest.fit([0.955, 0.985], bounds=(0, 1), chance=0.5, best=1.0)
    assert axis.low > 0.9 and axis.high == 1.0
    assert not axis.shows_chance


def test_an_axis_never_leaves_the_range_of_the_metric():
    axis = forest.fit([0.001, 0.999], bounds=(0, 1))
    assert (axis.low, axis.high) == (0, 1)


def test_one_value_and_no_value_still_give_an_axis():
    assert forest.fit([0.5], bounds=(0, 1)).high > forest.fit([0.5], bounds=(0, 1)).low
    assert forest.fit([3.0]).position(3.0) == pytest.approx(50, abs=20)
    empty = forest.fit([], bounds=(0, math.inf))
    assert empty.ticks and empty.high > empty.low
    assert forest.fit([None, math.nan, 0.4, 0.6], bounds=(0, 1)).low >= 0


def test_one_absurd_entry_is_cut_and_does_not_squeeze_the_others():
    values = [0.30, 0.31, 0.32, 0.33, 0.35, 0.36, 0.37, 0.38, 0.40, 5e6]
    axis = forest.fit(values, bounds=(0, math.inf))
    assert axis.high < 1
    drawn = forest.cell(score(5e6, 4e6, 6e6), axis, "predictions")
    assert drawn.at == "100" and drawn.clipped_high and not drawn.clipped_low


def test_places_are_per_cent_of_the_axis():
    axis = forest.frame(0, 1)
    drawn = forest.cell(score(0.54, 0.47, 0.61), axis, "weights")
    assert (drawn.low, drawn.at, drawn.high, drawn.width) == ("47", "54", "61", "14")
    assert not drawn.clipped_low and not drawn.clipped_high


def test_an_interval_that_leaves_the_axis_is_cut_on_that_side():
    axis = forest.frame(0, 1)
    drawn = forest.cell(score(0.0, -0.1, 0.1), axis, "null")
    assert drawn.low == "0" and drawn.clipped_low and not drawn.clipped_high


def test_a_score_without_interval_or_value_draws_less_and_keeps_its_reason():
    axis = forest.frame(0, 1)
    point = forest.cell(score(0.4, reason="one patient"), axis, "weights")
    assert point.at == "40" and point.low is None and point.reason == "one patient"
    nothing = forest.cell(score(None, text="", reason="only one class"), axis, "weights")
    assert nothing.at is None and nothing.reason == "only one class"
    assert forest.cell(None, axis, "weights").text == ""


def test_few_patients_make_the_interval_hollow():
    assert forest.cell(score(0.4, 0.3, 0.5, few=True), forest.frame(0, 1), "weights").few


def test_the_tie_band_runs_from_the_first_value_towards_the_worse_side():
    axis = forest.frame(0, 1)
    higher = forest.with_band(axis, 0.54, 0.06, "higher", "0.06").band
    assert (higher.low, higher.high, higher.width) == ("48", "54", "6")
    lower = forest.with_band(axis, 0.20, 0.05, "lower", "0.05").band
    assert (lower.low, lower.high) == ("20", "25")
    assert forest.with_band(axis, None, 0.05, "lower", "").band is None
    assert forest.with_band(axis, 0.5, None, "higher", "").band is None


def test_the_word_beside_the_band_goes_left_where_the_right_has_no_room():
    axis = forest.frame(0, 1)
    assert forest.with_band(axis, 0.95, 0.05, "higher", "0.05").band.label_left
    assert not forest.with_band(axis, 0.40, 0.05, "higher", "0.05").band.label_left


def test_minus_is_a_minus_sign():
    drawn = forest.cell(score(-0.1, -0.2, 0.0), forest.frame(-1, 1), "weights")
    assert drawn.text == "\u22120.1" and drawn.low_text == "\u22120.2"
    assert forest.frame(-0.2, 0.2).ticks[0].text.startswith("\u2212")
    assert forest.frame(-1, 1).ticks[len(forest.frame(-1, 1).ticks) // 2].text in {"0.0", "0"}


def board(values, metric="auroc", width=0.01):
    """As much of a Board as its layout reads, from released scores."""
    metric = METRICS[metric]
    entries = [
        SimpleNamespace(
            model=None,
            submission=SimpleNamespace(pk=rank),
            rank=rank,
            provisional=False,
            tied=rank < 3,
            evidence="weights",
            safety="",
            scores={metric.name: score(v, v - width, v + width)},
        )
        for rank, v in enumerate(values, start=1)
    ]
    return SimpleNamespace(
        metric=metric, entries=entries, ranked=entries, claims=[], quiet=[], step=0.002, resolvable=0.01,
        resolvable_text="0.010",
    )  # fmt: skip


def test_a_far_worse_entry_is_cut_rather_than_squeeze_the_leaders_into_dots():
    squeezed = layout(board([0.985, 0.982, 0.98, 0.45]))
    assert squeezed.axis.low > 0.9 and "1 entry lies off the axis" in squeezed.axis_note
    worst = squeezed.groups[-1].rows[-1].cell
    assert worst.at == "0" and worst.clipped_low and worst.text == "0.45"


def test_an_entry_that_is_worse_but_leaves_the_leader_visible_stays_on_the_axis():
    whole = layout(board([0.84, 0.80, 0.75, 0.55], width=0.05))
    assert whole.axis.low <= 0.5 and "off the axis" not in whole.axis_note
    assert not whole.groups[-1].rows[-1].cell.clipped_low


def test_never_more_than_a_third_of_the_rows_leave_the_axis():
    half = layout(board([0.985, 0.98, 0.5, 0.49]))
    off = [row for group in half.groups for row in group.rows if row.cell.clipped_low]
    assert len(off) <= 1
