"""Gaps of the list: which full pages have lost plays and which have not, and from when to when, in every order."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from support import ago, real_data
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault
from etl.warehouse.statements import run

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
    "lies within it": ([end_of(80), end_of(90)], (end_of(49), end_of(80)), (end_of(90), end_of(140))),
    "holds it": ([end_of(0) - DAY, end_of(80), end_of(140) + DAY], None),
}


@pytest.mark.parametrize("is_export_first", [False, True])
@pytest.mark.parametrize("name", EXPORTS)
def test_what_an_export_covers_is_no_gap_whatever_came_first(name, is_export_first, record, bring, ask):
    moments, *gaps = EXPORTS[name]
    record(end_of(49), BEFORE)
    steps = [lambda: record(end_of(200), items(140, 189)), lambda: bring("one", moments)]
    for step in reversed(steps) if is_export_first else steps:
        step()
    bring("again", moments)
    still_open = [row[:2] for row in ask(GAPS) if row[2] is None]
    assert still_open == [gap for gap in gaps if gap is not None]


@pytest.fixture
def bring_account(settings, warehouse, tmp_path) -> Callable[[list[datetime]], None]:
    """Imports an account export with plays in the minutes of these moments."""

    def imported(moments: list[datetime]) -> None:
        folder = write_folder(tmp_path / "account", {"StreamingHistory_music_0.json": account_rows(moments)})
        import_exports(settings, warehouse, [folder], clock=lambda: ago(0))

    return imported


def account_rows(moments: list[datetime]) -> list[dict]:
    return [
        {"endTime": f"{at:%Y-%m-%d %H:%M}", "artistName": "She", "trackName": "It", "msPlayed": 60_000}
        for at in moments
    ]


def cut(begin: float, end: float, spans: list[tuple[float, float, str]]) -> list[tuple[float, float, str | None]]:
    """The parts of a gap by hand, second by second of its borders: from, to, and the source that reaches furthest."""
    spans = [(max(begin, at), min(end, to), source) for at, to, source in spans if at < end and to > begin]
    borders = sorted({begin, end, *(at for at, _, _ in spans), *(to for _, to, _ in spans)})
    pieces: list[list] = []
    for at, to in itertools.pairwise(borders):
        is_covered = any(one <= at and to <= other for one, other, _ in spans)
        if pieces and pieces[-1][2] == is_covered:
            pieces[-1][1] = to
        else:
            pieces.append([at, to, is_covered])
    parts: list[list] = []
    for at, to, is_covered in pieces:
        is_closed = is_covered or (to - at <= 60 and len(pieces) > 1)
        if parts and parts[-1][2] and is_closed:
            parts[-1][1] = to
        else:
            parts.append([at, to, is_closed])
    told = []
    for at, to, is_closed in parts:
        reaching = [(-min(other, to), source) for one, other, source in spans if one < to and other > at]
        told.append((at, to, min(reaching)[1] if is_closed else None))
    return told


BOTH = {  # numbers of songs: what the exports cover of the gap from 49 to 140
    "one inside, one over the begin": ((-100, 90), (70, 110)),
    "one over each end": ((-100, 90), (70, 300)),
    "they only meet": ((-100, 69), (69, 111)),
    "both inside, apart": ((60, 72), (90, 111)),
}
ORDERS = [
    *itertools.permutations(["list", "extended", "account"]),
    ("list", "account", "extended", "account"),
    ("extended", "list", "account", "extended"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("name", BOTH)
def test_parts_of_a_gap_are_closed_by_the_same_exports_in_every_order(name, order, record, bring, bring_account, ask):
    extended, account = ([end_of(number) for number in numbers] for numbers in BOTH[name])
    steps = {
        "list": lambda: record(end_of(200), items(140, 189)),
        "extended": lambda: bring("extended", extended),
        "account": lambda: bring_account(account),
    }
    record(end_of(49), BEFORE)
    for number, step in enumerate(order):
        if step == "extended" and step in order[:number]:
            bring("again", extended)
        else:
            steps[step]()
    spans = [
        (extended[0].timestamp(), extended[1].timestamp(), "extended_export"),
        *((account[0].timestamp() // 60 * 60, account[1].timestamp() // 60 * 60, "account_export"),),
    ]
    by_hand = cut(end_of(49).timestamp(), end_of(140).timestamp(), spans)
    assert [(at.timestamp(), to.timestamp(), source) for at, to, source in ask(GAPS)] == by_hand


SPAN = st.tuples(st.integers(0, 40), st.integers(1, 12), st.sampled_from(["extended_export", "account_export"]))


@settings_of_hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=st.lists(SPAN, max_size=6, unique_by=lambda one: (one[0], one[2])), at=st.integers(0, 6))
def test_random_spans_cut_a_gap_as_they_do_by_hand(record, warehouse, ask, spans, at):
    """In half minutes, the gap from 10 to 40; it is found after `at` of the spans."""
    spans = [(begin * 30.0, (begin + length) * 30.0, source) for begin, length, source in spans]
    ask("delete from ops.coverage")
    steps = [("covered", *span) for span in spans]
    steps.insert(min(at, len(steps)), ("gap", 300.0, 1200.0, "recently_played"))
    for state, begin, end, source in steps:
        ask(
            "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at)"
            " values (7, %s, %s, to_timestamp(%s), to_timestamp(%s), now())",
            source, state, begin, end,
        )  # fmt: skip
        warehouse.transaction(lambda there: run(there, "coverage/gap_parts", listener_key=7, found_at=ago(0)))
    found = [(one.timestamp(), other.timestamp(), source) for one, other, source in ask(GAPS)]
    assert found == cut(300.0, 1200.0, spans)


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
