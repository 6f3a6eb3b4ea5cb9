"""`manage.py verify_receipt FILE`: whether a receipt is genuine and unchanged; needs no network."""

import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from evaluators import receipts


class Command(BaseCommand):
    help = "Check the signature of a receipt (a JSON file, or - for standard input)."

    def add_arguments(self, parser):
        parser.add_argument("file", help="the receipt's JSON, or -")
        parser.add_argument("--key", help="the signer's public key in base64 (default: this service's)")

    def handle(self, *args, file, key, **options):
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
            receipt = json.loads(text)
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} cannot be read as JSON: {error}") from None
        if faults := receipts.verify(receipt, key):
            raise CommandError("not genuine: " + "; ".join(faults))
        statement = receipt["statement"]
        benchmark = statement["benchmark"]
        self.stdout.write(f"Genuine. Run {statement['run']} on {benchmark['slug']} version {benchmark['version']},")
        self.stdout.write(f"evidence {statement['evidence']}, finished {statement['finished']}:")
        for score in statement.get("scores", []):
            low, high = score.get("low"), score.get("high")
            interval = f" [{low:g}, {high:g}]" if low is not None and high is not None else ""
            value = "undefined" if score["value"] is None else f"{score['value']:g}"
            self.stdout.write(f"  {score['metric']} on {score['subset']}: {value}{interval}, n = {score['n']}")
