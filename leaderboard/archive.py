"""Backup and restore: database rows, blobs and keys in one tar, streamed, the same for SQLite and PostgreSQL.

A backup is one consistent moment of the database; blobs are immutable, so they may be copied after it. Sessions and
caches stay behind. A restore checks every blob's SHA-256 and fills the database in one transaction, or leaves it empty.
"""

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction

from zoo import blobs
from zoo.errors import Refused
from zoo.models import Blob

FORMAT = "kensa-backup-1"
# Rows that a fresh database makes for itself, or that nobody should find in a backup.
LEFT_OUT = {"contenttypes.contenttype", "auth.permission", "sessions.session"}
KEYS = ("secret_key", "receipt_key")
MANIFEST, ROWS = "manifest.json", "rows.jsonl"
BATCH = 500


class Broken(Exception):
    """An archive cannot be made or restored; the message says why and what to do."""


def tables() -> list[type[models.Model]]:
    """Every model whose rows are saved, so that what a row points to comes first where that is possible."""
    everything = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label_lower not in LEFT_OUT and model._meta.managed and not model._meta.proxy
    ]
    ordered, waiting = [], list(everything)
    while waiting:
        ready = [model for model in waiting if not _parents(model) & (set(waiting) - {model})] or waiting[:1]
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return ordered


def _parents(model) -> set:
    return {field.related_model for field in model._meta.concrete_fields if field.related_model}


def save(out: BinaryIO) -> dict:
    """Write the archive to a stream; returns {"rows": count, "blobs": count, "bytes": total}."""
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as rows:
        with _one_moment():
            counts = _dump(rows)
            stored = list(Blob.objects.order_by("sha256").values_list("sha256", "size"))
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            manifest = {
                "format": FORMAT, "made": datetime.now(UTC).isoformat(), "rows": counts, "blobs": len(stored),
            }  # fmt: skip
            _add(tar, MANIFEST, json.dumps(manifest, indent=1).encode())
            for name in KEYS:
                if (settings.DATA_DIR / name).exists():
                    _add(tar, f"keys/{name}", (settings.DATA_DIR / name).read_bytes())
            for sha256, size in stored:
                if not blobs.exists(sha256):
                    raise Broken(f"the storage has lost the file {sha256}; the backup was given up")
                with blobs.open(sha256) as content:
                    _add(tar, f"blobs/{sha256}", content, size)
            length = rows.tell()
            rows.seek(0)
            _add(tar, ROWS, rows, length)  # last: an archive that was cut off has none, and restores nothing
    return {"rows": sum(counts.values()), "blobs": len(stored), "bytes": sum(size for _, size in stored)}


def _add(tar: tarfile.TarFile, name: str, content: bytes | BinaryIO, size: int | None = None) -> None:
    member = tarfile.TarInfo(name)
    member.mode = 0o600
    if isinstance(content, bytes):
        content, size = io.BytesIO(content), len(content)
    member.size = size
    tar.addfile(member, content)


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction that reads one state of the database and, on SQLite, holds up no writer."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            if connection.vendor == "postgresql" and len(connection.atomic_blocks) == 1:
                connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


class _Exact(DjangoJSONEncoder):
    """Django's own encoder cuts times to milliseconds."""

    def default(self, value):
        return value.isoformat() if isinstance(value, datetime) else super().default(value)


def _dump(out: BinaryIO) -> dict[str, int]:
    """Rows as JSON lines; how many of each table."""
    counts = {}
    for model in tables():
        rows = model._base_manager.order_by("pk").iterator(chunk_size=BATCH)
        text = io.TextIOWrapper(out, "utf-8", write_through=True)
        counts[model._meta.label_lower] = 0

        def counted(rows=rows, label=model._meta.label_lower):
            for row in rows:
                counts[label] += 1
                yield row

        serializers.serialize("jsonl", counted(), stream=text, cls=_Exact)
        text.detach()
    return counts


def is_empty() -> bool:
    """Whether nobody and nothing lives in this service yet."""
    return not any(model._base_manager.exists() for model in tables() if model is not Blob)


def load(source: BinaryIO, *, force: bool = False) -> dict:
    """Fill this service from an archive. Raises Broken where it holds data already (unless `force`), or is not whole."""
    if not force and not is_empty():
        raise Broken("this service holds data already; restore into an empty data folder, or add --force to replace it")
    manifest = None
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for member in tar:
                if member.name == MANIFEST:
                    manifest = _manifest(tar.extractfile(member).read())
                elif manifest is None:
                    raise Broken("this is not a backup of Kensa: it does not begin with a manifest")
                elif member.name.startswith("keys/"):
                    _restore_key(member.name.removeprefix("keys/"), tar.extractfile(member).read())
                elif member.name.startswith("blobs/"):
                    _restore_blob(member, tar.extractfile(member))
                elif member.name == ROWS:
                    _fill(tar.extractfile(member), manifest)
                    return manifest
    except (tarfile.TarError, EOFError) as error:
        raise Broken(f"the archive is damaged: {error}") from error
    raise Broken("the archive is not whole: its last part is missing; nothing was restored into the database")


def _manifest(content: bytes) -> dict:
    manifest = json.loads(content)
    if manifest.get("format") != FORMAT:
        raise Broken(f"the archive has format {manifest.get('format')!r}; this version reads {FORMAT!r}")
    return manifest


def _restore_key(name: str, content: bytes) -> None:
    if name not in KEYS:
        return
    draft = settings.DATA_DIR / f".{name}.restored"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
    os.replace(draft, settings.DATA_DIR / name)


def _restore_blob(member: tarfile.TarInfo, content: BinaryIO) -> None:
    try:
        blobs.put(content, limit=member.size, size=member.size, expect_sha256=member.name.removeprefix("blobs/"))
    except Refused as refusal:
        raise Broken(f"the archive is damaged at {member.name}: {refusal.message}") from refusal


def _fill(source: BinaryIO, manifest: dict) -> None:
    """All rows in one transaction; whatever was there before is gone."""
    with transaction.atomic():  # foreign keys are checked when it ends
        for model in reversed(tables()):
            model._base_manager.all()._raw_delete(using=connection.alias)
        counts: dict[str, int] = {}
        batch: list = []
        for item in serializers.deserialize("jsonl", source):
            if batch and (type(batch[0].object) is not type(item.object) or len(batch) >= BATCH):
                _write(batch)
                batch = []
            batch.append(item)
            label = item.object._meta.label_lower
            counts[label] = counts.get(label, 0) + 1
        _write(batch)
        expected = {label: count for label, count in manifest["rows"].items() if count}
        if counts != expected:
            raise Broken("the archive is not whole: it has fewer rows than it says")
        connection.check_constraints()
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), tables()):
                cursor.execute(statement)


def _write(batch: list) -> None:
    if batch:
        type(batch[0].object)._base_manager.bulk_create([item.object for item in batch])
