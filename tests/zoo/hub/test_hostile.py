"""A hostile client against a real server: what it sends is refused, and nothing of it stays.

`make soak` stops half-way fifty times, the ordinary test five.
"""

import base64
import hashlib
import json
import os
import random
import socket
import time

import pytest
import requests

from tests.journeys.service import wait_for
from tests.zoo.hub.server import Hub

KNOWN = """
import json
from django.utils import timezone
from zoo import stores, upkeep
from zoo.models import Blob, Commit, Upload
upkeep.collect(timezone.timedelta(0))
print(json.dumps({"blobs": Blob.objects.count(), "uploads": Upload.objects.count(), "commits": Commit.objects.count(),
                  "faults": [str(fault) for fault in upkeep.check()], "waiting": len(list(stores.current().incoming.glob("*")))}))
"""
OUTSIDE = ["..%2f..%2f..%2fetc%2fpasswd", "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cx", "%2fetc%2fpasswd",
           "a%00.txt", ".git/config", "%ff%fe", "..%252f..%252fetc%252fpasswd"]  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("hostile")) as running:
        made = running.post("/api/repos/create", running.tokens["alice"], json={"name": "net"})
        assert made.status_code == 200, made.text
        yield running


def raw(hub, head: str, body: bytes = b"", seconds: float = 10) -> bytes:
    """One request exactly as written; what came back. The socket is closed at once where `seconds` is 0."""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=max(seconds, 5)) as wire:
        try:
            wire.sendall(head.encode("latin-1") + b"\r\n\r\n" + body)
            return wire.recv(65536) if seconds else b""
        except (ConnectionError, TimeoutError):
            return b""


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def start(hub, method, path, length, **headers) -> str:
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", "Connection: close"]
    lines += (
        [f"Authorization: Bearer {hub.tokens['alice']}", "Content-Type: application/json"]
        if "/_lfs/" not in path
        else []
    )
    lines += [f"Content-Length: {length}"] if length is not None else []
    return "\r\n".join(lines + [f"{key}: {value}" for key, value in headers.items()])


def commit_body(path: str, content: bytes) -> bytes:
    value = {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}
    rows = [{"key": "header", "value": {"summary": "x"}}, {"key": "file", "value": value}]
    return b"\n".join(json.dumps(row).encode() for row in rows)


def upload_path(hub, content: bytes) -> str:
    objects = [{"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}]
    data = {"operation": "upload", "transfers": ["basic"], "objects": objects}
    answer = hub.post("/alice/net.git/info/lfs/objects/batch", hub.tokens["alice"], json=data)
    return answer.json()["objects"][0]["actions"]["upload"]["href"].removeprefix(hub.url)


def known(hub) -> dict:
    return json.loads(hub.manage("shell", "--no-imports", "-c", KNOWN).splitlines()[-1])


@pytest.mark.parametrize("times", [5, pytest.param(50, marks=pytest.mark.soak)])
def test_nothing_of_a_hostile_client_stays(hub, times):
    before = known(hub)
    draw = random.Random(0)
    for _ in range(times):
        half_way(hub, draw)
    _no_path_leaves(hub)
    _no_forged_upload(hub)
    _no_cut_or_endless_request(hub)
    wait_for(lambda: hub.get("/api/models/alice/net").ok, 20, what="the server answers as before")
    after = wait_for(lambda: (now := known(hub))["waiting"] == 0 and now, 30, every=1, what="nothing waits any more")
    assert after["faults"] == [] and after == before


def half_way(hub, draw) -> None:
    """Three uploads, each broken off at a drawn place: a large file, a commit, a xorb."""
    content = draw.randbytes(300_000)
    body = commit_body("half.txt", content)
    told = hub.get("/api/models/alice/net/xet-write-token/main", hub.tokens["alice"]).json()
    xorb = "/cas/v1/xorbs/default/" + "cd" * 32
    bearer = f"Bearer {told['accessToken']}"
    whole = [
        (start(hub, "PUT", upload_path(hub, content), len(content)), content),
        (start(hub, "POST", "/api/models/alice/net/commit/main", len(body)), body),
        (start(hub, "POST", xorb, len(content)).replace(f"Bearer {hub.tokens['alice']}", bearer), content),
    ]
    for head, sent in whole:
        raw(hub, head, sent[: draw.randrange(len(sent))], seconds=0)


def _no_path_leaves(hub) -> None:
    for path in OUTSIDE:
        for place in ("/alice/net/resolve/main/{}", "/alice/net/resolve/{}/x", "/api/models/alice/net/tree/main/{}"):
            answer = raw(hub, start(hub, "GET", place.format(path), None))
            assert 300 <= status(answer) < 500 and b"root:" not in answer, place.format(path)


def _no_forged_upload(hub) -> None:
    content = os.urandom(1000)
    path = upload_path(hub, content)
    for forged in (
        path[:-2] + "xx",
        path.replace("object", "complete"),
        "/_lfs/object/" + "A" * 200,
        "/_lfs/object/x:y:z",
    ):
        assert status(raw(hub, start(hub, "PUT", forged, 1000), content)) in (403, 405)
    assert status(raw(hub, start(hub, "PUT", path, 1000), os.urandom(1000))) == 400, "other bytes"
    assert status(raw(hub, start(hub, "PUT", path, 10**15), content)) == 400, "more than was signed"
    assert status(raw(hub, start(hub, "PUT", path, None), content)) == 411
    chunked = start(hub, "PUT", path, None, **{"Transfer-Encoding": "chunked"})
    assert status(raw(hub, chunked, b"3e8\r\n" + content + b"\r\n0\r\n\r\n")) == 411


def _no_cut_or_endless_request(hub) -> None:
    commit = "/api/models/alice/net/commit/main"
    body = commit_body("cut.txt", b"x" * 1000)
    for length, sent, expected in (
        (300 << 20, b"{}", (413,)),  # more than a commit may have
        (len(body), body.replace(b"x", b"!", 1)[:-7], (0, 400)),  # cut off: the sender is gone
        (2, b"{}", (400,)),
        (6, b"[" * 6, (400,)),
        (100_000, b"[" * 100_000, (400,)),
    ):
        begin = time.monotonic()
        assert status(raw(hub, start(hub, "POST", commit, length), sent, seconds=3)) in expected, length
        assert time.monotonic() - begin < 60
    for headers in ({"X-Long": "a" * 70_000}, {f"X-{number}": "a" for number in range(300)}):
        assert status(raw(hub, start(hub, "GET", "/api/models/alice/net", None, **headers))) in (0, 400, 431)
    long = raw(hub, start(hub, "GET", "/api/models/" + "a" * 9000, None))
    assert status(long) in (0, 400, 414)
    assert requests.get(hub.url + "/api/models", params={"search": "a" * 3000}, timeout=30).status_code == 200
