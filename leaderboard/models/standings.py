"""What was last computed about a board, kept so that pages stay quick."""

from django.db import models
from django.utils import timezone

from leaderboard.models.benchmarks import Benchmark


class Ranking(models.Model):
    """Ranks of one board under one metric and subset, valid while the digest of what they came from stays the same."""

    benchmark = models.ForeignKey(Benchmark, on_delete=models.CASCADE, related_name="rankings")
    metric = models.CharField(max_length=60)
    subset = models.CharField(max_length=100)
    exact = models.BooleanField()  # of exact values (the organiser's board) or of released ones
    digest = models.CharField(max_length=64)  # never shown: it commits to hidden content
    content = models.JSONField()
    computed = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["benchmark", "metric", "subset", "exact"], name="one_ranking")]

    def __str__(self):
        return f"{self.metric} on {self.subset} of {self.benchmark}"
