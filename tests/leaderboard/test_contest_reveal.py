"""Public while it runs, private after: the reveal waits for what was handed in, fixes the final submissions, and is kept."""

import json

import numpy as np
import pytest

from evaluators import runs
from leaderboard import access, answers, exports, standings, submissions
from leaderboard.contests import finals, judging, ladders, reveals
from leaderboard.models import Audit, Benchmark, Submission
from tests.leaderboard.contests import contest, end, enter, hand_in, phase, score
from zoo.errors import NotFound, Refused


@pytest.fixture
def running(cast, folder):
    made, _ = contest(folder, cast.hospital, selections=1)
    enter(made, cast.ann, cast.ben, cast.mate)
    return made


def texts(board) -> str:
    return json.dumps(exports.board_dict(board))


def test_until_the_reveal_nobody_reads_a_private_score_but_through_the_door(cast, running, answer):
    mine = hand_in(running, cast.ann, answer())
    score(mine.run, public=0.812, private=0.634)
    benchmark = mine.benchmark
    for who in ("ann", "ben", "owner", "operator", "anonymous"):
        assert [row.subset for row in answers.scores(mine, cast[who])] == ["public"], who
        assert [row["subset"] for row in answers.receipt(mine, cast[who])["statement"]["scores"]] == ["public"]
        board = standings.table(benchmark, cast[who])
        assert (board.subset, board.subsets, board.n) == ("public", ["public"], 30)
        assert "0.63" not in texts(board) and "0.72" not in texts(board)
        for subset in ("all", "private"):
            with pytest.raises(NotFound):
                standings.table(benchmark, cast[who], subset=subset)
    assert Audit.objects.filter(action="saw private scores").count() == 0
    for why in ("", "  ", "x"):
        with pytest.raises(Refused):
            judging.private_scores(running, cast.owner, why)
    with pytest.raises(Refused):
        judging.private_scores(running, cast.ann, "I should like to know")
    board = judging.private_scores(running, cast.owner, "A check of the ranking before the reveal")
    assert board.entries[0].score.value == pytest.approx(0.634)
    row = Audit.objects.last()
    assert (row.action, row.name, row.reason) == (
        "saw private scores",
        "owner",
        "A check of the ranking before the reveal",
    )


def test_the_reveal_waits_for_what_was_handed_in_and_then_includes_it(cast, running, answer):
    first, last = (hand_in(running, cast[who], answer(seed=seed)) for seed, who in enumerate(("ann", "ben")))
    score(first.run, 0.80, 0.70)
    assert not reveals.reveal(running)  # the deadline has not passed
    lease = runs.claim(last.run_id, "a worker")
    end(running)
    assert reveals.waits_for(running) == 1 and reveals.sweep() == 0
    with pytest.raises(Refused) as refused:
        hand_in(running, cast.mate, answer(seed=9))
    assert refused.value.code == "no_phase"
    runs.release(lease)  # the worker is stopped, and another takes the run up
    assert reveals.sweep() == 0
    score(last.run, 0.79, 0.75)
    assert reveals.sweep() == 1 and reveals.sweep() == 0
    board = finals.final(running.__class__.objects.get(), cast.anonymous)
    assert [entry.submission.by for entry in board.entries] == ["ben", "ann"]
    assert not Benchmark.objects.get().sealed


def test_what_was_chosen_counts_and_what_is_open_is_filled_by_the_public_score(cast, running, answer):
    rows = {}
    for seed, (who, public, private) in enumerate(
        [("ann", 0.9, 0.6), ("ann", 0.8, 0.7), ("ben", 0.85, 0.5), ("ben", 0.7, 0.9)]
    ):
        rows[who, public] = made = hand_in(running, cast[who], answer(seed=seed))
        score(made.run, public, private)
    with pytest.raises(NotFound):
        finals.final(running, cast.owner)
    with pytest.raises(Refused):
        reveals.choose(rows["ann", 0.8], cast.ben)
    reveals.choose(rows["ann", 0.8], cast.ann)
    with pytest.raises(Refused) as refused:
        reveals.choose(rows["ann", 0.9], cast.ann)
    assert refused.value.code == "enough"
    end(running)
    with pytest.raises(Refused):
        reveals.choose(rows["ann", 0.8], cast.ann, False)
    assert reveals.reveal(running)
    running.refresh_from_db()
    assert set(Submission.objects.filter(final=True)) == {rows["ann", 0.8], rows["ben", 0.85]}
    found = finals.shakeup(running, cast.anonymous)
    assert [(m.entry.submission.by, m.public, m.private, m.by) for m in found.moves] == [
        ("ann", 1, 1, 0),
        ("ben", 2, 2, 0),
    ]
    details = Audit.objects.get(action="revealed").details
    assert details == {"chosen": [rows["ann", 0.8].pk], "by_rule": [rows["ben", 0.85].pk]}
    told = [row.subset for row in answers.scores(Submission.objects.get(pk=rows["ann", 0.8].pk), cast.anonymous)]
    assert told == ["all", "private", "public"]


