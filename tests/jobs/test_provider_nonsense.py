"""Other providers that answer nonsense, half of a thing, or too soon: a batch fails, and nothing else does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from jobs.test_providers import KEY, Time, everything, id_of, isrc_of, played
from support import ago, settings_of

from etl.deadline import Deadline
from etl.dimensions.providers.musicbrainz import MUSICBRAINZ
from etl.dimensions.providers.run import ask_providers
from etl.simulator.provider_server import SimulatedProviders
from etl.simulator.providers import Profile, ProviderWorld, Recording, features_of, mbid_of
from etl.simulator.routes import Fault, Play
from etl.simulator.world import Answer, Request

NONSENSE = ([[1]], {"x": 1}, None, "\x00\ud800", 1e-300)
ONE = Profile(id_of(1), "Artist 1", mbid_of(id_of(1)), "DE", (("rock", 3, True),), ("rock",), (("rock", 90),))


class Spoiled(SimulatedProviders):
    """Providers in whose answers one part, counted from the outside in, is something else."""

    path = "*"
    place = -1
    part: Any = None
    part_count = 0

    def answer(self, request: Request) -> Answer:
        given = super().answer(request)
        if not request.path.startswith(self.path):
            return given
        body = json.loads(given.body)
        parts = list(parts_of(body))
        self.part_count = len(parts)
        if not 0 <= self.place < len(parts):
            return given
        inside, name = parts[self.place]
        inside[name] = self.part
        return replace(given, body=json.dumps(body).encode())


def parts_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each value within a JSON value: what holds it, and its name or number there."""
    names = range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ()
    for name in names:
        yield value, name
        yield from parts_of(value[name])


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def providers(time) -> Iterator[Spoiled]:
    with Spoiled(ProviderWorld(is_strict=False), time) as server:
        yield server


@pytest.fixture
def ask_them(database, warehouse, spotify, providers, time):
    def run(*names: str, **changes):
        settings = settings_of(
            database, spotify, providers=",".join(names), **{"lastfm_api_key": KEY, **providers.urls, **changes}
        )
        return ask_providers(settings, warehouse, time, Deadline(), time.pace)

    return run


ANSWERS = (
    ("reccobeats", "/reccobeats/v1/audio-features", "id"),
    ("reccobeats", "/reccobeats/v1/audio-features", "isrc"),
    ("reccobeats", "/reccobeats/v1/track", "isrc"),
    ("deezer", "/deezer/", "isrc"),
    ("musicbrainz", "/musicbrainz/", "id"),
    ("listenbrainz", "/listenbrainz/", "id"),
    ("wikidata", "/wikidata/", "id"),
    ("lastfm", "/lastfm/", "id"),
)


@pytest.mark.parametrize(("name", "path", "known_by"), ANSWERS)
def test_whatever_a_part_of_an_answer_is_no_value_is_wrong_and_the_run_goes_on(
    name, path, known_by, database, providers, ask_them, ask
):
    played(database, 1)
    truth = features_of(id_of(1))
    own_id = id_of(1) if known_by == "id" else "a" * 22
    providers.knows = ProviderWorld(
        (Recording(own_id, isrc_of(1), 200_001, truth, 120.5, is_at_deezer=True, is_by_isrc=known_by == "isrc"),),
        (ONE,),
        is_strict=False,
    )
    if name == "listenbrainz":
        ask(
            "insert into listening.artist_identity (artist_key, provider, mbid, fetched_at, matched_by)"
            " select artist_key, 'musicbrainz', %s, now(), 'id' from listening.dim_artist where artist_key > 0",
            ONE.mbid,
        )
    ask_them(name)
    expected = what_is_known(ask)
    assert expected
    forget(ask, name)
    providers.path = path
    failed = 0
    for part in NONSENSE:
        providers.place, providers.part, providers.part_count = 0, part, 1
        while providers.place < providers.part_count:
            [tally] = ask_them(name)
            accounted = tally.found_count + tally.missed_count + tally.failed_count
            assert accounted, (providers.place, part)
            failed += tally.failed_count
            wrong = ask(
                "select * from listening.track_feature where not (energy between 0 and 1 and valence between 0 and 1"
                " and tempo between 0 and 300) or num_nonnulls(energy, tempo, valence, key, mode, loudness) = 0"
            )
            assert wrong == [], (providers.place, part)
            forget(ask, name)
            providers.place += 1
    assert failed
    providers.place = -1
    ask_them(name)
    assert what_is_known(ask) == expected


