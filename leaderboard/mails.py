"""E-mail for notices: each at once, or one digest a day, as the person wishes; nothing where there is no mail server.

A person's mail is claimed by one conditional update before it is sent, so that two workers never both send it; what the
mail server refused is tried again at the next sweep.
"""

import logging
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from evaluators import chores
from leaderboard import notices
from leaderboard.models import Notice, Wish

log = logging.getLogger(__name__)

DAY = timedelta(hours=23)  # between two digests
OLD = timedelta(days=7)  # what was told longer ago is no news
PEOPLE = 50  # a sweep writes to at most so many
ROWS = 50  # notices in one mail; the page has them all


@chores.register
def send_due() -> int:
    """Send what is due; how many mails."""
    if not settings.MAIL:
        return 0
    now = timezone.now()
    wanted = (
        Q(mail=Wish.Mail.EACH) | Q(mail=Wish.Mail.DAILY, mailed=None) | Q(mail=Wish.Mail.DAILY, mailed__lt=now - DAY)
    )
    waiting = Q(user__notices__mailed=None, user__notices__read=None, user__notices__created__gt=now - OLD)
    due = Wish.objects.filter(wanted & waiting, user__is_active=True).exclude(user__email="").distinct()
    return sum(_send(wish) for wish in due.select_related("user")[:PEOPLE])


def _send(wish: Wish) -> bool:
    now = timezone.now()
    rows = Notice.objects.filter(user=wish.user, mailed=None, read=None, created__gt=now - OLD)
    claimed = [row for row in rows[:ROWS] if Notice.objects.filter(pk=row.pk, mailed=None).update(mailed=now)]
    if not claimed:
        return False
    try:
        _message(wish.user, claimed).send()
    except (SMTPException, OSError):
        log.warning("mail to %s could not be sent; the next sweep tries again", wish.user, exc_info=True)
        Notice.objects.filter(pk__in=[row.pk for row in claimed]).update(mailed=None)
        return False
    Wish.objects.filter(pk=wish.pk).update(mailed=now)
    return True


def _message(user, rows: list[Notice]) -> EmailMessage:
    stop = f"{settings.ADDRESS}/notifications/unsubscribe/{notices.unsubscribe_code(user)}/"
    one = rows[0].title if len(rows) == 1 else ngettext("{n} thing is new", "{n} things are new", len(rows))
    told = {"rows": rows, "address": settings.ADDRESS, "stop": stop, "user": user}
    return EmailMessage(
        " ".join(f"Kensa: {one.format(n=len(rows)) if len(rows) > 1 else one}".split()),
        render_to_string("leaderboard/mail.txt", told | {"hello": gettext("Hello")}),
        to=[user.email],
        headers={"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )
