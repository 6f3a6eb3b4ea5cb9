"""Where a competition stands in time, and how many more submissions a team has. Limits belong to the team.

Counts come from the state of the runs, as elsewhere, so that what failed on our side gives itself back.
"""

import math
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from evaluators import runs
from evaluators.models import Run
from leaderboard.models import Competition, Phase, Team
from zoo.errors import Refused


@dataclass(frozen=True)
class Budget:
    """What a team has used and may still use in a phase. Without a total of its own, a phase allows what its days do."""

    used_today: int
    per_day: int
    used: int
    in_total: int
    running: int
    concurrent: int

    @property
    def left(self) -> int:
        return max(0, min(self.per_day - self.used_today, self.in_total - self.used))


def locked(competition: Competition) -> Competition:
    """The competition, held until the transaction ends (on SQLite, IMMEDIATE transactions see to it)."""
    return Competition.objects.select_for_update().get(pk=competition.pk)


def now_in(competition: Competition, moment: datetime | None = None) -> Phase | None:
    """The phase of this moment; None before, between and after them, and for a draft."""
    if competition.status == Competition.Status.DRAFT:
        return None
    moment = moment or timezone.now()
    running = competition.phases.filter(Q(ends=None) | Q(ends__gt=moment), starts__lte=moment)
    return running.order_by("-starts", "-pk").first()


def deciding(competition: Competition) -> str:
    """The kind of phase whose submissions a team chooses from: final where there is one, else development."""
    kinds = set(competition.phases.values_list("kind", flat=True))
    return Phase.Kind.FINAL if Phase.Kind.FINAL in kinds else Phase.Kind.DEVELOPMENT


def deadline(competition: Competition) -> datetime | None:
    """When the last phase that counts ends: nothing handed in later can win."""
    counting = competition.phases.exclude(kind=Phase.Kind.LATE)
    return counting.order_by("-ends").values_list("ends", flat=True).first()


def reveals(competition: Competition) -> datetime | None:
    """When private scores are shown: at the deadline, or at a later time that the organiser chose."""
    last = deadline(competition)
    return max(filter(None, (last, competition.reveals)), default=None)


def changes_until(competition: Competition) -> datetime | None:
    """When teams stop changing: the merge deadline, or the end of the contest."""
    return min(filter(None, (competition.merge_until, deadline(competition))), default=None)


def budget(team: Team, phase: Phase, moment: datetime | None = None) -> Budget:
    """What the team has used of a phase at this moment."""
    competition = phase.competition
    moment = moment or timezone.now()
    since = day_of(competition, moment)[0]
    mine = Run.objects.filter(submissions__contest_team=team, submissions__phase=phase)
    counted = mine.exclude(runs.REFUNDED).distinct()
    total = phase.in_total or phase.per_day * days_so_far(competition, phase, moment)
    return Budget(
        counted.filter(created__gte=since).count(), phase.per_day, counted.count(), total,
        Run.objects.filter(submissions__contest_team=team, status__in=Run.OPEN).distinct().count(), competition.concurrent,
    )  # fmt: skip


def day_of(competition: Competition, moment: datetime) -> tuple[datetime, datetime]:
    """The day that this moment lies in, as the competition's time zone has it: its start, and the start of the next."""
    zone = competition.zone
    day = moment.astimezone(zone).date()
    return tuple(datetime.combine(item, time.min, zone) for item in (day, day + timedelta(days=1)))


def days_so_far(competition: Competition, phase: Phase, moment: datetime) -> int:
    """Days of the phase that have begun, this one counted."""
    zone = competition.zone
    return max(1, (moment.astimezone(zone).date() - phase.starts.astimezone(zone).date()).days + 1)


def require_room(team: Team, phase: Phase) -> None:
    """Pass where the team may hand in one more answer now. Raises Refused (409, 429). Call under the lock."""
    moment = timezone.now()
    found = budget(team, phase, moment)
    if found.running >= found.concurrent:
        message = f"{found.running} of your team's submissions wait or run; {found.concurrent} may at a time."
        raise too_many(message, "Wait until one has ended, or cancel one.", 30)
    if found.used >= found.in_total and phase.in_total:
        message = f"Your team has used its {phase.in_total} submissions of the phase {phase.name}."
        raise Refused("used_up", message, "Choose your final submissions among those you have.", status=409)
    if found.left <= 0:
        end = day_of(phase.competition, moment)[1]
        raise too_many(
            f"Your team has used its {phase.per_day} submissions of today in the phase {phase.name}.",
            f"The count starts again at {end:%Y-%m-%d %H:%M %Z}. An answer you gave before is answered again for free.",
            math.ceil((end - moment).total_seconds()),
        )


def too_many(message: str, hint: str, seconds: int) -> Refused:
    refusal = Refused("too_many", message, hint, status=429)
    refusal.headers["Retry-After"] = str(max(1, seconds))
    return refusal
