"""A board in the JSON of Papers with Code's evaluation tables: task, data set, metrics, rows.

Rows are what was measured here and nothing that was only claimed; each names its evidence and interval beside the values
that the format knows.
"""

import json

from leaderboard.standings import Board


def as_papers(board: Board) -> str:
    benchmark, task = board.benchmark, board.benchmark.task
    manifest = benchmark.package.manifest
    source = manifest.get("source") or {}
    links = [{"title": source["name"], "url": source["url"]}] if source.get("url") else []
    shown = [board.metric, *(metric for metric in board.metrics if metric is not board.metric)]
    table = {
        "task": task.title, "description": task.question, "categories": [task.specialty] if task.specialty else [],
        "source_link": None, "synonyms": [], "subtasks": [],
        "datasets": [
            {
                "dataset": f"{benchmark.title}, version {benchmark.version}", "description": benchmark.description,
                "dataset_links": links, "dataset_citations": [source["citation"]] if source.get("citation") else [],
                "subdatasets": [],
                "sota": {"metrics": [metric.title for metric in shown], "rows": [_row(e, shown) for e in board.entries]},
            }
        ],
    }  # fmt: skip
    return json.dumps([table], indent=1, ensure_ascii=False) + "\n"


def _row(entry, shown) -> dict:
    submission, scores = entry.submission, entry.scores
    known = {m.title: scores[m.name] for m in shown if m.name in scores and scores[m.name].text}
    return {
        "model_name": entry.name, "paper_title": "", "paper_url": submission.paper_url or None,
        "paper_date": f"{entry.date:%Y-%m-%d}",
        "code_links": [{"title": "code", "url": submission.code_url}] if submission.code_url else [],
        "model_links": [{"title": str(entry.model), "url": entry.model.get_absolute_url()}] if entry.model else [],
        "uses_additional_data": bool(submission.external_data),
        "metrics": {title: score.text for title, score in known.items()},
        "intervals": {t: [s.low_text, s.high_text] for t, s in known.items() if s.low_text and s.high_text},
        "evidence": entry.evidence, "rank": entry.rank, "submission": submission.pk,
    }  # fmt: skip
