"""Benchmarks: loading a package, publishing it (which freezes the rounding steps), finding the version one may see.

Loading checks everything before it stores anything. A version that was published never changes; other content needs
another version number.
"""

from pathlib import Path

import numpy as np
from django.db import IntegrityError, transaction
from django.utils import timezone

from evaluators import layout, places
from evaluators import package as packages
from evaluators.faults import Fault, Faults
from evaluators.models import Package, Run, Score
from leaderboard import access, cases, claims, intake, privacy, rounding, standings, yardsticks
from leaderboard.models import Benchmark, Submission, Task
from zoo.errors import NotFound, Refused
from zoo.models import Namespace

DEFAULT_OWNER = "kensa"
RESERVED = ("new",)  # slugs that are addresses of other pages under /benchmarks/


def load(
    source: str | Path, owner: Namespace | str | None = None, *, publish: bool = True, by=None, filename: str = ""
) -> Benchmark:
    """Make a benchmark from a package folder or zip. The same content again gives the existing benchmark.

    owner: the organiser's namespace; default the one the manifest names, else `kensa`, which is made if new.
    by: who uploaded it, under what `filename`; then nothing in it is trusted with this process (see intake.py). None:
    it lies on the server, and the house loads it. `benchmark.known` tells whether this very content was there before.
    Raises Faults with every fault of the package; then nothing was stored.
    """
    with intake.unpacked(Path(source), filename if by else "") as root, _read(root, by) as folder:
        published, faults = claims.read(root / claims.FILE)
        if isinstance(owner, str) or owner is None:
            owner, wrong = _owner(owner or folder.manifest.get("owner") or DEFAULT_OWNER)
            faults += wrong
        if not faults:
            faults += _identity_faults(folder, owner, by)
        if faults:
            raise Faults(faults)
        package = packages.store(folder)  # before the transaction: no lock is held while files are copied
        try:
            with transaction.atomic():
                owner.pk or owner.save()
                benchmark = _store(package, owner, published)
        except IntegrityError:
            raise Faults(_identity_faults(folder, owner, by) or [_fault(folder, "slug", *TAKEN)]) from None
    if publish and benchmark.status == Benchmark.Status.DRAFT and not (by and privacy.identities(benchmark.package)):
        known, benchmark = benchmark.known, _open(benchmark)
        benchmark.known = known
    return benchmark


def receive(file, owner: str, author, *, publish: bool = False) -> Benchmark:
    """Take an uploaded package (an uploaded zip) for a namespace of the author's, their own by default.

    Raises Refused (401, 403, 503), or Faults with every fault of the package; then nothing was stored.
    """
    named = Namespace.objects.filter(name__iexact=owner) if owner else Namespace.objects.filter(user=author.pk)
    namespace = named.first()
    if namespace is None or not access.can(author, "organise", namespace):
        hint = "Choose yourself, or an organisation you belong to."
        raise Refused("not_your_namespace", "You may not make benchmarks for this owner.", hint, status=403)
    if file is None:
        raise Faults([Fault("no file was chosen", "Send the package as one zip.")])
    return load(file.temporary_file_path(), namespace, publish=publish, by=author, filename=Path(file.name).name[:255])


def _read(root: Path, by):
    """The package; where it is at fault, with the faults of its claims beside the others."""
    try:
        return intake.read(root) if by else packages.read(root)
    except Faults as faults:
        more = claims.read(root / claims.FILE)[1]
        raise Faults([*faults.faults, *more], faults.count + len(more)) from None


def _owner(name: str) -> tuple[Namespace | None, list[Fault]]:
    known = Namespace.objects.filter(name__iexact=name).first()
    if known:
        return known, []
    if name == DEFAULT_OWNER:
        return Namespace(name=name, title="Kensa"), []
    return None, [Fault(f"there is no user or organisation {name!r}", "Make it first, or name another owner.")]


TAKEN = ("another benchmark has this slug", "Choose another slug.")


def _identity_faults(folder, owner: Namespace, by) -> list[Fault]:
    """Faults in what the slug and version already stand for here, told as far as the uploader may know."""
    slug, version = folder.manifest["slug"], folder.manifest["version"]
    if slug in RESERVED:
        return [_fault(folder, "slug", f"the slug {slug!r} is the address of another page", "Choose another slug.")]
    other = Benchmark.objects.filter(slug=slug).exclude(owner=owner.pk).select_related("owner").first()
    if other and by and not access.visible_benchmarks(by).filter(slug=slug).exists():
        return [_fault(folder, "slug", *TAKEN)]
    if other:
        return [_fault(folder, "slug", f"the slug {slug!r} belongs to {other.owner}", "Choose another slug.")]
    same = Benchmark.objects.filter(slug=slug, version=version).select_related("package").first()
    if same is None or same.package.digest == packages.digest(folder) or _replaceable(same):
        return []
    message = f"version {version} of {slug} is frozen, and this package has other content"
    hint = f"Raise version to {_latest(slug) + 1}: results are comparable within one version only."
    return [_fault(folder, "version", message, hint)]


