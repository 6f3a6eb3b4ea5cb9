"""What is said around a competition: announcements of its house, and threads in which its people talk."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from leaderboard.models.competitions import Competition


class Announcement(models.Model):
    """Said by the house to everyone in a competition; never changed, so that nobody was told something else."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="announcements")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    title = models.CharField(max_length=200)
    text = models.TextField()
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self):
        return self.title


class Thread(models.Model):
    """A discussion: a title, and posts of which the first opens it."""

    competition = models.ForeignKey(Competition, on_delete=models.CASCADE, related_name="threads")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    title = models.CharField(max_length=200)
    closed = models.BooleanField(default=False)
    pinned = models.BooleanField(default=False)
    created = models.DateTimeField(default=timezone.now)
    active = models.DateTimeField(default=timezone.now)  # of the last post

    class Meta:
        ordering = ["-pinned", "-active", "-pk"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return f"{self.competition.get_absolute_url()}discussion/{self.pk}/"


class Post(models.Model):
    """One contribution, Markdown. A hidden one stays on record, with who hid it and why."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="posts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()
    created = models.DateTimeField(default=timezone.now)
    hidden = models.DateTimeField(null=True, blank=True)
    why_hidden = models.CharField(max_length=2000, blank=True)

    class Meta:
        ordering = ["created", "pk"]

    def __str__(self):
        return f"post {self.pk} in {self.thread}"
