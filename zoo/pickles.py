"""What a pickle would import if somebody loaded it: picklescan's reading of its opcodes, as a hint and no more.

Nothing is loaded here. A pickle that a scan finds harmless can still run code, so a pickle stays marked whatever this says.
"""

import io
import logging
import zipfile
from importlib import metadata
from typing import BinaryIO

from picklescan.scanner import SafetyLevel, scan_pickle_bytes

logging.getLogger("picklescan").setLevel(logging.CRITICAL)  # what it finds is told on the page
LIMIT = 512 << 10  # bytes of one pickle that are looked at: PyTorch's index of 5,000 tensors
SHOWN = 30  # imports kept
MEMBERS = 20
VERSION = metadata.version("picklescan")
WORDS = {SafetyLevel.Dangerous: "dangerous", SafetyLevel.Suspicious: "suspicious", SafetyLevel.Innocuous: "innocuous"}
ORDER = ("dangerous", "suspicious", "innocuous")


def scan(file: BinaryIO) -> dict:
    """{"verdict", "imports": [{"module", "name", "safety"}], "whole"} of the pickles that follow each other in a file.

    The verdict is that of the worst import, or "unreadable"; `whole` is false where only a part was looked at.
    """
    start = file.read(LIMIT + 1)
    return _told([_scan(start[:LIMIT])], len(start) <= LIMIT)


def scan_archive(archive: zipfile.ZipFile, names: list[str]) -> dict:
    """The same of the pickles inside of an archive."""
    found, whole = [], len(names) <= MEMBERS
    for name in names[:MEMBERS]:
        try:
            with archive.open(name) as member:
                start = member.read(LIMIT + 1)
        except (
            zipfile.BadZipFile,
            OSError,
            RuntimeError,
            NotImplementedError,
            EOFError,
            ValueError,
            zipfile.zlib.error,
        ):
            found.append(None)
            continue
        whole &= len(start) <= LIMIT
        found.append(_scan(start[:LIMIT]))
    return _told(found, whole)


def _scan(content: bytes) -> dict[tuple[str, str], str] | None:
    """{(module, name): safety}; None where it cannot be read as a pickle."""
    try:
        result = scan_pickle_bytes(io.BytesIO(content), "pickle")
    except Exception:  # it reads what strangers wrote: any failure means the same
        return None
    if result.scan_err and not result.globals:
        return None
    return {(str(each.module)[:100], str(each.name)[:100]): WORDS[each.safety] for each in result.globals}


def _told(found: list[dict | None], whole: bool) -> dict:
    imports: dict[tuple[str, str], str] = {}
    for each in found:
        imports |= each or {}
    rows = [{"module": module, "name": name, "safety": safety} for (module, name), safety in imports.items()]
    rows.sort(key=lambda row: (ORDER.index(row["safety"]), row["module"], row["name"]))
    if rows:
        verdict = rows[0]["safety"]
    else:
        verdict = "unreadable" if None in found else "innocuous"
    return {"verdict": verdict, "imports": rows[:SHOWN], "whole": whole and None not in found}
