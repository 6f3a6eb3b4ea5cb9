"""Every metric of the field as a pure function of (reference, prediction); importable without Django."""

from evaluators.metrics.registry import METRICS, Metric, Undefined, load

load(__name__)

__all__ = ["METRICS", "Metric", "Undefined"]
