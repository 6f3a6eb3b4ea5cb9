"""Backup and restore: one archive, both databases, identical boards; and nothing half restored."""

import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from evaluators import receipts
from leaderboard import archive, exports, standings
from leaderboard.models import Benchmark, Submission
from tests import postgres
from zoo import blobs, commits
from zoo.models import Blob, Membership, User

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lived_in(submit, finished, cast, benchmark, settings, tmp_path):
    """A service with a model, entries and keys of its own; gives its boards by viewer."""
    settings.DATA_DIR = tmp_path / "var"
    settings.DATA_DIR.mkdir()
    (settings.DATA_DIR / "secret_key").write_text("k" * 50)
    model = commits.create_model(cast.lab, "net", author=cast.ann)
    commits.commit_files(
        model, cast.ann, add={"a.txt": blobs.put(b"text"), "b/c.bin": blobs.put(os.urandom(300_000))}, title="Add"
    )
    for seed, value in enumerate((0.8, 0.75)):
        made = submit(*((cast.lab, cast.ann) if seed else (cast.bens, cast.ben)), seed=seed, name=f"Ünïcode {seed}")
        finished(made.run, {"auroc": (value, value + np.random.default_rng(seed).normal(0, 0.03, 200))})
    return settings.DATA_DIR


def boards():
    found = Benchmark.objects.get()
    names = {"operator": User.objects.get(username="operator"), "ann": User.objects.get(username="ann")}
    return {name: exports.write(standings.table(found, user), "json") for name, user in names.items()}


def saved() -> io.BytesIO:
    out = io.BytesIO()
    archive.save(out)
    out.seek(0)
    return out


def empty(storage):
    """As after `manage.py prepare` in a new data folder."""
    for model in reversed(archive.tables()):
        model._base_manager.all()._raw_delete(using=connection.alias)
    for path in storage.rglob("*"):
        if path.is_file():
            path.unlink()


def test_a_restored_service_has_the_same_boards_files_people_and_keys(lived_in, storage):
    before, people = boards(), sorted(User.objects.values_list("pk", "username", "password", "is_superuser"))
    receipt_key = receipts.public_key_text()
    files = {blob.sha256: blobs.path(blob.sha256).read_bytes() for blob in Blob.objects.all()}
    kept = saved()
    empty(storage)
    (lived_in / "secret_key").write_text("another key, drawn at the first start")
    (lived_in / "receipt_key").unlink()
    archive.load(kept)
    assert boards() == before
    assert sorted(User.objects.values_list("pk", "username", "password", "is_superuser")) == people
    assert {blob.sha256: blobs.path(blob.sha256).read_bytes() for blob in Blob.objects.all()} == files
    assert (lived_in / "secret_key").read_text() == "k" * 50 and receipts.public_key_text() == receipt_key
    assert stat.S_IMODE((lived_in / "secret_key").stat().st_mode) == 0o600
    assert Membership.objects.count() == 4 and Submission.objects.get(name="Ünïcode 0").run.scores.exists()


def test_new_rows_after_a_restore_do_not_meet_the_old_ones(lived_in, storage, cast):
    kept = saved()
    empty(storage)
    archive.load(kept)
    assert User.objects.create_user("newcomer").pk > cast.stranger.pk


def test_a_service_that_holds_data_is_not_overwritten_without_force(lived_in):
    kept = saved()
    User.objects.create_user("later")
    with pytest.raises(archive.Broken, match="--force"):
        archive.load(kept)
    assert User.objects.filter(username="later").exists()
    kept.seek(0)
    archive.load(kept, force=True)
    assert not User.objects.filter(username="later").exists()


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_an_archive_that_was_cut_off_restores_no_row(lived_in, storage, share):
    whole = saved().getvalue()
    empty(storage)
    with pytest.raises(archive.Broken):
        archive.load(io.BytesIO(whole[: int(share * len(whole))]))
    assert archive.is_empty()
    archive.load(io.BytesIO(whole))
    assert Submission.objects.count() == 2, "and the whole one can be restored afterwards"


