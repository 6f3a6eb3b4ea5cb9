"""DICOM: one image of one or several frames, and `inputs/case-1/0001.dcm#series`, the volume of all slices in that folder.

Values are rescaled to what the modality means by them (Hounsfield units for CT); MONOCHROME1 is turned so that larger is
brighter; palettes and YBR become RGB. A window that the file proposes is told, not applied. Series are put in order by
their position in the patient; axes and affine are those of NIfTI (x, y, z; RAS).
"""

import warnings
from pathlib import Path

import numpy as np

from evaluators.readers.registry import MAX_ARRAY_BYTES, Format, Picture, Unreadable, register

SERIES = "series"
MOST_SLICES = 10_000
UNEVEN = 0.05  # of the distance of slices, by which one may differ
GREY = ("MONOCHROME1", "MONOCHROME2")


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """An image (rows, columns) or (rows, columns, 3); a volume (x, y, z) of a series or of several frames."""
    if index == SERIES:
        return _series(path)
    if index:
        raise Unreadable(f"a DICOM file holds no part {index[:40]!r}", f"Name the file, or '#{SERIES}' for its folder.")
    image = _opened(path)
    array = _values(image)
    window = _window(image)
    colour = image.get("PhotometricInterpretation", GREY[1]) not in GREY
    if array.ndim == 2 + colour:
        spacing = image.get("PixelSpacing") or image.get("ImagerPixelSpacing")
        spacing = tuple(float(item) for item in spacing) if spacing and min(spacing) > 0 else None
        return Picture(array, spacing, spatial=2, window=window)
    if colour or array.ndim != 3:
        raise Unreadable("several frames of colour are not read", "Store each frame as an image of its own.")
    step = image.get("SpacingBetweenSlices") or image.get("SliceThickness") or 1
    across = image.get("PixelSpacing") or (1, 1)
    spacing = (float(across[1]), float(across[0]), abs(float(step)))
    return Picture(array.transpose(2, 1, 0), spacing if min(spacing) > 0 else None, spatial=3, window=window)


def companions(path: Path, index: str = "") -> list[str]:
    """The other slices of a series: every DICOM file of its folder."""
    if index != SERIES:
        return []
    return sorted(item.name for item in path.parent.iterdir() if item.name.lower().endswith(".dcm"))


def _series(path: Path) -> Picture:
    names = companions(path, SERIES)
    if len(names) > MOST_SLICES:
        raise Unreadable(f"the folder holds {len(names):,} files", f"At most {MOST_SLICES:,} slices are read.")
    first = _opened(path)
    wanted = first.get("SeriesInstanceUID")
    images = [first if name == path.name else _opened(path.with_name(name)) for name in names]
    images = [image for image in images if image.get("SeriesInstanceUID") == wanted]
    try:
        row, column = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
        between = [float(item) for item in first.PixelSpacing]
        places = np.array([image.ImagePositionPatient for image in images], float)
        turned = np.array([image.ImageOrientationPatient for image in images], float)
    except (AttributeError, TypeError, ValueError):
        raise Unreadable("a slice says nothing of its place in the patient", "Give each file as an image.") from None
    if len(images) < 2 or np.ptp(turned, axis=0).max() > 1e-3 or min(between) <= 0:
        raise Unreadable("the files of the folder are no series of parallel slices", "One folder for each series.")
    along = places @ np.cross(row, column)
    order = np.argsort(along)
    steps = np.diff(along[order])
    if steps.min() <= 0 or np.abs(steps - steps.mean()).max() > UNEVEN * steps.mean():
        raise Unreadable("slices are missing or there twice", "Copy the whole series again.")
    if len(images) * first.Rows * first.Columns * 4 > MAX_ARRAY_BYTES:
        raise Unreadable(f"a series of {len(images):,} slices is too large", "Cut it, or resample it.")
    slices = [_values(images[number]) for number in order]
    if any(part.ndim != 2 or part.shape != slices[0].shape for part in slices):
        raise Unreadable("the slices have different sizes", "One folder for each series.")
    step = (places[order[-1]] - places[order[0]]) / (len(images) - 1)
    affine = np.eye(4)
    affine[:3] = np.stack([row * between[1], column * between[0], step, places[order[0]]], axis=1)
    affine[:2] *= -1  # DICOM counts to the left and back, NIfTI to the right and front
    spacing = (between[1], between[0], float(np.linalg.norm(step)))
    return Picture(
        np.stack(slices).transpose(2, 1, 0), spacing, affine, _codes(affine), spatial=3, window=_window(first)
    )


def _codes(affine: np.ndarray) -> str:
    import nibabel

    return "".join(letter or "?" for letter in nibabel.aff2axcodes(affine))


def _opened(path: Path):
    """The file's elements, pixels not yet decoded."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pydicom.dcmread(path)
            size = [int(image.get(name) or 1) for name in ("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel")]
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises many kinds for damaged bytes
        raise Unreadable("this is not a DICOM file, or it is cut off", "Write it again.") from error
    if "PixelData" not in image and "FloatPixelData" not in image and "DoubleFloatPixelData" not in image:
        raise Unreadable("the file holds no image", "Reports and plans are not read.")
    if min(size) < 1 or np.prod(size, dtype=object) * 4 > MAX_ARRAY_BYTES:
        raise Unreadable(f"an image of {' x '.join(map(str, size))} is too large", "Divide it.")
    return image


def _values(image) -> np.ndarray:
    """The pixels as the file means them: modality units as float32, or bytes and whole numbers as they are stored."""
    from pydicom import pixels

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = image.pixel_array  # YBR comes as RGB
            meaning = image.get("PhotometricInterpretation", "MONOCHROME2")
            if meaning == "PALETTE COLOR":
                array = pixels.apply_color_lut(array, image)
                return (array >> 8).astype(np.uint8) if array.dtype == np.uint16 else array
            rescaled = pixels.apply_modality_lut(array, image)
    except MemoryError:
        raise
    except Exception as error:  # as above; among them formats whose decoder is not installed
        raise Unreadable("the pixels cannot be decoded", "Store it uncompressed, with RLE or JPEG 2000.") from error
    if meaning == "MONOCHROME1":
        low, high = _range(image)
        ends = pixels.apply_modality_lut(np.array([[low, high]], array.dtype), image).astype(np.float64)
        rescaled = (ends.sum() - rescaled).astype(np.float64 if rescaled.dtype.kind == "f" else array.dtype)
    if rescaled.dtype.kind == "f" or (rescaled.dtype != array.dtype):
        return rescaled.astype(np.float32)
    return np.ascontiguousarray(rescaled)


def _range(image) -> tuple[int, int]:
    """The least and the largest number that can be stored."""
    bits = int(image.BitsStored)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if image.PixelRepresentation else (0, (1 << bits) - 1)


def _window(image) -> tuple[float, float] | None:
    """The first window that the file proposes."""
    try:
        centre, width = (np.atleast_1d(np.array(image.get(name), float))[0] for name in ("WindowCenter", "WindowWidth"))
    except (TypeError, ValueError, IndexError):
        return None
    return (float(centre), float(width)) if np.isfinite([centre, width]).all() and width > 0 else None


register(Format("dicom", (".dcm",), read, companions))
