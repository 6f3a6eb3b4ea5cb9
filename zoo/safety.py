"""What a file is, read from its header only: tensors and parameters, and whether loading it could run code.

Nothing is ever loaded here: no pickle, no native parser. Every reading is bounded, whatever the header claims, and a
header that lies gives a `fault` and no exception. Facts are plain JSON: `format`, and per format what was read.
"""

import json
import math
import os
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from zoo import blobs, onnx_facts, pickles, text
from zoo.errors import Refused
from zoo.models import Blob

MAX_HEADER = 16 << 20  # bytes of a safetensors header; 50,000 tensors need about 5 MiB
MAX_DIRECTORY = 8 << 20  # bytes of a zip's directory
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
# Names that say "this is a pickle", packed or not, whatever the first bytes look like.
_PICKLE_NAME = re.compile(
    r"\.(?:pkl|pickle|joblib|dill|pt|pth|ckpt|ptl|torchscript|mar)(?:\.(?:gz|bz2|xz|zst|lz4))?\Z", re.I
)
_LAMBDA = re.compile(rb'"class_name"\s*:\s*"(?:Lambda|TFOpLambda)"')
_MEMBER_PICKLE = re.compile(r"\.(?:pkl|pickle|joblib|dill)\Z", re.I)


def inspect(path: str | os.PathLike, name: str) -> dict:
    """Facts of the file at `path`, called `name` in its model. `runs_code` says why loading it could run code."""
    with Path(path).open("rb") as file:
        return look(file, os.path.getsize(path), name)


def look(file: BinaryIO, size: int, name: str) -> dict:
    """The same of an open file."""
    start = file.read(16)
    file.seek(0)
    lower = name.lower()
    if lower.endswith(".safetensors"):
        facts = safetensors(file, size)
    elif lower.endswith(".onnx"):
        facts = onnx_facts.read(file, size)
    elif start.startswith(b"PK\x03\x04"):
        facts = _zip(file, size)
    elif start.startswith(b"\x89HDF\r\n\x1a\n"):
        facts = {"format": "hdf5"} | _lambda(file.read(4 << 20))
    elif start.startswith(b"\x93NUMPY"):
        facts = {"format": "numpy"} | _objects(file.read(4096))
    elif start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and size > 2:
        facts = {"format": "pickle", "runs_code": "a pickle", "scan": pickles.scan(file)}
    else:
        facts = {"format": "other"}
    if _PICKLE_NAME.search(name) and "runs_code" not in facts:
        facts |= {"runs_code": "a pickle by its name", "scan": pickles.scan(file)}
    return text.clean_data(facts)


def admit_name(name: str) -> None:
    """Refuse a pickle by its name, before its bytes are sent."""
    if _PICKLE_NAME.search(name) and not settings.ALLOW_PICKLES:
        raise _code(name, "a pickle by its name")


def _code(name: str, why: str) -> Refused:
    return Refused(
        "runs_code",
        f"{name[:200]!r} is {why}: loading it can run any code, so this server does not take it.",
        "Save the weights as .safetensors or .onnx.",
    )


def admit(name: str, blob: Blob) -> dict:
    """Facts of a blob about to be committed as `name`, kept with it. Raises `Refused` for a file that runs code where the
    operator does not allow such (KENSA_ALLOW_PICKLES)."""
    facts = blob.facts
    if not facts or _suffix(name) != facts.get("as"):
        with blobs.open(blob.sha256) as file:
            facts = look(file, blob.size, name) | {"as": _suffix(name)}
        # a header that was read stays on record when the same bytes come once more under a plainer name
        if not blob.facts or facts["format"] != "other":
            Blob.objects.filter(pk=blob.pk).update(facts=facts)
            blob.facts = facts
    if facts.get("runs_code") and not settings.ALLOW_PICKLES:
        raise _code(name, facts["runs_code"])
    if facts.get("external"):
        raise Refused(
            "external_data",
            f"{name[:200]!r} keeps tensors in other files, so it is not the network it seems to be.",
            "Save it with the weights inside: onnx.save(model, path, save_as_external_data=False).",
        )
    return facts


def file_status(name: str, facts: dict) -> dict:
    """What the Hub's tree calls `securityFileStatus`: "safe", "suspicious" or "unsafe", and the scan of a pickle.

    "safe" means that the file is of a format that only holds data and that its header was found to be true; a pickle is
    never safe here, whatever the scan says. No virus scanner is asked.
    """
    scan = facts.get("scan")
    imports = None
    if scan:
        imports = {
            "status": {"innocuous": "safe", "dangerous": "unsafe"}.get(scan["verdict"], "suspicious"),
            "pickleImports": scan["imports"],
            "version": pickles.VERSION,
        }
    if runs_code(name, facts):
        status = "unsafe" if scan and scan["verdict"] == "dangerous" else "suspicious"
    else:
        status = "suspicious" if facts.get("fault") else "safe"
    return {"status": status, "avScan": {"status": "unscanned", "version": None}, "pickleImportScan": imports}


def runs_code(name: str, facts: dict) -> str:
    """Why loading this file could run code; "" where it cannot."""
    return facts.get("runs_code", "") or ("a pickle by its name" if _PICKLE_NAME.search(name) else "")


def _suffix(name: str) -> str:
    return "".join(Path(name.lower()).suffixes[-2:])[:40]


# ---- safetensors


