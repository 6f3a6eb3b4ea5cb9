"""A file sent in pieces: goes on where it was cut, and gains nothing for anybody else."""

import hashlib
import io
import json
import random
import threading
from datetime import timedelta

import pytest

from zoo import blobs, pieces, stores, upkeep
from zoo.models import Blob

pytestmark = pytest.mark.django_db
NET = "/api/v1/models/clinic/net"
CONTENT = random.Random(7).randbytes(300_000)


def begin(client, size=len(CONTENT), **headers):
    return client.post(f"{NET}/pieces", json.dumps({"size": size}), content_type="application/json", **headers)


def send(client, ticket, start, content, **headers):
    url = f"{NET}/pieces/{ticket}?start={start}"
    return client.put(url, content, content_type="application/octet-stream", **headers)


@pytest.fixture
def writer(client, model, cast, bearer):
    """The client, and the headers of a teammate's token."""
    return client, bearer(cast["teammate"])


def test_pieces_become_one_file_and_a_commit(writer, storage):
    client, headers = writer
    made = begin(client, **headers)
    assert (made.status_code, made.json()["received"]) == (201, 0)
    ticket = made.json()["ticket"]
    for start in range(0, len(CONTENT), 100_000):
        answer = send(client, ticket, start, CONTENT[start : start + 100_000], **headers)
        assert answer.json() == {"received": start + 100_000}
        assert client.get(f"{NET}/pieces/{ticket}", **headers).json()["received"] == start + 100_000
    done = client.post(f"{NET}/pieces/{ticket}/finish", **headers).json()
    assert done["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert client.post(f"{NET}/pieces/{ticket}/finish", **headers).json()["sha256"] == done["sha256"], "a lost answer"
    blob = Blob.objects.get(pk=done["sha256"])
    assert blob.git_sha1 == hashlib.sha1(b"blob 300000\0" + CONTENT).hexdigest()
    data = {"title": "All of it", "add": [{"path": "all.npz", "upload": done["upload"]}]}
    made = client.post(f"{NET}/commits/main", json.dumps(data), content_type="application/json", **headers)
    assert made.status_code == 200
    assert b"".join(client.get("/clinic/net/resolve/main/all.npz").streaming_content) == CONTENT
    assert [path.name.endswith(".done") for path in (storage / "incoming").iterdir()] == [True]


def test_a_piece_in_the_wrong_place_is_told_the_right_one(writer):
    client, headers = writer
    ticket = begin(client, **headers).json()["ticket"]
    send(client, ticket, 0, CONTENT[:1000], **headers)
    for start in (0, 999, 1001):
        answer = send(client, ticket, start, b"x", **headers)
        assert (answer.status_code, answer["X-Received"]) == (409, "1000")
    assert send(client, ticket, 1000, CONTENT, **headers).status_code == 413, "more than was announced"
    early = client.post(f"{NET}/pieces/{ticket}/finish", **headers)
    assert (early.status_code, early.json()["error"]["code"]) == (400, "incomplete")


def test_what_came_before_a_cut_is_kept(model, cast):
    class Cut(io.BytesIO):
        def read(self, size=-1):
            chunk = super().read(50_000)
            if not chunk:
                raise OSError("the connection is gone")
            return chunk

    who = cast["owner"], model
    ticket = pieces.begin(*who, len(CONTENT))
    with pytest.raises(blobs.Incomplete):
        pieces.receive(ticket, *who, 0, Cut(CONTENT[:150_000]))
    assert pieces.state(ticket, *who) == {"received": 150_000, "size": 300_000}
    assert pieces.receive(ticket, *who, 150_000, io.BytesIO(CONTENT[150_000:])) == 300_000
    assert pieces.finish(ticket, *who).sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_two_pieces_at_once_are_not_mixed(model, cast):
    reading, go_on = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size=-1):
            reading.set()
            go_on.wait(20)
            return super().read(size)

    who = cast["owner"], model
    ticket = pieces.begin(*who, 10)
    slow = threading.Thread(target=lambda: pieces.receive(ticket, *who, 0, Slow(b"0123456789")))
    slow.start()
    reading.wait(20)
    with pytest.raises(pieces.Busy):
        pieces.receive(ticket, *who, 0, io.BytesIO(b"x"))
    with pytest.raises(pieces.Busy):
        pieces.finish(ticket, *who)
    go_on.set()
    slow.join()
    assert pieces.finish(ticket, *who).size == 10


def test_a_ticket_is_good_for_one_person_and_one_model(client, model, cast, bearer):
    ticket = begin(client, **bearer(cast["owner"])).json()["ticket"]
    teammate, stranger = bearer(cast["teammate"]), bearer(cast["stranger"])
    assert send(client, ticket, 0, b"x", **teammate).status_code == 404
    assert send(client, ticket, 0, b"x", **stranger).status_code == 403
    assert send(client, ticket, 0, b"x").status_code == 401
    assert client.get(f"{NET}/pieces/{ticket}x", **teammate).status_code == 404
    assert begin(client, **bearer(cast["owner"], "read")).status_code == 403
    assert begin(client, size=-1, **teammate).status_code == 422


def test_a_file_over_the_limit_is_refused_at_the_start(writer, settings, storage):
    settings.MAX_FILE_BYTES = 1000
    client, headers = writer
    assert begin(client, size=1001, **headers).status_code == 413


def test_what_is_given_up_or_forgotten_is_swept(writer, cast, model):
    client, headers = writer
    ticket = begin(client, **headers).json()["ticket"]
    assert client.delete(f"{NET}/pieces/{ticket}", **headers).json() == {"dropped": True}
    assert send(client, ticket, 0, b"x", **headers).status_code == 404
    left = begin(client, **headers).json()["ticket"]
    upkeep._sweep_incoming(timedelta(seconds=-1))
    assert client.get(f"{NET}/pieces/{left}", **headers).status_code == 404
    assert not list(stores.current().incoming.iterdir())
