"""Keeps the processes of one machine running: starts them, restarts the one that dies, ends all together.

Every child is told by the kernel to end when this process does, so that not even SIGKILL leaves one behind.
"""

import ctypes
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

PAUSE, LONGEST_PAUSE = 0.5, 10.0  # seconds before a restart; doubled when a process keeps dying within ...
SETTLED = 20.0  # ... this long after its start
GRACE = 20.0  # seconds between being asked to end and being made to

_libc = ctypes.CDLL(None)


@dataclass
class Part:
    """One process to keep: its name in the log, its command, what to do before each start."""

    name: str
    command: list[str]
    before: Callable[[], None] = lambda: None
    refusal: int | None = None  # the exit code with which it says that no restart will help
    log: Path | None = None  # where its output goes; None: where ours goes
    process: subprocess.Popen | None = None
    started: float = 0.0
    pause: float = PAUSE
    due: float = 0.0


class Supervisor:
    """Runs parts until SIGTERM or SIGINT. Parts end in the reverse order of their start."""

    def __init__(self, parts: list[Part], say=print):
        self.parts, self.say = parts, say
        self.ending = threading.Event()

    def run(self) -> int:
        """Until asked to end; the exit code: 0, or that of a part that refused to start."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.ending.set())
        return self._keep()

    @contextmanager
    def beside(self) -> Iterator[Callable[[], bool]]:
        """Keep the parts running while the body of a `with` runs, and end them after it.

        Gives a function that says whether they are still kept: no longer, once a part refused to start.
        """
        thread = threading.Thread(target=self._keep, name="supervisor")
        thread.start()
        try:
            yield thread.is_alive
        finally:
            self.ending.set()
            thread.join()

    def _keep(self) -> int:
        code = 0
        try:
            while not self.ending.is_set() and not code:
                code = self._look()
                self.ending.wait(0.2)
        finally:
            self._end()
        return code

    def _look(self) -> int:
        now = time.monotonic()
        for part in self.parts:
            if part.process and part.process.poll() is not None:
                code, part.process = part.process.returncode, None
                if code == part.refusal:
                    self.say(f"{part.name} refuses to run; see above.")
                    return code
                part.pause = PAUSE if now - part.started > SETTLED else min(part.pause * 2, LONGEST_PAUSE)
                part.due = now + part.pause
                self.say(f"{part.name} ended ({_said(code)}); it starts again in {part.pause:.1f} s.")
            if part.process is None and now >= part.due:
                self._start(part)
        return 0

    def _start(self, part: Part) -> None:
        part.before()
        with part.log.open("ab") if part.log else nullcontext() as log:
            part.process = subprocess.Popen(
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,
                start_new_session=True,
            )
        part.started = time.monotonic()

    def _end(self) -> None:
        for part in reversed(self.parts):
            if part.process and part.process.poll() is None:
                part.process.terminate()
                try:
                    part.process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    self.say(f"{part.name} does not end; it is killed.")
                    part.process.kill()
                    part.process.wait()


def worker(concurrency: int, log: Path | None = None) -> Part:
    """A Celery worker that evaluates this many runs at the same time."""
    command = ["-m", "celery", "--quiet", "-A", "evaluators.celery:app", "worker", "--queues", "gpu,cpu"]
    command += ["--concurrency", str(concurrency), "--loglevel", "WARNING"]
    return Part("worker", python(*command), refusal=3, log=log)


def end_with_parent() -> None:
    """The kernel kills this process when its parent ends; for `preexec_fn`."""
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)


def _said(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def python(*arguments: str) -> list[str]:
    """A command of this very interpreter."""
    return [sys.executable, *arguments]
