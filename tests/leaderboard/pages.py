"""Boards for the tests of the pages, written straight into the database; and what is wrong with a page's HTML.

Nothing here is a result: values are drawn at random around numbers that the tests choose.
"""

import io
import secrets
from html.parser import HTMLParser

import numpy as np
from django.utils import timezone

from evaluators import chains, receipts
from evaluators.models import Package, Run, Score
from leaderboard.models import Benchmark, Claim, Submission, Task
from zoo import accounts, blobs
from zoo.models import Namespace

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
METRICS = ("auroc", "average_precision")


def make_board(owner: Namespace, slug: str = "chest", *, cases=200, patients=180, task=None, **changes) -> Benchmark:
    """A published classification benchmark; `changes` are columns of Benchmark, or "manifest" entries to add."""
    more = changes.pop("manifest", {})
    primary, *also = changes.pop("metrics", METRICS)
    columns = {"title": f"Board {slug}", "kind": "classification", "labels": "hidden", "status": "published"} | changes
    manifest = {
        "slug": slug, "version": columns.get("version", 1), "kind": columns["kind"], "classes": ["benign", "malignant"],
        "accepts": ["predictions", "weights"], "labels": columns["labels"], "release_inputs": False,
        "metrics": {"primary": primary, "also": also}, "resample": {"unit": "patient_id", "resamples": 500},
        "source": {"name": "drawn at random", "licence": "CC0 1.0", "citation": "none", "url": "https://example.org"},
        "traps": ["drawn at random in a test"],
    } | more  # fmt: skip
    package = Package.objects.create(
        digest=secrets.token_hex(32), slug=slug, version=manifest["version"], manifest=manifest, files={}, cases=cases,
        patients=patients, salt="salt",
    )  # fmt: skip
    task, _ = Task.objects.get_or_create(
        slug=task or f"task-{slug}",
        defaults={
            "title": f"Task {slug}",
            "question": "Is there a tumour?",
            "specialty": "radiology",
            "modality": "CT",
        },
    )
    return Benchmark.objects.create(
        slug=slug, package=package, task=task, owner=owner, primary_metric=primary, published=timezone.now(),
        steps=dict.fromkeys((primary, *also), 0.01), **({"version": 1} | columns),
    )  # fmt: skip


def make_team(name: str) -> Namespace:
    return Namespace.objects.filter(name=name).first() or accounts.create_user(name).namespace


def make_entry(board: Benchmark, team="team", value=0.8, *, error=0.02, kind="predictions", status="scored", **fields):
    """A submission with its run; scored ones with scores on every metric and resampled values, as a worker leaves them."""
    team = make_team(team) if isinstance(team, str) else team
    names = [board.primary_metric, *board.package.manifest["metrics"]["also"]]
    run = Run.objects.create(
        package=board.package, kind=kind, answer={"files": {}}, answer_digest=secrets.token_hex(8), status=status,
        scope=f"team:{team.pk}", evaluator="test", started=timezone.now() if status != "queued" else None,
        finished=timezone.now() if status not in Run.OPEN else None, attempt=status != "queued",
    )  # fmt: skip
    if status == "scored":
        random = np.random.default_rng(run.pk)
        resampled = {name: value + error * random.normal(size=200) for name in names}
        one = board.package.patients < 2
        for name, values in resampled.items():
            low, high = (None, None) if one else np.percentile(values, [2.5, 97.5])
            Score.objects.create(
                run=run, metric=name, value=value, low=low, high=high, error=None if one else error, method="percentile",
                n=board.package.cases, patients=board.package.patients, reason="one patient" if one else "",
            )  # fmt: skip
        out = io.BytesIO()
        np.savez(out, **{f"resampled:{name}:all": values for name, values in resampled.items()})
        out.seek(0)
        Run.objects.filter(pk=run.pk).update(details=blobs.put(out).sha256)
        run.refresh_from_db()
        run.receipt = receipts.issue(run, list(run.scores.all()))
        run.save(update_fields=["receipt"])
        chains.append(run)
    return Submission.objects.create(
        benchmark=board, team=team, author=team.user, run=run, **({"name": f"Entry of {team}"} | fields)
    )


def make_claim(board: Benchmark, **fields) -> Claim:
    given = {
        "name": "A claim",
        "metric": "auroc",
        "value": 0.936,
        "citation": "Somebody et al. 2017",
        "cohort": "theirs",
    }
    return Claim.objects.create(task=board.task, benchmark=board, **(given | fields))


class Page(HTMLParser):
    """One parsed page: `faults` against the house rules, `ids`, `links`, and `text`."""

    SOURCES = {
        "script": "src",
        "img": "src",
        "link": "href",
        "iframe": "src",
        "source": "src",
        "video": "src",
        "use": "href",
    }
    VOID = frozenset(
        ["meta", "link", "input", "br", "img", "hr", "source", "area", "base", "col", "embed", "track", "wbr"]
    )

    def __init__(self, response):
        super().__init__(convert_charrefs=True)
        self.faults, self.ids, self.links, self.uses, self.labels, self.texts = [], [], [], [], [], []
        self._open, self._raw = [], ""
        self.feed(response.content.decode())
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]
        self.faults += [f"id {name!r} twice" for name in set(self.ids) if self.ids.count(name) > 1]
        self.faults += [f"#{name} is drawn but not defined" for name in set(self.uses) - set(self.ids)]
        self.faults += [f"label for {name!r}, which is not there" for name in set(self.labels) - set(self.ids)]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in self.VOID:
            self._open.append(tag)
        self._check(tag, given)

    def handle_startendtag(self, tag, attributes):
        self._check(tag, dict(attributes))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:]}, line {self.getpos()[0]}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if "script" in self._open[-1:] or "style" in self._open[-1:]:
            self.faults.append(f"inline {self._open[-1]}: {data[:60]!r}")
        self.texts.append(data)

    def _check(self, tag, given):
        if "style" in given:
            self.faults.append(f"inline style on <{tag}>")
        self.faults += [f"inline handler {name} on <{tag}>" for name in given if name.startswith("on")]
        source = given.get(self.SOURCES.get(tag, ""), "/")
        if not (source.startswith(("/", "#", "data:image/")) and not source.startswith("//")):
            self.faults.append(f"<{tag}> loads {source}")
        if tag == "form" and not (given.get("action") or "/").startswith(("/", "?")):
            self.faults.append(f"a form is sent to {given['action']}")
        if tag == "a" and (given.get("href") or "").strip().lower().startswith(("javascript:", "data:")):
            self.faults.append(f"a link runs {given['href'][:40]}")
        if tag == "img" and "alt" not in given:
            self.faults.append("an image without words")
        if tag == "use":
            self.uses.append(source.lstrip("#"))
        if tag == "label" and given.get("for"):
            self.labels.append(given["for"])
        if given.get("id"):
            self.ids.append(given["id"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])


def read(response) -> Page:
    """The page, found without fault against the house rules."""
    page = Page(response)
    assert not page.faults, page.faults[:10]
    return page
