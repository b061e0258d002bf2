"""One ISRC that labels gave to several songs: each song is a recording of all its ids, and codes are never joined."""

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching.test_recordings import CHAINS, QUICK, database, forget, forgotten, partition, record
from support.cases import Song, told

__all__ = ["database", "forgotten", "record"]
CODE = "QZ0000000001"
Ask = Callable[..., list[tuple]]
# three songs of one code, each with two ids; the second ids of two of them have a length of their own
SONGS = [
    Song("A", "One", duration_ms=100_000, isrc=CODE), Song("B", "One", duration_ms=100_000, isrc=CODE),
    Song("C", "Two", duration_ms=150_000, isrc=CODE), Song("D", "Two", duration_ms=156_000, isrc=CODE),
    Song("E", "Three", duration_ms=200_000, isrc=CODE), Song("F", "Three", duration_ms=203_000, isrc=CODE),
    Song("G", "Four", duration_ms=250_000, isrc=CODE), Song("H", "Fourth", duration_ms=251_000, isrc=CODE),
]  # fmt: skip


def load(record, songs) -> None:
    record.load([told(-300 - 600 * number, song) for number, song in enumerate(songs)])


def expected(songs: list[Song]) -> set[frozenset[str]]:
    """By hand: of each code the first stands for all with its title or, within two seconds, its length; and so on."""
    found = set()
    for code in {song.isrc for song in songs}:
        waiting = sorted((song for song in songs if song.isrc == code), key=lambda song: str(song.uri))
        while waiting:
            first = waiting[0]
            alike = [
                song
                for song in waiting
                if song.name == first.name or abs((song.duration_ms or 0) - (first.duration_ms or 0)) <= 2000
            ]
            found.add(frozenset(str(song.uri) for song in alike))
            waiting = [song for song in waiting if song not in alike]
    return found


def test_a_code_of_four_songs_makes_four_recordings(record, ask):
    load(record, SONGS)
    pairs = [frozenset(str(song.uri) for song in SONGS[place : place + 2]) for place in range(0, 8, 2)]
    assert partition(ask) == expected(SONGS) == set(pairs)
    assert ask(CHAINS) == [(0,)]
    evidence = ask(
        "select distinct evidence, count(*) over (partition by evidence) from listening.recording_evidence order by 1"
    )
    assert evidence == [("same ISRC and length", 2), ("same ISRC and name", 6)]


@pytest.mark.parametrize("order", [order for number, order in enumerate(permutations(range(6))) if number % 240 == 7])
def test_the_order_in_which_they_come_does_not_matter(order, record, ask):
    for place in order:
        record.load([told(-300 - 600 * place, SONGS[place])])
    assert partition(ask) == expected(SONGS[:6])


SOME = st.lists(
    st.tuples(
        st.sampled_from(["One", "Two", "Three"]),
        st.sampled_from([100_000, 101_500, 103_000, 150_000, 200_000]),
        st.sampled_from([CODE, "QZ0000000002"]),
    ),
    min_size=5,
    max_size=9,
)


@QUICK
@given(SOME)
def test_any_ids_of_two_codes_are_as_counted_by_hand_and_no_chain_joins_the_codes(record, ask, some):
    forget(record)
    songs = [
        Song(letter, name, duration_ms=ms, isrc=isrc)
        for letter, (name, ms, isrc) in zip("ABCDEFGHI", some, strict=False)
    ]
    load(record, songs)
    assert partition(ask) == expected(songs)
    assert ask(
        "select recording_key from listening.dim_track where recording_key is not null group by 1"
        " having count(distinct isrc) > 1"
    ) == []  # fmt: skip
