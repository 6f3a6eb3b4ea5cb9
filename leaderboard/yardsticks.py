"""What a board's entries are measured against, on the board: trivial predictors and human readers, never ranked.

Measured once, by a worker, when a benchmark is published: from the public cases alone where there is a split.
"""

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from django.conf import settings
from django.db import transaction

from evaluators import cache, sandbox
from leaderboard import computations
from leaderboard.models import Benchmark, Yardstick
from leaderboard.rounding import ReleasedScore, release

TOPIC = "yardsticks"


@dataclass(frozen=True)
class Row:
    """One quiet row of a board. `name`: majority, prevalence, ... or the reader; `finer`: points, areas and agreement, where
    this viewer sees them."""

    kind: str  # trivial | reader
    name: str
    arm: str
    score: ReleasedScore | None  # by the board's metric on its subset; None where a reading gives no such value
    finer: dict


def request(benchmark: Benchmark) -> None:
    """Have them measured; called where a benchmark is published, inside that transaction."""
    identity = computations.digest(TOPIC, benchmark.package.digest)
    fresh = {"topic": TOPIC, "benchmark": benchmark}
    row, made = benchmark.computations.get_or_create(digest=identity, defaults=fresh)
    if made:
        transaction.on_commit(partial(computations.ring, row))


@computations.makes(TOPIC)
def measure(benchmark: Benchmark, ask: dict) -> dict:
    """Measure them in a sandboxed child, which opens the package's files, and keep them. Raises RuntimeError."""
    package = cache.package(benchmark.package)
    with tempfile.TemporaryDirectory(prefix="yardsticks-", dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        work = Path(folder) / "out"
        work.mkdir()
        outcome = sandbox.shared().run(
            "evaluators.child:measure", {"manifest": benchmark.package.manifest}, work=work, given={"package": package}
        )
    if outcome.status != "done":
        raise RuntimeError(f"the yardsticks of {benchmark}: {outcome.status} {outcome.error}\n{outcome.log}")
    return keep(benchmark, outcome.value["yardsticks"])


def keep(benchmark: Benchmark, measured: list[dict]) -> dict:
    """Replace the benchmark's yardsticks by those measured."""
    rows = [
        Yardstick(
            benchmark=benchmark, place=place, kind=one["kind"], name=one["name"][:100], arm=one["arm"][:100],
            content={key: one[key] for key in ("scores", "points", "areas", "agreement")},
        )
        for place, one in enumerate(measured)
    ]  # fmt: skip
    with transaction.atomic():
        benchmark.yardsticks.all().delete()
        Yardstick.objects.bulk_create(rows)
    return {"rows": len(rows)}


def rows(benchmark: Benchmark, metric: str, subset: str, exact: bool, finer: bool) -> list[Row]:
    """The quiet rows of a board by one metric on one subset, rounded unless `exact`; those with no value for it left out,
    except readers, whose points and areas speak for them where `finer` things may be shown."""
    found = []
    for one in benchmark.yardsticks.order_by("place"):
        scores = [row for row in one.content["scores"] if (row["metric"], row["subset"]) == (metric, subset)]
        score = release(SimpleNamespace(**scores[0]), benchmark.steps.get(metric), exact) if scores else None
        more = {key: one.content[key] for key in ("points", "areas", "agreement")} if finer else {}
        if (score and score.value is not None) or (one.kind == Yardstick.Kind.READER and more):
            found.append(Row(one.kind, one.name, one.arm, score, more))
    return found
