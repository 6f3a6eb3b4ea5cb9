"""A worker's side of one run: fetch the bytes, run the two sandboxed children, store what they found.

Guarantees that no untrusted byte is parsed in this process, that the lease is renewed while the children work, and that a
run whose lease was lost is dropped at once.
"""

import json
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from evaluators import cache, devices, manifest, provenance, runs, sandbox
from evaluators.cases import read_cases
from evaluators.faults import Fault
from evaluators.models import Run, Score
from evaluators.preparation import Preparation
from zoo import blobs

log = logging.getLogger(__name__)

BEAT_SECONDS = 3
LOOK_SECONDS = 120.0  # for the first look at weights; it takes some of them where the file is small
# A limit that the answer met, by the class of error: what its team is told.
MET = {
    "memory": Fault("more memory was needed than a run may use", "Use a smaller network, or smaller inputs."),
    "time": Fault("more time was needed than a run may use", "Use a faster network."),
    "disk": Fault(
        "the answer takes more room than a run may use", "Make the archive, or the predicted volumes, smaller."
    ),
    "crashed": Fault(
        "reading or running the files crashed", "Save them again with a current version of their library."
    ),
}


stopping = threading.Event()  # this worker was asked to end: runs are given back, not finished


class Lost(Exception):
    """The lease is another worker's now, or the run was cancelled."""


def evaluate(lease: runs.Lease) -> None:
    """Evaluate a claimed run to one of its ends; an error of ours gives the run back for another attempt."""
    try:
        run = Run.objects.select_related("package").get(pk=lease.run_id)
        name = f"run-{run.pk}-{lease.attempt}-"
        with tempfile.TemporaryDirectory(prefix=name, dir=_scratch(), ignore_cleanup_errors=True) as folder:
            _Attempt(run, lease, Path(folder)).make()
    except Lost:
        log.info("run %s attempt %s: stopped, the run is no longer ours", lease.run_id, lease.attempt)
    except Exception:
        if stopping.is_set() and runs.release(lease):
            return
        log.exception("run %s attempt %s failed", lease.run_id, lease.attempt)
        runs.fail(lease, "internal", log=traceback.format_exc()[-20_000:])


