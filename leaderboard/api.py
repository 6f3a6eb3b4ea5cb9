"""REST, at /api/v1/: tasks, benchmarks, boards, submissions, receipts. Each route parses, calls one verb, answers.

What one may not see is answered 404; errors have one shape; see rest.py for the frame and openapi.json for the routes.
"""

import tempfile
from typing import Literal

from django.conf import settings
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from ninja import File, Form, Query, Schema
from ninja.files import UploadedFile

from evaluators import chains, queues
from evaluators import package as packages
from evaluators.models import Run
from leaderboard import access, answers, benchmarks, cases, entries, exports, rest, standings, submissions
from leaderboard.api_cases import router as single_cases
from leaderboard.api_elsewhere import router as elsewhere
from leaderboard.api_plots import router as plots
from leaderboard.client import checks, kits
from leaderboard.contest_api import router as competitions
from leaderboard.models import Submission, Task
from zoo import access as zoo_access
from zoo.api import router as models
from zoo.errors import NotFound, Refused

api = rest.handle_errors(
    rest.Api(
        title="Kensa",
        version="1",
        description="Models, benchmarks, submissions and leaderboards. Tokens: Authorization: Bearer <token>.",
        openapi_url="/openapi.json",
        urls_namespace="api",
        **rest.docs(),
    )
)
api.add_router("/models", models)
api.add_router("", plots)
api.add_router("", single_cases)
api.add_router("", elsewhere)
api.add_router("/competitions", competitions)
signed_in, uploader, organiser = rest.SignedIn(), rest.Uploader(), rest.Organiser()


class SubmissionForm(Schema):
    """The fields beside the file. `model` is owner/name@revision; `team` a namespace you belong to, default your own."""

    name: str = ""
    model: str = ""
    revision: str = ""
    team: str = ""
    description: str = ""
    paper_url: str = ""
    code_url: str = ""
    external_data: str = ""
    note: str = ""
    baseline: bool = False


class PackageForm(Schema):
    """The fields beside the zip. `owner` is a namespace you belong to, default your own; `publish` opens it at once."""

    owner: str = ""
    publish: bool = False


@api.get("/me", tags=["me"], auth=signed_in)
def me(request):
    """Who you are here, what your token may do, and the namespaces you may submit and publish as."""
    token = getattr(request, "token", None)
    mine = zoo_access.namespaces_of(request.user).values_list("name", flat=True)
    return {"name": request.user.username, "scope": token.scope if token else None, "namespaces": list(mine)}


@api.get("/tasks", tags=["tasks"])
def tasks(request, limit: int = rest.PAGE, offset: int = 0):
    """Clinical questions that have a benchmark you may see, or a published claim."""
    seen = access.listed_benchmarks(request.user).values("task")
    rows = Task.objects.filter(pk__in=seen) | Task.objects.filter(claims__benchmark=None, claims__isnull=False)
    return rest.page(
        request, rows.distinct().order_by("specialty", "title", "pk"), "tasks", answers.task, limit, offset
    )


@api.get("/tasks/{slug}", tags=["tasks"])
def task(request, slug: str):
    """One task with its benchmarks and the published claims about it, as you may see them."""
    listed = list(benchmarks.visible(request.user).filter(task__slug=slug))
    found = Task.objects.filter(slug=slug).first()
    if found is None or not (listed or found.claims.filter(benchmark=None).exists()):
        raise NotFound(
            "task_not_found", "There is no such task, or you may not see it.", "GET /api/v1/tasks lists them."
        )
    return answers.task_whole(found, listed)


@api.get("/benchmarks", tags=["benchmarks"])
def list_benchmarks(request, task: str = "", limit: int = rest.PAGE, offset: int = 0):
    """The current version of each benchmark."""
    rows = benchmarks.visible(request.user)
    rows = rows.filter(task__slug=task) if task else rows
    return rest.page(request, rows.order_by("slug"), "benchmarks", answers.benchmark, limit, offset)


@api.post("/benchmarks", tags=["benchmarks"], auth=organiser)
def create_benchmark(request, form: Form[PackageForm], file: UploadedFile | None = File(None)):
    """Hand in a benchmark package as one zip. 201: made, a draft unless `publish`; 200: this very package was here
    already; 422: every fault with file, line and column, and nothing was kept."""
    made = benchmarks.receive(file, form.owner, request.user, publish=form.publish)
    response = JsonResponse(answers.benchmark(made), status=200 if made.known else 201)
    response["Location"] = f"/api/v1/benchmarks/{made.slug}?version={made.version}"
    return response


