"""Small manifests of every kind with their case ids, and answers to break."""

import io
import zipfile

import numpy as np

IDS = [f"case-{number}" for number in range(1, 6)]
BASE = {
    "slug": "made-for-a-test",
    "version": 1,
    "multilabel": False,
    "ordinal": False,
    "instances": False,
    "accepts": ["predictions"],
}
GRADES = BASE | {"kind": "classification", "classes": ["none", "mild", "severe"]}
BINARY = BASE | {"kind": "classification", "classes": ["benign", "malignant"]}
LABELS = BASE | {"kind": "classification", "classes": ["effusion", "nodule"], "multilabel": True}
SURVIVAL = BASE | {"kind": "survival", "classes": []}
REGRESSION = BASE | {"kind": "regression", "classes": []}
DETECTION = BASE | {"kind": "detection", "classes": ["RBC", "WBC"], "dimensions": 2}
DETECTION_3D = DETECTION | {"dimensions": 3}
GEOMETRY = {
    "distinct": [{"shape": [4, 5, 6], "spacing": [1.0, 1.0, 2.0], "axes": "RAS"}, {"shape": [7, 8]}],
    "cases": [0, 0, 0, 1, 1],
}
SEGMENTATION = BASE | {
    "kind": "segmentation", "classes": ["background", "anterior", "posterior"],
    "label_values": {"anterior": 1, "posterior": 2}, "geometry": GEOMETRY,
}  # fmt: skip
RESTORATION = BASE | {"kind": "restoration", "classes": [], "geometry": GEOMETRY}
KINDS = {
    "grades": GRADES, "binary": BINARY, "labels": LABELS, "survival": SURVIVAL, "regression": REGRESSION,
    "detection": DETECTION, "detection_3d": DETECTION_3D, "segmentation": SEGMENTATION, "restoration": RESTORATION,
}  # fmt: skip

GOOD = "case_id,none,mild,severe\n" + "".join(f"{name},0.5,0.25,0.25\n" for name in IDS)


def shape(number: int) -> tuple[int, ...]:
    return tuple(GEOMETRY["distinct"][GEOMETRY["cases"][number]]["shape"])


def npz(array: np.ndarray, **more) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, labels=array, **more)
    return out.getvalue()


def nifti(array: np.ndarray, spacing=(1, 1, 2), flip: bool = False) -> bytes:
    import gzip

    import nibabel

    affine = np.diag([*spacing, 1.0])
    if flip:
        affine[0, 0] *= -1
    return gzip.compress(nibabel.Nifti1Image(array, affine).to_bytes(), mtime=0)


def masks(**changed: bytes | None) -> dict[str, bytes]:
    """Files of a right segmentation answer; `changed` by name, None takes one out."""
    files = {f"{name}.npz": npz(np.zeros(shape(number), np.uint8)) for number, name in enumerate(IDS)}
    files |= changed
    return {name: data for name, data in files.items() if data is not None}


def archive(files: dict[str, bytes], packing=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return out.getvalue()
