"""A worker's side of prepared inputs: decoded and preprocessed once for each benchmark and declaration, found by later runs.

No process that holds a participant's weights writes what another run reads. The child with the network only says how it
wants its inputs, as data; a second child, which sees inputs and that declaration and no weights, prepares them while the
first is already computing, and this process puts them away under a digest of the inputs' own digests, the declaration and
the code. A folder holds the inputs of one benchmark version alone, so that no network sees another benchmark's.
"""

import functools
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path

from django.conf import settings

from evaluators import prepared, sandbox

MOST_DECLARED = 256 << 10  # bytes of a declaration
CODE = ("readers", "steps", "prepared.py", "runners/inputs.py")  # what decides about the numbers
LIBRARIES = ("numpy", "scipy", "pillow", "nibabel", "pydicom")
FAILED = ("rejected", "error", "memory", "time", "disk", "crashed", "killed")


class Preparation:
    """The prepared inputs of one run. A context manager: at its end the second child has ended too.

    `folder` is for the first child to read; `hear` is given its messages, and says whether it may go on.
    """

    def __init__(self, files: dict, package: Path, folder: Path, inputs: list[str], limits: sandbox.Limits):
        """`files`: the facts of the package's files by name; `inputs`: names of the cases' inputs, in case order."""
        self.files, self.package, self.folder, self.inputs, self.limits = files, package, folder, inputs, limits
        self.found = False  # whether another run left them
        self.outcome: sandbox.Outcome | None = None
        self._thread: threading.Thread | None = None
        self._begun = self._stopped = False
        folder.mkdir()

    def __enter__(self) -> "Preparation":
        return self

    def __exit__(self, *_) -> None:
        self._stopped = True
        if self._thread:
            self._thread.join()

    @property
    def failed(self) -> bool:
        return self.outcome is not None and self.outcome.status in FAILED

    def hear(self, message: dict) -> bool:
        """Begin at the first declaration that the network's child tells; False once it waits in vain."""
        if not self._begun and isinstance(message.get("declares"), dict):
            self._begun = True
            self._begin(message["declares"])
        return not self.failed

    def _begin(self, declares: dict) -> None:
        text = json.dumps(declares, sort_keys=True)
        room = _room()
        if len(text) > MOST_DECLARED or room <= 0:
            (self.folder / prepared.END).write_text(json.dumps({"declined": True}))
            return
        kept = _home() / _key(self.files, self.inputs, text)
        if prepared.is_whole(kept, len(self.inputs)):
            os.utime(kept)
            _link(kept, self.folder)
            self.found = True
            return
        self._thread = threading.Thread(target=self._prepare, args=(declares, kept, room), name="prepare")
        self._thread.start()

    def _prepare(self, declares: dict, kept: Path, room: int) -> None:
        try:
            self.outcome = sandbox.shared().run(
                "evaluators.child:prepare",
                {"inputs": self.inputs, "declares": declares, "most_bytes": min(room, self.limits.disk // 2)},
                work=self.folder,
                given={"inputs": self.package / "inputs"},
                limits=self.limits,
                heard=lambda message: not self._stopped,
                beat_seconds=0.5,
            )
        except Exception as error:
            self.outcome = sandbox.Outcome("error", error=str(error)[:200])
            raise
        if self.outcome.status == "done" and prepared.is_whole(self.folder, len(self.inputs)):
            _keep(self.folder, kept)


def _home() -> Path:
    home = settings.DATA_DIR / "prepared"
    home.mkdir(parents=True, exist_ok=True)
    return home


def _room() -> int:
    """Bytes that one run's inputs may take: half of what is set aside, and half of what the disk has left."""
    return min(settings.PREPARED_BYTES, shutil.disk_usage(_home()).free) // 2


def _key(files: dict, inputs: list[str], declares: str) -> str:
    contents = sorted((name, facts["sha256"]) for name, facts in files.items() if name.startswith("inputs/"))
    return hashlib.sha256(json.dumps([contents, inputs, declares, _code()]).encode()).hexdigest()


@functools.cache
def _code() -> str:
    """A digest of the code that reads and prepares, and of the libraries that it uses."""
    found, here = hashlib.sha256(), Path(__file__).resolve().parent
    for name in CODE:
        for path in sorted((here / name).rglob("*.py")) or [here / name]:
            found.update(path.read_bytes())
    found.update(repr([metadata.version(name) for name in LIBRARIES]).encode())
    return found.hexdigest()


def _link(source: Path, target: Path) -> None:
    """The files of `source` in `target`, without a copy where that is possible: arrays, which a reader waits for, after the facts
    about them, and what says that all are whole last."""
    entries = [entry for entry in os.scandir(source) if entry.is_file(follow_symlinks=False)]
    for entry in sorted(entries, key=lambda entry: (entry.name == prepared.END, entry.name.endswith(".npy"))):
        try:
            os.link(entry.path, target / entry.name, follow_symlinks=False)
        except OSError:
            shutil.copyfile(entry.path, target / entry.name)


def _keep(folder: Path, kept: Path) -> None:
    """Put whole inputs away, read-only and ours, and forget those that were used longest ago."""
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=kept.parent))
    try:
        _link(folder, draft)
        for entry in os.scandir(draft):
            if os.geteuid() == 0:
                os.chown(entry.path, 0, 0)
            os.chmod(entry.path, 0o444)
        draft.chmod(0o755)
        os.rename(draft, kept)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not kept.is_dir():  # else another worker was quicker
            raise
    forget(settings.PREPARED_BYTES)


def forget(most_bytes: int) -> None:
    """Remove what was used longest ago until the rest fits, and drafts that a killed worker left."""
    folders = sorted((path for path in _home().iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    total = 0
    for path in reversed(folders):
        draft = path.name.startswith(".draft-")
        if draft and path.stat().st_mtime > time.time() - 86_400:
            continue
        total += 0 if draft else prepared.size(path)
        if draft or total > most_bytes:
            shutil.rmtree(path, ignore_errors=True)
