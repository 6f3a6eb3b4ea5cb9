"""One immutable benchmark version (Package), one evaluation of one answer (Run), its Scores and its Link, and the Workers.
No user is known here.

Only claim, beat, finish, fail and cancel in runs.py change a run's status, each by one conditional UPDATE that says
whether it won; a finished run is never edited, only superseded.
"""

from django.db import models
from django.utils import timezone


class Package(models.Model):
    """One version of a benchmark package: manifest, digests, where its blobs lie. Never changed once stored."""

    digest = models.CharField(max_length=64, unique=True)  # over manifest and file digests; never shown, see salt
    slug = models.CharField(max_length=96)
    version = models.PositiveIntegerField()
    manifest = models.JSONField()
    # {"inputs/0001.png": {"sha256": ..., "size": ...}, ...}; includes cases.csv and reference/
    files = models.JSONField()
    cases = models.PositiveIntegerField()
    patients = models.PositiveIntegerField()
    salt = models.CharField(max_length=64)  # secret; what commits to hidden content in public is an HMAC under it
    created = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{self.slug} version {self.version}"


class Run(models.Model):
    """One evaluation of one answer under one evaluator version and one package."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SCORED = "scored"
        REJECTED = "rejected"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Kind(models.TextChoices):
        PREDICTIONS = "predictions"
        WEIGHTS = "weights"

    OPEN = (Status.QUEUED, Status.RUNNING)

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=11, choices=Kind)
    # {"files": {path: sha256}} and, for weights, {"model": "owner/name", "revision": 40 hex}
    answer = models.JSONField()
    answer_digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=100)  # whose answer: a finished run is reused within one scope only
    evaluator = models.CharField(max_length=40)
    queue = models.CharField(max_length=10, default="cpu")
    priority = models.SmallIntegerField(default=5)

    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease = models.CharField(max_length=32, blank=True)  # the secret of the attempt that holds it
    lease_until = models.DateTimeField(null=True, blank=True)
    rung = models.DateTimeField(default=timezone.now)  # when a message was last sent for it
    worker = models.CharField(max_length=100, blank=True)
    stage = models.CharField(max_length=40, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)  # per cent, in steps of 5

    created = models.DateTimeField(default=timezone.now)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    error = models.CharField(max_length=40, blank=True)  # a class of error, safe to show to the participant
    # [{line, column, message, hint}] about the participant's own file
    faults = models.JSONField(default=list, blank=True)
    looked = models.BooleanField(default=False)  # weights: the first look, without a real case, found no fault
    opened_real_case = models.BooleanField(default=False)  # from then on a failure the model caused costs quota
    log = models.TextField(blank=True)  # the organiser's alone
    # SHA-256 of a blob: per-case scores and resampled values (npz); the organiser's alone
    details = models.CharField(max_length=64, blank=True)
    # [{rule, subset, verdict, value, bound, events, trials}], see safety.py; the organiser's alone where labels are hidden
    safety = models.JSONField(default=list, blank=True)
    provenance = models.JSONField(default=dict, blank=True)
    # primary metric on corrupted copies of the public cases, see robustness.py; the organiser's, but for the mean drop
    robustness = models.JSONField(default=dict, blank=True)
    receipt = models.JSONField(default=dict, blank=True)
    # The run that this one repeats under a later evaluator; it takes its place once it is scored.
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="repetitions")
    superseded_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="supersedes"
    )

    class Meta:
        indexes = [
            models.Index(fields=["status", "queue", "priority", "created"]),
            models.Index(fields=["package", "scope", "answer_digest"]),
        ]

    def __str__(self):
        return f"run {self.pk}, {self.status}"


class Score(models.Model):
    """One metric value of one run with its interval, on one subset. Exact; rounding happens where numbers are released."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="scores")
    metric = models.CharField(max_length=60)
    subset = models.CharField(max_length=100, default="all")  # all | public | private | <column>=<value>
    part = models.CharField(max_length=100, blank=True)  # "" is the headline; else a label or class, such as "anterior"
    value = models.FloatField(null=True)  # null: could not be computed, see reason; unranked
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    error = models.FloatField(null=True)  # standard error over the resamples
    n = models.PositiveIntegerField()
    patients = models.PositiveIntegerField()
    method = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "metric", "subset", "part"], name="one_score")]
        indexes = [models.Index(fields=["metric", "subset", "part", "value"])]

    def __str__(self):
        return f"{self.metric} on {self.subset}: {self.value}"


class Link(models.Model):
    """The place of one finished run in its package's chain of receipts; it stays when the run is gone. See chains.py."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="links")
    position = models.PositiveIntegerField()  # 1, 2, ... without a gap
    run = models.OneToOneField(Run, null=True, on_delete=models.SET_NULL, related_name="link")
    number = models.BigIntegerField()  # of the run, also when it is gone
    statement = models.CharField(max_length=64)  # SHA-256 of what its receipt says to everyone
    digest = models.CharField(max_length=64)  # over position, the link before, and the statement

    class Meta:
        constraints = [models.UniqueConstraint(fields=["package", "position"], name="one_link")]

    def __str__(self):
        return f"link {self.position}, run {self.number}"


class Worker(models.Model):
    """A worker that evaluates runs, as it last told of itself."""

    name = models.CharField(max_length=100, unique=True)  # host:pid; `worker` of the runs that it holds
    queues = models.JSONField(default=list)
    slots = models.PositiveSmallIntegerField(default=1)  # runs at the same time
    device = models.CharField(max_length=100, blank=True)  # its GPU; "" for none
    memory = models.BigIntegerField(default=0)  # bytes
    evaluator = models.CharField(max_length=40)
    started = models.DateTimeField(default=timezone.now)
    seen = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.name
