"""The simulated Spotify's search: what is found, how much of it, and what is refused."""

from dataclasses import replace

import pytest
from support.simulated_spotify import CATALOGUE, ENCORE, NOW, RECORD, SINGER, SONG, get, refusal, step, world

from etl.simulator.catalogue import Artist, Track

SEARCH = "/v1/search"
GUEST = "G" * 22
MANY = {
    f"{number:022}": Track(f"{number:022}", f"Encore number {number}", RECORD, (SINGER, GUEST), 100_000)
    for number in range(12)
}
FULL = replace(
    CATALOGUE,
    artists={**CATALOGUE.artists, GUEST: Artist(GUEST, "Zoë & Co.")},
    tracks={**CATALOGUE.tracks, **MANY},
)


def found(asked: str, **query: str) -> list[str]:
    page = get(world(catalogue=FULL), SEARCH, q=asked, type="track", **query).json()["tracks"]
    return [track["id"] for track in page["items"]]


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ('track:"The Song" artist:"The Singer"', [SONG]),
        ('track:"song" artist:"SINGER"', [SONG]),
        ('track:"Song" artist:"Somebody"', []),
        ("the singer song", [SONG]),
        ("track:song artist:singer", [SONG]),
        ('track:"number 7" artist:"Zoe Co"', ["0" * 21 + "7"]),
        ("nothing like it", []),
    ],
)
def test_a_track_is_found_by_words_of_its_title_and_artists(asked: str, ids: list[str]) -> None:
    assert found(asked) == ids


def test_the_nearest_title_comes_first_and_a_page_has_five_tracks_or_up_to_ten() -> None:
    assert found("encore")[0] == ENCORE
    assert [len(found("encore", **query)) for query in ({}, {"limit": "1"}, {"limit": "10"})] == [5, 1, 10]
    page = get(world(catalogue=FULL), SEARCH, q="encore", type="track").json()["tracks"]
    assert (page["limit"], page["total"]) == (5, 13)
    single = get(world(catalogue=FULL), f"/v1/tracks/{ENCORE}").json()
    assert page["items"][0] == single


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"type": "track"}, "No search query"),
        ({"q": " ", "type": "track"}, "No search query"),
        ({"q": "song"}, "Missing parameter type"),
        ({"q": "song", "type": "mood"}, "Bad search type field"),
        ({"q": "song", "type": "track", "limit": "11"}, "Invalid limit"),
        ({"q": "song", "type": "track", "limit": "0"}, "Invalid limit"),
        ({"q": "song", "type": "track", "limit": "x"}, "Invalid limit"),
    ],
)
def test_a_wrong_query_is_refused(query: dict[str, str], message: str) -> None:
    assert refusal(get(world(), SEARCH, **query)) == (400, message)


def test_a_search_counts_as_a_call_to_the_catalogue() -> None:
    given, poor = step(world(quota=1), SEARCH, NOW, q="song", type="track")
    assert given.status == 200
    assert step(poor, f"/v1/tracks/{SONG}")[0].status == 429
