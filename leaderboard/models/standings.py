"""What workers compute for the pages of a board, and what its entries are measured against."""

from django.db import models
from django.utils import timezone

from leaderboard.models.benchmarks import Benchmark


class Computation(models.Model):
    """Something about a board that takes too long for a page: asked for by a page, made by a worker, kept under a digest of
    what it comes from. Never shown as it is: what it commits to may be hidden."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="computations")
    topic = models.CharField(max_length=300)  # what it is about; the first word says who makes it
    digest = models.CharField(max_length=64)
    ask = models.JSONField(default=dict, blank=True)  # what it is made from; emptied once it is made
    content = models.JSONField(null=True, blank=True)  # null: not made yet
    attempts = models.PositiveSmallIntegerField(default=0)
    asked = models.DateTimeField(default=timezone.now)
    computed = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["benchmark", "digest"], name="one_computation")]
        indexes = [models.Index(fields=["benchmark", "topic", "-computed"])]

    def __str__(self):
        return f"{self.topic} of {self.benchmark}"


class Yardstick(models.Model):
    """What the entries of a board are measured against: a predictor that looks at nothing, or a human reader."""

    class Kind(models.TextChoices):
        TRIVIAL = "trivial"
        READER = "reader"

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="yardsticks")
    place = models.PositiveSmallIntegerField()  # in the order of the package
    kind = models.CharField(max_length=7, choices=Kind)
    name = models.CharField(max_length=100)  # majority, prevalence, ...; or the reader
    arm = models.CharField(max_length=100, blank=True)  # the reading condition
    # {"scores": [as Score, by metric and subset], "points": [...], "areas": {...}, "agreement": {...}}; see yardsticks.py
    content = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["benchmark", "place"], name="one_yardstick")]

    def __str__(self):
        return f"{self.name} {self.arm}".strip()
