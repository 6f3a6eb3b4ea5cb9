"""Which names a file in a model may have, and how a revision and a path are told apart in a URL.

Paths are looked up in the database only; none is ever joined to a folder on disk.
"""

import unicodedata
from collections.abc import Iterable, Sequence

from zoo.errors import Refused

MAX_PATH, MAX_SEGMENT = 500, 255
LARGE = 10_000_000  # bytes; above it, and for weights, a file's identity is its SHA-256 and not git's id
WEIGHTS = (
    ".safetensors .bin .pt .pth .ckpt .onnx .h5 .hdf5 .keras .npz .npy .nii .nii.gz .gguf .msgpack .tflite .pb .pkl "
    ".pickle .joblib .zip .tar .gz .parquet .mha .mhd .nrrd .dcm"
)
_WEIGHTS = tuple(WEIGHTS.split())


class BadPath(Refused):
    def __init__(self, path: str, why: str):
        shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in path[:120])
        super().__init__("bad_path", f"{shown!r} cannot be a file's path: {why}.", "Use names like weights/model.onnx.")


def check(path: str) -> str:
    """The path itself if it is good. Raises `BadPath` if it is empty, absolute or too long, or has `.`, `..`, empty or
    `.git` segments, a backslash, or characters that control a terminal, a line or the direction of text."""
    if not path:
        raise BadPath(path, "it is empty")
    if path.startswith("/"):
        raise BadPath(path, "it starts with a slash")
    if "\\" in path:
        raise BadPath(path, "it has a backslash")
    for letter in path:
        if (
            unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
            or letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        ):
            raise BadPath(path, "it has a control character")
    if len(path) > MAX_PATH:
        raise BadPath(path, f"it is longer than {MAX_PATH} characters")
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            raise BadPath(path, f"it has the segment {segment!r}")
        if segment.lower() == ".git":
            raise BadPath(path, "'.git' is reserved")
        if len(segment.encode()) > MAX_SEGMENT:
            raise BadPath(path, f"one of its names is longer than {MAX_SEGMENT} bytes")
    return path


def check_together(paths: Iterable[str]) -> None:
    """Raises `BadPath` where one path is a file and another needs it as a folder."""
    paths = set(paths)
    for path in paths:
        parent = path
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if parent in paths:
                raise BadPath(path, f"{parent!r} is a file, not a folder")


def is_large(path: str, size: int) -> bool:
    """Whether the Hub's clients treat this file as a large one (LFS)."""
    return size > LARGE or (size > 0 and path.lower().endswith(_WEIGHTS))


def split_revision(rest: str, names: Sequence[str]) -> tuple[str, str]:
    """`main/a/b` -> ("main", "a/b"). Branches may have slashes and arrive decoded, so known names go first, longest first."""
    for name in sorted(names, key=len, reverse=True):
        for spelled in (name, f"refs/heads/{name}", f"refs/tags/{name}"):
            if rest == spelled or rest.startswith(spelled + "/"):
                return spelled, rest[len(spelled) + 1 :]
    revision, _, path = rest.partition("/")
    return revision, path
