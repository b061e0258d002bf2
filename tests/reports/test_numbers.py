"""The reports' numbers on the real exports, where they are: what pandas_numbers.py finds in the JSON files is what a report shows.

In two time zones with daylight saving. And what no export tells, on a made-up listener: how long a play of Spotify's list was, who
is featured, which ids are one track, which artist is one by name.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support import NOW, asked, fresh_database, listener_known
from support import pandas_numbers as by_pandas
from support.cases import Others, Record, Song, exported, told
from support.export_files import write_folder
from support.pandas_numbers import before, counted, rows, url, within
from support.real_exports import ACCOUNT, EXTENDED, imported_once, listens, rows_of

from etl.jobs.imports import import_exports
from etl.reports.model import COUNTS_AS, Report, ReportFilter
from etl.reports.query import Reporter
from etl.warehouse.connection import Warehouse

ZONES = ("Europe/Berlin", "America/New_York")
FEW, MANY = 5, 10  # rows of a part of a report, and of one about nothing else
SPANS = {
    "all time": (None, None),
    "2022": (date(2022, 1, 1), date(2022, 12, 31)),
    "March 2023, in which clocks change": (date(2023, 3, 1), date(2023, 3, 31)),
    "some weeks over a new year": (date(2021, 12, 19), date(2022, 1, 30)),
    "until a day": (None, date(2020, 12, 31)),
    "since a day": (date(2023, 11, 1), None),
    "nothing played": (date(2018, 1, 1), date(2018, 12, 31)),
}
DAYS = {
    "an ordinary day": date(2022, 5, 3),
    "clocks go forward in Berlin": date(2023, 3, 26),
    "clocks go back in Berlin": date(2021, 10, 31),
    "clocks go forward in New York": date(2021, 3, 14),
    "clocks go back in New York": date(2022, 11, 6),
    "a year ends": date(2020, 12, 31),
    "a year begins": date(2023, 1, 1),
    "the end of February": date(2023, 2, 28),
    "the record has few weeks behind it": date(2020, 7, 10),
    "the last day": date(2024, 2, 8),
    "29 February, after the last day": date(2024, 2, 29),
    "nothing played": date(2020, 8, 6),
}


@dataclass(frozen=True)
class Real:
    """The listener of the real exports, in a database and as pandas has it."""

    time_zone: str
    warehouse: Warehouse
    ask: Callable[..., list[tuple]]
    listens: pd.DataFrame
    counted: dict[str, pd.DataFrame]  # the plays, by what counts as one
    covered: set[date]  # the days that are recorded

    def plays(self, counts_as: str = "30s", since: date | None = None, until: date | None = None) -> pd.DataFrame:
        return within(self.counted[counts_as], since, until)


@pytest.fixture(scope="module")
def every_listen() -> pd.DataFrame:
    return by_pandas.listens_of(listens(rows_of(EXTENDED)))


@pytest.fixture(scope="module", params=ZONES)
def real(request, cluster: str, template: str, every_listen: pd.DataFrame) -> Iterator[Real]:
    name, _ = imported_once(cluster, template, EXTENDED, ACCOUNT, time_zone=request.param)
    listens = by_pandas.by_the_clock_of(every_listen, request.param)
    plays = {counts_as: counted(listens, counts_as) for counts_as in COUNTS_AS}
    covered = set(by_pandas.covered_days(listens))
    with contextmanager(fresh_database)(cluster, name) as database:
        warehouse = Warehouse(database)
        yield Real(request.param, warehouse, lambda *asking: asked(database, *asking), listens, plays, covered)
        warehouse.close()


def reporter_of(warehouse: Warehouse, listener: str | None = None, **asking: Any) -> Iterator[Reporter]:
    with warehouse.engine.begin() as connection:
        yield Reporter(connection, ReportFilter(listener_known(connection, listener), **asking), NOW)


def report(warehouse: Warehouse, name: str, *about: Any, **asking: Any) -> Report:
    """What the method of this name answers."""
    for reporter in reporter_of(warehouse, **asking):
        made: Report = getattr(reporter, name)(*about)
    return made


def shown(made: Report) -> dict[str, list]:
    return {section.name: section.records() for section in made.sections}


def differing(found: list[tuple], expected: list[tuple]) -> tuple[list, list]:
    """A few rows of each that the other lacks: of long lists pytest would take minutes to say it."""
    more, fewer = Counter(found), Counter(expected)
    return list((more - fewer).elements())[:3], list((fewer - more).elements())[:3]


NOTHING = ([], [])

whatever_the_clock = pytest.mark.parametrize("real", ZONES[:1], indirect=True)  # the same in every time zone
each_span = pytest.mark.parametrize("span", SPANS)
few_spans = pytest.mark.parametrize("span", ["all time", "2022", "some weeks over a new year", "nothing played"])


# A span of days.


@each_span
def test_totals_whatever_counts_as_a_play(real, span):
    since, until = SPANS[span]
    found = {
        counts_as: reporter.prepare() or reporter.fetch("span_totals").records()
        for counts_as in COUNTS_AS
        for reporter in reporter_of(real.warehouse, counts_as=counts_as, since_date=since, until_date=until)
    }
    is_recorded = any((since or date.min) <= day <= (until or date.max) for day in real.covered)
    assert found == {
        counts_as: [by_pandas.totals(real.plays(counts_as, since, until), is_recorded)] for counts_as in COUNTS_AS
    }


@each_span
def test_the_top_of_a_span_by_plays_and_by_time(real, span):
    since, until = SPANS[span]
    plays = real.plays("30s", since, until)
    for reporter in reporter_of(real.warehouse, since_date=since, until_date=until):
        reporter.prepare()
        for kind, top in by_pandas.TOP.items():
            for by in ("plays", "time"):
                expected = top(plays, by)
                for limit in (1, MANY, None):
                    assert reporter.fetch(f"top_{kind}", by=by, row_limit=limit).records() == expected[:limit]


def test_the_top_of_everything_however_short(real):
    made = report(real.warehouse, "top", "tracks", counts_as="all", since_date=date(2023, 5, 1))
    assert shown(made) == {"top_tracks": by_pandas.top_tracks(real.plays("all", date(2023, 5, 1)), "plays")[:MANY]}


@pytest.mark.parametrize("year", [2020, 2022, 2023, 2024])
def test_a_year_wrapped(real, year):
    """The record begins in 2020, but for single days, and ends in 2024."""
    since, until = date(year, 1, 1), date(year, 12, 31)
    plays, earlier = real.plays("30s", since, until), before(real.plays(), since)
    of_year = within(real.listens, since, until)
    made = report(real.warehouse, "wrapped", year, since_date=since, until_date=until)
    days = pd.date_range(since, until).date
    assert shown(made) == {
        "span_totals": [by_pandas.totals(plays)],
        "top_tracks": by_pandas.top_tracks(plays, "plays")[:MANY],
        "top_artists": by_pandas.top_artists(plays, "plays")[:MANY],
        "top_albums": by_pandas.top_albums(plays, "plays")[:MANY],
        "top_genres": [],
        "top_shows": by_pandas.top_shows(plays, "plays")[:FEW],
        "plays_by_hour": by_pandas.by_hour(plays),
        "plays_by_day": by_pandas.by_day(plays, days, real.covered),
        "plays_by_month": by_pandas.by_month(plays, days, real.covered),
        "discovered": by_pandas.discovered(plays, earlier, by_pandas.new_since(real.listens))[:FEW],
        "longest_streak": by_pandas.longest_streak(plays, days, real.covered),
        "longest_session": by_pandas.longest_session(of_year),
        "most_repeated": by_pandas.most_repeated(plays),
        "skips": by_pandas.skips(of_year)[:FEW],
        "beyond_wrapped": [by_pandas.beyond_wrapped(of_year, year < 2024)],
        "gaps": [],
    }


# A day.


@pytest.mark.parametrize("name", DAYS)
def test_a_day(real, name):
    day = DAYS[name]
    for counts_as in ("30s", "all") if name == "an ordinary day" else ("30s",):
        plays = real.plays(counts_as)
        of_day = within(plays, day, day)
        made = report(real.warehouse, "daily", day, since_date=day, until_date=day, counts_as=counts_as)
        told = shown(made)
        del told["coverage"]  # test_coverage.py has it
        daily = by_pandas.daily_totals(plays, day, real.covered)
        for row in daily:
            if row["coverage"] == "covered" and len(by_pandas.covered_hours(real.listens, row["local_date"])) < 24:
                row["coverage"] = "partly recorded"
        assert told == {
            "daily_totals": daily,
            "top_tracks": by_pandas.top_tracks(of_day, "plays")[:FEW],
            "top_artists": by_pandas.top_artists(of_day, "plays")[:FEW],
            "plays_by_hour": by_pandas.by_hour(of_day, by_pandas.covered_hours(real.listens, day)),
            "first_listens": by_pandas.first_listens(
                of_day, before(plays, day), day >= (by_pandas.new_since(real.listens) or date.max)
            ),
            "streak_of_day": by_pandas.streak_of(plays, day, real.covered),
            "on_this_day": by_pandas.on_this_day(plays, day, real.covered),
            "still_unknown": [by_pandas.still_unknown(of_day, day in real.covered)],
            "freshness": [{"last_played_at": real.listens.played_at.max(), "checked_at": None}],
        }


def test_the_days_are_what_their_names_say(real):
    plays = real.plays()
    has_none = [name for name, day in DAYS.items() if within(plays, day, day).empty]
    assert has_none == ["29 February, after the last day", "nothing played"]


# An artist, a track, and finding them.


def places(plays: pd.DataFrame, key: str, *numbers: int) -> list[str]:
    """Who stands there by plays, from 0, as far as there are so many."""
    order = by_pandas.ranked(by_pandas.each(plays, key), "plays", key)[key].tolist()
    return [order[number] for number in numbers if number < len(order)]


@few_spans
def test_an_artist(real, span):
    since, until = SPANS[span]
    plays = real.plays("30s", since, until)
    for artist in places(by_pandas.music(plays), "artist", 0, 100):
        of_artist = plays[plays.artist == artist]
        made = report(real.warehouse, "artist", artist, since_date=since, until_date=until)
        assert (made.title, shown(made)) == (
            artist,
            {
                "artist_in_numbers": [by_pandas.artist_numbers(of_artist)],
                "artist_by_year": by_pandas.artist_by_year(plays, artist),
                "artist_by_month": by_pandas.by_each_month(of_artist, real.covered),
                "artist_tracks": by_pandas.artist_tracks(of_artist)[:MANY],
            },
        )


@few_spans
def test_a_track(real, span):
    """Of those that have their name alone: else the one most played is meant."""
    since, until = SPANS[span]
    plays = real.plays("30s", since, until)
    alone = by_pandas.music(plays).groupby("name").filter(lambda named: named.uri.nunique() == 1)
    for uri in places(alone, "uri", 0, 1000):
        of_track = plays[plays.uri == uri]
        name, artist = of_track[["name", "artist"]].iloc[0]
        made = report(real.warehouse, "track", name, since_date=since, until_date=until)
        assert (made.title, shown(made)) == (
            name,
            {
                "track_credits": [{"artist_name": artist, "artist_role": "main", "artist_url": None}],
                "track_in_numbers": [by_pandas.track_numbers(of_track)],
                "track_by_year": by_pandas.track_by_year(plays, uri),
                "track_by_month": by_pandas.by_each_month(of_track, real.covered),
            },
        )


def without_accents(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))


def mistyped(name: str) -> str:
    """A letter in the middle is missing."""
    middle = len(name) // 2
    return name[:middle] + name[middle + 1 :]


WRITINGS = (str, str.upper, without_accents, mistyped)


def some_names(told: pd.DataFrame, key: str) -> list[str]:
    """Long enough to be mistyped: of those played most, and of those with an accent."""
    played = places(told, key, *range(len(told)))
    names = [name for name in told.drop_duplicates(key).set_index(key).loc[played, "called"] if len(name) >= 8]
    return names[:3] + [name for name in names if without_accents(name) != name][:3]


@whatever_the_clock
def test_an_artist_is_found_as_somebody_writes_the_name(real):
    plays = by_pandas.music(real.plays())
    names = some_names(plays.assign(called=plays.artist), "artist")
    for reporter in reporter_of(real.warehouse):
        for name in names:
            expected = by_pandas.found_artist(plays, name)
            for written in WRITINGS:
                found = reporter.fetch("search_artists", search_text=written(name)).records()[:1]
                assert (written(name), without_keys(found)) == (written(name), [expected])


@whatever_the_clock
def test_a_track_is_found_as_somebody_writes_its_name(real):
    plays = by_pandas.music(real.plays())
    alone = plays.groupby("name").filter(lambda named: named.uri.nunique() == 1)
    names = some_names(alone.assign(called=alone.name), "uri")
    for reporter in reporter_of(real.warehouse):
        for name in names:
            expected = by_pandas.found_track(plays, name)
            for written in WRITINGS:
                found = reporter.fetch("search_tracks", search_text=written(name)).records()[:1]
                assert (written(name), without_keys(found)) == (written(name), [expected])


@whatever_the_clock
def test_a_search_is_for_artists_and_tracks(real):
    plays = by_pandas.music(real.plays())
    [artist], [track] = places(plays, "artist", 20), places(plays, "name", 20)
    for about in (artist, track):
        found = shown(report(real.warehouse, "search", about))
        assert set(found) == {"search_artists", "search_tracks"}
    assert found["search_tracks"][0]["track_name"] == track
    assert shown(report(real.warehouse, "search", artist))["search_artists"][0] == by_pandas.found_artist(plays, artist)


def without_keys(records: list[dict]) -> list[dict]:
    """Which of our rows it is, no one else can know."""
    return [{name: value for name, value in one.items() if not name.endswith("_key")} for one in records]


# The history.


def history(real: Real, **asking: Any) -> pd.DataFrame:
    filters = {"artist_key": None, "recording_key": None, "row_offset": 0}
    filters |= {name: asking.pop(name) for name in filters if name in asking}
    for reporter in reporter_of(real.warehouse, **{"counts_as": "all", "row_limit": None, **asking}):
        found = reporter.fetch("history", **filters)
    return pd.DataFrame(found.rows, columns=found.columns or by_pandas.HISTORY, dtype=object)


@pytest.fixture(scope="module")
def whole_history(real: Real) -> pd.DataFrame:
    return history(real)


def but_for_sources(found: pd.DataFrame) -> list[tuple]:
    return rows(found.drop(columns=["sources", "is_excluded"], errors="ignore"))


@whatever_the_clock
def test_the_whole_history_newest_first(real, whole_history):
    assert whole_history.played_at.is_monotonic_decreasing
    assert differing(but_for_sources(whole_history), by_pandas.history(real.listens)) == NOTHING


@whatever_the_clock
def test_a_page_of_the_history_is_a_part_of_it(real, whole_history):
    for row_offset in (0, 1, 31_000, len(whole_history) - 2, len(whole_history)):
        page = history(real, row_limit=7, row_offset=row_offset)
        assert rows(page) == rows(whole_history[row_offset : row_offset + 7])
    since, until = SPANS["2022"]
    of_year = history(real, counts_as="30s", since_date=since, until_date=until)
    page = history(real, counts_as="30s", since_date=since, until_date=until, row_limit=7, row_offset=1000)
    assert rows(page) == rows(of_year[1000:1007])


@few_spans
def test_the_history_of_a_span_an_artist_and_a_track(real, span):
    since, until = SPANS[span]
    listened, plays = within(real.listens, since, until), real.plays("30s", since, until)
    [artist], [uri] = (
        places(by_pandas.music(real.plays()), "artist", 3),
        places(by_pandas.music(real.plays()), "uri", 3),
    )
    [(artist_key,)] = real.ask("select artist_key from listening.dim_artist where artist_name = %s", artist)
    [(recording_key,)] = real.ask(
        "select coalesce(recording_key, track_key) from listening.dim_track where track_uri = %s", uri
    )
    of_artist, of_track = {"artist_key": artist_key}, {"recording_key": recording_key}
    for expected, filters in [
        (
            plays[:0] if span == "all time" else plays,
            {"counts_as": "30s", "row_limit": 0 if span == "all time" else None},
        ),
        (listened[listened.artist == artist], of_artist),
        (listened[listened.uri == uri], of_track),
        (plays[plays.uri == uri], {"counts_as": "30s", **of_track}),
        (listened[(listened.uri == uri) & (listened.artist == artist)], {**of_artist, **of_track}),
    ]:
        found = history(real, since_date=since, until_date=until, **filters)
        assert differing(but_for_sources(found), by_pandas.history(expected)) == NOTHING


def account_rows() -> set[tuple[datetime, str | None, str | None, int]]:
    """Minute, title, artist or show, and milliseconds of each row of the account data."""
    return {
        (
            datetime.strptime(row["endTime"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC),
            None if row.get("trackName") == "Unknown Track" else row.get("trackName") or row["episodeName"],
            None if row.get("artistName") == "Unknown Artist" else row.get("artistName") or row["podcastName"],
            row["msPlayed"],
        )
        for row in rows_of(ACCOUNT)
    }


@whatever_the_clock
def test_each_listen_has_the_sources_that_told_it(real, whole_history):
    """What the account data told of a minute is told by one of the listens that it can be."""
    minutes = whole_history.assign(minute=pd.to_datetime(whole_history.played_at, utc=True).dt.floor("min"))
    found = Counter(rows(minutes[["minute", "track_name", "artist_names", "listened_ms", "sources"]]))
    account = account_rows()
    told = real.listens.assign(
        by=real.listens.artist.fillna(real.listens.album),
        minute=real.listens.played_at.dt.floor("min"),
        reported_minute=real.listens.reported_at.dt.floor("min"),
    )
    expected = Counter()
    for (reported_minute, *listen), count in Counter(
        rows(told[["reported_minute", "minute", "name", "by", "ms"]])
    ).items():
        is_in_both = (reported_minute, *listen[1:]) in account
        expected[*listen, "extended_export account_export"] += is_in_both
        expected[*listen, "extended_export"] += count - is_in_both
    assert differing(list(found.elements()), list(expected.elements())) == NOTHING
    assert sum(count for (*_, sources), count in found.items() if "account" in sources) == len(account) == 24_614


# The views.


def today_of(real: Real) -> date:
    """By the clock of the database: a view has no other."""
    [(today,)] = real.ask("select (now() at time zone %s)::date", real.time_zone)
    found: date = today
    return found


@pytest.mark.parametrize(("view", "period"), [("day", "D"), ("week", "W-SUN"), ("month", "M"), ("year", "Y")])
def test_totals_of_a_period(real, view, period):
    found = real.ask(f"select * from listening.{view}_total")
    [listener_key] = {row[0] for row in found}
    expected = [(listener_key, *row) for row in by_pandas.periods(real.listens, real.plays(), period, today_of(real))]
    assert differing(found, expected) == NOTHING


@whatever_the_clock
def test_totals_of_artists(real):
    found = real.ask(
        "select artist_name, play_count, main_play_count, featured_play_count, listened_ms, main_listened_ms,"
        " featured_listened_ms, track_count, first_played_at, last_played_at from listening.artist_total"
    )
    assert differing(found, by_pandas.artist_totals(real.plays())) == NOTHING


def test_hours_of_weekdays(real):
    found = real.ask("select day_of_week, day_name, hour, play_count, listened_ms from listening.hour_by_weekday")
    assert differing(found, by_pandas.hours_of_weekdays(real.plays())) == NOTHING


def test_sessions_and_streaks(real):
    sessions = "select started_at, ended_at, listen_count, listened_ms from"
    assert differing(real.ask(f"{sessions} listening.session"), rows(by_pandas.sessions(real.listens))) == NOTHING
    new_year = date(2021, 1, 1)  # in New York somebody is listening
    of_span = by_pandas.sessions(within(real.listens, new_year, None))
    found = real.ask(
        f"{sessions} listening.sessions(%s::timestamp at time zone %s, 'infinity')", new_year, real.time_zone
    )
    assert differing(found, rows(of_span)) == NOTHING
    streaks = "select day_count, first_date, last_date, play_count from listening"
    assert differing(real.ask(f"{streaks}.streak"), rows(by_pandas.streaks(real.plays()))) == NOTHING
    assert differing(real.ask(f"{streaks}.streaks('all')"), rows(by_pandas.streaks(real.listens))) == NOTHING


def test_which_source_tells_of_which_day(real):
    """A row of the account data counts on the day of its listen, which may have been uploaded on another."""
    told = real.listens.assign(
        by=real.listens.artist.fillna(real.listens.album), minute=real.listens.reported_at.dt.floor("min")
    )
    days = {tuple(row): day for *row, day in rows(told[["minute", "name", "by", "ms", "date"]])}
    found = real.ask(
        "select local_date, listen_count, recently_played_count, extended_export_count, account_export_count,"
        " unknown_track_count, has_gap, coverage from listening.coverage_day"
    )
    assert (
        differing(found, by_pandas.coverage(real.listens, Counter(days[row] for row in account_rows()), today_of(real)))
        == NOTHING
    )


def test_each_listen_in_detail(real):
    """Of months in which clocks change, names are missing, and `skipped` begins to be told."""
    since, until = date(2022, 9, 1), date(2023, 10, 31)
    columns = ", ".join(by_pandas.DETAIL)
    found = real.ask(f"select {columns} from listening.play_detail where local_date between %s and %s", since, until)
    assert differing(found, by_pandas.detail(within(real.listens, since, until))) == NOTHING


@whatever_the_clock
def test_the_older_layout_of_the_history(real):
    assert columns_of(real, "listening_history") == [
        ("id", "bigint"),
        ("track_uri", "text"),
        ("track_name", "text"),
        ("artist_name", "text"),
        ("album_name", "text"),
        ("played_at", "timestamp without time zone"),
        ("ms_played", "integer"),
        ("popularity", "smallint"),
    ]
    found = real.ask("select * from listening.listening_history")
    assert len({row[0] for row in found}) == len(found)
    assert differing([row[1:] for row in found], by_pandas.older_history(real.listens)) == NOTHING


@whatever_the_clock
def test_the_older_layout_of_audio_features(real):
    assert columns_of(real, "track_features") == [
        ("track_uri", "text"),
        *((name, "real") for name in ("danceability", "energy")),
        ("key", "smallint"),
        ("loudness", "real"),
        ("mode", "smallint"),
        *(
            (name, "real")
            for name in ("speechiness", "acousticness", "instrumentalness", "liveness", "valence", "tempo")
        ),
        ("duration_ms", "integer"),
        ("time_signature", "smallint"),
    ]
    assert real.ask("select * from listening.track_features") == []


def columns_of(real: Real, view: str) -> list[tuple]:
    return real.ask(
        "select column_name::text, data_type::text from information_schema.columns"
        " where table_schema = 'listening' and table_name = %s order by ordinal_position",
        view,
    )


# A made-up listener, for what no export tells.

A = Song("A", "Song", isrc="QZ0000000001")
AGAIN = Song("C", "Song - Remastered", isrc="QZ0000000001")
B = Song("B", "Tune", ("Bob",), 180_000, "QZ0000000002")
WITH_BOB = Song("D", "Duet", ("Ann", "Bob", "Cyd"), 100_000, "QZ0000000003")
DAY = 24 * 3600  # seconds
MIDNIGHT = -(9 * 3600 + 20 * 60)  # seconds from NOW, in UTC, by which the made-up listener lives


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def one_record(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    warehouse = Warehouse(database)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


@pytest.fixture
def record(one_record: Record) -> Record:
    """One for all cases, with nothing in it."""
    one_record.forget()
    return one_record


def answers(record: Record, *names: str, **told: Any) -> list[list[dict]]:
    """What files of sql/reports/ answer of all time."""
    for reporter in reporter_of(record.warehouse, "one"):
        reporter.prepare()
        found = [reporter.fetch(name, **told).records() for name in names]
    return found


def some(records: list[dict], *columns: str) -> list[tuple]:
    return [tuple(one[column] for column in columns) for one in records]


COUNTED = [  # milliseconds played, of how many, how it ended; by whom it is counted
    (None, None, None, "30s all"),  # nobody can tell
    (None, None, "trackdone", "30s half full all"),
    (0, 200_000, "fwdbtn", "all"),
    (29_999, 200_000, "fwdbtn", "all"),
    (30_000, 200_000, "fwdbtn", "30s all"),
    (29_999, 59_998, "endplay", "half all"),
    (99_999, 200_000, "endplay", "30s all"),
    (100_000, 200_000, "endplay", "30s half all"),
    (239_999, 3_600_000, "endplay", "30s all"),
    (240_000, 3_600_000, "endplay", "30s half all"),
    (187_999, 200_000, "fwdbtn", "30s half all"),
    (188_000, 200_000, "fwdbtn", "30s half full all"),
    (1000, 200_000, "trackdone", "full all"),  # begun near its end
    (1000, None, "trackdone", "half full all"),
    (239_999, None, "endplay", "30s all"),
    (240_000, None, "endplay", "30s half all"),
]


def test_what_counts_as_a_play_to_whom(ask):
    found = [
        (
            *told,
            " ".join(how for how in COUNTS_AS if ask("select listening.is_counted(%s, %s, %s, %s)", how, *told)[0][0]),
        )
        for *told, _ in COUNTED
    ]
    assert found == COUNTED


ESTIMATES = [  # seconds from NOW, what, milliseconds
    (-4 * DAY, A, 200_000),  # nothing is known before
    (-4 * DAY + 200, A, 200_000),  # as long as it is
    (-4 * DAY + 260, B, 60_000),  # the one before ended a minute ago
    (-4 * DAY + 449, A, 200_000),  # faded in, eleven seconds before the end of the other
    (-4 * DAY + 636, A, 187_000),  # thirteen seconds before: it began later, or was cut
    (-4 * DAY + 5000, B, 180_000),  # after a pause
    (MIDNIGHT - 100, A, 200_000),  # after days
    (MIDNIGHT + 50, A, 150_000),  # began the day before
    (MIDNIGHT + 4000, B, 180_000),
]


def test_how_long_a_play_was_that_only_the_list_tells(record, ask):
    """And what another listener plays at the same time is nobody's end."""
    record.load(Others([told(seconds - 30, B) for seconds, *_ in ESTIMATES]))
    record.load([told(seconds, song) for seconds, song, _ in ESTIMATES], [exported(-100, A, 40_000)], [told(-50, A)])
    found = ask(
        "select played_at, track_uri, ms_basis, best_ms from listening.play_time"
        " join listening.fact_play using (play_key, listener_key, played_at) join listening.dim_track using (track_key)"
        " where listener_key = %s order by played_at",
        record.listener_keys["one"],
    )
    plays = [(seconds, song, "estimated", ms) for seconds, song, ms in ESTIMATES]
    plays += [(-100, A, "reported", 40_000), (-50, A, "estimated", 50_000)]
    assert found == [(NOW + timedelta(seconds=seconds), song.uri, basis, ms) for seconds, song, basis, ms in plays]


