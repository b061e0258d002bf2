"""`brapped plays` from process start to exit: with nothing recorded, and with millions of facts of a thousand listeners."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from benchmarks import temporary_folder
from etl.embedded.postgres import embedded_postgres
from etl.simulator.catalogue import catalogue
from etl.simulator.listener import made_up_listener
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
RUNS = 15
TOKEN = "token-of-the-benchmark"
IMPORTS = """
from etl.cli.fast_imports import quick_imports
with quick_imports():
    import etl.jobs.plays, etl.settings
"""


def measure(fact_count: int) -> None:
    with temporary_folder() as folder:
        listener = made_up_listener(catalogue(), NOW, days=3)
        world = world_of(catalogue(), listener, TOKEN, NOW - timedelta(days=1))
        with embedded_postgres(folder / "postgres") as url, SimulatedSpotify(world) as spotify:
            app = world.app
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "DATABASE_URL": url,
                "SPOTIFY_CLIENT_ID": app.client_id,
                "SPOTIFY_CLIENT_SECRET": app.client_secret,
                "SPOTIFY_REFRESH_TOKEN": TOKEN,
                "SPOTIFY_API_URL": spotify.api_url,
                "SPOTIFY_ACCOUNTS_URL": spotify.accounts_url,
            }

            def python(*arguments: str, says: str = "") -> Callable[[], None]:
                return lambda: run([sys.executable, *arguments], environment, says)

            job = ("-m", "etl", "plays")
            all_new, none_new = (python(*job, says=f"{count} of 50 plays are new") for count in (50, 0))
            forget = (
                "truncate listening.observation, listening.fact_play, listening.bridge_track_artist, listening.track_alias;"
                " delete from listening.dim_track where track_key > 0"
            )
            python("-m", "etl", "plays")()  # the schema, and the first listener
            nothing = timed(python("-c", "pass"))
            imports = timed(python("-c", IMPORTS))
            first = timed(all_new, before=lambda: execute(url, forget))
            again = timed(none_new)
            calls = [call.path for call in spotify.calls[-2:]]
            table("nothing recorded before", nothing, imports, first, again)

            print(f"\nfilling in {fact_count:,} facts of 1,000 listeners …", flush=True)
            fill(url, fact_count)
            last = (
                "delete from listening.fact_play where listener_key = 1 and played_at > now() - interval '100 years';"
                " truncate listening.observation"  # the others have none
            )
            first = timed(all_new, before=lambda: execute(url, last))
            again = timed(none_new)
            table(f"{fact_count:,} facts of 1,000 listeners", nothing, imports, first, again)
            [(heap, indexes, rows)] = execute(
                url,
                "select pg_relation_size('listening.fact_play'), pg_indexes_size('listening.fact_play'),"
                " (select count(*) from listening.fact_play)",
            )
            print(f"\ncalls of a run: {', '.join(calls)}")
            print(f"bytes per fact: {heap / rows:.0f} + {indexes / rows:.0f} in its index")


def fill(url: str, fact_count: int) -> None:
    """A thousand other listeners, the facts of each a play every three minutes, written in the order of time."""
    execute(
        url,
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, time_key)"
        f" select timestamptz '2024-01-01 00:00Z' + moment * interval '3 minutes', 1000 + listener, 1 + (moment * 7 + listener) % 50,"
        f" 20240101, 0, 0, 1, 0 from generate_series(1, {fact_count // 1000}) as moments (moment), generate_series(1, 1000) as listeners (listener)",
    )
    execute(url, "analyze listening.fact_play")


def run(command: list[str], environment: dict[str, str], says: str) -> None:
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    if says not in done.stdout:
        sys.exit(f"{command[1:]} did not say {says!r}:\n{done.stdout}")


def timed(what: Callable[[], None], before: Callable[[], object] = lambda: None) -> list[float]:
    seconds = []
    for _ in range(RUNS):
        before()
        start = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - start)
    return seconds


def table(title: str, nothing: list[float], imports: list[float], first: list[float], again: list[float]) -> None:
    floor = statistics.median(imports)
    print(f"\n{title:<46} median     best   worst   of the imports")
    for name, seconds in {
        "Python that does nothing": nothing,
        "Python that only imports what it needs": imports,
        "brapped plays, 50 of 50 new": first,
        "brapped plays, 0 of 50 new": again,
    }.items():
        median = statistics.median(seconds)
        print(f"{name:<45} {median:>6.2f} s {min(seconds):>6.2f} s {max(seconds):>5.2f} s {median / floor:>15.2f}")


def in_cluster(url: str, statement: str) -> None:
    """Run what needs the superuser of the embedded Postgres: the program's own role may not create databases."""
    execute(make_url(url).set(username="postgres").render_as_string(hide_password=False), statement)


def execute(url: str, statement: str) -> list[tuple[int, ...]]:
    connection = psycopg2.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