def safetensors(file: BinaryIO, size: int) -> dict:
    """Header facts: tensors, parameters, {dtype: parameters}, metadata; or a `fault` that names what is wrong."""
    try:
        tensors, metadata = read_header(file, size)
    except ValueError as error:
        return {"format": "safetensors", "fault": str(error)}
    dtypes: Counter = Counter()
    for tensor in tensors:
        dtypes[tensor["dtype"]] += count(tensor["shape"])
    return {
        "format": "safetensors",
        "tensors": len(tensors),
        "parameters": sum(dtypes.values()),
        "dtypes": dict(dtypes.most_common()),
        "metadata": {key[:100]: value[:500] for key, value in list(metadata.items())[:20]},
    }


def read_header(file: BinaryIO, size: int) -> tuple[list[dict], dict]:
    """Tensors `{"name", "dtype", "shape", "start", "end"}` in order of their bytes, and the metadata.

    Raises ValueError where the header breaks the format: length, JSON, types, sizes, overlaps, holes, trailing bytes.
    """
    raw = file.read(8)
    if len(raw) < 8:
        raise ValueError("the file is shorter than the 8 bytes that give the header's length")
    length = int.from_bytes(raw, "little")
    if length > size - 8:
        raise ValueError(
            f"the header claims {length:,} bytes where {size - 8:,} are left: the file is cut off or no safetensors"
        )
    if length > MAX_HEADER:
        raise ValueError(f"the header is {length:,} bytes long; at most {MAX_HEADER:,} are read here")
    try:
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_unique)
    except (UnicodeDecodeError, RecursionError, json.JSONDecodeError) as error:
        raise ValueError("the header is not JSON") from error
    if not isinstance(header, dict):
        raise ValueError("the header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("__metadata__ must map text to text")
    tensors = sorted(
        (_tensor(name, entry) for name, entry in header.items()), key=lambda tensor: (tensor["start"], tensor["end"])
    )
    place = 0
    for tensor in tensors:
        if tensor["start"] != place:
            what = "overlaps the one before it" if tensor["start"] < place else "leaves a hole before it"
            raise ValueError(f"tensor {tensor['name'][:100]!r} {what}")
        place = tensor["end"]
    if place != size - 8 - length:
        raise ValueError(f"the tensors take {place:,} bytes where the file has {size - 8 - length:,}")
    return tensors, metadata


def _tensor(name: str, entry) -> dict:
    label = repr(name[:100])
    if not isinstance(entry, dict):
        raise ValueError(f"tensor {label} is not described")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        raise ValueError(f"tensor {label} has the unknown dtype {str(dtype)[:20]!r}")
    if not isinstance(shape, list) or len(shape) > 64 or not all(_natural(n) for n in shape):
        raise ValueError(f"tensor {label} has no good shape")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_natural(n) for n in offsets):
        raise ValueError(f"tensor {label} has no good data_offsets")
    start, end = offsets
    if (end - start) * 8 != count(shape) * BITS[dtype]:
        raise ValueError(f"tensor {label} has {end - start:,} bytes, which is not what its shape and dtype need")
    return {"name": name, "dtype": dtype, "shape": shape, "start": start, "end": end}


def _natural(value) -> bool:
    return type(value) is int and 0 <= value < 2**63


def count(shape: list[int]) -> int:
    """Parameters of a tensor of this shape."""
    return math.prod(shape)


def _unique(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("the header names a tensor twice")
    return result


# ---- containers that may hold pickles


def _zip(file: BinaryIO, size: int) -> dict:
    """What lies in a zip (PyTorch, Keras, .npz): pickles, object arrays, Keras lambdas."""
    if _directory_size(file, size) > MAX_DIRECTORY:
        return {"format": "zip", "fault": "the archive's directory is too long to be looked through"}
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if packed := [name for name in names if _MEMBER_PICKLE.search(name)]:
                why = "an archive with a pickle inside (PyTorch's format)"
                return {"format": "zip", "runs_code": why, "scan": pickles.scan_archive(archive, packed)}
            for name in [name for name in names if name.endswith(".npy")][:200]:
                if found := _objects(_first(archive, name, 4096)):
                    return {"format": "zip"} | found
            if "config.json" in names:
                return {"format": "zip"} | _lambda(_first(archive, "config.json", 4 << 20))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError, zipfile.zlib.error):
        return {"format": "zip", "fault": "the archive is broken or of an unknown kind"}
    return {"format": "zip"}


def _first(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    with archive.open(name) as member:
        return member.read(limit)


def _directory_size(file: BinaryIO, size: int) -> int:
    """Bytes of a zip's central directory as its end record says; 0 where there is none."""
    tail_start = max(0, size - 66_000)
    file.seek(tail_start)
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    found = 0
    if end >= 0 and len(tail) >= end + 16:
        found = int.from_bytes(tail[end + 12 : end + 16], "little")
        wide = tail.rfind(b"PK\x06\x06", 0, end)
        if found == 0xFFFFFFFF and wide >= 0:
            found = int.from_bytes(tail[wide + 40 : wide + 48], "little")
    file.seek(0)
    return found


def _objects(start: bytes) -> dict:
    return {"runs_code": "an array of Python objects (a pickle inside)"} if b"'|O" in start or b'"|O' in start else {}


def _lambda(content: bytes) -> dict:
    return {"runs_code": "a Keras model with a Lambda layer"} if _LAMBDA.search(content) else {}