def test_an_estimate_is_the_same_whatever_span_is_asked_for(record, ask):
    record.load(Others([told(seconds - 30, B) for seconds, *_ in ESTIMATES]))
    record.load([told(seconds, song) for seconds, song, _ in ESTIMATES])
    everything = ask("select * from listening.timed_plays('-infinity', 'infinity')")
    moments = sorted({row[2] for row in everything})
    midnights = [NOW + timedelta(days=days, seconds=MIDNIGHT) for days in range(-4, 2)]
    assert len(everything) == 2 * len(ESTIMATES)
    for since, until in [*pairwise(moments), *pairwise(midnights)]:
        found = ask("select * from listening.timed_plays(%s, %s)", since, until)
        assert sorted(found) == sorted(row for row in everything if since <= row[2] < until)


def test_a_session_over_midnight_is_cut_where_a_span_is(record):
    """The longest of a year is what of it lies in the year."""
    record.load([told(MIDNIGHT + seconds, A) for seconds in (-2000, -400, -200, 0, 200, 400)])
    midnight = NOW.date()
    found = [
        some(reporter.fetch("longest_session").records(), "listened_ms", "listen_count")
        for asking in ({}, {"until_date": midnight - timedelta(days=1)}, {"since_date": midnight})
        for reporter in reporter_of(record.warehouse, "one", **asking)
        if reporter.prepare() is None
    ]
    assert found == [[(1_200_000, 6)], [(600_000, 3)], [(600_000, 3)]]


