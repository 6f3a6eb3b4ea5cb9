"""`manage.py restore FILE`: fill an empty service from a backup."""

import sys

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from leaderboard import archive


class Command(BaseCommand):
    help = "Restore a backup into an empty data folder and database (SQLite or PostgreSQL, whichever it came from)."

    def add_arguments(self, parser):
        parser.add_argument("file", help="the archive, or - for standard input")
        parser.add_argument("--force", action="store_true", help="replace the data that is here")

    def handle(self, *args, file, force, **options):
        call_command("prepare")
        try:
            if file == "-":
                done = archive.load(sys.stdin.buffer, force=force)
            else:
                with open(file, "rb") as source:
                    done = archive.load(source, force=force)
        except (OSError, archive.Broken) as error:
            raise CommandError(f"{file}: {error}") from None
        self.stdout.write(
            f"Restored {sum(done['rows'].values()):,} rows and {done['blobs']:,} files. Start the service anew."
        )
