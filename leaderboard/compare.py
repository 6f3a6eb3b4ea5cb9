"""Two to six entries of a board side by side: paired differences, tests that suit the metric, where they disagree, and
whether they keep up with human readers.

The verdict on a pair is the board's own (max-T over all pairs), so the two never contradict each other; tests are adjusted
by Holm among the pairs shown. What is finer than a released score is for whom access.sees_finer says.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np

from evaluators import layout, readings, statistics, yardsticks
from evaluators.metrics import METRICS
from evaluators.statistics.comparisons import p_value
from leaderboard import cases, computations, entries, ranking, standings
from leaderboard.models import Benchmark
from leaderboard.rounding import text, to_step
from zoo import blobs
from zoo.errors import NotFound

LEAST, MOST = 2, 6
DISAGREED = 20  # cases shown
METHOD = "compare 1"


@dataclass(frozen=True)
class Pair:
    """One entry minus another, with an interval that holds for all pairs of the board at once."""

    a: object
    b: object
    value: float | None
    text: str
    low_text: str
    high_text: str
    differ: bool | None  # the board's verdict; None where it gives none
    p: float | None  # two-sided, of `method`; for whom finer things are
    holm: float | None  # adjusted for the pairs shown
    method: str

    @property
    def apart(self) -> bool:
        """Whether the adjusted test alone would say otherwise than the board, which weighs all pairs at once."""
        return self.holm is not None and self.differ is not None and (self.holm < 0.05) != self.differ


@dataclass
class Comparison:
    board: standings.Board
    entries: list
    pairs: list[Pair] = field(default_factory=list)
    disagreements: list[dict] = field(default_factory=list)  # {case, label, values: one an entry}
    shown: str = ""  # what those values are
    readers: list[dict] = field(default_factory=list)  # models against readers, by arm
    updating: bool = False


def of(benchmark: Benchmark, viewer, pks: list[int], *, metric: str = "", subset: str = "") -> Comparison:
    """The comparison of these submissions as `viewer` may see it. Raises NotFound for one that is not on this board."""
    board = standings.table(benchmark, viewer, metric=metric or None, subset=subset or None, whole=False)
    pks = list(dict.fromkeys(pks))
    if not LEAST <= len(pks) <= MOST:
        raise NotFound("two_to_six", f"{len(pks)} entries cannot be compared.", f"Choose {LEAST} to {MOST}.")
    by = {entry.submission.pk: entry for entry in board.entries}
    if missing := [pk for pk in pks if pk not in by]:  # not their team's best
        rows = entries.on(benchmark)
        for entry in entries.load(benchmark, viewer, [board.metric], board.subset, board.exact, rows, missing):
            by[entry.submission.pk] = entry
    chosen = [by[pk] for pk in pks if pk in by and by[pk].run.details]
    if len(chosen) < len(pks):
        raise NotFound("not_on_this_board", "An entry is not on this board.", "Choose others.")
    found = Comparison(board, chosen)
    state = [(entry.submission.pk, entry.run.pk, entry.run.details) for entry in chosen]
    content, fresh = computations.find(
        benchmark, " ".join(["compare", board.metric.name, board.subset, *map(str, sorted(pks))]),
        computations.digest(METHOD, board.metric.name, board.subset, state),
        lambda: {"metric": board.metric.name, "subset": board.subset, "entries": state}, len(state) * 20_000,
    )  # fmt: skip
    found.updating = not fresh
    if content and content["entries"] == pks:
        _tell(found, content)
    return found


def _tell(found: Comparison, content: dict) -> None:
    board = found.board
    holm = statistics.holm([np.nan if pair["p"] is None else pair["p"] for pair in content["pairs"]])
    for pair, adjusted in zip(content["pairs"], holm, strict=True):
        a, b = found.entries[pair["a"]], found.entries[pair["b"]]
        value, half, differ = _difference(board, a, b, pair["error"])
        ends = (None, None) if half is None else (value - half, value + half)
        finer = board.finer and pair["p"] is not None
        found.pairs.append(
            Pair(a, b, value, *(text(number, board.step) for number in (value, *ends)), differ,
                 pair["p"] if finer else None, float(adjusted) if finer else None, pair["method"] if finer else "")
        )  # fmt: skip
    if board.finer:
        found.disagreements, found.shown, found.readers = content["disagree"], content["shown"], content["readers"]


def _difference(board, a, b, error: float | None):
    """(value, half-width, verdict) of released numbers, by the board's own critical value."""
    values = [entry.scores[board.metric.name].value if board.metric.name in entry.scores else None for entry in (a, b)]
    if None in values:
        return None, None, None
    value = values[0] - values[1]
    if board.critical is None or error is None:
        return value if board.exact else to_step(value, board.step), None, None
    good = [ranking.goodness(board.metric, one) for one in values]
    half, differ = board.critical * error, bool(error > 0 and abs(good[0] - good[1]) > board.critical * error)
    return value if board.exact else to_step(value, board.step), half, differ


