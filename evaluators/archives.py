"""Zip archives, judged by their listing before a byte is unpacked, and unpacked no further than the listing said.

Nothing is written outside the folder that is named: absolute names, `..`, links and doubled names are faults.
"""

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from evaluators.faults import Faults, Findings, quote

CHUNK = 1 << 20
MAX_NAME = 400  # bytes of a name and its extra fields in the listing, on average
MAX_RATIO = 1100  # deflate reaches 1032; more is a lie
SLACK = 256 << 20  # bytes that any archive may unpack to, whatever its ratio
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


def listing(
    path: Path, found: Findings, *, most_files: int, most_bytes: int, ratio: int = MAX_RATIO
) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their names, junk of desktop systems and folders left out.

    One folder around everything is taken off. Faults are added to `found`; Raises Faults where there is no listing.
    """
    count, size = _end(path, found)
    if count > most_files + 1000 or size > (most_files + 1000) * MAX_NAME:
        found.stop(f"the archive lists {count:,} files", f"At most {most_files:,} belong in it.")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error, EOFError) as error:
        raise _broken(found) from error
    good = [item for item in entries if _is_good(item, found) and not item.is_dir()]
    good = [item for item in good if not _is_junk(item.filename)]
    if len(good) > most_files:
        found.add(f"the archive holds {len(good):,} files", f"At most {most_files:,} belong in it.")
    unpacked, packed = sum(item.file_size for item in good), sum(item.compress_size for item in good)
    if unpacked > most_bytes:
        found.add(f"the archive unpacks to {unpacked:,} bytes", f"At most {most_bytes:,} are unpacked here.")
    elif unpacked > ratio * max(packed, 1) + SLACK:
        found.add(f"the archive unpacks to {unpacked // max(packed, 1):,} times its size", "It looks like a zip bomb.")
    return _by_name(good, found)


def _end(path: Path, found: Findings) -> tuple[int, int]:
    """Number of files and size of the listing, by the record at the very end of the archive.

    The listing must lie right before that record: the end of an archive inside a cut-off one is not taken for its own.
    """
    with open(path, "rb") as source:
        length = source.seek(0, 2)
        base = max(0, length - 65_557)
        source.seek(base)
        tail = source.read()
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or len(tail) < place + 22:
            raise _broken(found)
        count, size, offset, comment = struct.unpack("<HIIH", tail[place + 10 : place + 22])
        if place + 22 + comment != len(tail):
            raise _broken(found)
        end = base + place
        if count == 0xFFFF or 0xFFFFFFFF in (size, offset):
            locator = tail.rfind(b"PK\x06\x07", 0, place)
            end = struct.unpack("<Q", tail[locator + 8 : locator + 16])[0] if locator >= 0 else length
            source.seek(min(end, length))
            record = source.read(56)
            if len(record) < 56 or record[:4] != b"PK\x06\x06":
                raise _broken(found)
            count, size, offset = struct.unpack("<QQQ", record[32:56])
    if offset + size != end:
        raise _broken(found)
    return count, size


def _broken(found: Findings) -> Faults:
    found.add("the archive is cut off, or not a zip archive", "Make it again, and compare file sizes after the upload.")
    return Faults(found.faults, found.count)


def _is_good(item: zipfile.ZipInfo, found: Findings) -> bool:
    """One entry by itself; adds its fault."""
    name, shown = item.orig_filename, quote(item.orig_filename)
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        found.add(f"the archive holds the absolute name {shown}", "Store names relative to the archive.")
    elif ".." in parts:
        found.add(f"the name {shown} leads out of the archive", "Remove '..' from it.")
    elif "\\" in name:
        found.add(f"the name {shown} holds a backslash", "Separate folders with '/'.")
    elif not name.isprintable() or len(name) > 1000:
        found.add(f"the name {shown} holds unprintable characters, or is too long", "Rename the file.")
    elif stat.S_ISLNK(item.external_attr >> 16):
        found.add(f"{shown} is a link", "Store the file itself.")
    elif item.flag_bits & 0x1:
        found.add(f"{shown} is encrypted", "Make the archive without a password.")
    elif item.compress_type not in METHODS:
        found.add(f"{shown} is packed in a way that is not read here", "Use the ordinary 'deflate'.")
    elif item.file_size > MAX_RATIO * max(item.compress_size, 1) + CHUNK:
        found.add(f"{shown} claims to unpack to {item.file_size:,} bytes", "It looks like a zip bomb.")
    else:
        return True
    return False


def _is_junk(name: str) -> bool:
    return name.startswith(JUNK[0]) or name.rpartition("/")[2] in JUNK or name.rpartition("/")[2].startswith("._")


def _by_name(entries: list[zipfile.ZipInfo], found: Findings) -> dict[str, zipfile.ZipInfo]:
    tops = {item.filename.partition("/")[0] for item in entries if "/" in item.filename}
    around = len(tops) == 1 and all("/" in item.filename for item in entries)
    names: dict[str, zipfile.ZipInfo] = {}
    for item in entries:
        name = item.filename.partition("/")[2] if around else item.filename
        if name in names:
            found.add(f"{quote(name)} is in the archive twice", "Keep one of them.")
        names.setdefault(name, item)
    return names


def extract(archive: zipfile.ZipFile, item: zipfile.ZipInfo, target: Path) -> None:
    """Unpack one entry into a file, no more bytes than its listing said. Raises ValueError where it is damaged."""
    left = item.file_size
    try:
        with archive.open(item) as source, open(target, "wb") as out:
            while chunk := source.read(min(CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise ValueError("more bytes than listed")
                out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error) as error:
        raise ValueError(str(error)) from error
    if left:
        raise ValueError("fewer bytes than listed")
