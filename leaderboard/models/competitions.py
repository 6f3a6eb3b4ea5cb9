"""Competitions: a time-boxed contest on one benchmark version, its phases, teams, people, and what was done to it.

A person has one row per competition (`Participant`), so nobody is in two teams; a row of `Audit` is never changed.
"""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from leaderboard.models.benchmarks import Benchmark
from zoo.models import Namespace, validate_name


def default_takes() -> list[str]:
    return ["predictions"]


class Competition(models.Model):
    """A contest on a benchmark version whose private share stays sealed (`Benchmark.sealed`) until the reveal."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        REVEALED = "revealed"

    class Entry(models.TextChoices):
        OPEN = "open"  # anyone who is signed in
        DOMAIN = "domain"  # whose e-mail address, confirmed, ends in one of `domains`
        APPROVAL = "approval"  # whom an organiser admits
        INVITATION = "invitation"  # who holds the link

    class Data(models.TextChoices):
        NONE = "none"
        NAMED = "named"  # allowed where the submission names it
        ANY = "any"

    benchmark = models.OneToOneField(Benchmark, on_delete=models.PROTECT, related_name="competition")
    slug = models.CharField(max_length=96, unique=True, validators=[validate_name])
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    private = models.BooleanField(default=False)  # known to its house, its officers and its participants alone
    time_zone = models.CharField(max_length=60, default="UTC")  # IANA; days are counted and dates shown in it

    entry = models.CharField(max_length=10, choices=Entry, default=Entry.OPEN)
    domains = models.JSONField(default=list, blank=True)  # ["hospital.example"]
    nonce = models.CharField(max_length=32, blank=True)  # of the invitation link; a new one ends the old link
    terms = models.TextField(blank=True)  # accepted by each participant before the first submission
    prize = models.TextField(blank=True)
    external_data = models.CharField(max_length=5, choices=Data, default=Data.NAMED)
    takes = models.JSONField(default=default_takes)  # of what the package accepts: predictions, weights

    team_size = models.PositiveIntegerField(default=5)
    merge_until = models.DateTimeField(null=True, blank=True)  # teams merge and change until then; None: the last phase
    concurrent = models.PositiveIntegerField(default=3)  # runs of a team at the same time, waiting or running
    selections = models.PositiveIntegerField(default=2)  # final submissions of a team
    ladder = models.BooleanField(default=False)  # a public score is released only where the gain is significant

    created = models.DateTimeField(default=timezone.now)
    published = models.DateTimeField(null=True, blank=True)
    reveals = models.DateTimeField(null=True, blank=True)  # when; None: the end of the last phase that counts
    revealed = models.DateTimeField(null=True, blank=True)

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/competitions/{self.slug}/"

    @property
    def owner(self) -> Namespace:
        """The organiser: the namespace that owns the benchmark."""
        return self.benchmark.owner

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Phase(models.Model):
    """A stretch of time with its limits. Submissions of the last counting kind that exists (final, else development)
    are those a team chooses from; late ones are scored and stay off the board."""

    class Kind(models.TextChoices):
        DEVELOPMENT = "development"
        FINAL = "final"
        LATE = "late"

    class Gate(models.TextChoices):
        OPEN = "open"
        SCORED = "scored"  # for teams with a scored submission in an earlier phase

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="phases")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=11, choices=Kind, default=Kind.DEVELOPMENT)
    gate = models.CharField(max_length=6, choices=Gate, default=Gate.OPEN)
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True, blank=True)  # None for a late phase: for ever
    per_day = models.PositiveIntegerField(default=5)  # submissions of a team and day
    in_total = models.PositiveIntegerField(default=0)  # of a team in this phase; 0: as the days allow

    class Meta:
        ordering = ["starts", "pk"]

    def __str__(self):
        return self.name


class Team(models.Model):
    """A team of one contest, made when its first member enters. Limits belong to it, never to its people."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)
    leader = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    nonce = models.CharField(max_length=32, blank=True)  # of its invitation link
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="merged")
    disqualified = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "competition", Lower("name"), condition=models.Q(merged_into=None), name="one_team_name"
            )
        ]

    def __str__(self):
        return self.name


class Participant(models.Model):
    """A person in a competition: asked, admitted or refused; the terms accepted; and their one team."""

    class Status(models.TextChoices):
        ASKED = "asked"
        ADMITTED = "admitted"
        REFUSED = "refused"

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contests")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    status = models.CharField(max_length=8, choices=Status, default=Status.ADMITTED)
    terms_accepted = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["competition", "user"], name="one_person_once")]

    def __str__(self):
        return f"{self.user} in {self.competition}"


class Officer(models.Model):
    """A person whom an organiser appoints: a judge sees private scores, an observer sees a private competition."""

    class Role(models.TextChoices):
        JUDGE = "judge"
        OBSERVER = "observer"

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="officers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="offices")
    role = models.CharField(max_length=8, choices=Role)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["competition", "user"], name="one_office")]

    def __str__(self):
        return f"{self.user}, {self.role} of {self.competition}"


class Appended(models.QuerySet):
    """Rows that are only ever added."""

    def update(self, **values):
        raise TypeError("an audit row is never changed")

    def delete(self):
        raise TypeError("an audit row is never removed")


class Audit(models.Model):
    """What an organiser, a judge or the house did, with the reason; each row's seal covers the row before it."""

    competition = models.ForeignKey(Competition, on_delete=models.PROTECT, related_name="audit")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=96)  # the actor's, kept when the account is gone; "" is the house
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=300, blank=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(default=timezone.now)
    seal = models.CharField(max_length=64)  # HMAC-SHA256 over this row and the seal before it

    objects = Appended.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return f"{self.name or 'Kensa'}: {self.action} {self.subject}"
