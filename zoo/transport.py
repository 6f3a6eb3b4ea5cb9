"""Whole models in and out: from a folder or a Hub server to a revision here, and from a revision to a folder.

Taking a folder in makes the head of `main` equal to it: what is not in the folder goes. The same folder again changes
nothing.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from zoo import blobs, commits, safety
from zoo.errors import NotFound, Refused
from zoo.models import Commit, Model, Namespace, User

PUBLIC_HUB = "https://huggingface.co"
LEFT_OUT = {
    ".git",
    ".cache",
    ".gitattributes",
    ".DS_Store",
    "__pycache__",
}  # names that belong to tools, not to a model


@dataclass
class Taken:
    """What came in: the model, its revision, and the files that this server does not take, with the reason."""

    model: Model
    commit: Commit
    left_out: dict[str, str] = field(default_factory=dict)


def take_folder(folder: Path, owner: str, name: str, *, author: User | None, private: bool, title: str) -> Taken:
    """Commit the files of a folder as `owner/name`, made if it is new. Raises `Refused`."""
    files = _files(folder)
    if not files:
        raise Refused(
            "no_file", f"There is no file in {folder}.", "Name the folder that holds the weights and README.md."
        )
    model = _model(owner, name, author, private)
    add, left_out = {}, {}
    for path, file in files.items():
        with file.open("rb") as content:
            facts = safety.look(content, file.stat().st_size, path)
        if facts.get("runs_code") and not settings.ALLOW_PICKLES:
            left_out[path] = f"{facts['runs_code']}; set KENSA_ALLOW_PICKLES=1 to store such files"
            continue
        add[path] = blobs.put_path(file)
    if not add:
        raise Refused(
            "no_file", f"Every file in {folder} runs code when it is loaded.", "Save the weights as safetensors."
        )
    gone = [path for path in commits.tree(commits.resolve(model, commits.MAIN)) if path not in add]
    commit = commits.commit_files(model, author, add=add, delete=gone, title=title)
    model.refresh_from_db()
    return Taken(model, commit, left_out)


def give_folder(model: Model, revision: str, folder: Path) -> Commit:
    """Write the files of a revision to a new or empty folder, each checked against its SHA-256. Raises `Refused`."""
    commit = commits.resolve(model, revision)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused("not_empty", f"{folder} is there already and not empty.", "Name a new folder.")
    for file in commit.files.all():
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with blobs.open(file.blob_id) as source, target.open("xb") as out:
            while chunk := source.read(blobs.CHUNK):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != file.blob_id:
            raise Refused(
                "damaged", f"{file.path} is damaged in the storage.", "Run manage.py check_storage.", status=500
            )
    return commit


def fetch_from_hub(repo: str, revision: str, folder: Path) -> str:
    """Download a revision of `owner/name` into a folder; its commit. From HF_ENDPOINT, or the public Hub. Raises `Refused`."""
    # heavy, and needed by this one command
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, LocalEntryNotFoundError

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or PUBLIC_HUB)
    try:
        commit = api.model_info(repo, revision=revision).sha
        api.snapshot_download(repo, revision=commit, local_dir=folder)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, HTTPError, OSError) as error:
        if isinstance(error, HTTPError | ConnectionError) and not isinstance(error, HfHubHTTPError):
            hint = (
                f"Without internet, fetch it elsewhere (hf download {repo} --local-dir net) and import that folder: "
                "import_model net --to owner/name. HF_ENDPOINT names another server."
            )
            raise Refused("hub", f"{api.endpoint} cannot be reached from here: {error}.", hint, status=502) from error
        hint = "Check the name, and HF_TOKEN for private or gated models."
        raise Refused("hub", f"{repo} could not be fetched from {api.endpoint}: {error}", hint, status=502) from error
    return commit


def _model(owner: str, name: str, author: User | None, private: bool) -> Model:
    namespace = Namespace.objects.filter(name=owner).first()
    if namespace is None:
        hint = "Make the user with create_token, or the organisation on the page /settings/organisations/."
        raise NotFound("no_namespace", f"There is no user or organisation {owner!r} here.", hint)
    found = Model.objects.filter(namespace=namespace, name=name).select_related("namespace").first()
    return found or commits.create_model(namespace, name, author=author, private=private)


def _files(folder: Path) -> dict[str, Path]:
    """{path in the model: file} of everything below the folder; links are followed, as a Hub client's cache has them."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        for name in sorted(set(names) - LEFT_OUT):
            file = Path(place) / name
            if file.is_file():
                found[file.relative_to(folder).as_posix()] = file
    return found