def _fault(folder, key: str, message: str, hint: str) -> Fault:
    """A fault in one line of benchmark.yaml."""
    place = places.read(folder.files[layout.MANIFEST].read_bytes(), layout.MANIFEST).value[key]
    return Fault(message, hint, file=layout.MANIFEST, **place.at)


def _latest(slug: str) -> int:
    return Benchmark.objects.filter(slug=slug).order_by("-version").values_list("version", flat=True)[0]


def _replaceable(benchmark: Benchmark) -> bool:
    """A draft that nobody has submitted to, and that holds no competition, may still change."""
    return benchmark.status == Benchmark.Status.DRAFT and not benchmark.sealed and not benchmark.submissions.exists()


def _store(package: Package, owner: Namespace, published: list) -> Benchmark:
    manifest = package.manifest
    known = Benchmark.objects.filter(slug=manifest["slug"], version=manifest["version"]).first()
    if known and known.package_id == package.pk:
        claims.store(known, published)  # they are cited, not measured: no part of what is frozen
        known.known = True
        return known
    values = {
        "package": package, "task": _task(manifest["task"]), "owner": owner, "title": manifest["title"],
        "description": manifest.get("description", ""), "kind": manifest["kind"], "labels": manifest["labels"],
        "primary_metric": manifest["metrics"]["primary"],
        "daily_limit": (manifest.get("limits") or {}).get("per_day", 20),
    }  # fmt: skip
    if known:
        replaced = known.package
        for name, value in values.items():
            setattr(known, name, value)
        known.save()
        if not replaced.runs.exists():
            replaced.delete()
        benchmark = known
    else:
        first = not Benchmark.objects.filter(slug=manifest["slug"]).exists()
        benchmark = Benchmark.objects.create(
            slug=manifest["slug"], version=manifest["version"], current=first, **values
        )
    claims.store(benchmark, published)
    benchmark.known = False
    return benchmark


def _task(fields: dict) -> Task:
    """The task of this slug; what a later package says more of it is added, nothing is overwritten."""
    fields = {key: value for key, value in fields.items() if hasattr(Task, key) and value}
    fields.setdefault("title", fields["slug"].replace("-", " ").capitalize())
    task, made = Task.objects.get_or_create(slug=fields["slug"], defaults=fields)
    missing = {key: value for key, value in fields.items() if not getattr(task, key)}
    if not made and missing:
        Task.objects.filter(pk=task.pk).update(**missing)
        task.refresh_from_db()
    return task


def publish(benchmark: Benchmark, by=None) -> Benchmark:
    """Open a draft to everyone it is meant for, as the current version, and freeze its rounding steps.

    Baselines that were scored before set the steps; without them the number of patients does. by: who asks, None the
    house. Raises Refused.
    """
    if by:
        access.require(by, "publish", benchmark)
        privacy.require(benchmark)
    return _open(benchmark)


def confirm_identities(benchmark: Benchmark, by) -> Benchmark:
    """Kept with the name of who says so: what looks like somebody's identity in this package is none."""
    access.require(by, "publish", benchmark)
    benchmark.identities_confirmed, benchmark.confirmed_by = timezone.now(), by.get_username()
    benchmark.save(update_fields=["identities_confirmed", "confirmed_by"])
    return benchmark


@transaction.atomic
def _open(benchmark: Benchmark) -> Benchmark:
    benchmark = Benchmark.objects.select_for_update().select_related("package", "task", "owner").get(pk=benchmark.pk)
    if benchmark.status == Benchmark.Status.CLOSED:
        raise Refused("closed", "This version is closed.", "Load a new version.", status=409)
    if benchmark.status == Benchmark.Status.PUBLISHED:
        return benchmark
    if Benchmark.objects.filter(slug=benchmark.slug, sealed=True).exclude(pk=benchmark.pk).exists():
        hint = "Publish it after the reveal: another version could tell of the private cases."
        raise Refused("sealed", "A competition runs on another version of this benchmark.", hint, status=409)
    Benchmark.objects.filter(slug=benchmark.slug, current=True).exclude(pk=benchmark.pk).update(current=False)
    benchmark.current = True
    benchmark.status = Benchmark.Status.PUBLISHED
    benchmark.published = timezone.now()
    benchmark.steps = {metric.name: _step(benchmark, metric) for metric in standings.metrics_of(benchmark)}
    benchmark.save(update_fields=["current", "status", "published", "steps"])
    yardsticks.request(benchmark)
    return benchmark


