"""`python -m benchmarks`: the benchmarks by name, all of them when none is named."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks import exclusions, imports, moves, plays, recorder, repeats, reports, start, web

BENCHMARKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "start": lambda _: start.measure(),
    "plays": lambda chosen: plays.measure(chosen.facts),
    "import": lambda chosen: imports.measure(chosen.facts, *chosen.rows),
    "moves": lambda chosen: moves.measure(chosen.rows[1]),
    "repeats": lambda chosen: repeats.measure(tuple(chosen.repeats)),
    "reports": lambda chosen: reports.measure(chosen.rows[0], chosen.listeners, chosen.facts // chosen.listeners),
    "exclusions": lambda chosen: exclusions.measure(chosen.export, chosen.rows[0]),
    "web": lambda chosen: web.measure(chosen.rows[0], chosen.listeners, chosen.facts // chosen.listeners),
    "recorder": lambda chosen: recorder.measure(chosen.export, chosen.days),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument(
        "--facts", type=int, default=10_000_000, help="size of the large fact table (default: %(default)s)"
    )
    parser.add_argument(
        "--rows",
        type=int,
        nargs=2,
        default=(100_000, 1_000_000),
        metavar=("SMALL", "LARGE"),
        help="sizes of the two exports that are imported (default: %(default)s)",
    )
    parser.add_argument(
        "--listeners", type=int, default=1_000, help="among whom `reports` divides the facts (default: %(default)s)"
    )
    parser.add_argument(
        "--repeats",
        type=int,
        nargs=2,
        default=(5_000, 50_000),
        metavar=("FEW", "MANY"),
        help="how often a track is on repeat (default: %(default)s)",
    )
    parser.add_argument(
        "--export",
        type=Path,
        help="extended export for `exclusions` and, as a folder, `recorder` (default: made-up plays)",
    )
    parser.add_argument("--days", type=int, default=365, help="that `recorder` replays (default: %(default)s)")
    chosen = parser.parse_args()
    for name in chosen.names or BENCHMARKS:
        BENCHMARKS[name](chosen)
