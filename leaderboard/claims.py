"""Published results that were not measured here, read from a package's claims.yaml. Each needs its citation."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evaluators import places
from evaluators.faults import Fault, Faults, quote
from leaderboard.models import Benchmark, Claim

FILE = "claims.yaml"
TEXTS = {"name": 200, "metric": 100, "cohort": 300, "citation": None, "doi": 200, "source": 300, "printed": 300}
NUMBERS = ("value", "low", "high")
REQUIRED = ("name", "metric", "value", "citation", "source")
DOI = re.compile(r"10\.\d{4,9}/\S+")
REMEDY = (
    "A claim names its metric and value, and cites its source.",
    "Name the table or sentence it was read from: source: Table 2.",
)
FIELDS = {*TEXTS, *NUMBERS, "reader"}


def read(file: Path, *, bare: bool = False) -> tuple[list[Claim], list[Fault]]:
    """Unsaved claims and every fault of a claims.yaml; nothing of either where there is no such file.

    `bare`: a claim may have `printed` words instead of a value, as a task without a benchmark shows them.
    """
    if not file.is_file():
        return [], []
    try:
        tree = places.read(file.read_bytes(), FILE)
    except Faults as faults:
        return [], faults.faults
    rows = tree.value.get("claims", tree) if isinstance(tree.value, dict) else tree
    if not isinstance(rows.value, list):
        hint = "Write a list; each item has name, metric, value and citation."
        return [], [Fault("this is not a list of claims", hint, line=1, file=FILE)]
    claims, faults = [], []
    for number, place in enumerate(rows.value, start=1):
        row = place.plain()
        wrong = [replace(fault, line=place.line) for fault in _faults(number, row, bare)]
        faults += wrong
        if not wrong:
            claims.append(Claim(**{key: value for key, value in row.items() if value is not None}))
    return claims, faults


def _faults(number: int, row, bare: bool) -> Iterator[Fault]:
    where = f"claim {number}"
    if not isinstance(row, dict):
        yield Fault(f"{where} is not a mapping", "Write name, metric, value and citation under it.", file=FILE)
        return
    for name in REQUIRED:
        if row.get(name) in (None, "") and not (bare and name == "value" and row.get("printed")):
            yield Fault(f"{where} has no {name}", REMEDY[name == "source"], file=FILE)
    for name in sorted(set(map(str, row)) - FIELDS):
        yield Fault(f"{where} has an unknown field {quote(name)}", f"Known are {', '.join(sorted(FIELDS))}.", file=FILE)
    for name in NUMBERS:
        value = row.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
        ):
            yield Fault(
                f"{where}: {name} {quote(value)} is not a number", "Write it in figures, without a unit.", file=FILE
            )
    for name, longest in TEXTS.items():
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            yield Fault(f"{where}: {name} is not text", "Put it in quotes.", file=FILE)
        elif value and longest and len(value) > longest:
            yield Fault(f"{where}: {name} has {len(value)} letters", f"At most {longest} fit.", file=FILE)
    if row.get("doi") and not DOI.fullmatch(str(row["doi"])):
        yield Fault(
            f"{where}: {quote(row['doi'])} is no DOI",
            "Write it without an address: 10.1001/jama.2017.18152.",
            file=FILE,
        )
    if not isinstance(row.get("reader", False), bool):
        yield Fault(f"{where}: reader is neither true nor false", "It is true for a human reader or panel.", file=FILE)


def store(benchmark: Benchmark, claims: list[Claim]) -> None:
    """Replace the benchmark's claims."""
    benchmark.claims.all().delete()
    for claim in claims:
        claim.benchmark, claim.task = benchmark, benchmark.task
    Claim.objects.bulk_create(claims)
