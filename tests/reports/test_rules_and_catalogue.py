"""A rule holds on when the catalogue describes what an import brought by name; and rules follow what reports count."""

from typing import Any

import pytest
from support import NOW, listener_known
from support.cases import Song, described, exported, minuted, told

from etl.jobs.exclusions import Conditions, Rule, add, rules
from etl.reports.model import ReportFilter
from etl.reports.query import Reporter

KEPT = "select track_name from listening.kept_plays('-infinity', 'infinity') join listening.dim_track using (track_key)"
SONG, TUNE, ELSE, ZED = Song("S", "Song"), Song("T", "Tune"), Song("X", "Else", ("Bob",)), Song("Z", "Zed")


def ruled(record, **names: str) -> Rule:
    return add(record.settings, record.warehouse, Conditions(names), clock=lambda: NOW)


def left_out(record) -> int:
    [rule] = rules(record.settings, record.warehouse)
    return rule.listen_count


def by(song: Song, *artists: tuple[str, str]) -> dict[str, Any]:
    """As the catalogue describes it. artists: id, made longer, and name."""
    return {**described(song), "artists": [{"id": letter * 22, "name": name} for letter, name in artists]}


def on(song: Song, album: str, *artists: str) -> dict[str, Any]:
    """As the catalogue describes it, on an album."""
    of_album = {
        "id": "L" * 22, "uri": "spotify:album:" + "L" * 22, "name": album, "album_type": "album", "images": [],
        "artists": [{"id": name.ljust(22, "0")[:22].replace(" ", "0"), "name": name} for name in artists],
        "release_date": "2020-01-01", "release_date_precision": "day", "total_tracks": 2,
    }  # fmt: skip
    return {**described(song), "album": of_album}


def loaded(record) -> None:
    record.load([exported(-300, SONG), exported(-900, TUNE), exported(-1900, ELSE)])


@pytest.mark.parametrize(
    "catalogue",
    [
        [by(SONG, ("1", "Ann")), by(TUNE, ("1", "Ann"))],
        [by(SONG, ("1", "ANN")), by(TUNE, ("1", "ANN"))],
        [by(SONG, ("1", "Ann")), by(TUNE, ("1", "Ann")), by(ZED, ("2", "Ann"))],
        [by(SONG, ("1", "Ánn"), ("3", "Bob"))],
    ],
    ids=["the same name", "in capitals", "a namesake", "one of two, with a guest"],
)
def test_a_rule_for_an_artist_holds_on(catalogue, record, ask):
    loaded(record)
    assert ruled(record, artist="Ann").listen_count == 2
    for track in catalogue:
        record.describe([track])
    assert left_out(record) == 2
    assert ask(KEPT) == [("Else",)]
    record.load([exported(-5000, Song("N", "New"))])  # by the same name, as exports tell it
    assert left_out(record) == 3 and ask(KEPT) == [("Else",)]


@pytest.mark.parametrize(
    ("name", "artists"),
    [("Album", ["Ann"]), ("Album", ["Ann", "Bob"]), ("Album", ["Various Artists"]), ("ALBUM", ["Ann"]), ("Album (Deluxe)", ["Ann"])],
)  # fmt: skip
def test_a_rule_for_an_album_holds_on(name, artists, record, ask):
    loaded(record)
    assert ruled(record, album="Album by Ann").listen_count == 2
    record.describe([on(SONG, name, *artists)])
    assert left_out(record) == 2 and ask(KEPT) == [("Else",)]
    record.describe([on(TUNE, name, *artists)])
    assert left_out(record) == 2 and ask(KEPT) == [("Else",)]
    record.load([{**told(-50, ZED), "track": on(ZED, name, *artists)}])  # a third track of it
    assert left_out(record) == 3 and ask(KEPT) == [("Else",)]


def test_a_rule_for_a_show_holds_on(record, ask):
    talk = Song("E", "Talk", ("Hosts",), kind="episode")
    record.load([exported(-300, talk), exported(-9000, talk), exported(-1900, ELSE)])
    assert ruled(record, show="Hosts").listen_count == 2
    show = {"id": "H" * 22, "uri": "spotify:show:" + "H" * 22, "name": "Hosts", "publisher": "Network", "images": []}
    episode = {
        "id": talk.id, "uri": talk.uri, "type": "episode", "name": "Talk", "duration_ms": 200_000, "show": show,
        "release_date": "2020-01-01", "release_date_precision": "day", "images": [],
    }  # fmt: skip
    record.load([{**told(-20, talk), "track": episode}])
    assert len(ask("select album_key from listening.dim_album where album_name = 'Hosts'")) == 2
    assert ask(KEPT) == [("Else",)]


def test_a_rule_for_a_genre_leaves_out_what_top_genres_counts(record, ask):
    tune = Song(None, "Tune")
    record.load([told(-300, SONG), told(-900, SONG)])
    record.load([minuted(-300 - 10 * number, tune, 200_000) for number in range(4)])
    ask("update listening.dim_artist set genres = '{pop}' where artist_id is not null returning 1")

    def counted() -> list[int]:
        with record.warehouse.engine.begin() as connection:
            made = Reporter(connection, ReportFilter(listener_known(connection, None)), NOW).top("genres")
        return [row["play_count"] for section in made.sections for row in section.records()]

    assert counted() == [6]
    assert ruled(record, genre="pop").listen_count == 6
    assert counted() == [] and ask(KEPT) == []


def test_a_genre_of_an_artist_that_is_counted_for_another_is_not_asked_for(record, ask):
    record.load([told(-300, SONG)])
    record.load([minuted(-300, Song(None, "Tune"), 200_000)])
    ask("update listening.dim_artist set genres = '{rock}' where artist_id is null and artist_key > 0 returning 1")
    ask("update listening.dim_artist set genres = '{pop}' where artist_id is not null returning 1")
    assert ruled(record, genre="pop").listen_count == 2
    [[rock]] = ask("select count(*) from listening.dim_artist where genres = '{rock}'")
    assert rock == 1
