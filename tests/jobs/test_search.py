"""`dimensions` searches for tracks that exports name without an id: what is joined, what is left, and when."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import NOW, asked, settings_of
from support.export_files import write_folder

from etl.jobs.dimensions import fill_dimensions
from etl.jobs.imports import import_exports
from etl.simulator.catalogue import Album, Artist, Track
from etl.simulator.routes import Fault
from etl.spotify.errors import Forbidden, Refused, Unavailable

pytestmark = pytest.mark.usefixtures("no_pauses")

ANN, BOB, RECORD = "A" * 22, "B" * 22, "R" * 22
PLAYED_MS = 150_000
SEARCH = "/v1/search"
MISSES = "select spotify_id, miss_count from ops.catalogue_miss where kind = 'name' order by 1"
DAY = timedelta(days=1)
QUOTA = b'{"error":{"status":429,"message":"API rate limit exceeded","reason":"QUOTA_EXCEEDED"}}'


def song(number: int, title: str = "Song", ms: int = 180_000, artists: Sequence[str] = (ANN,)) -> Track:
    return Track(f"{number:022}", title, RECORD, tuple(artists), ms, isrc=f"ZZDEM26{number:05}")


@pytest.fixture
def serve(spotify) -> Callable[..., None]:
    """Puts these tracks of Ann and Bob into the simulated catalogue, in place of all others."""

    def served(*tracks: Track) -> None:
        catalogue = spotify.world.catalogue
        artists = {ANN: Artist(ANN, "Ann"), BOB: Artist(BOB, "Bob")}
        albums = {RECORD: Album(RECORD, "Record", (ANN,), tuple(track.id for track in tracks), image="0" * 24)}
        changed = replace(catalogue, artists=artists, albums=albums, tracks={track.id: track for track in tracks})
        spotify.change(lambda world: replace(world, catalogue=changed))

    return served


@pytest.fixture
def bring(settings, warehouse, tmp_path) -> Callable[..., None]:
    """Imports account data: title, artist and milliseconds of each play, a day apart."""

    def imported(*plays: tuple[str, str, int], first: datetime = datetime(2024, 8, 1, 12, tzinfo=UTC)) -> None:
        rows = [
            {
                "endTime": f"{first + number * DAY:%Y-%m-%d %H:%M}",
                "artistName": artist,
                "trackName": title,
                "msPlayed": ms,
            }
            for number, (title, artist, ms) in enumerate(plays)
        ]
        folder = write_folder(tmp_path / f"account {first}", {"StreamingHistory_music_0.json": rows})
        import_exports(settings, warehouse, [folder], clock=lambda: NOW)

    return imported


@pytest.fixture
def fill(database, warehouse, spotify) -> Callable[..., str]:
    """One run of the job with searching on; its line."""

    def run(at: datetime = NOW, **changes: object) -> str:
        spotify.clock = lambda: at
        spotify.calls.clear()
        settings = settings_of(database, spotify, **{"catalogue_search": True, **changes})
        return fill_dimensions(settings, warehouse, spotify.clock).line

    return run


def searched(spotify) -> list[str]:
    return [call.query["q"] for call in spotify.calls if call.path == SEARCH]


def joined(database: str) -> dict[str, str | None]:
    """By name of each track known by name alone: the id of the track that it is one recording with."""
    return dict(
        asked(
            database,
            "select named.track_name, identified.track_id from listening.dim_track as named"
            " left join listening.dim_track as identified on identified.recording_key = named.recording_key"
            " and identified.track_id is not null where named.track_uri like 'name:%'",
        )
    )


# Off by default.


def test_without_the_setting_nothing_is_searched_for(fill, serve, bring, spotify, database, settings):
    assert settings.catalogue_search is False
    serve(song(1))
    bring(("Song", "Ann", PLAYED_MS))
    fill(catalogue_search=False)
    assert [call.path for call in spotify.calls if call.path != "/api/token"] == []
    assert joined(database) == {"Song": None}


# Found.


def test_a_name_that_is_found_is_one_recording_with_the_id_and_described(fill, serve, bring, spotify, database, ask):
    serve(song(1), song(2, "Another"))
    bring(("Song", "Ann", PLAYED_MS), ("Song", "Ann", 90_000))
    before = ask("select play_key, played_at, ms_played from listening.fact_play order by 1")
    assert fill().startswith("0 artists, tracks, albums described, 1 of 1 name found, ")
    assert searched(spotify) == ['track:"Song" artist:"Ann"']
    assert [call.query["limit"] for call in spotify.calls if call.path == SEARCH] == ["10"]
    assert joined(database) == {"Song": song(1).id}
    assert ask(
        "select track_name, duration_ms, isrc, album_name, artist_name, dim_track.fetched_at from listening.dim_track"
        " join listening.dim_album using (album_key) join listening.bridge_track_artist using (track_key)"
        " join listening.dim_artist using (artist_key) where dim_track.track_id is not null"
    ) == [("Song", 180_000, "ZZDEM2600001", "Record", "Ann", NOW)]
    assert ask("select play_key, played_at, ms_played from listening.fact_play order by 1") == before
    assert ask(MISSES) == []
    fill(NOW + timedelta(hours=3))
    assert searched(spotify) == []


def test_case_width_and_accents_do_not_matter_and_other_words_do(fill, serve, bring, database):
    serve(song(1, "\uff33\u00f6ng"), song(2, "Song (Live)"), song(3, "Tune", artists=(BOB,)))
    bring(("song", "ANN", PLAYED_MS), ("Tune", "Ann", PLAYED_MS))
    fill()
    assert joined(database) == {"song": song(1).id, "Tune": None}


def test_a_guest_of_the_track_is_an_artist_of_it(fill, serve, bring, database):
    serve(song(1, artists=(ANN, BOB)))
    bring(("Song", "Bob", PLAYED_MS))
    fill()
    assert joined(database) == {"Song": song(1).id}


def test_two_spellings_of_one_name_are_found_at_once(fill, serve, bring, database):
    serve(song(1))
    bring(("Song", "Ann", PLAYED_MS), ("SONG", "ann", PLAYED_MS))
    assert "2 of 2 names found" in fill()
    assert joined(database) == {"Song": song(1).id, "SONG": song(1).id}


def test_a_name_with_quotes_and_of_any_length_is_a_query_like_any_other(fill, serve, bring, spotify, database):
    title = 'The "Best" \n' + "of it " * 60
    serve(song(1, title.strip()))
    bring((title.strip(), "Ann", PLAYED_MS))
    fill()
    [query] = searched(spotify)
    assert query.count('"') == 4 and len(query) < 250
    assert joined(database) == {title.strip(): song(1).id}


# Lengths.


@pytest.mark.parametrize(
    ("ms", "is_joined"), [(PLAYED_MS + 60_000, True), (PLAYED_MS - 2_000, True), (PLAYED_MS - 2_001, False)]
)
def test_a_track_shorter_than_a_play_of_the_name_is_not_meant(fill, serve, bring, database, ask, ms, is_joined):
    serve(song(1, ms=ms))
    bring(("Song", "Ann", PLAYED_MS))
    fill()
    assert joined(database) == {"Song": song(1).id if is_joined else None}
    assert ask("select count(*) from listening.dim_track where track_id is not null") == [(int(is_joined),)]
    assert [row[1] for row in ask(MISSES)] == ([] if is_joined else [1])


def test_of_several_the_shortest_that_is_long_enough_is_meant(fill, serve, bring, database, ask):
    serve(song(1, ms=400_000), song(2, ms=140_000), song(3, ms=151_000), song(4, ms=200_000))
    bring(("Song", "Ann", PLAYED_MS))
    fill()
    assert joined(database) == {"Song": song(3).id}
    assert ask("select track_id from listening.dim_track where track_id is not null") == [(song(3).id,)]


# Order and budget.


def test_the_most_played_come_first_within_the_budget(fill, serve, bring, spotify):
    serve(*(song(number, f"Song {number}") for number in range(6)))
    bring(*((f"Song {number}", "Ann", PLAYED_MS) for number in range(6) for _ in range(number + 1)))
    fill(catalogue_daily_budget=3)  # a third of it is for what is played later today
    assert searched(spotify) == [f'track:"Song {number}" artist:"Ann"' for number in (5, 4)]
    fill(NOW + timedelta(hours=3), catalogue_daily_budget=3)
    assert searched(spotify) == []
    fill(NOW + DAY, catalogue_daily_budget=300)
    assert searched(spotify) == [f'track:"Song {number}" artist:"Ann"' for number in (3, 2, 1, 0)]


def test_what_is_still_to_be_described_comes_before_names(fill, serve, bring, spotify):
    serve(song(1), song(2, "Tune"))
    bring(("Song", "Ann", PLAYED_MS))
    fill()
    bring(("Tune", "Ann", PLAYED_MS), first=datetime(2024, 9, 1, tzinfo=UTC))
    fill(NOW + timedelta(hours=3))  # the found track brought an artist along, who is not described yet
    paths = [call.path for call in spotify.calls if call.path != "/api/token"]
    assert paths.index(f"/v1/artists/{ANN}") < paths.index(SEARCH)


# Misses.


def test_a_miss_is_remembered_and_asked_again_after_ever_longer_pauses(fill, serve, bring, spotify, database, ask):
    serve(song(1, "Another"))
    bring(("Song", "Ann", PLAYED_MS))
    at = NOW
    assert "0 of 1 name found" in fill(at)
    for number, days in enumerate((7, 30, 90, 365, 365), start=1):
        assert ask(MISSES) == [("name:track:Ann:Song", number)]
        fill(at + days * DAY - timedelta(minutes=1))
        assert searched(spotify) == []
        at += days * DAY
        fill(at)
        assert len(searched(spotify)) == 1
    serve(song(1))
    fill(at + 365 * DAY)
    assert (joined(database), ask(MISSES)) == ({"Song": song(1).id}, [])


def test_a_name_that_has_joined_an_id_meanwhile_is_not_searched_for(
    fill, serve, bring, spotify, settings, warehouse, tmp_path
):
    serve(song(1))
    bring(("Song", "Ann", PLAYED_MS))
    row = {
        "ts": "2024-07-01T12:00:00Z",
        "ms_played": 60_000,
        "spotify_track_uri": f"spotify:track:{song(1).id}",
        "master_metadata_track_name": "Song",
        "master_metadata_album_artist_name": "Ann",
    }
    folder = write_folder(tmp_path / "extended", {"Streaming_History_Audio_2024.json": [row]})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    fill()
    assert searched(spotify) == []


# Errors are no misses.


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(SEARCH, status=400, times=9), Refused),
        (Fault(SEARCH, status=404, times=9), Refused),
        (Fault(SEARCH, status=503, times=99), Unavailable),
        (Fault(SEARCH, status=200, body=b'{"tracks": null}', times=9), Unavailable),
        (Fault(SEARCH, status=200, body=b'{"tracks": {"items": {}}}', times=9), Unavailable),
    ],
)
def test_a_search_that_fails_is_repeated_the_next_day_and_ends_the_run_if_all_fail(
    fill, serve, bring, spotify, database, ask, fault, error
):
    titles = [f"Song {number}" for number in range(5)]
    serve(*(song(number, title) for number, title in enumerate(titles)))
    bring(*((title, "Ann", PLAYED_MS) for title in titles))
    spotify.change(lambda world: replace(world, faults=(fault,)))
    with pytest.raises(error):
        fill()
    assert [row[1] for row in ask(MISSES)] == [0, 0, 0]
    spotify.change(lambda world: replace(world, faults=()))
    fill(NOW + timedelta(hours=3))
    assert len(searched(spotify)) == 2
    fill(NOW + timedelta(hours=24))
    assert joined(database) == {title: song(number).id for number, title in enumerate(titles)}
    assert ask(MISSES) == []


def test_a_search_that_fails_after_a_miss_neither_adds_one_nor_begins_a_new_pause(fill, serve, bring, spotify, ask):
    serve(song(1, "Another"))
    bring(("Song", "Ann", PLAYED_MS))
    fill()
    spotify.change(lambda world: replace(world, faults=(Fault(SEARCH, status=400),)))
    fill(NOW + 8 * DAY)
    assert ask(MISSES) == [("name:track:Ann:Song", 1)]
    fill(NOW + 8 * DAY + timedelta(hours=3))
    assert len(searched(spotify)) == 1
    assert ask(MISSES) == [("name:track:Ann:Song", 2)]


def test_an_item_that_is_no_track_is_passed_over(fill, serve, bring, spotify, database):
    serve(song(1))
    bring(("Song", "Ann", PLAYED_MS))
    whole: dict[str, Any] = {"id": song(1).id, "uri": f"spotify:track:{song(1).id}", "type": "track", "name": "Song"}
    whole |= {"duration_ms": 180_000, "artists": [{"id": ANN, "name": "Ann"}]}
    odd = [None, 7, {}, {**whole, "id": None}, {**whole, "duration_ms": None}, {**whole, "artists": None}]
    body = json.dumps({"tracks": {"items": odd}}).encode()
    spotify.change(lambda world: replace(world, faults=(Fault(SEARCH, status=200, body=body),)))
    fill()
    assert joined(database) == {"Song": None}
    odd.append({**whole, "name": "So\x00ng\ud800"})  # "Song" without what Postgres can't store
    body = json.dumps({"tracks": {"items": odd}}).encode()
    spotify.change(lambda world: replace(world, faults=(Fault(SEARCH, status=200, body=body),)))
    fill(NOW + 8 * DAY)
    assert joined(database) == {"Song": song(1).id}


def test_a_rate_limit_ends_the_run_and_the_names_that_were_not_asked_about_are_no_misses(
    fill, serve, bring, spotify, database, ask
):
    titles = [f"Song {number}" for number in range(5)]
    serve(*(song(number, title) for number, title in enumerate(titles)))
    bring(*((title, "Ann", PLAYED_MS) for title in titles))
    limit = Fault(SEARCH, status=429, headers={"Retry-After": "80000"}, body=QUOTA, skip=2)
    spotify.change(lambda world: replace(world, faults=(limit,)))
    line = fill()
    assert "2 of 2 names found" in line and "Spotify wants no more before" in line
    assert (sum(found is not None for found in joined(database).values()), ask(MISSES)) == (2, [])
    fill(NOW + timedelta(hours=3))
    assert spotify.calls == []
    fill(NOW + DAY)
    assert None not in joined(database).values()


def test_an_app_that_may_not_search_does_not_try_again(fill, serve, bring, spotify, ask):
    serve(song(1), song(2, "Tune"))
    bring(("Song", "Ann", PLAYED_MS), ("Tune", "Ann", PLAYED_MS))
    spotify.change(lambda world: replace(world, faults=(Fault(SEARCH, status=403, times=9),)))
    fill()
    assert len(searched(spotify)) == 1
    fill(NOW + DAY)
    assert searched(spotify) == []
    assert (ask(MISSES), ask("select endpoint from ops.refusal")) == ([], [("name",)])


def test_an_app_whose_owner_does_not_pay_is_an_error_and_no_refusal(fill, serve, bring, spotify, ask):
    serve(song(1))
    bring(("Song", "Ann", PLAYED_MS))
    spotify.change(lambda world: replace(world, app=replace(world.app, premium=False)))
    with pytest.raises(Forbidden):
        fill()
    assert (ask(MISSES), ask("select count(*) from ops.refusal")) == ([], [(0,)])
