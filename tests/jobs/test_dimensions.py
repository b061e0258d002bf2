"""The three-hourly job: what it asks Spotify's catalogue for, what it leaves alone, and what it remembers."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support import NOW, ago, settings_of

from etl.jobs.dimensions import fill_dimensions
from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault, Play
from etl.spotify.errors import AppRefused, Forbidden, SpotifyError, Unavailable
from etl.warehouse.pauses import note_pause
from etl.warehouse.statements import run as run_query

QUOTA = json.dumps(
    {"error": {"status": 429, "message": "API rate limit exceeded", "reason": "QUOTA_EXCEEDED"}}
).encode()
MISSING = "select count(*) from listening.dim_artist where fetched_at is null"


pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def fill(database, warehouse, spotify):
    """One run of the job at a moment, NOW unless told."""

    def run(at=NOW, **changes):
        spotify.clock = lambda: at
        spotify.calls.clear()
        return fill_dimensions(settings_of(database, spotify, **changes), warehouse, spotify.clock)

    return run


@pytest.fixture
def heard(settings, warehouse, spotify, play, songs):
    """Forty plays recorded: their tracks, and the ids of their artists."""
    tracks = [songs.tracks[track_id] for track_id in list(songs.tracks)[:400:10]]
    play(*(Play(track.id, ago(3 * number + 1)) for number, track in enumerate(tracks)))
    record_plays(settings, warehouse, lambda: NOW)
    return tracks


@pytest.fixture
def artist_ids(heard):
    return {artist_id for track in heard for artist_id in track.artist_ids}


def paths(spotify) -> list[str]:
    return [call.path for call in spotify.calls if call.path != "/api/token"]


def singles(spotify) -> set[str]:
    return {path.rsplit("/", 1)[1] for path in paths(spotify) if path.count("/") == 3}


@pytest.mark.quick
def test_every_artist_is_described_and_nothing_else_asked_for(fill, spotify, songs, artist_ids, ask):
    outcome = fill()

    rows = ask(
        "select artist_id, artist_name, genres, image_url, fetched_at from listening.dim_artist where artist_key <> 0"
    )
    assert {row[0] for row in rows} == artist_ids
    for artist_id, name, genres, image_url, fetched_at in rows:
        artist = songs.artists[artist_id]
        assert (name, genres, fetched_at) == (artist.name, list(artist.genres), NOW)
        assert (image_url is None) == (artist.image is None)
    assert paths(spotify)[0] == "/v1/artists"  # many at once, refused
    assert sorted(paths(spotify)[1:]) == sorted(f"/v1/artists/{artist_id}" for artist_id in artist_ids)
    calls = len(artist_ids) + 1
    assert outcome.line == (
        f"{len(artist_ids)} artists, tracks, albums described, 0 missing; {calls} calls, {300 - calls} left today"
    )


def test_what_is_known_is_not_asked_again_and_a_refusal_is_remembered(
    fill, spotify, play, songs, settings, warehouse, artist_ids, ask
):
    fill()
    assert fill(NOW + timedelta(hours=3)).line.startswith("0 artists, tracks, albums described, 0 missing; 0 calls")
    assert paths(spotify) == []

    new = next(track for track in songs.tracks.values() if not artist_ids & set(track.artist_ids))
    play(Play(new.id, NOW))
    spotify.clock = lambda: NOW + timedelta(hours=4)
    record_plays(settings, warehouse, spotify.clock)
    fill(NOW + timedelta(hours=6))
    assert sorted(paths(spotify)) == sorted(f"/v1/artists/{artist_id}" for artist_id in new.artist_ids)
    assert ask("select endpoint from ops.refusal") == [("artist",)]


@pytest.mark.quick
def test_an_older_app_is_answered_in_batches(fill, spotify, songs, artist_ids, ask):
    spotify.change(lambda world: replace(world, app=replace(world.app, batch_allowed=True)))
    outcome = fill()
    assert set(paths(spotify)) == {"/v1/artists"}
    assert f"; {-(-len(artist_ids) // 50)} call, " in outcome.line
    assert set(ask("select artist_id, artist_name from listening.dim_artist where artist_key <> 0")) == {
        (artist_id, songs.artists[artist_id].name) for artist_id in artist_ids
    }


def test_an_unknown_id_in_a_batch_is_a_miss(fill, spotify, artist_ids, ask):
    gone, *_ = sorted(artist_ids)
    remove(spotify, gone)
    spotify.change(lambda world: replace(world, app=replace(world.app, batch_allowed=True)))
    fill()
    assert ask("select kind, spotify_id, miss_count from ops.catalogue_miss") == [("artist", gone, 1)]
    assert ask("select artist_id from listening.dim_artist where fetched_at is null") == [(gone,)]


def remove(spotify, artist_id: str) -> None:
    """Takes an artist out of the simulated catalogue."""
    kept = {key: artist for key, artist in spotify.world.catalogue.artists.items() if key != artist_id}
    spotify.change(lambda world: replace(world, catalogue=replace(world.catalogue, artists=kept)))


def test_the_most_played_come_first_within_the_budget_which_lasts_a_rolling_day(fill, spotify, artist_ids, ask):
    plays = dict(
        ask(
            "select artist_id, count(*) from listening.fact_play join listening.bridge_track_artist using (track_key)"
            " join listening.dim_artist using (artist_key) group by 1"
        )
    )
    first = fill(catalogue_daily_budget=6)  # one of them for the batch that is refused
    asked = singles(spotify)
    assert len(asked) == 5
    assert min(plays[one] for one in asked) >= max(plays[one] for one in artist_ids - asked)
    assert first.line.endswith("6 calls, 0 left today")

    fill(NOW + timedelta(hours=2), catalogue_daily_budget=7)
    assert len(singles(spotify)) == 1
    fill(NOW + timedelta(hours=4), catalogue_daily_budget=7)
    assert paths(spotify) == []
    asked = {
        row[0]
        for row in ask("select artist_id from listening.dim_artist where fetched_at is not null and artist_key > 0")
    }
    assert len(asked) == 6
    assert fill(NOW + timedelta(hours=23, minutes=59), catalogue_daily_budget=6).line.endswith("0 calls, 0 left today")
    assert paths(spotify) == []
    fill(NOW + timedelta(hours=24), catalogue_daily_budget=6)
    assert len(singles(spotify)) == 5 and not singles(spotify) & asked  # the one of two hours later still counts


def test_tracks_and_albums_that_are_only_inferred_are_completed(fill, spotify, songs, warehouse, ask):
    track = next(track for track in songs.tracks.values() if track.isrc and len(track.artist_ids) > 1)
    ask(
        "insert into listening.dim_track (track_id, track_uri, content_type) values (%s, %s, 'track')",
        track.id,
        f"spotify:track:{track.id}",
    )
    album = next(album for album in songs.albums.values() if album.id != track.album_id)
    ask("insert into listening.dim_album (album_id, album_name) values (%s, %s)", album.id, album.name)
    episode_id, episode = next(iter(songs.episodes.items()))
    ask(
        "insert into listening.dim_track (track_id, track_uri, content_type) values (%s, %s, 'episode')",
        episode_id,
        f"spotify:episode:{episode_id}",
    )

    fill()

    assert ask(
        "select track_name, isrc, duration_ms, album_id from listening.dim_track join listening.dim_album using (album_key)"
        " where track_id = %s",
        track.id,
    ) == [(track.name, track.isrc, track.duration_ms, track.album_id)]
    assert ask(
        "select track_name, album_name, album_type from listening.dim_track join listening.dim_album using (album_key) where track_id = %s",
        episode_id,
    ) == [(episode.name, songs.shows[episode.show_id].name, "show")]
    assert ask("select fetched_at from listening.dim_album where album_id = %s", album.id) == [(NOW,)]
    assert ask(
        "select artist_id, role from listening.bridge_track_artist join listening.dim_artist using (artist_key) join listening.dim_track using (track_key) where track_id = %s and position = 1",
        track.id,
    ) == [(track.artist_ids[0], "main")]
    # the artists that the track brought along are for the next run
    fill(NOW + timedelta(hours=3))
    assert ask(MISSING) == [(0,)]


def test_an_id_that_is_not_found_is_asked_again_on_other_days_and_then_left(fill, spotify, artist_ids, ask):
    gone, *_ = sorted(artist_ids)
    remove(spotify, gone)
    asked_on = []
    for day in range(60):
        fill(NOW + timedelta(days=day))
        if gone in singles(spotify):
            asked_on.append(day)
    assert asked_on == [0, 8, 16]
    assert ask(MISSING) == [(1,)]


@pytest.mark.parametrize("body", [b"{}", b'{"id":"x","name":""}', b'{"error":{"status":404}}', b"[]"])
def test_an_answer_that_describes_nothing_becomes_no_row(body, fill, spotify, artist_ids, ask):
    odd, *_ = sorted(artist_ids)
    spotify.change(lambda world: replace(world, faults=(Fault(f"/v1/artists/{odd}", times=9, status=200, body=body),)))
    fill()
    assert ask("select artist_id, genres from listening.dim_artist where fetched_at is null") == [(odd, None)]


def test_twenty_five_of_forty_answers_are_429(fill, spotify, artist_ids, ask):
    assert len(artist_ids) >= 40
    limited = Fault("/v1/artists/*", skip=15, times=25, status=429, headers={"Retry-After": "30"})
    spotify.change(lambda world: replace(world, faults=(Fault("/v1/artists", status=403), limited)))
    # a Retry-After of 0 is no wait at all, so that the run goes on for a while before it gives up
    spotify.change(
        lambda world: replace(world, faults=(world.faults[0], replace(limited, headers={"Retry-After": "0"})))
    )

    first = fill()

    described = ask(
        "select artist_id, artist_name, genres from listening.dim_artist where fetched_at is not null and artist_key <> 0"
    )
    assert len(described) == 15
    assert all(name == spotify.world.catalogue.artists[artist_id].name for artist_id, name, _ in described)
    assert "Spotify wants no more before" in first.line
    assert ask(MISSING) == [(len(artist_ids) - 15,)]
    assert ask("select count(*) from ops.catalogue_miss") == [(0,)]
    spotify.change(lambda world: replace(world, faults=()))
    fill(NOW + timedelta(hours=3))
    assert ask(MISSING) == [(0,)]


def test_a_quota_lock_ends_the_run_at_once_and_is_honoured_across_runs(fill, spotify, artist_ids, ask):
    locked = Fault("/v1/artists/*", skip=10, times=99, status=429, headers={"Retry-After": "80000"}, body=QUOTA)
    spotify.change(lambda world: replace(world, faults=(locked,)))

    first = fill()

    assert len(singles(spotify)) == 11  # ten answers, and the one that said stop
    assert ask("select scope, resume_at, reason from ops.pause") == [
        ("catalogue", NOW + timedelta(seconds=80000), "QUOTA_EXCEEDED")
    ]
    assert first.is_good and first.line.endswith("; Spotify wants no more before 2026-11-21 07:33 UTC")
    assert ask(MISSING) == [(len(artist_ids) - 10,)]
    assert ask("select outcome from ops.run where job = 'dimensions'") == [("waiting",)]

    spotify.change(lambda world: replace(world, faults=()))
    for hours in (1, 12, 22):
        waiting = fill(NOW + timedelta(hours=hours))
        assert waiting.line == "Spotify wants no calls to its catalogue before 2026-11-21 07:33 UTC; none was made"
        assert spotify.calls == []
    fill(NOW + timedelta(hours=23))
    assert ask(MISSING) == [(0,)]


def test_a_lock_on_the_catalogue_never_stops_the_plays(fill, settings, warehouse, spotify, heard, ask):
    spotify.change(
        lambda world: replace(
            world, faults=(Fault("/v1/artists/*", status=429, headers={"Retry-After": "80000"}, body=QUOTA),)
        )
    )
    fill()
    assert record_plays(settings, warehouse, lambda: NOW).is_good


def test_when_nothing_answers_any_more_the_run_fails_and_keeps_what_it_had(fill, spotify, artist_ids, ask):
    spotify.change(lambda world: replace(world, faults=(Fault("/v1/artists/*", skip=4, times=99, fate="reset"),)))
    with pytest.raises(Unavailable):
        fill()
    assert ask(MISSING) == [(len(artist_ids) - 4,)]
    assert ask("select outcome from ops.run where job = 'dimensions'") == [("failed",)]
    spotify.change(lambda world: replace(world, faults=()))
    fill(NOW + timedelta(hours=3))
    assert ask(MISSING) == [(3,)], "the three that gave no answer are put aside until the next day"
    fill(NOW + timedelta(hours=24))
    assert ask(MISSING) == [(0,)]


BAD_ANSWERS: dict[str, dict[str, Any]] = {
    "no id at all": {"status": 400, "body": b'{"error":{"status":400,"message":"Invalid request"}}'},
    "gone": {"status": 410},
    "forbidden": {"status": 403},
    "an error of Spotify's": {"status": 500},
    "nonsense": {"status": 200, "body": b"[]"},
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
@pytest.mark.parametrize("count", [1, 3])
def test_a_few_bad_ids_keep_nobody_else_waiting_for_long(bad, count, fill, spotify, artist_ids, ask):
    odd = [row[0] for row in ask(
        "select artist_id from listening.fact_play join listening.bridge_track_artist using (track_key)"
        " join listening.dim_artist using (artist_key) group by 1 order by count(*) desc, 1 limit %s", count,
    )]  # fmt: skip
    faults = tuple(Fault(f"/v1/artists/{one}", times=10**6, **BAD_ANSWERS[bad]) for one in odd)
    spotify.change(lambda world: replace(world, faults=faults))
    for hours in (0, 3):
        with suppress(SpotifyError):
            fill(NOW + timedelta(hours=hours), catalogue_daily_budget=1000)
    unknown = ask("select artist_id from listening.dim_artist where fetched_at is null order by 1")
    assert unknown == [(one,) for one in sorted(odd)]
    asked = []
    for day in range(1, 60):
        with suppress(SpotifyError):
            fill(NOW + timedelta(days=day))
        asked.append(bool(singles(spotify) & set(odd)))
    assert 1 <= sum(asked) <= 4 and not any(asked[30:])


@pytest.mark.parametrize(
    "body", [b'{"error":{"status":400,"message":"Invalid id"}}', b'{"artists":["x"]}', b'{"artists":7}'], ids=str
)
def test_a_batch_that_goes_wrong_is_asked_for_one_by_one(body, fill, spotify, artist_ids, ask):
    spotify.change(lambda world: replace(world, app=replace(world.app, batch_allowed=True)))
    status = 400 if b"error" in body else 200
    spotify.change(lambda world: replace(world, faults=(Fault("/v1/artists", times=99, status=status, body=body),)))
    fill()
    assert ask(MISSING) == [(0,)]
    assert ask("select count(*) from ops.refusal") == [(0,)]


def test_the_budget_counts_requests_with_those_that_were_sent_again(fill, spotify, artist_ids, ask):
    faults = tuple(Fault(f"/v1/artists/{one}", times=2, status=500) for one in artist_ids)
    spotify.change(lambda world: replace(world, faults=faults))
    fill(catalogue_daily_budget=60)
    sent = len(paths(spotify))
    assert ask("select sum(call_count) from ops.catalogue_call") == [(sent,)]
    assert 60 <= sent <= 63


def test_a_kill_costs_a_slice_at_most(fill, artist_ids, ask):
    assert len(artist_ids) > 40
    fill()
    booked = [row[0] for row in ask("select call_count from ops.catalogue_call")]
    assert max(booked) <= 21 and len(booked) >= 3


def test_a_miss_said_twice_at_one_moment_counts_once(warehouse, ask):
    miss = {"kinds": ["artist"], "spotify_ids": ["x"], "now": NOW}
    for _ in range(2):
        warehouse.transaction(lambda connection: run_query(connection, "ops/catalogue/missed", **miss))
    assert ask("select miss_count from ops.catalogue_miss") == [(1,)]


def test_a_longer_pause_is_not_cut_short_by_a_shorter_one(warehouse, ask):
    for wait in (timedelta(seconds=600), timedelta(seconds=60)):
        warehouse.transaction(lambda connection: note_pause(connection, "catalogue", NOW + wait, "x", NOW))  # noqa: B023
    assert ask("select resume_at from ops.pause") == [(NOW + timedelta(seconds=600),)]


def test_an_id_that_is_found_again_is_forgiven(fill, spotify, songs, artist_ids, ask):
    gone, *_ = sorted(artist_ids)
    remove(spotify, gone)
    fill()
    spotify.change(lambda world: replace(world, catalogue=songs))
    fill(NOW + timedelta(days=8))
    assert ask("select count(*) from ops.catalogue_miss") == [(0,)]
    assert ask(MISSING) == [(0,)]


def test_old_descriptions_are_refreshed_with_what_is_left_of_the_budget(fill, spotify, songs, artist_ids, ask):
    fill()
    renamed, forgotten, *_ = sorted(artist_ids)
    artists = {**songs.artists, renamed: replace(songs.artists[renamed], name="Another Name")}
    spotify.change(lambda world: replace(world, catalogue=replace(world.catalogue, artists=artists)))
    ask("update listening.dim_artist set fetched_at = %s where artist_id = %s", NOW - timedelta(days=20), renamed)
    ask("update listening.dim_artist set fetched_at = null where artist_id = %s", forgotten)
    ask("update listening.dim_track set fetched_at = %s", NOW + timedelta(days=60))
    ask("update listening.dim_album set fetched_at = %s", NOW + timedelta(days=60))

    fill(NOW + timedelta(days=60))
    assert singles(spotify) == {forgotten}  # the other is 80 days old
    fill(NOW + timedelta(days=75), catalogue_daily_budget=1)
    assert singles(spotify) == {renamed}
    assert ask("select artist_name from listening.dim_artist where artist_id = %s", renamed) == [("Another Name",)]


def test_old_descriptions_leave_a_third_of_the_budget_to_what_is_new(fill, spotify, artist_ids):
    fill(catalogue_daily_budget=1000)
    assert len(artist_ids) > 20
    fill(NOW + timedelta(days=91), catalogue_daily_budget=30)
    assert len(singles(spotify)) == 20


def test_wrong_credentials_are_said_plainly(fill, database, warehouse, spotify, heard):
    with pytest.raises(AppRefused, match="SPOTIFY_CLIENT_ID"):
        fill(spotify_client_secret="wrong")


def test_an_app_without_premium_is_not_taken_for_a_refused_batch(fill, spotify, heard, ask):
    spotify.change(lambda world: replace(world, app=replace(world.app, premium=False)))
    with pytest.raises(Forbidden, match="Premium"):
        fill()
    assert ask("select count(*) from ops.refusal") == [(0,)]


def test_an_artist_that_spotify_merged_into_another_keeps_the_id_that_was_played(fill, spotify, songs, artist_ids, ask):
    old, other, *_ = sorted(artist_ids)
    body = json.dumps({"id": other, "name": songs.artists[other].name, "genres": [], "images": []}).encode()
    spotify.change(lambda world: replace(world, faults=(Fault(f"/v1/artists/{old}", status=200, body=body),)))
    fill()
    assert ask(
        "select artist_id, artist_name from listening.dim_artist where artist_id in (%s, %s) order by 1", old, other
    ) == [
        (old, songs.artists[other].name),
        (other, songs.artists[other].name),
    ]


def test_plays_under_two_ids_become_one_when_the_catalogue_says_that_it_is_one_recording(
    settings, warehouse, spotify, play, songs, ask, tmp_path
):
    """An export names an id of its own for what the list told as another; only their ISRC says so."""
    track, other = list(songs.tracks.values())[:2]
    # An ISRC alone is a hint: of another name, it is the same recording when it is as long.
    again = replace(other, isrc=track.isrc, name=f"{other.name} (Remastered)", duration_ms=track.duration_ms + 1_500)
    spotify.change(
        lambda world: replace(
            world, catalogue=replace(world.catalogue, tracks={**world.catalogue.tracks, other.id: again})
        )
    )
    play(Play(track.id, ago(60)))
    record_plays(settings, warehouse, lambda: NOW)
    row = {
        "ts": f"{ago(60):%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": 1000,
        "spotify_track_uri": f"spotify:track:{other.id}",
        "master_metadata_track_name": again.name,
    }
    (tmp_path / "endsong_0.json").write_text(json.dumps([row]), encoding="utf-8")
    import_exports(settings, warehouse, [tmp_path], clock=lambda: NOW)
    assert ask("select count(*) from listening.fact_play") == [(2,)]

    fill_dimensions(settings, warehouse, lambda: NOW)
    assert ask(
        "select track_id, ms_played, sources from listening.fact_play"
        " join listening.dim_track using (track_key) join listening.dim_play_profile using (play_profile_key)"
    ) == [(other.id, 1000, ["extended_export", "recently_played"])]
    assert ask("select count(*) from ops.merged_play") == [(1,)]
    fill_dimensions(settings, warehouse, lambda: NOW)
    assert ask("select count(*) from listening.fact_play") == [(1,)]
