"""How close a restored or synthesised image is to its target: error, structural similarity, loss of fine detail.

All of one case; a benchmark's value is the mean over cases. Images or volumes of equal shape, finite values.
"""

import math

import numpy as np
from scipy import ndimage

from evaluators.metrics import _similarity
from evaluators.metrics.registry import METRICS, Undefined, metric

CAP = 100.0  # dB at which an identical image counts in a mean, where infinity would swallow every other case
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
FLAT = "the reference is constant, so there is no range to measure against"
FACTS = {"kinds": ("restoration",), "needs": {"image"}, "parameters": {"data_range": None}}
RANGE = " `data_range` from the package; where none is given, largest minus smallest value of the reference."
SIMILARITY = FACTS | {"direction": "higher", "range": (-1.0, 1.0), "best": 1.0, "unit": ""}


def _images(reference, prediction, data_range) -> tuple[np.ndarray, np.ndarray, float]:
    """Both as float64 and the range; 0 where the reference is constant. Raises ValueError."""
    reference, prediction = np.asarray(reference), np.asarray(prediction)
    if reference.shape != prediction.shape:
        raise ValueError(f"reference has shape {reference.shape}, prediction {prediction.shape}: they must be equal")
    if reference.ndim not in (2, 3) or not reference.size:
        raise ValueError(f"an image has 2 axes and a volume 3, none of them empty; not {reference.shape}")
    pair = [np.ascontiguousarray(image, np.float64) for image in (reference, prediction)]
    for image, what in zip(pair, ("reference", "prediction"), strict=True):
        if not np.isfinite(image).all():
            raise ValueError(f"{what} holds NaN or infinity")
    if data_range is None:
        data_range = float(pair[0].max() - pair[0].min())
    elif not (np.isfinite(data_range) and data_range > 0):
        raise ValueError(f"data_range is a positive number, not {data_range}")
    return *pair, float(data_range)


def _squared_error(x: np.ndarray, y: np.ndarray) -> float:
    difference = (x - y).ravel()
    return float(difference @ difference) / difference.size


def case_scores(metrics, reference, prediction, **parameters) -> dict[str, float]:
    """All restoration metrics of one case: `{metric: value}`, as they count in the mean over cases.

    `parameters` go to every metric that takes them, or to one by its name (`psnr={"data_range": 255}`).

    >>> case_scores(["psnr", "nrmse"], [[0.0, 1.0]], [[0.0, 0.9]], data_range=1.0)
    {'psnr': 23.01..., 'nrmse': 0.0707...}
    """
    scores = {}
    for name in metrics:
        one = METRICS[name]
        shared = {key: value for key, value in parameters.items() if key in one.parameters}
        scores[name] = (one.per_case or one.function)(reference, prediction, **shared | dict(parameters.get(name, {})))
    return scores


def _capped_psnr(reference, prediction, data_range=None) -> float:
    """PSNR of one case as it counts in a mean: at most 100 dB."""
    value = psnr(reference, prediction, data_range=data_range)
    return value if math.isnan(value) else min(value, CAP)


@metric(
    **FACTS,
    direction="higher",
    range=(float("-inf"), float("inf")),
    best=float("inf"),
    unit="dB",
    title="Peak signal-to-noise ratio",
    symbol="PSNR",
    formula="10 log10(L² / mean((x - y)²)); L: data range",
    convention="An identical image is infinite as a bare value and counts as 100 dB in a mean." + RANGE,
    equals="scikit-image, torchmetrics",
    pitfalls="Decided by the data range and by the background; blurring can raise it.",
    reference="Wang 2004, IEEE TIP 13:600, doi:10.1109/TIP.2003.819861",
    per_case=_capped_psnr,
)
def psnr(reference, prediction, *, data_range: float | None = None) -> float:
    """Peak signal-to-noise ratio in dB of two images or volumes of equal shape; infinite where they are identical.

    `data_range`: the distance between the least and largest possible value (default: of the reference's own values).
    Raises ValueError for unequal shapes, NaN, infinity or a range that is not positive.

    >>> round(psnr([[0.0, 1.0]], [[0.1, 1.0]], data_range=1.0), 4)
    23.0103
    """
    x, y, data_range = _images(reference, prediction, data_range)
    if not data_range:
        return Undefined(FLAT)
    error = _squared_error(x, y)
    return 10 * math.log10(data_range**2 / error) if error else math.inf