def covered_before(record: Record, ask: Callable[..., list[tuple]]) -> None:
    """The record of everybody is old enough to tell what is new."""
    for listener_key in record.listener_keys.values():
        ask(
            "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at)"
            " values (%s, 'extended_export', 'covered', %s, %s, %s)",
            *(listener_key, NOW - timedelta(days=120), NOW, NOW),
        )


def test_main_and_featured_artists_are_told_apart(record, ask):
    record.load([told(-2000, WITH_BOB), told(-1000, WITH_BOB), told(0, B)], Others([told(0, B)]))
    covered_before(record, ask)
    totals, artists, new = answers(record, "span_totals", "top_artists", "discovered")
    assert some(artists, "artist_name", "play_count", "featured_play_count", "listened_ms") == [
        ("Bob", 3, 2, 380_000),
        ("Ann", 2, 0, 200_000),
        ("Cyd", 2, 2, 200_000),
    ]
    assert some(totals, "play_count", "track_count", "artist_count") == [(3, 2, 2)]
    assert some(new, "artist_name", "play_count", "new_artist_count") == [("Ann", 2, 2), ("Bob", 1, 2)]
    assert ask(
        "select artist_name, play_count, main_play_count, featured_play_count, listened_ms, main_listened_ms, featured_listened_ms"
        " from listening.artist_total where listener_key = %s order by artist_name",
        record.listener_keys["one"],
    ) == [
        ("Ann", 2, 2, 0, 200_000, 200_000, 0),
        ("Bob", 3, 1, 2, 380_000, 180_000, 200_000),
        ("Cyd", 2, 0, 2, 200_000, 0, 200_000),
    ]
    for reporter in reporter_of(record.warehouse, "one"):
        bob = shown(reporter.artist("Bob"))
    assert some(bob["artist_in_numbers"], "play_count", "main_play_count", "featured_play_count") == [(3, 1, 2)]
    assert some(bob["artist_by_year"], "year_rank", "play_count", "main_play_count", "featured_play_count") == [
        (1, 3, 1, 2)
    ]
    assert some(bob["artist_tracks"], "track_name", "artist_role", "play_count") == [
        ("Duet", "featured", 2),
        ("Tune", "main", 1),
    ]


