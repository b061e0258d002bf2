"""Pure: Spotify's JSON to rows. Whole rows compared, also for the odd shapes that Spotify answers with."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import NOW

from etl.dimensions.transform import catalogue_tables, track_artists
from etl.sources.recently_played import read_page
from etl.staging import PLAY_COLUMNS
from etl.values import moment


def rows(table: Any) -> list[dict]:
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*table.values.values(), strict=True)]


def artist(name: str) -> dict:
    return {"id": name.lower() * 4, "name": name, "type": "artist"}


def track(name: str, *artists: str, album_artists: tuple[str, ...] = ("Ann",), **more: object) -> dict:
    return {
        "id": "t" * 22,
        "uri": "spotify:track:" + "t" * 22,
        "type": "track",
        "name": name,
        "duration_ms": 200000,
        "artists": [artist(one) for one in artists],
        "album": {"id": "a" * 22, "name": "Album", "artists": [artist(one) for one in album_artists]},
        **more,
    }


@pytest.mark.parametrize(
    ("told", "roles"),
    [
        (track("Song", "Ann"), {"Ann": "main"}),
        (track("Song", "Ann", "Ben"), {"Ann": "main", "Ben": "featured"}),
        (track("Song", "Ann", "Ben", album_artists=("Ann", "Ben")), {"Ann": "main", "Ben": "main"}),
        (track("Song (feat. Ben)", "Ann", "Ben", album_artists=("Ann", "Ben")), {"Ann": "main", "Ben": "featured"}),
        (track("Song [ft. ben & Cleo]", "Ann", "Ben", "Cleo", album_artists=("Ann", "Ben", "Cleo")), {"Ann": "main", "Ben": "featured", "Cleo": "featured"}),
        (track("Song - Featuring Ben", "Ann", "Ben", album_artists=("Ben",)), {"Ann": "main", "Ben": "featured"}),
        (track("Defeat. Ben", "Ann", "Ben", album_artists=("Ann", "Ben")), {"Ann": "main", "Ben": "main"}),
        (track("Song", "Ann", "Ben", album_artists=("Various Artists",)), {"Ann": "main", "Ben": "featured"}),
        (track("Song", "Ann", "Ann", "Ben"), {"Ann": "main", "Ben": "featured"}),
        (track("Song"), {}),
    ],
)  # fmt: skip
def test_who_is_main_and_who_featured(told, roles):
    by = list(track_artists(told))
    assert {one["artist_name"]: one["role"] for one in by} == roles
    assert [one["position"] for one in by] == list(range(1, len(by) + 1))
    assert sum(one["weight"] for one in by) == pytest.approx(1 if by else 0)


@pytest.mark.parametrize(
    ("told", "released", "precision"),
    [
        ("2020-03-27", date(2020, 3, 27), "day"),
        ("1999-11", date(1999, 11, 1), "month"),
        ("1967", date(1967, 1, 1), "year"),
        ("0000", None, None),
        ("", None, None),
        (None, None, None),
        ("soon", None, None),
        ("2020-02-31", None, None),
    ],
)
def test_a_release_date_keeps_its_precision(told, released, precision):
    album = {"id": "a", "name": "Album", "release_date": told, "images": [{"url": "https://i/1", "width": 64}]}
    [row] = rows(catalogue_tables(albums=[album], fetched_at=NOW)["staging_album"])
    assert (row["release_date"], row["release_date_precision"]) == (released, precision)


def test_an_album_within_a_track_is_fetched_once_it_tells_what_a_report_needs():
    bare = track("Song", "Ann")
    whole = track(
        "Song", "Ann", album={"id": "b", "name": "B", "release_date": "2001", "images": [{"url": "https://i/1"}]}
    )
    tables = catalogue_tables(tracks=[bare, {**whole, "uri": "spotify:track:other"}], fetched_at=NOW)
    assert {row["album_name"]: row["fetched_at"] for row in rows(tables["staging_album"])} == {"Album": None, "B": NOW}


def test_absent_is_not_empty():
    told: list[dict[str, Any]] = [
        {"id": "1", "name": "A"},
        {"id": "2", "name": "B", "genres": []},
        {"id": "3", "name": "C", "genres": ["skiffle"]},
    ]
    tables = catalogue_tables(artists=told, fetched_at=NOW)
    assert [row["genres"] for row in rows(tables["staging_artist"])] == [None, "[]", '["skiffle"]']


def test_odd_numbers_and_texts_become_what_they_mean():
    odd = track(
        "A\x00B",
        "Ann",
        duration_ms=248000.0,
        explicit="no",
        disc_number=0,
        track_number=None,
        popularity=True,
        external_ids={},
    )
    [row] = rows(catalogue_tables(tracks=[odd], fetched_at=NOW)["staging_track"])
    assert (row["track_name"], row["duration_ms"], row["is_explicit"]) == ("AB", 248000, None)
    assert (row["disc_number"], row["track_number"], row["popularity"], row["isrc"]) == (None, None, None, None)


def test_the_largest_picture_is_kept():
    images = [
        {"url": "https://i/64", "width": 64},
        {"url": "https://i/640", "width": 640},
        {"url": "https://i/x", "width": None},
    ]
    [row] = rows(
        catalogue_tables(artists=[{"id": "1", "name": "A", "images": images}], fetched_at=NOW)["staging_artist"]
    )
    assert row["image_url"] == "https://i/640"


def test_a_full_artist_stands_though_a_track_names_it_too():
    tables = catalogue_tables(
        tracks=[track("Song", "Ann")], artists=[{**artist("Ann"), "genres": ["skiffle"]}], fetched_at=NOW
    )
    [row] = rows(tables["staging_artist"])
    assert (row["genres"], row["fetched_at"]) == ('["skiffle"]', NOW)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2024-08-29T14:48:46Z", datetime(2024, 8, 29, 14, 48, 46, tzinfo=UTC)),
        ("2024-08-29T14:25:25.772Z", datetime(2024, 8, 29, 14, 25, 25, 772000, tzinfo=UTC)),
        ("2024-08-29T16:25:25.772+02:00", datetime(2024, 8, 29, 14, 25, 25, 772000, tzinfo=UTC)),
        ("2024-08-29T14:48:46", None),
        ("yesterday", None),
        (None, None),
        (1700000000, None),
    ],
)
def test_moments_are_aware_and_utc_with_or_without_a_fraction(told, at):
    assert moment(told) == at


def test_a_page_becomes_plays_in_the_columns_of_the_staging_table():
    items = [
        {
            "track": track("Song", "Ann"),
            "played_at": "2026-11-20T09:00:00Z",
            "context": {"type": "playlist", "uri": "spotify:playlist:p"},
        },
        {"track": None, "played_at": "2026-11-20T08:00:00.5Z", "context": None},
        {"track": {}, "played_at": None},
        "nonsense",
    ]
    page = read_page({"items": items}, NOW)
    plays = page.tables["staging_play"]
    assert plays.columns == PLAY_COLUMNS
    assert (page.item_count, page.unreadable_count) == (4, 2)
    told = [
        {key: row[key] for key in ("item_number", "track_uri", "played_at", "context_uri", "context_type")}
        for row in rows(plays)
    ]
    assert told == [
        {
            "item_number": 0, "track_uri": "spotify:track:" + "t" * 22, "played_at": datetime(2026, 11, 20, 9, tzinfo=UTC),
            "context_uri": "spotify:playlist:p", "context_type": "playlist",
        },
        {
            "item_number": 1, "track_uri": None, "played_at": datetime(2026, 11, 20, 8, 0, 0, 500000, tzinfo=UTC),
            "context_uri": None, "context_type": None,
        },
    ]  # fmt: skip


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "id",
    "uri",
    "name",
    "type",
    "duration_ms",
    "artists",
    "album",
    "show",
    "external_ids",
    "popularity",
    "explicit",
    "images",
    "release_date",
    "is_local",
)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8), max_size=3))
@example(
    [
        {
            "disc_number": 70000,
            "duration_ms": 1e30,
            "popularity": float("nan"),
            "name": "x \ud83d",
            "track_number": 10**30,
        }
    ]
)
def test_no_shape_of_a_track_breaks_the_page(tracks):
    named = [{**one, "uri": f"spotify:track:{number}"} for number, one in enumerate(tracks)]
    items = [{"track": one, "played_at": "2026-11-20T09:00:00Z", "context": None} for one in [*named, *tracks]]
    page = read_page({"items": items}, NOW)
    assert len(page.tables["staging_play"]) == 2 * len(tracks)
    assert len(page.tables["staging_track"]) >= len(named)
