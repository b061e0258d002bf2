"""The full history: paged for people, whole for programs, and in Spotify's own layout, which import takes back."""

import csv
import io
import json
from datetime import date, timedelta

import pytest
from support import NOW, listener_known, settings_of, whole_facts
from support.cases import NOTHING, Song, exported, minuted, told
from support.history_files import taken_back, written

from etl.jobs.imports import import_exports
from etl.reports import history
from etl.reports.formats import history as formats
from etl.reports.request import ReportContext
from etl.warehouse.connection import Warehouse

A = Song("A", "Song", isrc="QZ0000000001")
B = Song("B", "Tune", ("Bob",), 180_000, "QZ0000000002")
EPISODE = Song("H", "Talk", ("Show",), 3_600_000, kind="episode")


def asked_for(warehouse, answer):
    """The report that a command would show."""
    return warehouse.transaction(
        lambda connection: answer(ReportContext(connection, listener_known(connection, None), NOW))
    )


def test_plays_of_every_source_written_and_imported_are_the_same_plays(
    record, settings, warehouse, ask, other_database, spotify, tmp_path
):
    """And true exports that come later find them as they would have found the first ones. Contexts are not in the layout."""
    exports = (
        [exported(-400, B, 170_000, start=-575.5), exported(-2000, EPISODE, 1_000, incognito_mode=True)],
        [minuted(-60, A, 150_000), minuted(-50, NOTHING, 1_234), minuted(-7, B, 170_000), minuted(-1, A, 200_000)],
    )
    record.load([told(0.25, A), told(-400, B), told(-900.5, A), told(-59.2, A)], *exports)
    facts = whole_facts(ask)
    assert len(facts) == 7
    path = written(warehouse, settings, tmp_path, "extended", with_sources=True).rename(tmp_path / "back.json")
    back = taken_back(path, other_database, spotify, time_zone="Europe/Berlin")
    assert [row[1:] for row in back] == [row[1:] for row in facts]

    receipts = [import_exports(settings, warehouse, [path], again=True, clock=lambda: NOW).total for _ in range(2)]
    assert [one.new_count for one in receipts] == [0, 0] and receipts[0].known_count == receipts[0].row_count == 10
    assert whole_facts(ask) == facts

    [later] = [row for row in facts if row[1] == NOW - timedelta(minutes=60)]
    record.load([exported(-3577, A, 150_000)])  # the true export of what only the account told, in its minute
    assert len(whole_facts(ask)) == 7 and later not in whole_facts(ask)


def test_the_receipt_of_a_file_of_ones_own_counts_what_was_new(
    record, settings, warehouse, other_database, spotify, tmp_path
):
    record.load([told(0.25, A), told(-400, B), told(-900.5, A)], [exported(-400, B, 170_000)])
    path = written(warehouse, settings, tmp_path, "extended", with_sources=True).rename(tmp_path / "back.json")
    other = Warehouse(other_database)
    counts = [
        (one.row_count, one.new_count, one.known_count, one.merged_count, one.duplicate_count)
        for one in (
            import_exports(settings_of(other_database, spotify), other, [path], clock=lambda: NOW).total
            for _ in range(2)
        )
    ]
    other.close()
    assert counts == [(4, 3, 0, 1, 0), (4, 0, 4, 0, 0)]


def test_pages_follow_each_other_without_a_gap_or_an_overlap(record, warehouse, settings):
    record.load([exported(-100 * number, A, 1_000 + number) for number in range(23)])
    seen = []
    for number in (1, 2, 3):
        report = asked_for(warehouse, lambda ask, number=number: history.page(
            ask.reporter(counts_as="all", row_limit=10), number, {"artist_key": None, "recording_key": None}, ""
        ))  # fmt: skip
        seen += [row["listened_ms"] for row in report.section("history").records()]
        assert report.note == (f"Older plays: page {number + 1} (--page {number + 1})." if number < 3 else "")
    assert seen == [1_000 + number for number in range(23)]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"artist": "bob"}, ["Tune"]),
        ({"track": "sogn"}, ["Song", "Song"]),
        ({"since_date": date(2026, 11, 20)}, ["Song"]),
        ({"until_date": date(2026, 11, 19)}, ["Tune", "Song"]),
        ({"counts_as": "30s"}, ["Song", "Song"]),
    ],
)
def test_a_history_can_be_narrowed_down(record, warehouse, chosen, expected):
    day = 24 * 60 * 60
    record.load([exported(0, A), exported(-day, B, 1_000), exported(-2 * day, A)])
    names = {key: chosen.pop(key, None) for key in ("artist", "track")}

    def answer(ask):
        reporter = ask.reporter(**{"counts_as": "all", **chosen})
        filters, about = reporter.history_filters(names["artist"], names["track"])
        return history.page(reporter, 1, filters, about)

    report = asked_for(warehouse, answer)
    assert [row["track_name"] for row in report.section("history").records()] == expected


def test_csv_and_json_hold_the_same_from_end_to_end(record, warehouse, settings, tmp_path):
    record.load([told(0.25, A, "spotify:album:" + "q" * 22)], [exported(-900, B, 5_000, skipped=True)])
    rows = list(csv.DictReader(io.StringIO(written(warehouse, settings, tmp_path, "csv").read_text())))
    whole = json.loads(written(warehouse, settings, tmp_path, "json").read_text())
    [section] = whole["sections"]
    assert (whole["report"], whole["time_zone"], section["name"]) == ("history", "Europe/Berlin", "history")
    assert section["rows"] == [
        {
            "played_at": f"{NOW + timedelta(seconds=0.25):%Y-%m-%dT%H:%M:%S}.250Z", "track_name": "Song", "artist_names": "Ann",
            "album_name": None, "content_type": "track", "listened_ms": 200_000, "ms_basis": "estimated", "is_skipped": None,
            "is_private": None, "context_uri": "spotify:album:" + "q" * 22, "platform": None, "sources": "recently_played",
            "track_uri": A.uri, "track_url": f"https://open.spotify.com/track/{A.id}", "is_excluded": False,
        },
        {
            "played_at": f"{NOW - timedelta(seconds=900):%Y-%m-%dT%H:%M:%SZ}", "track_name": "Tune", "artist_names": "Bob",
            "album_name": "Album", "content_type": "track", "listened_ms": 5_000, "ms_basis": "reported", "is_skipped": True,
            "is_private": False, "context_uri": None, "platform": "ios", "sources": "extended_export",
            "track_uri": B.uri, "track_url": f"https://open.spotify.com/track/{B.id}", "is_excluded": False,
        },
    ]  # fmt: skip
    as_texts = [
        {
            key: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            for key, value in row.items()
        }
        for row in section["rows"]
    ]
    assert rows == as_texts


@pytest.mark.parametrize("form", ["csv", "json", "extended"])
def test_a_history_of_nothing_is_an_empty_file_of_its_kind(form, warehouse, settings, record, tmp_path):
    text = written(warehouse, settings, tmp_path, form).read_text()
    if form == "csv":
        assert text.splitlines() == [",".join(formats.COLUMNS)]
    else:
        parsed = json.loads(text)
        assert parsed == [] if form == "extended" else parsed["sections"][0]["rows"] == []


def test_real_exports_written_anew_and_imported_give_the_same_rows(
    real_exports, settings, other_database, spotify, tmp_path
):
    warehouse, ask = real_exports
    path = written(warehouse, settings, tmp_path, "extended", with_sources=True)
    facts = whole_facts(ask)
    assert len(facts) == 68_474
    path = path.rename(tmp_path / "any name.json")
    assert taken_back(path, other_database, spotify, time_zone="Europe/Berlin") == facts
