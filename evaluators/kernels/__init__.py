"""The compiled passes under metrics and statistics: each takes 32 resamples at a time, needs no lock and no Django.

Every kernel has one explicit signature, is compiled once (`python -m evaluators warm`, run at installation) and loaded
from the cache afterwards, so that nothing compiles in front of a user.
"""

from evaluators.kernels.compiled import KERNELS, LANES, Kernel, kernel

__all__ = ["KERNELS", "LANES", "Kernel", "kernel"]
