"""`manage.py verify_receipt FILE`: whether a receipt, or a log of receipts, is genuine and unchanged; needs no network."""

import hashlib
import json
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from evaluators import chains, receipts
from leaderboard.models import Benchmark


class Command(BaseCommand):
    help = "Check a receipt or a log of receipts (a JSON file, or - for standard input), or every run of a board."

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", help="the JSON of a receipt or a log, or -")
        parser.add_argument("--key", help="the signer's public key in base64 (default: this service's)")
        parser.add_argument("--log", help="a log of receipts that must hold this receipt, or this earlier log")
        parser.add_argument("--answer", help="the prediction file that the receipt should be about (needs its opening)")
        parser.add_argument("--board", help="instead of a file: check every run of this benchmark in the database")

    def handle(self, *args, file, key, log, answer, board, **options):
        if board:
            self._audit(board)
            return
        if not file:
            raise CommandError("name the file of a receipt or log, or a benchmark with --board")
        signed = _read(file)
        statement = signed.get("statement") if isinstance(signed, dict) else None
        is_log = isinstance(statement, dict) and statement.get("format") == chains.FORMAT
        _refuse(chains.verify_log(signed, key) if is_log else receipts.verify(signed, key))
        if log:
            whole = _read(log)
            _refuse(chains.verify_log(whole, key), "the log is not genuine: ")
            _refuse(chains.missing(signed, whole))
        if answer:
            _refuse(_other_answer(statement, Path(answer)))
        self._tell_log(signed) if is_log else self._tell(statement)

    def _audit(self, slug: str) -> None:
        found = list(Benchmark.objects.filter(slug=slug).select_related("package").order_by("version"))
        if not found:
            raise CommandError(f"there is no benchmark {slug!r}")
        faults = [f"version {row.version}: {fault}" for row in found for fault in chains.audit(row.package)]
        if faults:
            raise CommandError("changed since it was signed:\n  " + "\n  ".join(faults))
        count = sum(row.package.links.count() for row in found)
        self.stdout.write(f"Unchanged: {count} linked runs of {slug}, scores and receipts as they were signed.")

    def _tell_log(self, log: dict) -> None:
        said = log["statement"]
        benchmark = said["benchmark"]
        self.stdout.write(f"Genuine. {said['length']} links of {benchmark['slug']} version {benchmark['version']}.")

    def _tell(self, statement: dict) -> None:
        benchmark = statement["benchmark"]
        self.stdout.write(f"Genuine. Run {statement['run']} on {benchmark['slug']} version {benchmark['version']},")
        self.stdout.write(f"evidence {statement['evidence']}, finished {statement['finished']}:")
        for score in statement.get("scores", []):
            low, high = score.get("low"), score.get("high")
            interval = f" [{low:g}, {high:g}]" if low is not None and high is not None else ""
            value = "undefined" if score["value"] is None else f"{score['value']:g}"
            self.stdout.write(f"  {score['metric']} on {score['subset']}: {value}{interval}, n = {score['n']}")


def _read(file: str):
    try:
        return json.loads(sys.stdin.read() if file == "-" else Path(file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as JSON: {error}") from None


def _refuse(faults: list[str], before: str = "") -> None:
    if faults:
        raise CommandError(f"{before}not genuine: " + "; ".join(faults))


def _other_answer(statement: dict, answer: Path) -> list[str]:
    """Whether a file is the one that the receipt commits to, by the key that its team's copy of the receipt holds."""
    opening = statement.get("opening")
    if not opening or len(opening["files"]) != 1:
        return ["only the copy that a team fetches of a prediction's receipt can be compared with a file"]
    files = {opening["files"][0]: hashlib.sha256(answer.read_bytes()).hexdigest()}
    same = receipts.commit(opening["key"], files) == statement["commitments"]["answer"]
    return [] if same else [f"{answer} is another file than the one that was scored"]
