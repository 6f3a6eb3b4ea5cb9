"""`manage.py backup FILE`: everything in one archive, while the service runs."""

import os
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from leaderboard import archive


class Command(BaseCommand):
    help = "Write database, files and keys to one tar. It holds secrets: keep it as safe as the service itself."

    def add_arguments(self, parser):
        parser.add_argument("file", help="the archive to write, or - for standard output")

    def handle(self, *args, file, **options):
        if file == "-":
            archive.save(sys.stdout.buffer)
            return
        target = Path(file)
        if target.exists():
            raise CommandError(f"{target} exists; a backup never overwrites another file")
        draft = target.with_name(f".{target.name}.part")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                done = archive.save(out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(draft, target)
        except archive.Broken as error:
            raise CommandError(str(error)) from None
        finally:
            draft.unlink(missing_ok=True)
        self.stdout.write(f"{target}: {done['rows']:,} rows, {done['blobs']:,} files of {done['bytes']:,} bytes")
