"""The form that hands in a prediction file or a model revision. Checks and quota are the verb's; this page shows them."""

from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from evaluators import manifest as manifests
from evaluators.faults import Faults
from evaluators.metrics import METRICS
from evaluators.models import Run
from leaderboard import access, submissions
from leaderboard import benchmarks as library
from leaderboard.models import Benchmark
from leaderboard.views import refusals, shell
from zoo import access as zoo_access
from zoo.errors import Refused
from zoo.models import Ref

TEXTS = ("name", "description", "paper_url", "code_url", "external_data", "note")
CHOICES = 200  # revisions offered


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def submit(request, slug):
    benchmark = library.find(slug, request.user, request.GET.get("version"))
    if not request.user.is_authenticated:
        return refusals.sign_in(request)
    if request.method != "POST":
        return _form(request, benchmark)
    try:
        submission = _hand_in(request, benchmark)
    except Faults as faults:
        return _form(request, benchmark, status=422, faults=faults)
    except Refused as refusal:
        return refusals.with_headers(_form(request, benchmark, status=refusal.status, refusal=refusal), refusal)
    return redirect(submission)


def _hand_in(request, benchmark: Benchmark):
    team = zoo_access.namespaces_of(request.user).filter(name=request.POST.get("team") or request.user.username).first()
    if team is None:
        hint = "Submit as yourself, or as an organisation you belong to."
        raise Refused("not_your_team", "You may not submit for this team.", hint, status=403)
    answer = {"file": request.FILES.get("file")}
    if _kind(request, benchmark) == Run.Kind.WEIGHTS:
        answer = {"model": request.POST.get("model") or None}
    texts = {name: request.POST.get(name, "") for name in TEXTS}
    baseline = request.POST.get("baseline") == "yes"
    return submissions.submit(benchmark, team, request.user, baseline=baseline, **answer, **texts)


def _kind(request, benchmark: Benchmark) -> str:
    """What is handed in: as chosen, else what the address names, else the first that the benchmark accepts."""
    accepts = benchmark.package.manifest["accepts"]
    wanted = request.POST.get("kind") or ("weights" if request.GET.get("model") else "")
    return wanted if wanted in accepts else accepts[0]


def _form(request, benchmark: Benchmark, *, status=200, faults: Faults | None = None, refusal: Refused | None = None):
    manifest = benchmark.package.manifest
    teams = [(team, submissions.remaining(benchmark, team)) for team in zoo_access.namespaces_of(request.user)]
    upload = request.FILES.get("file")
    revisions = _revisions(request.user, benchmark) if "weights" in manifest["accepts"] else []
    chosen = request.POST.get("model") or request.GET.get("model", "")
    context = {
        "benchmark": benchmark,
        "manifest": manifest,
        "metric": METRICS[benchmark.primary_metric],
        "accepts": manifest["accepts"],
        "kind": _kind(request, benchmark),
        "teams": teams,
        "team": request.POST.get("team") or request.user.get_username(),
        "given": {name: request.POST.get(name, "") for name in TEXTS},
        "may_baseline": access.can(request.user, "mark_baseline", benchmark),
        "baseline": request.POST.get("baseline") == "yes",
        "chosen": chosen,
        "chosen_listed": any(value == chosen for value, _text, _here in revisions),
        "revisions": revisions,
        "limits": manifests.run_limits(manifest),
        "max_bytes": submissions.max_bytes(benchmark),
        "commands": shell.commands(request, benchmark),
        "faults": [fault.as_dict() for fault in faults.faults] if faults else [],
        "fault_count": faults.count if faults else 0,
        "filename": upload.name if upload else "",
        "refusal": refusal,
        "suffixes": SUFFIXES.get(benchmark.kind, ".csv,.parquet"),
    }
    return render(request, "leaderboard/submit.html", context, status=status)


SUFFIXES = {"segmentation": ".zip", "restoration": ".zip", "detection": ".csv,.parquet,.json"}


def _revisions(user, benchmark: Benchmark) -> list[tuple[str, str, bool]]:
    """(owner/name@commit, what it is called, whether it is of this task), those of this task first."""
    refs = (
        Ref.objects.filter(model__namespace__in=zoo_access.namespaces_of(user).values("pk"))
        .select_related("model__namespace", "commit")
        .order_by("-model__updated", "kind", "name")[:CHOICES]
    )
    found = [
        (f"{ref.model}@{ref.commit.oid}", f"{ref.model} @ {ref.name} ({ref.commit.oid[:7]})", ref.model.task)
        for ref in refs
    ]
    here = benchmark.task.slug
    return sorted(((value, text, task == here) for value, text, task in found), key=lambda row: not row[2])
