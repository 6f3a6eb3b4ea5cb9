"""How much a namespace may keep (KENSA_QUOTA_BYTES): its files in all revisions, and what was sent but not committed yet.

Each content counts once, however many models and revisions name it.
"""

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from zoo.errors import Refused
from zoo.models import Blob, File, Namespace, Upload, Xorb


class OverQuota(Refused):
    def __init__(self, namespace: Namespace, wanted: int, free: int):
        super().__init__(
            "over_quota",
            f"{namespace} has room for {max(0, free):,} bytes more; this needs {wanted:,}.",
            "Delete models it does not need, or ask the operator to raise KENSA_QUOTA_BYTES.",
            status=413,
        )


def used(namespace: Namespace) -> int:
    """Bytes that count against the quota."""
    return _kept(namespace).aggregate(total=Sum("size"))["total"] or 0


def require(namespace: Namespace, sizes: dict[str, int]) -> None:
    """Pass if blobs of these sizes, by SHA-256, fit beside what is there. Raises `OverQuota`."""
    if not settings.QUOTA_BYTES:
        return
    with transaction.atomic():
        Namespace.objects.select_for_update().get(pk=namespace.pk)  # two at once do not both get the last of the room
        new = dict(sizes)
        names = list(sizes)
        for start in range(0, len(names), 500):
            for sha256 in _kept(namespace).filter(pk__in=names[start : start + 500]).values_list("pk", flat=True):
                del new[sha256]
        wanted = sum(new.values())
        if wanted and wanted > (free := settings.QUOTA_BYTES - used(namespace)):
            raise OverQuota(namespace, wanted, free)


def require_room(namespace: Namespace, staged: int, wanted: int) -> None:
    """The same for bytes that are not files yet: runs of chunks and parts, which have the quota's room once more."""
    if settings.QUOTA_BYTES and staged + wanted > settings.QUOTA_BYTES:
        raise OverQuota(namespace, wanted, settings.QUOTA_BYTES - staged)


def xorb_bytes(namespace: Namespace) -> int:
    return Xorb.objects.filter(namespace=namespace).aggregate(total=Sum("blob__size"))["total"] or 0


def _kept(namespace: Namespace):
    files = File.objects.filter(commit__model__namespace=namespace).values("blob")
    uploads = Upload.objects.filter(namespace=namespace).values("blob")
    return Blob.objects.filter(Q(pk__in=files) | Q(pk__in=uploads))
