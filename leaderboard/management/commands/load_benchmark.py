"""`manage.py load_benchmark PATH`: make a benchmark from a package folder or zip, or list everything that is wrong with it.

A folder with task.yaml in place of benchmark.yaml is a task that is known from papers alone.
"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from evaluators.faults import Faults
from leaderboard import benchmarks, literature, privacy

LEAK = (
    "Look at the column {column!r} of the inputs: its {by} alone tells the outcome ({measure} {value:g}). "
    "Was it known before the outcome was?"
)


class Command(BaseCommand):
    help = "Check a benchmark package and load it; prints every fault at once and stores nothing if there is one."

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path, help="the package: a folder or a zip")
        parser.add_argument("--owner", help="namespace of the organiser (default: the manifest's, else kensa)")
        parser.add_argument("--draft", action="store_true", help="load it without publishing")
        parser.add_argument(
            "--confirm-identities", action="store_true", help="publish although something looks like an identity"
        )

    def handle(self, *args, path, owner, draft, confirm_identities, **options):
        if not path.exists():
            raise CommandError(f"{path} does not exist")
        cited = (path / literature.FILE).is_file()
        try:
            made = literature.load(path) if cited else benchmarks.load(path, owner, publish=False)
        except Faults as found:
            for fault in found.faults:
                self.stderr.write(str(fault))
            more = f" (the first {len(found.faults)} are listed)" if found.count > len(found.faults) else ""
            raise CommandError(f"{found.count} fault{'s' * (found.count != 1)}{more}; nothing was stored") from None
        if cited:
            self.stdout.write(f"{made.slug}: {made.claims.count()} claims, http://<server>{made.get_absolute_url()}")
            return
        package = made.package
        told = [] if made.identities_confirmed else privacy.identities(package)
        for text in told:
            self.stderr.write(f"This looks like somebody's identity: {text}")
        if told and not confirm_identities and not draft:
            self.stderr.write("It stays a draft: take that out, or load it with --confirm-identities.")
        elif not draft:
            made = benchmarks.publish(made) if made.status == made.Status.DRAFT else made
        for tell in package.manifest.get("leaks", ()):
            self.stderr.write(LEAK.format(**tell))
        self.stdout.write(
            f"{made.slug} version {made.version}, {made.status}: {package.cases} cases of {package.patients} patients, "
            f"owner {made.owner}, http://<server>{made.get_absolute_url()}"
        )
