"""`check_storage`: hash every stored file again; report rot, what is missing, and what nobody knows of."""

import sys

from django.core.management.base import BaseCommand

from zoo import upkeep
from zoo.models import Blob

NEXT = {
    "rot": "Restore the file from a backup, or upload the same bytes again once the damaged file is moved away.",
    "missing": "Restore it from a backup, or upload the same bytes again.",
    "orphaned": "manage.py collect_garbage removes orphaned content.",
}


class Command(BaseCommand):
    help = "Hash every stored file again and report rot, missing and orphaned files. Ends with 1 if any rotted or is missing."

    def add_arguments(self, parser):
        parser.add_argument("--quick", action="store_true", help="compare sizes only")

    def handle(self, *, quick, **options):
        counts: dict[str, int] = {}
        for fault in upkeep.check(quick=quick):
            counts[fault.kind] = counts.get(fault.kind, 0) + 1
            self.stdout.write(f"{fault.kind}\t{fault.name}\t{fault.size}\t{fault.note}")
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing wrong"
        self.stdout.write(f"{Blob.objects.count()} files {'looked at' if quick else 'hashed'}: {told}")
        for kind in counts:
            self.stdout.write(NEXT[kind])
        if set(counts) & {"rot", "missing"}:
            sys.exit(1)
