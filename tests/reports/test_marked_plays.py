"""Which plays rules leave out, worked out quickly for reports and views: the same as by hand, for rules of every kind."""

import random
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg2
import pytest
from support import NOW, asked, fresh_database, libpq, listener_known
from support.cases import Song, exported
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.reports.formats.data import as_json
from etl.reports.formats.text import as_text
from etl.reports.history import page
from etl.reports.model import LeftOut, ReportFilter
from etl.reports.query import Reporter
from etl.settings import Settings
from etl.warehouse.connection import Warehouse

DEVICES = ("ios", "Windows 10", "web_player")
SONGS = [
    Song(letter, f"Title {letter}", artists)
    for letter, artists in zip(
        "ABCDEFGHIJ",
        (
            ("Ann",), ("Bob",), ("Cy", "Ann"), ("Noise",), ("Dee",), ("Eve", "Bob"), ("Fay",), ("Gus",), ("Hal",),
            ("Ida",),
        ),
        strict=True,
    )
]  # fmt: skip
GENRES = {"Ann": ["folk", "rock"], "Bob": ["rock"], "Dee": ["sleep"], "Gus": ["folk"]}
CONTEXTS = 3


@pytest.fixture(scope="module")
def database(cluster, template, tmp_path_factory):
    """600 plays of nine weeks by each of two listeners, from four contexts, some in recordings of two tracks."""
    with contextmanager(fresh_database)(cluster, template) as url:
        warehouse = Warehouse(url)
        settings = Settings(_env_file=None, database_url=url, time_zone="Europe/Berlin")
        for number, listener in enumerate(("me", "grace")):
            rows = [
                {
                    **exported(-((play * 22_771 + number * 4_001) % (63 * 86_400)), SONGS[play * 7 % 10], 20_000 + play * 331),
                    "platform": DEVICES[play % 3],
                }
                for play in range(600)
            ]  # fmt: skip
            folder = write_folder(tmp_path_factory.mktemp(listener), {"Streaming_History_Audio_2026.json": rows})
            import_exports(settings, warehouse, [folder], listener=listener, clock=lambda: NOW)
        with warehouse.engine.begin() as connection:
            for statement in (
                "insert into listening.dim_context (context_uri, context_type)"
                f" select 'spotify:playlist:' || number, 'playlist' from generate_series(1, {CONTEXTS}) as number",
                "update listening.fact_play set context_key = (select min(context_key) from listening.dim_context)"
                f" + mod(play_key, {CONTEXTS + 1})",
                "update listening.dim_track set recording_key = (select min(track_key) from listening.dim_track"
                " where track_name in ('Title A', 'Title H')) where track_name in ('Title A', 'Title H')",
                *(
                    f"update listening.dim_artist set genres = '{{{','.join(genres)}}}' where artist_name = '{name}'"
                    for name, genres in GENRES.items()
                ),
            ):
                connection.exec_driver_sql(statement)
        yield url, warehouse
        warehouse.close()


@pytest.fixture(scope="module")
def plays(database) -> list[dict[str, Any]]:
    """The plays by plain queries that know nothing of rules."""
    url, _ = database
    columns = "listener play ms local device context artists genres recording album title"
    rows = asked(
        url,
        "select listener_key, play_key, ms_played, played_at at time zone 'Europe/Berlin', platform, context_key,"
        " array(select artist_name from listening.bridge_track_artist join listening.dim_artist using (artist_key)"
        " where bridge_track_artist.track_key = fact_play.track_key),"
        " array(select unnest(genres) from listening.bridge_track_artist join listening.dim_artist using (artist_key)"
        " where bridge_track_artist.track_key = fact_play.track_key and role = 'main'),"
        " coalesce(recording_key, track_key), (album_name, album_artist_name)::text, track_name"
        " from listening.fact_play join listening.dim_device using (device_key)"
        " join listening.dim_track using (track_key) join listening.dim_album using (album_key)",
    )
    return [dict(zip(columns.split(), row, strict=True)) for row in rows]


def drawn(luck: random.Random, keys: dict[str, list[int]]) -> dict[str, Any]:
    """A rule as a row of listening.exclusion: up to three kinds of conditions, so that all pairs come together."""
    first = date(2026, 9, 18) + timedelta(days=luck.randrange(60))
    minute, length = luck.randrange(1440), luck.choice((10, 90, 700))
    kinds: list[dict[str, Any]] = [
        {"artist_key": luck.choice(keys["artist_key"])},
        {"track_key": luck.choice(keys["track_key"])},
        {"album_key": luck.choice(keys["album_key"])},
        {"genre_name": luck.choice(("folk", "rock", "sleep"))},
        {"context_key": luck.choice(keys["context_key"])},
        {"device_name": luck.choice(DEVICES).upper()},
        {"from_minute": minute, "until_minute": (minute + length) % 1440},
        {"weekdays": sorted(luck.sample(range(1, 8), luck.randint(1, 3)))},
        {"from_minute": minute, "until_minute": (minute + length) % 1440, "weekdays": [luck.randint(1, 7)]},
        {"since_date": first, "until_date": first + timedelta(days=luck.choice((0, 5, 20)))},
        luck.choice([{"since_date": first}, {"until_date": first}]),
    ]
    return {
        column: value for kind in luck.sample(kinds, luck.choice((1, 1, 2, 2, 3))) for column, value in kind.items()
    }


