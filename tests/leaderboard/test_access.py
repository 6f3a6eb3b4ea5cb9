"""Roles and actions: what the tables say is what `can` and the querysets do."""

import pytest

from evaluators import runs
from leaderboard import access, submissions
from leaderboard.models import Benchmark

BENCHMARK_ROLES = {
    "operator": access.OPERATOR, "owner": access.OWNER, "member": access.ORGANISER, "ann": access.PARTICIPANT,
    "mate": access.PARTICIPANT, "ben": access.READER, "stranger": access.READER, "anonymous": access.ANONYMOUS,
}  # fmt: skip
SUBMISSION_ROLES = BENCHMARK_ROLES | {
    "owner": access.ORGANISER, "ann": access.OWNER, "mate": access.OWNER, "ben": access.READER,
}  # fmt: skip
EVERYBODY = sorted(BENCHMARK_ROLES)


@pytest.mark.parametrize("who", EVERYBODY)
def test_everyone_has_the_role_that_the_table_is_read_with(cast, submit, who):
    submission = submit()
    assert access.role(cast[who], submission.benchmark) == BENCHMARK_ROLES[who]
    assert access.role(cast[who], submission) == SUBMISSION_ROLES[who]


@pytest.mark.parametrize("who", EVERYBODY)
def test_can_is_the_table(cast, submit, who):
    submission = submit()
    for action, allowed in access.BENCHMARK.items():
        assert access.can(cast[who], action, submission.benchmark) == (BENCHMARK_ROLES[who] in allowed), action
    for action, allowed in access.SUBMISSION.items():
        assert access.can(cast[who], action, submission) == (SUBMISSION_ROLES[who] in allowed), action
        assert (action in access.allowed(cast[who], submission)) == access.can(cast[who], action, submission)


def test_tables_name_known_roles_and_a_mistyped_action_is_an_error(cast, benchmark):
    for table in (access.BENCHMARK, access.SUBMISSION):
        assert all(roles <= set(access.ROLES) for roles in table.values())
    with pytest.raises(KeyError):
        access.can(cast.ann, "se", benchmark)


@pytest.mark.parametrize("hidden", [{"private": True}, {"status": Benchmark.Status.DRAFT}])
def test_an_unpublished_or_private_benchmark_is_seen_by_its_house_alone(cast, benchmark, hidden):
    Benchmark.objects.filter(pk=benchmark.pk).update(**hidden)
    seeing = {who for who in EVERYBODY if access.visible_benchmarks(cast[who]).exists()}
    assert seeing == {"operator", "owner", "member"}


def test_a_waiting_submission_is_seen_by_its_team_and_the_organiser(cast, submit):
    submit()
    seeing = {who for who in EVERYBODY if access.visible_submissions(cast[who]).exists()}
    assert seeing == {"operator", "owner", "member", "ann", "mate"}


def test_an_entry_is_seen_by_all_until_it_is_withdrawn(cast, submit, finished):
    submission = submit()
    finished(submission.run, {"auroc": (0.8, [0.7, 0.8, 0.9])})
    assert all(access.visible_submissions(cast[who]).exists() for who in EVERYBODY)
    submissions.withdraw(submission, cast.mate)
    seeing = {who for who in EVERYBODY if access.visible_submissions(cast[who]).exists()}
    assert seeing == {"operator", "owner", "member", "ann", "mate"}


@pytest.mark.parametrize("end", ["reject", "fail", "cancel"])
def test_what_failed_is_nobodys_entry(cast, submit, end):
    submission = submit()
    if end == "cancel":
        runs.cancel(submission.run)
    else:
        getattr(runs, end)(runs.claim(submission.run_id, "test"), "memory", *([[]] if end == "reject" else []))
    assert not access.visible_submissions(cast.stranger).exists()


def test_an_operators_lesser_token_has_no_operators_powers(cast, benchmark):
    Benchmark.objects.update(private=True)
    cast.operator.token_scope = "write"
    assert not access.visible_benchmarks(cast.operator).exists()
    assert not access.is_organiser(cast.operator, benchmark)
