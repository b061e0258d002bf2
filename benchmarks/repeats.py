"""One short track on repeat for days in one stretch: ten times as many plays may take twelve times as long, at most."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import temporary_folder
from etl import __version__
from etl.embedded.postgres import embedded_postgres
from etl.jobs.imports import import_exports
from etl.settings import Settings
from etl.sources.recently_played import read_page
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import find_listener
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays, rebuild_plays

END = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
APART = timedelta(seconds=35)
RUNS = 3
TRACK_ID = "rain".ljust(22, "0")
LIST, ACCOUNT, EXTENDED = (
    "Streaming_History_1.json",
    "StreamingHistory_music_0.json",
    "Streaming_History_Audio_2026.json",
)

Rows = list[dict[str, Any]]


def measure(counts: tuple[int, ...]) -> None:
    with temporary_folder() as folder, embedded_postgres(folder / "postgres") as url:
        took = {count: measured(url, folder / str(count), count) for count in counts}
    print(f"\n{'repeats in one stretch':<46}" + "".join(f"{count:>12,}" for count in counts) + "       ratio")
    for what in took[counts[0]]:
        seconds = [took[count][what] for count in counts]
        print(f"{what:<46}" + "".join(f"{one:>10.2f} s" for one in seconds) + f"{seconds[-1] / seconds[0]:>12.1f}")


def measured(url: str, folder: Path, count: int) -> dict[str, float]:
    """Seconds that each step takes with so many plays, the best of some runs where it can be repeated."""
    folder.mkdir()
    settings, warehouse = Settings(_env_file=None, database_url=url), Warehouse(url)
    warehouse.migrate(END, __version__)
    who = f"repeats of {count}"

    def imported(name: str, rows: Rows) -> float:
        path = folder / name
        path.write_text(json.dumps(rows), "utf-8")
        return seconds(lambda: import_exports(settings, warehouse, [path], listener=who, clock=lambda: END))

    took = {
        "the list, in one file": imported(LIST, [row(count, number, is_listed=True) for number in range(count)]),
        "the extended history on top": imported(EXTENDED, [row(count, number) for number in range(count)]),
        "the account data on top": imported(ACCOUNT, [minute(count, number) for number in range(count)]),
    }
    with warehouse.engine.begin() as connection:
        known = find_listener(connection, who)
        assert known is not None
        key = known.listener_key

    def hourly(name: str, new: int) -> float:
        """A page of fifty, some of them new, the track under this name."""
        items = [item(end_of(count, count - 1 + new - number), name) for number in range(50)]

        def work() -> None:
            with warehouse.engine.begin() as connection:
                stage(connection, read_page({"items": items}, END).tables)
                merge_catalogue(connection)
                merge_plays(connection, listener_key=key, now=END)

        return seconds(work)

    def rebuilt() -> None:
        with warehouse.engine.begin() as connection:
            rebuild_plays(connection, listener_key=key, now=END)

    took["an hourly run with one play more"] = hourly("Rain", 1)
    took["an hourly run with nothing new"] = min(hourly("Rain", 1) for _ in range(RUNS))
    took["an hourly run that gives the track a new name"] = hourly(f"Rain for {count}", 1)
    took["rebuild"] = min(seconds(rebuilt) for _ in range(RUNS))
    warehouse.close()
    return took


def seconds(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def end_of(count: int, number: int) -> datetime:
    return END - timedelta(hours=1) - (count - number) * APART


def row(count: int, number: int, *, is_listed: bool = False) -> dict[str, Any]:
    end = end_of(count, number)
    told = {
        "ts": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": None if is_listed else 35_000,
        "spotify_track_uri": f"spotify:track:{TRACK_ID}",
        "master_metadata_track_name": "Rain",
        "master_metadata_album_artist_name": "Noise",
        "offline_timestamp": None if is_listed else round((end - APART).timestamp()),
    }
    return {**told, "brapped_source": "recently_played"} if is_listed else told


def minute(count: int, number: int) -> dict[str, Any]:
    return {
        "endTime": f"{end_of(count, number):%Y-%m-%d %H:%M}",
        "artistName": "Noise",
        "trackName": "Rain",
        "msPlayed": 35_000,
    }


def item(end: datetime, name: str) -> dict[str, Any]:
    return {
        "played_at": end.isoformat().replace("+00:00", "Z"),
        "track": {
            "id": TRACK_ID,
            "type": "track",
            "name": name,
            "duration_ms": 35_000,
            "artists": [{"id": "noise".ljust(22, "0"), "name": "Noise"}],
        },
        "context": None,
    }