def meets(play: dict[str, Any], rule: dict[str, Any], names: dict[str, dict[int, Any]]) -> bool:
    """By hand."""
    at, first, last = play["local"], rule.get("from_minute"), rule.get("until_minute")
    now = at.hour * 60 + at.minute
    return (
        (first is None or (first <= now < last if first < last else now >= first or now < last))
        and ("weekdays" not in rule or at.isoweekday() in rule["weekdays"])
        and rule.get("since_date", date.min) <= at.date() <= rule.get("until_date", date.max)
        and ("artist_key" not in rule or names["artist"][rule["artist_key"]] in play["artists"])
        and ("track_key" not in rule or names["recording"][rule["track_key"]] == play["recording"])
        and ("album_key" not in rule or names["album"][rule["album_key"]] == play["album"])
        and ("genre_name" not in rule or rule["genre_name"] in play["genres"])
        and ("context_key" not in rule or rule["context_key"] == play["context"])
        and ("device_name" not in rule or rule["device_name"].lower() == play["device"].lower())
    )


@contextmanager
def ruled(url: str, rules: list[tuple[int, dict[str, Any]]]):
    """These rules (of a listener each) while it lasts."""
    connection = psycopg2.connect(libpq(url))
    try:
        with connection, connection.cursor() as cursor:
            for listener, rule in rules:
                columns = {"listener_key": listener, "created_at": NOW, **rule}
                cursor.execute(
                    f"insert into listening.exclusion ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",
                    [*columns.values()],
                )
        yield
        with connection, connection.cursor() as cursor:
            cursor.execute("delete from listening.exclusion")
    finally:
        connection.close()


@pytest.mark.parametrize("seed", range(24))
def test_rules_of_every_kind_leave_out_what_they_do_by_hand(seed, database, plays):
    url, warehouse = database
    luck = random.Random(seed)
    names = {
        "artist": dict(asked(url, "select artist_key, artist_name from listening.dim_artist where artist_key > 0")),
        "recording": dict(
            asked(
                url, "select track_key, coalesce(recording_key, track_key) from listening.dim_track where track_key > 0"
            )
        ),
        "album": dict(
            asked(
                url,
                "select album_key, (album_name, album_artist_name)::text from listening.dim_album where album_key > 0",
            )
        ),
    }
    keys = {
        "artist_key": [*names["artist"]], "track_key": [*names["recording"]], "album_key": [*names["album"]],
        "context_key": sorted({play["context"] for play in plays}),
    }  # fmt: skip
    listeners = sorted({play["listener"] for play in plays})
    rules = [(luck.choice(listeners), drawn(luck, keys)) for _ in range(luck.choice((1, 2, 5, 12)))]
    out = {
        play["play"]
        for play in plays
        if any(who == play["listener"] and meets(play, rule, names) for who, rule in rules)
    }
    with ruled(url, rules):
        # as BI tools read it, of all listeners; once by parallel workers
        marked = "select play_key from listening.marked_plays('-infinity', 'infinity') where is_excluded"
        kept = "select play_key from listening.kept_plays('-infinity', 'infinity')"
        detailed = "select play_key from listening.play_detail where is_excluded"
        single = "select distinct play_key from listening.excluded_plays('-infinity', 'infinity')"
        assert {key for (key,) in asked(url, marked)} == out
        assert {key for (key,) in asked(url, kept)} == {play["play"] for play in plays} - out
        assert {key for (key,) in asked(url, single)} == out
        if seed % 6 == 0:
            assert {key for (key,) in asked(url, detailed)} == out
            assert {key for (key,) in in_parallel(url, marked)} == out
        # as reports read it
        for listener_id in ("me", "grace"):
            with warehouse.engine.begin() as connection:
                listener = listener_known(connection, listener_id)
                mine = [play for play in plays if play["listener"] == listener.listener_key]
                gone = [play["ms"] for play in mine if play["play"] in out]
                count = sum(who == listener.listener_key for who, _ in rules)
                for prepared in ((), ("report_track",)):
                    with connection.begin_nested() as savepoint:
                        reporter = Reporter(connection, ReportFilter(listener, counts_as="all"), NOW)
                        reporter.prepare(*prepared)
                        total = connection.exec_driver_sql("select sum(play_count) from report_track").scalar() or 0
                        assert total == len(mine) - len(gone)
                        assert reporter.left_out == (LeftOut(count, len(gone), sum(gone)) if count else None)
                        savepoint.rollback()
                reporter = Reporter(connection, ReportFilter(listener, counts_as="all", with_excluded=True), NOW)
                reporter.prepare()
                assert connection.exec_driver_sql("select count(*) from report_listen").scalar() == len(mine)
                assert reporter.left_out == (LeftOut(count, len(gone), sum(gone)) if count else None)


