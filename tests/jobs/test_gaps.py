"""Gaps of the list: which full pages have lost plays and which have not, and from when to when, in every order."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from support import ago, real_data
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault

SONG_S = 200
START = ago(3 * 24 * 60)
GAPS = "select starts_at, ends_at, closed_by from ops.coverage where state = 'gap' order by starts_at"


def end_of(number: float) -> datetime:
    """When the song of this number ended: one follows the other."""
    return START + timedelta(seconds=SONG_S * number)


def item(number: int, at: datetime | None = None) -> dict:
    """An item of the list: a song of 200 s."""
    artist = {"id": f"{number:018}aaaa", "name": f"Band {number}", "type": "artist"}
    return {
        "played_at": f"{at or end_of(number):%Y-%m-%dT%H:%M:%S.%fZ}",
        "context": None,
        "track": {
            "type": "track",
            "id": f"{number:022}",
            "uri": f"spotify:track:{number:022}",
            "name": f"Song {number}",
            "duration_ms": SONG_S * 1000,
            "artists": [artist],
            "album": {"id": f"{number:018}bbbb", "name": "Album", "artists": [artist]},
            "external_ids": {"isrc": f"XX000{number:07}"},
        },
    }


@pytest.fixture
def record(settings, warehouse, spotify) -> Callable[..., None]:
    """Runs `plays` at a moment that gets this page."""

    def run(at: datetime, items: list[dict]) -> None:
        newest_first = sorted(items, key=lambda one: one["played_at"], reverse=True)
        body = json.dumps({"items": newest_first, "next": None, "cursors": None, "limit": 50}).encode()
        headers = {"Content-Type": "application/json"}
        page = Fault("/v1/me/player/recently-played", status=200, headers=headers, body=body)
        spotify.change(lambda world: replace(world, faults=(page,)))
        record_plays(settings, warehouse, lambda: at)

    return run


@pytest.fixture
def bring(settings, warehouse, tmp_path) -> Callable[[str, list[datetime]], None]:
    """Imports an extended export with plays of other songs at these moments."""

    def imported(name: str, moments: list[datetime]) -> None:
        rows = [
            {
                "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "ms_played": 60_000,
                "spotify_track_uri": f"spotify:track:{900 + number:022}",
                "master_metadata_track_name": f"Other {number}",
                "master_metadata_album_artist_name": "She",
            }
            for number, at in enumerate(moments)
        ]
        import_exports(
            settings, warehouse, [write_folder(tmp_path / name, {"endsong_0.json": rows})], clock=lambda: ago(0)
        )

    return imported


def items(first: int, last: int) -> list[dict]:
    return [item(number) for number in range(first, last + 1)]


BEFORE = items(0, 49)
NIGHT = timedelta(hours=9)
# What the list holds at the first look and at the next, and the gap: from when to when.
LOOKS = {
    "fifty new ones, each right after the one before": (BEFORE, items(50, 99), None),
    "one more than fifty": (BEFORE, items(51, 100), (end_of(49), end_of(51))),
    "fifty new ones; the first was skipped, or another one before it": (
        BEFORE,
        [item(50, end_of(49.5)), *items(51, 99)],
        (end_of(49), end_of(49.5)),
    ),
    "the oldest was not listed before; it fills the time since the play before": (
        [*items(0, 29), *items(31, 49)],
        items(30, 79),
        None,
    ),
    "the oldest was not listed before; there was time for another one": (
        BEFORE,
        [item(200, end_of(29.6)), *items(30, 78)],
        (end_of(29), end_of(29.6)),
    ),
    "the oldest is a known one that Spotify moved by more than is matched": (
        BEFORE,
        [item(30, end_of(29.5)), *items(31, 79)],
        None,
    ),
    "the oldest is another play of a song that the page holds, too": (
        BEFORE,
        [item(30, end_of(29.5)), *items(30, 78)],
        (end_of(29), end_of(29.5)),
    ),
    "an upload of sixty plays at once, right after a known one": (
        BEFORE,
        [item(number, end_of(50) + timedelta(milliseconds=number)) for number in range(60, 110)],
        (end_of(49), end_of(50) + timedelta(milliseconds=60)),
    ),
    "late plays of another device, which played at the same time": (
        BEFORE,
        [
            *(item(number, end_of(30) + timedelta(seconds=25 * (number - 200))) for number in range(201, 231)),
            *items(35, 54),
        ],
        (end_of(0), end_of(30) + timedelta(seconds=25)),
    ),
    "a phone was away for days, and its plays reach the end of the page": (
        [*items(-20, 0), *(item(number, end_of(number) + 2 * NIGHT) for number in range(20, 49))],
        [
            *(item(number, end_of(number - 200) + NIGHT) for number in range(201, 222)),
            *(item(number, end_of(number) + 2 * NIGHT) for number in range(20, 49)),
        ],
        (end_of(0), end_of(1) + NIGHT),
    ),
    "the list was empty": ([], items(0, 49), (ago(4 * 24 * 60), end_of(0))),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_gap_is_where_a_full_page_shows_that_something_can_have_been_lost(name, record, ask):
    before, later, gap = LOOKS[name]
    assert len(later) == 50
    record(max([datetime.fromisoformat(one["played_at"]) for one in before] or [ago(4 * 24 * 60)]), before)
    record(ago(0), later)
    assert ask(GAPS) == ([] if gap is None else [(*gap, None)])


# Orders of arrival.


@pytest.mark.parametrize("first", [20, 35, 49])
def test_a_page_that_a_later_one_has_overtaken_fills_the_gap_that_this_one_left(first, record, ask):
    """In order, none of the three pages leaves a gap, as each holds a play of the one before or begins right after it."""
    record(end_of(49), BEFORE)
    record(end_of(110), items(first + 46, first + 95))
    assert [row[:2] for row in ask(GAPS)] == [(end_of(49), end_of(first + 46))]
    record(end_of(first + 49), items(first, first + 49))
    assert ask(GAPS) == [(end_of(49), end_of(first + 46), "recently_played")]


def test_a_page_that_was_overtaken_and_holds_only_some_of_the_gap_leaves_the_rest(record, ask):
    record(end_of(49), BEFORE)
    record(end_of(200), items(140, 189))
    record(end_of(79), items(30, 79))
    assert ask(GAPS) == [(end_of(79), end_of(140), None)]


def test_a_page_that_was_overtaken_and_reaches_neither_end_leaves_the_gap(record, ask):
    record(end_of(49), BEFORE)
    record(end_of(200), items(140, 189))
    record(end_of(129), items(80, 129))
    assert ask(GAPS) == [(end_of(49), end_of(140), None)]
    spans = ask("select starts_at, ends_at from ops.coverage where state = 'covered' order by starts_at")
    assert spans == [(end_of(0), end_of(49)), (end_of(140), end_of(200))]


def test_a_page_that_reaches_back_further_than_the_one_before_shortens_the_gap(record, ask):
    record(end_of(49), BEFORE)
    record(end_of(200), items(140, 189))
    record(end_of(201), items(130, 179))
    assert ask(GAPS) == [(end_of(49), end_of(130), None)]


DAY = timedelta(days=1)
EXPORTS = {
    "ends within it": ([end_of(0) - DAY, end_of(80)], (end_of(80), end_of(140))),
    "begins within it": ([end_of(80), end_of(140) + DAY], (end_of(49), end_of(80))),
    "lies within it": ([end_of(80), end_of(90)], (end_of(49), end_of(140))),
    "holds it": ([end_of(0) - DAY, end_of(80), end_of(140) + DAY], None),
}


@pytest.mark.parametrize("is_export_first", [False, True])
@pytest.mark.parametrize("name", EXPORTS)
def test_what_an_export_covers_is_no_gap_whatever_came_first(name, is_export_first, record, bring, ask):
    moments, gap = EXPORTS[name]
    record(end_of(49), BEFORE)
    steps = [lambda: record(end_of(200), items(140, 189)), lambda: bring("one", moments)]
    for step in reversed(steps) if is_export_first else steps:
        step()
    bring("again", moments)
    still_open = [row[:2] for row in ask(GAPS) if row[2] is None]
    assert still_open == ([] if gap is None else [gap])


def test_a_gap_that_two_exports_share_is_closed(record, settings, warehouse, bring, ask, tmp_path):
    record(end_of(49), BEFORE)
    record(end_of(200), items(140, 189))
    bring("one", [end_of(0) - DAY, end_of(80)])
    rows = [
        {"endTime": f"{at:%Y-%m-%d %H:%M}", "artistName": "She", "trackName": "It", "msPlayed": 60_000}
        for at in (end_of(70), end_of(140) + DAY)
    ]
    folder = write_folder(tmp_path / "account", {"StreamingHistory_music_0.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: ago(0))
    assert [row[2] for row in ask(GAPS)] == ["account_export"]


# Real pages.


def real_items(name: str) -> list[dict]:
    [path] = real_data("api/redated").glob(f"{name}*.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    found = body if isinstance(body, list) else body["items"]
    return sorted(found, key=lambda one: datetime.fromisoformat(one["played_at"]))


def test_real_pages_two_days_apart_that_share_all_but_the_late_plays_leave_no_gap(record, ask):
    for day in ("2023-10-17T19", "2023-10-19T15"):
        record(datetime.fromisoformat(f"{day}:00Z"), real_items(day))
    assert ask(GAPS) == []


def test_a_gap_of_real_pages_begins_at_the_last_play_that_is_recorded_before_it(record, ask):
    """The later page was short. With ten plays more it is full; its oldest plays are two that were not listed before."""
    record(datetime.fromisoformat("2026-05-26T05:37:21Z"), real_items("2026-05-26T05"))
    later = real_items("2026-05-26T13")
    newest = datetime.fromisoformat(later[-1]["played_at"])
    full = [*later, *(item(number, newest + timedelta(hours=number)) for number in range(1, 11))]
    record(datetime.fromisoformat("2026-05-26T13:20:15Z"), full)
    [(begin, end, _)] = ask(GAPS)
    assert begin == datetime.fromisoformat("2026-05-19T03:53:34.767Z")
    assert end == datetime.fromisoformat("2026-05-19T14:45:13.232Z")