def name() -> str:
    """What this process is called in its runs and on the page of workers."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def tidy() -> None:
    """Remove the folders that killed workers left: those of attempts that no longer run."""
    for folder in _scratch().glob("run-*-*-*"):
        pk, attempt = folder.name.split("-")[1:3]
        if not Run.objects.filter(pk=pk, attempt=attempt, status=Run.Status.RUNNING).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _scratch() -> Path:
    scratch = settings.DATA_DIR / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch


class _Attempt:
    """One attempt at one run, with a folder of its own."""

    def __init__(self, run: Run, lease: runs.Lease, folder: Path):
        self.run, self.lease, self.folder = run, lease, folder
        self.stage, self.progress, self.opened = "fetching", 0.0, run.opened_real_case
        self.renewed, self.gpu = time.monotonic(), ""

    def make(self) -> None:
        for folder in ("answer", "looked", "predicted", "stressed", "scored"):
            (self.folder / folder).mkdir()
        package = cache.package(self.run.package, self.alive)
        cache.fetch(self.run.answer["files"], self.folder / "answer", self.alive)
        gpus = devices.visible() if self.run.kind == Run.Kind.WEIGHTS else []
        with devices.lend(gpus, settings.DATA_DIR / "gpus", self.alive) as self.gpu:
            self.evaluate(package)

    def evaluate(self, package: Path) -> None:
        if self.run.kind == Run.Kind.WEIGHTS and not self.run.looked and not self.look(package):
            return
        predicted = self.predict(package)
        if predicted.status != "done":
            self.end(predicted, theirs=True)
            return
        stressed = self.stress(package)
        scored = self.score(package, stressed)
        if scored.status != "done":
            self.end(scored, theirs=False)
            return
        self.store(predicted, stressed, scored)

    def look(self, package: Path) -> bool:
        """The first look at weights, with a made-up case alone; whether the full run follows at once."""
        self.stage = "looking"
        looked = sandbox.shared().run(
            "evaluators.child:look",
            self.request(package),
            work=self.folder / "looked",
            given={"answer": self.folder / "answer", "inputs": package / "inputs"},
            limits=_look_limits(self.run),
            heard=lambda message: self.beat() if not message else True,
            beat_seconds=BEAT_SECONDS,
        )
        if looked.status != "done":
            self.end(looked, theirs=True)
            return False
        return runs.pass_look(self.lease)

    def request(self, package: Path) -> dict:
        """What a child that opens the answer is told."""
        names = sorted(self.run.answer["files"])
        told = {"manifest": self.run.package.manifest, "threads": _threads(), "names": names, "gpu": self.gpu}
        return told | {key: value for key, value in _public_cases(self.run.package, package).items() if key != "public"}

    def predict(self, package: Path) -> sandbox.Outcome:
        """Child 1: sees the answer and the inputs; no label, no database, no network."""
        if self.run.kind != Run.Kind.WEIGHTS:
            return self.answer(package, "read", {}, lambda message: True)
        request, limits = self.request(package), _limits(self.run)
        files, inputs = self.run.package.files, request["inputs"]
        with Preparation(files, package, self.folder / "ready", inputs, limits) as ready:
            predicted = self.answer(package, "predict", {"ready": ready.folder}, ready.hear)
        return ready.outcome if ready.failed and predicted.status in ("stopped", "error") else predicted

    def answer(self, package: Path, entry: str, given: dict, go_on) -> sandbox.Outcome:
        self.stage = "predicting" if entry == "predict" else "reading"
        share = 60 if self.run.package.manifest.get("robustness") else 80
        return sandbox.shared().run(
            f"evaluators.child:{entry}",
            self.request(package),
            work=self.folder / "predicted",
            given={"answer": self.folder / "answer", "inputs": package / "inputs"} | given,
            limits=_limits(self.run),
            heard=lambda message: go_on(message) and self.hear(message, 0, share),
            beat_seconds=BEAT_SECONDS,
        )

    def stress(self, package: Path) -> sandbox.Outcome | None:
        """The network on corrupted copies, where the package asks for it. What befalls it there costs the run nothing."""
        if self.run.kind != Run.Kind.WEIGHTS or not self.run.package.manifest.get("robustness"):
            return None
        self.stage = "stressing"
        stressed = sandbox.shared().run(
            "evaluators.child:stress",
            self.request(package) | {"public": _public_cases(self.run.package, package)["public"]},
            work=self.folder / "stressed",
            given={"answer": self.folder / "answer", "inputs": package / "inputs"},
            limits=_limits(self.run),
            heard=lambda message: self.hear(message, 60, 80),
            beat_seconds=BEAT_SECONDS,
        )
        if stressed.status == "stopped":
            raise Lost
        return stressed

    def score(self, package: Path, stressed: sandbox.Outcome | None) -> sandbox.Outcome:
        """Child 2: sees labels and the plain arrays of child 1; none of the participant's bytes."""
        self.stage = "scoring"
        given = {"package": package, "predicted": self.folder / "predicted"}
        if stressed and stressed.status == "done":
            given["stressed"] = self.folder / "stressed"
        public = _public_cases(self.run.package, package)["public"]
        return sandbox.shared().run(
            "evaluators.child:score",
            {"manifest": self.run.package.manifest, "public": public},
            work=self.folder / "scored",
            given=given,
            limits=sandbox.Limits(),
            heard=lambda message: self.hear(message, 80, 100),
            beat_seconds=BEAT_SECONDS,
        )

    def hear(self, message: dict, low: float, high: float) -> bool:
        """A child's progress, and at least every three seconds a sign that the lease must be renewed."""
        changed = False
        if "progress" in message:
            progress = low + (high - low) * min(max(float(message["progress"]), 0), 100) / 100
            opened = self.opened or (message.get("opened") is True and self.run.kind == Run.Kind.WEIGHTS)
            changed = int(progress) // 5 > int(self.progress) // 5 or opened != self.opened
            self.progress, self.opened = max(progress, self.progress), opened
        if message and not changed:
            return True
        return self.beat()

    def alive(self) -> None:
        """Renew the lease between chunks of a long fetch, where it is time to."""
        if time.monotonic() - self.renewed > BEAT_SECONDS and not self.beat():
            raise Lost

    def beat(self) -> bool:
        self.renewed = time.monotonic()
        return runs.beat(self.lease, self.stage, self.progress, self.opened)

    def end(self, outcome: sandbox.Outcome, theirs: bool) -> None:
        """Store how a run ended that did not come to a score."""
        if stopping.is_set() and runs.release(self.lease):
            return
        told = f"{outcome.status} {outcome.error}\n{outcome.log}".strip()
        if outcome.status == "stopped":
            raise Lost
        if outcome.status == "rejected":
            runs.reject(self.lease, outcome.error or "faults", outcome.faults, count=outcome.count, log=told)
        elif theirs and outcome.status in MET:
            runs.reject(self.lease, outcome.status, [MET[outcome.status].as_dict()], log=told)
        else:
            log.error("run %s: %s", self.run.pk, told)
            runs.fail(self.lease, "internal", log=told)

    def store(self, predicted: sandbox.Outcome, stressed: sandbox.Outcome | None, scored: sandbox.Outcome) -> None:
        robust = scored.value.get("robustness") or {}
        if stressed and stressed.status != "done":
            robust = {"error": stressed.status}
        rows = [Score(**{name: row[name] for name in ROW}) for row in scored.value["scores"]]
        details = blobs.put_path(self.folder / "scored" / "details.npz")
        finished = runs.finish(
            self.lease,
            rows,
            details=details.sha256,
            safety=scored.value.get("safety", []),
            provenance=provenance.of(self.run, predicted, scored, self.folder / "answer"),
            robustness=robust,
            log=(predicted.log + (stressed.log if stressed else "") + scored.log)[-20_000:],
        )
        if not finished:
            raise Lost


