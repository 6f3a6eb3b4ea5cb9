"""What participants hand in, and the count that limits it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from evaluators.models import Run
from leaderboard.models.benchmarks import Benchmark
from leaderboard.models.competitions import Phase, Team
from zoo.models import Model, Namespace


class Submission(models.Model):
    """A prediction file or a model revision, handed in by one team for one benchmark."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="submissions")
    team = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="submissions")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="submissions"
    )
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="submissions")
    model = models.ForeignKey(Model, null=True, blank=True, on_delete=models.SET_NULL, related_name="submissions")
    revision = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    paper_url = models.URLField(blank=True)
    code_url = models.URLField(blank=True)
    external_data = models.CharField(max_length=500, blank=True)
    note = models.TextField(blank=True)  # private: the team and the organiser see it
    filename = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    baseline = models.BooleanField(default=False)  # handed in by the organiser when the benchmark was made
    # When its team chose it to be told its safety verdicts, where labels are hidden: one entry a team and month.
    safety_asked = models.DateTimeField(null=True, blank=True)
    withdrawn = models.DateTimeField(null=True, blank=True)  # by its team; off the board, kept on record
    # In a competition; there `team` is the author's own namespace, and the contest's team owns the submission.
    contest_team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="submissions")
    phase = models.ForeignKey(Phase, null=True, blank=True, on_delete=models.PROTECT, related_name="submissions")
    chosen = models.DateTimeField(null=True, blank=True)  # by its team, as one of its final submissions
    final = models.BooleanField(default=False)  # set at the reveal: what the final standings are made of
    disqualified = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["benchmark", "-created"]),
            models.Index(fields=["team", "benchmark", "-created"]),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return f"/submissions/{self.pk}/"

    @property
    def by(self) -> str:
        """Who handed it in, as boards name them: the contest's team, else the namespace."""
        return self.contest_team.name if self.contest_team else self.team.name


class Quota(models.Model):
    """One team's count on one benchmark and day; locked while it is taken, so that parallel posts never exceed it."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["benchmark", "team", "day"], name="one_quota")]

    def __str__(self):
        return f"{self.team} on {self.day}: {self.used}"
