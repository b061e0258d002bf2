"""The page of one's data, and the export: their numbers against those of the ledger and of the commands."""

import csv
import io
import json
import re
from datetime import date, timedelta

import pytest
from support.two_listeners import ADA, HEBREW, MARKUP, House, brought_in, exported

from etl.reports.formats import coverage_calendar
from etl.reports.recorded_days import COVERED, GAP, NOT_RECORDED, Days

DAY_MINUTES = 24 * 60


@pytest.fixture(scope="module")
def filled(house: House) -> House:
    """Ada with an export of two years ago, Spotify's list of now, and a gap of three days within what is covered."""
    house.brapped("plays")
    rows = [exported(number, DAY_MINUTES * (400 - number)) for number in range(100)]
    rows += [exported(200, 700 * DAY_MINUTES, MARKUP, HEBREW)]
    brought_in(house.ada, *rows)
    house.ask(
        "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, reason, found_at) values (%s,"
        " 'recently_played', 'gap', '2026-11-21 03:00Z', '2026-11-23 10:00Z', 'outage', now())",
        house.key(ADA),
    )
    return house


def test_each_day_is_counted_as_the_view_has_it(filled: House) -> None:
    page = filled.ada.get("/data").text
    counted = {"covered": 0, "in which plays were probably lost": 0, "not recorded": 0}
    for number, words in re.findall(
        r"([\d,]+) days? (covered|in which plays were probably lost|not recorded)[,.]", page
    ):
        counted[words] += int(number.replace(",", ""))
    by_view = dict(
        filled.ask(
            "select coverage, count(*) from listening.coverage_day where listener_key = %s group by 1", filled.key(ADA)
        )
    )
    # each half year says it once in the name of its picture, and its year once below
    assert {words: count / 2 for words, count in counted.items()} == {
        "covered": by_view["covered"],
        "in which plays were probably lost": by_view["gap"],
        "not recorded": by_view["not recorded"],
    }
    assert by_view["gap"] == 3 and by_view["not recorded"] > 300


def test_the_gap_and_its_reason_are_listed_and_sources_are_counted(filled: House) -> None:
    page = filled.ada.get("/data").text
    assert "the runs before had failed" in page and "still lost" in page and "21 Nov 2026 03:00" in page
    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="number" data-label="Plays">([\d,]+)</td>', page)
    by_hand = filled.ask(
        "select source, count(*) from listening.play_source where listener_key = %s group by 1", filled.key(ADA)
    )
    named = {"recently_played": "Spotify&#39;s list", "extended_export": "Extended export"}
    assert {name: int(count) for name, count in rows} == {named[source]: count for source, count in by_hand}


def test_who_has_played_nothing_reads_that_no_source_has_a_play(filled: House) -> None:
    page = filled.ben.get("/data").text  # whose list the hourly run has looked at, too
    assert "No source has reported a play" in page and "There is none: no plays were lost" in page


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("history.csv", ("--format", "csv")),
        ("extended-history.json", ("--format", "extended", "--with-sources")),
    ],
)
def test_an_export_is_what_the_command_writes(filled: House, name: str, arguments: tuple[str, ...]) -> None:
    answer = filled.ada.get(f"/data/export/{name}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.content.decode() == filled.brapped("report", "history", *arguments, "--listener", ADA)


def test_the_json_has_every_play_and_ben_gets_none_of_them(filled: House) -> None:
    [(count,)] = filled.ask("select count(*) from listening.fact_play where listener_key = %s", filled.key(ADA))
    whole = json.loads(filled.ada.get("/data/export/history.json").content)
    assert len(whole["sections"][0]["rows"]) == count > 130
    assert len(list(csv.reader(io.StringIO(filled.ben.get("/data/export/history.csv").text)))) == 1
    assert filled.ada.get("/data/export/everything.sql").status_code == 404


def test_a_day_is_one_square_of_its_kind() -> None:
    """Counted in the paths, which are drawn by week and weekday."""
    first, kinds = date(2023, 11, 5), (COVERED, GAP, COVERED, NOT_RECORDED, GAP)
    runs, begin = [], first
    for number, kind in enumerate(kinds):
        end = begin + timedelta(days=17 * number + 3)
        runs.append(Days(begin, end - timedelta(days=1), kind))
        begin = end
    years = coverage_calendar.years(runs)
    assert [one.year for one in years] == [2024, 2023]
    drawn = "".join(picture.svg for one in years for picture in one.pictures)
    crossed = drawn.count("l10 10m-10 0l10 -10")
    hollow = drawn.count("h6v6h-6z")
    assert crossed == sum(len(run) for run in runs if run.coverage == GAP)
    assert hollow == sum(len(run) for run in runs if run.coverage == NOT_RECORDED)
    assert drawn.count("h10v10h-10z") - crossed == sum(len(run) for run in runs if run.coverage == COVERED)
    counts: dict[str, int] = {}
    for one in years:
        for kind, count in one.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    assert sum(counts.values()) == sum(map(len, runs))


def test_a_day_lies_in_the_column_of_its_week_and_the_row_of_its_weekday() -> None:
    """By the calendar of ISO: 2024 began on a Monday, and its second half too."""
    [year] = coverage_calendar.years([Days(date(2024, 1, 1), date(2024, 12, 31), COVERED)])
    for picture, first, days, week in zip(
        year.pictures, (date(2024, 1, 1), date(2024, 7, 1)), (182, 184), (1, 27), strict=True
    ):
        places = [(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h10", picture.svg)]
        calendar = [(first + timedelta(days=number)).isocalendar() for number in range(days)]
        weeks = [53 if one.year == 2025 else one.week for one in calendar]
        assert places == [
            (30 + 12 * (number - week), 20 + 12 * (one.weekday - 1))
            for number, one in zip(weeks, calendar, strict=True)
        ]
