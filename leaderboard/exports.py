"""A board as CSV (one row per score), JSON, LaTeX (booktabs), Markdown, BibTeX of its sources and Papers with Code's JSON;
every export of scores carries intervals, n and version.

Each writer is a pure function of a Board, so an export shows exactly what its reader's page shows.
"""

import csv
import io
import json

from leaderboard import measured
from leaderboard.citations import as_bibtex
from leaderboard.papers import as_papers
from leaderboard.ranking import goodness
from leaderboard.spreadsheets import cell
from leaderboard.standings import Board, Entry

COLUMNS = ["rank", "rank_low", "rank_high", "tied", "name", "team", "evidence", "inputs_public", "model", "revision", "submission", "run", "date", "metric", "subset", "value", "low", "high", "n", "patients", "method", "benchmark", "version"]  # fmt: skip
LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\N{MINUS SIGN}": "$-$", "\n": " ",
    }
)  # fmt: skip
MARKDOWN = str.maketrans(
    {"|": r"\|", "\\": r"\\", "<": "&lt;", "*": r"\*", "_": r"\_", "`": r"\`", "[": r"\[", "\n": " "}
)


def write(board: Board, form: str) -> str:
    """The board in one of FORMATS."""
    return FORMATS[form][0](board)


def entry_dict(entry: Entry, subset: str) -> dict:
    """One entry as JSON and CSV show it, everywhere the same."""
    return {
        "rank": entry.rank,
        "rank_low": entry.rank_low,
        "rank_high": entry.rank_high,
        "tied": entry.tied,
        "name": entry.name,
        "team": entry.submission.by,
        "evidence": entry.evidence,
        "inputs_public": entry.inputs_public,
        "baseline": entry.baseline,
        "submission": entry.submission.pk,
        "model": str(entry.model) if entry.model else None,
        "revision": entry.revision or None,
        "run": entry.run.pk,
        "date": entry.date.isoformat(),
        "reason": entry.reason,
        "safety": entry.safety,
        "scores": [
            {"metric": name, "subset": subset} | score.as_dict() for name, score in sorted(entry.scores.items())
        ],
    }


def board_dict(board: Board) -> dict:
    """The board as JSON: entries, each with what its model's card declares, claims, and what is needed to read them."""
    declared = measured.of_board(board)
    return {
        "benchmark": board.benchmark.slug,
        "version": board.benchmark.version,
        "title": board.benchmark.title,
        "metric": board.metric.name,
        "direction": board.metric.direction,
        "unit": board.metric.unit,
        "subset": board.subset,
        "step": board.step,
        "exact": board.exact,
        "n": board.n,
        "patients": board.patients,
        "smallest_resolvable_difference": board.resolvable,
        "entries": [
            entry_dict(entry, board.subset)
            | {"declared": [each.as_dict() for each in declared.get(entry.submission.pk, [])]}
            for entry in board.entries
        ],
        "updating": board.updating,
        "yardsticks": [yardstick_dict(row, board) for row in board.quiet],
        "claims": [claim_dict(claim) for claim in board.claims],
    }


def yardstick_dict(row, board: Board) -> dict:
    """A trivial predictor or a human reader, by the board's metric on its subset."""
    score = {"metric": board.metric.name, "subset": board.subset} | row.score.as_dict() if row.score else None
    return {"kind": row.kind, "name": row.name, "arm": row.arm, "score": score} | row.finer


def claim_dict(claim) -> dict:
    names = ("name", "metric", "value", "printed", "low", "high", "cohort", "citation", "doi", "source", "reader")
    return {"evidence": "claimed"} | {name: getattr(claim, name) for name in names}


def as_json(board: Board) -> str:
    return json.dumps(board_dict(board), indent=1, ensure_ascii=False) + "\n"


def as_csv(board: Board) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    for entry in board.entries:
        known = entry_dict(entry, board.subset)
        shared = {name: known[name] for name in COLUMNS if name in known}
        shared |= {"benchmark": board.benchmark.slug, "version": board.benchmark.version}
        for score in known["scores"]:
            row = shared | {name: score[name] for name in COLUMNS if name in score}
            table.writerow({name: cell(value) for name, value in row.items()})
    return out.getvalue()


BOLD = "\0"  # around a cell that its table sets in bold