@computations.makes("compare")
def make(benchmark: Benchmark, ask: dict) -> dict:
    """Pairs, disagreements and reader studies of entries [(submission, run, details)]; exact, for nobody as it is."""
    metric, subset = METRICS[ask["metric"]], ask["subset"]
    details = [sha256 for _, _, sha256 in ask["entries"]]
    resampled = ranking.resampled_values(metric.name, subset, details)
    if metric.direction == "target":
        resampled = -np.abs(resampled - metric.best)
    held_out, mask = cases.of(benchmark.package), cases.chosen(benchmark.package, subset)
    answers = [_answer(sha256, metric.name) for sha256 in details]
    manifest = benchmark.package.manifest
    pairs = []
    for a, b in itertools.combinations(range(len(details)), 2):
        difference = resampled[a] - resampled[b]
        there = difference[np.isfinite(difference)]
        error = float(np.std(there, ddof=1)) if len(there) >= ranking.FEWEST else None
        p, method = _test(manifest, metric, held_out, mask, answers[a], answers[b], there)
        pairs.append({"a": a, "b": b, "error": error, "p": p, "method": method})
    values, shown = _per_case(manifest, held_out, answers)
    return {
        "entries": [pk for pk, _, _ in ask["entries"]], "pairs": pairs, "shown": shown,
        "disagree": _disagreements(manifest, held_out, mask, values) if values is not None else [],
        "readers": _readers(benchmark, held_out, answers) if subset == "all" else [],
    }  # fmt: skip


def _answer(sha256: str, metric: str) -> dict[str, np.ndarray]:
    """{"prediction": (n, ...), "per_case": (n, labels)} as far as the run left them."""
    with blobs.open(sha256) as file, np.load(file, allow_pickle=False) as arrays:
        found = {"prediction": arrays["prediction"]} if "prediction" in arrays else {}
        rows = [arrays[name] for name in arrays.files if name.startswith(f"per_case:{metric}:")]
    return found | ({"per_case": np.stack(rows, axis=1)} if rows else {})


def _binary(manifest: dict) -> bool:
    return manifest["kind"] == "classification" and len(manifest["classes"]) == 2 and not manifest.get("multilabel")


def _test(manifest, metric, held_out, mask, a, b, difference) -> tuple[float | None, str]:
    """(p, method): DeLong for a binary AUROC of independent cases, McNemar for accuracy, sign flips for means of cases, else
    from the shared resamples."""
    patients = np.asarray(held_out.patients)[mask]
    alone = len(np.unique(patients)) == len(patients)
    if "prediction" in a and "prediction" in b and manifest["kind"] == "classification" and alone:
        truth, answers = np.asarray(held_out.reference)[mask], [one["prediction"][mask] for one in (a, b)]
        if metric.name == "auroc" and _binary(manifest) and 0 < truth.sum() < len(truth):
            p = float(statistics.delong_test(truth, [one[:, 1] for one in answers])[1][0, 1])
            return (p if np.isfinite(p) else 1.0), "DeLong"
        if metric.name == "accuracy" and truth.ndim == 1:
            right = [one.argmax(axis=1) == truth for one in answers]
            table = [[0, int((right[0] & ~right[1]).sum())], [int((~right[0] & right[1]).sum()), 0]]
            return statistics.mcnemar(table), "McNemar"
    if "per_case" in a and "per_case" in b:
        means = [_means(one["per_case"][mask]) for one in (a, b)]
        return statistics.compare_cases(*means, groups=patients)[3], "sign flips"
    if len(difference) < ranking.FEWEST:
        return None, ""
    return p_value(difference), "paired bootstrap"


