"""`manage.py export_leaderboard SLUG --format csv|json|latex|markdown`: the board as everyone sees it (or exact)."""

from django.contrib.auth.models import AnonymousUser
from django.core.management.base import BaseCommand, CommandError

from leaderboard import benchmarks, exports, standings
from zoo.errors import Refused
from zoo.models import User


class Command(BaseCommand):
    help = "Print a leaderboard, with intervals, n and the benchmark's version."

    def add_arguments(self, parser):
        parser.add_argument("slug")
        parser.add_argument("--format", default="csv", choices=sorted(exports.FORMATS))
        parser.add_argument("--version-number", type=int, help="a version (default: the current one)")
        parser.add_argument("--metric", help="order by this metric (default: the primary one)")
        parser.add_argument("--subset", help="on these cases (default: all)")
        parser.add_argument("--all-entries", action="store_true", help="not only each team's best")
        parser.add_argument("--exact", action="store_true", help="what the organiser sees: unrounded, drafts too")

    def handle(self, *args, slug, version_number, metric, subset, all_entries, exact, **options):
        # Not stored: a user with the operator's rights for the length of this command.
        viewer = User(username="operator", is_superuser=True) if exact else AnonymousUser()
        try:
            found = benchmarks.find(slug, viewer, version_number)
            board = standings.table(found, viewer, metric=metric, subset=subset, all_entries=all_entries)
        except Refused as refusal:
            raise CommandError(f"{refusal.message} {refusal.hint}") from None
        self.stdout.write(exports.write(board, options["format"]), ending="")