def what_is_known(ask) -> list:
    return [
        ask(
            "select track_key, provider, energy, tempo, key, matched_by from listening.track_feature"
            " union all select artist_key, provider, null, null, null, genres::text from listening.artist_genre"
        ),
        ask("select artist_key, provider, mbid, country, artist_type from listening.artist_identity"),
    ]


def forget(ask, name) -> None:
    tables = ["listening.track_feature", "listening.artist_genre", "ops.provider_miss", "ops.pause"]
    identities = [] if name == "listenbrainz" else ["listening.artist_identity"]
    ask("; ".join(f"delete from {table}" for table in [*tables, *identities]))


@pytest.mark.parametrize("own_id", [["u"], {"u": 1}, 7, None, ""])
def test_an_id_that_is_none_is_no_end_of_the_job_and_no_miss(own_id, brapped, play, songs, providers, ask):
    play(*(Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:5])))
    assert brapped("plays").returncode == 0
    row = {"id": own_id, "isrc": "ZZAAA2600001", "energy": 0.5}
    providers.fail(Fault("/reccobeats/v1/audio-features", times=9, status=200, body=told([row])))
    urls = {name.upper(): url for name, url in providers.urls.items()}
    ran = brapped("dimensions", PROVIDERS="reccobeats,musicbrainz", **urls)
    assert ran.returncode == 0, ran.stderr
    assert "reccobeats 0 found" in ran.stdout and "; musicbrainz " in ran.stdout
    assert {call.path.split("/")[1] for call in providers.calls} == {"reccobeats", "musicbrainz"}
    assert ask("select count(*) from ops.provider_miss where provider = 'reccobeats'") == [(0,)]


def told(rows: list) -> bytes:
    return json.dumps({"content": rows}).encode()


def test_a_row_that_can_not_be_read_keeps_the_others_and_what_is_missing_is_asked_again(
    database, providers, ask_them, ask
):
    played(database, 3)
    row = {"id": "u", "href": f"https://open.spotify.com/track/{id_of(1)}", "energy": 0.5, "valence": 0.5}
    providers.fail(Fault("/reccobeats/*", times=1, status=200, body=told([row, {**row, "href": 5}])))
    [tally] = ask_them("reccobeats")
    assert (tally.found_count, tally.missed_count, tally.failed_count) == (1, 0, 1)
    assert ask("select count(*) from listening.track_feature") == [(1,)]
    providers.asked_ids.clear()
    ask_them("reccobeats")
    assert providers.asked_ids[:2] == [id_of(2), id_of(3)]


@pytest.mark.parametrize("odd", [{"energy": 7, "valence": "x"}, {"tempo": 1e400, "mode": True}, {"loudness": 99}])
def test_values_that_are_all_out_of_range_are_a_miss_and_the_next_is_asked(
    odd, database, providers, ask_them, time, ask
):
    played(database, 1)
    providers.knows = ProviderWorld(
        (Recording(id_of(1), isrc_of(1), 200_001, odd, 120.5, is_at_deezer=True),), is_strict=False
    )
    reccobeats, deezer = ask_them("reccobeats", "deezer")
    assert (reccobeats.found_count, reccobeats.missed_count) == (0, 1) and deezer.found_count == 1
    assert ask("select provider, tempo from listening.track_feature") == [("deezer", 120.5)]
    providers.knows = ProviderWorld(everything(1))
    ask_them("reccobeats")
    assert ask("select count(*) from listening.track_feature where provider = 'reccobeats'") == [(0,)]
    time.now += timedelta(days=8)
    ask_them("reccobeats")
    assert ask("select count(*) from listening.track_feature where provider = 'reccobeats'") == [(1,)]


