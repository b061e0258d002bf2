"""`brapped import` from process start to exit, in time and memory, beside its floor and beside millions of facts of others."""

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from benchmarks import temporary_folder
from benchmarks.plays import ROOT, execute, fill, in_cluster
from etl.embedded.postgres import embedded_postgres
from etl.warehouse.connection import Warehouse

RUNS = 3  # of the smaller export; the larger one is read once
ROWS_PER_FILE = 16_000  # about as many as Spotify puts into one
END = datetime(2025, 6, 1, tzinfo=UTC)  # of every export, whatever its size; a million rows begin in 2010
SECONDS_SINCE = datetime(2022, 10, 1, tzinfo=UTC)  # offline_timestamp was in milliseconds before
PLATFORMS = ("ios", "Android OS 12 API 31 (samsung, SM-G991B)", "Windows 10 (10.0.19045; x64)")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024

Row = dict[str, Any]

# A small process between this one and what is measured: a child's peak memory starts with that of the process it is forked from.
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""

# The least that gets the same rows into Postgres: every field that the import reads, into a table without key or index.
FLOOR = """
import csv, io, sys
from pathlib import Path
import msgspec, psycopg2
told = {"ts": str, "ms_played": int} | dict.fromkeys(
    ("spotify_track_uri", "spotify_episode_uri", "audiobook_chapter_uri", "master_metadata_track_name",
     "master_metadata_album_artist_name", "master_metadata_album_album_name", "episode_name", "episode_show_name",
     "audiobook_chapter_title", "audiobook_title", "platform", "reason_start", "reason_end", "conn_country"), str | None
) | dict.fromkeys(("shuffle", "skipped", "offline", "incognito_mode"), bool | None) | {"offline_timestamp": int | None}
Row = msgspec.defstruct("Row", [(key, kind) if key in ("ts", "ms_played") else (key, kind, None) for key, kind in told.items()], gc=False)
decoder = msgspec.json.Decoder(list[Row])
types = {str: "text", int: "integer", str | None: "text", bool | None: "boolean", int | None: "bigint"}
columns = ", ".join(f"{key} {'timestamptz' if key == 'ts' else types[kind]}" for key, kind in told.items())
connection = psycopg2.connect(sys.argv[1])
with connection, connection.cursor() as cursor:
    cursor.execute(f"create table raw_row ({columns})")
    for path in sorted(Path(sys.argv[2]).iterdir()):
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\\n").writerows(map(msgspec.structs.astuple, decoder.decode(path.read_bytes())))
        buffer.seek(0)
        cursor.copy_expert("copy raw_row from stdin with (format csv, null '')", buffer)
connection.close()
"""


@dataclass
class Runs:
    """What one thing took, each time it ran."""

    seconds: list[float] = field(default_factory=list)
    own_seconds: list[float] = field(default_factory=list)  # of a processor, without what Postgres needs
    megabytes: list[float] = field(default_factory=list)  # of a million bytes, at the peak
    counts: Row = field(default_factory=dict)  # the total of the receipt of the last run

    @property
    def median_s(self) -> float:
        return statistics.median(self.seconds)

    @property
    def median_mb(self) -> float:
        return statistics.median(self.megabytes)


def measure(fact_count: int, row_count: int, large_row_count: int) -> None:
    with temporary_folder() as folder:
        for name, count in {"small": row_count, "large": large_row_count}.items():
            print(f"making up {count:,} rows …", flush=True)
            make_up(folder / name, folder / f"{name}-account", count)
        with embedded_postgres(folder / "postgres") as url:
            prepare(url, fact_count)
            floor, first, known, again, account, beside_others = (Runs() for _ in range(6))
            for number in range(1, RUNS + 1):  # in turns, so that a slow minute of the machine slows down all of them
                print(f"run {number} of {RUNS}, load {os.getloadavg()[0]:.2f} …", flush=True)
                raw_copy(floor, fresh(url, "empty"), folder / "small")
                record = fresh(url, "empty")
                imported(first, record, folder / "small")
                imported(known, record, folder / "small")
                imported(again, record, folder / "small", "--again")
                imported(account, record, folder / "small-account")
                imported(beside_others, fresh(url, "filled"), folder / "small")
            print(f"the large one, load {os.getloadavg()[0]:.2f} …", flush=True)
            large_floor, large = Runs(), Runs()
            raw_copy(large_floor, fresh(url, "empty"), folder / "large")
            imported(large, fresh(url, "empty"), folder / "large")
        others = f"first time, beside {fact_count:,} facts"
        table(
            f"{row_count:,} rows, {RUNS} runs",
            floor,
            {
                "first time": first,
                "again, known by hash": known,
                "again, every row": again,
                "the account export on top": account,
                others: beside_others,
            },
        )
        table(f"{large_row_count:,} rows, 1 run", large_floor, {"first time": large})
        print(f"\nbeside {fact_count:,} facts of 1,000 listeners: {ratio(beside_others, first)} of the time without")
        print(f"{large_row_count:,} rows: {large.median_mb / first.median_mb:.2f} of the memory of {row_count:,}")


def make_up(extended: Path, account: Path, row_count: int) -> None:
    """Both exports of one listener, always the same; the account export tells the same plays, cut to the minute."""
    extended.mkdir()
    account.mkdir()
    rows = made_up_rows(row_count)
    number = 0
    while part := list(islice(rows, ROWS_PER_FILE)):
        write(extended / f"Streaming_History_Audio_{number:03}.json", part)
        write(account / f"StreamingHistory_music_{number}.json", [account_row(row) for row in part])
        number += 1


