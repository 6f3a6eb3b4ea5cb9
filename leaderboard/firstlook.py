"""The first look at an uploaded prediction file, before anything is kept: tables are checked whole.

Text is read in this process; Parquet, which only a native parser can read, in a sandboxed child. Volumes in archives are
looked at by their listing; the run reads them.
"""

import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from evaluators import readers, sandbox, sniff
from evaluators.faults import Fault, Faults

log = logging.getLogger(__name__)

LIMITS = sandbox.Limits(memory=4 << 30, wall=60, cpu=60, disk=4 << 30)
BEYOND = {
    "memory": "more memory was needed to read the file than there is",
    "time": "reading the file took too long",
    "disk": "the file unpacks to more than there is room for",
    "crashed": "reading the file crashed its reader",
}


def check(manifest: dict, case_ids: list[str], path: Path, filename: str) -> None:
    """Raise Faults with every fault of the file, by line and column of the participant's own file."""
    whole = readers.check(manifest, case_ids, path, filename)
    if not whole and kind(path) == "parquet":
        _in_sandbox(manifest, case_ids, path, filename)


def kind(path: Path) -> str:
    """What the file is by its first bytes, whatever it is called: csv, json, parquet, zip, ..."""
    return sniff.kind(sniff.head(path))[0]


def _in_sandbox(manifest: dict, case_ids: list[str], path: Path, filename: str) -> None:
    with tempfile.TemporaryDirectory(prefix="look-", dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        given, work = Path(folder, "answer"), Path(folder, "work")
        given.mkdir()
        work.mkdir()
        _lend(path, given / "upload")
        request = {"manifest": manifest, "ids": list(case_ids), "names": ["upload"]}
        for _ in range(
            2
        ):  # a child may be killed for what others do to this machine's memory: that is not the file's fault
            try:
                outcome = sandbox.shared().run(
                    "evaluators.child:read", request, work=work, given={"answer": given}, limits=LIMITS
                )
            except sandbox.Impossible:
                log.exception("the sandbox is not possible here; the run will read the file")
                return
            if outcome.status != "crashed":
                break
    if outcome.status == "rejected":
        faults = [Fault(**fault | {"file": filename}) for fault in outcome.faults]
        raise Faults(faults, outcome.count)
    if outcome.status != "done":
        log.warning("first look at an upload: %s %s\n%s", outcome.status, outcome.error, outcome.log)
    if outcome.status in BEYOND:
        hint = "Save it again with a current version of its library, or send CSV."
        raise Faults([Fault(BEYOND[outcome.status], hint, file=filename)])


def _lend(path: Path, target: Path) -> None:
    """The file alone in a folder of its own, readable by the sandbox's user; without a copy where that is possible."""
    if os.stat(path).st_mode & 0o004:
        with suppress(OSError):
            os.link(path, target)
            return
    shutil.copyfile(path, target)
    target.chmod(0o644)
