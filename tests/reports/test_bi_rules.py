"""What docs/bi.md says of rules: which views leave plays out by themselves, and how play_detail agrees with reports."""

import json
import re

import pytest
from support import NOW, ROOT
from support.cases import Song, exported

from etl.jobs.exclusions import Conditions, add

ANN, BOB = Song("A", "Song"), Song("B", "Tune", ("Bob",))
COUNTS = {  # plays of at least thirty seconds
    "day_total": "select sum(play_count) from listening.day_total",
    "week_total": "select sum(play_count) from listening.week_total",
    "month_total": "select sum(play_count) from listening.month_total",
    "year_total": "select sum(play_count) from listening.year_total",
    "artist_total": "select sum(play_count) from listening.artist_total",
    "hour_by_weekday": "select sum(play_count) from listening.hour_by_weekday",
    "counted_plays": "select count(*) from listening.counted_plays('30s', '-infinity', 'infinity')",
}
ALL = {"play_detail": "select count(*) from listening.play_detail where is_30s",
       "play_time": "select count(*) from listening.play_time",
       "fact_play": "select count(*) from listening.fact_play"}  # fmt: skip


@pytest.fixture
def ruled(record, ask):
    """Five plays of Ann and three of Bob, whom a rule leaves out."""
    record.load([exported(-600 * n - 300, ANN) for n in range(5)] + [exported(-600 * n - 9000, BOB) for n in range(3)])
    add(record.settings, record.warehouse, Conditions({"artist": "Bob"}), clock=lambda: NOW)
    return record


def test_what_stands_without_the_plays_that_are_left_out(ruled, ask):
    assert {name: int(ask(query)[0][0]) for name, query in COUNTS.items()} == dict.fromkeys(COUNTS, 5)
    assert {name: ask(query)[0][0] for name, query in ALL.items()} == dict.fromkeys(ALL, 8)
    assert ask("select count(*) from listening.listening_history") == [(5,)]
    assert ask("select sum(listen_count) from listening.session") == [(5,)]
    assert ask("select sum(play_count) from listening.streak") == [(5,)]


def test_the_query_of_the_page_is_the_number_of_a_report(ruled, ask, brapped):
    page = (ROOT / "docs" / "bi.md").read_text("utf-8")
    [query] = re.findall(r"`(select count\(\*\) from listening\.play_detail [^`]*)`", page)
    made = json.loads(brapped("report", "top", "tracks", "--format", "json").stdout)
    [rows] = [part["rows"] for part in made["sections"] if part["name"] == "top_tracks"]
    assert ask(query) == [(sum(row["play_count"] for row in rows),)] == [(5,)]
    joined = (
        "select count(*) from listening.fact_play join listening.play_detail using (listener_key, play_key)"
        " where not is_excluded"
    )
    assert ask(joined) == [(5,)]