def test_two_ids_of_one_recording_are_one_track(record, ask):
    record.load([told(-3000, A)], [told(-2000, AGAIN), told(-1000, AGAIN), told(0, B)])
    totals, tracks, artists, found = answers(
        record, "span_totals", "top_tracks", "top_artists", "search_tracks", search_text="song"
    )
    assert some(totals, "play_count", "track_count") == [(4, 2)]
    assert some(tracks, "track_name", "play_count", "listened_ms", "track_url") == [
        ("Song - Remastered", 3, 600_000, url(AGAIN.uri)),
        ("Tune", 1, 180_000, url(B.uri)),
    ]
    assert some(artists, "artist_name", "play_count", "track_count") == [("Ann", 3, 1), ("Bob", 1, 1)]
    assert some(found, "track_name", "play_count") == [("Song", 3)]  # by the name that is most like what was looked for
    assert ask("select track_count, new_track_count from listening.day_total where play_count > 0") == [(2, None)]
    for reporter in reporter_of(record.warehouse, "one"):
        assert some(shown(reporter.track("Song"))["track_in_numbers"], "play_count") == [(3,)]


def test_another_id_of_a_track_heard_before_is_not_heard_for_the_first_time(record, ask):
    record.load([told(-1000, A), told(0, B)], [told(-DAY, AGAIN)])
    covered_before(record, ask)
    today = NOW.date()
    for reporter in reporter_of(record.warehouse, "one", since_date=today, until_date=today):
        day = shown(reporter.daily(today))
        [new] = reporter.fetch("discovered").records()
    assert some(day["first_listens"], "track_name") == [("Tune",)]
    assert (new["artist_name"], new["new_artist_count"], new["new_track_count"]) == ("Bob", 1, 1)


