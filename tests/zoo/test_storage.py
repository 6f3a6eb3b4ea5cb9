"""Storage on disk and in a bucket of a real S3 server: the same blobs, downloads, collection and checks on both."""

import contextlib
import io
import json
import os
import random
import re
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from django.core.management import call_command
from django.utils import timezone

from evaluators import cache, package
from evaluators.models import Package, Run
from tests import postgres
from tests.packages import binary
from zoo import blobs, commits, safety, stores, upkeep
from zoo.models import Blob, File, Upload, Xorb

NOW = timedelta(0)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def s3_server():
    """Address of an S3 server, a process of its own."""
    command = [sys.executable, "-c", "from moto.server import main; main(['-H', '127.0.0.1', '-p', '0'])"]
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "kensa", "AWS_SECRET_ACCESS_KEY": "kensa"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        address = next(match[0] for line in process.stderr if (match := re.search(r"http://127\.0\.0\.1:\d+", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def bucket(s3_server, settings, monkeypatch, tmp_path):
    """KENSA_STORAGE_URL of an empty bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "kensa")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "kensa")
    name = f"kensa-{random.randrange(10**9)}"
    boto3.client("s3", endpoint_url=s3_server, region_name="us-east-1").create_bucket(Bucket=name)
    settings.DATA_DIR = tmp_path
    settings.STORAGE_URL = f"s3://{name}/zoo?endpoint={s3_server}"
    return settings.STORAGE_URL


@pytest.fixture(params=["file", "s3"])
def store(request, storage):
    if request.param == "s3":
        request.getfixturevalue("bucket")
    return stores.current()


def spoil(sha256: str, content: bytes | None) -> None:
    """Change stored bytes behind the service's back; None removes them."""
    store = stores.current()
    if content is None:
        store.remove(sha256)
    elif store.far:
        store._object(sha256).put(Body=content)
    else:
        store.path(sha256).parent.mkdir(parents=True, exist_ok=True)
        store.path(sha256).write_bytes(content)


@pytest.mark.django_db
def test_bytes_come_back_however_they_are_read(store):
    content = random.Random(1).randbytes(3_000_000)
    blob = blobs.put(io.BytesIO(content))
    assert (blobs.exists(blob.sha256), blobs.exists("0" * 64)) == (True, False)
    with blobs.open(blob.sha256) as file:
        assert file.read() == content
        for place, length in ((0, 10), (2_999_999, 10), (1_000_000, 600_000), (5, 5)):
            file.seek(place)
            assert file.read(length) == content[place : place + length]
        assert file.seek(-7, io.SEEK_END) == len(content) - 7
        assert file.read() == content[-7:]
    assert blobs.path(blob.sha256).read_bytes() == content
    assert blobs.put(content) == blob
    assert list(store.names()) == [(blob.sha256, len(content))]
    assert not list(store.incoming.iterdir()), "nothing is left on the way"
    with pytest.raises(FileNotFoundError):
        blobs.open("0" * 64)
    assert store.is_ready()


@pytest.mark.django_db
def test_a_model_is_stored_looked_at_and_downloaded(client, store, model, cast):
    tensors = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    weights = len(tensors).to_bytes(8, "little") + tensors + bytes(8)
    commits.commit_files(model, cast["owner"], add={"model.safetensors": blobs.put(weights)}, title="Weights")
    assert commits.resolve(model, "main").files.get(path="model.safetensors").blob.facts["parameters"] == 2
    url = "/clinic/net/resolve/main/model.safetensors"
    assert b"".join(client.get(url).streaming_content) == weights
    part = client.get(url, HTTP_RANGE="bytes=3-9")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, weights[3:10])
    assert client.get("/healthz").json()["checks"]["storage"] == "ok"


@pytest.mark.django_db
def test_only_what_nobody_refers_to_is_collected(store, model, cast):
    kept = set(File.objects.values_list("blob", flat=True))
    loose = blobs.put(b"sent, never committed")
    assert upkeep.collect() == (0, 0), "it was sent a moment ago"
    assert upkeep.collect(NOW) == (1, loose.size)
    assert not blobs.exists(loose.sha256)
    assert set(Blob.objects.values_list("pk", flat=True)) == kept
    commits.delete_model(model)
    assert upkeep.collect(NOW)[0] == len(kept)
    assert (list(store.names()), list(upkeep.check())) == ([], [])


@pytest.mark.django_db
def test_a_check_finds_rot_loss_and_what_nobody_knows(store, model, cast, capsys):
    assert list(upkeep.check()) == []
    card = commits.resolve(model, "main").files.get(path="README.md").blob
    notes = commits.resolve(model, "main").files.get(path="data/notes.txt").blob
    spoil(notes.sha256, b"9123456789" * 10)
    spoil(card.sha256, None)
    spoil("0" * 64, b"nobody's")
    found = {fault.kind: fault for fault in upkeep.check()}
    assert {kind: fault.name for kind, fault in found.items()} == {
        "rot": notes.sha256, "missing": card.sha256, "orphaned": "0" * 64,
    }  # fmt: skip
    assert "clinic/net@" in found["rot"].note and "data/notes.txt" in found["rot"].note
    assert {fault.kind for fault in upkeep.check(quick=True)} == {"missing", "orphaned"}, "the size is still right"
    with pytest.raises(SystemExit) as ended:
        call_command("check_storage")
    assert ended.value.code == 1
    assert "1 rot" in capsys.readouterr().out
    spoil(notes.sha256, None)
    blobs.put(b"0123456789" * 10)  # sent again: whole
    upkeep.collect(NOW)
    assert [fault.kind for fault in upkeep.check()] == ["missing"], "what nobody knew of is gone"
    with pytest.raises(OSError):
        blobs.path(card.sha256).read_bytes()


@pytest.mark.django_db
def test_what_runs_and_packages_name_stays(cast, tmp_path):
    blob = {name: blobs.put(name.encode()).sha256 for name in ("answer", "details", "cases", "loose")}
    row = Package.objects.create(
        digest="a" * 64, slug="p", version=1, manifest={}, files={"cases.csv": {"sha256": blob["cases"], "size": 5}},
        cases=1, patients=1, salt="b" * 64,
    )  # fmt: skip
    Run.objects.create(
        package=row, kind="predictions", answer={"files": {"a.csv": blob["answer"]}}, answer_digest="c" * 64,
        scope="team:1", evaluator="1", details=blob["details"],
    )  # fmt: skip
    assert upkeep.collect(NOW) == (1, 5)
    assert set(Blob.objects.values_list("pk", flat=True)) == {blob["answer"], blob["details"], blob["cases"]}


@pytest.mark.django_db
def test_an_upload_holds_its_bytes_until_it_is_too_old_and_a_xorb_for_ever(cast, team):
    sent, chunks = blobs.put(b"sent"), blobs.put(b"chunks")
    Upload.objects.create(user=cast["owner"], namespace=team, blob=sent)
    Xorb.objects.create(namespace=team, blob=chunks, hash="0" * 64)
    Blob.objects.update(touched=timezone.now() - timedelta(days=9))
    assert upkeep.collect() == (0, 0)
    Upload.objects.update(created=timezone.now() - timedelta(days=3))
    assert upkeep.collect() == (1, 4)
    assert blobs.exists(chunks.sha256)


@pytest.mark.django_db
def test_a_worker_fetches_a_package_and_an_answer(store, tmp_path):
    binary(tmp_path / "package")
    row = package.store(package.read(tmp_path / "package"))
    folder = cache.package(row)
    assert (folder / "cases.csv").read_bytes() == (tmp_path / "package" / "cases.csv").read_bytes()
    answer = blobs.put(b"case_id,benign,malignant\n")
    cache.fetch({"answer.csv": answer.sha256}, tmp_path)
    assert (tmp_path / "answer.csv").read_bytes() == b"case_id,benign,malignant\n"
    spoil(answer.sha256, b"case_id,malignant,benign\n")
    with pytest.raises(cache.Corrupt):
        cache.fetch({"damaged.csv": answer.sha256}, tmp_path)


@pytest.mark.django_db
def test_a_hash_in_a_card_keeps_nothing(cast, team):
    secret = blobs.put(b"a file that somebody's card names")
    net = commits.create_model(team, "quoting", author=cast["owner"])
    card = f"---\nnote: {secret.sha256}\n---\n".encode()
    commits.commit_files(net, cast["owner"], add={"README.md": blobs.put(card)}, title="Quote")
    upkeep.collect(NOW)
    assert not blobs.exists(secret.sha256)


@pytest.mark.django_db
def test_a_commit_of_what_was_collected_is_refused(model, cast):
    blob = blobs.put(b"sent and forgotten")
    upkeep.collect(NOW)
    safety_facts = safety.look(io.BytesIO(b""), 0, "a.txt")
    blob.facts = safety_facts | {"as": ".txt"}
    with pytest.raises(blobs.Incomplete, match="is gone"):
        commits.commit_files(model, cast["owner"], add={"a.txt": blob}, title="Late")


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_collection_never_takes_what_is_being_stored(database, tmp_path):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres.server()) if database == "postgres" else ""
        environment = {
            key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "KENSA_STORAGE_URL")
        }
        environment |= {"KENSA_DATA_DIR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
        environment |= {"DATABASE_URL": url} if url else {}
        done = subprocess.run(
            [sys.executable, "-m", "tests.zoo.collection_race"], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=180,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("committed") > 0
    assert found == {"errors": [], "worst": [], "faults": [], "unread": 0}


@pytest.mark.django_db
def test_what_killed_uploads_left_is_swept(storage):
    writer = blobs.Writer()
    writer.write(b"cut")
    os.utime(writer.name, (timezone.now().timestamp() - 7200,) * 2)
    fresh = blobs.Writer()
    upkeep.collect(NOW)
    assert [path.name for path in (storage / "incoming").iterdir()] == [os.path.basename(fresh.name)]
    fresh.abandon()


def test_a_storage_url_of_an_unknown_kind_says_what_is_known(settings):
    settings.STORAGE_URL = "ftp://somewhere/else"
    with pytest.raises(Exception, match="file:// or s3://"):
        blobs.exists("0" * 64)