def test_late_submissions_are_scored_and_stay_off_the_board(cast, folder, answer):
    made, _ = contest(folder, cast.hospital, phases=[phase(ends=-0.01), phase("Late", "late", 0, None)], publish=False)
    type(made).objects.update(status="published")
    Benchmark.objects.update(status="published", steps={"auroc": 0.01})
    made.refresh_from_db()
    assert reveals.reveal(made)
    made.refresh_from_db()
    enter(made, cast.ann)
    late = hand_in(made, cast.ann, answer())
    assert late.phase.kind == "late"
    score(late.run, 0.99, 0.99)
    assert finals.final(made, cast.ann).entries == finals.public(made, cast.ann).entries == []
    assert [entry.submission for entry in finals.late(made, cast.ann).entries] == [late]


def test_disqualified_and_evaluated_anew_with_a_reason_in_the_record(cast, running, answer):
    mine, other = (hand_in(running, cast[who], answer(seed=seed)) for seed, who in enumerate(("ann", "ben")))
    score(mine.run, 0.8, 0.8)
    score(other.run, 0.7, 0.7)
    for by, why in ((cast.ann, "because"), (cast.owner, "")):
        with pytest.raises(Refused):
            judging.disqualify(mine, by, why)
        with pytest.raises(Refused):
            judging.rerun(mine, by, why)
    judging.disqualify(mine, cast.owner, "Trained on the test set")
    assert [e.submission for e in standings.table(mine.benchmark, cast.ben).entries] == [other]
    judging.disqualify(mine, cast.owner, "A mistake of ours", undo=True)
    judging.disqualify(other.contest_team, cast.owner, "Two accounts")
    assert [e.submission for e in standings.table(mine.benchmark, cast.ben).entries] == [mine]
    with pytest.raises(Refused) as refused:
        hand_in(running, cast.ben, answer(seed=7))
    assert refused.value.code == "disqualified"
    before = mine.run_id
    again = judging.rerun(mine, cast.owner, "A new evaluator")
    assert again.run_id != before and again.run.created == mine.run.created and reveals.waits_for(running) == 1
    score(again.run, 0.81, 0.8)
    actions = [(row.action, row.reason) for row in Audit.objects.filter(name="owner")]
    assert actions == [
        ("disqualified a submission", "Trained on the test set"), ("reinstated a submission", "A mistake of ours"),
        ("disqualified a team", "Two accounts"), ("evaluated anew", "A new evaluator"),
    ]  # fmt: skip


def test_the_ladder_holds_small_steps_back(cast, folder, answer):
    made, _ = contest(folder, cast.hospital, ladder=True, phases=[phase(per_day=50)], concurrent=50)
    enter(made, cast.ann)
    values = [0.70, 0.705, 0.69, 0.76, 0.765]
    handed_in = []
    for seed, value in enumerate(values):
        handed_in.append(hand_in(made, cast.ann, answer(seed=seed)))
        score(handed_in[-1].run, value, value, seed=seed)
    held = ladders.held_back(made.benchmark)
    assert [row.pk in held for row in handed_in] == [False, True, True, False, True]
    board = standings.table(made.benchmark, cast.anonymous, all_entries=True)
    assert {entry.submission.pk for entry in board.entries} == {handed_in[0].pk, handed_in[3].pk}
    assert answers.scores(handed_in[1], cast.ann) == [] and answers.scores(handed_in[3], cast.ann) != []
    assert access.can(cast.owner, "see_exact", handed_in[1]) and answers.scores(handed_in[1], cast.owner) != []


def test_a_step_climbs_only_beyond_its_own_noise():
    noise = np.random.default_rng(0).normal(0, 0.02, 500)
    assert ladders.climbs((0.72, 0.72 + noise), (0.70, 0.70 + noise))  # paired: the noise is shared
    assert not ladders.climbs((0.72, 0.72 + noise[::-1]), (0.70, 0.70 + noise))
    assert not ladders.climbs((0.72, np.full(500, np.nan)), (0.70, 0.70 + noise))


def test_withdrawn_before_the_deadline_does_not_hold_the_reveal_up(cast, running, answer):
    mine = hand_in(running, cast.ann, answer())
    submissions.withdraw(mine, cast.ann)
    end(running)
    assert reveals.sweep() == 1
