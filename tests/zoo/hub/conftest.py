"""A client that speaks the hub's wire as one person, and a real server to speak to."""

import hashlib
import json
import struct

import pytest
from lz4 import frame

from zoo import tokens


@pytest.fixture
def speak(client, cast):
    """speak(name, method, path, data): one exchange as that person (None: nobody), with the JSON of the answer as `.data`."""
    known = {None: {}}
    for name, user in cast.items():
        scope = "admin" if user.is_superuser else "write"
        known[name] = {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(user, 'test', scope)[1]}"}

    def exchange(name, method, path, data=None, **headers):
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        kind = headers.pop("content_type", "application/json")
        answer = client.generic(method, path, body, content_type=kind, **known[name], **headers)
        is_json = not answer.streaming and answer.content and answer.get("Content-Type", "").endswith("json")
        answer.data = json.loads(answer.content) if is_json else None
        return answer

    return exchange


@pytest.fixture
def commit(speak):
    """commit(name, repo, *lines, branch=): a commit as clients send it; each line is (key, value)."""

    def send(name, repo, *lines, branch="main", summary="Change", **header):
        rows = [("header", {"summary": summary, "description": ""} | header), *lines]
        body = b"\n".join(json.dumps({"key": key, "value": value}).encode() for key, value in rows)
        return speak(name, "POST", f"/api/models/{repo}/commit/{branch}", body, content_type="application/x-ndjson")

    return send


@pytest.fixture(scope="session")
def xet_bytes():
    """(xorb, shard, content): the three packings of a chunk, and the file they make."""
    chunks = [b"raw chunk " * 3, b"packed " * 300, bytes(range(200)) * 9]
    grouped = b"".join(chunks[2][group::4] for group in range(4))
    packed = [
        (0, chunks[0], chunks[0]),
        (1, frame.compress(chunks[1]), chunks[1]),
        (2, frame.compress(grouped), chunks[2]),
    ]
    xorb = b"".join(
        b"\0" + len(data).to_bytes(3, "little") + bytes([scheme]) + len(raw).to_bytes(3, "little") + data
        for scheme, data, raw in packed
    )
    content = b"".join(chunks)
    digest = hashlib.sha256(content).digest()
    stored = b"".join(digest[start : start + 8][::-1] for start in range(0, 32, 8))
    shard = bytes(32) + struct.pack("<QQ", 2, 0)
    shard += bytes(32) + struct.pack("<IIQ", 1 << 30, 1, 0)
    shard += bytes.fromhex("ab" * 32) + struct.pack("<IIII", 0, len(content), 0, 3)
    shard += stored + bytes(16) + b"\xff" * 32 + bytes(16)
    return xorb, shard, content
