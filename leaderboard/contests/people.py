"""Who enters a competition, by which door: open, e-mail domain, approval, or invitation link.

The link admits whatever the door is. An address that nobody confirmed proves nothing: it waits for an organiser.
"""

from allauth.account.models import EmailAddress
from django.core.signing import Signer
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, get_random_string

from leaderboard import access, audits
from leaderboard.contests import phases, teams
from leaderboard.models import Competition, Participant
from zoo.errors import NotFound, Refused

ADMITTED, ASKED, REFUSED = Participant.Status.ADMITTED, Participant.Status.ASKED, Participant.Status.REFUSED


def code(competition: Competition) -> str:
    """What the invitation link carries; a new nonce makes a new one."""
    return Signer(salt="kensa.competition").signature(f"{competition.pk}:{competition.nonce}")


def invited(slug: str, given: str) -> Competition:
    """The competition whose invitation link carries this code. Raises NotFound."""
    rows = Competition.objects.exclude(status=Competition.Status.DRAFT).select_related("benchmark__owner")
    found = rows.filter(slug=slug).first()
    if found is None or not given or not constant_time_compare(given, code(found)):
        hint = "Ask the organiser for the link as it is now."
        raise NotFound("no_invitation", "There is no such invitation, or it has ended.", hint)
    return found


@transaction.atomic
def enter(
    competition: Competition, user, *, invitation: str = "", accept_terms: bool = False, team: str = ""
) -> Participant:
    """Enter, or complete what is missing (the link, the terms). Who is admitted leads a team of one, until they join another.

    Raises Refused: 401, 403, 409, 422.
    """
    access.require(user, "enter", competition)
    competition = phases.locked(competition)
    _require_open(competition)
    if competition.terms and not accept_terms:
        raise Refused("terms", "Whoever enters accepts the terms.", "Read them, and say that you accept.", status=422)
    mine, _ = Participant.objects.get_or_create(competition=competition, user=user, defaults={"status": ASKED})
    with_link = bool(invitation) and constant_time_compare(invitation, code(competition))
    if mine.status != ADMITTED and (with_link or (mine.status == ASKED and _passes(competition, user))):
        mine.status = ADMITTED
    if mine.status != ADMITTED and competition.entry == Competition.Entry.INVITATION:
        hint = "Open the link that the organiser sent you."
        raise Refused("invitation", "This competition is entered by an invitation link.", hint, status=403)
    if competition.terms and not mine.terms_accepted:
        mine.terms_accepted = timezone.now()
    if mine.status == ADMITTED and mine.team is None:
        mine.team = teams.found(competition, user, team)
    mine.save()
    return mine


def _require_open(competition: Competition) -> None:
    last = phases.deadline(competition)
    late = phases.now_in(competition)
    if competition.status == Competition.Status.DRAFT:
        raise Refused("draft", "This competition is not open yet.", "Wait until it is published.", status=409)
    if (last is None or last <= timezone.now()) and late is None:
        raise Refused("over", "The deadline of this competition has passed.", "See how it ended.", status=409)


def _passes(competition: Competition, user) -> bool:
    if competition.entry == Competition.Entry.OPEN:
        return True
    if competition.entry != Competition.Entry.DOMAIN:
        return False
    addresses = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return any(address.rpartition("@")[2].lower() in competition.domains for address in addresses)


@transaction.atomic
def decide(competition: Competition, by, username: str, admit: bool, why: str = "") -> Participant:
    """Admit someone who asked, or refuse them; a team with submissions is disqualified, not refused. Raises Refused."""
    access.require(by, "admit", competition)
    competition = phases.locked(competition)
    person = Participant.objects.filter(competition=competition, user__username__iexact=username).first()
    if person is None:
        raise NotFound("no_such_person", f"{username} has not asked to enter.", "See the list of requests.")
    if not admit and person.team_id:
        hint = "Disqualify the team, with the reason."
        raise Refused("competes", f"{person.user} is in a team already.", hint, status=409)
    if person.status == REFUSED and not admit:
        return person
    person.status = ADMITTED if admit else REFUSED
    if admit and person.team is None:
        person.team = teams.found(competition, person.user)
    person.save()
    audits.record(competition, by, "admitted" if admit else "refused", person.user, why)
    return person


@transaction.atomic
def renew_link(competition: Competition, by) -> Competition:
    """End the invitation link there is; `code` gives the new one."""
    access.require(by, "invite", competition)
    competition = phases.locked(competition)
    competition.nonce = get_random_string(32)
    competition.save(update_fields=["nonce"])
    audits.record(competition, by, "renewed the invitation link")
    return competition