def test_a_changed_file_in_the_archive_is_found(lived_in, storage):
    whole = bytearray(saved().getvalue())
    with tarfile.open(fileobj=io.BytesIO(bytes(whole))) as tar:
        member = max((m for m in tar if m.name.startswith("blobs/")), key=lambda m: m.size)
    whole[member.offset_data + 100] ^= 1
    empty(storage)
    with pytest.raises(archive.Broken, match="damaged at blobs/"):
        archive.load(io.BytesIO(bytes(whole)))


@pytest.mark.parametrize("content", [b"", b"not an archive at all" * 100])
def test_something_else_is_refused(db, content):
    with pytest.raises(archive.Broken):
        archive.load(io.BytesIO(content), force=True)


def test_a_key_never_lands_outside_the_data_folder(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "var"
    settings.DATA_DIR.mkdir()
    archive._restore_key("../../evil", b"x")
    archive._restore_key("authorized_keys", b"x")
    assert not list(tmp_path.rglob("*evil*")) and not list(settings.DATA_DIR.iterdir())


def test_sessions_stay_behind(lived_in, client, cast):
    client.force_login(cast.ann, backend="django.contrib.auth.backends.ModelBackend")
    assert b"sessions" not in saved().getvalue()


def test_the_command_writes_a_private_file_and_never_over_another(lived_in, tmp_path, capsys):
    target = tmp_path / "backup.tar"
    call_command("backup", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600 and "rows" in capsys.readouterr().out
    with pytest.raises(CommandError, match="never overwrites"):
        call_command("backup", str(target))
    with pytest.raises(CommandError, match="--force"):
        call_command("restore", str(target))


def test_a_lost_file_is_named_and_no_half_backup_stays(lived_in, tmp_path):
    lost = Blob.objects.first().sha256
    blobs.path(lost).unlink()
    with pytest.raises(CommandError, match=lost):
        call_command("backup", str(tmp_path / "backup.tar"))
    assert not list(tmp_path.glob("*backup.tar*"))


class Elsewhere:
    """Another service, with its own folder and database, driven by its commands."""

    def __init__(self, folder: Path, url: str = ""):
        folder.mkdir()
        drop = {"DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL", "KENSA_SECRET_KEY"}
        self.env = {key: value for key, value in os.environ.items() if key not in drop}
        self.env |= {"KENSA_DATA_DIR": str(folder / "var"), "KENSA_LOG_LEVEL": "ERROR"}
        self.env |= {"DJANGO_SETTINGS_MODULE": "leaderboard.settings"} | ({"DATABASE_URL": url} if url else {})

    def manage(self, *commands: list) -> str:
        """Run commands one after the other in one process; gives what they printed."""
        script = "import django; django.setup()\nfrom django.core.management import call_command\n"
        script += "".join(f"call_command(*{list(map(str, command))!r})\n" for command in commands)
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


@pytest.mark.postgres
def test_a_backup_of_sqlite_restores_into_postgres_and_back(tmp_path, folder, labels):
    show = ["export_leaderboard", "tumour-or-not", "--format", "json", "--exact"]
    with postgres.server() as url:
        first, second, third = Elsewhere(tmp_path / "1"), Elsewhere(tmp_path / "2", url), Elsewhere(tmp_path / "3")
        before = first.manage(
            ["prepare"], ["load_benchmark", folder], ["create_token", "somebody"], ["backup", tmp_path / "a.tar"], show
        )
        second.manage(["restore", tmp_path / "a.tar"], ["create_token", "newcomer"], ["backup", tmp_path / "b.tar"])
        after = third.manage(["restore", tmp_path / "b.tar"], show)
    shown = [json.loads(text[text.index("\n{") :]) for text in (before, after)]
    assert shown[0] == shown[1] and shown[0]["n"] == 60
