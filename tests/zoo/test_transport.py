"""Models in and out whole: a folder, a Hub server, a timm architecture with local weights; and to a folder again."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test.testcases import LiveServerThread
from safetensors.numpy import load_file, save_file

from zoo import blobs, commits
from zoo.models import Model

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    """A model as a folder: card, weights, a subfolder, and things that are no part of it."""
    root = tmp_path / "net"
    (root / "extra").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / "README.md").write_text("---\ntitle: From a folder\n---\n# Hello\n")
    (root / "extra" / "notes.txt").write_text("notes")
    (root / ".git" / "config").write_text("[core]")
    (root / "old.pth").write_bytes(b"\x80\x04K\x01.")
    save_file({"w": np.arange(6, dtype=np.float32)}, root / "model.safetensors")
    (root / "linked.txt").symlink_to(root / "extra" / "notes.txt")
    return root


def files(path: Path) -> dict:
    return {item.relative_to(path).as_posix(): item.read_bytes() for item in path.rglob("*") if item.is_file()}


def test_a_folder_goes_in_and_comes_out_the_same(team, folder, tmp_path, capsys):
    call_command("import_model", str(folder), to="clinic/net", user="owner")
    said = capsys.readouterr()
    assert "4 files" in said.out and "left out old.pth" in said.err
    model = Model.objects.get(name="net")
    assert (model.title, str(commits.resolve(model, "main").author)) == ("From a folder", "owner")
    call_command("export_model", "clinic/net", str(tmp_path / "out"))
    kept = {
        name: content for name, content in files(folder).items() if name != "old.pth" and not name.startswith(".git")
    }
    assert files(tmp_path / "out") == kept
    first = commits.resolve(model, "main")
    call_command("import_model", str(folder), to="clinic/net")
    assert commits.resolve(model, "main") == first, "the same folder again changes nothing"
    (folder / "extra" / "notes.txt").unlink()
    call_command("import_model", str(folder), to="clinic/net")
    assert "extra/notes.txt" not in commits.tree(commits.resolve(model, "main"))
    call_command("export_model", f"clinic/net@{first.oid[:9]}", str(tmp_path / "before"))
    assert files(tmp_path / "before") == kept


def test_what_cannot_be_moved_says_why(team, folder, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    for arguments, options, words in (
        (("import_model", str(folder)), {}, "--to"),
        (("import_model", str(folder)), {"to": "nobody/net"}, "no user or organisation"),
        (("import_model", str(folder)), {"to": "clinic/a--b"}, "letters"),
        (("import_model", str(tmp_path / "empty")), {"to": "clinic/net"}, "no file"),
        (("import_model", str(tmp_path / "none")), {"to": "clinic/net"}, "no folder"),
        (("import_model", "timm:resnet10t"), {"to": "clinic/net"}, "--weights"),
        (("export_model", "clinic/none", str(tmp_path / "x")), {}, "no model"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command(*arguments, **options)
    call_command("import_model", str(folder), to="clinic/net")
    with pytest.raises(CommandError, match="not empty"):
        call_command("export_model", "clinic/net", str(folder))
    for endpoint in ("http://127.0.0.1:9", "http://hub.invalid"):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(CommandError, match="cannot be reached from here.*Without internet, fetch it elsewhere"):
            call_command("import_model", "hf:some/one", to="clinic/other")
    assert not Model.objects.filter(name="other").exists()
    head = commits.resolve(Model.objects.get(name="net"), "main")
    blobs.path(head.files.get(path="model.safetensors").blob_id).write_bytes(b"rot")
    with pytest.raises(CommandError, match="damaged"):
        call_command("export_model", "clinic/net", str(tmp_path / "out"))


class Bomb:
    """Writes a file when its pickle is loaded."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def test_a_pickle_comes_in_only_where_it_is_allowed_and_is_never_loaded(team, folder, tmp_path, settings, capsys):
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    (folder / "old.pth").write_bytes(bomb)
    call_command("import_model", str(folder), to="clinic/net")
    assert "left out old.pth" in capsys.readouterr().err
    settings.ALLOW_PICKLES = True
    call_command("import_model", str(folder), to="clinic/net")
    assert "left out" not in capsys.readouterr().err
    file = commits.resolve(Model.objects.get(name="net"), "main").files.get(path="old.pth")
    assert blobs.read(file.blob_id, 10**6) == bomb
    assert file.blob.facts["runs_code"]
    call_command("export_model", "clinic/net", str(tmp_path / "out"))
    assert (tmp_path / "out" / "old.pth").read_bytes() == bomb
    with pytest.raises(CommandError, match="cannot be read as tensors"):
        call_command("import_model", "timm:test_vit", to="clinic/vit", weights=folder / "old.pth")
    assert not (tmp_path / "exploded").exists()


def test_a_timm_architecture_comes_with_local_weights(team, tmp_path):
    """timm makes random weights of 3 classes in a child process; they come back as timm's own format."""
    weights = tmp_path / "mine.safetensors"
    code = (
        "import sys, timm; from safetensors.torch import save_file; "
        "save_file(timm.create_model('test_vit', num_classes=3, in_chans=1).state_dict(), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(weights)], check=True)
    call_command("import_model", "timm:test_vit", to="clinic/vit", weights=weights)
    head = commits.resolve(Model.objects.get(name="vit"), "main")
    config = json.loads(blobs.read(head.files.get(path="config.json").blob_id, 10**6))
    assert (config["architecture"], config["num_classes"]) == ("test_vit", 3)
    stored = load_file(blobs.path(head.files.get(path="model.safetensors").blob_id))
    assert all(np.array_equal(stored[name], tensor) for name, tensor in load_file(weights).items())
    assert Model.objects.get(name="vit").library == "timm"
    with pytest.raises(CommandError, match="do not fit"):
        call_command("import_model", "timm:test_resnet", to="clinic/other", weights=weights)
    with pytest.raises(CommandError, match="knows no architecture"):
        call_command("import_model", "timm:resnet_of_dreams", to="clinic/other", weights=weights)
    assert not Model.objects.filter(name="other").exists()


@pytest.fixture
def hub(transactional_db, monkeypatch, tmp_path):
    """This very service as the Hub that HF_ENDPOINT names."""
    server = LiveServerThread("127.0.0.1", static_handler=lambda handler: handler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    monkeypatch.setenv("HF_ENDPOINT", f"http://localhost:{server.port}")
    yield server
    server.terminate()


@pytest.mark.django_db(transaction=True)
def test_a_model_of_a_hub_server_comes_whole(hub, team, folder, tmp_path):
    call_command("import_model", str(folder), to="clinic/source")
    source = Model.objects.get(name="source")
    call_command("import_model", "hf:clinic/source", to="owner/copy")
    copy = Model.objects.get(name="copy")
    heads = [commits.resolve(model, "main") for model in (source, copy)]
    assert commits.tree(heads[0]) == commits.tree(heads[1])
    assert heads[0].oid in heads[1].title
    commits.set_visibility(source, True)
    with pytest.raises(CommandError, match="could not be fetched"):
        call_command("import_model", "hf:clinic/source", to="owner/again")