@transaction.atomic
def close(benchmark: Benchmark, by=None) -> Benchmark:
    """Take no more submissions; the board stays. by: who asks, None the house. Raises Refused."""
    if by:
        access.require(by, "close", benchmark)
    rows = Benchmark.objects.filter(pk=benchmark.pk)
    if rows.filter(sealed=True).exists():
        hint = "Change the dates of its phases instead."
        raise Refused("sealed", "A competition runs on this version.", hint, status=409)
    if not rows.exclude(status=Benchmark.Status.DRAFT).update(status=Benchmark.Status.CLOSED):
        # Closed boards are seen by all, and a draft has no rounding steps yet.
        raise Refused("draft", "A draft takes no submissions of others yet.", "Publish it, or leave it.", status=409)
    benchmark.refresh_from_db()
    return benchmark


READING = ("public", "unlisted", "private")


def choose_readers(benchmark: Benchmark, reading: str, by=None) -> Benchmark:
    """Who may read all versions: everyone, whoever knows the address, or members alone. by: who asks, None the house.
    Raises Refused."""
    if by:
        access.require(by, "choose_readers", benchmark)
    if reading not in READING:
        raise Refused(
            "unknown_reading", f"There is no such choice as {reading!r}.", f"Choose {', '.join(READING)}.", status=422
        )
    Benchmark.objects.filter(slug=benchmark.slug).update(private=reading == "private", listed=reading != "unlisted")
    benchmark.refresh_from_db()
    return benchmark


def baselines(benchmark: Benchmark) -> int:
    """How many of the organiser's baselines have been scored: they set the rounding steps at publication."""
    return _baselines(benchmark).count()


def _baselines(benchmark: Benchmark):
    return Submission.objects.filter(benchmark=benchmark, baseline=True, withdrawn=None, run__status=Run.Status.SCORED)


def _step(benchmark: Benchmark, metric) -> float:
    """The step of one metric: half the median standard error of the baselines, on public cases where there is a split."""
    held_out = cases.of(benchmark.package)
    subset = "public" if held_out.split is not None else "all"
    errors = Score.objects.filter(
        run__submissions__benchmark=benchmark, run__submissions__baseline=True, run__submissions__withdrawn=None,
        run__status=Run.Status.SCORED, metric=metric.name, subset=subset, part="",
    ).values_list("error", flat=True)  # fmt: skip
    measured = rounding.step_from_errors(errors)
    if measured:
        return measured
    chosen = cases.chosen(benchmark.package, subset)
    patients = len(set(np.asarray(held_out.patients)[chosen].tolist()))
    spread = None
    if metric.unit == "of the value" and benchmark.kind == "regression" and int(chosen.sum()) > 1:
        spread = float(np.std(np.asarray(held_out.reference, float)[chosen])) or None
    return rounding.step_from_size(*metric.range, metric.unit, int(chosen.sum()), patients, spread)


def find(slug: str, viewer, version: int | str | None = None) -> Benchmark:
    """One version of a benchmark: that asked for, else the current one, else the newest this viewer may see.

    Raises NotFound, in the same words whether it is missing or hidden.
    """
    rows = access.visible_benchmarks(viewer).filter(slug=slug).select_related("package", "task", "owner")
    if version:
        rows = rows.filter(version=int(version)) if str(version).isdecimal() and len(str(version)) < 10 else rows.none()
    found = rows.order_by("-current", "-version").first()
    if found is None:
        raise NotFound(
            "benchmark_not_found",
            "There is no such benchmark, or you may not see it.",
            "Check the slug and the version; if it is private, sign in or use a token of its organiser.",
        )
    return found


def drafts(viewer):
    """The drafts this viewer may see, newest versions first."""
    rows = access.visible_benchmarks(viewer).filter(status=Benchmark.Status.DRAFT)
    return rows.select_related("owner").order_by("slug", "-version")


def versions(benchmark: Benchmark, viewer) -> list[Benchmark]:
    """All versions this viewer may see, newest first."""
    return list(access.visible_benchmarks(viewer).filter(slug=benchmark.slug).order_by("-version"))


def visible(viewer):
    """The benchmarks a list shows: the current version of each."""
    rows = access.listed_benchmarks(viewer).filter(current=True)
    return rows.select_related("package", "task", "owner").order_by("task__specialty", "title")


def entries_count(benchmark: Benchmark) -> int:
    return Submission.objects.filter(benchmark=benchmark, withdrawn=None, run__status=Run.Status.SCORED).count()
