"""Writes what the demos make, in the documented formats: package folders, prediction files, model folders with cards."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

MOMENT = (2024, 1, 1, 0, 0, 0)  # in archives, so that the same content is the same bytes
LIMITS = """## Limits

For research and demonstration only. It is not a medical device, was never validated in a clinic, and must not be used to
make a decision about a patient. It learnt from one public data set with the traps listed on its benchmark's page, and will be
worse on images or patients from elsewhere.
"""


class _Dumper(yaml.SafeDumper):
    """Without aliases, which packages and cards may not hold."""

    def ignore_aliases(self, data) -> bool:
        return True


def text(content: Mapping | list) -> str:
    """YAML, keys in their order."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def package(folder: Path, manifest: Mapping, cases: Iterable[Mapping]) -> None:
    """benchmark.yaml and cases.csv. The demo puts inputs/ and reference/ beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.yaml").write_text(text(manifest), "utf-8")
    rows = list(cases)
    table(folder / "cases.csv", list(rows[0]), ([row[column] for column in rows[0]] for row in rows))


def table(path: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> Path:
    """A CSV file; floats in full, so that what is read is what was computed."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_plain(value) for value in row] for row in rows)
    return path


def probabilities(path: Path, cases: Sequence[str], classes: Sequence[str], values: np.ndarray) -> Path:
    """`case_id,<class>,...` from an (n, k) array of probabilities."""
    return table(path, ["case_id", *classes], ([case, *row] for case, row in zip(cases, values.tolist(), strict=True)))


def arrays(path: Path, **named: np.ndarray) -> Path:
    """A .npz whose bytes depend on its arrays alone (numpy's own writes the time of day)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, array in named.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, np.ascontiguousarray(array), allow_pickle=False)
            out.writestr(zipfile.ZipInfo(f"{name}.npy", MOMENT), data.getvalue(), zipfile.ZIP_DEFLATED)
    return path


def archive(path: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    """A zip of named files; stored, since volumes and pictures are compressed already."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for name, data in files:
            out.writestr(zipfile.ZipInfo(name, MOMENT), data)
    return path


def volume(array: np.ndarray, affine: np.ndarray) -> bytes:
    """A .nii.gz file; the same array gives the same bytes."""
    import gzip

    import nibabel

    return gzip.compress(nibabel.Nifti1Image(array, affine).to_bytes(), compresslevel=6, mtime=0)


def picture(path: Path, pixels: np.ndarray) -> None:
    """A PNG of (h, w) or (h, w, 3) uint8."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG", optimize=False)


def config(folder: Path, values: Mapping) -> None:
    """A model's config.json."""
    (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def card(folder: Path, front: Mapping, title: str, sections: Mapping[str, str], **medical) -> None:
    """A model card: YAML front matter, then Markdown with what it is for, what it learnt from, and its limits.

    `medical`: population, and acquisition and training_data where they are known, as docs/cards.md has them.
    """
    stated = {
        "intended_use": sections["Intended use"].strip(),
        "contraindications": ["any decision about a patient", "data from elsewhere, on which it was never tested"],
        **medical,
    }
    front = {**front, "medical": stated}
    body = f"# {title}\n\n" + "".join(f"## {name}\n\n{words.strip()}\n\n" for name, words in sections.items())
    (folder / "README.md").write_text(f"---\n{text({'title': title} | front)}---\n\n{body}{LIMITS}", "utf-8")


def _plain(value):
    return repr(float(value)) if isinstance(value, float | np.floating) else value
