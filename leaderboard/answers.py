"""What the REST API says of tasks, benchmarks and submissions, as one viewer may see them."""

from dataclasses import dataclass

from evaluators import chains, queues, receipts
from evaluators.manifest import run_limits
from evaluators.metrics.registry import Metric
from evaluators.models import Run
from leaderboard import access, costs, exports, robustness, submissions
from leaderboard.contests import ladders
from leaderboard.models import Benchmark, Submission, Task
from leaderboard.rounding import ReleasedScore, release
from leaderboard.standings import metrics_of, released_metrics
from zoo.access import visible_models
from zoo.errors import Refused

# Keys of a manifest that a participant needs; the rest is between the organiser and the data.
TOLD = ["slug", "version", "title", "description", "task", "kind", "classes", "ordinal", "multilabel", "instances", "accepts", "labels", "release_inputs", "metrics", "resample", "safety", "limits", "source", "traps"]  # fmt: skip


@dataclass(frozen=True)
class Released:
    """One score of one submission, as one viewer may see it."""

    metric: str
    subset: str
    part: str  # "" is the headline; else a label or class
    score: ReleasedScore

    def as_dict(self) -> dict:
        part = {"part": self.part} if self.part else {}
        return {"metric": self.metric, "subset": self.subset} | part | self.score.as_dict()


def scores(submission: Submission, viewer, run: Run | None = None) -> list[Released]:
    """The scores of a submission: primary metric first, all cases first. Finer ones only for those who may see them.

    Of a sealed benchmark those on public cases alone, whoever looks. run: an earlier one, which another replaced.
    """
    benchmark, may = submission.benchmark, access.allowed(viewer, submission)
    rows = (run or submission.run).scores.all()
    if submission.pk in ladders.held_back(benchmark) and "see_exact" not in may:
        return []
    if benchmark.sealed:
        rows = rows.filter(subset="public")
    if benchmark.labels != Benchmark.Labels.PUBLIC and "see_finer" not in may:
        told = [item.name for item in released_metrics(benchmark)]
        rows = rows.filter(subset__in=_told(submission), part="", metric__in=told)
    exact = "see_exact" in may
    order = {metric.name: place for place, metric in enumerate(metrics_of(benchmark))}
    rows = sorted(rows, key=lambda row: (order.get(row.metric, len(order)), row.subset != "all", row.subset, row.part))
    return [
        Released(row.metric, row.subset, row.part, release(row, benchmark.steps.get(row.metric), exact)) for row in rows
    ]


def _told(submission: Submission) -> tuple[str, ...]:
    """The subsets whose headline is told to everyone: after a reveal, of its submissions, both shares."""
    if submission.contest_team_id and not submission.benchmark.sealed:
        return ("all", "public", "private")
    return (access.headline(submission.benchmark),)


def task(row: Task) -> dict:
    return {name: getattr(row, name) for name in ("slug", "title", "question", "specialty", "modality", "anatomy")}


def task_whole(row: Task, listed: list[Benchmark]) -> dict:
    """A task with the benchmarks in `listed`, and the claims on them or on none."""
    claims = [claim for claim in row.claims.order_by("pk") if claim.benchmark_id in {None, *(b.pk for b in listed)}]
    return task(row) | {
        "benchmarks": [benchmark(item) for item in listed], "claims": [exports.claim_dict(claim) for claim in claims]
    }  # fmt: skip


def metric(row: Metric) -> dict:
    """The facts of a metric."""
    low, high = (bound if abs(bound) != float("inf") else None for bound in row.range)
    return {
        "name": row.name, "title": row.title, "symbol": row.symbol, "direction": row.direction, "unit": row.unit,
        "range": [low, high], "reference": row.reference,
    }  # fmt: skip


