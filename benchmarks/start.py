"""How long commands take from process start to exit on a small warehouse: mostly their start."""

import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import temporary_folder
from etl.embedded.postgres import embedded_postgres
from etl.simulator.catalogue import catalogue
from etl.simulator.listener import made_up_listener
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of

ROOT = Path(__file__).resolve().parent.parent
RUNS = 9
WARM_UPS = 1  # turns before that, which read the files from the disk
TOKEN = "token-of-the-benchmark"
NOTHING = "Python that does nothing"
COMMANDS = {
    NOTHING: ["-c", "pass"],
    "brapped --version": ["-m", "etl", "--version"],
    "brapped plays, nothing new": ["-m", "etl", "plays"],
    "brapped status": ["-m", "etl", "status"],
    "brapped search": ["-m", "etl", "search", "a"],
    "brapped report daily": ["-m", "etl", "report", "daily"],
    "brapped report daily --format json": ["-m", "etl", "report", "daily", "--format", "json"],
    "brapped report wrapped --format html": ["-m", "etl", "report", "wrapped", "--format", "html"],
}


def measure() -> None:
    """Print CPU and wall seconds of each command. The commands take turns, so that a slow minute slows them all."""
    now = datetime.now(UTC)
    listener = made_up_listener(catalogue(), now, days=3)
    world = world_of(catalogue(), listener, TOKEN, now - timedelta(days=1))
    with (
        temporary_folder() as folder,
        embedded_postgres(folder / "postgres") as url,
        SimulatedSpotify(world) as spotify,
    ):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_URL": url,
            "SPOTIFY_CLIENT_ID": world.app.client_id,
            "SPOTIFY_CLIENT_SECRET": world.app.client_secret,
            "SPOTIFY_REFRESH_TOKEN": TOKEN,
            "SPOTIFY_API_URL": spotify.api_url,
            "SPOTIFY_ACCOUNTS_URL": spotify.accounts_url,
        }
        run(COMMANDS["brapped plays, nothing new"], environment)  # the schema, and the first plays
        turns = [
            {name: run(command, environment) for name, command in COMMANDS.items()} for _ in range(WARM_UPS + RUNS)
        ]
    table(turns[WARM_UPS:])


def run(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run Python in the program's folder; the CPU seconds and the wall seconds of the process."""
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    started_s = time.perf_counter()
    number = os.posix_spawn(
        sys.executable, [sys.executable, *arguments], environment | {"PYTHONPATH": str(ROOT)}, file_actions=quiet
    )
    _, status, used = os.wait4(number, 0)
    wall_s = time.perf_counter() - started_s
    if os.waitstatus_to_exitcode(status) not in (0, 1):  # status exits with 1 when something needs the listener
        sys.exit(f"{' '.join(arguments)} failed")
    return used.ru_utime + used.ru_stime, wall_s


def table(turns: list[dict[str, tuple[float, float]]]) -> None:
    medians = {name: [statistics.median(turn[name][kind] for turn in turns) for kind in (0, 1)] for name in COMMANDS}
    print(f"\n{'':<40}      CPU     above nothing      wall")
    for name, (cpu_s, wall_s) in medians.items():
        print(f"{name:<40} {cpu_s:>6.3f} s {cpu_s - medians[NOTHING][0]:>14.3f} s {wall_s:>8.3f} s")
