"""The command line of the library, without Django: `python -m evaluators warm` compiles what is not yet in the cache."""

import argparse
import sys
import time

from evaluators import statistics
from evaluators.kernels import KERNELS

__all__ = ["main", "statistics"]


def warm(arguments) -> int:
    """Compile every kernel whose compiled form is not in the cache; safe to repeat, quick when there is nothing to do."""
    start, compiled = time.perf_counter(), 0
    for kernel in KERNELS:
        if not kernel.from_cache():
            compiled += 1
            print(f"compiled {kernel.__module__}.{kernel.__name__}", file=sys.stderr)
    print(f"{len(KERNELS)} kernels ready, {compiled} compiled, {time.perf_counter() - start:.1f} s", file=sys.stderr)
    return 0


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evaluators", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("warm", help=warm.__doc__).set_defaults(run=warm)
    arguments = parser.parse_args(argv)
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