def _rows(board: Board) -> list[list[str]]:
    """Header and rows as plain text, for tables that people read. BOLD stands around the best of each column; in the first,
    around every entry that the first is not significantly better than."""
    shown = _shown(board)
    header = ["Rank", "Entry", "Team", "Evidence", *(f"{m.symbol}{f' ({m.unit})' if m.unit else ''}" for m in shown)]
    rows = [header]
    best = {m.name: _best(board, m) for m in shown[1:]}
    for entry in board.entries:
        rank = "\N{EN DASH}" if entry.rank is None else str(entry.rank)
        rank += f" ({entry.rank_low}\N{EN DASH}{entry.rank_high})" if entry.rank_low else ""
        evidence = entry.evidence + (", inputs public" if entry.inputs_public else "")
        scores = [_score(entry.scores.get(metric.name)) for metric in shown]
        bold = [entry.rank == 1 or entry.tied, *(_value(entry, m) == best[m.name] is not None for m in shown[1:])]
        scores = [f"{BOLD}{text}{BOLD}" if strong else text for text, strong in zip(scores, bold, strict=True)]
        rows.append([rank, entry.name.replace(BOLD, ""), entry.submission.by, evidence, *scores])
    return rows


def _best(board: Board, metric) -> float | None:
    known = [value for entry in board.ranked if (value := _value(entry, metric)) is not None]
    return max(known, key=lambda value: goodness(metric, value), default=None)


def _value(entry: Entry, metric) -> float | None:
    return entry.scores[metric.name].value if metric.name in entry.scores else None


def _bold(text: str, before: str, after: str) -> str:
    return f"{before}{text.strip(BOLD)}{after}" if text.startswith(BOLD) else text


def _shown(board: Board) -> list:
    """The metric of the order first, then the others that any entry has."""
    rest = [
        m for m in board.metrics if m is not board.metric and any(m.name in entry.scores for entry in board.entries)
    ]
    return [board.metric, *rest]


def _score(score) -> str:
    if score is None or not score.text:
        return "not measured"
    return f"{score.text} ({score.low_text}\N{EN DASH}{score.high_text})" if score.low_text else score.text


def caption(board: Board) -> str:
    """What a table must say of itself: benchmark, version, metric, n, intervals."""
    said = (
        f"{board.benchmark.title}, version {board.benchmark.version}. Ordered by {board.metric.title}; "
        f"{board.n:,} cases of {board.patients:,} patients; values with 95 % intervals from resampled patients, "
        "ranks with 95 % rank intervals (max-T over all pairs). "
        f"Bold: in {board.metric.symbol} every entry that the first is not significantly better than, elsewhere the best value."
    )
    if board.resolvable_text:
        said += f" Smallest resolvable difference {board.resolvable_text}."
    return said


def as_latex(board: Board) -> str:
    header, *rows = (
        [_bold(text.translate(LATEX).replace("\N{EN DASH}", "--"), r"\textbf{", "}") for text in row]
        for row in _rows(board)
    )
    columns = "rlll" + "l" * (len(header) - 4)
    lines = [
        r"% needs \usepackage{booktabs}", r"\begin{table}", r"\centering", rf"\caption{{{caption(board).translate(LATEX)}}}",
        rf"\begin{{tabular}}{{{columns}}}", r"\toprule", " & ".join(header) + r" \\", r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows), r"\bottomrule", r"\end{tabular}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def as_markdown(board: Board) -> str:
    header, *rows = ([_bold(text.translate(MARKDOWN), "**", "**") for text in row] for row in _rows(board))
    aligned = ["---:", "---", "---", "---", *("---" for _ in header[4:])]
    table = "\n".join("| " + " | ".join(row) + " |" for row in (header, aligned, *rows))
    return f"**{caption(board).translate(MARKDOWN)}**\n\n{table}\n"


# name -> (writer, media type, file ending)
FORMATS = {
    "json": (as_json, "application/json", "json"),
    "csv": (as_csv, "text/csv; charset=utf-8", "csv"),
    "latex": (as_latex, "application/x-latex; charset=utf-8", "tex"),
    "markdown": (as_markdown, "text/markdown; charset=utf-8", "md"),
    "bibtex": (as_bibtex, "application/x-bibtex; charset=utf-8", "bib"),
    "papers": (as_papers, "application/json", "papers.json"),
}
