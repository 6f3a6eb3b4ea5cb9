"""What a network costs beside its scores: time of one case, cases a second, multiply-adds. Measured in the sandbox; pure."""

import time
from collections.abc import Callable

import numpy as np

SINGLE = 20  # cases timed one by one, where the run itself had none ...
SINGLE_SECONDS = 1.0  # ... for so long at most


class Meter:
    """Follows one run: `batch` around each call, then `facts`."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.clock, self.began = clock, clock()
        self.cases, self.alone = 0, []

    def batch(self, call: Callable[[], list], cases: int) -> list:
        """The outputs of `call()`, which answers so many cases."""
        began = self.clock()
        outputs = call()
        if cases == 1:
            self.alone.append(self.clock() - began)
        self.cases += cases
        return outputs

    def facts(self, alone: Callable[[], object]) -> dict:
        """`throughput`: cases a second, decoding included; `latency_median`, `latency_p95`: seconds of one case by itself.

        `alone()` answers one case: for runs in batches, of which only the first was of one.
        """
        throughput = self.cases / max(self.clock() - self.began, 1e-9)
        times, end = self.alone[1:], self.clock() + SINGLE_SECONDS  # the first call pays for what later ones find done
        while len(self.alone) < 4 and len(times) < SINGLE and self.clock() < end:
            began = self.clock()
            alone()
            times.append(self.clock() - began)
        middle, late = np.percentile(times or self.alone, [50, 95])
        return {"throughput": throughput, "latency_median": float(middle), "latency_p95": float(late)}
