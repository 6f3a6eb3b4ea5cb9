"""Submissions: hand in a prediction file or a model revision, cancel, withdraw.

A file is checked whole before anything is kept; quota is counted under a lock, from the state of the runs, so that what
failed on our side gives itself back; Submission and Run come into being in one transaction, and the bell rings after it.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from evaluators import queues, runs
from evaluators.faults import Fault, Faults
from evaluators.models import Run
from leaderboard import access, cases, firstlook
from leaderboard.contests import seats
from leaderboard.contests.seats import Seat
from leaderboard.models import Benchmark, Quota, Submission
from zoo import access as zoo_access
from zoo import blobs, commits
from zoo.errors import Refused
from zoo.models import Commit, File, Model, Namespace

TEXTS = {"name": 200, "description": 20_000, "paper_url": 200, "code_url": 200, "external_data": 500, "note": 20_000}
# What a runner may open; everything else of a revision (card, pictures, pickles) stays where it is.
RUNNABLE = (".safetensors", ".onnx", ".onnx.data", ".onnx_data", ".json", ".txt", ".yaml")
WEIGHTS = (".safetensors", ".onnx")
MOST_CONFIG = 1 << 20  # bytes


class TooMany(Refused):
    """Over a limit that time lifts; `retry_after` in seconds."""

    def __init__(self, message: str, hint: str, retry_after: int):
        super().__init__("too_many", message, hint, status=429)
        self.retry_after = retry_after
        self.headers["Retry-After"] = str(retry_after)


@dataclass(frozen=True)
class Answer:
    """What is to be evaluated, before it is kept: files by path, and for weights where they come from."""

    kind: str
    files: dict[str, str]
    path: Path | None = None  # the upload, for predictions
    filename: str = ""
    size: int = 0
    model: Model | None = None
    revision: str = ""

    def as_dict(self) -> dict:
        source = {"model": str(self.model), "revision": self.revision} if self.model else {}
        return {"files": self.files} | source


def submit(
    benchmark: Benchmark,
    team: Namespace,
    author,
    *,
    name: str,
    file=None,
    filename: str = "",
    model: Model | str | None = None,
    revision: str = "",
    baseline: bool = False,
    **fields: str,
) -> Submission:
    """Hand in a prediction file (a path or an uploaded file) or a model ("owner/name@revision", or a Model and revision).

    `fields`: description, paper_url, code_url, external_data, note (private to team and organiser). `author` None is
    the house itself. The answer that this team gave before is answered from its first run and costs nothing; then
    `submission.reused` is true. Raises Faults for what is wrong with file or fields (nothing is kept), Refused for
    what may not be (401, 403, 409, 429).
    """
    kind = Run.Kind.PREDICTIONS if file is not None else Run.Kind.WEIGHTS
    seat = _admit(benchmark, team, author, baseline, kind, fields.get("external_data", ""))
    texts = _clean({"name": name} | fields)
    if (file is None) == (model is None):
        raise Faults([Fault("send one of file and model", "A prediction file, or owner/name@revision of a model.")])
    answer = (
        _predictions(benchmark, file, filename) if file is not None else _weights(benchmark, author, model, revision)
    )
    with transaction.atomic():
        if seat:
            seat.lock()
        else:
            quota = _lock(benchmark, team, _today()[0])
        scope = seat.scope if seat else _scope(team)
        run = runs.reusable(benchmark.package, answer.kind, runs.digest(answer.as_dict()), scope)
        if run:
            return _again(benchmark, team, author, run, answer, texts, baseline, seat)
        if seat:
            seat.count()
        elif not baseline:
            _count(benchmark, team, quota)
        if answer.path:
            blobs.put_path(answer.path)
        else:  # the model may be deleted at this very moment; what its run needs is not
            blobs.hold(answer.files.values())
        run = runs.create(
            benchmark.package, answer.kind, answer.as_dict(), scope, **queues.choose(answer.kind, answer.size)
        )
        submission = _create(benchmark, team, author, run, answer, texts, baseline, seat)
        transaction.on_commit(partial(runs.ring, run))
    submission.reused = False
    return submission


def _admit(benchmark: Benchmark, team: Namespace, author, baseline: bool, kind: str, external: str) -> Seat | None:
    """The author's seat where a competition holds the benchmark, else None. Raises Refused."""
    if benchmark.status == Benchmark.Status.CLOSED:
        raise Refused("closed", "This benchmark takes no more submissions.", "See whether it has a newer version.", 409)
    if author is None and (baseline or not benchmark.sealed):
        return None
    if author and not author.is_authenticated:
        raise Refused("sign_in", "You need to be signed in to submit.", "Sign in, or send a bearer token.", status=401)
    seat = None if baseline else seats.find(benchmark, author, kind, external)
    unpublished = not seat and (benchmark.status == Benchmark.Status.DRAFT or benchmark.private)
    if not access.can(author, "submit_unpublished" if unpublished else "submit", benchmark):
        raise Refused("forbidden", "This benchmark is not open to you.", "Ask its organiser.", status=403)
    if not zoo_access.can(author, "create", team):
        hint = "Submit as yourself, or as an organisation you belong to."
        raise Refused("not_your_team", f"You may not submit for {team}.", hint, status=403)
    if baseline and not access.can(author, "mark_baseline", benchmark):
        raise Refused("forbidden", "Only the organiser marks baselines.", "Leave `baseline` out.", status=403)
    return seat


