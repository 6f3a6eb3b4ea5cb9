"""Drafts of whole competitions: from a table of labels, from a zip (a package, or an export), or from another competition."""

import io
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path

import yaml
from django.conf import settings
from django.utils import timezone

from evaluators import package as packages
from evaluators.faults import Fault, Faults
from leaderboard import access, audits, benchmarks
from leaderboard.contests import checkups, making, packaging, rules
from leaderboard.models import Benchmark, Competition
from zoo.errors import Refused
from zoo.models import Namespace

RULES = "competition.yaml"
TRIAL = {"slug": "trial", "title": "Trial", "source": "trial", "licence": "trial"}
WEEKS = 4  # of a contest for which no phase was given


def from_table(table, proposal, by, owner: str, *, texts: dict, rules: dict, seed: int | None = None) -> Competition:
    """A draft benchmark and its draft competition. Raises Faults, Refused; then nothing was stored."""
    namespace = _owner(owner, by)
    faults = [Fault(f"{name} is missing", hint) for name, hint in NEEDED.items() if not texts.get(name)]
    faults += [
        Fault(f"{one.title}: {one.text}", "") for one in checkups.of_table(table, proposal) if one.level == "bad"
    ]
    if faults:
        raise Faults(faults)
    kept = {name: texts[name] for name in ("slug", "title", "description", "terms", "prize") if texts.get(name)}
    _check(rules | kept)
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        packaging.write(Path(folder, "package"), table, proposal, texts, seed)
        benchmark = benchmarks.load(Path(folder, "package"), namespace, publish=False, by=by, filename="package")
    return making.make(benchmark, by, **rules | kept)


NEEDED = {
    "title": "Say what the contest is about.",
    "slug": "It becomes the address: pneumonia-2026.",
    "source": "Name the data set.",
    "licence": "Name the licence of the data, or internal use.",
}


def _check(fields: dict) -> None:
    """Every fault of the rules before a benchmark is stored for them."""
    values, _ = rules.clean(fields)
    if Competition.objects.filter(slug=values["slug"]).exists():
        raise Faults([Fault("another competition has this slug", "Choose another slug.")])


def try_out(folder: Path, table, proposal) -> list[checkups.Finding]:
    """What a package made of the table would show. Raises Faults."""
    packaging.write(folder / "package", table, proposal, TRIAL, seed=0)
    read = packages.read(folder / "package")
    return checkups.of_package(read.manifest, folder / "package")


def from_zip(upload, owner: str, by) -> Competition:
    """A draft from a package with a split; with competition.yaml in it, by those rules: an export made whole again."""
    stated = _stated(upload.temporary_file_path())
    if stated:
        _check(stated)
    benchmark = benchmarks.receive(upload, owner, by)
    return making.make(benchmark, by, **_rules(benchmark, stated))


def _stated(path: str) -> dict:
    """The rules in a zip, wherever its root is."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.rpartition("/")[2] == RULES and name.count("/") < 2]
            if not names or archive.getinfo(names[0]).file_size > 200_000:
                return {}
            return rules.read(archive.read(names[0]).decode("utf-8-sig"))
    except (zipfile.BadZipFile, UnicodeDecodeError, RuntimeError, NotImplementedError):
        raise Faults([Fault("the archive cannot be read", "Make it again.", file=RULES)]) from None


def _rules(benchmark: Benchmark, stated: dict) -> dict:
    """Rules for a benchmark; without phases, four weeks from now."""
    known = {name: value for name, value in stated.items() if name != "slug" or value}
    known.setdefault("slug", benchmark.slug)
    known.setdefault("title", benchmark.title)
    known.setdefault("takes", list(benchmark.package.manifest["accepts"]))
    if not known.get("phases"):
        starts = timezone.now().replace(second=0, microsecond=0)
        known["phases"] = [{"name": "Open", "starts": starts, "ends": starts + timedelta(weeks=WEEKS)}]
    return known


def duplicate(competition: Competition, by, slug: str) -> Competition:
    """A draft with the same rules on the next version of the same benchmark. Raises Faults, Refused."""
    access.require(by, "export", competition)
    stated = rules.described(competition) | {"slug": slug}
    _check(stated)
    package = competition.benchmark.package
    versions = Benchmark.objects.filter(slug=package.slug).order_by("-version").values_list("version", flat=True)
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        packaging.unpack(package, Path(folder, "package"), versions[0] + 1)
        owner = competition.owner
        benchmark = benchmarks.load(Path(folder, "package"), owner, publish=False, by=by, filename="package")
    made = making.make(benchmark, by, **stated)
    audits.record(competition, by, "duplicated", slug)
    return made


def export(competition: Competition, by) -> bytes:
    """The whole competition as one zip: its package, labels too, and its rules. The record says who took it. Raises Refused."""
    access.require(by, "export", competition)
    out = io.BytesIO()
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        packaging.unpack(competition.benchmark.package, Path(folder))
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
            archive.writestr(RULES, yaml.safe_dump(rules.described(competition), sort_keys=False, allow_unicode=True))
    audits.record(competition, by, "exported", "the package with its labels, and the rules")
    return out.getvalue()


def _owner(name: str, by) -> Namespace:
    found = (
        Namespace.objects.filter(name__iexact=name).first() if name else Namespace.objects.filter(user=by.pk).first()
    )
    if found is None or not access.can(by, "organise", found):
        hint = "Choose yourself, or an organisation you belong to."
        raise Refused("not_your_namespace", "You may not make competitions for this owner.", hint, status=403)
    return found
