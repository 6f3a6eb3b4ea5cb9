"""`collect_garbage`: remove file content that nothing refers to any more."""

from datetime import timedelta

from django.core.management.base import BaseCommand

from zoo import upkeep
from zoo.templatetags.kensa import filesize


class Command(BaseCommand):
    help = (
        "Remove file content that no model, run or benchmark refers to and that nobody sent or named lately. "
        "Safe while the service runs."
    )

    def add_arguments(self, parser):
        hours = upkeep.GRACE.total_seconds() / 3600
        parser.add_argument(
            "--hours",
            type=float,
            default=hours,
            help=f"keep what was touched in the last so many hours (default {hours:g}; an upload may wait 24 for its commit)",
        )

    def handle(self, *, hours, **options):
        count, size = upkeep.collect(timedelta(hours=hours))
        self.stdout.write(f"{count} removed, {filesize(size)} freed")
