"""`python -m benchmarks`: the benchmarks by name, all of them when none is named."""

import argparse

from benchmarks import plays

BENCHMARKS = {"plays": plays.measure}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument(
        "--facts", type=int, default=10_000_000, help="size of the large fact table (default: %(default)s)"
    )
    chosen = parser.parse_args()
    for name in chosen.names or BENCHMARKS:
        BENCHMARKS[name](chosen.facts)
