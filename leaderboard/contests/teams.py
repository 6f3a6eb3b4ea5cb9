"""Teams of a contest: founded by entering, joined and merged by the link that their leader hands out.

One person is in one team. What a team has used stays with it: a team that has handed something in is not left, only
merged, and then what both have used must fit one team's limits.
"""

from django.core.signing import Signer
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, get_random_string

from leaderboard import access
from leaderboard.contests import phases
from leaderboard.models import Competition, Participant, Submission, Team
from zoo.errors import NotFound, Refused

LONGEST = 100


def found(competition: Competition, user, name: str = "") -> Team:
    """A team of one, named after its founder unless it has a name of its own. Call under the lock."""
    wanted = _name(name) if name.strip() else user.get_username()
    if _taken(competition, wanted):
        if name.strip():
            raise _name_taken(wanted)
        wanted = f"{wanted}-{get_random_string(4, 'abcdefghjkmnpqrstuvwxyz23456789')}"
    return Team.objects.create(competition=competition, name=wanted, leader=user, nonce=get_random_string(32))


def code(team: Team) -> str:
    """What the team's invitation link carries."""
    return f"{team.pk}-{Signer(salt='kensa.team').signature(f'{team.pk}:{team.nonce}')}"


def invited(competition: Competition, given: str) -> Team:
    """The team whose link carries this code. Raises NotFound."""
    number = given.partition("-")[0]
    team = None
    if number.isascii() and number.isdecimal() and len(number) < 18:
        team = Team.objects.filter(competition=competition, merged_into=None, pk=int(number)).first()
    if team is None or not constant_time_compare(given, code(team)):
        raise NotFound(
            "no_invitation", "There is no such invitation, or it has ended.", "Ask the leader for a new link."
        )
    return team


def of(competition: Competition, user) -> Team | None:
    """The team this user is in."""
    row = Participant.objects.filter(competition=competition, user=getattr(user, "pk", None)).select_related(
        "team__leader"
    )
    mine = row.first()
    return mine.team if mine else None


@transaction.atomic
def join(competition: Competition, user, given: str) -> Team:
    """Join the team whose link this is; a team of one's own without submissions ends. Raises Refused, NotFound."""
    competition, mine = _changing(competition, user)
    team = invited(competition, given)
    if mine.team_id == team.pk:
        return team
    _require_room(competition, team, 1)
    _leave(mine, "merge")
    mine.team = team
    mine.save(update_fields=["team"])
    _tidy(competition)
    return team


@transaction.atomic
def leave(competition: Competition, user) -> Team:
    """Leave the team, for one of one's own. A team that has handed something in is not left. Raises Refused."""
    competition, mine = _changing(competition, user)
    if mine.team and mine.team.members.count() == 1:
        return mine.team
    _leave(mine, "leave")
    mine.team = found(competition, user)
    mine.save(update_fields=["team"])
    return mine.team


def _leave(mine: Participant, what: str) -> None:
    team = mine.team
    if team is None:
        return
    if team.submissions.exists():
        if what == "merge" and team.leader_id == mine.user_id:
            hint = "Merge your team into the other one: what both have used must fit the limits."
        else:
            hint = "Limits belong to the team, so nobody takes a fresh count elsewhere."
        raise Refused("has_submissions", "Your team has handed something in, so nobody leaves it.", hint, status=409)
    if team.leader_id == mine.user_id:
        heir = team.members.exclude(pk=mine.pk).order_by("created", "pk").first()
        Team.objects.filter(pk=team.pk).update(leader=heir.user if heir else None)


def _tidy(competition: Competition) -> None:
    """Teams that nobody is in any more, and that never handed in anything, are no more."""
    Team.objects.filter(competition=competition, members=None, submissions=None, merged=None, merged_into=None).delete()


@transaction.atomic
def merge(competition: Competition, leader, given: str) -> Team:
    """Bring one's team into the one whose link this is, with its submissions. Raises Refused (403, 409), NotFound."""
    competition, mine = _changing(competition, leader)
    into, team = invited(competition, given), mine.team
    if team is None or team.pk == into.pk:
        raise Refused("same_team", "There are no two teams to merge.", "Open the link of the other team.", status=409)
    if team.leader_id != leader.pk:
        raise Refused("not_leader", "Only the leader merges a team.", "Ask your leader to open the link.", status=403)
    _require_room(competition, into, team.members.count())
    _require_counts(competition, team, into)
    chosen = into.submissions.exclude(chosen=None).count() + team.submissions.exclude(chosen=None).count()
    if chosen > competition.selections:
        team.submissions.update(chosen=None)
    Submission.objects.filter(contest_team=team).update(contest_team=into)
    team.members.update(team=into)
    Team.objects.filter(pk=team.pk).update(merged_into=into, leader=None)
    return into