ROW = ("metric", "subset", "part", "value", "low", "high", "error", "n", "patients", "method", "reason")


def _public_cases(row, package: Path) -> dict:
    """Ids and inputs of the cases, in case order, and the places of the public ones: of cases.csv, children that open an
    answer are told no more. Kept beside the package."""
    path = package.with_name(f"{package.name}.cases.json")
    if not path.exists():
        cases = read_cases(row.manifest, package / "cases.csv")
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")  # runs of one worker share the folder
        public = [place for place in range(len(cases)) if cases.split is None or cases.split[place] == "public"]
        draft.write_text(json.dumps({"ids": list(cases.ids), "inputs": list(cases.inputs or []), "public": public}))
        draft.rename(path)
    return json.loads(path.read_text())


def _threads() -> int:
    return max(1, len(os.sched_getaffinity(0)))


def _limits(run: Run) -> sandbox.Limits:
    """What a child that opens the answer may use."""
    allowed = manifest.run_limits(run.package.manifest)
    wall = float(allowed["seconds"])
    return sandbox.Limits(
        memory=int(allowed["memory_bytes"]), wall=wall, cpu=int(wall * (_threads() + 1)), processes=128 + 4 * _threads()
    )


def _look_limits(run: Run) -> sandbox.Limits:
    """Time to read the weights and to run them once; memory as in the full run."""
    full = _limits(run)
    wall = min(full.wall, LOOK_SECONDS)
    return replace(full, wall=wall, cpu=int(wall * (_threads() + 1)))
