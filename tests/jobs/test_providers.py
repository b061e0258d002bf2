"""Other providers: who is asked for what, how often, and what an outage leaves behind. Counted in the simulation."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg2
import pytest
from support import NOW, ago, libpq, settings_of

from etl.deadline import Deadline
from etl.dimensions.providers import base
from etl.dimensions.providers.base import Pace
from etl.dimensions.providers.run import ask_providers
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.plays import record_plays
from etl.simulator.provider_server import SimulatedProviders
from etl.simulator.providers import (
    Profile,
    ProviderWorld,
    Recording,
    features_of,
    made_up_providers,
    mbid_of,
    profile_of,
    recording_of,
)
from etl.simulator.routes import Fault, Play
from etl.warehouse.pauses import note_pause

GENRES = ("musicbrainz", "listenbrainz", "wikidata", "lastfm")
KEY = ProviderWorld().lastfm_key
HTML = b"<!doctype html><html><title>502</title></html>"


@dataclass
class Time:
    """A clock that only moves when somebody sleeps, or a test moves it. The simulation and the program share it."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    @property
    def pace(self) -> Pace:
        return Pace(lambda: (self.now - NOW).total_seconds(), self.sleep)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def providers(time) -> Iterator[SimulatedProviders]:
    with SimulatedProviders(ProviderWorld(), time) as server:
        yield server


@pytest.fixture
def ask_them(database, warehouse, spotify, providers, time) -> Callable[..., list]:
    """One run of the providers."""

    def run(*names: str, **changes):
        known = {"lastfm_api_key": KEY, **providers.urls, **changes}
        settings = settings_of(database, spotify, providers=",".join(names), **known)
        return ask_providers(settings, warehouse, time, Deadline(), time.pace)

    return run


def id_of(number: int) -> str:
    return f"{number:022}"


def isrc_of(number: int) -> str:
    return f"ZZAAA26{number:05}"


