"""Baseline wander of a signal: breathing, and electrodes that slip."""

import numpy as np

from evaluators.corruptions.registry import SIGNAL, corruption


@corruption(
    title="Baseline wander",
    says="Two slow waves of at most three periods over the record, together 15 and 40 per cent of the range; each lead its own.",
    severities=(0.15, 0.4),
    spaces=(SIGNAL,),
)
def baseline_wander(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    leads = x.reshape(len(x), -1)
    at = np.linspace(0, 2 * np.pi, len(x), dtype=np.float32)[:, None]
    periods, phases = random.uniform(0.5, 3, (2, leads.shape[1])), random.uniform(0, 2 * np.pi, (2, leads.shape[1]))
    waves = sum(np.sin(at * period + phase) for period, phase in zip(periods, phases, strict=True))
    return (leads + severity / 2 * waves).reshape(x.shape).astype(np.float32)
