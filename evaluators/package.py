"""Benchmark packages: read from a folder or zip with every fault at once, stored as blobs and one immutable row.

Nothing is stored of a package with a fault. Of a stored one, participants see what `sample_submission` and
`released_inputs` write, and nothing of reference/, labels, split, groups or patients.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from django.db import transaction

from evaluators import layout, released
from evaluators.cases import Cases, read_cases
from evaluators.contents import PackageFolder, read
from evaluators.models import Package
from evaluators.readers import KINDS
from zoo import blobs

__all__ = ["PackageFolder", "digest", "read", "read_cases", "released_inputs", "sample_submission", "store"]


def digest(folder: PackageFolder) -> str:
    """SHA-256 over what benchmark.yaml states and the files. Secret, since it commits to the labels; see Package.salt."""
    content = {
        "manifest": folder.stated,
        "files": {name: sha for name, sha in folder.hashes.items() if name != layout.MANIFEST},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def store(folder: PackageFolder) -> Package:
    """Put the files into the blobs and make the row; the same content again gives the row that is there."""
    identity = digest(folder)
    known = Package.objects.filter(digest=identity).first()
    if known:
        return known
    stored = {name: blobs.put_path(path) for name, path in sorted(folder.files.items())}
    with transaction.atomic():
        package, _ = Package.objects.get_or_create(
            digest=identity,
            defaults={
                "slug": folder.manifest["slug"],
                "version": folder.manifest["version"],
                "manifest": folder.manifest,
                "files": {name: {"sha256": blob.sha256, "size": blob.size} for name, blob in stored.items()},
                "cases": len(folder.cases),
                "patients": len(np.unique(folder.cases.patients)),
                "salt": secrets.token_hex(32),
            },
        )
    return package


def sample_submission(manifest: dict, cases: Cases, out) -> str:
    """Write a valid answer with every case to a binary file object, or into the file of a path; returns its name."""
    kind = KINDS[manifest["kind"]]
    if isinstance(out, str | Path):
        with open(out, "wb") as file:
            return kind.sample(manifest, cases, file)
    return kind.sample(manifest, cases, out)


def released_inputs(package: Package) -> Iterator[bytes]:
    """The zip of inputs in pieces; empty of files where the package does not release them. For a streaming response.

    Inputs are renamed to their case ids and sorted by them, so that neither names nor order tell of labels or split.
    """
    if not package.manifest.get("release_inputs"):
        raise PermissionError("this package does not release its inputs")
    return released.stream(_stored_cases(package), lambda name: blobs.path(package.files[name]["sha256"]))


def _stored_cases(package: Package) -> Cases:
    return read_cases(package.manifest, blobs.path(package.files[layout.CASES]["sha256"]))
