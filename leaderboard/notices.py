"""Notices: what a person is told, on their page, and by mails.py where there is a mail server and they want it.

Nobody is told the same thing twice, however many workers look: each notice is a unique row. Importing this module puts the
looking on schedule.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.core import signing
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from evaluators import chores
from evaluators.models import Run
from leaderboard.models import Notice, Submission, Wish
from zoo.errors import Refused
from zoo.models import User

KINDS = {
    "announcement": gettext_lazy("Announcements of competitions you are in"),
    "reply": gettext_lazy("Replies in discussions you take part in"),
    "ended": gettext_lazy("Your submissions, when they have ended"),
    "reveal": gettext_lazy("Results of competitions you are in"),
    "access": gettext_lazy("Requests that wait for you, and answers to yours"),
}
RECENT = timedelta(days=2)  # a submission that ended longer ago is no news
MOST = 200  # rows a chore looks at, so that it stays quick
SALT = "kensa.unsubscribe"


def tell(users: Iterable[User], kind: str, subject, title: str, url: str) -> None:
    """Tell each of them once that `title`, to be read at `url`. `subject` says what it is about."""
    if kind not in KINDS:
        raise KeyError(kind)
    rows = [Notice(user=user, kind=kind, subject=str(subject)[:60], title=title[:300], url=url) for user in users]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def unread(user) -> int:
    return Notice.objects.filter(user=user, read=None).count() if user.is_authenticated else 0


def waiting(request) -> dict:
    """For every page's header: how many notices are new, asked for only where the header shows it."""
    return {"new_notices": lambda: unread(request.user)}


def read(user) -> None:
    """Everything this person was told counts as read."""
    Notice.objects.filter(user=user, read=None).update(read=timezone.now())


def wish(user, mail: str) -> Wish:
    """Set how a person wants mail: never, daily or each."""
    if mail not in Wish.Mail.values:
        raise Refused("bad_wish", f"{mail[:20]!r} is no way to be told.", "Choose never, daily or each.", status=422)
    return Wish.objects.update_or_create(user=user, defaults={"mail": mail})[0]


def unsubscribe_code(user: User) -> str:
    return signing.dumps(user.pk, salt=SALT)


def unsubscribe(code: str) -> User | None:
    """No more mail for whom this signed code is of; None where it is of nobody."""
    try:
        user = User.objects.filter(pk=signing.loads(code, salt=SALT)).first()
    except signing.BadSignature:
        return None
    if user:
        wish(user, Wish.Mail.NEVER)
    return user


@chores.register
def look() -> int:
    """Tell the authors of submissions that have ended lately; how many were told."""
    told = Notice.objects.filter(
        kind="ended", user=OuterRef("author"), subject=Cast(OuterRef("pk"), output_field=CharField())
    )
    recent = Submission.objects.filter(run__finished__gt=timezone.now() - RECENT, baseline=False, withdrawn=None)
    ended = recent.filter(author__is_active=True).exclude(run__status__in=[*Run.OPEN, Run.Status.CANCELLED])
    rows = list(ended.filter(~Exists(told)).select_related("author", "run")[:MOST])
    for row in rows:
        title = gettext("{name}: {status}").format(name=row.name, status=gettext(row.run.status))
        tell([row.author], "ended", row.pk, title, row.get_absolute_url())
    return len(rows)
