"""A person's seat in the competition that holds a benchmark: who may hand in, for which team, in which phase.

While a benchmark is sealed, nothing is handed in outside its competition, and those who organise or judge it, or watch it
for others, do not compete.
"""

from dataclasses import dataclass

from django.utils import timezone

from leaderboard import access
from leaderboard.contests import phases
from leaderboard.models import Benchmark, Competition, Participant, Phase, Team
from zoo.errors import Refused


@dataclass
class Seat:
    """One participant's right to hand in for their team."""

    competition: Competition
    participant: Participant
    team: Team
    phase: Phase

    @property
    def scope(self) -> str:
        return f"contest:{self.team.pk}"

    def lock(self) -> None:
        """Hold the competition, and look again at what may have changed since: team and phase. Raises Refused."""
        competition = phases.locked(self.competition)
        seat = find(competition.benchmark, self.participant.user)
        if seat is None:
            raise _no_phase(competition)
        self.team, self.phase = seat.team, seat.phase

    def count(self) -> None:
        """Raise Refused where the team has no submission left. Call under the lock."""
        phases.require_room(self.team, self.phase)


def find(benchmark: Benchmark, author, kind: str = "", external_data: str = "") -> Seat | None:
    """The author's seat; None where the benchmark is open to all. Raises Refused where they may not hand in now."""
    competition = Competition.objects.filter(benchmark=benchmark).first()
    if competition is None:
        return None
    phase = phases.now_in(competition)
    if not benchmark.sealed and (phase is None or phase.kind != Phase.Kind.LATE):
        return None
    participant = Participant.objects.filter(competition=competition, user=author).select_related("team").first()
    if not benchmark.sealed and (participant is None or participant.team is None):
        return None  # after the reveal the benchmark is open again, to those who were not in the contest too
    _admit(competition, participant, author)
    if phase is None:
        raise _no_phase(competition)
    if kind and kind not in competition.takes:
        hint = f"Send {' or '.join(competition.takes)}."
        raise Refused("not_accepted", f"This competition does not take {kind}.", hint, status=409)
    if external_data and competition.external_data == Competition.Data.NONE:
        hint = "Train without it, and leave the field external_data empty."
        raise Refused("external_data", "This competition allows no external data.", hint, status=409)
    if phase.gate == Phase.Gate.SCORED and not _scored_before(participant.team, phase):
        message = f"The phase {phase.name} is for teams with a scored submission in an earlier phase."
        raise Refused("gate", message, "Your team has none.", status=403)
    return Seat(competition, participant, participant.team, phase)


def _admit(competition: Competition, participant: Participant | None, author) -> None:
    if author is None or access.role(author, competition) not in (access.PARTICIPANT, access.READER):
        hint = "Hand it in as a baseline, which is shown beside the teams."
        message = "Those who organise, judge or watch this competition cannot compete in it."
        raise Refused("no_contestant", message, hint, status=403)
    address = competition.get_absolute_url()
    if participant is None:
        message = "Until its reveal this benchmark takes submissions in its competition alone."
        raise Refused("not_entered", message, f"Enter it at {address}.", status=403)
    if participant.status != Participant.Status.ADMITTED:
        waits = participant.status == Participant.Status.ASKED
        message = "Your request to enter waits for an organiser." if waits else "You were not admitted."
        raise Refused("not_admitted", message, "Ask its organiser.", status=403)
    if competition.terms and not participant.terms_accepted:
        raise Refused("terms", "The terms were not accepted yet.", f"Accept them at {address}.", status=403)
    if participant.team is None:
        raise Refused("no_team", "You are in no team.", f"Make or join one at {address}.", status=403)
    if participant.team.disqualified:
        raise Refused("disqualified", "Your team was disqualified.", "Ask its organiser.", status=403)


def _no_phase(competition: Competition) -> Refused:
    following = competition.phases.filter(starts__gt=timezone.now()).first()
    if following:
        starts = following.starts.astimezone(competition.zone)
        hint = f"The phase {following.name} starts at {starts:%Y-%m-%d %H:%M %Z}."
    else:
        hint = "Its deadline has passed; the reveal shows how it ended."
    return Refused("no_phase", "This competition takes no submissions now.", hint, status=409)


def _scored_before(team: Team, phase: Phase) -> bool:
    earlier = team.submissions.filter(phase__starts__lt=phase.starts, run__status="scored")
    return earlier.filter(withdrawn=None, disqualified=None).exists()