def played(url: str, track_count: int, artist_count: int = 1) -> None:
    """A warehouse in which track 1 was played most; track n is by artist n (modulo), all written by hand."""
    with psycopg2.connect(libpq(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into listening.dim_artist (artist_id, artist_name)"
            " select lpad(number::text, 22, '0'), 'Artist ' || number from generate_series(1, %s) as numbers (number)",
            [artist_count],
        )
        cursor.execute(
            "insert into listening.dim_track (track_id, track_uri, track_name, content_type, duration_ms, isrc)"
            " select lpad(number::text, 22, '0'), 'spotify:track:' || lpad(number::text, 22, '0'), 'Title', 'track',"
            " 200000 + number, 'ZZAAA26' || lpad(number::text, 5, '0') from generate_series(1, %s) as numbers (number)",
            [track_count],
        )
        cursor.execute(
            "insert into listening.bridge_track_artist (track_key, artist_key, position, role, weight)"
            " select track_key, artist_key, 1, 'main', 1 from listening.dim_track"
            " join listening.dim_artist on artist_id = lpad(((track_id::integer - 1) %% %s + 1)::text, 22, '0')"
            " where track_id is not null",
            [artist_count],
        )
        cursor.execute(
            "insert into listening.dim_listener (listener_id, time_zone, created_at) values ('me', 'UTC', now())"
            " returning listener_key"
        )
        [(listener,)] = cursor.fetchall()
        cursor.execute(
            "insert into listening.fact_play (listener_key, track_key, date_key, time_key, context_key, device_key,"
            " play_profile_key, played_at, ms_played)"
            " select %s, track_key, 20261101, 0, 0, 0, 0, timestamptz '2026-11-01' - interval '4 minutes' * track_key"
            " - interval '1 second' * times, 100000"
            " from listening.dim_track, generate_series(1, case when track_id::integer = 1 then 3 when track_id::integer"
            " = 2 then 2 else 1 end) as plays (times) where track_id is not null",
            [listener],
        )


def everything(count: int) -> tuple[Recording, ...]:
    return tuple(
        Recording(id_of(number), isrc_of(number), 200_000 + number, features_of(id_of(number)))
        for number in range(1, count + 1)
    )


def test_five_thousand_tracks_take_a_hundred_and_twenty_five_calls(database, providers, ask_them, time, ask):
    played(database, 5000)
    providers.knows = ProviderWorld(everything(5000))
    for _ in range(6):
        ask_them("reccobeats")
        time.now += timedelta(hours=3)
    assert [call.path for call in providers.calls] == ["/reccobeats/v1/audio-features"] * 125
    assert len(providers.asked_ids) == len(set(providers.asked_ids)) == 5000
    assert {*providers.asked_ids[:2]} == {id_of(1), id_of(2)}  # the most played first
    rows = ask(
        "select track_id, energy::text, valence::text, tempo::text, key, provider, matched_by"
        " from listening.chosen_feature join listening.dim_track using (track_key)"
    )
    assert len(rows) == 5000
    for track_id, energy, valence, tempo, key, provider, matched_by in rows:
        truth = features_of(track_id)
        assert (float(energy), float(valence), float(tempo)) == (truth["energy"], truth["valence"], truth["tempo"])
        assert key == (None if truth["key"] == -1 else truth["key"])
        assert (provider, matched_by) == ("reccobeats", "id")


def test_a_thousand_artists_take_ten_calls_and_never_two_within_a_second(database, providers, ask_them, time, ask):
    played(database, 1000, 1000)
    providers.knows = ProviderWorld(
        profiles=tuple(Profile(id_of(n), f"Artist {n}", mbid_of(id_of(n)), "DE") for n in range(1, 1001))
    )
    ask_them("musicbrainz")
    ask_them("musicbrainz")
    calls = [call.at for call in providers.calls]
    assert len(calls) == 10 and {call.status for call in providers.calls} == {200}
    assert min(later - earlier for earlier, later in pairwise(calls)) >= timedelta(seconds=1.1)
    rows = ask(
        "select artist_id, mbid, country from listening.artist_identity join listening.dim_artist using (artist_key)"
    )
    assert sorted(rows) == sorted((id_of(n), mbid_of(id_of(n)), "DE") for n in range(1, 1001))


OUTAGES = (
    Fault("*", times=999, status=503, headers={"Retry-After": "7200"}),
    Fault("*", times=999, status=200, body=HTML),
    Fault("*", times=999, fate="reset"),
    Fault("*", times=999, status=500, body=b"{}"),
    Fault("*", times=999, fate="truncated"),
    Fault("*", times=999, status=200, body=b'{"error":{"type":"Exception","message":"Quota limit exceeded","code":4}}'),
    Fault("*", times=999, status=429, headers={"Retry-After": "1"}),
    Fault("*", times=999, status=200, body=b'{"error":29,"message":"Rate Limit Exceeded"}'),
    Fault("*", times=999, status=403, body=b"error code: 1010"),
    Fault("*", times=999, status=404, body=b"{}"),
)


ALL = ("reccobeats", "deezer", *GENRES)
TOLD = {
    "reccobeats": "listening.track_feature",
    "deezer": "listening.track_feature",
    "musicbrainz": "listening.artist_identity",
    "listenbrainz": "listening.artist_genre",
    "wikidata": "listening.artist_genre",
    "lastfm": "listening.artist_genre",
}


@pytest.mark.parametrize("down", [*ALL, "*"])
def test_after_a_week_of_outage_all_values_are_there_and_none_is_wrong(down, database, providers, ask_them, time, ask):
    """Of 90 tracks and 60 artists some are unknown to everybody. One provider, or all, fail in every way there is."""
    played(database, 90, 60)
    knows = ProviderWorld(
        tuple(recording_of(id_of(n), isrc_of(n), 200_000 + n) for n in range(1, 91)),
        tuple(profile_of(id_of(n), f"Artist {n}", (f"genre {n % 7}",)) for n in range(1, 61)),
        is_strict=False,
    )
    providers.knows = knows
    for number in range(20):
        providers.fail(replace(OUTAGES[number % len(OUTAGES)], path=f"/{down}/*"))
        ask_them(*ALL)
        time.now = NOW + timedelta(hours=8.4 * (number + 1))
    for provider in ALL if down == "*" else (down,):
        asked_for = [call for call in providers.calls if call.path.startswith(f"/{provider}/")]
        assert len(asked_for) > 15 or down == "*"
        for table in (TOLD[provider], "ops.provider_miss"):
            assert ask(f"select count(*) from {table} where provider = %s", provider) == [(0,)]

    providers.fail()
    time.now += timedelta(days=1)
    for _ in range(3):
        ask_them(*ALL)
        time.now += timedelta(hours=3)
    expected = {
        one.track_id: (one.features["energy"], one.features["tempo"])
        for one in knows.recordings
        if one.features is not None
    }
    only_tempo = {
        one.track_id: (None, one.tempo)
        for one in knows.recordings
        if one.features is None and one.is_at_deezer and one.tempo
    }
    assert len(expected) > 50 and only_tempo
    rows = ask(
        "select track_id, energy::text, tempo::text from listening.chosen_feature"
        " join listening.dim_track using (track_key)"
    )
    told = {track_id: (energy and float(energy), float(tempo)) for track_id, energy, tempo in rows}
    assert told == expected | only_tempo
    chosen = ask(
        "select artist_id, chosen_genre.genres[1], provider from listening.chosen_genre"
        " join listening.dim_artist using (artist_key)"
    )
    assert sorted(chosen) == sorted((one.artist_id, one.lastfm[0][0], best(one)) for one in knows.profiles)
    assert {row[2] for row in chosen} == {"listenbrainz", "wikidata", "lastfm"}


def best(one: Profile) -> str:
    """Who comes first of those that know this artist's genres; Last.fm knows them all."""
    return "listenbrainz" if one.mbid and one.tags else "wikidata" if one.wikidata else "lastfm"


def test_what_it_does_not_know_is_asked_again_after_7_30_90_and_365_days(database, providers, ask_them, time, ask):
    played(database, 2)
    ask_them("reccobeats")
    assert len(providers.calls) == 2  # by id, then by ISRC
    at = NOW
    for days in (7, 30, 90, 365, 365):
        time.now = at + timedelta(days=days, seconds=-3)  # the run before ended with a pause
        providers.calls.clear()
        ask_them("reccobeats")
        assert providers.calls == [], days
        at = at + timedelta(days=days, minutes=1)
        time.now = at
        ask_them("reccobeats")
        assert len(providers.calls) == 2, days
        at = time.now
    providers.knows = ProviderWorld(everything(2))
    time.now += timedelta(days=366)
    ask_them("reccobeats")
    assert ask("select count(*) from listening.track_feature") == [(2,)]
    assert ask("select count(*) from ops.provider_miss where kind = 'track_id'") == [(0,)]


def test_a_track_that_spotifys_archive_describes_is_told_to_nobody(database, providers, ask_them, ask):
    played(database, 3)
    ask(
        "insert into listening.track_feature (track_key, danceability, energy, valence, provider, fetched_at, matched_by)"
        " select track_key, 0.5, 0.5, case when track_id = %s then 0.5 end, 'spotify_archive', now(), 'id'"
        " from listening.dim_track where track_id in (%s, %s)",
        id_of(1),
        id_of(1),
        id_of(2),
    )
    providers.knows = ProviderWorld(everything(3))
    ask_them("reccobeats")
    assert providers.asked_ids == [id_of(2), id_of(3)]  # the archive of the second one lacks a column
    assert ask("select provider from listening.chosen_feature order by track_key") == [
        ("spotify_archive",),
        ("reccobeats",),
        ("reccobeats",),
    ]


def test_a_404_that_is_no_answer_of_musicbrainz_is_no_miss(database, providers, ask_them, ask):
    played(database, 1, 1)
    providers.fail(Fault("/musicbrainz/*", times=9, status=404, body=HTML))
    [tally] = ask_them("musicbrainz")
    assert (tally.missed_count, tally.failed_count) == (0, 1)
    assert ask("select count(*) from ops.provider_miss") == [(0,)]


def test_of_two_rows_with_one_isrc_the_one_of_the_same_length_is_meant(database, providers, ask_them, ask):
    played(database, 3)
    right, wrong = {"energy": 0.25, "valence": 0.5}, {"energy": 0.75, "valence": 0.5}
    providers.knows = ProviderWorld(
        (
            Recording("a" * 22, isrc_of(1), 260_000, wrong, is_by_isrc=True),
            Recording("b" * 22, isrc_of(1), 202_500, right, is_by_isrc=True),
            Recording("c" * 22, isrc_of(2), 260_000, wrong, is_by_isrc=True),  # another song with the code of this one
        )
    )
    ask_them("reccobeats")
    assert ask(
        "select track_id, energy, matched_by from listening.track_feature join listening.dim_track using (track_key)"
    ) == [(id_of(1), 0.25, "isrc")]


def test_values_outside_of_their_range_are_null_and_counted(database, providers, ask_them, ask):
    played(database, 1)
    odd = {"energy": 1.5, "valence": 0.5, "key": -1, "mode": 7, "loudness": -70.0, "tempo": 0, "danceability": "x"}
    providers.knows = ProviderWorld((Recording(id_of(1), None, 200_000, odd),))
    [tally] = ask_them("reccobeats")
    assert tally.out_of_range_count == 4  # energy, mode, loudness, danceability; key and tempo are only unknown
    assert tally.line() == "reccobeats 1 found, 4 values out of range, 1 call"
    assert ask(
        "select energy, valence, key, mode, loudness, tempo, danceability, out_of_range_count from listening.track_feature"
    ) == [(None, 0.5, None, None, None, None, None, 4)]


def test_a_provider_that_is_down_is_left_and_the_others_are_asked(database, providers, ask_them, time, ask):
    played(database, 200, 5)
    providers.knows = replace(made_profiles(5), recordings=everything(200))
    providers.fail(Fault("/reccobeats/*", times=999, status=500, body=b"{}", headers={"Retry-After": "600"}))
    tallies = {tally.provider: tally for tally in ask_them("reccobeats", "musicbrainz")}
    assert tallies["reccobeats"].line() == "reccobeats 0 found, 1 call, left for now (status 500)"
    assert tallies["musicbrainz"].found_count == 5
    [(resume_at,)] = ask("select resume_at from ops.pause where scope = 'provider reccobeats'")
    assert resume_at == time.now + timedelta(seconds=600) or resume_at >= NOW + timedelta(seconds=600)
    providers.calls.clear()
    [tally] = ask_them("reccobeats")
    assert providers.calls == [] and "wants no calls before" in tally.line()
    time.now += timedelta(minutes=20)
    providers.fail(Fault("/reccobeats/*", times=999, status=500, body=b"{}"))
    [tally] = ask_them("reccobeats")
    assert tally.call_count == base.FAILURES_IN_A_ROW


def made_profiles(count: int) -> ProviderWorld:
    return ProviderWorld(
        profiles=tuple(Profile(id_of(n), f"Artist {n}", mbid_of(id_of(n)), "DE") for n in range(1, count + 1)),
        is_strict=False,
    )


def test_a_batch_that_fails_does_not_keep_the_next_from_being_asked(database, providers, ask_them, ask):
    played(database, 120)
    providers.knows = ProviderWorld(everything(120))
    providers.fail(Fault("/reccobeats/*", times=1, status=500, body=b"{}"))
    ask_them("reccobeats")
    assert ask("select count(*) from listening.track_feature") == [(80,)]
    ask_them("reccobeats")
    assert ask("select count(*) from listening.track_feature") == [(120,)]


def test_busy_for_a_moment_is_waited_for(database, providers, ask_them, time):
    played(database, 3, 3)
    providers.knows = made_profiles(3)
    providers.fail(Fault("/musicbrainz/*", times=1, status=503, headers={"Retry-After": "2"}))
    [tally] = ask_them("musicbrainz")
    assert (tally.found_count, tally.call_count, tally.failed_count) == (3, 2, 0)
    assert time.slept[0] == 2.0


def test_one_artist_alone_has_another_shape_and_a_404_is_a_miss(database, providers, ask_them, time, ask):
    played(database, 1, 1)
    [tally] = ask_them("musicbrainz")
    assert (tally.found_count, tally.missed_count) == (0, 1)
    providers.knows = made_profiles(1)
    time.now += timedelta(days=8)
    [tally] = ask_them("musicbrainz")
    assert (tally.found_count, tally.missed_count) == (1, 0)
    assert ask("select mbid from listening.artist_identity") == [(mbid_of(id_of(1)),)]


def test_spotifys_own_genres_come_first_and_nobody_else_is_asked_for_them(database, providers, ask_them, ask):
    played(database, 2, 2)
    ask("update listening.dim_artist set genres = '{own}' where artist_id = %s", id_of(1))
    providers.knows = ProviderWorld(
        profiles=tuple(Profile(id_of(n), f"Artist {n}", lastfm=(("other", 90), ("rare", 3))) for n in (1, 2))
    )
    ask_them("lastfm")
    assert len(providers.calls) == 1
    assert ask(
        "select artist_id, chosen_genre.genres, provider, provider_name from listening.chosen_genre"
        " join listening.dim_artist using (artist_key) order by 1"
    ) == [(id_of(1), ["own"], "spotify", "Spotify"), (id_of(2), ["other"], "lastfm", "Last.fm")]
    assert ask("select matched_by from listening.artist_genre") == [("name",)]
    ask(
        "insert into listening.artist_genre select artist_key, 'listenbrainz', '{better}', now(), 'id'"
        " from listening.dim_artist where artist_key > 0"
    )
    assert ask("select provider from listening.chosen_genre order by artist_key") == [("spotify",), ("listenbrainz",)]


def test_the_key_of_last_fm_is_in_no_line_and_without_one_it_is_not_asked(database, providers, ask_them, caplog):
    played(database, 2, 2)
    wrong = "a" * 32
    [tally] = ask_them("lastfm", lastfm_api_key=wrong)
    assert "does not accept LASTFM_API_KEY" in providers_said(tally) or tally.failed_count == 2
    assert wrong not in caplog.text + repr(tally) + tally.line()
    providers.calls.clear()
    [tally] = ask_them("lastfm", lastfm_api_key=None)
    assert providers.calls == [] and "LASTFM_API_KEY is not set" in tally.line()


def providers_said(tally) -> str:
    return tally.line()


def test_who_asks_says_so_and_ids_go_nowhere_before_providers_is_set(
    database, warehouse, spotify, providers, time, play, songs, settings
):
    play(Play(next(iter(songs.tracks)), ago(5)))
    record_plays(settings, warehouse, lambda: NOW)
    fill_dimensions(settings_of(database, spotify, **providers.urls), warehouse, lambda: NOW, pace=time.pace)
    assert providers.calls == []
    assert "brapped/" in base.USER_AGENT and "https://" in base.USER_AGENT


def test_the_job_asks_after_the_catalogue_and_while_spotify_pauses(
    database, warehouse, spotify, providers, time, play, songs, settings, ask, no_pauses
):
    tracks = list(songs.tracks)[:30]
    play(*(Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(tracks)))
    record_plays(settings, warehouse, lambda: NOW)
    providers.knows = replace(made_up_providers(songs), is_strict=False)
    warehouse.transaction(
        lambda connection: note_pause(connection, "catalogue", NOW + timedelta(hours=5), "QUOTA_EXCEEDED", NOW)
    )
    mine = settings_of(database, spotify, providers="reccobeats musicbrainz", **providers.urls)
    outcome = fill_dimensions(mine, warehouse, lambda: NOW, pace=time.pace)
    assert outcome.line.startswith("Spotify wants no calls") and "; reccobeats " in outcome.line
    known = {one.track_id for one in providers.knows.recordings if one.features and not one.is_by_isrc}
    assert {row[0] for row in ask("select track_id from listening.track_feature join listening.dim_track"
                                  " using (track_key) where matched_by = 'id'")} == known & set(tracks)  # fmt: skip


def test_another_run_that_asks_is_not_disturbed(database, ask_them, providers, ask):
    played(database, 1)
    ask("insert into ops.lease values ('providers', 'other', %s)", NOW + timedelta(minutes=5))
    assert ask_them("reccobeats") == [] and providers.calls == []


def test_a_misspelt_provider_is_named(brapped):
    ran = brapped("status", PROVIDERS="reccobeat")
    assert ran.returncode == 1
    assert ran.stderr == (
        "brapped: PROVIDERS: 'reccobeat' is not a provider; known are reccobeats, deezer, musicbrainz, listenbrainz,"
        " wikidata, lastfm.\n"
    )
    assert json.dumps(ran.stdout) == '""'