@api.post("/benchmarks/{slug}/publish", tags=["benchmarks"], auth=signed_in)
def publish(request, slug: str, version: str = ""):
    """Open a draft to everyone, as the current version, and freeze its rounding steps. Default: the newest draft."""
    draft = benchmarks.drafts(request.user).filter(slug=slug).first()
    found = benchmarks.find(slug, request.user, version or (draft and draft.version))
    return answers.benchmark(benchmarks.publish(found, request.user))


@api.post("/benchmarks/{slug}/close", tags=["benchmarks"], auth=signed_in)
def close(request, slug: str, version: str = ""):
    """Take no more submissions on a version, default the current one; its board stays."""
    return answers.benchmark(benchmarks.close(benchmarks.find(slug, request.user, version), request.user))


@api.post("/benchmarks/{slug}/reading", tags=["benchmarks"], auth=signed_in)
def choose_readers(request, slug: str, reading: Form[Literal["public", "unlisted", "private"]]):
    """Who may read all versions: everyone, whoever knows the address, or members alone."""
    return answers.benchmark(benchmarks.choose_readers(benchmarks.find(slug, request.user), reading, request.user))


@api.get("/benchmarks/{slug}", tags=["benchmarks"])
def benchmark(request, slug: str, version: str = ""):
    """One benchmark: metrics, limits, manifest."""
    found = benchmarks.find(slug, request.user, version)
    return answers.benchmark_whole(found, request.user, benchmarks.versions(found, request.user))


@api.get("/benchmarks/{slug}/leaderboard", tags=["benchmarks"])
def leaderboard(
    request,
    slug: str,
    format: Literal["json", "csv", "latex", "markdown", "bibtex", "papers"] = "json",
    version: str = "",
    metric: str = "",
    subset: str = "",
    evidence: list[str] = Query(default=[]),
    all_entries: bool = False,
    team: str = "",
    training: str = "",
    day: str = "",
    limit: int = 0,
    offset: int = 0,
):
    """The board, with numbers rounded to the benchmark's step (exact for its organiser). `evidence`, `team` and `training` (a
    modality of the training data, as the model's card says it) hide rows and change no rank; `day` (2026-01-31): as it stood
    at the end of that day. With `limit`, so many entries from `offset` on, best first, and `next` where there are more;
    without it, all of them."""
    found = benchmarks.find(slug, request.user, version)
    board = standings.table(
        found, request.user, metric=metric, subset=subset, evidence=evidence, all_entries=all_entries, team=team,
        training=training, day=entries.day_of(day),
    )  # fmt: skip
    following = rest.cut(request, board, limit, offset) if limit or offset else None
    _, media_type, ending = exports.FORMATS[format]
    response = HttpResponse(exports.write(board, format), content_type=media_type)
    if following:
        response["Link"] = f'<{following}>; rel="next"'
    if format != "json":
        response["Content-Disposition"] = f'attachment; filename="{found.slug}-v{found.version}.{ending}"'
    return rest.with_etag(request, response)


@api.post("/benchmarks/{slug}/submissions", tags=["submissions"], auth=uploader)
def submit(request, slug: str, form: Form[SubmissionForm], file: UploadedFile | None = File(None), version: str = ""):
    """Hand in a prediction file, or a model revision. 201: taken; 200: answered from your team's earlier run of the same
    answer; 422: faults with line and column of your own file, and nothing was kept."""
    found = benchmarks.find(slug, request.user, version)
    fields = form.model_dump()
    team = _team(request.user, fields.pop("team"))
    fields["model"] = fields["model"] or None
    made = submissions.submit(found, team, request.user, file=file, **fields)
    status = 200 if made.reused else 201
    response = JsonResponse(answers.submission(made, request.user) | {"reused": made.reused}, status=status)
    response["Location"] = f"/api/v1/submissions/{made.pk}"
    return response


@api.get("/benchmarks/{slug}/submissions", tags=["submissions"])
def list_submissions(
    request, slug: str, version: str = "", mine: bool = False, limit: int = rest.PAGE, offset: int = 0
):
    """Submissions you may see, newest first; `mine`: those of your teams alone."""
    found = benchmarks.find(slug, request.user, version)
    rows = access.visible_submissions(request.user).filter(benchmark=found)
    if mine:
        rows = rows.filter(access.own(request.user))
    rows, lines = _related(rows).order_by("-created", "-pk"), queues.Lines()
    return rest.page(
        request, rows, "submissions", lambda row: answers.submission(row, request.user, lines), limit, offset
    )


