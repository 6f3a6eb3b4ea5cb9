"""The files of a package, as a folder or a zip: found without following links, and only what belongs there.

A zip is unpacked into a temporary folder after its listing was judged; nothing is ever written beside it.
"""

import os
import re
import stat
import tempfile
import zipfile
from pathlib import Path

from evaluators import archives, sniff
from evaluators.faults import Findings, quote
from evaluators.places import near

MANIFEST, CASES, REFERENCE, INPUTS = "benchmark.yaml", "cases.csv", "reference", "inputs"
READERS, CLAIMS = "readers.csv", "claims.yaml"
OPTIONAL = (READERS, CLAIMS)
# Kept out, no fault: what people add, and the rules of a competition in its export.
BESIDE = re.compile(r"(README|LICEN[CS]E|SOURCE|NOTICE|CHANGELOG)[A-Za-z0-9._-]*|competition\.yaml", re.IGNORECASE)
MAX_FILES = 2_000_000
MAX_BYTES = 100 << 30
MAX_RATIO = 100  # of a whole package; single label maps may be packed far better
NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|#]{1,255}")


def unpack(
    path: Path, found: Findings, *, most_files: int = MAX_FILES, most_bytes: int = MAX_BYTES, within: str | None = None
) -> tuple[Path, tempfile.TemporaryDirectory | None]:
    """The root of a package: the folder itself, or that into which the zip was unpacked, in a new folder in `within`."""
    if path.is_dir():
        return path, None
    if not path.is_file():
        found.stop("there is no such folder or file", "Name the folder of the package, or a zip of it.")
    name, words = sniff.kind(sniff.head(path))
    if name != "zip":
        found.stop(f"this is {words}, not a zip of a package", "Name the folder of the package, or a zip of it.")
    listed = archives.listing(path, found, most_files=most_files, most_bytes=most_bytes, ratio=MAX_RATIO)
    _plain_names(listed, found)
    found.check()
    unpacked = tempfile.TemporaryDirectory(prefix="kensa-package-", dir=within)
    root = Path(unpacked.name, "package")
    root.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            for relative, item in listed.items():
                target = root / relative
                target.parent.mkdir(parents=True, exist_ok=True)
                archives.extract(archive, item, target)
    except ValueError:
        unpacked.cleanup()
        found.stop(f"the archive is damaged at {quote(relative)}", "Make it again.")
    except OSError as error:
        unpacked.cleanup()
        found.stop(f"{quote(relative)} cannot be unpacked", f"{error.strerror}.")
    return root, unpacked


def _plain_names(names, found: Findings) -> None:
    """A name that is a file here and a folder there cannot be unpacked."""
    files = set(names)
    for name in names:
        for end in range(len(name)):
            if name[end] == "/" and name[:end] in files:
                found.add(f"{quote(name[:end])} is both a file and a folder", "Rename one of them.")


def files(root: Path, found: Findings) -> dict[str, Path]:
    """Every file that belongs to the package by its relative name; links and strangers are faults."""
    result: dict[str, Path] = {}
    folders = [root]
    while folders:
        folder = folders.pop()
        for entry in sorted(os.scandir(folder), key=lambda item: item.name):
            relative = Path(entry.path).relative_to(root).as_posix()
            if entry.name in (".DS_Store", "Thumbs.db", "desktop.ini") or entry.name.startswith("._"):
                continue
            if entry.is_symlink():
                found.add("this is a link", "Copy the file itself into the package.", file=relative)
            elif entry.is_dir(follow_symlinks=False):
                if folder == root and entry.name not in (REFERENCE, INPUTS):
                    if not entry.name.startswith((".", "__")):
                        found.add(
                            "this folder is no part of a package",
                            near(entry.name, (REFERENCE, INPUTS), "There are"),
                            file=relative + "/",
                        )
                else:
                    folders.append(Path(entry.path))
            elif not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                found.add("this is no ordinary file", "Remove it.", file=relative)
            elif not NAME.fullmatch(entry.name):
                found.add(
                    "the name holds a character that is not portable",
                    "Rename the file: letters, digits, '-', '_', '.'.",
                    file=relative,
                )
            elif _belongs(relative, found):
                result[relative] = Path(entry.path)
    for name in (MANIFEST, CASES):
        if name not in result:
            found.add(f"there is no {name}", "Every package has benchmark.yaml and cases.csv at its top.", file=name)
    return result


def _belongs(relative: str, found: Findings) -> bool:
    known = (MANIFEST, CASES, *OPTIONAL)
    if "/" in relative or relative in known:
        return True
    if not BESIDE.fullmatch(relative) and not relative.startswith("."):
        found.add("this file is no part of a package", near(relative, known, "There are"), file=relative)
    return False
