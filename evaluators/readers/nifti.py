"""NIfTI-1 volumes (.nii, .nii.gz), with spacing, affine and orientation."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from evaluators.readers.registry import MAX_ARRAY_BYTES, Format, Picture, Unreadable, register

HEADER = 352
MAX_OFFSET = 1 << 20


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """The volume in the order of its axes (x, y, z); a fourth axis of length 1 is dropped."""
    import nibabel

    if index:
        raise Unreadable("a NIfTI file holds one volume", "Name the file without '#'.")
    shape, bits = _header(path)
    try:
        image = nibabel.Nifti1Image.from_filename(path, mmap=False)
        array = np.asanyarray(image.dataobj)
        affine, zooms = np.asarray(image.affine, np.float64), image.header.get_zooms()
        axes = "".join(item or "?" for item in nibabel.aff2axcodes(affine)) if np.isfinite(affine).all() else ""
    except MemoryError:
        raise
    except Exception as error:  # nibabel raises many kinds for damaged bytes
        raise Unreadable("the volume is cut off or damaged", "Write it again, and compare file sizes.") from error
    if array.dtype.kind not in "biuf":
        raise Unreadable(f"the voxels are of type {array.dtype}", "Store whole or floating point numbers.")
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    spacing = tuple(float(item) for item in zooms[: array.ndim])
    if not all(np.isfinite(spacing)) or min(spacing) <= 0:
        raise Unreadable("the voxel spacing is not above 0", "Copy affine and header from the input.")
    return Picture(array, spacing, affine, axes, spatial=min(array.ndim, 3))


def _header(path: Path) -> tuple[tuple[int, ...], int]:
    """Shape and bits a voxel, by the header alone: nothing is unpacked for a file that claims too much."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rb") as source:
            head = source.read(HEADER)
    except (OSError, EOFError, zlib.error) as error:
        hint = "Compress it with gzip." if path.name.lower().endswith(".gz") else "Write it again."
        raise Unreadable("the file is cut off or damaged, or not packed with gzip", hint) from error
    if len(head) < 348:
        raise Unreadable("the file is shorter than a NIfTI header", "Write it again.")
    order = "<" if struct.unpack("<i", head[:4])[0] == 348 else ">"
    if struct.unpack(order + "i", head[:4])[0] != 348 or head[344:347] not in (b"n+1", b"ni1"):
        raise Unreadable("this is not a NIfTI-1 volume", "Save it as NIfTI-1, for instance with nibabel.Nifti1Image.")
    if head[344:347] == b"ni1":
        raise Unreadable("header and voxels lie in two files", "Save it as one .nii or .nii.gz file.")
    dims = struct.unpack(order + "8h", head[40:56])
    bits, offset = struct.unpack(order + "h", head[72:74])[0], struct.unpack(order + "f", head[108:112])[0]
    if not 1 <= dims[0] <= 7 or any(item < 1 for item in dims[1 : dims[0] + 1]):
        raise Unreadable(f"the header states impossible axes {list(dims)}", "Write it again.")
    shape = tuple(dims[1 : dims[0] + 1])
    if not 0 <= offset <= MAX_OFFSET:
        raise Unreadable("the header states an impossible offset of the voxels", "Write it again.")
    if np.prod([float(item) for item in shape]) * max(bits, 8) / 8 > MAX_ARRAY_BYTES:
        raise Unreadable(f"a volume of {' x '.join(map(str, shape))} is too large", "Keep the shape of the input.")
    return shape, bits


register(Format("nifti", (".nii.gz", ".nii"), read))
