"""A board as plain text: rank with its interval, entry, evidence, primary score with its 95 % interval, n."""

from collections.abc import Iterable

from leaderboard.standings import Board, Entry

DASH = "\N{EN DASH}"
EMPTY = "\N{EM DASH}"


def text(board: Board) -> str:
    """What a terminal shows of a board; the numbers are those that this viewer's page shows."""
    benchmark, metric = board.benchmark, board.metric
    patients = f" of {board.patients:,} patient{'s' * (board.patients != 1)}" if board.patients != board.n else ""
    unit = f", {metric.unit}" if metric.unit else ""
    better = {"higher": "higher is better", "lower": "lower is better"}.get(
        metric.direction, f"best at {metric.best:g}"
    )
    head = [
        f"{benchmark.title}",
        f"  {metric.title}{unit}, {better}; {board.n:,} case{'s' * (board.n != 1)}{patients}; labels {benchmark.labels}; "
        f"{benchmark.get_absolute_url()}",
    ]
    rows = [("rank", "entry", "evidence", metric.symbol, "95 % interval", "n"), *map(_row, board.entries)]
    return "\n".join([*head, *_aligned(rows), *(f"  {sentence}" for sentence in board.reading)])


def _row(entry: Entry) -> tuple[str, ...]:
    rank = EMPTY
    if entry.rank is not None:
        same = entry.rank_low == entry.rank_high
        rank = f"{entry.rank}" + ("" if same else f" ({entry.rank_low}{DASH}{entry.rank_high})")
    score = entry.score
    evidence = entry.evidence + (", inputs public" if entry.inputs_public else "")
    if score is None or score.value is None:
        why = entry.reason or (score.reason if score else "") or "not measured"
        return rank, entry.name, evidence, EMPTY, why, f"{score.n:,}" if score else EMPTY
    interval = f"{score.low_text} to {score.high_text}" if score.low is not None else score.reason
    if score.few:
        interval += " (few patients)"
    return rank, entry.name, evidence, score.text, interval, f"{score.n:,}"


def _aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = {3, 5}  # figures
    lines = [
        "  "
        + "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], "  " + "-" * (len(max(lines, key=len)) - 2), *lines[1:]]
