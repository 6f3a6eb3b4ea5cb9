"""A worker's own copies of package files, by digest: fetched once, checked against their SHA-256, read-only.

A package appears whole or not at all, so that two workers on one disk may fetch the same one at the same time.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from evaluators.models import Package
from zoo import blobs

KEPT = 40  # packages; the ones used longest ago go first


class Corrupt(OSError):
    """The storage gave other bytes than those that were put there."""


def package(row: Package, alive: Callable[[], None] = lambda: None) -> Path:
    """The folder of a package: `cases.csv`, `reference/`, `inputs/`. `alive` is called between files."""
    folder = settings.DATA_DIR / "cache" / row.digest
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
        try:
            draft.chmod(0o755)
            for name in ("inputs", "reference"):  # always there, for the sandbox to bind
                (draft / name).mkdir()
            fetch({path: facts["sha256"] for path, facts in row.files.items()}, draft, alive)
            os.rename(draft, folder)
        except OSError:
            if not folder.is_dir():  # else another worker was quicker
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _forget(folder.parent)
    os.utime(folder)
    return folder


def fetch(files: dict[str, str], folder: Path, alive: Callable[[], None] = lambda: None) -> None:
    """Copy blobs {relative path: sha256} to `folder`, readable by anyone who is shown it. Raises Corrupt."""
    for path, sha256 in files.items():
        target = folder / path
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{path!r} leads out of its folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with blobs.open(sha256) as source, target.open("xb") as out:
            while chunk := source.read(4 << 20):
                digest.update(chunk)
                out.write(chunk)
                alive()
        if digest.hexdigest() != sha256:
            raise Corrupt(f"blob {sha256} is damaged in the storage")
        target.chmod(0o444)


def _forget(folder: Path) -> None:
    """Remove the packages used longest ago, and drafts that a killed worker left."""
    known = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    drafts = [path for path in known if path.name.startswith(".draft-") and path.stat().st_mtime < time.time() - 86400]
    whole = [path for path in known if not path.name.startswith(".draft-")]
    for path in drafts + whole[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)
