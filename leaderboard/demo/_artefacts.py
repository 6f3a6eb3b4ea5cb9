"""What was built, kept in KENSA_DATA_DIR/demo under the digest of what it was built from, so that nothing is made twice.

A build happens in a process of its own, in a folder that gets its name only when it is whole: a build that was cut off
leaves nothing that a later one could take for finished.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from evaluators.supervisor import end_with_parent
from leaderboard.demo import Demo, _data

MISSING = 3  # exit code of a build whose data is not here
# One thread a build: the same machine makes the same weights again, and two builds share two cores.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SHARED = ("__init__", "_data", "_pictures", "_writing")
_children: set[subprocess.Popen] = set()


class Failed(Exception):
    """A build that ended with an error; the message holds the last lines it wrote."""


def digest(name: str, demo: Demo) -> str:
    """SHA-256 over the sources of a demo and the names and sizes of its data."""
    known = hashlib.sha256()
    for module in (name, *SHARED, *demo.modules):
        known.update((Path(__file__).parent / f"{module}.py").read_bytes())
    known.update(json.dumps([_data.fingerprint(need) for need in (*demo.needs, *demo.wants)]).encode())
    return known.hexdigest()


def folder(name: str, demo: Demo) -> Path:
    return settings.DATA_DIR / "demo" / f"{name}-{digest(name, demo)[:16]}"


PICTURE = "picture.png"


def package(place: Path) -> Path:
    return place / "package"


def answer(place: Path, number: int) -> Path:
    """What entry `number` made: a prediction file, or a model folder."""
    entries = place / "entries"
    return entries / (entries / f"{number}.made").read_text().strip()


def note(entry: Path, path: Path) -> None:
    """Keep which of an entry's files is its answer."""
    entry.with_suffix(".made").write_text(str(path.relative_to(entry.parent)) + "\n")


def built(name: str, demo: Demo) -> bool:
    return folder(name, demo).is_dir()


def build(name: str, demo: Demo, tell: Callable[[dict], None]) -> Path:
    """The folder of a built demo; builds it where it is not there. `tell` gets {"step", "number", "of"} as it works.

    Raises _data.Missing where data is not here, and Failed with the end of what the build wrote.
    """
    target = folder(name, demo)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    work = target.parent / f"{target.name}.{os.getpid()}.partial"
    log = work.with_suffix(".log")
    try:
        work.mkdir()
        code, missing = _run(name, work, log, tell)
        if code == MISSING:
            raise _data.Missing(missing)
        if code:
            raise Failed(f"building {name} ended with {code}:\n" + log.read_text(errors="replace")[-2000:])
        target = folder(name, demo)  # data may have been downloaded: its fingerprint belongs to the name
        if not target.is_dir():
            work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        log.unlink(missing_ok=True)
    return target


def _sweep(folder: Path) -> None:
    """Remove what builds left whose process was killed."""
    for path in [*folder.glob("*.partial"), *folder.glob("*.[0-9]*.log")]:
        if not Path("/proc", path.suffixes[-2].removeprefix(".")).exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _run(name: str, work: Path, log: Path, tell: Callable[[dict], None]) -> tuple[int, str]:
    missing = ""
    environment = {**os.environ, **THREADS, "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
    command = [sys.executable, "-m", "leaderboard.demo", name, str(work)]
    with log.open("w") as errors:
        child = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=end_with_parent,
        )
        _children.add(child)
        try:
            for line in child.stdout:
                if line.startswith("{"):
                    message = json.loads(line)
                    missing = message.get("missing", missing)
                    tell(message)
            return child.wait(), missing
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            _children.discard(child)


def stop() -> None:
    """End every build of this process."""
    for child in list(_children):
        child.kill()
