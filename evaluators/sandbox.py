"""Runs a function in a fresh child process that sees only what it is given, and stops it at its limits.

The child has no network, no file of the machine but the interpreter and the given paths (read-only), one folder to write
to, a clean environment, and ends with this process. KENSA_SANDBOX=none takes the walls away (limits stay), for a site whose
containers are the walls; otherwise a machine that does not allow them is an error, never a silent exception.
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PRELOADED = ("evaluators.child",)
LOOK_SECONDS = 0.25  # how often memory and disk are measured
LOG_BYTES = 64 << 10
WALLS = "the sandbox does not work on this machine:"
LINE_BYTES, MESSAGE_BYTES = 4 << 20, 64 << 20


class Impossible(RuntimeError):
    """This machine does not allow the sandbox; the message tells the operator what to do."""


@dataclass(frozen=True)
class Limits:
    """What a child may use; `cpu` counts the seconds of all its threads, `processes` counts threads too."""

    memory: int = 8 << 30
    wall: float = 3600
    cpu: int = 4 * 3600
    processes: int = 256
    disk: int = 32 << 30


@dataclass
class Outcome:
    """How a child ended.

    `status`: done (see `value`) | rejected (see `faults`, `count`: the answer is at fault) | error (ours, see `log`) |
    memory | time | disk | crashed (a limit met, or a crash, inside the child) | stopped (by the caller) | killed (from outside:
    by the machine when it is short of memory, by a person, or with the worker).
    """

    status: str
    value: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    count: int = 0
    error: str = ""
    log: str = ""
    memory: int = 0  # peak, bytes
    seconds: float = 0.0


class Sandbox:
    """The door to one zygote process, which is started when first needed and again if it was killed. Safe for threads."""

    def __init__(self, modules: tuple[str, ...] = PRELOADED, walls: bool | None = None):
        self.modules = modules
        self.walls = os.environ.get("KENSA_SANDBOX", "") != "none" if walls is None else walls
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen | None = None

    def run(
        self,
        entry: str,
        request: dict,
        *,
        work: Path,
        given: Mapping[str, Path] = {},
        limits: Limits = Limits(),
        heard: Callable[[dict], bool] = lambda message: True,
        beat_seconds: float = 3.0,
    ) -> Outcome:
        """Call `entry` ("module:function", of a preloaded module) in a fresh child.

        `work`: a folder the child may write to, its /out. `given`: {name: path}, read-only, at /in/<name>. `heard` is
        called with each progress message, and with {} at least every `beat_seconds`; False from it stops the child.
        """
        with tempfile.TemporaryDirectory(prefix="root-", dir=Path(work).resolve().parent) as root:
            inside = {name: f"/in/{name}" if self.walls else str(path) for name, path in given.items()}
            task = {
                "entry": entry,
                "request": request,
                "walls": self.walls,
                "root": root,
                "work": str(Path(work).resolve()),
                "given": {f"/in/{name}": str(path) for name, path in given.items()},
                "paths": inside | {"out": "/out" if self.walls else str(Path(work).resolve())},
                "limits": asdict(limits),
            }
            child = _Child(task, limits, heard, beat_seconds)
            try:
                self._send(child.ends)
                return child.wait()
            finally:
                child.close()

    def check(self) -> None:
        """Raise Impossible unless a child can be walled in here: the worker's first act."""
        with tempfile.TemporaryDirectory(prefix="kensa-check-") as work:
            outcome = self.run("evaluators.child:nothing", {}, work=Path(work), limits=Limits(wall=60))
        if outcome.error.startswith(WALLS):
            raise Impossible(outcome.error)
        if outcome.status != "done":
            raise RuntimeError(f"the sandbox's first child: {outcome.status} {outcome.error}\n{outcome.log}")

    def close(self) -> None:
        """End the zygote, and with it every child."""
        with self._lock:
            if self._control:
                self._control.close()
                self._process.wait(10)
            self._control = self._process = None

    def _send(self, fds: list[int]) -> None:
        with self._lock:
            for last in (False, True):
                if self._control is None or self._process.poll() is not None:
                    self._start()
                try:
                    socket.send_fds(self._control, [b"run"], fds)
                    break
                except OSError:
                    self._process.kill()
                    if last:
                        raise
        for fd in fds:
            os.close(fd)
        fds.clear()

    def _start(self) -> None:
        if self._control:
            self._control.close()
            self._process.wait()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evaluators.zygote", str(theirs.fileno()), *self.modules],
                pass_fds=[theirs.fileno()],
                env=environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )


def environment() -> dict[str, str]:
    """The environment of a child: nothing of ours but what numerical libraries need."""
    kept = {
        key: os.environ[key]
        for key in ("NUMBA_CACHE_DIR", "OPENBLAS_CORETYPE", "CUDA_VISIBLE_DEVICES")
        if key in os.environ
    }
    return kept | {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",  # libraries that fork do not mix with threads; runners set their own number
    }


