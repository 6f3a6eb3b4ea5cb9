"""How a model is judged: readers, runners, metrics, statistics, the sandbox, and the runs."""

__version__ = "0.1.0"
