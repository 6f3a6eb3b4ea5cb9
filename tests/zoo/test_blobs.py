"""Blobs: stored once, whole or not at all."""

import hashlib
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo import blobs
from zoo.models import Blob

pytestmark = pytest.mark.django_db


def left_over(storage):
    return [file for file in storage.rglob("*") if file.is_file()]


def test_bytes_come_back_and_lie_under_their_sha256(storage):
    blob = blobs.put(io.BytesIO(b"hello"))
    assert blob.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert blob.size == 5
    assert blobs.open(blob.sha256).read() == b"hello"
    assert blobs.path(blob.sha256) == storage / blob.sha256[:2] / blob.sha256[2:4] / blob.sha256


def test_git_knows_a_blob_by_the_same_id():
    # `printf hello | git hash-object --stdin`
    assert blobs.put(b"hello").git_sha1 == "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"
    assert blobs.put([b"wor", b"ld"], size=5).git_sha1 == hashlib.sha1(b"blob 5\0world").hexdigest()


def test_the_same_bytes_again_are_the_same_row(storage):
    assert blobs.put(b"twice") == blobs.put([b"tw", b"ice"])
    assert Blob.objects.count() == 1
    assert len(left_over(storage)) == 1


def test_a_lost_file_is_restored_by_putting_it_again():
    blob = blobs.put(b"lost")
    blobs.path(blob.sha256).unlink()
    assert not blobs.exists(blob.sha256)
    assert blobs.put(b"lost") == blob
    assert blobs.exists(blob.sha256)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"limit": 3}, blobs.TooLarge),
        ({"size": 4}, blobs.Incomplete),
        ({"size": 6}, blobs.Incomplete),
        ({"size": 9, "limit": 8}, blobs.TooLarge),
        ({"expect_sha256": "0" * 64}, blobs.Incomplete),
    ],
)
def test_a_file_that_is_not_as_announced_leaves_nothing(storage, arguments, error):
    with pytest.raises(error):
        blobs.put(b"hello", **arguments)
    assert not Blob.objects.exists()
    assert not storage.exists() or not left_over(storage)


def test_a_sender_who_breaks_off_leaves_nothing(storage):
    def broken():
        yield b"some"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        blobs.put(broken())
    assert not Blob.objects.exists()
    assert not left_over(storage)


@pytest.mark.parametrize("name", ["../etc/passwd", "A" * 64, "0" * 63, "0" * 63 + "/", ""])
def test_only_a_sha256_becomes_a_path(name):
    with pytest.raises(ValueError, match="SHA-256"):
        blobs.path(name)


def test_memory_stays_flat_while_a_large_file_comes_in():
    import tracemalloc

    tracemalloc.start()
    blobs.put((bytes(1 << 20) for _ in range(64)), size=64 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


@given(st.lists(st.binary(max_size=100), max_size=20))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_however_it_is_cut_the_content_is_the_same(parts):
    whole = b"".join(parts)
    blob = blobs.put(iter(parts))
    assert (blob.sha256, blob.size) == (hashlib.sha256(whole).hexdigest(), len(whole))
    assert blobs.read(blob.sha256, len(whole) + 1) == whole