def _per_case(manifest, held_out, answers) -> tuple[np.ndarray | None, str]:
    """(K, n) numbers in which the answers can be seen to disagree, and what they are."""
    if all("per_case" in one for one in answers):
        return np.stack([_means(one["per_case"]) for one in answers]), "score"
    if not all("prediction" in one for one in answers):
        return None, ""
    if manifest["kind"] == "classification" and np.ndim(held_out.reference) == 1:
        own = np.asarray(held_out.reference)
        return np.stack([one["prediction"][np.arange(len(own)), own] for one in answers]), "probability"
    if manifest["kind"] == "regression":
        return np.stack([one["prediction"] for one in answers]), "value"
    return None, ""


def _means(values: np.ndarray) -> np.ndarray:
    """Mean over labels of values (n, labels), those left out not counted; NaN where all are."""
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    return np.divide(np.where(there, values, 0).sum(axis=1), count, out=np.full(len(values), np.nan), where=count > 0)


def _disagreements(manifest, held_out, mask, values) -> list[dict]:
    """The cases on which the answers lie farthest apart."""
    spread = np.where(mask, np.nan_to_num(values.max(axis=0) - values.min(axis=0), nan=-1.0), -1.0)
    found = []
    for place in np.argsort(-spread, kind="stable")[:DISAGREED]:
        if spread[place] <= 0:
            break
        label = ""
        if manifest["kind"] == "classification":
            label = manifest["classes"][int(held_out.reference[place])]
        elif manifest["kind"] == "regression":
            label = f"{float(held_out.reference[place]):.4g}"
        row = [float(f"{value:.4g}") if np.isfinite(value) else None for value in values[:, place]]
        found.append({"case": held_out.ids[place], "label": label, "values": row})
    return found


def _readers(benchmark: Benchmark, held_out, answers) -> list[dict]:
    """Each entry against the readers of each arm: Obuchowski-Rockette with Hillis's degrees of freedom."""
    manifest, files = benchmark.package.manifest, benchmark.package.files
    if layout.READERS not in files or not all("prediction" in one for one in answers):
        return []
    study = readings.read(manifest, held_out, blobs.path(files[layout.READERS]["sha256"]))
    truth = readings.truth(manifest, held_out.reference)
    wanted = manifest["readers"]["positive"] or manifest["classes"][1:2]
    columns = [manifest["classes"].index(name) for name in wanted]
    margin, found = manifest["readers"]["margin"], []
    for arm in study.arms:
        values = np.stack([yardsticks.ranked(one.values) for one in study.of(arm)])
        if study.form == "decisions":
            values = np.where(np.isnan(values), np.nan, np.isin(values, columns) * 1.0)
        read = ~np.isnan(values).any(axis=0)
        if len(values) < 2 or min(truth[read].sum(), (1 - truth[read]).sum()) < 2:
            continue
        for number, answer in enumerate(answers):
            score = answer["prediction"][:, columns].sum(axis=1)
            made = statistics.reader_study(truth[read], score[read], values[:, read], margin)
            facts = {name: getattr(made, name) for name in ("effect", "low", "high", "p", "model")}
            facts = {name: float(value) if np.isfinite(value) else None for name, value in facts.items()}
            found.append({"entry": number, "arm": arm, "readers": float(np.mean(made.readers)), "count": len(values),
                          "n": int(read.sum()), "margin": margin, "non_inferior": made.non_inferior} | facts)  # fmt: skip
    return found
