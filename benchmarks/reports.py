"""The reports: 100,000 plays of one listener alone in a database, and ten thousand each of a thousand listeners."""

import hashlib
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from sqlalchemy import Connection, event, text

from benchmarks import temporary_folder
from etl import __version__
from etl.embedded.postgres import embedded_postgres
from etl.reports.history import page
from etl.reports.model import Report
from etl.reports.request import ReportContext
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import find_listener

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
RUNS = 9
TRACKS, ARTISTS, ALBUMS = 20_000, 6_000, 5_000


def named(word: str) -> str:
    """A title as CATALOGUE makes it up."""
    letters = hashlib.md5(word.encode()).hexdigest()
    return f"{letters[:5]} {letters[7:14]} {letters[-4:]}".title()


DAY, YEAR = date(2025, 6, 14), 2025
TITLE = named("t17")  # a track that is played often
EVERYTHING: dict[str, int | None] = {"artist_key": None, "recording_key": None}
REPORTS: dict[str, Callable[[ReportContext], Report]] = {
    "daily": lambda ask: ask.reporter(since_date=DAY, until_date=DAY).daily(DAY),
    "top tracks, ever": lambda ask: ask.reporter().top("tracks"),
    "top artists, ever, by time": lambda ask: ask.reporter(by="time").top("artists"),
    "top albums, a year": lambda ask: ask.reporter(**ask.span(None, None, YEAR, None)).top("albums"),
    "top genres, ever": lambda ask: ask.reporter().top("genres"),
    "top tracks, ever, to the end": lambda ask: ask.reporter(counts_as="full").top("tracks"),
    "wrapped": lambda ask: ask.reporter(**ask.span(None, None, YEAR, None)).wrapped(YEAR),
    "artist": lambda ask: ask.reporter().artist("70efdf b55fb"),
    "track": lambda ask: ask.reporter().track(TITLE),
    "history, a page": lambda ask: page(ask.reporter(counts_as="all", row_limit=50), 1, EVERYTHING, ""),
    "history, page 100, plays only": lambda ask: page(ask.reporter(row_limit=50), 100, EVERYTHING, ""),
    "search, a slip": lambda ask: ask.reporter().search(TITLE.replace("a", "")),
}

CATALOGUE = f"""
insert into listening.dim_artist (artist_id, artist_name, genres, fetched_at)
select
    lpad(number::text, 22, '0'), initcap(left(md5(number::text), 6) || ' ' || right(md5(number::text), 5)), array['genre ' || number % 40, 'genre ' || number % 7], now()
from generate_series(1, {ARTISTS}) as numbers (number);

insert into listening.dim_album (album_id, album_name, album_artist_name, fetched_at)
select lpad(number::text, 22, '0'), 'Album ' || number, 'Artist ' || 1 + number % {ARTISTS}, now()
from generate_series(1, {ALBUMS}) as numbers (number);

insert into listening.dim_track (track_id, track_uri, track_name, content_type, duration_ms, album_key, fetched_at)
select
    lpad(number::text, 22, '0'), 'spotify:track:' || lpad(number::text, 22, '0'),
    initcap(left(md5('t' || number), 5) || ' ' || substr(md5('t' || number), 8, 7) || ' ' || right(md5('t' || number), 4)), 'track',
    120000 + number * 7919 % 180000,
    (select min(album_key) from listening.dim_album where album_key > 0) + number % {ALBUMS}, now()
from generate_series(1, {TRACKS}) as numbers (number);

insert into listening.bridge_track_artist (track_key, artist_key, position, role, weight)
select
    dim_track.track_key,
    (select min(artist_key) from listening.dim_artist where artist_key > 0) + (dim_track.track_key * place * 31) % {ARTISTS},
    place, case place when 1 then 'main' else 'featured' end, 1.0 / case when dim_track.track_key % 5 = 0 then 2 else 1 end
from listening.dim_track
cross join generate_series(1, 2) as places (place)
where dim_track.track_key > 0 and (place = 1 or dim_track.track_key % 5 = 0)
on conflict do nothing;

insert into listening.dim_play_profile (reason_end, is_skipped, ms_played_basis, sources)
values ('trackdone', false, 'reported', array['extended_export']), ('fwdbtn', true, 'reported', array['extended_export']),
(null, null, null, array['recently_played']);

insert into listening.dim_date (date_key, full_date, year, quarter, month, month_name, year_month, iso_year, iso_week, day_of_year, day_of_month, day_of_week, day_name, is_weekend)
select
    to_char(day, 'yyyymmdd')::integer, day::date, extract(year from day), extract(quarter from day), extract(month from day),
    to_char(day, 'FMMonth'), to_char(day, 'yyyy-mm'), extract(isoyear from day), extract(week from day), extract(doy from day),
    extract(day from day), extract(isodow from day), to_char(day, 'FMDay'), extract(isodow from day) > 5
from generate_series(timestamp '2021-01-01', timestamp '2026-12-31', interval '1 day') as days (day)
"""

