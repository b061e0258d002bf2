"""The rule for "the same listen", as a table of cases: pages told one after another, and the plays that remain."""

from datetime import timedelta

import pytest
from support import NOW

from etl import __version__
from etl.sources.recently_played import read_page
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays
from etl.warehouse.statements import run

A, B = "A" * 22, "B" * 22
PLAYLIST = "spotify:playlist:" + "p" * 22
ALBUM = "spotify:album:" + "a" * 22


def told(seconds: float, track_id: str | None = A, context: str | None = None) -> dict:
    """An item of a page: the end of a play, in seconds from some moment."""
    at = NOW + timedelta(seconds=seconds)
    return {
        "played_at": at.isoformat().replace("+00:00", "Z"),
        "track": {"id": track_id, "type": "track", "name": "Song", "duration_ms": 1000} if track_id else None,
        "context": {"type": context.split(":")[1], "uri": context} if context else None,
    }


@pytest.fixture
def remaining(warehouse):
    """Merges pages in turn; the plays as (seconds, track, context) in order."""

    def merged(*pages: list[dict]) -> list[tuple]:
        with warehouse.engine.begin() as connection:
            [row] = run(
                connection,
                "dimensions/listener",
                listener_id="x",
                stand_ins=[],
                listener_name=None,
                time_zone="UTC",
                created_at=NOW,
            )
        for page in pages:
            with warehouse.engine.begin() as connection:
                stage(connection, read_page({"items": page}, NOW).tables)
                merge_catalogue(connection)
                merge_plays(
                    connection,
                    listener_key=row.listener_key,
                    now=NOW,
                )
        with warehouse.engine.begin() as connection:
            rows = connection.exec_driver_sql(
                "select played_at, track_id, context_uri from listening.fact_play"
                " join listening.dim_track using (track_key) join listening.dim_context using (context_key)"
                " order by played_at, track_id"
            )
            return [((row[0] - NOW).total_seconds(), row[1], row[2]) for row in rows]

    return merged


