"""The record of a competition: appended, never changed, each row sealed together with the one before it.

Every change by an organiser and every view of private scores is a row with its reason.
"""

import hashlib
import hmac
import json

from django.conf import settings
from django.db import transaction

from leaderboard.models import Audit, Competition
from zoo.errors import Refused

LONGEST = 2000  # letters of a reason


def reason(text: str | None) -> str:
    """A reason worth keeping. Raises Refused where there is none."""
    text = (text or "").strip()[:LONGEST]
    if len(text) < 3:
        hint = "Write in a few words why; it is kept with your name."
        raise Refused("no_reason", "This needs a reason.", hint, status=422)
    return text


@transaction.atomic
def record(competition: Competition, actor, action: str, subject="", why: str = "", **details) -> Audit:
    """Append one row. actor None: the house itself, by a schedule."""
    Competition.objects.select_for_update().get(pk=competition.pk)  # one after the other: the seals form a chain
    last = Audit.objects.filter(competition=competition).order_by("-pk").first()
    row = Audit(
        competition=competition, actor=actor, name=actor.get_username() if actor else "", action=action,
        subject=str(subject)[:300], reason=why, details=details,
    )  # fmt: skip
    row.seal = _seal(row, last.seal if last else "")
    row.save(force_insert=True)
    return row


def broken(competition: Competition) -> int | None:
    """The first row whose seal does not fit (by its number), or None where the record is whole from its beginning."""
    before = ""
    for row in Audit.objects.filter(competition=competition).order_by("pk"):
        if not hmac.compare_digest(row.seal, _seal(row, before)):
            return row.pk
        before = row.seal
    return None


def _seal(row: Audit, before: str) -> str:
    content = [
        before, row.competition_id, row.name, row.action, row.subject, row.reason, row.details, row.created.isoformat(),
    ]  # fmt: skip
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
