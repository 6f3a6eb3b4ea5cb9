"""`import_model PATH | hf:owner/name[@revision] | timm:architecture`: bring a model into the zoo."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from zoo import transport
from zoo.errors import Refused
from zoo.models import User

CARD = """---
library_name: timm
tags: [timm]
---
# {name}

The architecture `{architecture}` of timm with weights from `{weights}`. Say here what it is for, on what it was trained,
and where it fails.
"""


class Command(BaseCommand):
    help = (
        "Bring a model into the zoo: a folder, hf:owner/name from the Hub (HF_ENDPOINT names another server), or "
        "timm:architecture with --weights FILE."
    )

    def add_arguments(self, parser):
        parser.add_argument("source", help="a folder, hf:owner/name[@revision], or timm:architecture")
        parser.add_argument("--to", metavar="OWNER/NAME", help="its name here (hf: the same as there)")
        parser.add_argument("--weights", type=Path, help="timm: a local .safetensors or .pth with the parameters")
        parser.add_argument("--user", help="who commits it (default: nobody)")
        parser.add_argument("--private", action="store_true", help="a new model is seen by its owner's members only")

    def handle(self, *, source, to, weights, user, private, **options):
        kind, colon, rest = source.partition(":")
        kind = kind if colon and kind in ("hf", "timm") else "path"
        repo, _, revision = rest.partition("@")
        owner, slash, name = (to or (repo if kind == "hf" else "")).partition("/")
        if not (owner and slash and name):
            raise CommandError("Name it: --to owner/name")
        author = User.objects.filter(username=user).first() if user else None
        if user and author is None:
            raise CommandError(f"There is no user {user!r}.")
        try:
            with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="import-") as scratch:
                folder, title = Path(source), f"Import {Path(source).name}"
                if kind == "hf":
                    folder = Path(scratch)
                    commit = transport.fetch_from_hub(repo, revision or "main", folder)
                    title = f"Import {repo} at {commit}"
                elif kind == "timm":
                    folder, title = _timm(rest, weights, Path(scratch), name), f"Import timm {rest}"
                elif not folder.is_dir():
                    raise CommandError(f"{source} is no folder (nor hf:owner/name, nor timm:architecture)")
                taken = transport.take_folder(folder, owner, name, author=author, private=private, title=title)
        except Refused as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        for path, why in taken.left_out.items():
            self.stderr.write(f"left out {path}: {why}")
        count = taken.commit.files.count()
        self.stdout.write(f"{taken.model} {taken.commit.oid}: {count} files, http://<server>/{taken.model}")


def _timm(architecture: str, weights: Path | None, folder: Path, name: str) -> Path:
    """A folder with the architecture and its weights, made by a child process: timm and torch are never loaded here."""
    if weights is None or not weights.is_file():
        raise CommandError("timm: needs --weights FILE, a local .safetensors or .pth")
    command = [
        sys.executable,
        "-m",
        "evaluators.runners._timm_folder",
        architecture,
        str(weights.resolve()),
        str(folder),
    ]
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    environment |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["the child process ended without a word"]
        raise CommandError(lines[-1])
    (folder / "README.md").write_text(CARD.format(name=name, architecture=architecture, weights=weights.name))
    return folder
