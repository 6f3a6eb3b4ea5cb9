"""A worker's side of one run: fetch the bytes, run the two sandboxed children, store what they found."""

from evaluators import runs


def evaluate(lease: runs.Lease) -> None:
    """Evaluate a claimed run to one of its ends; an error of ours gives the run back for another attempt."""
    raise NotImplementedError(lease)
