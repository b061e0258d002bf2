"""A genre or a device in several spellings is one: in rules, in reports, and as it is kept."""

import json
from dataclasses import replace

import pytest
from jobs.test_providers import KEY, Time, id_of, played
from support import NOW, listener_known, settings_of
from support.cases import Song, exported, told

from etl.deadline import Deadline
from etl.dimensions.providers.run import ask_providers
from etl.jobs.exclusions import Conditions, ExclusionError, add, rules
from etl.reports.model import ReportFilter
from etl.reports.query import Reporter
from etl.simulator.provider_server import SimulatedProviders
from etl.simulator.providers import Profile, ProviderWorld
from etl.values import genres

ANN, BOB, CYD = (
    Song(letter, f"Song {letter}", (name,)) for letter, name in zip("ABC", ("Ann", "Bob", "Cyd"), strict=True)
)


@pytest.fixture
def heard(record, ask):
    """Three plays of Ann, two of Bob and one of Cyd, who are K-pop, k-pop and K-POP."""
    songs = [ANN] * 3 + [BOB] * 2 + [CYD]
    record.load([told(-300 - 600 * number, song) for number, song in enumerate(songs)])
    for artist, genre in (("Ann", "K-pop"), ("Bob", "k-pop"), ("Cyd", "k-pop")):
        ask("update listening.dim_artist set genres = array[%s, 'other'] where artist_name = %s", genre, artist)
    return record


def top_genres(record) -> list[tuple]:
    with record.warehouse.engine.begin() as connection:
        made = Reporter(connection, ReportFilter(listener_known(connection, None)), NOW).top("genres")
    return [
        (row["genre_name"], row["play_count"], row["track_count"]) for part in made.sections for row in part.records()
    ]


def test_spellings_of_a_genre_are_one_in_its_most_used_spelling(heard, ask):
    assert top_genres(heard) == [("k-pop", 6, 3), ("other", 6, 3)]
    ask("update listening.dim_artist set genres = '{K-pop,other}' where artist_name = 'Cyd'")
    assert top_genres(heard) == [("K-pop", 6, 3), ("other", 6, 3)]


@pytest.mark.parametrize("spelling", ["k-pop", "K-pop", "K-POP", "pop"])
def test_a_genre_in_two_spellings_is_one_choice(spelling, heard):
    rule = add(heard.settings, heard.warehouse, Conditions({"genre": spelling}), dry_run=True, clock=lambda: NOW)
    assert rule.words == "genre K-pop"  # of more plays than k-pop
    assert rule.listen_count >= 3


def test_whoever_tells_a_genre_it_is_kept_in_one_spelling(database, warehouse, spotify, ask):
    """ListenBrainz, Wikidata and Last.fm each tell one artist, each in a spelling of their own; a rule is about all."""
    played(database, 3, 3)
    mbid = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    nobody = Profile("", "")
    profiles = (
        replace(nobody, artist_id=id_of(1), name="Artist 1", mbid=mbid, tags=(("K-Pop", 3, True),)),
        replace(nobody, artist_id=id_of(2), name="Artist 2", wikidata=("K-pop", "k-pop")),
        replace(nobody, artist_id=id_of(3), name="Artist 3", lastfm=(("K-POP", 90),)),
    )
    time = Time()
    names = "musicbrainz,listenbrainz,wikidata,lastfm"
    with SimulatedProviders(ProviderWorld(profiles=profiles, is_strict=False), time) as server:
        settings = settings_of(database, spotify, providers=names, lastfm_api_key=KEY, **server.urls)
        ask_providers(settings, warehouse, time, Deadline(), time.pace)
    assert ask("select provider, genres from listening.artist_genre order by 1") == [
        ("lastfm", ["k-pop"]),
        ("listenbrainz", ["k-pop"]),
        ("wikidata", ["k-pop"]),
    ]
    [(everything,)] = ask("select count(*) from listening.fact_play")
    assert add(settings, warehouse, Conditions({"genre": "K-Pop"}), clock=lambda: NOW).listen_count == everything > 3
    assert ask("select count(*) from listening.kept_plays('-infinity', 'infinity')") == [(0,)]


def test_genres_of_spotify_are_kept_in_lower_case_and_once():
    assert genres(["K-pop", "k-pop", "Bossa Nova", "ÉLECTRO"]) == ["k-pop", "bossa nova", "électro"]


def test_a_device_in_two_spellings_is_one_and_a_second_rule_of_it_is_refused(record, ask):
    rows = [exported(-300 - 600 * number, ANN, platform="iOS" if number < 3 else "ios") for number in range(5)]
    record.load([*rows, exported(-9000, BOB, platform="Android")])
    for number, spelling in enumerate(("ios", "iOS", "IOS", "os")):
        conditions = Conditions({"device": spelling})
        if number:
            with pytest.raises(ExclusionError, match="has just these conditions"):
                add(record.settings, record.warehouse, conditions, clock=lambda: NOW)
        else:
            made = add(record.settings, record.warehouse, conditions, clock=lambda: NOW)
            assert (made.words, made.listen_count) == ("on iOS", 5)
    assert len(rules(record.settings, record.warehouse)) == 1
    # as it is once another spelling is the most used
    ask("update listening.dim_device set platform = 'Ios' where platform = 'iOS'")
    with pytest.raises(ExclusionError, match="has just these conditions"):
        add(record.settings, record.warehouse, Conditions({"device": "ios"}), clock=lambda: NOW)
    assert json.dumps(rules(record.settings, record.warehouse)[0].words) == '"on iOS"'
