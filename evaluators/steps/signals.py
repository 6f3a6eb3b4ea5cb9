"""Steps for signals: another sampling rate, and a band of frequencies."""

from fractions import Fraction

import numpy as np

from evaluators.steps.registry import SERIES, Case, Parameter, Step, bounded, register, unfit


def _rate(case: Case) -> float:
    if not case.spacing:
        raise unfit("the inputs of this benchmark tell no sampling rate", "Leave rate and band out.")
    return 1 / case.spacing[0]


def rate(case: Case, hz: float) -> None:
    from scipy import signal

    share = Fraction(hz / _rate(case)).limit_denominator(1000)
    bounded((len(case.array), round(case.array.shape[1] * share) + 1))
    if share != 1:
        array = case.array.astype(np.float64)
        case.array = signal.resample_poly(array, share.numerator, share.denominator, axis=1).astype(np.float32)
    case.spacing = (1 / hz,)


def band(case: Case, low: float, high: float, order: int) -> None:
    from scipy import signal

    hz = _rate(case)
    if not (0 <= low < high) or high >= hz / 2 and low == 0:
        raise unfit(f"a band from {low:g} to {high:g} Hz does not lie in a signal of {hz:g} Hz")
    kind, edges = (
        ("bandpass", [low, high]) if low and high < hz / 2 else ("highpass", low) if low else ("lowpass", high)
    )
    filter_ = signal.butter(order, edges, kind, fs=hz, output="sos")
    padding = min(3 * (2 * len(filter_) + 1), case.array.shape[1] - 1)
    case.array = signal.sosfiltfilt(filter_, case.array.astype(np.float64), axis=1, padlen=padding).astype(np.float32)


register(
    Step(
        "rate",
        "Resamples a signal to this many samples a second, with a low-pass filter (polyphase).",
        (SERIES,),
        rate,
        {"hz": Parameter("number", "Samples a second.", low=1e-3, high=1e6)},
    )
)
register(
    Step(
        "band",
        "Keeps a band of frequencies: Butterworth, forward and backward.",
        (SERIES,),
        band,
        {
            "low": Parameter("number", "Hz; 0: no lower end.", 0, low=0, high=1e6),
            "high": Parameter("number", "Hz; from half the sampling rate on: no upper end.", low=1e-6, high=1e6),
            "order": Parameter("whole", "Of the filter.", 3, low=1, high=8),
        },
    )
)
