"""What an organiser does: hand in a benchmark package, publish a draft, close a version. Checks and rights are the verbs'."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from evaluators.faults import Faults
from leaderboard import access, intake, retention
from leaderboard import benchmarks as library
from leaderboard.models import Benchmark
from leaderboard.views import refusals, shell
from zoo.errors import Refused

# What the form teaches: a package as small as one can be. A test hands it in.
MANIFEST = """\
slug: nodule-or-not
version: 1
title: Lung nodules on chest radiographs, our 2024 cohort
task:
  slug: nodule-detection
  title: Does this chest radiograph show a nodule?
  specialty: radiology
  modality: radiograph
  anatomy: lung
kind: classification
classes: [none, nodule]
metrics: {primary: auroc, also: [balanced_accuracy]}
source: {name: Our cohort, licence: internal use}
"""
CASES = """\
case_id,patient_id,label
cxr-0001,p-17,nodule
cxr-0002,p-17,none
cxr-0003,p-23,none
cxr-0004,p-31,nodule
"""


@csrf_exempt  # the forgery check reads the form; size and throttle are looked at before, and then it is made in `_receive`
@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def new(request):
    if not request.user.is_authenticated:
        return refusals.sign_in(request)
    if request.method != "POST":
        return _form(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    intake.admit(request.user, int(length) if length.isdecimal() else 0)
    return _receive(request)


@csrf_protect
def _receive(request):
    publish = request.POST.get("publish") == "yes"
    try:
        file, owner = request.FILES.get("file"), request.POST.get("owner", "")
        benchmark = library.receive(file, owner, request.user, publish=publish)
    except Faults as faults:
        return _form(request, status=422, faults=faults)
    except Refused as refusal:
        return refusals.with_headers(_form(request, status=refusal.status, refusal=refusal), refusal)
    if benchmark.known:
        messages.info(request, _("This very package was here already; nothing was changed."))
    return redirect(_board(benchmark))


def _form(request, *, status=200, faults: Faults | None = None, refusal: Refused | None = None):
    upload = request.FILES.get("file")
    context = {
        "owners": access.organisable(request.user),
        "owner": request.POST.get("owner") or request.GET.get("owner") or request.user.get_username(),
        "publish": request.POST.get("publish") == "yes",
        "max_bytes": intake.max_bytes(),
        "faults": [fault.as_dict() for fault in faults.faults] if faults else [],
        "fault_count": faults.count if faults else 0,
        "filename": upload.name if upload else "",
        "refusal": refusal,
        "examples": [("benchmark.yaml", MANIFEST), ("cases.csv", CASES)],
        "command": shell.package(request),
    }
    return render(request, "leaderboard/benchmark_new.html", context, status=status)


@require_POST
@refusals.page
def publish(request, slug):
    benchmark = library.publish(library.find(slug, request.user, request.POST.get("version")), request.user)
    messages.success(request, _("Published. Its rounding steps are frozen, and it is the current version."))
    return redirect(_board(benchmark))


@require_POST
@refusals.page
def confirm(request, slug):
    """What looks like somebody's identity in a draft is none."""
    benchmark = library.confirm_identities(library.find(slug, request.user, request.POST.get("version")), request.user)
    messages.success(request, _("Kept with your name. It can be published now."))
    return redirect(_board(benchmark))


@require_POST
@refusals.page
def keep(request, slug):
    """For how long uploaded answers are kept."""
    benchmark = library.find(slug, request.user, request.POST.get("version"))
    days = request.POST.get("days", "").strip()
    if days and not (days.isascii() and days.isdecimal()):
        raise Refused("bad_days", "That is no number of days.", "Write a whole number, or nothing.", status=422)
    retention.keep(benchmark, request.user, int(days[:6]) if days else None)
    messages.success(request, _("Kept."))
    return redirect(_board(benchmark))


@require_POST
@refusals.page
def close(request, slug):
    benchmark = library.close(library.find(slug, request.user, request.POST.get("version")), request.user)
    messages.success(request, _("Closed. It takes no more submissions; its board stays."))
    return redirect(_board(benchmark))


@require_POST
@refusals.page
def reading(request, slug):
    """Who may read the boards of this benchmark."""
    benchmark = library.find(slug, request.user, request.POST.get("version"))
    library.choose_readers(benchmark, request.POST.get("reading", ""), request.user)
    messages.success(request, _("Kept. It holds for every version."))
    return redirect(_board(benchmark))


def _board(benchmark: Benchmark) -> str:
    address = benchmark.get_absolute_url()
    return address if benchmark.current else f"{address}?version={benchmark.version}"