def _clean(fields: dict) -> dict:
    """Texts that fit their columns; all faults at once."""
    unknown = set(fields) - set(TEXTS)
    if unknown:
        raise TypeError(f"submit() does not know {', '.join(sorted(unknown))}")
    faults, clean = [], {}
    for key, value in fields.items():
        clean[key] = text = str(value or "").replace("\0", "").strip()
        if len(text) > TEXTS[key]:
            faults.append(Fault(f"{key} has {len(text):,} letters", f"At most {TEXTS[key]:,} fit."))
        if key.endswith("_url") and text:
            try:
                URLValidator(schemes=["http", "https"])(text)
            except ValidationError:
                faults.append(Fault(f"{key} is not a web address", "Write it with https:// in front."))
    if not clean["name"]:
        faults.append(Fault("name is missing", "Give the entry the name it shall have on the board."))
    if faults:
        raise Faults(faults)
    return clean


def _predictions(benchmark: Benchmark, file, filename: str) -> Answer:
    """The upload, checked against the case list. Nothing is kept yet."""
    manifest = benchmark.package.manifest
    _accepts(manifest, Run.Kind.PREDICTIONS)
    path = Path(file.temporary_file_path() if hasattr(file, "temporary_file_path") else file)
    filename = Path(filename or getattr(file, "name", "") or path.name).name[:255]
    size, limit = path.stat().st_size, max_bytes(benchmark)
    if size > limit:
        raise Faults(
            [Fault(f"the file has {size:,} bytes", f"This benchmark takes at most {limit:,} bytes.", file=filename)]
        )
    firstlook.check(manifest, cases.of(benchmark.package).ids, path, filename)
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    # Named by its content alone: the same bytes under another name are the same answer.
    name = f"predictions.{firstlook.kind(path)}"
    return Answer(Run.Kind.PREDICTIONS, {name: sha256}, path, filename, size)


def max_bytes(benchmark: Benchmark) -> int:
    """The largest prediction file that this benchmark takes, in bytes."""
    wanted = (benchmark.package.manifest.get("limits") or {}).get("max_bytes")
    return min(wanted or settings.MAX_PREDICTION_BYTES, settings.MAX_PREDICTION_BYTES)


def _weights(benchmark: Benchmark, author, model: Model | str, revision: str) -> Answer:
    """A revision that the author may download, pinned to its commit."""
    _accepts(benchmark.package.manifest, Run.Kind.WEIGHTS)
    if isinstance(model, str):
        name, _, after = model.partition("@")
        owner, slash, short = name.partition("/")
        if not slash:
            raise Faults([Fault(f"{model!r} names no model", "Write owner/name@revision.")])
        model = (
            zoo_access.follow_model(author, owner, short)
            if author
            else Model.objects.get(namespace__name=owner, name=short)
        )
        revision = revision or after
    if author is not None and not zoo_access.can(author, "download", model):
        raise Refused("forbidden", f"You may not use the files of {model}.", "Ask its owner for access.", status=403)
    commit = commits.resolve(model, revision or "main")
    files, size = _runnable(commit)
    return Answer(Run.Kind.WEIGHTS, files, size=size, model=model, revision=commit.oid)


def _runnable(commit: Commit) -> tuple[dict[str, str], int]:
    rows = [row for row in File.objects.filter(commit=commit).select_related("blob") if row.path.endswith(RUNNABLE)]
    if not any(row.path.endswith(WEIGHTS) for row in rows) and not _coefficients(rows):
        message = f"revision {commit.oid[:7]} holds no weights that can be run here"
        raise Faults(
            [Fault(message, "Add model.safetensors with its config.json, model.onnx, or coefficients in config.json.")]
        )
    return {row.path: row.blob_id for row in rows}, sum(row.blob.size for row in rows)


def _coefficients(rows: list[File]) -> bool:
    """Whether config.json holds a linear model, which needs no file of parameters."""
    config = next((row for row in rows if row.path == "config.json"), None)
    if config is None or config.blob.size > MOST_CONFIG:
        return False
    try:
        found = json.loads(blobs.read(config.blob_id, MOST_CONFIG))
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("framework") == "linear"


def _accepts(manifest: dict, kind: str) -> None:
    if kind not in manifest["accepts"]:
        hint = f"Send {' or '.join(manifest['accepts'])}."
        raise Refused("not_accepted", f"This benchmark does not take {kind}.", hint, status=409)


def _scope(team: Namespace) -> str:
    return f"team:{team.pk}"


def _today() -> tuple[date, datetime]:
    """The day that quota counts, and its start."""
    day = timezone.localdate()
    return day, timezone.make_aware(datetime.combine(day, time.min))


