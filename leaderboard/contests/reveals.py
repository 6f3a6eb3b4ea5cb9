"""The reveal: at its time the private scores of the final submissions become the result. Importing it puts it on schedule.

It waits for every run that was handed in before the deadline, however long: none is missed, and none is let in after.
A team's final submissions are those it chose; what it left open is filled with its best public scores.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from evaluators import chores
from evaluators.metrics import METRICS
from evaluators.models import Run
from leaderboard import access, audits, notices, webhooks
from leaderboard.contests import ladders, phases, talk
from leaderboard.models import Benchmark, Competition, Phase, Submission, Team
from leaderboard.ranking import goodness
from leaderboard.rounding import release
from leaderboard.standings import ON_BOARD
from zoo.errors import Refused


@chores.register
def sweep() -> int:
    """Reveal every competition whose time has come; how many."""
    running = Competition.objects.filter(status=Competition.Status.PUBLISHED)
    return sum(reveal(competition) for competition in running if _due(competition))


def _due(competition: Competition) -> bool:
    moment = phases.reveals(competition)
    return moment is not None and moment <= timezone.now()


def waits_for(competition: Competition) -> int:
    """Runs handed in for the contest that have not ended yet."""
    rows = Submission.objects.filter(contest_team__competition=competition, withdrawn=None, run__status__in=Run.OPEN)
    return rows.exclude(phase__kind=Phase.Kind.LATE).values("run").distinct().count()


def reveal(competition: Competition) -> bool:
    """Reveal a competition whose time has come; False where it has not, or where a run is still open."""
    with transaction.atomic():
        competition = phases.locked(competition)
        if competition.status != Competition.Status.PUBLISHED or not _due(competition) or waits_for(competition):
            return False
        held = ladders.held_back(competition.benchmark)
        teams = list(competition.teams.filter(merged_into=None, disqualified=None).order_by("pk"))
        final = {row.pk: chosen for team in teams for row, chosen in finals_of(team, competition, held)}
        Submission.objects.filter(pk__in=final).update(final=True)
        competition.status, competition.revealed = Competition.Status.REVEALED, timezone.now()
        competition.save(update_fields=["status", "revealed"])
        Benchmark.objects.filter(pk=competition.benchmark_id).update(sealed=False)
        audits.record(
            competition, None, "revealed", f"{len(teams)} teams", chosen=sorted(pk for pk in final if final[pk]),
            by_rule=sorted(pk for pk in final if not final[pk]),
        )  # fmt: skip
        title = gettext("{title}: the results are here").format(title=competition.title)
        notices.tell(talk.people(competition), "reveal", competition.pk, title, competition.get_absolute_url())
        webhooks.tell(competition, "revealed", teams=len(teams), revealed=competition.revealed.isoformat())
    return True


def finals_of(team: Team, competition: Competition, held: frozenset[int]) -> list[tuple[Submission, bool]]:
    """The final submissions of a team, each with whether the team chose it. Of one answer handed in twice, one counts."""
    rows = _deciding(team, competition)
    chosen = sorted((row for row in rows if row.chosen), key=lambda row: (row.chosen, row.pk))
    rest = sorted((row for row in rows if not row.chosen and row.pk not in held), key=_public_order(competition))
    found: dict[int, tuple[Submission, bool]] = {}
    for row in [*chosen, *rest]:
        if len(found) < competition.selections:
            found.setdefault(row.run_id, (row, row.chosen is not None))
    return list(found.values())


def _deciding(team: Team, competition: Competition) -> list[Submission]:
    rows = Submission.objects.filter(contest_team=team, phase__kind=phases.deciding(competition), **ON_BOARD)
    return list(rows.select_related("run").order_by("created", "pk"))


def _public_order(competition: Competition):
    """By the public score as it was released, so that a team can follow the rule; of equals the earlier."""
    benchmark = competition.benchmark
    metric = METRICS[benchmark.primary_metric]

    def key(row: Submission):
        score = row.run.scores.filter(metric=metric.name, subset="public", part="").first()
        value = release(score, benchmark.steps.get(metric.name), False).value if score else None
        return (-goodness(metric, value), row.created, row.pk)

    return key


@transaction.atomic
def choose(submission: Submission, user, wanted: bool = True) -> Submission:
    """Make a submission one of its team's final ones, or take that back, until the deadline. Raises Refused."""
    team = submission.contest_team
    if team is None or not access.can(user, "compete", team.competition) or not team.members.filter(user=user).exists():
        raise Refused("not_yours", "This is no submission of your team.", "Choose among your own.", status=403)
    competition = phases.locked(team.competition)
    submission = Submission.objects.select_related("phase", "contest_team").get(pk=submission.pk)
    last = phases.deadline(competition)
    if competition.status != Competition.Status.PUBLISHED or (last and last <= timezone.now()):
        raise Refused("too_late", "Final submissions are chosen until the deadline.", "It has passed.", status=409)
    if submission.phase.kind != phases.deciding(competition):
        hint = f"Choose one of a {phases.deciding(competition)} phase."
        raise Refused("other_phase", f"Submissions of {submission.phase.name} do not count.", hint, status=409)
    if submission.withdrawn or submission.disqualified:
        raise Refused("off_board", "This submission is off the board.", "Choose another.", status=409)
    others = team.submissions.exclude(chosen=None).exclude(pk=submission.pk).count()
    if wanted and others >= competition.selections:
        hint = "Take one of them back first."
        raise Refused("enough", f"Your team has chosen {others} of {competition.selections}.", hint, status=409)
    submission.chosen = (submission.chosen or timezone.now()) if wanted else None
    submission.save(update_fields=["chosen"])
    return submission
