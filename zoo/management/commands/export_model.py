"""`export_model owner/name[@revision] FOLDER`: the files of a revision, checked, in a new folder."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from zoo import commits, transport
from zoo.errors import Refused
from zoo.models import Model


class Command(BaseCommand):
    help = "Write the files of a revision (main unless named) to a new folder, each checked against its SHA-256."

    def add_arguments(self, parser):
        parser.add_argument("model", help="owner/name or owner/name@revision")
        parser.add_argument("folder", type=Path)

    def handle(self, *, model, folder, **options):
        repo, _, revision = model.partition("@")
        owner, _, name = repo.partition("/")
        found = Model.objects.filter(namespace__name=owner, name=name).select_related("namespace").first()
        if found is None:
            raise CommandError(f"There is no model {repo!r} here.")
        try:
            commit = transport.give_folder(found, revision or commits.MAIN, folder)
        except Refused as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from refusal
        self.stdout.write(f"{found} {commit.oid}: {commit.files.count()} files in {folder}")
