"""The command line of the library, without Django: score two tables, list the metrics, compile the kernels beforehand."""

import argparse
import json
import sys
import time

from evaluators import scoring
from evaluators.kernels import KERNELS
from evaluators.metrics import METRICS


def warm(arguments) -> int:
    """compile every kernel that is not yet in the cache; safe to repeat"""
    start, compiled = time.perf_counter(), 0
    for kernel in KERNELS:
        if not kernel.from_cache():
            compiled += 1
            print(f"compiled {kernel.__module__}.{kernel.__name__}", file=sys.stderr)
    print(f"{len(KERNELS)} kernels ready, {compiled} compiled, {time.perf_counter() - start:.1f} s", file=sys.stderr)
    return 0


def score(arguments) -> int:
    """score a prediction table against a reference table, each metric with its interval"""
    fixed = {"tau": arguments.tau, "times": arguments.times}
    try:
        found = scoring.score(
            arguments.kind,
            arguments.reference,
            arguments.prediction,
            arguments.metric,
            arguments.resamples,
            arguments.seed,
            **fixed,
        )
    except (ValueError, KeyError) as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 2
    if arguments.json:
        facts = ("value", "low", "high", "error", "n", "patients", "method", "reason")
        print(json.dumps({name: {f: _plain(getattr(e, f)) for f in facts} for name, e in found.items()}, indent=1))
        return 0
    table = scoring.rows(found)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        print(
            "  ".join(
                text.ljust(width) if i in (0, 5) else text.rjust(width)
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )
    return 0


def _plain(value):
    return None if isinstance(value, float) and value != value else value


def metrics(arguments) -> int:
    """list the metrics with their direction, range and interval"""
    for name, metric in sorted(METRICS.items()):
        bottom, top = metric.range
        print(f"{name:32} {metric.direction:7} {bottom:g} to {top:g}  {', '.join(metric.kinds)}")
    return 0


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluators", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("warm", help=warm.__doc__).set_defaults(run=warm)
    commands.add_parser("metrics", help=metrics.__doc__).set_defaults(run=metrics)
    one = commands.add_parser("score", help=score.__doc__)
    one.add_argument("--kind", required=True, choices=scoring.KINDS)
    one.add_argument("--reference", required=True, metavar="TABLE", help="CSV or Parquet with the truth")
    one.add_argument("--prediction", required=True, metavar="TABLE", help="CSV or Parquet with the answer")
    one.add_argument(
        "--metric", action="append", metavar="NAME", help="repeatable; default: the usual ones of the kind"
    )
    one.add_argument("--resamples", type=int, default=2000)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--tau", type=float, help="horizon of Uno's C and of restricted means")
    one.add_argument("--times", type=float, nargs="+", help="times of time-dependent metrics")
    one.add_argument("--json", action="store_true", help="print JSON instead of a table")
    one.set_defaults(run=score)
    arguments = parser.parse_args(argv)
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
