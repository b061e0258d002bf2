"""What rules cost: every report with fifty rules and without, by turns, on the plays of one listener."""

import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks import reports, temporary_folder
from benchmarks.reports import EVERYTHING, NOW, fill, people, plays
from etl import __version__
from etl.embedded.postgres import embedded_postgres
from etl.jobs.imports import import_exports
from etl.reports.history import page
from etl.reports.model import Report
from etl.reports.request import ReportContext
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import find_listener

RUNS = 9  # turns: each report without rules, then with them

# Fifty: 30 for artists (ten at weekends only), 10 for tracks, 3 for albums, 2 for a genre in the mornings of a year, one
# for a device at night, 3 for hours of a weekday, one for three days. Artists and tracks of the middle, so that rules
# leave out a few plays of a hundred: a report must not get quicker by having less to count.
RULES = """
insert into listening.exclusion (listener_key, created_at, artist_key, weekdays)
select :listener_key, now(), ranked.artist_key, case when ranked.place % 15 = 0 then '{6,7}'::smallint[] end
from (
    select standing_artist_key as artist_key, row_number() over (order by count(*) desc, standing_artist_key) as place
    from listening.fact_play
    join listening.bridge_track_artist using (track_key)
    join listening.standing_artist using (artist_key)
    group by standing_artist_key
) as ranked
where ranked.place between 40 and 330 and ranked.place % 10 = 0;

insert into listening.exclusion (listener_key, created_at, track_key)
select :listener_key, now(), ranked.track_key
from (
    select track_key, row_number() over (order by count(*) desc, track_key) as place
    from listening.fact_play
    where track_key > 0
    group by track_key
) as ranked
where ranked.place between 50 and 140 and ranked.place % 10 = 0;

insert into listening.exclusion (listener_key, created_at, album_key)
select :listener_key, now(), ranked.album_key
from (
    select album_key, row_number() over (order by count(*) desc, album_key) as place
    from listening.fact_play join listening.dim_track using (track_key)
    where album_key > 0
    group by album_key
) as ranked
where ranked.place in (60, 90, 120);

insert into listening.exclusion (listener_key, created_at, genre_name, from_minute, until_minute, since_date, until_date)
values
(:listener_key, now(), 'genre 12', 360, 540, '2022-01-01', '2022-12-31'),
(:listener_key, now(), 'genre 11', 360, 540, '2022-01-01', '2022-12-31');

insert into listening.exclusion (listener_key, created_at, device_name, from_minute, until_minute)
select :listener_key, now(), coalesce(min(coalesce(platform, device_name)), 'a device'), 90, 120
from listening.dim_device;

insert into listening.exclusion (listener_key, created_at, weekdays, from_minute, until_minute)
values
(:listener_key, now(), '{6,7}', 1380, 60), (:listener_key, now(), '{1}', 420, 440), (:listener_key, now(), '{3}', 600, 615);

insert into listening.exclusion (listener_key, created_at, since_date, until_date)
values (:listener_key, now(), '2022-05-06', '2022-05-08')
"""


def measure(export: Path | None, count: int) -> None:
    """export: folder or archive of an extended export; None: `count` made-up plays."""
    with temporary_folder() as folder, embedded_postgres(folder / "postgres") as url:
        warehouse = Warehouse(url)
        warehouse.migrate(NOW, __version__)
        if export is None:
            fill(warehouse, reports.CATALOGUE)
            people(warehouse, 1)
            plays(warehouse, 1, 1, count)
        else:
            settings = Settings(_env_file=None, database_url=url, time_zone="Europe/Berlin")
            import_exports(settings, warehouse, [export], clock=lambda: NOW)
        compared(warehouse)
        warehouse.close()


