"""The storage kept clean and true: what nobody refers to is collected, what is there is hashed again.

A blob is kept while a row of any table refers to it: by a foreign key, or because its SHA-256 stands in a column that
can hold one (a run's answer and details, a package's files). So a table that comes later is respected by itself.
Collecting cannot race with an upload or a commit: both lock the blob's row, and nothing touched lately is collected.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from zoo import blobs, stores
from zoo.models import Blob, Model, Token, Upload, Xorb

GRACE = timedelta(hours=48)  # longer than an upload's receipt is good for, see uploads.LIFETIME
BATCH = 200
DIGEST = 64  # letters of a SHA-256
_FOUND = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# Columns of that form that name no blob: what a stranger wrote, and what is secret.
_NEVER = {(Model, "card"), (Blob, "facts"), (Token, "digest"), (Xorb, "hash")}


@dataclass(frozen=True)
class Fault:
    """`kind`: rot (other bytes than its name says), missing (a row without bytes), orphaned (bytes without a row)."""

    kind: str
    name: str
    size: int
    note: str = ""


def collect(grace: timedelta = GRACE) -> tuple[int, int]:
    """Remove what nothing refers to and nobody touched for `grace`; (number, bytes) of what is gone."""
    cutoff = timezone.now() - grace
    Upload.objects.filter(created__lt=cutoff).delete()  # never committed, and no longer good for it
    count = size = 0
    old = Blob.objects.filter(touched__lt=cutoff).values_list("pk", flat=True)
    for batch in _batches(list(_without_links(old)), 10_000):
        for part in _batches(sorted(set(batch) - mentioned(set(batch))), BATCH):
            gone = _remove(part, cutoff)
            count, size = count + len(gone), size + sum(gone)
    for name, length in _strays(cutoff):
        count, size = count + 1, size + length
        _remove_stray(name)
    _sweep_incoming(max(grace, timedelta(hours=1)))
    return count, size


def _remove(sha256s: Iterable[str], cutoff) -> list[int]:
    """Under a lock on their rows, look again, and remove rows and bytes together; the sizes of what is gone."""
    store = stores.current()
    with transaction.atomic():
        rows = Blob.objects.select_for_update().filter(pk__in=sha256s, touched__lt=cutoff).order_by("pk")
        found = {row.pk: row for row in rows}
        linked = set(_without_links(Blob.objects.filter(pk__in=found).values_list("pk", flat=True)))
        free = linked - mentioned(linked)
        Blob.objects.filter(pk__in=free).delete()
        for sha256 in free:
            store.remove(sha256)
    return [found[sha256].size for sha256 in free]


def _without_links(blobs_: models.QuerySet) -> models.QuerySet:
    """Those to which no foreign key points."""
    for relation in Blob._meta.related_objects:
        held = relation.related_model._base_manager.filter(**{relation.field.name: models.OuterRef("pk")})
        blobs_ = blobs_.filter(~models.Exists(held))
    return blobs_


def mentioned(sha256s: set[str]) -> set[str]:
    """Those of the given whose name stands in some column of some table."""
    found: set[str] = set()
    for table in apps.get_models(include_auto_created=True):
        columns = [field.attname for field in table._meta.concrete_fields if _can_name_a_blob(table, field)]
        if not columns or not sha256s:
            continue
        for row in table._base_manager.values_list(*columns).iterator(chunk_size=500):
            for value in row:
                text = value if isinstance(value, str) else json.dumps(value)
                found.update(sha256s.intersection(_FOUND.findall(text)))
    return found


def _batches(things: Iterable, size: int) -> Iterator[list]:
    things = iter(things)
    return iter(lambda: list(islice(things, size)), [])


def _can_name_a_blob(table: type[models.Model], field: models.Field) -> bool:
    if field.is_relation or (table, field.name) in _NEVER or (table is Blob and field.primary_key):
        return False
    return isinstance(field, models.JSONField) or (isinstance(field, models.CharField) and field.max_length == DIGEST)


def _strays(cutoff) -> Iterator[tuple[str, int]]:
    """(name, size) of bytes without a row that were there before `cutoff`: left by a crash, or by a restored database."""
    for part in _batches(stores.current().names(cutoff), 500):
        names = dict(part)
        known = set(Blob.objects.filter(pk__in=names).values_list("pk", flat=True))
        yield from ((name, size) for name, size in names.items() if stores.is_sha256(name) and name not in known)


def _remove_stray(sha256: str) -> None:
    """Remove bytes without a row: a row is made to hold the lock, so that an upload of the same bytes waits."""
    with transaction.atomic():
        row, is_new = Blob.objects.select_for_update().get_or_create(
            sha256=sha256, defaults={"size": 0, "git_sha1": ""}
        )
        if is_new:
            stores.current().remove(sha256)
            row.delete()


def _sweep_incoming(age: timedelta) -> None:
    """What uploads left that were killed."""
    folder = stores.current().incoming
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if path.is_file() and path.stat().st_mtime < time.time() - age.total_seconds():
                path.unlink()
        except FileNotFoundError:
            continue


def check(*, quick: bool = False) -> Iterator[Fault]:
    """Hash every blob again (`quick`: compare sizes only) and tell what is wrong; then what lies there without a row."""
    store = stores.current()
    rows = Blob.objects.order_by("pk")
    for blob in rows.iterator(chunk_size=1000):
        size = store.size(blob.sha256)
        if size is None:
            if rows.filter(pk=blob.pk).exists():  # else collected meanwhile
                yield Fault("missing", blob.sha256, blob.size, uses(blob))
        elif size != blob.size:
            yield Fault("rot", blob.sha256, size, f"{blob.size:,} bytes were stored; {uses(blob)}")
        elif not quick and (actual := _hash(blob.sha256)) != blob.sha256:
            yield Fault("rot", blob.sha256, size, f"the bytes have SHA-256 {actual}; {uses(blob)}")
    for part in _batches(store.names(), 500):
        names = dict(part)
        known = set(Blob.objects.filter(pk__in=names).values_list("pk", flat=True))
        for name in sorted(set(names) - known):
            yield Fault("orphaned", name, names[name], "no row knows of it")


def _hash(sha256: str) -> str:
    digest = hashlib.sha256()
    with blobs.open(sha256) as file:
        while chunk := file.read(blobs.CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def uses(blob: Blob) -> str:
    """Where a blob is used, in words for the operator."""
    files = blob.files.select_related("commit__model__namespace").order_by("-pk")[:3]
    places = [f"{file.commit.model}@{file.commit.oid[:7]}/{file.path}" for file in files]
    if places:
        return "used in " + ", ".join(places)
    return "used by a run or a package" if mentioned({blob.sha256}) else "used nowhere"
