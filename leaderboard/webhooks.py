"""Webhooks: other programs are told of a competition's events, each message signed with the secret of its webhook.

Sent by the workers' sweep, tried again with growing pauses, and only to hosts that the operator allows, so that nobody makes
this server talk to the machines beside it. Importing this module puts the sending on schedule.
"""

import hashlib
import hmac
import http.client
import json
import logging
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from evaluators import chores
from leaderboard import access, audits
from leaderboard.models import Competition, Delivery, Webhook
from zoo.errors import Refused

log = logging.getLogger(__name__)

EVENTS = ("announcement", "revealed", "ping")
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720, 1440)]  # then it is given up
SECONDS = 10  # for the other side to answer
MOST = 10  # webhooks of a competition
BATCH = 20


def allowed(url: str) -> bool:
    """Whether the operator lets this server talk to the host of `url`."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return parts.scheme in ("http", "https") and (
        host in settings.WEBHOOK_HOSTS or f"{host}:{parts.port}" in settings.WEBHOOK_HOSTS
    )


def add(competition: Competition, by, url: str) -> Webhook:
    """A webhook with a secret of its own; it is told of everything from now on. Raises Refused."""
    access.require(by, "change", competition)
    if not allowed(url) or len(url) > 500:
        hint = "Ask the operator to name it in KENSA_WEBHOOK_HOSTS."
        raise Refused("host_not_allowed", "This server may not talk to that host.", hint, status=422)
    if competition.webhooks.filter(active=True).count() >= MOST:
        raise Refused("too_many", f"There are {MOST} webhooks already.", "Remove one first.", status=409)
    with transaction.atomic():
        made = Webhook.objects.create(competition=competition, author=by, url=url, secret=secrets.token_hex(24))
        audits.record(competition, by, "webhook added", url)
    return made


def remove(webhook: Webhook, by) -> None:
    access.require(by, "change", webhook.competition)
    with transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(active=False)
        audits.record(webhook.competition, by, "webhook removed", webhook.url)


def ping(webhook: Webhook, by) -> None:
    """Send a webhook one event, to see whether it arrives."""
    access.require(by, "change", webhook.competition)
    Delivery.objects.create(
        webhook=webhook, event="ping", content={"event": "ping", "competition": webhook.competition.slug}
    )


def tell(competition: Competition, event: str, **content) -> None:
    """Queue an event for every webhook of the competition. Nothing hidden may be in `content`."""
    if event not in EVENTS:
        raise KeyError(event)
    told = {"event": event, "competition": competition.slug, "title": competition.title} | content
    Delivery.objects.bulk_create(
        Delivery(webhook=hook, event=event, content=told) for hook in competition.webhooks.filter(active=True)
    )


@chores.register
def send_due() -> int:
    """Send what is due; how many were taken."""
    due = Delivery.objects.filter(due__lte=timezone.now(), webhook__active=True).select_related("webhook")
    return sum(_send(row) for row in due.order_by("due", "pk")[:BATCH])


def _send(row: Delivery) -> bool:
    attempt = row.attempts + 1
    following = timezone.now() + PAUSES[attempt - 1] if attempt <= len(PAUSES) else None
    # Claimed before it is sent: another worker finds it due later, or not at all.
    if not Delivery.objects.filter(pk=row.pk, attempts=row.attempts).update(attempts=attempt, due=following):
        return False
    try:
        status = _post(row)
        answer, taken = str(status), 200 <= status < 300
    except (OSError, http.client.HTTPException) as error:
        answer, taken = f"{type(error).__name__}: {error}"[:100], False
    done = {"delivered": timezone.now(), "due": None} if taken else {}
    Delivery.objects.filter(pk=row.pk).update(answer=answer, **done)
    return taken


def _post(row: Delivery) -> int:
    parts = urlsplit(row.webhook.url)
    if not allowed(row.webhook.url):
        raise ConnectionRefusedError("the operator no longer allows this host")
    body = json.dumps(row.content | {"delivery": row.pk}, ensure_ascii=False).encode()
    moment = str(int(timezone.now().timestamp()))
    headers = {
        "Content-Type": "application/json", "User-Agent": "Kensa", "X-Kensa-Event": row.event,
        "X-Kensa-Delivery": str(row.pk), "X-Kensa-Timestamp": moment,
        "X-Kensa-Signature": "sha256=" + signature(row.webhook.secret, moment, body),
    }  # fmt: skip
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=SECONDS)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        return connection.getresponse().status  # a redirect is not followed: it could lead anywhere
    finally:
        connection.close()


def signature(secret: str, moment: str, body: bytes) -> str:
    """HMAC-SHA256 over "<timestamp>.<body>": what the other side computes too."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