def _lock(benchmark: Benchmark, team: Namespace, day: date) -> Quota:
    """One team's posts to one benchmark pass here one after the other (on SQLite, IMMEDIATE transactions see to it)."""
    quota, _ = Quota.objects.get_or_create(benchmark=benchmark, team=team, day=day)
    return Quota.objects.select_for_update().get(pk=quota.pk)


def _count(benchmark: Benchmark, team: Namespace, quota: Quota) -> None:
    """Take one of the team's submissions of the day. Raises TooMany. Call under the lock."""
    used = _used(benchmark, team, _today()[1])
    if used >= benchmark.daily_limit:
        raise _exhausted(benchmark, quota.day)
    Quota.objects.filter(pk=quota.pk).update(used=used + 1)


def _used(benchmark: Benchmark, team: Namespace, since: datetime) -> int:
    """Runs of this day that cost: counted from their state, so a failure of ours gives itself back."""
    mine = Q(submissions__benchmark=benchmark, submissions__team=team, submissions__baseline=False)
    return Run.objects.filter(mine, created__gte=since).exclude(runs.REFUNDED).distinct().count()


def remaining(benchmark: Benchmark, team: Namespace) -> int:
    """How many more answers this team may give today."""
    return max(0, benchmark.daily_limit - _used(benchmark, team, _today()[1]))


def _exhausted(benchmark: Benchmark, day: date) -> TooMany:
    end = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
    left = max(1, math.ceil((end - timezone.now()).total_seconds()))
    return TooMany(
        f"Your team has used its {benchmark.daily_limit} submissions of today on this benchmark.",
        f"The count starts again at {end:%Y-%m-%d %H:%M %Z}. An answer you gave before is answered again for free.",
        left,
    )


def _again(benchmark, team, author, run: Run, answer: Answer, texts: dict, baseline: bool, seat) -> Submission:
    """The first run's result for the same answer: the same submission if it says the same, else a new one of that run."""
    same = Submission.objects.filter(
        benchmark=benchmark, run=run, withdrawn=None, revision=answer.revision, baseline=baseline,
        disqualified=None, phase=seat.phase if seat else None, **texts,
    )  # fmt: skip
    submission = same.order_by("pk").first() or _create(benchmark, team, author, run, answer, texts, baseline, seat)
    submission.reused = True
    return submission


def _create(benchmark, team, author, run: Run, answer: Answer, texts: dict, baseline: bool, seat) -> Submission:
    contest = {"contest_team": seat.team, "phase": seat.phase} if seat else {}
    return Submission.objects.create(
        benchmark=benchmark, team=team, author=author, run=run, model=answer.model, revision=answer.revision,
        filename=answer.filename, size=answer.size, baseline=baseline, **contest,
        **texts,
    )  # fmt: skip


def _require(user, action: str, submission: Submission) -> None:
    if user is not None and not access.can(user, action, submission):
        raise Refused(
            "forbidden", f"You may not {action} this submission.", "Its team and its organiser may.", status=403
        )


def cancel(submission: Submission, user) -> Submission:
    """Stop a submission that waits or runs. Before a real case was opened it costs nothing. Raises Refused."""
    _require(user, "cancel", submission)
    if _shared(submission):  # the run answers another submission too
        return withdraw(submission, user)
    if not runs.cancel(submission.run):
        raise Refused(
            "ended", "This submission has ended already.", "Withdraw it to take it off the board.", status=409
        )
    submission.run.refresh_from_db()
    return submission


def withdraw(submission: Submission, user) -> Submission:
    """Take an entry off the board; it stays on record, and its quota stays used. Raises Refused."""
    _require(user, "withdraw", submission)
    with transaction.atomic():
        Submission.objects.filter(pk=submission.pk, withdrawn=None).update(withdrawn=timezone.now())
        if submission.run.status in Run.OPEN and not _shared(submission):
            runs.cancel(submission.run)
    submission.refresh_from_db()
    return submission


def earlier(submission: Submission) -> list[Run]:
    """The runs that this submission's run replaced, one after the other, the latest first."""
    found, run = [], submission.run
    while run.replaces_id:
        run = run.replaces
        found.append(run)
    return found


def rerun(submission: Submission, user) -> Run:
    """Evaluate a scored submission anew with the evaluator there is now. Raises Refused."""
    _require(user, "rerun", submission)
    if submission.contest_team_id:
        hint = "Its judges ask for it, with a reason that is put on record."
        raise Refused("contest", "This submission is in a competition.", hint, status=409)
    with transaction.atomic():
        if submission.run.status != Run.Status.SCORED:
            raise Refused("not_scored", "Only what was scored is evaluated again.", "Hand it in again.", status=409)
        if not submission.run.answer["files"]:
            raise Refused("forgotten", "Its answer is no longer kept.", "Hand it in again.", status=409)
        run = runs.repeat(submission.run)
        transaction.on_commit(partial(runs.ring, run))
    return run


def _shared(submission: Submission) -> bool:
    return Submission.objects.filter(run=submission.run_id, withdrawn=None).exclude(pk=submission.pk).exists()
