"""Published claims as they stand in papers: one table a source, a line for each method or reader, a column for each measure."""

from collections.abc import Iterable
from dataclasses import dataclass

from leaderboard.models import Claim


@dataclass(frozen=True)
class Table:
    """What one source says of one cohort; `rows` hold for every measure of `metrics` its claim, or None."""

    first: Claim  # citation, doi, source and cohort are those of every row
    metrics: list[str]
    rows: list[tuple[Claim, list[Claim | None]]]


def tables(claims: Iterable[Claim]) -> list[Table]:
    """The claims by source, each in the order in which they were loaded."""
    sources: dict[tuple, list[Claim]] = {}
    for claim in sorted(claims, key=lambda claim: claim.pk):
        sources.setdefault((claim.citation, claim.doi, claim.source, claim.cohort), []).append(claim)
    return [_table(found) for found in sources.values()]


def _table(found: list[Claim]) -> Table:
    metrics = list(dict.fromkeys(claim.metric for claim in found))
    by_name: dict[tuple, dict[str, Claim]] = {}
    for claim in found:
        by_name.setdefault((claim.name, claim.reader), {})[claim.metric] = claim
    rows = [(next(iter(row.values())), [row.get(metric) for metric in metrics]) for row in by_name.values()]
    return Table(found[0], metrics, rows)
