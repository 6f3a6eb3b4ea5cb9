"""`manage.py import_images LAYOUT FOLDER PACKAGE`: a benchmark package from a public image collection as it was downloaded."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from evaluators.faults import Faults
from leaderboard import importing


class Command(BaseCommand):
    help = "Write a benchmark package from pictures in the layout of HAM10000, of Kvasir (folders) or of Kvasir-SEG (masks)."

    def add_arguments(self, parser):
        parser.add_argument("layout", choices=list(importing.LAYOUTS))
        parser.add_argument("folder", type=Path, help="where the collection lies")
        parser.add_argument("package", type=Path, help="the folder to make")
        parser.add_argument("--share", type=float, default=0.2, help="how much is held out (default 0.2)")
        parser.add_argument("--slug", help="address of the board")
        parser.add_argument("--title")
        parser.add_argument("--source", help="name of the collection")
        parser.add_argument("--licence", help="licence of its pictures")
        parser.add_argument("--citation")
        parser.add_argument("--url")

    def handle(self, *args, layout, folder, package, share, **options):
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder")
        given = {"name": options["source"]} | {name: options[name] for name in ("licence", "citation", "url")}
        manifest = {name: options[name] for name in ("slug", "title") if options[name]}
        manifest["source"] = {name: value for name, value in given.items() if value}
        try:
            count = importing.write(layout, folder, package, share=share, manifest=manifest)
        except Faults as found:
            raise CommandError("\n".join(map(str, found.faults))) from None
        self.stdout.write(
            f"{package}: {count:,} held-out cases; what may be learnt from is in {package}.training.txt. "
            f"Look it through, then: manage.py load_benchmark {package}"
        )
