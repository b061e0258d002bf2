"""Not recorded is never shown as nothing played: in views, in every report and format, in averages, streaks and discoveries."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import NOW, listener_known
from support.cases import Others, Record, Song, told
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.notices import why_lost
from etl.reports.formats.layout import recorded_sentences, sentences
from etl.reports.formats.output import in_form
from etl.reports.model import Report, ReportFilter
from etl.reports.narrative import nothing
from etl.reports.query import Reporter
from etl.reports.recorded_days import Recorded, hours_recorded, sentences_about

FORMATS = ("text", "markdown", "html", "json", "csv")
A_DAY = timedelta(days=1)
FIRST, LAST = date(2025, 1, 3), date(2025, 2, 20)  # of an old export
SILENT = date(2025, 1, 7)  # within it, without a play
LOST = date(2025, 1, 21)  # within it, with an open gap
UNRECORDED = date(2025, 6, 6)


def row(day: date, number: int = 0, hour: int = 12, **others: Any) -> dict[str, Any]:
    return {
        "ts": f"{datetime.combine(day, time(hour, number)):%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": 180_000,
        "spotify_track_uri": f"spotify:track:{number:022}",
        "master_metadata_track_name": f"Song {number}",
        "master_metadata_album_artist_name": f"Artist {number}",
        "master_metadata_album_album_name": "Album",
        "reason_end": "trackdone",
        "skipped": False,
        "incognito_mode": False,
        **others,
    }


def days_of(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@pytest.fixture
def bring(settings, warehouse, tmp_path: Path) -> Callable[..., None]:
    """Imports rows of an extended export."""

    def imported(*rows: dict[str, Any]) -> None:
        folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2025.json": list(rows)})
        import_exports(settings, warehouse, [folder], clock=lambda: NOW)

    return imported


@pytest.fixture
def cover(ask) -> Callable[..., None]:
    """Writes a span into the coverage ledger."""

    def covered(first: datetime, last: datetime, state: str = "covered") -> None:
        ask(
            "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at, reason)"
            " select max(listener_key), 'recently_played', %s, %s, %s, %s, %s from listening.dim_listener",
            *(state, first, last, NOW, "run_missing" if state == "gap" else None),
        )

    return covered


@pytest.fixture
def old_export(bring, cover) -> None:
    """Two plays a day (four on Fridays) from 3 January to 20 February 2025, but for a silent day and one that was lost."""
    rows = [
        row(day, number)
        for day in days_of(FIRST, LAST)
        if day not in (SILENT, LOST)
        for number in range(4 if day.isoweekday() == 5 else 2)
    ]
    bring(*rows)
    cover(at(LOST, 3), at(LOST, 20), "gap")


def at(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=UTC)


@pytest.fixture
def report(warehouse) -> Callable[..., Report]:
    def made(name: str, *about: Any, now: datetime = NOW, **asking: Any) -> Report:
        def work(connection: Any) -> Report:
            found: Report = getattr(
                Reporter(connection, ReportFilter(listener_known(connection, None), **asking), now), name
            )(*about)
            return found

        return warehouse.transaction(work)

    return made


@pytest.fixture
def daily(report) -> Callable[..., Report]:
    return lambda day, **asking: report("daily", day, since_date=day, until_date=day, **asking)


@pytest.fixture
def wrapped(report) -> Callable[..., Report]:
    return lambda year, **asking: report(
        "wrapped", year, since_date=date(year, 1, 1), until_date=date(year, 12, 31), **asking
    )


def rows_of(report: Report, section: str) -> list[dict[str, Any]]:
    return report.section(section).records()


# The views.


def test_every_day_from_the_first_recorded_one_to_today_is_covered_a_gap_or_not_recorded(old_export, bring, ask):
    found = dict(ask("select local_date, coverage from listening.coverage_day"))
    today = ask("select (now() at time zone 'UTC')::date")[0][0]
    assert list(found) == days_of(FIRST, max(today, LAST))
    assert {day: kind for day, kind in found.items() if day <= LAST} == {
        day: "gap" if day == LOST else "covered" for day in days_of(FIRST, LAST)
    }
    assert {kind for day, kind in found.items() if day > LAST} == {"not recorded"}
    assert ask("select local_date from listening.coverage_day where has_gap") == [(LOST,)]


def test_a_day_that_only_a_podcast_tells_of_is_recorded_and_those_around_it_are_not(bring, ask):
    episode: dict[str, Any] = {
        "spotify_track_uri": None,
        "master_metadata_track_name": None,
        "master_metadata_album_artist_name": None,
    }
    episode |= {"spotify_episode_uri": f"spotify:episode:{1:022}", "episode_name": "Talk", "episode_show_name": "Show"}
    bring(row(UNRECORDED, **episode), row(UNRECORDED + 5 * A_DAY, **episode))
    found = ask("select local_date from listening.coverage_day where coverage = 'covered'")
    assert found == [(UNRECORDED,), (UNRECORDED + 5 * A_DAY,)]


def test_an_import_that_closes_a_gap_makes_its_days_covered(old_export, ask):
    ask("update ops.coverage set closed_at = %s where state = 'gap'", NOW)
    assert ask("select coverage, has_gap from listening.coverage_day where local_date = %s", LOST) == [
        ("covered", False)
    ]


def test_totals_are_zero_for_a_silent_day_and_null_for_one_that_nobody_recorded(old_export, ask):
    columns = "play_count, listened_ms, track_count, listen_count, podcast_play_count, coverage"
    totals = {
        day: ask(f"select {columns} from listening.day_total where period_start = %s", day)[0]
        for day in (FIRST, SILENT, LOST, UNRECORDED)
    }
    assert totals == {
        FIRST: (4, 720_000, 4, 4, 0, "covered"),
        SILENT: (0, 0, 0, 0, 0, "covered"),
        LOST: (None, None, None, None, None, "gap"),
        UNRECORDED: (None, None, None, None, None, "not recorded"),
    }
    recorded = [day for day in days_of(FIRST, LAST) if day != LOST]
    plays = sum(0 if day == SILENT else 4 if day.isoweekday() == 5 else 2 for day in recorded)
    [(average,)] = ask("select avg(play_count) from listening.day_total")
    assert float(average) == pytest.approx(plays / len(recorded))


def test_longer_periods_say_how_much_of_them_is_covered(old_export, ask):
    columns = "period_start, coverage, day_count, covered_day_count"
    assert ask(f"select {columns} from listening.month_total where period_start <= '2025-03-01'") == [
        (date(2025, 1, 1), "partly recorded", 31, 28),
        (date(2025, 2, 1), "partly recorded", 28, 20),
        (date(2025, 3, 1), "not recorded", 31, 0),
    ]
    assert ask(f"select {columns}, play_count from listening.week_total where period_start = '2025-01-20'") == [
        (date(2025, 1, 20), "gap", 7, 6, 14)
    ]
    assert ask(f"select {columns} from listening.year_total where period_start = '2025-01-01'") == [
        (date(2025, 1, 1), "partly recorded", 365, 48)
    ]


def test_an_average_weekday_is_taken_of_the_weekdays_that_are_covered(old_export, ask):
    [(plays, fridays)] = ask(
        "select sum(play_count), max(covered_day_count) from listening.hour_by_weekday where day_of_week = 5"
    )
    assert (plays, fridays) == (4 * 7, 7)
    assert ask("select distinct covered_day_count from listening.hour_by_weekday where day_of_week = 2") == [(6,)]


def test_a_streak_beside_days_that_are_not_recorded_is_open_ended(old_export, ask):
    assert ask("select first_date, last_date, is_open_ended from listening.streak order by first_date") == [
        (FIRST, SILENT - A_DAY, True),
        (SILENT + A_DAY, LOST - A_DAY, True),
        (LOST + A_DAY, LAST, True),
    ]
    ask("update ops.coverage set closed_at = %s where state = 'gap'", NOW)
    found = ask("select first_date, is_open_ended from listening.streak order by first_date")
    assert found[1] == (SILENT + A_DAY, False)


def test_what_no_source_says_of_skips_is_not_no_skip(old_export, warehouse, database, tmp_path, ask):
    """Spotify's list tells neither skips nor private sessions."""
    assert ask("select skip_count from listening.year_total where period_start = '2025-01-01'") == [(0,)]
    record = Record(warehouse, database, tmp_path / "list")
    record.load(Others([told(-1000, Song("A", "Song")), told(0, Song("B", "Tune"))]))
    found = ask(
        "select listen_count, skip_count from listening.day_total where listener_key = %s and play_count > 0",
        record.listener_keys["other"],
    )
    assert found == [(2, None)]


