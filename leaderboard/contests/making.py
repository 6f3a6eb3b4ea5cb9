"""Make, change, publish and staff a competition. Every change by an organiser is kept in its record, with the reason.

A competition seals its benchmark version from the moment it is drafted until the reveal: nothing of its private cases
may be known before, so only a version that nobody was shown a score of can hold one.
"""

import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from evaluators.faults import Fault, Faults
from evaluators.models import Run
from leaderboard import access, audits, benchmarks
from leaderboard.contests import phases, rules
from leaderboard.models import Benchmark, Competition, Officer, Participant, Phase, Submission
from zoo.errors import NotFound, Refused
from zoo.models import User

RESERVED = ("new",)  # slugs that are addresses of other pages under /competitions/


def find(slug: str, viewer) -> Competition:
    """A competition this viewer may know of. Raises NotFound, in the same words whether it is missing or hidden."""
    rows = access.visible_competitions(viewer).filter(slug=slug)
    found = rows.select_related("benchmark__package", "benchmark__owner", "benchmark__task").first()
    if found is None:
        hint = "Check the address; if it is private, sign in, or ask its organiser for the invitation link."
        raise NotFound("competition_not_found", "There is no such competition, or you may not see it.", hint)
    return found


def make(benchmark: Benchmark, by=None, *, slug: str = "", title: str = "", **fields) -> Competition:
    """Draft a competition on a benchmark version, and seal it. `fields` and `phases=[...]` as rules.clean takes them.

    by: who asks, None the house. Raises Faults with every fault of the fields, Refused where the version cannot hold one.
    """
    if by:
        access.require(by, "publish", benchmark)
    values, planned = rules.clean(fields | {"slug": slug or benchmark.slug, "title": title or benchmark.title})
    try:
        with transaction.atomic():
            benchmark = Benchmark.objects.select_for_update().select_related("package").get(pk=benchmark.pk)
            _require_fit(benchmark, values)
            competition = Competition.objects.create(benchmark=benchmark, nonce=secrets.token_hex(16), **values)
            _plan(competition, planned)
            Benchmark.objects.filter(pk=benchmark.pk).update(sealed=True)
            audits.record(competition, by, "made", competition.title)
    except IntegrityError:
        raise Faults([Fault("another competition has this slug", "Choose another slug.")]) from None
    competition.benchmark.refresh_from_db()
    return competition


def _require_fit(benchmark: Benchmark, values: dict) -> None:
    manifest = benchmark.package.manifest
    reasons = []
    if Competition.objects.filter(benchmark=benchmark).exists():
        reasons.append(("This version holds a competition already.", "Load the package as a new version."))
    if not manifest.get("split"):
        hint = "Mark each case public or private in cases.csv, and write split: {column: split}."
        reasons.append(("This benchmark has no private share of cases.", hint))
    if benchmark.labels != Benchmark.Labels.HIDDEN:
        reasons.append(("The labels of this benchmark are public.", "A contest needs hidden labels."))
    if benchmark.status == Benchmark.Status.CLOSED:
        reasons.append(("This version is closed.", "Load the package as a new version."))
    handed_in = Submission.objects.filter(benchmark=benchmark)
    if handed_in.filter(baseline=False).exists() or (
        benchmark.status != Benchmark.Status.DRAFT and handed_in.filter(run__status=Run.Status.SCORED).exists()
    ):
        message = "Scores on all cases of this version were shown already, so its private share is no secret."
        reasons.append((message, "Load the package as a new version, with another split."))
    refused = [kind for kind in values.get("takes", []) if kind not in manifest["accepts"]]
    if refused:
        reasons.append((f"The package does not accept {' or '.join(refused)}.", "Leave it out of takes."))
    if reasons:
        message, hint = reasons[0]
        raise Refused("unfit", message, hint, status=409)


def _plan(competition: Competition, planned: list[dict]) -> None:
    """Set the phases, in order; one that holds submissions keeps its row."""
    kept = list(competition.phases.all())
    for number, values in enumerate(planned):
        if number < len(kept):
            Phase.objects.filter(pk=kept[number].pk).update(**values)
        else:
            Phase.objects.create(competition=competition, **values)
    for phase in kept[len(planned) :]:
        if phase.submissions.exists():
            raise Faults([Fault(f"the phase {phase.name} has submissions", "A phase that has any cannot be removed.")])
        phase.delete()


@transaction.atomic
def change(competition: Competition, by, why: str, **fields) -> Competition:
    """Change rules, texts and phases, with a reason for the record. A revealed competition does not change.

    Raises Faults, Refused (403, 409, 422).
    """
    access.require(by, "change", competition)
    why = audits.reason(why)
    competition = phases.locked(competition)
    if competition.status == Competition.Status.REVEALED:
        raise Refused("revealed", "A revealed competition does not change.", "Its record is closed.", status=409)
    before = rules.described(competition)
    values, planned = rules.clean(before | fields)
    values.pop("slug")  # its address stays
    for name, value in values.items():
        setattr(competition, name, value)
    competition.save(update_fields=list(values))
    if "phases" in fields:
        _plan(competition, planned)
    after = rules.described(competition)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    audits.record(competition, by, "changed", ", ".join(changed), why, **changed)
    return competition


def publish(competition: Competition, by=None) -> Competition:
    """Open a draft, and its benchmark with it, whose rounding steps are frozen from public cases. Raises Refused."""
    if by:
        access.require(by, "publish", competition)
    with transaction.atomic():
        competition = phases.locked(competition)
        if competition.status != Competition.Status.DRAFT:
            return competition
        deadline = phases.deadline(competition)
        if deadline is None or deadline <= timezone.now():
            hint = "Give it a development or final phase that ends in the future."
            raise Refused("no_time", "There is no time left to hand anything in.", hint, status=409)
        Benchmark.objects.filter(pk=competition.benchmark_id).update(private=competition.private)
        benchmarks.publish(competition.benchmark, by)
        competition.status, competition.published = Competition.Status.PUBLISHED, timezone.now()
        competition.save(update_fields=["status", "published"])
        audits.record(competition, by, "published")
    competition.benchmark.refresh_from_db()
    return competition


@transaction.atomic
def appoint(competition: Competition, by, username: str, role: str, why: str = "") -> Officer:
    """Make someone judge or observer; they do not compete from then on. Raises Refused, NotFound."""
    access.require(by, "appoint", competition)
    competition = phases.locked(competition)
    user = User.objects.filter(username__iexact=username.strip()).first()
    if user is None:
        raise NotFound("no_such_user", f"There is no user {username!r}.", "Write the user name.")
    if role not in Officer.Role.values:
        raise Refused("role", f"There is no role {role!r}.", "Choose judge or observer.", status=422)
    if Participant.objects.filter(competition=competition, user=user).exclude(team=None).exists():
        message = f"{user} takes part in this competition."
        raise Refused("competes", message, "Who competes cannot judge or watch it.", status=409)
    officer, _ = Officer.objects.update_or_create(competition=competition, user=user, defaults={"role": role})
    audits.record(competition, by, "appointed", f"{user}, {role}", why)
    return officer


@transaction.atomic
def dismiss(competition: Competition, by, username: str, why: str = "") -> None:
    """Take an office back."""
    access.require(by, "appoint", competition)
    competition = phases.locked(competition)
    gone, _ = Officer.objects.filter(competition=competition, user__username__iexact=username.strip()).delete()
    if gone:
        audits.record(competition, by, "dismissed", username, why)