NAMED = Song("N", "Named")  # of which only an export told: its artist has no id


def test_an_artist_known_by_name_alone_is_the_one_of_that_name(record):
    record.load([exported(-1000, NAMED)], [told(0, A)])
    totals, artists = answers(record, "span_totals", "top_artists")
    assert some(totals, "artist_count") == [(1,)]
    assert some(artists, "artist_name", "play_count", "artist_url") == [
        ("Ann", 2, url("spotify:artist:" + "Ann".ljust(22, "0")))
    ]


def test_an_artist_known_by_name_alone_is_neither_of_two_of_that_name(record):
    other = told(-1000, B)
    other["track"]["artists"] = [{"id": "x" * 22, "name": "Ann"}]
    record.load([exported(-3000, NAMED)], [told(-2000, A), other, told(0, A)])
    totals, artists = answers(record, "span_totals", "top_artists")
    assert some(totals, "artist_count") == [(3,)]
    assert some(artists, "artist_name", "play_count") == [("Ann", 2), ("Ann", 1), ("Ann", 1)]


def test_a_track_counts_once_for_a_genre_however_many_of_its_artists_have_it(record, ask):
    together = told(-2000, WITH_BOB)
    together["track"]["album"] = {"id": "a" * 22, "name": "Both", "artists": together["track"]["artists"][:2]}
    record.load([together, told(-1000, A), told(0, AGAIN)])
    genres = {"Ann": ["jazz", "pop"], "Bob": ["jazz", "folk"], "Cyd": ["noise"]}
    for artist, of_artist in genres.items():
        ask("update listening.dim_artist set genres = %s where artist_name = %s", of_artist, artist)
    [found] = answers(record, "top_genres")
    assert some(found, "genre_name", "play_count", "listened_ms", "track_count") == [
        ("jazz", 3, 500_000, 2),
        ("pop", 3, 500_000, 2),
        ("folk", 1, 100_000, 1),
    ]