def made_up_rows(row_count: int) -> Iterator[Row]:
    """Rows of the extended history: few tracks played often, many seldom, a quarter of the plays skipped."""
    chance = random.Random(1)
    tracks = made_up_tracks(chance, max(row_count // 10, 10))
    weights = [1 / (place + 3) ** 0.8 for place in range(len(tracks))]
    end = END - timedelta(seconds=460 * row_count)  # what a play and its share of the pauses take
    for track, duration_ms in chance.choices(tracks, weights, k=row_count):
        is_skipped = chance.random() < 0.25
        ms_played = chance.randrange(40_000) if is_skipped else duration_ms
        pause = timedelta(hours=4) if chance.random() < 0.02 else timedelta(milliseconds=chance.randrange(2000))
        end += pause + timedelta(milliseconds=ms_played)
        start_ms = round(end.timestamp() * 1000) - ms_played
        yield {
            "ts": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "username": "listener",
            "platform": chance.choice(PLATFORMS),
            "ms_played": ms_played,
            "conn_country": "DE",
            "ip_addr_decrypted": "203.0.113.7",
            "user_agent_decrypted": "unknown",
            **track,
            "episode_name": None,
            "episode_show_name": None,
            "spotify_episode_uri": None,
            "reason_start": chance.choice(("trackdone", "fwdbtn", "clickrow")),
            "reason_end": "fwdbtn" if is_skipped else "trackdone",
            "shuffle": chance.random() < 0.5,
            "skipped": is_skipped,
            "offline": False,
            "offline_timestamp": start_ms if end < SECONDS_SINCE else start_ms // 1000,
            "incognito_mode": False,
        }


def made_up_tracks(chance: random.Random, count: int) -> list[tuple[Row, int]]:
    """What rows tell of each track, and its length in milliseconds. One in twenty is the one before it, on another album."""
    tracks: list[tuple[Row, int]] = []
    for number in range(count):
        told = number - 1 if number % 20 == 19 else number
        track = {
            "master_metadata_track_name": f"Song {told} of the night",
            "master_metadata_album_artist_name": f"Artist {told // 24}",
            "master_metadata_album_album_name": f"Album {number // 8}"
            if told == number
            else f"The best of {told // 24}",
            "spotify_track_uri": f"spotify:track:{''.join(chance.choices(ALPHABET, k=22))}",
        }
        tracks.append((track, chance.randrange(120_000, 320_000)))
    chance.shuffle(tracks)
    return tracks


def account_row(row: Row) -> Row:
    return {
        "endTime": row["ts"][:16].replace("T", " "),
        "artistName": row["master_metadata_album_artist_name"],
        "trackName": row["master_metadata_track_name"],
        "msPlayed": row["ms_played"],
    }


def write(path: Path, rows: list[Row]) -> None:
    path.write_text(json.dumps(rows, separators=(",", ":")), encoding="utf-8")


def prepare(url: str, fact_count: int) -> None:
    """Two databases to copy: one migrated and empty, one with facts of other listeners."""
    in_cluster(url, "create database empty owner brapped")
    warehouse = Warehouse(at(url, "empty"))
    warehouse.migrate(datetime.now(UTC), "benchmark")
    warehouse.close()
    print(f"filling in {fact_count:,} facts of 1,000 listeners …", flush=True)
    in_cluster(url, "create database filled template empty owner brapped")
    fill(at(url, "filled"), fact_count)
    execute(at(url, "filled"), "vacuum listening.fact_play")  # now, rather than while something is measured


def fresh(url: str, template: str) -> str:
    """A copy of a database, in place of the one measured before. Also in what the planner knows: nothing of the dimensions yet."""
    in_cluster(url, "drop database if exists measured with (force)")
    # by copying files: all of it is on disk then
    in_cluster(url, f"create database measured template {template} strategy file_copy owner brapped")
    return at(url, "measured")


def at(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def imported(runs: Runs, url: str, export: Path, *options: str) -> None:
    receipt = launched(runs, url, "-m", "etl", "import", "--json", *options, str(export))
    runs.counts = json.loads(receipt)["total"]


def raw_copy(runs: Runs, url: str, export: Path) -> None:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    launched(runs, url, "-c", FLOOR, address, str(export))


def launched(runs: Runs, url: str, *arguments: str) -> str:
    """Runs Python once, adds what it took, and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, sys.executable, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.devnull, "DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{arguments[:3]} failed:\n{done.stdout}{done.stderr}")
    *printed, measured = done.stdout.splitlines()
    seconds, own_seconds, maxrss = measured.split()
    runs.seconds.append(float(seconds))
    runs.own_seconds.append(float(own_seconds))
    runs.megabytes.append(int(maxrss) * MAXRSS_BYTES / 1e6)
    return "\n".join(printed)


def table(title: str, floor: Runs, imports: dict[str, Runs]) -> None:
    print(f"\n{title:<40} median     best    worst  of the floor   own CPU  peak memory")
    for name, runs in {"parse and raw COPY, the floor": floor, **imports}.items():
        print(
            f"{name:<39} {runs.median_s:>6.2f} s {min(runs.seconds):>6.2f} s {max(runs.seconds):>6.2f} s"
            f" {ratio(runs, floor):>12} {statistics.median(runs.own_seconds):>7.2f} s {runs.median_mb:>9.0f} MB"
            f"{told(runs.counts)}"
        )


def told(counts: Row) -> str:
    shown = {name: counts.get(f"{name}_count") for name in ("new", "known", "merged", "duplicate")}
    return "".join(f"  {count:,} {name}" for name, count in shown.items() if count)


def ratio(runs: Runs, base: Runs) -> str:
    """The median of the turns' ratios: what ran one after the other met the same machine."""
    return f"{statistics.median(one / other for one, other in zip(runs.seconds, base.seconds, strict=True)):.2f}"
