"""`manage.py prepare`: make database, cache table and static files ready for this version. Safe to repeat."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate the database, make the cache table, collect static files."

    def handle(self, *args, **options):
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        if settings.STATIC_ROOT.is_relative_to(settings.DATA_DIR):
            call_command("collectstatic", interactive=False, verbosity=0)
