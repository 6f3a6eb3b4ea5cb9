"""A benchmark package written from a table of labels and what was chosen for it; and a package there is, as a folder again."""

import csv
import re
import secrets
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import yaml

from evaluators import layout
from evaluators.models import Package
from leaderboard.contests.proposals import Proposal
from leaderboard.contests.tables import Labels
from zoo import blobs

STRATA = 5  # of a measured quantity or a time


def write(folder: Path, table: Labels, proposal: Proposal, texts: dict, seed: int | None = None) -> None:
    """benchmark.yaml and cases.csv. texts: slug, title, question, specialty, modality, source, licence.

    seed: of the split, where it is drawn here; a secret one by default, since who knows it knows the split.
    """
    shares = _given(table, proposal) or draw(table, proposal, seed)
    kind = proposal.kind
    manifest = {
        "slug": texts["slug"], "version": 1, "title": texts["title"],
        "task": {"slug": texts["slug"], "title": texts.get("question") or texts["title"]}
        | {name: texts[name] for name in ("specialty", "modality") if texts.get(name)},
        "kind": kind, "accepts": ["predictions"], "labels": "hidden",
        "metrics": {"primary": proposal.primary, "also": proposal.also}
        | ({"why": {proposal.primary: str(proposal.reasons["primary"])}} if "primary" in proposal.reasons else {}),
        "split": {"column": "split"}, "source": {"name": texts["source"], "licence": texts["licence"]},
    }  # fmt: skip
    if kind == "classification":
        manifest |= {"classes": proposal.classes, "ordinal": proposal.ordinal}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / layout.MANIFEST).write_text(yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True))
    answer = {"time": proposal.label, "event": proposal.event} if kind == "survival" else {"label": proposal.label}
    columns = {"case_id": table.columns[proposal.case]}
    columns |= {"patient_id": table.columns[proposal.patient]} if proposal.patient else {}
    columns |= {"split": shares} | {name: table.columns[source] for name, source in answer.items()}
    if kind == "survival":
        columns["event"] = ["1" if value.lower() in ("1", "true") else "0" for value in columns["event"]]
    with open(folder / layout.CASES, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _given(table: Labels, proposal: Proposal) -> list[str] | None:
    return [value.casefold() for value in table.columns[proposal.split]] if proposal.split else None


def draw(table: Labels, proposal: Proposal, seed: int | None = None) -> list[str]:
    """public or private for each row: all cases of a patient on one side, and each stratum of labels on both as far as it goes."""
    random = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    who = table.columns[proposal.patient or proposal.case]
    rows = defaultdict(list)
    for row, patient in enumerate(who):
        rows[patient].append(row)
    levels = strata(table, proposal)
    by_stratum = defaultdict(list)
    for patient, mine in rows.items():
        by_stratum[max(Counter(levels[row] for row in mine).items(), key=lambda item: (item[1], item[0]))[0]].append(
            patient
        )
    public: set[str] = set()
    for stratum in sorted(by_stratum):
        patients = by_stratum[stratum]
        order = random.permutation(len(patients))
        wanted = proposal.public_share * sum(len(rows[patient]) for patient in patients)
        wanted = np.floor(wanted) + (random.random() < wanted % 1)  # so that small strata do not all round the same way
        taken = 0
        for place in order:
            if taken + len(rows[patients[place]]) > wanted:
                continue
            public.add(patients[place])
            taken += len(rows[patients[place]])
    return ["public" if patient in public else "private" for patient in who]


def strata(table: Labels, proposal: Proposal) -> list[str]:
    """The stratum of each row: its class, or which fifth of the quantity it lies in; of a time, also whether it was censored."""
    values = table.columns[proposal.label]
    if proposal.kind == "classification":
        return values
    numbers = np.array(values, float)
    edges = np.quantile(numbers, np.linspace(0, 1, STRATA + 1)[1:-1])
    fifths = np.searchsorted(edges, numbers)
    events = table.columns[proposal.event] if proposal.event else [""] * len(values)
    return [f"{event}{fifth}" for event, fifth in zip(events, fifths, strict=True)]


def unpack(package: Package, folder: Path, version: int | None = None) -> None:
    """The files of a stored package, as a folder again; with `version`, as that version of it."""
    for name, entry in package.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(blobs.path(entry["sha256"]), target)
    if version is not None:
        path = folder / layout.MANIFEST
        text = path.read_text(encoding="utf-8-sig")
        changed, found = re.subn(r"(?m)^version:\s*\S+", f"version: {version}", text)
        path.write_text(changed if found else f"version: {version}\n{text}")
