"""The course of the demonstration: what is built, handed in, evaluated and published, several benchmarks side by side."""

import os
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections

from evaluators.faults import Faults
from evaluators.models import Run
from leaderboard import standings
from leaderboard.demo import Demo, _artefacts, _data, _publishing
from leaderboard.models import Benchmark, Submission
from zoo.errors import Refused

QUICK = 20  # seconds
STALLED = 300  # seconds without any progress of any run, after which no worker can be there


class Stalled(Exception):
    """Nothing moves any more."""


class Show:
    """Builds several demos side by side, hands each in as soon as it is there, and publishes it when it is scored."""

    def __init__(self, chosen: dict[str, Demo], say, alive=lambda: True):
        self.chosen, self.say, self.alive = chosen, say, alive
        self.building: dict[Future, str] = {}
        self.steps: dict[str, str] = {}
        self.made: dict[str, Benchmark] = {}
        self.entries: dict[str, list[Submission]] = {}
        self.told: set[int] = set()
        self.settled: set[str] = set()
        self.skipped: list[str] = []
        self.failed: list[str] = []
        self.moved, self.state = time.monotonic(), None

    def work(self) -> None:
        # Quick ones first, so that there is something to evaluate while the others train; of those the longest first.
        order = sorted(self.chosen.items(), key=lambda item: (item[1].seconds > QUICK, -item[1].seconds))
        with ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)))) as pool:
            try:
                for name, demo in order:
                    self.building[pool.submit(_artefacts.build, name, demo, self._hear(name))] = name
                while self.building or self._open():
                    self._take()
                    self._look()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                _artefacts.stop()
                raise
        self._look()

    def boards(self):
        return [standings.table(self.made[name], AnonymousUser()) for name in self.chosen if name in self.settled]

    def _hear(self, name: str):
        def hear(message: dict) -> None:
            if "step" in message:
                self.steps[name] = message["step"]

        return hear

    def _take(self) -> None:
        """Hand in what was built since the last look."""
        done, _ = wait(self.building, timeout=0.4, return_when=FIRST_COMPLETED) if self.building else (set(), None)
        if not self.building:
            time.sleep(0.4)
        for future in done:
            name = self.building.pop(future)
            try:
                place = future.result()
            except _data.Missing as missing:
                self.skipped.append(f"{name}. {missing}")
                self.say.line(f"{name}: skipped, its data is not here")
            except _artefacts.Failed as failure:
                self.failed.append(str(failure))
                self.say.line(f"{name}: could not be built")
            else:
                self._hand_in(name, place)

    def _hand_in(self, name: str, place) -> None:
        demo = self.chosen[name]
        try:
            if demo.literature:
                found = _publishing.task(place, demo)
                self.say.line(f"{name}: {found.claims.count()} published claims")
                return
            self.made[name] = made = _publishing.benchmark(place, demo)
            self.entries[name] = found = _publishing.submit(made, demo, place)
        except (Faults, Refused) as error:
            self.failed.append(f"{name}: {error}")
            self.say.line(f"{name}: not taken")
            return
        known = sum(submission.reused for submission in found)
        already = f", {known} of them evaluated before" if known else ""
        self.say.line(f"{name}: {made.package.cases:,} cases, {len(found)} entries handed in{already}")

    def _open(self) -> bool:
        return len(self.settled) < len(self.entries)

    def _look(self) -> None:
        """Tell what came to an end, publish the benchmarks that are complete."""
        close_old_connections()
        runs = {
            run.pk: run
            for run in Run.objects.filter(submissions__in=[s for found in self.entries.values() for s in found])
            .distinct()
            .only("pk", "status", "stage", "progress", "error", "faults", "started", "finished")
        }
        for name, found in self.entries.items():
            for submission in found:
                self._tell(name, submission, runs[submission.run_id])
            if name not in self.settled and not any(runs[each.run_id].status in Run.OPEN for each in found):
                self.made[name] = _publishing.settle(self.made[name])
                self.settled.add(name)
        self._pulse(runs)

    def _tell(self, name: str, submission: Submission, run: Run) -> None:
        if run.status in Run.OPEN or submission.pk in self.told:
            return
        self.told.add(submission.pk)
        if run.status != Run.Status.SCORED:
            self.failed.append(f"{name}, {submission.name}: {run.status} {run.error} {run.faults or ''}".rstrip())
            self.say.line(f"{name}: {submission.name}: {run.status}")
        elif not submission.reused:
            self.say.line(f"{name}: {submission.name}: scored in {(run.finished - run.started).total_seconds():.0f} s")

    def _pulse(self, runs: dict[int, Run]) -> None:
        """The live line; and an end where nothing moves any more."""
        open_runs = [run for run in runs.values() if run.status in Run.OPEN]
        state = [(run.pk, run.status, run.stage, run.progress) for run in open_runs], dict(self.steps)
        if state != self.state or self.building:
            self.moved, self.state = time.monotonic(), state
        if open_runs and not self.alive():
            raise Stalled("The worker does not start; its log says why.")
        if time.monotonic() - self.moved > STALLED:
            raise Stalled(f"No run has moved for {STALLED} s: is a worker running? `make serve` starts one.")
        parts = [f"building {name} ({self.steps[name]})" for name in self.building.values() if name in self.steps]
        names = {each.run_id: f"{name}, {each.name}" for name, found in self.entries.items() for each in found}
        running = [f"{names[run.pk]} ({run.progress} %)" for run in open_runs if run.status == Run.Status.RUNNING]
        waiting = sum(run.status == Run.Status.QUEUED for run in open_runs)
        parts += ["evaluating " + " and ".join(running)] if running else []
        parts += [f"{waiting} waiting"] if waiting else []
        self.say.live("; ".join(parts))
