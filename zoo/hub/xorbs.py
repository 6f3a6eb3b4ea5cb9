"""The two binary forms that Xet clients send, read with every length bounded before anything is unpacked.

A xorb is a run of chunks: a header of 8 bytes (version, packed size u24, scheme, raw size u24) and the packed bytes. A shard
says of which chunk ranges of which xorbs a file is made, and its SHA-256 (huggingface.co/docs/xet). Hashes are stored as
four little-endian u64. Nothing here trusts a hash: whoever joins the chunks checks the SHA-256 of the result.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lz4 import frame

MAX_RAW = 128 << 10  # bytes of a chunk
MAX_CHUNKS = 1 << 16
_HEADER = 8
_FOOTER = b"XETBLOB"
_RECORD = 48
_END = b"\xff" * 32
_VERIFICATION, _METADATA = 1 << 31, 1 << 30
RAW, LZ4, GROUPED = 0, 1, 2


class Broken(ValueError):
    """The bytes are not of this form."""


@dataclass(frozen=True)
class Chunk:
    """One chunk of a xorb: where its packed bytes lie."""

    place: int
    packed: int
    scheme: int
    raw: int


@dataclass(frozen=True)
class Term:
    """The chunks `first` to before `end` of a xorb, which are `size` bytes."""

    xorb: str
    size: int
    first: int
    end: int


@dataclass(frozen=True)
class Recipe:
    """A file as a shard describes it."""

    sha256: str
    terms: tuple[Term, ...]

    @property
    def size(self) -> int:
        return sum(term.size for term in self.terms)


def chunks(file: BinaryIO, size: int) -> list[Chunk]:
    """The chunks of a xorb of `size` bytes. Raises `Broken`."""
    found, place = [], 0
    while place < size:
        file.seek(place)
        header = file.read(_HEADER)
        if header.startswith(_FOOTER):  # older clients send an index after the chunks
            break
        if len(header) < _HEADER or header[0] != 0:
            raise Broken("a chunk's header is cut off or of an unknown version")
        packed, scheme, raw = int.from_bytes(header[1:4], "little"), header[4], int.from_bytes(header[5:8], "little")
        place += _HEADER
        if not 0 < raw <= MAX_RAW or not 0 < packed <= 2 * MAX_RAW or place + packed > size or scheme > GROUPED:
            raise Broken("a chunk's header cannot be true")
        found.append(Chunk(place, packed, scheme, raw))
        if len(found) > MAX_CHUNKS:
            raise Broken("there are too many chunks")
        place += packed
    if not found:
        raise Broken("there are no chunks")
    return found


def unpack(file: BinaryIO, chunk: Chunk) -> bytes:
    """The bytes of a chunk; never more than its header says. Raises `Broken`."""
    file.seek(chunk.place)
    data = file.read(chunk.packed)
    if chunk.scheme != RAW:
        try:
            unpacker = frame.LZ4FrameDecompressor()
            data = unpacker.decompress(data, max_length=chunk.raw + 1)
        except RuntimeError as error:
            raise Broken("a chunk cannot be unpacked") from error
    if len(data) != chunk.raw:
        raise Broken("a chunk is not as long as its header says")
    return _ungroup(data) if chunk.scheme == GROUPED else data


def _ungroup(data: bytes) -> bytes:
    """Undo the grouping of bytes by their place modulo 4."""
    result, start = bytearray(len(data)), 0
    for group in range(4):
        length = (len(data) - group + 3) // 4
        result[group::4] = data[start : start + length]
        start += length
    return bytes(result)


def recipes(shard: bytes) -> Iterator[Recipe]:
    """The files that a shard describes. Raises `Broken`."""
    if len(shard) < _RECORD or struct.unpack_from("<Q", shard, 32)[0] != 2:
        raise Broken("the shard is cut off or of an unknown version")
    place = _RECORD
    while True:
        head = _record(shard, place)
        place += _RECORD
        if head[:32] == _END:
            return
        flags, count = struct.unpack_from("<II", head, 32)
        more = count * bool(flags & _VERIFICATION)
        if not flags & _METADATA or not count or (count + more + 1) * _RECORD > len(shard) - place:
            raise Broken("a file has no terms, or no SHA-256, or is cut off")
        terms = tuple(_term(_record(shard, place + number * _RECORD)) for number in range(count))
        place += (count + more) * _RECORD
        yield Recipe(hex_of(_record(shard, place)[:32]), terms)
        place += _RECORD


def _record(shard: bytes, place: int) -> bytes:
    record = shard[place : place + _RECORD]
    if len(record) < _RECORD:
        raise Broken("the shard is cut off")
    return record


def _term(record: bytes) -> Term:
    _, size, first, end = struct.unpack_from("<IIII", record, 32)
    if not size or first >= end or end > MAX_CHUNKS:
        raise Broken("a term cannot be true")
    return Term(hex_of(record[:32]), size, first, end)


def hex_of(stored: bytes) -> str:
    """A hash as hex digits: each group of 8 bytes is a little-endian number."""
    return b"".join(stored[start : start + 8][::-1] for start in range(0, 32, 8)).hex()
