"""Tasks (clinical questions), benchmarks (a task measured on one package) and published claims."""

from django.db import models
from django.utils import timezone

from evaluators.models import Package
from zoo.models import Namespace, validate_name


class Task(models.Model):
    """A clinical question, with specialty, modality and anatomy."""

    slug = models.CharField(max_length=96, unique=True, validators=[validate_name])
    title = models.CharField(max_length=200)
    question = models.TextField(blank=True)
    specialty = models.CharField(max_length=100, blank=True)
    modality = models.CharField(max_length=100, blank=True)
    anatomy = models.CharField(max_length=100, blank=True)
    note = models.TextField(blank=True)  # where there is no benchmark: what is missing, and how to make one
    command = models.CharField(
        max_length=300, blank=True
    )  # that makes its benchmark package, from the project's folder
    picture = models.CharField(max_length=64, blank=True)  # SHA-256 of a small PNG
    credit = models.CharField(max_length=300, blank=True)  # whose picture it is, and its licence

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/tasks/{self.slug}/"


class Benchmark(models.Model):
    """A task measured on one version of one held-out data set with fixed metrics. Frozen once it has results."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        CLOSED = "closed"

    class Labels(models.TextChoices):
        HIDDEN = "hidden"
        PUBLIC = "public"

    slug = models.CharField(max_length=96, validators=[validate_name])
    version = models.PositiveIntegerField()
    current = models.BooleanField(default=True)  # the version that /benchmarks/<slug>/ shows
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="+")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="benchmarks")
    owner = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="benchmarks")  # the organiser
    title = models.CharField(max_length=300)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    private = models.BooleanField(default=False)  # visible to the owner's members only
    listed = models.BooleanField(default=True)  # else whoever knows the address may read it, and no list names it
    # A competition on it was not revealed yet: all that is released comes from public cases alone.
    sealed = models.BooleanField(default=False)
    labels = models.CharField(max_length=6, choices=Labels, default=Labels.HIDDEN)
    primary_metric = models.CharField(max_length=60)
    identities_confirmed = models.DateTimeField(null=True, blank=True)  # what looks like somebody's identity is none
    confirmed_by = models.CharField(max_length=96, blank=True)
    keep_days = models.PositiveIntegerField(null=True, blank=True)  # uploaded answers, after their run; None: for ever
    daily_limit = models.PositiveIntegerField(default=20)  # submissions a team and day
    steps = models.JSONField(
        default=dict, blank=True
    )  # {metric: rounding step of released numbers}, frozen at publication
    created = models.DateTimeField(default=timezone.now)
    published = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="one_benchmark_version"),
            models.UniqueConstraint(fields=["slug"], condition=models.Q(current=True), name="one_current_version"),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"/benchmarks/{self.slug}/"

    @property
    def reading(self) -> str:
        """Who may read it: "public", "unlisted" or "private"."""
        return "private" if self.private else "public" if self.listed else "unlisted"


class Claim(models.Model):
    """A published number that was not measured here: cited, never ranked with measured ones."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="claims")
    benchmark = models.ForeignKey(Benchmark, null=True, blank=True, on_delete=models.CASCADE, related_name="claims")
    name = models.CharField(max_length=200)
    metric = models.CharField(max_length=100)
    value = models.FloatField(null=True, blank=True)  # none where the paper states no number
    printed = models.CharField(
        max_length=300, blank=True
    )  # as it stands in the paper, where that is more than the number
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    cohort = models.CharField(max_length=300, blank=True)
    citation = models.TextField()
    doi = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=300, blank=True)  # the table or sentence it was read from
    reader = models.BooleanField(default=False)  # a human reader or panel

    def __str__(self):
        return f"{self.name}: {self.metric} {self.printed or self.value}"
