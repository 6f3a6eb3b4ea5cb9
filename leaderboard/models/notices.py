"""What a person is told, and how; and what other programs are told."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from leaderboard.models.competitions import Competition


class Notice(models.Model):
    """One thing a person is told once: shown on their page, and sent by e-mail where they want it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20)  # one of leaderboard.notices.KINDS
    subject = models.CharField(max_length=60)  # what it is about, so that nobody is told the same twice
    title = models.CharField(max_length=300)
    url = models.CharField(max_length=300)
    created = models.DateTimeField(default=timezone.now)
    read = models.DateTimeField(null=True, blank=True)
    mailed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "kind", "subject"], name="told_once")]
        indexes = [models.Index(fields=["user", "read"])]

    def __str__(self):
        return self.title


class Wish(models.Model):
    """How a person wants to be told; without a row, on the page alone."""

    class Mail(models.TextChoices):
        NEVER = "never"
        DAILY = "daily"  # one digest
        EACH = "each"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wish")
    mail = models.CharField(max_length=5, choices=Mail, default=Mail.NEVER)
    mailed = models.DateTimeField(null=True, blank=True)  # the last e-mail

    def __str__(self):
        return f"{self.user}: {self.mail}"


class Webhook(models.Model):
    """An address of another program that is told of a competition's events, signed with its secret."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="webhooks")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=64)
    active = models.BooleanField(default=True)
    created = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.url


class Delivery(models.Model):
    """One event for one webhook, tried until it is taken or given up."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    content = models.JSONField()
    created = models.DateTimeField(default=timezone.now)
    due = models.DateTimeField(default=timezone.now, null=True)  # None: taken, or given up
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=100, blank=True)  # what the other side said last

    class Meta:
        ordering = ["-created", "-pk"]
        indexes = [models.Index(fields=["due"])]

    def __str__(self):
        return f"{self.event} to {self.webhook}"
