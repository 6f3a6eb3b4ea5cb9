"""The reader studies of the shared data, written as an organiser would write their packages."""

import csv
from pathlib import Path

import numpy as np
import rdata

from tests.packages import write_manifest

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "mrmc_readers"
SOURCE = {
    "licence": "GPL-3 (of the R package)",
    "citation": "Van Dyke CW et al., Cine MRI in the diagnosis of thoracic aortic dissection, 79th RSNA Meeting, 1993",
    "url": "https://github.com/brian-j-smith/MRMCaov",
}


def _table(path: Path, header: list[str], rows) -> None:
    with open(path, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def van_dyke(folder: Path, **changes) -> dict:
    """Five radiologists, spin-echo (arm 1) and cine (arm 2) MRI, 114 cases, 45 with a dissection; ratings 1 to 5."""
    table = rdata.read_rda(DATA / "MRMCaov_VanDyke.RData")["VanDyke"]
    manifest = {
        "slug": "aortic-dissection-mri", "title": "Aortic dissection on MRI, five radiologists",
        "task": {"slug": "aortic-dissection", "specialty": "radiology", "modality": "MRI", "anatomy": "aorta"},
        "classes": ["normal", "dissection"], "metrics": {"primary": "auroc"},
        "resample": {"resamples": 500}, "source": {"name": "VanDyke of the R package MRMCaov"} | SOURCE,
    }  # fmt: skip
    written = write_manifest(folder, **manifest | changes)
    cases = table.drop_duplicates("case")
    _table(folder / "cases.csv", ["case_id", "label"],
           ([f"case-{c}", ["normal", "dissection"][t]] for c, t in zip(cases["case"], cases["truth"], strict=True)))  # fmt: skip
    columns = (table[name] for name in ("reader", "treatment", "case", "rating"))
    _table(folder / "readers.csv", ["reader", "arm", "case_id", "rating"],
           ([r, a, f"case-{c}", v] for r, a, c, v in zip(*columns, strict=True)))  # fmt: skip
    return written


def tomosynthesis(folder: Path, **changes) -> dict:
    """RJafroc's dataset01: five radiologists, tomosynthesis (BT) and mammography (DM), 185 cases, 89 with 95 lesions; marks."""
    data = rdata.read_rda(DATA / "RJafroc_dataset01.RData")["dataset01"]
    false, hits, lesions = data["ratings"]["NL"], data["ratings"]["LL"], data["lesions"]["perCase"].astype(int)
    n, healthy = false.shape[2], false.shape[2] - len(lesions)
    count = np.concatenate([np.zeros(healthy, int), lesions])
    manifest = {
        "slug": "breast-tomosynthesis-marks", "title": "Breast lesions marked by five radiologists",
        "task": {"slug": "breast-lesions", "specialty": "radiology", "modality": "tomosynthesis", "anatomy": "breast"},
        "classes": ["normal", "malignant"], "metrics": {"primary": "auroc"}, "readers": {"lesions": "lesions"},
        "resample": {"resamples": 500}, "source": {"name": "dataset01 of the R package RJafroc"} | SOURCE,
    }  # fmt: skip
    written = write_manifest(folder, **manifest | changes)
    _table(folder / "cases.csv", ["case_id", "lesions", "label"],
           ([f"case-{i}", count[i], ["normal", "malignant"][int(count[i] > 0)]] for i in range(n)))  # fmt: skip
    arms, readers = data["descriptions"]["modalityID"], data["descriptions"]["readerID"]
    rows = [
        [readers[j], arms[i], f"case-{c}", false[i, j, c, k], ""]
        for i, j, c, k in np.ndindex(false.shape)
        if np.isfinite(false[i, j, c, k])
    ] + [
        [readers[j], arms[i], f"case-{c + healthy}", hits[i, j, c, k], k + 1]
        for i, j, c, k in np.ndindex(hits.shape)
        if np.isfinite(hits[i, j, c, k])
    ]
    _table(folder / "readers.csv", ["reader", "arm", "case_id", "rating", "lesion"], rows)
    return written