@metric(
    **FACTS,
    direction="lower",
    range=(0.0, float("inf")),
    best=0.0,
    unit="",
    title="Normalised root mean squared error",
    symbol="NRMSE",
    formula="sqrt(mean((x - y)²)) / L; L: data range",
    convention="Normalised by the data range." + RANGE,
    equals='scikit-image, normalization="min-max"',
    pitfalls="Others normalise by the mean or the norm of the reference.",
    reference="Wang 2004, IEEE TIP 13:600, doi:10.1109/TIP.2003.819861",
    per_case=lambda reference, prediction, data_range=None: nrmse(reference, prediction, data_range=data_range),
)
def nrmse(reference, prediction, *, data_range: float | None = None) -> float:
    """Root mean squared error as a share of the data range; arguments and errors as for `psnr`.

    >>> nrmse([[0.0, 2.0]], [[1.0, 1.0]])
    0.5
    """
    x, y, data_range = _images(reference, prediction, data_range)
    return math.sqrt(_squared_error(x, y)) / data_range if data_range else Undefined(FLAT)


def _ssim(reference, prediction, data_range, taps, sample) -> float:
    x, y, data_range = _images(reference, prediction, data_range)
    if not data_range:
        return Undefined(FLAT)
    if min(x.shape) < taps.size:
        return Undefined(f"an axis is shorter than the window of {taps.size}")
    return float(_similarity.similarity(x, y, taps, data_range, sample)[0])


@metric(
    **SIMILARITY,
    title="Structural similarity",
    symbol="SSIM",
    formula="mean of (2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2)), C1 = (0.01 L)², C2 = (0.03 L)²",
    convention="Gaussian window 11 x 11 (in volumes 11 x 11 x 11), sigma 1.5, population covariance, windows inside the image."
    + RANGE,
    equals="scikit-image, gaussian_weights=True, use_sample_covariance=False",
    pitfalls="Window, border and data range differ between libraries: 0.834 and 0.762 for one pair of small images.",
    reference="Wang 2004, IEEE TIP 13:600, doi:10.1109/TIP.2003.819861",
    per_case=lambda reference, prediction, data_range=None: ssim(reference, prediction, data_range=data_range),
)
def ssim(reference, prediction, *, data_range: float | None = None) -> float:
    """Mean structural similarity with a Gaussian window, -1 to 1; arguments and errors as for `psnr`.

    NaN where the reference is constant or an axis is shorter than 11.

    >>> image = np.outer(np.arange(16.0), np.ones(16))
    >>> ssim(image, image)
    1.0
    """
    return _ssim(reference, prediction, data_range, _similarity.GAUSSIAN, sample=False)


@metric(
    **SIMILARITY,
    title="Structural similarity, uniform window",
    symbol="SSIM (uniform)",
    formula="as SSIM, every pixel of the window alike",
    convention="Uniform window 7 x 7 (in volumes 7 x 7 x 7), sample covariance, windows inside the image." + RANGE,
    equals="scikit-image, its defaults",
    pitfalls="Not the SSIM of the paper; never compare with Gaussian values.",
    reference="Wang 2004, IEEE TIP 13:600, doi:10.1109/TIP.2003.819861; scikit-image's default",
    per_case=lambda reference, prediction, data_range=None: ssim_uniform(reference, prediction, data_range=data_range),
)
def ssim_uniform(reference, prediction, *, data_range: float | None = None) -> float:
    """Mean structural similarity with a uniform window, -1 to 1; arguments, errors and NaN as for `ssim` (window 7).

    >>> image = np.outer(np.arange(16.0), np.ones(16))
    >>> round(ssim_uniform(image, image.T, data_range=15), 3) < 1
    True
    """
    return _ssim(reference, prediction, data_range, _similarity.UNIFORM, sample=True)


