"""What a model's card may say of a scored submission: `model-index` for its front matter, and the Hub's `.eval_results`.

Both hold the released headline scores, the address they can be checked at, and nothing else.
"""

from dataclasses import dataclass

import yaml

from leaderboard import access, answers
from leaderboard.models import Submission
from zoo.access import visible_models

TASKS = {
    "classification": "image-classification", "segmentation": "image-segmentation", "detection": "object-detection",
    "restoration": "image-to-image", "survival": "tabular-regression", "regression": "tabular-regression",
}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """A submission as one viewer may see it, and the address of this service (https://...)."""

    submission: Submission
    viewer: object
    site: str

    @property
    def scores(self) -> list:
        headline = access.headline(self.submission.benchmark)
        found = answers.scores(self.submission, self.viewer)
        return [row for row in found if row.subset == headline and not row.part and row.score.value is not None]

    @property
    def name(self) -> str:
        row = self.submission
        seen = row.model_id and visible_models(self.viewer).filter(pk=row.model_id).exists()
        return str(row.model) if seen else row.name

    @property
    def address(self) -> str:
        return self.site + self.submission.get_absolute_url()


def model_index(card: Card) -> str:
    """YAML for the front matter of a README.md."""
    benchmark = card.submission.benchmark
    kind = TASKS[benchmark.kind]
    if kind == "image-classification" and not benchmark.task.modality:
        kind = "tabular-classification"
    metrics = [
        {"type": row.metric, "value": row.score.value, "name": _named(row), "verified": False} for row in card.scores
    ]
    result = {
        "task": {"type": kind, "name": benchmark.task.title},
        "dataset": {
            "type": f"{benchmark.owner.name}/{benchmark.slug}", "name": benchmark.title, "split": access.headline(benchmark),
            "revision": str(benchmark.version),
        },
        "metrics": metrics,
        "source": {"name": "Kensa", "url": card.address},
    }  # fmt: skip
    return _yaml({"model-index": [{"name": card.name, "results": [result]}]})


def eval_results(card: Card) -> str:
    """YAML for `.eval_results/<benchmark>.yaml` of a repository on the Hub."""
    benchmark, run = card.submission.benchmark, card.submission.run
    return _yaml(
        [
            {
                "dataset": {"id": f"{benchmark.owner.name}/{benchmark.slug}", "task_id": row.metric},
                "value": row.score.value,
                "date": (run.finished or card.submission.created).isoformat(),
                "source": {"url": card.address, "name": "Kensa"},
                "notes": f"version {benchmark.version}, {run.kind}, {_named(row)}",
            }
            for row in card.scores
        ]
    )


def _named(row) -> str:
    """The metric's name with interval and n, since neither format has a place for them."""
    score = row.score
    interval = f", 95 % interval {score.low_text} to {score.high_text}" if score.low_text and score.high_text else ""
    return f"{row.metric}{interval}, n = {score.n}"


def _yaml(content) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