CASES = {
    "one page again": (
        [[told(0), told(200, B)], [told(0), told(200, B)]],
        [(0, A, None), (200, B, None)],
    ),
    "one item twice in a page": (
        [[told(0), told(0)]],
        [(0, A, None)],
    ),
    "two tracks at one instant": (
        [[told(0, A), told(0, B)]],
        [(0, A, None), (0, B, None)],
    ),
    "told twice 42 ms apart, once without its context": (
        [[told(0.042, A, PLAYLIST), told(0)]],
        [(0, A, PLAYLIST)],
    ),
    "the same, and then again": (
        [[told(0.042, A, PLAYLIST), told(0)], [told(0), told(0.042, A, PLAYLIST)]],
        [(0, A, PLAYLIST)],
    ),
    "told twice, and a later page tells it once": (
        [[told(0.042), told(0)], [told(0.042)]],
        [(0, A, None)],
    ),
    "one track 2.7 s apart in one page is two plays": (
        [[told(0), told(2.7), told(5.4)]],
        [(0, A, None), (2.7, A, None), (5.4, A, None)],
    ),
    "two plays seconds apart stay two when told again": (
        [[told(0), told(2.7)], [told(0), told(2.7)]],
        [(0, A, None), (2.7, A, None)],
    ),
    "both moved back by more than they are apart": (
        [[told(0), told(2.7)], [told(-4), told(-1.3)]],
        [(-4, A, None), (-1.3, A, None)],
    ),
    "moved back by 20 ms": (
        [[told(0)], [told(-0.02)]],
        [(-0.02, A, None)],
    ),
    "moved back by 31 s, as far as was ever seen": (
        [[told(0), told(300, B)], [told(-31), told(300, B)]],
        [(-31, A, None), (300, B, None)],
    ),
    "moved back, and the old page comes again": (
        [[told(0)], [told(-31)], [told(0)], [told(-31)]],
        [(-31, A, None)],
    ),
    "moved back twice": (
        [[told(0)], [told(-30)], [told(-60)]],
        [(-60, A, None)],
    ),
    "another track within the tolerance is another play": (
        [[told(0, A)], [told(-1, B), told(0, A)]],
        [(-1, B, None), (0, A, None)],
    ),
    "a repeat 40 s later is a play of its own while the first is still told": (
        [[told(0)], [told(0), told(40)]],
        [(0, A, None), (40, A, None)],
    ),
    "a repeat 40 s later is a play of its own also when the first was moved": (
        [[told(0)], [told(-3), told(37)]],
        [(-3, A, None), (37, A, None)],
    ),
    "a date soon after a play that has left the window is that play, as in the other order": (
        [[told(0)], [told(40), told(300, B)]],
        [(0, A, None), (300, B, None)],
    ),
    "a play on repeat, moved as a whole, with one more": (
        [[told(0), told(40), told(80)], [told(-2), told(38), told(78), told(118)]],
        [(-2, A, None), (38, A, None), (78, A, None), (118, A, None)],
    ),
    "more than 45 s apart are two plays": (
        [[told(0)], [told(-46)]],
        [(-46, A, None), (0, A, None)],
    ),
    "a late play between known ones": (
        [[told(0), told(600, B)], [told(0), told(300, B), told(600, B)]],
        [(0, A, None), (300, B, None), (600, B, None)],
    ),
    "no context, then one": (
        [[told(0)], [told(0, A, PLAYLIST)]],
        [(0, A, PLAYLIST)],
    ),
    "a context, then none": (
        [[told(0, A, PLAYLIST)], [told(0)]],
        [(0, A, PLAYLIST)],
    ),
    "a context, then another": (
        [[told(0, A, PLAYLIST)], [told(0, A, ALBUM)]],
        [(0, A, ALBUM)],
    ),
    "plays of nothing known": (
        [[told(0, None), told(200, None)], [told(0, None), told(200, None)]],
        [(0, None, None), (200, None, None)],
    ),
    "a pair moved back by nearly as much as it is apart": (
        [[told(0), told(40)], [told(-31), told(9)]],
        [(-31, A, None), (9, A, None)],
    ),
    "three on repeat moved back by half as much as they are apart": (
        [[told(0), told(60), told(120)], [told(-31), told(29), told(89)]],
        [(-31, A, None), (29, A, None), (89, A, None)],
    ),
    "moved back, and a late play between the old date and a new one": (
        [[told(0)], [told(-31), told(20)]],
        [(-31, A, None), (20, A, None)],
    ),
    "a date at the edge of the window after a play that was moved back and has left": (
        [[told(0)], [told(-31)], [told(-10, B), told(20), told(300, B)]],
        [(-31, A, None), (-10, B, None), (300, B, None)],
    ),
    "less than a second forward is no other play": (
        [[told(0)], [told(0.9)]],
        [(0, A, None)],
    ),
    "one track 1.5 s apart in one page is two plays": (
        [[told(0), told(1.5)]],
        [(0, A, None), (1.5, A, None)],
    ),
    "of two contexts the one of the earlier date stands, which Spotify gave last": (
        [[told(0, A, ALBUM), told(0.5, A, PLAYLIST)]],
        [(0, A, ALBUM)],
    ),
    "of two contexts of one date the first by name stands, whichever came first": (
        [[told(0, A, PLAYLIST)], [told(0, A, ALBUM)]],
        [(0, A, ALBUM)],
    ),
    "a repeat that is listed twice": (
        [[told(0), told(42.3), told(42.35)], [told(0), told(42.3)]],
        [(0, A, None), (42.3, A, None)],
    ),
    "a play that is listed twice, and its repeat": (
        [[told(-0.03), told(0), told(42.3)], [told(0), told(42.3)]],
        [(-0.03, A, None), (42.3, A, None)],
    ),
    "the pair whose partner Spotify dropped": (
        [[told(0), told(87)], [told(56)]],
        [(0, A, None), (56, A, None)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_listen(case, remaining):
    pages, expected = CASES[case]
    assert remaining(*pages) == expected


@pytest.mark.quick
def test_the_provenance_tells_every_date_that_spotify_gave(remaining, ask):
    remaining([told(0)], [told(-31)], [told(-10)])
    assert ask("select source, first_reported_at, last_reported_at from listening.play_source") == [
        ("recently_played", NOW - timedelta(seconds=31), NOW)
    ]


def test_the_schema_says_which_version_made_it(warehouse, ask):
    assert ask("select distinct program_version from ops.schema_change") == [(__version__,)]