def in_parallel(url: str, question: str) -> list[tuple]:
    """The same from a worker."""
    connection = psycopg2.connect(libpq(url))
    try:
        with connection, connection.cursor() as cursor:
            for setting in ("debug_parallel_query = regress", "parallel_setup_cost = 0", "parallel_tuple_cost = 0",
                            "min_parallel_table_scan_size = 0", "max_parallel_workers_per_gather = 2"):  # fmt: skip
                cursor.execute(f"set local {setting}")
            cursor.execute(f"explain (costs off) {question}")
            assert any("Gather" in line for (line,) in cursor)
            cursor.execute(question)
            return cursor.fetchall()
    finally:
        connection.close()


def test_without_rules_nothing_of_them_is_worked_out(database):
    url, _ = database
    lines = asked(
        url,
        "explain (analyze, costs off, timing off, buffers off)"
        " select count(*) from listening.counted_plays('30s', '-infinity', 'infinity')",
    )
    asked_of_rules = [
        line for (line,) in lines if "excluded_" in line or "conditional_rules" in line or "ProjectSet" in line
    ]
    assert asked_of_rules and all("never executed" in line for line in asked_of_rules if "Filter" not in line)
    assert not any("Join" in line and "Anti" in line for (line,) in lines)


def test_what_a_report_has_worked_out_ends_with_it(database):
    url, warehouse = database
    with ruled(url, [(1, {"weekdays": [1]}), (1, {"genre_name": "rock"})]), warehouse.engine.connect() as connection:
        with connection.begin():
            Reporter(connection, ReportFilter(listener_known(connection, "me")), NOW)
            kept = connection.exec_driver_sql("select count(*) from listening.excluded_tracks()").scalar()
            assert kept
            connection.exec_driver_sql("delete from listening.exclusion where genre_name is not null")
            # the report stays as it began
            assert connection.exec_driver_sql("select count(*) from listening.excluded_tracks()").scalar() == kept
        with connection.begin():
            assert connection.exec_driver_sql("select count(*) from listening.excluded_tracks()").scalar() == 0


def test_a_search_counts_nothing_and_a_history_what_it_shows(database):
    url, warehouse = database
    with ruled(url, [(1, {"weekdays": [1, 2, 3]})]), warehouse.engine.begin() as connection:
        listener = listener_known(connection, "me")
        made = Reporter(connection, ReportFilter(listener), NOW).search("title b")
        assert made.left_out == LeftOut(1) and '"play_count": null' in as_json(made)
        assert "Some plays may be left out by a rule." in as_text(made)
        asking = ReportFilter(listener, with_excluded=True)
        assert "Nothing is left out here." in as_text(Reporter(connection, asking, NOW).search("title b"))
        everything: dict[str, int | None] = {"artist_key": None, "recording_key": None}
        shown = page(
            Reporter(connection, ReportFilter(listener, counts_as="all", row_limit=60), NOW), 1, everything, ""
        )
        times = [row["listened_ms"] for row in shown.sections[0].records() if row["is_excluded"]]
        assert 0 < len(times) < 60 and shown.left_out == LeftOut(1, len(times), sum(times))
        assert f"Marked here, and left out of reports, by a rule: {len(times)} plays" in as_text(shown)


@pytest.mark.parametrize(("report", "name"), [("artist", "bob"), ("track", "title b"), ("top", "tracks")])
def test_what_would_be_left_out_is_counted_as_what_is(report, name, database, plays):
    url, warehouse = database
    told = []
    with ruled(url, [(1, {"weekdays": [1, 2, 3]})]):
        for with_excluded in (False, True):
            with warehouse.engine.begin() as connection:
                asking = ReportFilter(listener_known(connection, "me"), counts_as="all", with_excluded=with_excluded)
                told.append(getattr(Reporter(connection, asking, NOW), report)(name).left_out)
    mine = [
        play["ms"]
        for play in plays
        if play["listener"] == 1
        and play["local"].isoweekday() <= 3
        and (report != "artist" or "Bob" in play["artists"])
        and (report != "track" or play["title"] == "Title B")
    ]
    assert told == [LeftOut(1, len(mine), sum(mine))] * 2