class _Child:
    """The worker's side of one child: its pipes, and the loop that hears, measures and stops."""

    def __init__(self, task: dict, limits: Limits, heard: Callable[[dict], bool], beat_seconds: float):
        self.work, self.limits, self.heard, self.beat_seconds = Path(task["work"]), limits, heard, beat_seconds
        memory = os.memfd_create("request")
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(json.dumps(task).encode())
        self.selector = selectors.DefaultSelector()
        self.ends, self.buffers = [memory], {}
        for name in ("status", "messages", "log"):
            read, write = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(read, False)
            self.selector.register(read, selectors.EVENT_READ, name)
            self.buffers[name] = b""
            self.ends.append(write)
        life, self.life = os.pipe2(os.O_CLOEXEC)
        self.ends.append(life)
        self.outcome = Outcome("killed")
        self.pid = self.started = self.received = 0
        self.ended = False

    def wait(self) -> Outcome:
        """Hear the child until it ends or is stopped."""
        self.started = look = beat = time.monotonic()
        while self.selector.get_map():
            for key, _ in self.selector.select(LOOK_SECONDS):
                self._read(key)
            now = time.monotonic()
            if self.ended and self.pid and now - look > 5:  # it should be gone long ago
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            if not self.ended and now - look >= LOOK_SECONDS:
                look = now
                self._measure(now)
            if not self.ended and now - beat >= self.beat_seconds:
                beat = now
                self._hear({})
        self.outcome.seconds = time.monotonic() - self.started
        self.outcome.log = self.buffers["log"].decode(errors="replace")
        return self.outcome

    def close(self) -> None:
        """Whatever happened, nothing of the child stays behind."""
        self._stop()
        for key in list(self.selector.get_map().values()):
            os.close(key.fd)
        self.selector.close()
        for fd in self.ends:
            os.close(fd)

    def _read(self, key) -> None:
        data = os.read(key.fd, 1 << 16)
        if not data:
            self.selector.unregister(key.fd)
            os.close(key.fd)
            return
        buffer = self.buffers[key.data] + data
        if key.data == "log":
            self.buffers["log"] = buffer[-LOG_BYTES:]
            return
        self.received += len(data)
        *lines, self.buffers[key.data] = buffer.split(b"\n")
        if self.received > MESSAGE_BYTES or len(self.buffers[key.data]) > LINE_BYTES:
            self.buffers[key.data] = b""
            self._end("crashed", "too many messages")
            return
        for line in lines:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    (self._tell if key.data == "messages" else self._status)(message)

    def _tell(self, message: dict) -> None:
        """What the child says of itself: hints, each of the right type or left out."""
        if self.ended:
            return
        outcome = self.outcome
        if isinstance(message.get("done"), dict):
            outcome.value = message["done"]
            outcome.error = "told"
        elif isinstance(message.get("faults"), list):
            outcome.faults = [fault for fault in message["faults"] if isinstance(fault, dict)][:50]
            outcome.count = message["count"] if isinstance(message.get("count"), int) else len(outcome.faults)
        elif isinstance(message.get("error"), str):
            outcome.error = message["error"][:40]
        elif isinstance(message.get("progress"), int | float):
            self._hear(message)

    def _status(self, message: dict) -> None:
        """What the first process, which no untrusted byte reaches, says of the child."""
        if "pid" in message:
            self.pid = message["pid"]
        elif "impossible" in message:
            self._end("error", f"{WALLS} {message['impossible']}")
        elif not self.ended:
            outcome, code = self.outcome, message.get("exit")
            outcome.memory = message.get("memory", 0)
            status = {0: "done", 2: "rejected", 3: "memory", 4: "error", 5: "disk"}.get(code, "crashed")
            ends = {signal.SIGXCPU: "time", signal.SIGXFSZ: "disk", signal.SIGKILL: "killed"}
            status = ends.get(message.get("signal"), status)
            self._end(status, "" if outcome.error == "told" else outcome.error)

    def _hear(self, message: dict) -> None:
        if not self.heard(message):
            self._end("stopped")

    def _measure(self, now: float) -> None:
        if now - self.started > self.limits.wall:
            self._end("time")
        elif _memory_below(self.pid, self.limits.memory) > self.limits.memory:
            self._end("memory")
        elif _disk(self.work) > self.limits.disk:
            self._end("disk")

    def _end(self, status: str, error: str = "") -> None:
        if not self.ended:
            self.ended = True
            self.outcome.status, self.outcome.error = status, error
            self._stop()

    def _stop(self) -> None:
        """The first process ends when `life` closes, and the kernel ends all others of its namespace with it."""
        if self.life is not None:
            os.close(self.life)
            self.life = None


def _memory_below(pid: int, limit: int) -> int:
    """Bytes that the child's processes (those below the two that only wait) hold in memory.

    Pages that processes share count for each of them at first, which is quick, and only once when that exceeds `limit`.
    """
    pids, todo = [], [child for first in _children(pid) for child in _children(first)] if pid else []
    while todo:
        pids.append(todo.pop())
        todo += _children(pids[-1])
    total = sum(_resident(each) for each in pids)
    return total if total <= limit else sum(_resident(each, shared=True) for each in pids)


def _resident(pid: int, shared: bool = False) -> int:
    """Bytes of one process in memory; with `shared`, its share of the pages that it has in common with others."""
    if shared:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for task in os.listdir(f"/proc/{pid}/task") for child in _children_of_task(pid, task)]
    except OSError:
        return []


def _children_of_task(pid: int, task: str) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    return []


def _disk(folder: Path) -> int:
    """Bytes on disk below a folder; an empty file counts as one block."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += max(os.lstat(os.path.join(path, name)).st_blocks * 512, 4096)
    return total


_shared: Sandbox | None = None
_shared_lock = threading.Lock()


def shared() -> Sandbox:
    """A worker's own sandbox, with everything loaded that its children will need."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = Sandbox(modules=("evaluators.preloaded",))
        return _shared
