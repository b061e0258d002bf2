"""The web application: time to the first byte of each page, alone and with twenty browsers at once, and its memory."""

import hashlib
import os
import queue
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests
from sqlalchemy import text

from benchmarks import temporary_folder
from benchmarks.reports import CATALOGUE, NOW, fill, people, plays
from etl import __version__
from etl.embedded.postgres import embedded_postgres
from etl.warehouse.connection import Warehouse

ROOT = Path(__file__).resolve().parent.parent
RUNS = 7
FEW = 4  # browsers and runs, where there is little to read
BROWSERS, MOST_ROUNDS = 20, 3
MANY = 10_000  # plays, from which on a round is worth repeating
TOKEN = "session-of-the-benchmark"
PAGES = (
    "/",
    "/overview?year=2025",
    "/overview?preset=all",
    "/top/artists",
    "/top/tracks?year=2025",
    "/history",
    "/history?q=70efdf",
    "/wrapped/2025",
    "/search?q=70efdf",
    "/artists/{artist}",
    "/tracks/{track}",
    "/data",
    "/settings",
)

MOST_PLAYED = """
select bridge_track_artist.artist_key, max(coalesce(dim_track.recording_key, dim_track.track_key))
from listening.fact_play
inner join listening.dim_track on dim_track.track_key = fact_play.track_key
inner join listening.bridge_track_artist on bridge_track_artist.track_key = fact_play.track_key
where fact_play.listener_key = :key
group by bridge_track_artist.artist_key
order by count(*) desc
limit 1
"""


def measure(alone: int, listeners: int, plays_each: int) -> None:
    """Print the tables: with the plays of one listener, and with those of a thousand others beside them."""
    with temporary_folder() as folder, embedded_postgres(folder / "postgres") as url:
        warehouse = Warehouse(url)
        warehouse.migrate(NOW, __version__)
        fill(warehouse, CATALOGUE)
        people(warehouse, 1)
        plays(warehouse, 1, 1, alone)
        sizes = (RUNS, BROWSERS, MOST_ROUNDS) if alone >= MANY else (1, FEW, 1)
        told(warehouse, url, folder, 1, sizes, f"{alone:,} plays of one listener")
        print(f"\nfilling in {listeners * plays_each:,} plays of {listeners:,} listeners …", flush=True)
        people(warehouse, listeners)
        plays(warehouse, 2, listeners, plays_each)
        others = f"{plays_each:,} plays of one listener, beside {listeners * plays_each:,} of others"
        told(warehouse, url, folder, 2 + listeners // 2, sizes, others)
        warehouse.close()


def told(
    warehouse: Warehouse, url: str, folder: Path, listener_key: int, sizes: tuple[int, int, int], title: str
) -> None:
    runs, browsers, rounds = sizes
    with warehouse.engine.begin() as connection:
        connection.execute(
            text(
                "insert into ops.web_session (session_hash, listener_key, created_at, seen_at, ends_at)"
                " values (:hash, :key, now(), now(), now() + interval '1 day')"
                " on conflict (session_hash) do update set listener_key = excluded.listener_key"
            ),
            {"hash": hashlib.sha256(TOKEN.encode()).digest(), "key": listener_key},
        )
        [(artist, track)] = connection.execute(text(MOST_PLAYED), {"key": listener_key})
    pages = [page.format(artist=artist, track=track) for page in PAGES]
    with served(url, folder) as (address, pid):
        print(f"\n{title}\n{'to the first byte':<40} median         95 %")
        for name, page in zip(PAGES, pages, strict=True):
            row(name, [first_byte_ms(address, page) for _ in range(runs)])
        taken, seconds = together(address, pages, browsers, rounds)
        row(f"{browsers} browsers at once", taken)
        print(f"({len(taken) / seconds:.1f} pages a second; memory at most {memory_mb(pid):.0f} MB)")


def row(name: str, taken: list[float]) -> None:
    print(f"{name:<40} {statistics.median(taken):>6.0f} ms {percentile(taken, 95):>9.0f} ms")


@contextmanager
def served(url: str, folder: Path) -> Iterator[tuple[str, int]]:
    """`brapped serve` on a free port: its address and process id."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment: Mapping[str, str] = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "DATABASE_URL": url,
        "SPOTIFY_CLIENT_ID": "id", "SPOTIFY_CLIENT_SECRET": "s" * 32,
    }  # fmt: skip
    command = [sys.executable, "-m", "etl", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.PIPE) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(400):
                if process.poll() is not None:
                    raise RuntimeError((process.stderr.read() if process.stderr else b"").decode())
                try:
                    requests.get(f"{address}/health", timeout=5)
                    break
                except requests.ConnectionError:
                    time.sleep(0.05)
            yield address, process.pid
        finally:
            process.terminate()


def first_byte_ms(address: str, page: str, session: requests.Session | None = None) -> float:
    """Milliseconds until the first byte of a page's body. Raises RuntimeError for any answer but 200."""
    start = time.perf_counter()
    with (session or requests).get(
        address + page, cookies={"brapped-session": TOKEN}, stream=True, timeout=120, allow_redirects=False
    ) as answer:
        next(answer.iter_content(1), b"")
        taken = (time.perf_counter() - start) * 1000
        if answer.status_code != 200:
            raise RuntimeError(f"{page}: {answer.status_code}")
        answer.content  # noqa: B018  read to its end, so that the connection can be used again
    return taken


def together(address: str, pages: list[str], browsers: int, rounds: int) -> tuple[list[float], float]:
    """Each of the browsers opens all pages so many times, one after the other: the milliseconds, and seconds of the whole."""
    waiting: queue.Queue[float | Exception] = queue.Queue()

    def browse(number: int) -> None:
        with requests.Session() as session:
            for _ in range(rounds):
                for place in range(len(pages)):
                    try:
                        waiting.put(first_byte_ms(address, pages[(place + number) % len(pages)], session))
                    except Exception as error:
                        waiting.put(error)

    threads = [threading.Thread(target=browse, args=(number,)) for number in range(browsers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    taken = []
    while not waiting.empty():
        one = waiting.get()
        if isinstance(one, Exception):
            raise one
        taken.append(one)
    return taken, seconds


def percentile(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, round(len(values) * share / 100))]


def memory_mb(pid: int) -> float:
    """Peak resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return float("nan")