def benchmark(row: Benchmark) -> dict:
    manifest = row.package.manifest
    return {
        "slug": row.slug, "version": row.version, "current": row.current, "title": row.title,
        "description": row.description, "task": row.task.slug, "kind": row.kind, "status": row.status, "reading": row.reading,
        "owner": row.owner.name, "labels": row.labels, "accepts": manifest["accepts"],
        "release_inputs": bool(manifest.get("release_inputs")), "primary_metric": row.primary_metric,
        "cases": row.package.cases, "patients": row.package.patients, "daily_limit": row.daily_limit,
        "published": row.published.isoformat() if row.published else None, "source": manifest.get("source") or {},
    }  # fmt: skip


def benchmark_whole(row: Benchmark, viewer, versions: list[Benchmark]) -> dict:
    """A benchmark with what a participant needs: metrics, steps, limits, the manifest without what is withheld."""
    manifest = row.package.manifest
    if not access.sees_finer(viewer, row):
        manifest = {key: manifest[key] for key in TOLD if key in manifest}
    return benchmark(row) | {
        "metrics": [metric(item) | {"step": row.steps.get(item.name)} for item in metrics_of(row)],
        "max_bytes": submissions.max_bytes(row),
        "run_limits": run_limits(manifest),
        "versions": [item.version for item in versions],
        "claims": [exports.claim_dict(claim) for claim in row.claims.all()],
        "manifest": manifest,
    }


def submission(row: Submission, viewer, lines: queues.Lines | None = None) -> dict:
    """A submission: where it stands, its scores, the faults of its file for its own team. lines: shared by a list."""
    run, place = row.run, (lines or queues.Lines()).place(row.run)
    visible = row.model_id and visible_models(viewer).filter(pk=row.model_id).exists()
    may = access.allowed(viewer, row)
    own = "see_faults" in may
    answer = {
        "id": row.pk, "benchmark": row.benchmark.slug, "version": row.benchmark.version, "name": row.name,
        "team": row.by, "evidence": run.kind, "baseline": row.baseline, "created": row.created.isoformat(),
        "status": run.status, "position": place.position if place else None, "wait": place.wait if place else None,
        "progress": run.progress, "stage": run.stage, "attempt": run.attempt, "run": run.pk,
        "finished": run.finished.isoformat() if run.finished else None, "error": run.error if own else "",
        "withdrawn": row.withdrawn is not None,
        "model": str(row.model) if visible else None, "revision": row.revision if visible else None,
        "description": row.description, "paper_url": row.paper_url, "code_url": row.code_url,
        "external_data": row.external_data,
        "scores": [score.as_dict() for score in scores(row, viewer)] if run.status == Run.Status.SCORED else [],
        "cost": cost.as_dict() if (cost := costs.of(run, whole=bool(visible))) else None,
        "robustness": robust.as_dict() if (robust := robustness.of(row, viewer)) else None,
        "faults": run.faults if own else [], "url": row.get_absolute_url(),
    }  # fmt: skip
    if "see_note" in may:
        answer |= {"note": row.note, "filename": row.filename, "size": row.size}
    return answer


def receipt(row: Submission, viewer) -> dict:
    """The signed receipt of a scored run, with the numbers that this viewer may see, and no model they may not know of.

    Raises Refused (409) where the record is no longer what was signed: then nothing is signed anew.
    """
    run = row.run
    if receipts.changed(run):
        hint = "Tell the operator: manage.py verify_receipt --board names every run that was changed."
        raise Refused("record_changed", "This run's record is not what its receipt was signed for.", hint, status=409)
    shown = {"scores": [score.as_dict() for score in scores(row, viewer)], "answer": {}}
    if row.model_id and visible_models(viewer).filter(pk=row.model_id).exists():
        shown["answer"] = {key: run.answer[key] for key in ("model", "revision") if key in run.answer}
    if access.can(viewer, "open_receipt", row):
        shown["opening"] = {"key": receipts.opening(run), "files": sorted(run.answer["files"])}
    return receipts.release(run, *chains.place(run), shown)
