"""What people do with the official client, said to a running hub: `python conversation.py` with HF_ENDPOINT and tokens set.

Run by test_clients.py under several versions of huggingface_hub, so it imports nothing of ours. Prints a line for each
act; the first that fails ends it.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

ALICE, BOB = os.environ["ALICE"], os.environ["BOB"]
alice, bob, nobody = HfApi(token=ALICE), HfApi(token=BOB), HfApi(token=False)
FOLDER = Path(tempfile.mkdtemp())
REPO = "lab/net"
BIG = (os.urandom(1 << 20) + bytes(1 << 20)) * 6


def refused(error, act, *args, **options):
    try:
        act(*args, **options)
    except error as caught:
        return caught
    raise AssertionError(f"{act.__name__}{args} was not refused")


def read(path, repo=REPO, token=ALICE, **options) -> bytes:
    cache = tempfile.mkdtemp(dir=FOLDER)
    return Path(hf_hub_download(repo, path, token=token, cache_dir=cache, **options)).read_bytes()


def people():
    who = alice.whoami()
    assert (who["name"], [each["name"] for each in who["orgs"]]) == ("alice", ["lab"])
    refused(OSError, HfApi(token="hf_wrong").whoami)  # before 1.0 an error of the HTTP library


def repositories():
    assert alice.create_repo(REPO).repo_id == REPO
    assert refused(HfHubHTTPError, alice.create_repo, REPO).response.status_code == 409
    alice.create_repo(REPO, exist_ok=True)
    refused(HfHubHTTPError, bob.create_repo, "lab/other")
    assert alice.repo_exists(REPO) and not alice.repo_exists("lab/none")


def small_and_large_files():
    alice.upload_file(path_or_fileobj=b'{"a": 1}', path_in_repo="config.json", repo_id=REPO)
    (FOLDER / "big.bin").write_bytes(BIG)
    alice.upload_file(path_or_fileobj=str(FOLDER / "big.bin"), path_in_repo="weights/big.bin", repo_id=REPO)
    info = alice.get_paths_info(REPO, ["weights/big.bin"])[0]
    assert (info.size, info.lfs.sha256) == (len(BIG), hashlib.sha256(BIG).hexdigest())
    assert read("weights/big.bin") == BIG and read("config.json", token=False) == b'{"a": 1}'
    head = alice.model_info(REPO).sha
    alice.upload_file(path_or_fileobj=str(FOLDER / "big.bin"), path_in_repo="weights/big.bin", repo_id=REPO)
    assert alice.model_info(REPO).sha == head, "nothing new makes no commit"


def folders():
    tree = FOLDER / "tree"
    (tree / "sub" / "deep").mkdir(parents=True)
    (tree / "README.md").write_text("---\nlicense: mit\nlibrary_name: timm\ntags: [medical]\n---\n# A net\n")
    (tree / "sub" / "deep" / "ü n.txt").write_text("x")
    alice.upload_folder(folder_path=tree, repo_id=REPO)
    assert {"sub/deep/ü n.txt", "README.md"} <= set(alice.list_repo_files(REPO))
    shot = Path(snapshot_download(REPO, token=ALICE, cache_dir=tempfile.mkdtemp(dir=FOLDER)))
    assert (shot / "sub/deep/ü n.txt").read_text() == "x" and (shot / "weights/big.bin").read_bytes() == BIG
    info = alice.model_info(REPO, files_metadata=True)
    assert (info.card_data.license, info.library_name) == ("mit", "timm") and "medical" in info.tags
    assert REPO in [each.id for each in alice.list_models(author="lab", filter="medical")]


def operations():
    operations = [CommitOperationCopy("weights/big.bin", "copy.bin"), CommitOperationAdd("t/1.txt", b"1")]
    made = alice.create_commit(REPO, operations, commit_message="Copy")
    assert read("copy.bin", revision=made.oid) == BIG
    alice.create_commit(REPO, [CommitOperationDelete("copy.bin"), CommitOperationDelete("t/")], commit_message="Drop")
    refused(EntryNotFoundError, read, "copy.bin")
    assert read("copy.bin", revision=made.oid[:10]) == BIG, "history stays"
    assert [each.title for each in alice.list_repo_commits(REPO)][:2] == ["Drop", "Copy"]
    refused(HfHubHTTPError, alice.create_commit, REPO, [CommitOperationAdd("x", b"x")], commit_message="x",
            parent_commit=made.oid)  # fmt: skip


def branches_and_tags():
    alice.create_branch(REPO, branch="feat/x")
    alice.upload_file(path_or_fileobj=b"fx", path_in_repo="fx.txt", repo_id=REPO, revision="feat/x")
    alice.create_tag(REPO, tag="v1", revision="feat/x")
    assert read("fx.txt", revision="feat/x") == read("fx.txt", revision="v1") == b"fx"
    refused(EntryNotFoundError, read, "fx.txt")
    refused(RevisionNotFoundError, read, "fx.txt", revision="nope")
    refs = alice.list_repo_refs(REPO)
    assert ([each.name for each in refs.branches], [each.name for each in refs.tags]) == (["main", "feat/x"], ["v1"])
    assert "fx.txt" in [each.path for each in alice.list_repo_tree(REPO, revision="feat/x", expand=True)]
    alice.delete_branch(REPO, branch="feat/x")
    alice.delete_tag(REPO, tag="v1")


def strangers():
    refused(HfHubHTTPError, bob.upload_file, path_or_fileobj=b"x", path_in_repo="x", repo_id=REPO)
    refused(HfHubHTTPError, bob.delete_repo, REPO)
    alice.update_repo_settings(REPO, private=True)
    for api, token in ((bob, BOB), (nobody, False)):
        refused(RepositoryNotFoundError, api.model_info, REPO)
        refused(RepositoryNotFoundError, read, "config.json", token=token)
    alice.update_repo_settings(REPO, private=False)


def gates():
    alice.update_repo_settings(REPO, gated="manual")
    refused(GatedRepoError, read, "config.json", token=BOB)
    refused(GatedRepoError, bob.auth_check, REPO)
    alice.grant_access(REPO, "bob")
    assert read("config.json", token=BOB) == b'{"a": 1}'
    assert [each.username for each in alice.list_accepted_access_requests(REPO)] == ["bob"]
    alice.reject_access_request(REPO, "bob", rejection_reason="no")
    refused(GatedRepoError, read, "config.json", token=BOB)
    alice.update_repo_settings(REPO, gated=False)


def moves():
    alice.move_repo(REPO, "alice/better")
    assert alice.model_info(REPO).id == "alice/better" and read("config.json") == b'{"a": 1}'
    alice.move_repo("alice/better", REPO)


def command_line():
    exe = Path(sys.executable).with_name("hf")
    if not exe.exists():
        print("no hf beside this python")
        return

    def run(*words):
        environment = os.environ | {"HF_TOKEN": ALICE}
        subprocess.run([exe, *words], env=environment, check=True, capture_output=True, text=True, timeout=120)

    run("upload", REPO, str(FOLDER / "tree"), "cli")
    run("download", REPO, "cli/README.md", "--local-dir", str(FOLDER / "out"))
    assert (FOLDER / "out/cli/README.md").read_text().startswith("---")


def networks():
    try:
        import timm
        import torch
    except ImportError:
        print("no timm here")
        return
    os.environ["HF_TOKEN"] = ALICE
    made = timm.create_model("resnet10t", num_classes=3)
    config = {"input_size": (3, 64, 64), "num_classes": 3, "mean": (0.5,) * 3, "std": (0.5,) * 3}
    made.pretrained_cfg = made.pretrained_cfg | config if isinstance(made.pretrained_cfg, dict) else made.pretrained_cfg
    timm.models.push_to_hf_hub(
        made, "lab/timm-net", model_config={"num_classes": 3}, safe_serialization=True, token=ALICE
    )
    again = timm.create_model("hf-hub:lab/timm-net", pretrained=True, cache_dir=tempfile.mkdtemp(dir=FOLDER))
    before, after = made.state_dict(), again.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    alice.delete_repo("lab/timm-net")


def the_end():
    alice.delete_repo(REPO)
    refused(RepositoryNotFoundError, alice.delete_repo, REPO)


ACTS = [people, repositories, small_and_large_files, folders, operations, branches_and_tags, strangers, gates, moves]
ACTS += [command_line, networks, the_end]
if __name__ == "__main__":
    for act in ACTS:
        act()
        print("ok", act.__name__, flush=True)
