"""`manage.py serve`: web, worker and embedded broker in one command, kept running until SIGTERM or Ctrl-C."""

import os
import socket
import sys

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from evaluators import broker
from evaluators.supervisor import Part, Supervisor, python, worker

# A download keeps a thread until its last byte is taken; so many slow readers leave some for pages.
THREADS = 96


class Command(BaseCommand):
    help = "Run the service on this machine: prepares the database, then serves pages and evaluates submissions."

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"), help="address to listen on")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", 8000)))
        parser.add_argument("--threads", type=int, default=THREADS, help="requests served at the same time")
        parser.add_argument("--workers", type=int, default=1, help="web processes")
        parser.add_argument("--concurrency", type=int, default=2, help="runs that a worker evaluates at the same time")
        parser.add_argument("--evaluators", type=int, default=1, help="workers")

    def handle(self, *args, **options):
        _must_be_free(options["host"], options["port"])
        call_command("prepare")
        parts = [broker.part()] if broker.embedded() else []
        parts += [
            *(worker(options["concurrency"]) for _ in range(options["evaluators"])),
            Part("web", python("-m", "gunicorn", "leaderboard.wsgi:application", "--bind",
                               f"{options['host']}:{options['port']}", "--worker-class", "gthread", "--workers",
                               str(options["workers"]), "--threads", str(options["threads"]), "--timeout", "120",
                               "--graceful-timeout", "10", "--log-level", "warning")),
        ]  # fmt: skip
        self.stdout.write(f"Kensa serves http://{options['host']}:{options['port']}/ from {settings.DATA_DIR}")
        sys.exit(Supervisor(parts, say=self.say).run())

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _must_be_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} on {host}: {error.strerror}. Choose another: make serve PORT=8001"
            ) from None
