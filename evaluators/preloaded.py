"""Imported by a worker's zygote, so that its children find it in memory: their own code and every compiled kernel."""

from evaluators import child
from evaluators.kernels import KERNELS

__all__ = ["child"]

for kernel in KERNELS:
    kernel.from_cache()
