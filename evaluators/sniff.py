"""What a file is by its first bytes, whatever it is called; and the remedy for the wrong kind of file."""

from pathlib import Path

HEAD = 512

_MAGIC = (
    (b"PK\x03\x04", "zip", "a zip archive"),
    (b"PK\x05\x06", "zip", "an empty zip archive"),
    (b"PAR1", "parquet", "a Parquet file"),
    (b"\x1f\x8b", "gzip", "compressed with gzip"),
    (b"\x89PNG\r\n\x1a\n", "png", "a PNG picture"),
    (b"\xff\xd8\xff", "jpeg", "a JPEG picture"),
    (b"\x93NUMPY", "npy", "a NumPy array"),
    (b"\x89HDF", "hdf5", "an HDF5 file"),
    (b"%PDF", "pdf", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "xls", "an old Excel workbook"),
    (b"Rar!", "rar", "a RAR archive"),
    (b"7z\xbc\xaf", "7z", "a 7-Zip archive"),
    (b"BZh", "bzip2", "compressed with bzip2"),
    (b"\xfd7zXZ", "xz", "compressed with xz"),
    (b"ARROW1", "feather", "a Feather file"),
    (b"SQLite format 3", "sqlite", "an SQLite database"),
    (b"\x80\x02", "pickle", "a Python pickle"),
    (b"\x80\x03", "pickle", "a Python pickle"),
    (b"\x80\x04", "pickle", "a Python pickle"),
    (b"\x80\x05", "pickle", "a Python pickle"),
    (b"\x7fELF", "program", "a program"),
    (b"MZ", "program", "a program"),
)


def head(path: Path) -> bytes:
    with open(path, "rb") as source:
        return source.read(HEAD)


def kind(data: bytes) -> tuple[str, str]:
    """A short name and words for the first bytes of a file: ("csv", "text") where nothing else fits."""
    for magic, name, words in _MAGIC:
        if data.startswith(magic):
            return name, words
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf16", "text in UTF-16"
    if data[344:348] in (b"n+1\0", b"ni1\0"):
        return "nifti", "a NIfTI volume"
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    if data.lstrip()[:1] in (b"{", b"["):
        return "json", "JSON"
    if b"\0" in data or _unprintable(data) > 0.1 * len(data):
        return "binary", "not text"
    return "csv", "text"


def _unprintable(data: bytes) -> int:
    return sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in data)


REMEDIES = {
    "zip": "An Excel workbook is a zip as well: save it as CSV UTF-8.",
    "xls": "Save the sheet as CSV UTF-8.",
    "gzip": "Unpack it first.",
    "bzip2": "Unpack it first.",
    "xz": "Unpack it first.",
    "utf16": "Save it as CSV UTF-8.",
    "pickle": "Pickles are never opened here, since they run code. Write a CSV file.",
    "json": "Write a CSV file with a header line.",
}
