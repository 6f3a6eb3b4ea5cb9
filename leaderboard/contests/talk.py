"""Announcements and discussion of a competition. Announcements are the house's word and never change; posts are Markdown,
shown sanitised, and a moderator hides one with a reason that stays on record.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import access, audits, notices, webhooks
from leaderboard.contests import phases
from leaderboard.models import Announcement, Competition, Participant, Post, Thread
from zoo import throttle
from zoo.errors import NotFound, Refused
from zoo.models import User

LONGEST = 20_000  # letters of a post
PER_HOUR = 30  # posts of one person


def announce(competition: Competition, by, title: str, text: str) -> Announcement:
    """Say something to everyone in the competition. Raises Refused."""
    access.require(by, "announce", competition)
    title, text = _said(title, 200, "title"), _said(text, LONGEST, "text")
    with transaction.atomic():
        made = Announcement.objects.create(competition=competition, author=by, title=title, text=text)
        audits.record(competition, by, "announced", title)
        notices.tell(people(competition), "announcement", made.pk, f"{competition.title}: {title}", _page(competition))
        webhooks.tell(competition, "announcement", heading=title, text=text, announced=made.created.isoformat())
    return made


def people(competition: Competition):
    """Who is in the competition."""
    admitted = Participant.objects.filter(competition=competition, status=Participant.Status.ADMITTED)
    return User.objects.filter(pk__in=admitted.values("user"), is_active=True)


def find(competition: Competition, pk: int) -> Thread:
    found = competition.threads.filter(pk=pk).select_related("competition", "author").first()
    if found is None:
        raise NotFound("no_thread", "There is no such discussion.", "The competition's page lists them.")
    return found


def open_thread(competition: Competition, by, title: str, text: str) -> Thread:
    """Begin a discussion with its first post. Raises Refused."""
    access.require(by, "discuss", competition)
    title, text = _said(title, 200, "title"), _said(text, LONGEST, "text")
    _brake(by)
    with transaction.atomic():
        made = Thread.objects.create(competition=competition, author=by, title=title)
        Post.objects.create(thread=made, author=by, text=text)
    return made


def reply(thread: Thread, by, text: str) -> Post:
    """Add a post, and tell who has posted there before. Raises Refused."""
    access.require(by, "discuss", thread.competition)
    if thread.closed and not access.can(by, "moderate", thread.competition):
        raise Refused("closed", "This discussion is closed.", "Begin another.", status=409)
    text = _said(text, LONGEST, "text")
    _brake(by)
    with transaction.atomic():
        made = Post.objects.create(thread=thread, author=by, text=text)
        Thread.objects.filter(pk=thread.pk).update(active=made.created)
        before = User.objects.filter(pk__in=thread.posts.values("author"), is_active=True).exclude(pk=by.pk)
        title = gettext("{name} replied in “{title}”").format(name=by.get_username(), title=thread.title)
        notices.tell(before, "reply", made.pk, title, f"{thread.get_absolute_url()}#post-{made.pk}")
    return made


def hide(post: Post, by, why: str) -> Post:
    """Take a post out of sight; it stays on record. Raises Refused without the right, or without a reason."""
    competition = post.thread.competition
    access.require(by, "moderate", competition)
    why = audits.reason(why)
    with transaction.atomic():
        if Post.objects.filter(pk=post.pk, hidden=None).update(hidden=timezone.now(), why_hidden=why):
            audits.record(competition, by, "post hidden", f"post {post.pk} of {post.author}", why)
    post.refresh_from_db()
    return post


def show(post: Post, by) -> Post:
    """Undo `hide`."""
    access.require(by, "moderate", post.thread.competition)
    with transaction.atomic():
        if Post.objects.filter(pk=post.pk).exclude(hidden=None).update(hidden=None, why_hidden=""):
            audits.record(post.thread.competition, by, "post shown again", f"post {post.pk}")
    post.refresh_from_db()
    return post


def settle(thread: Thread, by, *, closed: bool | None = None, pinned: bool | None = None) -> Thread:
    """Close or open a discussion, or keep it at the top of the list."""
    access.require(by, "moderate", thread.competition)
    changes = {key: value for key, value in (("closed", closed), ("pinned", pinned)) if value is not None}
    Thread.objects.filter(pk=thread.pk).update(**changes)
    thread.refresh_from_db()
    return thread


def _said(text: str, longest: int, what: str) -> str:
    text = str(text or "").replace("\0", "").strip()
    if not text or len(text) > longest:
        said = "is missing" if not text else f"has {len(text):,} letters"
        raise Refused("bad_text", f"The {what} {said}.", f"Write 1 to {longest:,} letters.", status=422)
    return text


def _brake(user) -> None:
    if not throttle.hit(f"post:{user.pk}", PER_HOUR, 3600):
        raise phases.too_many("You have posted a lot in the last hour.", "Try again in an hour.", 3600)


def _page(competition: Competition) -> str:
    return f"{competition.get_absolute_url()}announcements/"
