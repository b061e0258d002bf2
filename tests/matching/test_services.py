"""What other services say of a play that Spotify reports, too: what must be one play, and what must stay two.

Each case in both directions: first what Spotify says and then what the service says, and the other way round.
"""

from collections.abc import Callable, Iterator
from itertools import permutations
from random import Random
from typing import Any

import pytest
from support import NOW, asked, fresh_database, whole_facts
from support.cases import Described, Record, Song, described, exported, minuted, scrobbled, told, watched

from etl.warehouse.connection import Warehouse

A = Song("A", "One", ("Ann",), 200_000)
B = Song("B", "Two", ("Bob",), 300_000)
LONG = Song("L", "Mix", ("Lia",), 3_000_000)
GUESTS = Song("G", "Café (feat. Zoë)", ("Ann", "Zoë"), 200_000)
KINDS = ("lastfm", "listenbrainz", "maloja", "koito")


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def record(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    warehouse = Warehouse(database)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


@pytest.fixture
def plays(database: str) -> Callable[..., list[tuple]]:
    """The plays: when each ended, in seconds from NOW, how long, and who reported it."""

    def found() -> list[tuple]:
        rows = asked(
            database,
            "select played_at, ms_played, sources from listening.fact_play"
            " join listening.dim_play_profile using (play_profile_key) order by played_at, sources",
        )
        return [((at - NOW).total_seconds(), ms, tuple(sources)) for at, ms, sources in rows]

    return found


def in_every_order(record: Record, *batches: list[dict[str, Any]]) -> Iterator[None]:
    """Loads the batches in every order, and once more with a rebuild after each."""
    for order in permutations(batches):
        record.forget()
        record.load(*order)
        yield
        record.rebuild()
        yield


def by(song: Song, **others: Any) -> Song:
    """The song as a service writes it: names only."""
    return Song(None, others.get("name", song.name), others.get("by", song.by), song.duration_ms)


ONE = [
    ("the second", exported(-100, A), scrobbled("lastfm", -300, by(A))),
    ("a clock a minute off", exported(-100, A), scrobbled("lastfm", -359, by(A))),
    ("a pause, of which the export knows the start", exported(-100, A, start=-2000), scrobbled("lastfm", -2000, by(A))),
    ("a pause, and milliseconds", exported(-100, A, start=-2000), scrobbled("maloja", -2000, by(A), 150_000)),
    ("the minute", exported(-100, A), scrobbled("lastfm_minutes", -300, by(A))),
    ("case and accents", exported(-100, GUESTS), scrobbled("lastfm", -300, by(GUESTS, name="cafe (FEAT. ZOE)"))),
    ("no guest in the title", exported(-100, GUESTS), scrobbled("lastfm", -300, by(GUESTS, name="Café"))),
    ("all artists in one name", exported(-100, A), scrobbled("lastfm", -300, by(A, by=("Ann & Zoë",)))),
    ("a remark in the title", exported(-100, A), scrobbled("lastfm", -300, by(A, name="One - Remastered"))),
    ("an id", exported(-100, A), scrobbled("listenbrainz", -300, A)),
    ("an id, dated to the end", exported(-100, A), scrobbled("listenbrainz_spotify", -100, A, 200_000)),
    ("an hour long", exported(-100, LONG), scrobbled("maloja", -3100, by(LONG))),
    ("half of it", exported(-100, A, 100_000), scrobbled("koito", -200, by(A))),
    ("the list, whole", told(-100, A), scrobbled("lastfm", -300, by(A))),
    ("the list, skipped after half of it", told(-100, A), scrobbled("lastfm", -205, by(A))),
    ("the list, paused for two minutes", told(-100, A), scrobbled("lastfm", -420, by(A))),
    ("the player", watched(-100, A, 150_000), scrobbled("lastfm", -250, by(A))),
    ("the account data", minuted(-2, A), scrobbled("lastfm", -290, by(A))),
    ("the account data, a pause", minuted(-2, A), scrobbled("lastfm", -500, by(A))),
]  # fmt: skip
TWO = [
    ("over five minutes apart", exported(-100, A), scrobbled("lastfm", -601, by(A))),
    ("another song at that second", exported(-100, A), scrobbled("lastfm", -300, by(B))),
    ("another artist", exported(-100, A), scrobbled("lastfm", -300, by(A, by=("Bob",)))),
    ("too short to be scrobbled", exported(-285, A, 14_000), scrobbled("lastfm", -300, by(A))),
    ("the list, of the day before", told(-86_500, A), scrobbled("lastfm", -300, by(A))),
    ("the end where a start is due", exported(-100, LONG), scrobbled("lastfm", -100, by(LONG))),
    ("over two hours", exported(-100, A, 20_000, start=-7800), scrobbled("lastfm", -3000, by(A))),
]  # fmt: skip


@pytest.mark.parametrize(("why", "spotify", "service"), ONE, ids=[case[0] for case in ONE])
def test_is_one_play(why, spotify, service, record, plays):
    for _ in in_every_order(record, [spotify], [service]):
        [(at, _, sources)] = plays()
        assert (at, len(sources)) == (-120 if "account_export" in sources else -100, 2)  # Spotify's date stands


@pytest.mark.parametrize(("why", "spotify", "service"), TWO, ids=[case[0] for case in TWO])
def test_stays_two_plays(why, spotify, service, record, plays):
    for _ in in_every_order(record, [spotify], [service]):
        assert [len(sources) for _, _, sources in plays()] == [1, 1]


def test_a_song_on_repeat_is_matched_play_by_play(record, plays, ask):
    ends = [-1000 + 200 * n for n in range(4)]
    listed = [told(end, A) for end in ends]
    heard = [scrobbled("lastfm", end - 200 + 3, by(A)) for end in ends]
    for _ in in_every_order(record, listed, heard):
        assert plays() == [(end, None, ("lastfm", "recently_played")) for end in ends]
        assert ask(
            "select count(*) from listening.observation as one join listening.observation as other using (play_key)"
            " where one.source_key = 2 and other.source_key = 5"
            " and one.observed_at - other.observed_at <> interval '197 seconds'"
        ) == [(0,)]


def test_a_play_of_another_player_stays_one_of_its_own_between_spotifys(record, plays):
    """The same song on Spotify right before and after it, both of which are scrobbled, too."""
    spotify = [exported(-1000, A), exported(-400, A)]
    heard = [scrobbled("lastfm", at, by(A)) for at in (-1200, -850, -600)]
    for _ in in_every_order(record, spotify, heard):
        assert [sources for _, _, sources in plays()] == [
            ("extended_export", "lastfm"),
            ("lastfm",),
            ("extended_export", "lastfm"),
        ]


def test_what_a_service_lists_twice_within_seconds_is_one_play(record, plays):
    twice = [scrobbled("lastfm", at, by(A)) for at in (-300, -291)]
    for _ in in_every_order(record, twice, [exported(-100, A)]):
        assert plays() == [(-100, 200_000, ("extended_export", "lastfm"))]
    record.forget()
    record.load([scrobbled("lastfm", at, by(A)) for at in (-300, -284)])
    assert len(plays()) == 2


def test_several_services_of_one_play_are_one_play(record, plays):
    told_by = [[scrobbled(kind, -300 + n, by(A))] for n, kind in enumerate(KINDS)]
    for batches, right in ((told_by, KINDS), ([*told_by, [exported(-100, A)]], (*KINDS, "extended_export"))):
        for seed in range(4):
            record.forget()
            record.load(*Random(seed).sample(batches, len(batches)))
            assert [sources for _, _, sources in plays()] == [tuple(sorted(right))]


def test_one_service_tells_no_other_play_of_its_own_apart(record, plays):
    """Two songs begun within the same minute stay two, whatever the files are."""
    minutes = [scrobbled("lastfm_minutes", -300, by(A)), scrobbled("lastfm_minutes", -300, by(B))]
    seconds = [scrobbled("lastfm", -290, by(A)), scrobbled("lastfm", -270, by(B))]
    for _ in in_every_order(record, minutes, seconds):
        assert [sources for _, _, sources in plays()] == [("lastfm", "lastfm_minutes")] * 2


def test_a_play_that_only_a_service_knows_ends_at_its_start_until_the_length_is_known(record, plays):
    record.forget()
    record.load([scrobbled("lastfm", -300, by(A))])
    assert plays() == [(-300, None, ("lastfm",))]
    record.describe([described(A)])
    assert plays() == [(-100, None, ("lastfm",))]
    facts = plays()
    record.rebuild()
    assert plays() == facts
    for _ in in_every_order(record, [scrobbled("lastfm", -300, by(A))], Described([described(A)])):
        assert plays() == facts


def test_the_length_of_more_than_two_hours_says_nothing_of_the_end(record, plays):
    day = Song("D", "Day", ("Dan",), 7_200_001)
    for _ in in_every_order(record, [scrobbled("lastfm", -9000, by(day))], Described([described(day)])):
        assert plays() == [(-9000, None, ("lastfm",))]


def test_milliseconds_of_a_service_count_where_no_other_source_has_them(record, plays):
    for _ in in_every_order(record, [scrobbled("maloja", -300, by(A), 150_000)]):
        assert plays() == [(-150, 150_000, ("maloja",))]
    for _ in in_every_order(record, [scrobbled("maloja", -300, by(A), 150_000)], [exported(-100, A, 199_000)]):
        assert plays() == [(-100, 199_000, ("extended_export", "maloja"))]


def test_a_page_an_hour_later_keeps_the_play_of_a_service_that_ends_after_it(record, plays):
    """The play's date lies after the last observation of its time, and is looked at again with what comes later."""
    record.forget()
    record.load([scrobbled("lastfm", -9000, by(LONG))], Described([described(LONG)]))
    record.load([told(-9000 + 2990, A)])
    assert plays() == [(-6010, None, ("recently_played",)), (-6000, None, ("lastfm",))]
    before = plays()
    record.rebuild()
    assert plays() == before


def test_a_page_before_it_does_the_same(record, plays):
    record.forget()
    record.load([scrobbled("lastfm", -9000, by(LONG))], Described([described(LONG)]))
    record.load([told(-9010, A)])
    assert plays() == [(-9010, None, ("recently_played",)), (-6000, None, ("lastfm",))]


def test_the_end_follows_when_a_recording_that_is_known_already_gains_its_length(record, plays):
    for _ in in_every_order(
        record, [scrobbled("lastfm", -300, by(A))], [exported(-90_000, A)], Described([described(A)])
    ):
        assert plays() == [(-90_000, 200_000, ("extended_export",)), (-100, None, ("lastfm",))]


def test_what_a_service_says_covers_nothing(record, ask):
    record.forget()
    record.load([scrobbled("lastfm", -300, by(A))])
    assert ask("select count(*) from ops.coverage where source = 'lastfm'") == [(0,)]


def test_names_are_made_plain_alike(ask):
    [(titles, artists)] = ask(
        "select array(select ops.plain_title(title) from unnest(%s::text[]) with ordinality as t (title, place)"
        " order by place), ops.plain_artists('Ann & Zoë feat. Bob')",
        ["One (feat. Bob)", "One [ft. Bob]", "One feat. Bob", "ONÉ!", "???", "Привет 1", "One (Live)", "Left"],
    )
    assert titles == ["one", "one", "one", "one", "???", "привет1", "onelive", "left"]  # noqa: RUF001
    assert set(artists) >= {"ann", "zoe", "bob"}


def test_other_listeners_and_facts_stay_as_they_are(record, ask):
    record.forget()
    record.load([exported(-100, A)], [told(-700, B)])
    facts = whole_facts(ask)
    record.load([scrobbled("lastfm", -100_000, by(B))])
    assert [fact for fact in whole_facts(ask) if "lastfm" not in str(fact)] == facts