def exported_there(record: Record, folder: Path, time_zone: str, *moments: datetime) -> str:
    """Who lives by this clock, with plays that ended then."""
    seconds = [int((moment - NOW).total_seconds()) for moment in moments]
    write_folder(folder, {"Streaming_History_Audio.json": [exported(second, A) for second in seconds]})
    settings = record.settings.model_copy(update={"time_zone": time_zone})
    import_exports(settings, record.warehouse, [folder], listener=time_zone, clock=lambda: NOW)
    return time_zone


def test_a_year_is_the_listeners_own_on_this_day_too(record, tmp_path):
    """Their first play was on the last evening of a year; in UTC it was the next one already."""
    listener = exported_there(record, tmp_path, "America/New_York", datetime(2020, 1, 1, 2, tzinfo=UTC))
    day = date(2020, 12, 31)
    for reporter in reporter_of(record.warehouse, listener, since_date=day, until_date=day):
        found = reporter.prepare() or reporter.fetch("on_this_day", report_date=day).records()
    assert some(found, "local_date", "play_count") == [(date(2019, 12, 31), 1)]


def test_a_day_with_two_midnights_begins_with_the_first(record, tmp_path):
    """On the Azores clocks go back from one o'clock to midnight: the hour after it comes twice, both times on the new day."""
    midnight = datetime(2022, 10, 30, tzinfo=UTC)
    moments = [midnight + timedelta(minutes=minutes) for minutes in (-30, 30, 90, 150)]
    listener = exported_there(record, tmp_path, "Atlantic/Azores", *moments)
    found = {
        day: (
            *some(reporter.fetch("span_totals").records(), "play_count"),
            *some(reporter.fetch("plays_by_day").records(), "local_date", "play_count"),
        )
        for day in (date(2022, 10, 29), date(2022, 10, 30))
        for reporter in reporter_of(record.warehouse, listener, since_date=day, until_date=day)
        if reporter.prepare() is None
    }
    assert found == {
        date(2022, 10, 29): ((1,), (date(2022, 10, 29), 1)),
        date(2022, 10, 30): ((3,), (date(2022, 10, 30), 3)),
    }