@api.get("/benchmarks/{slug}/sample-submission", tags=["benchmarks"])
def sample_submission(request, slug: str, version: str = ""):
    """A valid prediction file with every case, to be filled in."""
    found = benchmarks.find(slug, request.user, version)
    out = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 (the response closes it)
    name = packages.sample_submission(found.package.manifest, cases.of(found.package), out)
    out.seek(0)
    return FileResponse(out, as_attachment=True, filename=f"{found.slug}-{name}")


@api.get("/benchmarks/{slug}/checker", tags=["benchmarks"])
def checker(request, slug: str, version: str = ""):
    """`kensa_check.py`: this server's own check of an answer, as one file to run offline."""
    found = benchmarks.find(slug, request.user, version)
    response = HttpResponse(checks.script(found), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="kensa_check.py"'
    return rest.with_etag(request, response)


@api.get("/benchmarks/{slug}/starter-kit", tags=["benchmarks"])
def starter_kit(request, slug: str, version: str = ""):
    """Sample submission, offline check and an example to go on from, as one zip."""
    found = benchmarks.find(slug, request.user, version)
    made = kits.kit(found, request.build_absolute_uri("/").rstrip("/"))
    return FileResponse(made, as_attachment=True, filename=f"{found.slug}-v{found.version}-starter-kit.zip")


@api.get("/benchmarks/{slug}/inputs", tags=["benchmarks"])
def inputs(request, slug: str, version: str = ""):
    """The released inputs as one zip, never what lies under reference/."""
    found = benchmarks.find(slug, request.user, version)
    if not access.can(request.user, "download_inputs", found):
        raise Refused("sign_in", "You need to be signed in for this.", "Sign in, or send a bearer token.", status=401)
    if not found.package.manifest.get("release_inputs"):
        hint = (
            "Its models are run here; only weights are compared."
            if "weights" in found.package.manifest["accepts"]
            else ""
        )
        raise NotFound("not_released", "The inputs of this benchmark are not released.", hint)
    response = StreamingHttpResponse(packages.released_inputs(found.package), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-v{found.version}-inputs.zip"'
    return response


@api.get("/benchmarks/{slug}/receipts", tags=["benchmarks"])
def receipt_log(request, slug: str, version: str = ""):
    """The signed chain of all receipts of this version. Keep it: a later one must hold every link of it."""
    return chains.log(benchmarks.find(slug, request.user, version).package)


@api.get("/submissions/{int:pk}", tags=["submissions"])
def submission(request, pk: int):
    """Where a submission stands; its scores as you may see them."""
    return answers.submission(_submission(request, pk), request.user)


@api.get("/submissions/{int:pk}/receipt", tags=["submissions"])
def receipt(request, pk: int):
    """The signed receipt of a scored submission; `manage.py verify_receipt` checks it offline."""
    found = _submission(request, pk)
    if found.run.status != Run.Status.SCORED or not found.run.receipt:
        raise NotFound("no_receipt", "There is no receipt yet.", "A receipt is signed when the run is scored.")
    return answers.receipt(found, request.user)


@api.post("/submissions/{int:pk}/cancel", tags=["submissions"], auth=signed_in)
def cancel(request, pk: int):
    """Stop a submission that waits or runs."""
    return answers.submission(submissions.cancel(_submission(request, pk), request.user), request.user)


@api.post("/submissions/{int:pk}/rerun", tags=["submissions"], auth=signed_in)
def rerun(request, pk: int):
    """Evaluate a scored submission anew with the evaluator there is now (for organisers); its scores stand until then."""
    found = _submission(request, pk)
    run = submissions.rerun(found, request.user)
    return answers.submission(found, request.user) | {"rerun": run.pk}


@api.post("/submissions/{int:pk}/withdraw", tags=["submissions"], auth=signed_in)
def withdraw(request, pk: int):
    """Take an entry off the board; its quota stays used."""
    return answers.submission(submissions.withdraw(_submission(request, pk), request.user), request.user)


def _related(rows):
    return rows.select_related(
        "benchmark__package", "benchmark__owner", "team", "contest_team", "run__package", "model__namespace"
    )


def _submission(request, pk: int) -> Submission:
    found = _related(access.visible_submissions(request.user)).filter(pk=pk).first()
    if found is None:
        hint = "Only its team and the organiser see a submission before it is scored."
        raise NotFound("submission_not_found", "There is no such submission, or you may not see it.", hint)
    return found


def _team(user, name: str):
    """The namespace of this name among the user's own; the user's personal one by default."""
    mine = zoo_access.namespaces_of(user)
    team = mine.filter(name__iexact=name).first() if name else mine.filter(user=user).first()
    if team is None:
        hint = f"You belong to {', '.join(mine.values_list('name', flat=True)) or 'none'}."
        raise Refused("not_your_team", f"You may not submit for {name or 'nobody'}.", hint, status=403)
    return team
