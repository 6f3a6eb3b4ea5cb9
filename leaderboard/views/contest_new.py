"""A competition from one table of labels, in the browser: drop it, look at what is proposed, change it, make the draft."""

import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core import signing
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from evaluators.faults import Fault, Faults
from evaluators.metrics import METRICS
from leaderboard import access, intake
from leaderboard.contests import checkups, drafting, proposals, tables
from leaderboard.models import Competition
from leaderboard.views import refusals
from zoo import blobs
from zoo.errors import Refused

SALT = "kensa.contest.table"
EXAMPLE = "image_id,patient,diagnosis\ncxr-0001,p-17,nodule\ncxr-0002,p-17,none\ncxr-0003,p-23,none"
HOURS = 24  # a dropped table may be worked on
TEXTS = ("title", "slug", "question", "specialty", "modality", "source", "licence", "description", "terms", "prize")
RULES = ("time_zone", "entry", "domains", "team_size", "selections", "concurrent", "external_data")
ROLES = (
    ("case", _("Id of the case")), ("label", _("Label, or time")), ("event", _("Event (survival)")),
    ("patient", _("Patient")), ("split", _("Split")),
)  # fmt: skip


@csrf_exempt  # the forgery check reads the form; size and throttle are looked at before, and then it is made in `_receive`
@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def new(request):
    if not request.user.is_authenticated:
        return refusals.sign_in(request)
    if request.method != "POST":
        return _drop(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if "multipart" in request.headers.get("Content-Type", ""):
        intake.admit(request.user, int(length) if length.isdecimal() else 0)
    return _receive(request)


@csrf_protect
def _receive(request):
    try:
        if request.POST.get("step") == "drop":
            return _look(request)
        table, token = _table(request)
    except Faults as faults:
        return _drop(request, faults=faults, status=422)
    except Refused as refusal:
        return _drop(request, refusal=refusal, status=refusal.status)
    if request.POST.get("step") != "make":
        return _review(request, table, token)
    try:
        made = drafting.from_table(table, _proposal(request, table), request.user, request.POST.get("owner", ""),
                                   texts=_texts(request), rules=_rules(request))  # fmt: skip
    except Faults as faults:
        return _review(request, table, token, faults=faults, status=422)
    except Refused as refusal:
        return _review(request, table, token, refusal=refusal, status=refusal.status)
    return redirect("competition_manage", slug=made.slug)


def _look(request):
    """The first step: a table is reviewed; a package becomes a draft at once."""
    upload = request.FILES.get("file")
    if upload is None:
        raise Faults([Fault("no file was chosen", "Choose a table of labels as CSV, or a package as zip.")])
    if zipfile.is_zipfile(upload.temporary_file_path()):
        return redirect(
            "competition_manage", slug=drafting.from_zip(upload, request.POST.get("owner", ""), request.user).slug
        )
    if upload.size > tables.MOST_BYTES:
        raise Faults([Fault(f"the table has {upload.size:,} bytes", f"At most {tables.MOST_BYTES:,} are read here.")])
    path = Path(upload.temporary_file_path())
    table = tables.read(path.read_bytes(), Path(upload.name).name)
    kept = blobs.put_path(path)  # nothing refers to it: it is collected as any orphan is
    token = signing.dumps([request.user.pk, kept.sha256], salt=SALT)
    return _review(request, table, token)


def _table(request):
    """The table that an earlier step kept for this very person."""
    token = request.POST.get("table", "")
    try:
        owner, sha256 = signing.loads(token, salt=SALT, max_age=HOURS * 3600)
        if owner != request.user.pk or not blobs.exists(sha256):
            raise signing.BadSignature
    except signing.BadSignature:
        raise Refused("gone", "The table is not here any more.", "Drop it again.", status=409) from None
    with blobs.open(sha256) as file:
        return tables.read(file.read()), token


def _proposal(request, table) -> proposals.Proposal:
    given = request.POST
    chosen = {name: given[name] for name, _words in ROLES if name in given}
    chosen |= {name: given[name] for name in ("kind", "primary") if given.get(name)}
    if "case" in given:  # a form that was seen: a box without a tick says no
        chosen["ordinal"] = given.get("ordinal") == "yes"
    share = given.get("public_share", "")
    if share.isdecimal() and 5 <= int(share[:3]) <= 95:
        chosen["public_share"] = int(share) / 100
    if chosen.get("primary") and given.get("kind_before", chosen.get("kind")) != chosen.get("kind"):
        chosen.pop("primary")
    if chosen.get("primary") not in METRICS:
        chosen.pop("primary", None)
    return proposals.propose(table, **chosen)


def _texts(request) -> dict:
    return {name: request.POST.get(name, "").strip() for name in TEXTS}


def _rules(request) -> dict:
    rules = {name: request.POST.get(name, "") for name in RULES if request.POST.get(name)}
    rules |= {name: request.POST.get(name) == "yes" for name in ("ladder", "private")}
    phase = {name: request.POST.get(name, "") for name in ("starts", "ends", "per_day", "in_total")}
    return rules | {"phases": [phase | {"name": "Open", "kind": "development"}]}


def _drop(request, *, faults: Faults | None = None, refusal: Refused | None = None, status=200):
    context = {
        "owners": access.organisable(request.user), "owner": request.POST.get("owner") or request.user.get_username(),
        "max_bytes": tables.MOST_BYTES, "refusal": refusal, "example": EXAMPLE,
        "faults": [fault.as_dict() for fault in faults.faults] if faults else [],
    }  # fmt: skip
    return render(request, "leaderboard/competition_new.html", context, status=status)


def _review(request, table, token, *, faults: Faults | None = None, refusal: Refused | None = None, status=200):
    proposal = _proposal(request, table)
    suited = [metric for metric in METRICS.values() if proposal.kind in metric.kinds]
    if not proposal.ordinal:
        suited = [metric for metric in suited if "grades" not in metric.needs]
    findings = checkups.of_table(table, proposal)
    if not any(finding.level == "bad" for finding in findings):
        findings += _tried(table, proposal)
    moment = timezone.now()
    context = {
        "table": token, "rows": len(table), "columns": list(table.columns), "proposal": proposal, "roles": ROLES,
        "kinds": ("classification", "regression", "survival"), "metrics": suited, "findings": findings,
        "bad": any(finding.level == "bad" for finding in findings), "share": round(100 * proposal.public_share),
        "given": {"title": "", "time_zone": settings.TIME_ZONE, "team_size": 5, "selections": 2, "per_day": 5,
                  "starts": f"{moment:%Y-%m-%dT%H:%M}", "ends": f"{moment + timedelta(days=28):%Y-%m-%dT%H:%M}",
                  "entry": "open"} | {name: value for name, value in request.POST.items() if name != "table"},
        "owners": access.organisable(request.user), "owner": request.POST.get("owner") or request.user.get_username(),
        "doors": Competition.Entry.values, "refusal": refusal,
        "faults": [fault.as_dict() for fault in faults.faults] if faults else [],
    }  # fmt: skip
    return render(request, "leaderboard/competition_review.html", context, status=status)


def _tried(table, proposal) -> list[checkups.Finding]:
    """What a package made of it would show, tried in a scratch folder."""
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        try:
            return drafting.try_out(Path(folder), table, proposal)
        except Faults as faults:
            first = faults.faults[0]
            return [checkups.Finding("bad", _("Package"), f"{first.message}. {first.hint}")]
