"""A look into one file of a revision, from its header or first bytes: tensors of safetensors, the graph of ONNX, text.

Nothing is read before somebody asks, and never more than a bounded part.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from django.core.paginator import Page, Paginator

from zoo import blobs, changes, safety
from zoo.models import File

MAX_HEADER = 4 << 20  # bytes of a header that is shown: about 40,000 tensors
MAX_TEXT = 256 << 10
PAGE = 200


@dataclass(frozen=True)
class Tensor:
    name: str
    dtype: str
    shape: list[int]
    size: int  # bytes
    count: int  # parameters


@dataclass(frozen=True)
class Look:
    """`kind`: tensors, onnx, text or other. `note` says why something is not shown: fault | long | cut."""

    kind: str
    tensors: Page | None = None
    matched: int = 0
    metadata: dict = field(default_factory=dict)
    text: str = ""
    note: str = ""


def look(file: File, query: str = "", page=None) -> Look:
    """What the page of a file shows; `query` and `page` narrow the list of tensors."""
    kind = file.blob.facts.get("format")
    if kind == "safetensors":
        return _tensors(file, query, page)
    if kind == "onnx":
        return Look("onnx")
    if file.lfs:
        return Look("other")
    text = changes.read_text(file.blob_id, MAX_TEXT)
    if text is None:
        return Look("other")
    return Look("text", text=text, note="cut" if file.blob.size > MAX_TEXT else "")


def _tensors(file: File, query: str, page) -> Look:
    if file.blob.facts.get("fault"):
        return Look("tensors", note="fault")
    try:
        tensors, metadata = _header(file.blob_id, file.blob.size)
    except ValueError:
        return Look("tensors", note="long")
    if query:
        tensors = [tensor for tensor in tensors if query.lower() in tensor.name.lower()]
    return Look("tensors", tensors=Paginator(tensors, PAGE).get_page(page), matched=len(tensors), metadata=metadata)


@lru_cache(maxsize=4)
def _header(sha256: str, size: int) -> tuple[list[Tensor], dict]:
    """Kept while somebody turns the pages."""
    with blobs.open(sha256) as file:
        if int.from_bytes(file.read(8), "little") > MAX_HEADER:
            raise ValueError("too long to be shown")
        file.seek(0)
        tensors, metadata = safety.read_header(file, size)
    shown = [
        Tensor(
            each["name"][:300], each["dtype"], each["shape"], each["end"] - each["start"], safety.count(each["shape"])
        )
        for each in tensors
    ]
    return shown, {key[:100]: value[:1000] for key, value in list(metadata.items())[:50]}