def test_of_a_track_without_a_tempo_the_tempo_is_asked_for(database, providers, ask_them, ask):
    played(database, 2)
    known = features_of(id_of(1))
    providers.knows = ProviderWorld(
        (
            Recording(id_of(1), isrc_of(1), 200_001, {**known, "tempo": 0}, 120.5, is_at_deezer=True),
            Recording(id_of(2), isrc_of(2), 200_002, known, 99.5, is_at_deezer=True),
        ),
        is_strict=False,
    )
    ask_them("reccobeats", "deezer")
    assert [call.path for call in providers.calls if "deezer" in call.path] == [f"/deezer/track/isrc:{isrc_of(1)}"]
    assert ask("select provider, energy, tempo, tempo_provider from listening.chosen_feature order by track_key") == [
        ("reccobeats", pytest.approx(known["energy"]), 120.5, "deezer"),
        ("reccobeats", pytest.approx(known["energy"]), pytest.approx(known["tempo"]), "reccobeats"),
    ]


def test_what_nobody_knows_the_length_of_is_not_taken_by_isrc(database, providers, ask_them, ask):
    played(database, 3)
    ask("update listening.dim_track set duration_ms = null where track_id = %s", id_of(1))
    same = {"energy": 0.5, "valence": 0.5}
    providers.knows = ProviderWorld(
        tuple(
            Recording(chr(96 + n) * 22, isrc_of(n), 200_000 + n, same, 120.5, is_at_deezer=True, is_by_isrc=True)
            for n in (1, 2)
        ),
        is_strict=False,
    )
    ask_them("reccobeats")
    assert ask("select track_id from listening.track_feature join listening.dim_track using (track_key)") == [
        (id_of(2),)
    ]
    assert isrc_of(1) not in providers.asked_ids  # nobody is told what could not be used
    for length in (0, None):
        ask("delete from ops.provider_miss where provider = 'deezer'")
        answer = {"id": 1, "bpm": 120.5, "duration": length}
        providers.fail(Fault("/deezer/*", times=9, status=200, body=json.dumps(answer).encode()))
        [tally] = ask_them("deezer")
        assert (tally.found_count, tally.missed_count) == (0, 2)


@pytest.mark.parametrize(
    ("top", "genres"),
    [
        ({"tag": {"name": "Rock", "count": 100}}, ["rock"]),
        ({"tag": [{"name": "Rock", "count": "100"}, {"name": "Indie", "count": "12"}]}, ["rock", "indie"]),
        ({"tag": {"name": "Rock", "count": "9"}}, None),
        ({"tag": []}, None),
        ({"@attr": {"artist": "Artist 1"}}, None),
    ],
)
def test_tags_of_last_fm_are_read_as_it_writes_them(top, genres, database, providers, ask_them, ask):
    played(database, 1)
    providers.fail(Fault("/lastfm/*", times=9, status=200, body=json.dumps({"toptags": top}).encode()))
    [tally] = ask_them("lastfm")
    assert ask("select genres from listening.artist_genre") == ([(genres,)] if genres else [])
    assert (tally.missed_count, tally.failed_count) == (0 if genres else 1, 0)


def test_a_run_that_follows_at_once_keeps_the_pace_of_the_one_before(database, providers, ask_them, time):
    played(database, 1, 1)
    providers.knows = ProviderWorld(is_strict=True)
    for _ in range(3):
        providers.fail(Fault("/musicbrainz/*", times=9, status=200, body=b'{"error":"busy"}'))
        ask_them("musicbrainz")
    calls = [call.at for call in providers.calls]
    assert len(calls) == 3
    assert min(later - earlier for earlier, later in pairwise(calls)) >= timedelta(seconds=MUSICBRAINZ.pause_s)


def test_processes_that_follow_each_other_keep_the_pace(brapped, play, songs):
    """By the real clock: no call to MusicBrainz within a second of the one before, whoever makes it."""
    play(Play(next(iter(songs.tracks)), ago(5)))
    assert brapped("plays").returncode == 0
    busy = Fault("/musicbrainz/*", times=9, status=200, body=b'{"error":"busy"}')
    with SimulatedProviders(ProviderWorld(faults=(busy,)), lambda: datetime.now(UTC)) as server:
        urls = {name.upper(): url for name, url in server.urls.items()}
        for _ in range(2):
            assert brapped("dimensions", PROVIDERS="musicbrainz", **urls).returncode == 0
        first, second = (call.at for call in server.calls)
        assert second - first >= timedelta(seconds=1)