def _require_counts(competition: Competition, one: Team, other: Team) -> None:
    """What both teams have used must fit one team's limits, in every phase that has begun."""
    for phase in competition.phases.filter(starts__lte=timezone.now()):
        a, b = phases.budget(one, phase), phases.budget(other, phase)
        moment = min(timezone.now(), phase.ends or timezone.now())
        total = phase.in_total or phase.per_day * phases.days_so_far(competition, phase, moment)
        if a.used + b.used > total or a.used_today + b.used_today > phase.per_day:
            message = f"Together the teams have used {a.used + b.used} submissions of the phase {phase.name}."
            hint = f"One team may have used {total} by now, {phase.per_day} of them today. Try again later."
            raise Refused("too_many_used", message, hint, status=409)


@transaction.atomic
def rename(competition: Competition, user, name: str) -> Team:
    """Give one's team another name. Raises Refused."""
    competition, mine = _leading(competition, user)
    wanted = _name(name)
    if wanted.casefold() != mine.team.name.casefold() and _taken(competition, wanted):
        raise _name_taken(wanted)
    mine.team.name = wanted
    mine.team.save(update_fields=["name"])
    return mine.team


@transaction.atomic
def lead(competition: Competition, user, username: str) -> Team:
    """Hand leadership to another member. Raises Refused."""
    competition, mine = _leading(competition, user)
    heir = mine.team.members.filter(user__username__iexact=username.strip()).first()
    if heir is None:
        raise Refused("not_member", f"{username} is not in your team.", "Choose one of its members.", status=422)
    mine.team.leader = heir.user
    mine.team.save(update_fields=["leader"])
    return mine.team


@transaction.atomic
def renew_link(competition: Competition, user) -> Team:
    """End the team's link; `code` gives the new one. Raises Refused."""
    competition, mine = _leading(competition, user)
    mine.team.nonce = get_random_string(32)
    mine.team.save(update_fields=["nonce"])
    return mine.team


def _changing(competition: Competition, user) -> tuple[Competition, Participant]:
    """The competition under its lock and the user's row in it, while teams may still change. Raises Refused."""
    access.require(user, "compete", competition)
    competition = phases.locked(competition)
    mine = Participant.objects.select_related("team").get(competition=competition, user=user)
    until = phases.changes_until(competition)
    if competition.status != Competition.Status.PUBLISHED or (until and until <= timezone.now()):
        raise Refused("too_late", "Teams do not change any more.", "Their deadline has passed.", status=409)
    if mine.team and mine.team.disqualified:
        raise Refused("disqualified", "Your team was disqualified.", "Ask the organiser.", status=403)
    return competition, mine


def _leading(competition: Competition, user) -> tuple[Competition, Participant]:
    competition, mine = _changing(competition, user)
    if mine.team is None or mine.team.leader_id != user.pk:
        raise Refused("not_leader", "Only the leader of a team does this.", "Ask your leader.", status=403)
    return competition, mine


def _require_room(competition: Competition, team: Team, more: int) -> None:
    if team.disqualified:
        raise Refused("disqualified", "That team was disqualified.", "Choose another.", status=409)
    if team.members.count() + more > competition.team_size:
        message = f"A team has at most {competition.team_size} members."
        raise Refused("full", message, f"{team.name} has {team.members.count()}.", status=409)


def _name(text: str) -> str:
    name = " ".join(text.replace("\0", "").split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise Refused("name", "This is no name for a team.", f"Use 1 to {LONGEST} letters.", status=422)
    return name


def _taken(competition: Competition, name: str) -> bool:
    return Team.objects.filter(competition=competition, merged_into=None, name__iexact=name).exists()


def _name_taken(name: str) -> Refused:
    return Refused("name_taken", f"Another team is called {name}.", "Choose another name.", status=409)