# Few tracks are played often, many once. Two plays of five were told by the list alone: their length is not known.
PLAYS = """
insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, ms_played, time_key, since_previous_ms)
select
    drawn.played_at, drawn.listener_key, drawn.track_key, to_char(drawn.played_at at time zone 'UTC', 'yyyymmdd')::integer, 0, 0,
    profile.key + case when drawn.kind < 0.2 then 1 when drawn.kind < 0.6 then 0 else 2 end,
    case when drawn.kind < 0.2 then 4000 when drawn.kind < 0.6 then 200000 end,
    extract(hour from drawn.played_at at time zone 'UTC') * 60 + extract(minute from drawn.played_at at time zone 'UTC'),
    case when drawn.silence <= interval '1 day' then round(date_part('epoch', drawn.silence) * 1000) end
from (
    select
        placed.*,
        placed.played_at - lag(placed.played_at) over (partition by placed.listener_key order by placed.played_at) as silence
    from (
        select
            :first_listener + listener as listener_key,
            timestamptz '2021-12-01 07:00Z' + (play * 5 * 365.0 / :plays) * interval '1 day' + random() * interval '3 minutes' as played_at,
            1 + floor(:tracks * power(random(), 3))::integer as track_key,
            random() as kind
        from generate_series(1, :plays) as plays (play)
        cross join generate_series(0, :listeners - 1) as listeners (listener)
    ) as placed
) as drawn
cross join (select min(play_profile_key) as key from listening.dim_play_profile where play_profile_key > 0) as profile
"""


def measure(alone: int, listeners: int, plays_each: int) -> None:
    with temporary_folder() as folder, embedded_postgres(folder / "postgres") as url:
        warehouse = Warehouse(url)
        warehouse.migrate(NOW, __version__)
        fill(warehouse, CATALOGUE)
        people(warehouse, 1)
        plays(warehouse, 1, 1, alone)
        table(warehouse, f"{alone:,} plays of one listener", 1, has_others=False)
        print(f"\nfilling in {listeners * plays_each:,} plays of {listeners:,} listeners …", flush=True)
        people(warehouse, listeners)
        plays(warehouse, 2, listeners, plays_each)
        table(
            warehouse,
            f"{plays_each:,} plays of one listener, beside {listeners * plays_each:,} of others",
            2 + listeners // 2,
            has_others=True,
        )
        warehouse.close()


def fill(warehouse: Warehouse, script: str, **parameters: int) -> None:
    with warehouse.engine.begin() as connection:
        connection.execute(text("select setseed(0.5)"))
        for statement in script.split(";\n"):
            connection.execute(text(statement), parameters)


def people(warehouse: Warehouse, count: int) -> None:
    fill(
        warehouse,
        "insert into listening.dim_listener (listener_id, time_zone, created_at)"
        " select 'listener ' || number + (select count(*) from listening.dim_listener), 'UTC', now() from generate_series(1, :count) as numbers (number)",
        count=count,
    )


def plays(warehouse: Warehouse, first_listener: int, listeners: int, count: int) -> None:
    fill(warehouse, PLAYS, first_listener=first_listener, listeners=listeners, plays=count, tracks=TRACKS)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))


def table(warehouse: Warehouse, title: str, listener_key: int, has_others: bool) -> None:
    """Medians in the database, the program's part of reading the rows included; beside them the floor: reading the plays once."""
    floor = timed(warehouse, listener_key, read_once)
    print(f"\n{title:<66} median   worst   of the floor")
    print(f"{'read once: count, sum of ms':<65} {statistics.median(floor):>4.0f} ms {max(floor):>4.0f} ms")
    for name, answer in REPORTS.items():
        milliseconds = timed(warehouse, listener_key, answer)
        scans = scanned_whole(warehouse, listener_key, answer)
        median = statistics.median(milliseconds)
        said = "  READS THE FACTS OF ALL LISTENERS" if scans and has_others else ""
        print(
            f"{name:<65} {median:>4.0f} ms {max(milliseconds):>4.0f} ms {median / statistics.median(floor):>14.1f}{said}"
        )


def read_once(ask: ReportContext) -> None:
    ask.connection.execute(
        text("select count(*), sum(ms_played) from listening.fact_play where listener_key = :key"),
        {"key": ask.listener.listener_key},
    ).all()


def asked(
    warehouse: Warehouse,
    listener_key: int,
    answer: Callable[[ReportContext], object],
    seen: Callable[[Connection], None] = lambda connection: None,
) -> None:
    def work(connection: Connection) -> None:
        seen(connection)
        listener = find_listener(connection, f"listener {listener_key}")
        assert listener is not None
        answer(ReportContext(connection, listener, NOW))

    warehouse.transaction(work)


def timed(warehouse: Warehouse, listener_key: int, answer: Callable[[ReportContext], object]) -> list[float]:
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        asked(warehouse, listener_key, answer)
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def scanned_whole(warehouse: Warehouse, listener_key: int, answer: Callable[[ReportContext], object]) -> list[str]:
    """The lines of the plans of a report's queries that read the whole fact table."""
    found: list[str] = []

    def explain(connection, cursor, statement, parameters, context, executemany):  # type: ignore[no-untyped-def]
        for part in statement.split(";\n"):
            body = "\n".join(line for line in part.splitlines() if not line.startswith("--")).strip()
            if "listening." in body and body.lower().startswith(("select", "with", "create temporary table")):
                with connection.connection.driver_connection.cursor() as own:
                    own.execute(f"explain {body}", parameters)
                    found.extend(line for (line,) in own if "Seq Scan on fact_play" in line)

    event.listen(warehouse.engine, "before_cursor_execute", explain)
    try:
        asked(warehouse, listener_key, answer)
    finally:
        event.remove(warehouse.engine, "before_cursor_execute", explain)
    return found
