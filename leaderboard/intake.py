"""Uploaded benchmark packages: who may send how much, and their first look, in which no native parser sees a byte in this
process.

An organiser is trusted with held-out data but not with the server: a zip is unpacked within limits by Python code, its
references and inputs are opened in a sandboxed child alone, and where there is no sandbox nothing is taken. What is
beyond these limits is loaded on the server itself, by `manage.py load_benchmark`.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from evaluators import contents, layout, sandbox
from evaluators.contents import PackageFolder
from evaluators.faults import Fault, Faults, Findings
from zoo import throttle
from zoo.errors import Refused

log = logging.getLogger(__name__)

PER_HOUR = 30  # packages of one user
FORM_BYTES = 1 << 20  # what the fields beside the file may add
MAX_FILES = 200_000
UNPACKED = 8  # times the largest upload
MAX_TABLE = 32 << 20  # bytes of cases.csv or readers.csv, which are held in memory
LIMITS = sandbox.Limits(memory=4 << 30, wall=300, cpu=300, disk=1 << 30)
FACTS = ("geometry",)  # what opening the files may add to the manifest
ON_THE_SERVER = "Ask the operator to load it on the server: manage.py load_benchmark PATH."
BEYOND = {
    "memory": "more memory was needed to read the package than there is for an upload",
    "time": "reading the package took longer than there is time for in an upload",
    "disk": "reading the package took more room than there is for an upload",
    "crashed": "reading the package crashed its reader",
}


def max_bytes() -> int:
    """The largest package that is taken by form or REST, in bytes."""
    return settings.MAX_PREDICTION_BYTES


def admit(user, length: int) -> None:
    """Count one upload of this user, before its bytes are read. Raises Refused: 413, 429."""
    if length > max_bytes() + FORM_BYTES:
        raise Refused("too_large", f"At most {max_bytes():,} bytes are taken here.", ON_THE_SERVER, status=413)
    if not throttle.hit(f"package:{user.pk}", PER_HOUR, 3600):
        refusal = Refused("too_many", f"More than {PER_HOUR} packages in an hour.", "Try again in an hour.", status=429)
        refusal.headers["Retry-After"] = "3600"
        raise refusal


@contextmanager
def unpacked(path: Path, filename: str = "") -> Iterator[Path]:
    """The root of a package: a folder itself, or a zip unpacked for as long as the context lasts. Raises Faults.

    filename: what the sender of an upload called it; then the limits of uploads hold.
    """
    found = Findings(filename or path.name)
    limits = {}
    if filename:
        limits = {"most_files": MAX_FILES, "most_bytes": UNPACKED * max_bytes()}
    root, folder = layout.unpack(path, found, within=settings.FILE_UPLOAD_TEMP_DIR, **limits)
    try:
        yield root
    finally:
        if folder:
            folder.cleanup()


def read(root: Path) -> PackageFolder:
    """An unpacked upload with every fault at once; its references and inputs are opened in the sandbox alone.

    Raises Faults, or Refused (503) where no sandbox is to be had.
    """
    for table in (root / layout.CASES, root / layout.READERS):
        if table.is_file() and table.stat().st_size > MAX_TABLE:
            message = f"the table has {table.stat().st_size:,} bytes, and {MAX_TABLE:,} are read of an upload"
            raise Faults([Fault(message, ON_THE_SERVER, file=table.name)])
    return contents.read(root, _told(root))


def _told(root: Path) -> dict:
    for path in (root, *root.rglob("*")):  # whatever this process's umask: the child is another user
        path.chmod(0o755 if path.is_dir() else 0o644)
    for _ in range(2):  # a child may be killed for what others do to this machine's memory
        with tempfile.TemporaryDirectory(prefix="look-", dir=settings.FILE_UPLOAD_TEMP_DIR) as work:
            outcome = sandbox.shared().run(
                "evaluators.child:package", {}, work=Path(work), given={"package": root}, limits=LIMITS
            )
        if outcome.status not in ("crashed", "killed"):
            break
    if outcome.status == "done":
        return {name: outcome.value[name] for name in FACTS if name in outcome.value}
    if outcome.status == "rejected":
        raise Faults([Fault(**fault) for fault in outcome.faults], outcome.count)
    log.warning("first look at a package: %s %s\n%s", outcome.status, outcome.error, outcome.log)
    if outcome.status in BEYOND:
        raise Faults([Fault(BEYOND[outcome.status], ON_THE_SERVER)])
    raise Refused(
        "not_examined", "The package could not be examined here; nothing was kept.", ON_THE_SERVER, status=503
    )