def test_what_is_first_played_while_the_record_is_young_is_not_new(bring, ask):
    """The ninety-first day can tell, the ninetieth can't."""
    first = date(2025, 3, 1)
    bring(*(row(first + timedelta(days=number), number % 60, hour=12 + number // 60) for number in range(120)))
    new_since = first + timedelta(days=90)
    assert ask("select first_date, new_since from listening.recorded_days(1)") == [(first, new_since)]
    found = dict(ask("select period_start, new_track_count from listening.day_total where play_count > 0"))
    assert {day: count for day, count in found.items() if day < new_since} == dict.fromkeys(
        days_of(first, new_since - A_DAY)
    )
    assert {count for day, count in found.items() if day >= new_since} == {0}


# A day.


@pytest.mark.parametrize("form", FORMATS)
def test_the_report_of_a_day_that_nobody_recorded_says_so_and_counts_nothing(old_export, daily, form):
    said = in_form(daily(UNRECORDED), form)
    if form == "json":
        told = json.loads(said)
        assert told["recorded"] == [{"first_date": "2025-06-06", "last_date": "2025-06-06", "coverage": "not recorded"}]
        rows = {part["name"]: part["rows"] for part in told["sections"]}
        assert zeros_in(rows, but={"gap_count"}) == []
        assert [one["coverage"] for one in rows["daily_totals"]] == ["not recorded", "not recorded"]
    elif form == "csv":
        lines = list(csv.DictReader(io.StringIO(said)))
        assert [one["play_count"] for one in lines if one["section"] in ("daily_totals", "plays_by_hour")] == [""] * 26
        assert lines[-1]["section"] == "recorded" and lines[-1]["coverage"] == "not recorded"
    else:
        assert "Not recorded: the record ends on 20 February 2025." in said
        assert "Everything: this day is not recorded." in said
        assert "Nothing" not in said and not re.search(r"(?<![\d:.])0 (plays|min|s)\b", said)


def zeros_in(rows: dict[str, list[dict[str, Any]]], but: set[str]) -> list[tuple[str, str]]:
    """Counts and times that are 0."""
    return [
        (part, column)
        for part, of_part in rows.items()
        for one in of_part
        for column, value in one.items()
        if column.endswith(("_count", "_ms")) and value == 0 and column not in but
    ]


def test_a_silent_day_within_the_record_is_nothing_played(old_export, daily):
    made = daily(SILENT)
    today, before = rows_of(made, "daily_totals")
    assert (today["play_count"], today["coverage"], before["play_count"]) == (0, "covered", 2)
    assert recorded_sentences(made) == []
    assert re.search(r"this day +0 +0 s +0$", in_form(made, "text"), re.MULTILINE)


def test_a_day_of_which_plays_were_lost_is_no_silent_day_either(old_export, daily):
    made = daily(LOST)
    assert [rows_of(made, "daily_totals")[0][column] for column in ("play_count", "coverage")] == [None, "gap"]
    assert re.search(r"this day +— +— +— +plays were lost", in_form(made, "text"))


def test_the_day_before_that_was_not_recorded_is_not_compared_with(old_export, daily):
    today, before, *usual = rows_of(daily(FIRST), "daily_totals")
    assert (today["play_count"], before["play_count"], before["coverage"], usual) == (4, None, "not recorded", [])
    assert "No usual Friday yet" in in_form(daily(FIRST), "text")


def test_a_usual_weekday_is_one_of_those_that_are_covered(old_export, cover, daily):
    """Of the eight Fridays before 14 March 2025 five are recorded, of which none was silent."""
    friday = date(2025, 3, 14)
    cover(at(friday), at(friday, 23))
    today, before, usual = rows_of(daily(friday), "daily_totals")
    assert (usual["day_label"], usual["play_count"], usual["listened_ms"]) == ("usual Friday", 4, 720_000)
    assert (today["play_count"], before["play_count"]) == (0, None)


def test_the_hours_before_the_record_begins_are_not_silent_ones(old_export, daily):
    made = daily(FIRST)  # whose first play ended at noon
    assert [one["play_count"] for one in rows_of(made, "plays_by_hour")] == [None] * 12 + [4] + [0] * 11
    assert "Not recorded: 0 to 12." in in_form(made, "text")


def test_on_this_day_lists_years_that_were_silent_or_not_recorded(old_export, daily, cover):
    day = date(2026, 6, 6)
    cover(at(day), at(day, 23))
    assert [(one["local_date"], one["play_count"], one["coverage"]) for one in rows_of(daily(day), "on_this_day")] == [
        (UNRECORDED, None, "not recorded")
    ]
    day = date(2026, 1, 7)
    assert [(one["local_date"], one["play_count"], one["coverage"]) for one in rows_of(daily(day), "on_this_day")] == [
        (SILENT, 0, "covered")
    ]


def test_days_in_a_row_that_begin_with_the_record_may_be_more(old_export, daily):
    [streak] = rows_of(daily(FIRST + 2 * A_DAY), "streak_of_day")
    assert streak == {"day_count": 3, "first_date": FIRST, "is_open_ended": True}
    [streak] = rows_of(daily(SILENT + A_DAY), "streak_of_day")
    assert streak == {"day_count": 1, "first_date": SILENT + A_DAY, "is_open_ended": False}
    assert rows_of(daily(UNRECORDED), "streak_of_day") == []


def test_what_is_heard_while_the_record_is_young_is_not_heard_for_the_first_time(old_export, daily):
    made = daily(FIRST)
    assert {one["is_discovery"] for one in rows_of(made, "first_listens")} == {False}
    for form in ("text", "markdown", "html"):
        said = in_form(made, form)
        part = said[said.index("Heard for the first time") :]
        assert "Not known: the record is too young" in part[:400]


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_day_of_which_some_hours_are_recorded_says_so_on_top(old_export, daily, form):
    for day, said in ((FIRST, "Recorded from 12:00"), (LAST, "Recorded until 12:01")):
        written = re.sub(r"\s+", " ", in_form(daily(day), form))
        assert f"{said}; the rest of the day is not recorded." in written
        assert written.index(said) < written.index("In numbers")
    assert "the rest of the day" not in in_form(daily(FIRST + A_DAY), form)


def test_the_day_before_of_which_some_hours_are_recorded_is_marked(old_export, cover, daily):
    cover(at(LAST + A_DAY), at(LAST + 2 * A_DAY))
    made = daily(LAST + A_DAY)
    today, before, _ = rows_of(made, "daily_totals")
    assert (today["coverage"], before["coverage"], before["play_count"]) == ("covered", "partly recorded", 2)
    assert re.search(r"the day before +2 .*partly recorded", in_form(made, "text"))
    assert "partly recorded" in in_form(made, "markdown") and "partly recorded" in in_form(made, "html")
    assert rows_of(daily(FIRST + 2 * A_DAY), "daily_totals")[1]["coverage"] == "covered"


def test_today_is_not_called_partly_recorded_because_it_is_not_over(bring, cover, daily):
    bring(row(NOW.date() - A_DAY))
    cover(at(NOW.date() - A_DAY), NOW)
    made = daily(NOW.date())
    assert [one["coverage"] for one in rows_of(made, "daily_totals")][:2] == ["covered", "covered"]
    assert recorded_sentences(made) == []


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([], ""),
        ([("00:00", "24:00")], ""),
        ([("00:00", "13:00"), ("13:00", "24:00")], ""),
        ([("00:00", "00:57")], "Recorded until 00:57; the rest of the day is not recorded."),
        ([("21:30", "24:00")], "Recorded from 21:30; the rest of the day is not recorded."),
        (
            [("00:00", "01:00"), ("08:00", "09:00"), ("08:30", "10:00"), ("23:00", "24:00")],
            "Recorded until 01:00, from 08:00 to 10:00 and from 23:00; the rest of the day is not recorded.",
        ),
        (
            [(f"{hour:02}:00", f"{hour:02}:30") for hour in range(0, 24, 6)],
            "Recorded: 4 parts of the day; the rest of it is not recorded.",
        ),
    ],
)
def test_the_hours_of_a_day_that_are_recorded_in_a_sentence(spans, said):
    zone = ZoneInfo("Europe/Berlin")

    def moment(clock: str) -> datetime:
        hour, minute = map(int, clock.split(":"))
        return datetime(2025, 6, 6, tzinfo=zone) + timedelta(hours=hour, minutes=minute)

    assert hours_recorded([(moment(begin), moment(end)) for begin, end in spans], UNRECORDED, zone) == said


def test_days_in_a_row_that_ended_the_day_before_say_so(old_export, cover, daily):
    ended = "4 days in a row, since 3 Jan 2025; it may be longer, because the day before is not recorded or has a gap;"
    assert " ".join(sentences(daily(SILENT).section("streak_of_day"), daily(SILENT))) == (
        f"{ended} it ended on 6 Jan 2025, the day before."
    )
    for day in (SILENT - A_DAY, SILENT + A_DAY):
        assert "ended" not in " ".join(sentences(daily(day).section("streak_of_day"), daily(day)))
    today = LAST + A_DAY
    cover(at(today), at(today, 9))
    made = daily(today, now=at(today, 9))
    [said] = sentences(made.section("streak_of_day"), made)
    assert said.startswith("30 days in a row, since 22 Jan 2025")
    assert said.endswith(", up to the day before; nothing on this day yet.")


# A year.


def test_a_share_of_a_year_that_is_recorded_in_part_is_one_of_what_is_recorded(bring, cover, wrapped):
    bring(*(row(date(2025, month, 1)) for month in (10, 12)))
    assert "50% of what is recorded." in in_form(wrapped(2025), "text")
    cover(at(date(2025, 1, 1)), at(date(2026, 1, 1)))
    for form in ("text", "markdown", "html"):
        assert "50% of the year." in in_form(wrapped(2025), form)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_year_that_is_recorded_in_part_says_so_on_top(old_export, wrapped, form):
    said = in_form(wrapped(2025), form)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>|[*\\]", "", said))
    sentence = "Recorded: 3 January to 20 February 2025; the rest of 2025 is not recorded."
    assert sentence in words
    assert words.index(sentence) < words.index("324 minutes" if form == "html" else "108 plays")


def test_a_lost_play_within_a_streak_makes_it_no_longer(bring, cover, wrapped):
    bring(*(row(day) for day in days_of(FIRST, SILENT) if day != SILENT), row(SILENT + A_DAY))
    inside = FIRST + A_DAY
    cover(at(inside, 3), at(inside, 20), "gap")
    [streak] = rows_of(wrapped(2025), "longest_streak")
    assert (streak["day_count"], streak["is_open_ended"]) == (4, True)  # the second of January is not recorded
    cover(at(date(2024, 12, 1)), at(FIRST))
    [streak] = rows_of(wrapped(2025), "longest_streak")
    assert (streak["day_count"], streak["is_open_ended"]) == (4, False)


def test_a_year_that_is_recorded_in_part_shows_no_zero_for_what_is_not(old_export, wrapped):
    made = wrapped(2025)
    assert [
        (one["month_date"].month, one["play_count"], one["coverage"]) for one in rows_of(made, "plays_by_month")
    ] == [
        (1, 64, "partly recorded"),
        (2, 44, "partly recorded"),
        *((month, None, "not recorded") for month in range(3, 13)),
    ]
    days = {one["local_date"]: (one["play_count"], one["coverage"]) for one in rows_of(made, "plays_by_day")}
    assert list(days) == days_of(date(2025, 1, 1), date(2025, 12, 31))
    assert [days[day] for day in (FIRST, SILENT, LOST, UNRECORDED)] == [
        (4, "covered"),
        (0, "covered"),
        (None, "gap"),
        (None, "not recorded"),
    ]
    [streak] = rows_of(made, "longest_streak")
    assert (streak["first_date"], streak["last_date"], streak["is_open_ended"]) == (LOST + A_DAY, LAST, True)
    told = made.section("beyond_wrapped").first
    assert (told["late_count"], told["late_ms"], told["private_count"]) == (None, None, 0)


@pytest.mark.parametrize("reason", [None, "run_missing", "outage", "full_window"])
def test_a_year_and_a_day_give_the_reason_of_a_gap_that_the_ledger_gives(old_export, wrapped, daily, ask, reason):
    ask("update ops.coverage set reason = %s where state = 'gap'", reason)
    sentence = f"Plays between 21 Jan 2025 03:00 and 21 Jan 2025 20:00 were probably lost: {why_lost(reason)}."
    for made, section in ((wrapped(2025), "gaps"), (daily(LOST), "coverage")):
        assert sentence in sentences(made.section(section), made)


@pytest.mark.parametrize("form", FORMATS)
def test_a_year_that_nobody_recorded_is_no_year_of_silence(old_export, wrapped, form):
    made = wrapped(2024)
    said = in_form(made, form)
    if form == "json":
        assert zeros_in({part["name"]: part["rows"] for part in json.loads(said)["sections"]}, but=set()) == []
    elif form == "csv":
        assert ",0," not in said and "not recorded" in said
    else:
        assert "Not recorded: the record begins on 3 January 2025." in said
        assert "What was played is not known." in said and "Nothing was played" not in said


def test_a_silent_year_within_the_record_is_nothing_played(old_export, cover, wrapped):
    cover(at(date(2023, 12, 1)), at(date(2025, 1, 3)))
    made = wrapped(2024)
    assert rows_of(made, "span_totals")[0]["play_count"] == 0
    assert "Nothing was played." in in_form(made, "text")


def test_the_running_year_is_recorded_up_to_today(bring, cover, wrapped):
    bring(row(date(2026, 1, 1)), row(date(2026, 1, 2)))
    cover(at(date(2026, 1, 1)), NOW)
    made = wrapped(2026)
    assert recorded_sentences(made) == []
    assert rows_of(made, "plays_by_day")[-1] == {
        "local_date": NOW.date(), "play_count": 0, "listened_ms": 0, "coverage": "covered",
    }  # fmt: skip
    assert [one["month_date"].month for one in rows_of(made, "plays_by_month")] == list(range(1, 12))


def test_a_first_year_does_not_call_everything_discovered(bring, wrapped):
    """Ninety days in, what is heard for the first time is; what was heard before is not."""
    first = date(2025, 1, 1)
    bring(*(row(first + timedelta(days=number), number // 4) for number in range(200)))
    made = wrapped(2025)
    discovered = rows_of(made, "discovered")
    later = [number for number in range(50) if number * 4 >= 90]
    assert {one["new_artist_count"] for one in discovered} == {len(later)} == {discovered[0]["new_track_count"]}
    assert f"{len(later)} artists and {len(later)} tracks heard for the first time since 1 Apr 2025; before" in re.sub(
        r"\s+", " ", in_form(made, "text")
    )


def test_a_year_in_which_the_record_is_young_has_no_discoveries_but_says_why(old_export, wrapped):
    made = wrapped(2025)
    assert rows_of(made, "discovered") == []
    for form in ("text", "markdown", "html"):
        assert "Not known: the record is too young to know what is new" in re.sub(r"\s+", " ", in_form(made, form))


def test_the_calendar_tells_silent_days_from_those_that_are_not_recorded(old_export, wrapped):
    page = in_form(wrapped(2025), "html")
    marks = {day: look for look, day in re.findall(r"<rect ([^>]*)><title>\w+, (\d+ \w+ 2025): [^<]*</title>", page)}
    silent, lost, unrecorded = (marks[f"{day.day} {day:%b} 2025"] for day in (SILENT, LOST, UNRECORDED))
    assert "var(--cell)" in silent and "var(--ink)" in lost and "var(--hollow)" in unrecorded
    legend = re.search(r'card plays_by_day.*?<ul class="legend">(.*?)</ul>', page, re.DOTALL)
    assert legend
    assert re.findall(r"</svg>([^<]+)", legend[1]) == [
        "few plays", "many", "nothing played", "plays were probably lost", "not recorded",
    ]  # fmt: skip


def test_month_by_month_shows_whose_number_is_whose(old_export, wrapped):
    made = wrapped(2025)
    assert re.search(r"Jan 2025 +64 +3 h 12 min +Artist 0 +27 +partly recorded", in_form(made, "text"))
    page = in_form(made, "html")
    part = page[page.index("card plays_by_month") :]
    assert (
        ">Artist 0, 27 times</text>" in part and ">64 plays, in part</text>" in part and ">not recorded</text>" in part
    )
    legend = re.search(r'<ul class="legend">(.*?)</ul>', part, re.DOTALL)
    assert legend and re.findall(r"</svg>([^<]+)", legend[1]) == ["a month", "the most", "not recorded"]


# Spans, artists, tracks.


def test_the_top_of_a_span_says_which_of_it_is_recorded(old_export, report):
    asking = {"since_date": date(2025, 2, 1), "until_date": date(2025, 2, 28)}
    assert recorded_sentences(report("top", "tracks", **asking)) == [
        "Recorded: 1 to 20 February 2025; the rest of February 2025 is not recorded."
    ]
    empty = report("top", "tracks", since_date=UNRECORDED, until_date=UNRECORDED)
    assert nothing(empty) == "What was played is not known."
    assert "Nothing was played" not in in_form(empty, "text")
    lost = report("top", "tracks", since_date=date(2025, 1, 20), until_date=date(2025, 1, 22))
    assert recorded_sentences(lost) == ["On 21 January 2025 plays were probably lost."]


def test_months_of_an_artist_that_are_not_recorded_are_no_silent_months(old_export, bring, report):
    bring(row(date(2025, 5, 1)), row(date(2025, 5, 2)))
    made = report("artist", "Artist 0")
    assert [(one["month_date"].month, one["play_count"]) for one in rows_of(made, "artist_by_month")] == [
        (1, 47 - 20),
        (2, 20),
        (3, None),
        (4, None),
        (5, 2),
    ]
    text = in_form(made, "text")
    assert re.search(r"^2025  . . ░ ░ .", text, re.MULTILINE) and "░ not recorded" in text
    assert "not recorded" in in_form(made, "html")


# In words.


def known(covered: str, lost: str = "{}", today: date = date(2026, 11, 20)) -> Recorded:
    first = re.search(r"[\d-]{10}", covered)
    return Recorded(covered, lost, date.fromisoformat(first[0]) if first else None, None, today)


Y24 = date(2024, 1, 1), date(2024, 12, 31)


@pytest.mark.parametrize(
    ("recorded", "span", "said"),
    [
        (known("{[2023-01-01,2025-01-01)}"), Y24, []),
        (known("{[2024-01-01,2024-02-09)}"), Y24, ["Recorded: 1 January to 8 February 2024; the rest of 2024 is not recorded."]),
        (known("{[2024-02-08,2024-02-09)}"), Y24, ["Recorded: 8 February 2024; the rest of 2024 is not recorded."]),
        (known("{[2023-12-30,2024-01-03),[2024-12-30,2025-02-01)}"), (date(2023, 12, 1), date(2025, 1, 31)),
         ["Recorded: 30 December 2023 to 2 January 2024 and 30 December 2024 to 31 January 2025; the rest is not recorded."]),
        (known("{[2024-01-01,2024-01-02),[2024-01-03,2024-01-04),[2024-01-05,2024-01-06),[2024-01-07,2024-01-08)}"), Y24,
         ["Recorded: 4 of 366 days; the rest of 2024 is not recorded."]),
        (known("{[2025-05-05,2025-06-01)}"), Y24, ["Not recorded: the record begins on 5 May 2025."]),
        (known("{[2020-05-05,2020-06-01)}"), Y24, ["Not recorded: the record ends on 31 May 2020."]),
        (known("{[2020-05-05,2020-06-01),[2025-05-05,2025-06-01)}"), Y24, ["Not recorded."]),
        (known("{[2020-05-05,2026-11-21)}"), (date(2027, 1, 1), date(2027, 12, 31)), ["Not recorded yet."]),
        (known("{[2026-01-01,2026-11-21)}"), (date(2026, 1, 1), date(2026, 12, 31)), []),
        (known("{[2026-01-01,2026-11-21)}"), (None, None), []),
        (known("{[2024-01-01,2024-02-09)}"), (None, None), ["Not recorded since 9 February 2024."]),
        (known("{[2024-01-01,2024-02-09),[2024-03-01,2024-03-02)}"), (None, None),
         ["Not recorded: 9 to 29 February 2024 and since 2 March 2024."]),
        (known("{[2024-01-01,2024-02-09),[2024-03-01,2026-11-21)}"), (None, None), ["Not recorded: 9 to 29 February 2024."]),
        (known("{[2024-01-01,2024-02-09),[2024-02-10,2025-01-01)}", "{[2024-02-09,2024-02-10)}"), Y24,
         ["On 9 February 2024 plays were probably lost."]),
        (known("{}"), Y24, ["Not recorded."]),
    ],
)  # fmt: skip
def test_what_of_a_span_is_not_recorded_is_said_in_a_sentence(recorded, span, said):
    assert list(sentences_about(recorded, *span, with_gaps=True)) == said


def test_runs_of_days_are_whole_and_in_order():
    recorded = known("{[2024-01-03,2024-01-05),[2024-01-07,2024-01-09)}", "{[2024-01-05,2024-01-06)}")
    runs = recorded.of(date(2024, 1, 1), date(2024, 1, 10))
    assert [(run.first_date.day, run.last_date.day, run.coverage, len(run)) for run in runs] == [
        (1, 2, "not recorded", 2),
        (3, 4, "covered", 2),
        (5, 5, "gap", 1),
        (6, 6, "not recorded", 1),
        (7, 8, "covered", 2),
        (9, 10, "not recorded", 2),
    ]
