"""Roles in a competition, who sees a private one, who may hand in, and the record that is only added to."""

import pytest

from leaderboard import access, audits, benchmarks, submissions
from leaderboard.contests import making, people
from leaderboard.models import Audit, Benchmark, Competition, Participant
from tests.leaderboard.contests import contest, enter, phase
from tests.packages import binary
from zoo.errors import NotFound, Refused

ROLES = {
    "operator": access.OPERATOR, "owner": access.OWNER, "member": access.ORGANISER, "mate": access.JUDGE,
    "stranger": access.OBSERVER, "ann": access.PARTICIPANT, "ben": access.READER, "anonymous": access.ANONYMOUS,
}  # fmt: skip


@pytest.fixture
def staffed(cast, folder):
    """A published competition with a judge, an observer and a participant."""
    made, _ = contest(folder, cast.hospital, terms="Be fair.", private=True, entry="invitation")
    making.appoint(made, cast.owner, "mate", "judge")
    making.appoint(made, cast.owner, "stranger", "observer")
    enter(made, cast.ann, invitation=people.code(made), accept_terms=True)
    return made


@pytest.mark.parametrize("who", ROLES)
def test_everyone_has_one_role_and_the_table_decides(cast, staffed, who):
    assert access.role(cast[who], staffed) == ROLES[who]
    assert access.role(cast[who], staffed.benchmark) == ROLES[who]
    for action, roles in access.COMPETITION.items():
        assert access.can(cast[who], action, staffed) == (ROLES[who] in roles), action


@pytest.mark.parametrize("who", ROLES)
def test_a_private_competition_and_its_benchmark_are_known_to_those_in_it(cast, staffed, who):
    knows = ROLES[who] in access.COMPETITION["see_hidden"]
    assert access.visible_competitions(cast[who]).exists() == knows
    assert access.visible_benchmarks(cast[who]).exists() == knows
    if knows:
        assert making.find("lungs", cast[who]) == staffed
    else:
        with pytest.raises(NotFound):
            making.find("lungs", cast[who])


@pytest.mark.parametrize("who", ROLES)
def test_a_draft_is_known_to_its_house_and_its_officers(cast, staffed, who):
    Competition.objects.update(status="draft")
    Benchmark.objects.update(status="draft")
    knows = ROLES[who] in access.COMPETITION["see_unpublished"]
    assert access.visible_competitions(cast[who]).exists() == access.visible_benchmarks(cast[who]).exists() == knows


@pytest.mark.parametrize("who", ["operator", "owner", "member", "mate", "stranger"])
def test_who_organises_judges_or_watches_neither_enters_nor_hands_in(cast, staffed, answer, who):
    with pytest.raises(Refused):
        people.enter(staffed, cast[who], invitation=people.code(staffed), accept_terms=True)
    with pytest.raises(Refused) as refused:
        submissions.submit(staffed.benchmark, cast[who].namespace, cast[who], name="x", file=answer())
    assert refused.value.code == "no_contestant"


def test_while_sealed_only_who_entered_hands_in(cast, folder, answer):
    made, _ = contest(folder, cast.hospital, terms="Be fair.", entry="approval")
    hand_in = lambda: submissions.submit(made.benchmark, cast.ben.namespace, cast.ben, name="x", file=answer())  # noqa: E731
    with pytest.raises(Refused) as refused:
        hand_in()
    assert refused.value.code == "not_entered"
    with pytest.raises(Refused) as refused:
        people.enter(made, cast.ben)
    assert refused.value.code == "terms"
    assert people.enter(made, cast.ben, accept_terms=True).status == "asked"
    with pytest.raises(Refused) as refused:
        hand_in()
    assert refused.value.code == "not_admitted"
    people.decide(made, cast.member, "ben", True)
    made_submission = hand_in()
    assert (made_submission.contest_team.name, made_submission.phase.name) == ("ben", "Open")
    Participant.objects.update(terms_accepted=None)
    with pytest.raises(Refused) as refused:
        hand_in()
    assert refused.value.code == "terms"
    with pytest.raises(Refused) as refused:
        submissions.submit(made.benchmark, cast.hospital, None, name="of the house", file=answer())
    assert refused.value.code == "no_contestant"
    assert submissions.submit(made.benchmark, cast.hospital, cast.member, name="b", file=answer(seed=5), baseline=True)


@pytest.mark.parametrize(
    ("phases", "code"),
    [([phase(starts=1)], "no_phase"), ([phase(), phase("Final", "final", 8, 9)], None),
     ([phase(ends=-0.5), phase("Final", "final", -0.4, 9, gate="scored")], "gate")],
)  # fmt: skip
def test_phases_open_and_gate(cast, folder, answer, phases, code):
    made, _ = contest(folder, cast.hospital, phases=phases)
    enter(made, cast.ben)
    try:
        submissions.submit(made.benchmark, cast.ben.namespace, cast.ben, name="x", file=answer())
        assert code is None
    except Refused as refused:
        assert refused.code == code


def test_an_unconfirmed_address_waits_and_a_confirmed_one_enters(cast, folder):
    from allauth.account.models import EmailAddress

    made, _ = contest(folder, cast.hospital, entry="domain", domains=["Ward.example"])
    EmailAddress.objects.create(user=cast.ben, email="ben@ward.example", verified=False)
    assert people.enter(made, cast.ben).status == "asked"
    EmailAddress.objects.update(verified=True)
    assert people.enter(made, cast.ben).status == "admitted"
    EmailAddress.objects.create(user=cast.ann, email="ann@notward.example", verified=True)
    assert people.enter(made, cast.ann).status == "asked"


def test_a_new_link_ends_the_old_one(cast, staffed):
    old = people.code(staffed)
    assert people.invited("lungs", old) == staffed
    people.renew_link(staffed, cast.owner)
    for wrong in (old, "", "x"):
        with pytest.raises(NotFound):
            people.invited("lungs", wrong)


def test_what_was_shown_before_cannot_hold_a_contest(cast, benchmark, submit, folder):
    with pytest.raises(Refused) as refused:
        making.make(benchmark, cast.owner)
    assert "no private share" in str(refused.value)
    binary(folder, n=60, split=True, slug="shown")
    shown = benchmarks.load(folder, cast.hospital)
    submit(on=shown)
    with pytest.raises(Refused) as refused:
        making.make(shown, cast.owner)
    assert "shown already" in str(refused.value)


def test_the_record_is_sealed_row_by_row_and_takes_no_change(cast, staffed):
    assert audits.broken(staffed) is None
    actions = list(Audit.objects.values_list("action", "name"))
    assert actions == [("made", ""), ("published", ""), ("appointed", "owner"), ("appointed", "owner")]
    with pytest.raises(TypeError):
        Audit.objects.all().delete()
    with pytest.raises(TypeError):
        Audit.objects.update(reason="another")
    row = Audit.objects.all()[1]
    row.reason = "another"
    row.save()
    assert audits.broken(staffed) == row.pk


def test_a_change_needs_a_reason_and_leaves_before_and_after(cast, staffed):
    with pytest.raises(Refused) as refused:
        making.change(staffed, cast.owner, "", team_size=3)
    assert refused.value.code == "no_reason"
    making.change(staffed, cast.owner, "Teams were too large", team_size=3)
    row = Audit.objects.last()
    assert (row.action, row.reason, row.details) == ("changed", "Teams were too large", {"team_size": [5, 3]})
    with pytest.raises(Refused):
        making.change(staffed, cast.ann, "because", team_size=30)