def asking(warehouse: Warehouse) -> dict[str, Callable[[ReportContext], Report]]:
    """Every report: about the year before the last one played, its busiest day, and what stands in the middle of it."""
    [[year]] = answered(warehouse, "select max(date_key) / 10000 - 1 from listening.fact_play")
    [[day]] = answered(
        warehouse,
        "select to_date(date_key::text, 'yyyymmdd') from listening.fact_play where date_key / 10000 = :year"
        " group by date_key order by count(*) desc limit 1",
        year=year,
    )
    [[artist]] = answered(
        warehouse,
        "select artist_name from listening.fact_play join listening.bridge_track_artist using (track_key)"
        " join listening.dim_artist using (artist_key) group by artist_name order by count(*) desc offset 4 limit 1",
    )
    [[track]] = answered(
        warehouse,
        "select track_name from listening.fact_play join listening.dim_track using (track_key) where track_key > 0"
        " group by track_name order by count(*) desc offset 4 limit 1",
    )
    span = {"since_date": date(year, 1, 1), "until_date": date(year, 12, 31)}
    week = {"since_date": day - timedelta(days=6), "until_date": day}
    return {
        "daily": lambda ask: ask.reporter(since_date=day, until_date=day).daily(day),
        "top tracks, a week": lambda ask: ask.reporter(**week).top("tracks"),
        "top tracks, a year": lambda ask: ask.reporter(**span).top("tracks"),
        "top tracks, ever": lambda ask: ask.reporter().top("tracks"),
        "top artists, ever, by time": lambda ask: ask.reporter(by="time").top("artists"),
        "top albums, a year": lambda ask: ask.reporter(**span).top("albums"),
        "top genres, ever": lambda ask: ask.reporter().top("genres"),
        "top shows, ever": lambda ask: ask.reporter().top("shows"),
        "wrapped": lambda ask: ask.reporter(**span).wrapped(year),
        "features": lambda ask: ask.reporter(**span).features(year),
        "artist": lambda ask: ask.reporter().artist(artist),
        "track": lambda ask: ask.reporter().track(track),
        "search": lambda ask: ask.reporter().search(track[1:]),
        "history, a page": lambda ask: page(ask.reporter(counts_as="all", row_limit=50), 1, EVERYTHING, ""),
        "history, page 100, plays only": lambda ask: page(ask.reporter(row_limit=50), 100, EVERYTHING, ""),
    }


def compared(warehouse: Warehouse) -> None:
    """The table: milliseconds without rules and with them; of the ratios, the median of the turns' own.

    On a machine that others use, the time of the processor (of the program and of its process of Postgres) says more
    than the clock.
    """
    [[listener_key, whole]] = answered(
        warehouse, "select listener_key, count(*) from listening.fact_play group by listener_key"
    )
    with ruled(warehouse, listener_key):
        [[rules, left_out]] = answered(
            warehouse,
            "select (select count(*) from listening.exclusion), count(distinct play_key)"
            " from listening.excluded_plays('-infinity', 'infinity')",
        )
    title = f"{rules} rules that leave out {left_out:,} of {whole:,} plays"
    print(f"\n{title:<57} without    with   ratio   of processor time")
    for name, answer in asking(warehouse).items():
        turns = []
        for _ in range(RUNS):
            without = timed(warehouse, answer)
            with ruled(warehouse, listener_key):
                turns.append((without, timed(warehouse, answer)))
        before, after = (statistics.median(one[0] for one in side) for side in zip(*turns, strict=True))
        by_clock, by_processor = (statistics.median(b[n] / a[n] for a, b in turns) for n in (0, 1))
        print(f"{name:<57} {before:>5.1f} ms {after:>5.1f} ms {by_clock:>6.2f} {by_processor:>10.2f}")


@contextmanager
def ruled(warehouse: Warehouse, listener_key: int):  # type: ignore[no-untyped-def]
    """The rules, while it lasts; none is left, not even as a dead row."""
    fill(warehouse, RULES, listener_key=listener_key)
    vacuum(warehouse)
    yield
    fill(warehouse, "delete from listening.exclusion")
    vacuum(warehouse)


def vacuum(warehouse: Warehouse) -> None:
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze listening.exclusion"))


def timed(warehouse: Warehouse, answer: Callable[[ReportContext], Report]) -> tuple[float, float]:
    """Milliseconds of a report by the clock and of the processor; on a connection of its own, as a command has one."""
    warehouse.engine.dispose()
    with warehouse.engine.begin() as connection:
        listener = find_listener(connection, None)
        assert listener is not None
        [pid] = connection.execute(text("select pg_backend_pid()")).one()
        start, used = time.perf_counter(), processor_s(pid)
        answer(ReportContext(connection, listener, NOW))
        return (time.perf_counter() - start) * 1000, (processor_s(pid) - used) * 1000


def processor_s(pid: int) -> float:
    """Seconds of the processor that this process of Postgres and the program have used."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 + time.process_time()


def answered(warehouse: Warehouse, question: str, **parameters: Any) -> list[Any]:
    with warehouse.engine.connect() as connection:
        return list(connection.execute(text(question), parameters))