def _halved(image: np.ndarray) -> np.ndarray:
    """Means of blocks of two along every axis; an odd last one is dropped."""
    for axis in range(image.ndim):
        even = image.shape[axis] // 2 * 2
        cut = np.moveaxis(image, axis, 0)[:even]
        image = np.moveaxis((cut[0::2] + cut[1::2]) / 2, 0, axis)
    return np.ascontiguousarray(image)


@metric(
    **SIMILARITY,
    title="Multi-scale structural similarity",
    symbol="MS-SSIM",
    formula="SSIM_5^w5 x product over scales 1..4 of (contrast-structure)^w, w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333",
    convention="Gaussian windows as SSIM; halved by means of 2 x 2; a negative factor counts as 0." + RANGE,
    equals="MONAI",
    pitfalls="Needs 176 pixels along each axis; smaller images have none.",
    reference="Wang 2003, Asilomar 37:1398, doi:10.1109/ACSSC.2003.1292216",
    per_case=lambda reference, prediction, data_range=None: ms_ssim(reference, prediction, data_range=data_range),
)
def ms_ssim(reference, prediction, *, data_range: float | None = None) -> float:
    """Multi-scale structural similarity over five scales, 0 to 1; arguments and errors as for `psnr`.

    NaN where the reference is constant or an axis is shorter than 176, so that the window fits at the fifth scale.

    >>> image = np.outer(np.arange(180.0), np.ones(180))
    >>> ms_ssim(image, image)
    1.0
    """
    x, y, data_range = _images(reference, prediction, data_range)
    if not data_range:
        return Undefined(FLAT)
    if min(x.shape) < 11 * 16:
        return Undefined("an axis is shorter than 176, the window at the fifth scale")
    value = 1.0
    for scale, weight in enumerate(SCALES):
        whole, structure = _similarity.similarity(x, y, _similarity.GAUSSIAN, data_range)
        value *= max(0.0, whole if scale == len(SCALES) - 1 else structure) ** weight
        if scale < len(SCALES) - 1:
            x, y = _halved(x), _halved(y)
    return float(value)


@metric(
    kinds=("restoration",),
    needs={"image"},
    direction="lower",
    range=(0.0, float("inf")),
    best=0.0,
    unit="",
    title="High-frequency error norm",
    symbol="HFEN",
    formula="||LoG(x) - LoG(y)||₂ / ||LoG(x)||₂; LoG: Laplacian of a Gaussian, sigma 1.5, 15 x 15",
    convention="As a share of the reference's own; the border mirrored.",
    equals="scipy.ndimage.gaussian_laplace",
    pitfalls="Some papers leave it unnormalised. Noise raises it, however sharp the edges.",
    reference="Ravishankar & Bresler 2011, IEEE TMI 30:1028, doi:10.1109/TMI.2010.2090538",
    per_case=lambda reference, prediction: hfen(reference, prediction),
)
def hfen(reference, prediction) -> float:
    """High-frequency error norm of two images or volumes of equal shape; 0 where they are identical.

    NaN where the reference is constant. Raises ValueError for unequal shapes, NaN or infinity.

    >>> hfen(np.eye(16), np.eye(16) / 2)
    0.5
    """
    x, y, data_range = _images(reference, prediction, None)
    if not data_range:
        return Undefined(FLAT)
    truth = ndimage.gaussian_laplace(x, 1.5, truncate=7 / 1.5)
    error = ndimage.gaussian_laplace(x - y, 1.5, truncate=7 / 1.5)
    return float(np.linalg.norm(error.ravel()) / np.linalg.norm(truth.ravel()))
