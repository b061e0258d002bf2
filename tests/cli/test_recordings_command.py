"""`brapped recordings` as a person uses it: looks, decides, takes back; and every report counts each play once."""

import json
import re
from collections import Counter
from collections.abc import Callable

import psycopg2
import pytest
from support import ROOT, libpq, whole_facts
from support.cases import Record, Song, exported, told

ANN = Song("A", "Feeling Good", ("Ann",), 200_000, "QZ0000000001")
AGAIN = Song("B", "Feeling Good - Remastered 2011", ("Ann",), 203_000, "QZ0000000002")
BOB = Song("C", "Feeling Good", ("Bob",), 190_000, "QZ0000000003")
ROMAN = Song("D", "Prelude II", ("Ann",), 100_000)
ROMAN_NEXT = Song("E", "Prelude III", ("Ann",), 100_000)
SLIP = Song("F", "Felling Goood", ("Ann",), 200_500, "QZ0000000004")
TRACKS = "select track_uri, coalesce(recording_key, track_key) from listening.dim_track where track_key > 0 order by 1"


@pytest.fixture
def heard(record: Record, ask) -> Record:
    """A dozen plays of six songs, all by pages of the list."""
    often = [ANN] * 4 + [AGAIN] * 3 + [BOB] * 2 + [ROMAN, ROMAN_NEXT, SLIP]
    record.load([told(-600 * number, song) for number, song in enumerate(often)])
    return record


def said(ran) -> str:
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def sentence(ran) -> str:
    """What it said, however it was broken into lines."""
    return " ".join(said(ran).split())


def failed(ran) -> str:
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    return ran.stderr


def alike(ask, *songs: Song) -> bool:
    keys = dict(ask(TRACKS))
    return len({keys[song.uri] for song in songs}) == 1


def test_a_dry_run_says_what_would_change_and_changes_nothing(heard, brapped, ask):
    facts, keys = whole_facts(ask), ask(TRACKS)
    preview = sentence(brapped("recordings", "merge", "ann feeling good", AGAIN.id, "--dry-run"))
    before, after = preview.split("After:")
    assert "Feeling Good by Ann: 1 track, 4 plays, 13 min, place 1 among all" in before
    assert "Feeling Good - Remastered 2011 by Ann: 1 track, 3 plays, 10 min, place 2 among all" in before
    assert "Feeling Good by Ann: 2 tracks, 7 plays, 23 min, place 1 among all" in after
    assert "The number of plays stays the same." in after and "Nothing was changed (dry run)." in after
    assert (whole_facts(ask), ask(TRACKS)) == (facts, keys)
    assert ask("select count(*) from listening.recording_decision") == [(0,)]
    failed(brapped("recordings", "merge", ANN.id, "zzz"))
    made = said(brapped("recordings", "merge", "ann feeling good", AGAIN.id))
    assert "recordings undo 1" in made  # what was tried or refused took no number
    assert "It takes the place of decision 1." in said(brapped("recordings", "split", ANN.id, AGAIN.id))
    assert [row["decision_key"] for row in json.loads(said(brapped("recordings", "list", "--json")))] == [2]


def test_merged_listed_shown_and_taken_back(heard, brapped, ask):
    facts, keys = whole_facts(ask), ask(TRACKS)
    link = f"https://open.spotify.com/intl-de/track/{AGAIN.id}?si=abc"
    [number] = re.findall(
        r"recordings undo (\d+)", said(brapped("recordings", "merge", ANN.uri, link, "--note", "One."))
    )
    assert alike(ask, ANN, AGAIN)
    listed = sentence(brapped("recordings", "list"))
    assert f"{number}: Feeling Good by Ann ({ANN.uri}) and Feeling Good - Remastered 2011 by Ann" in listed
    assert "one recording" in listed and "“One.”" in listed
    shown = sentence(brapped("recordings", "show", AGAIN.id))
    assert "2 tracks, 7 plays" in shown and shown.count("decided by a person") == 2 and "Decided by you:" in shown
    assert "Decision" in said(brapped("recordings", "undo", number))
    assert (whole_facts(ask), ask(TRACKS)) == (facts, keys)
    assert "Nothing is decided" in said(brapped("recordings", "list"))


def test_a_merge_that_makes_one_play_of_two_says_so_beforehand(record, brapped, ask):
    record.load([told(-600, ANN)], [exported(-602, AGAIN, 200_000)])
    preview = said(brapped("recordings", "merge", ANN.id, AGAIN.id, "--dry-run"))
    assert "1 play less in all (2 → 1): two sources told of them." in preview
    said(brapped("recordings", "merge", ANN.id, AGAIN.id))
    assert ask("select count(*) from listening.fact_play") == [(1,)]
    assert "1 play more in all (1 → 2)" in said(brapped("recordings", "split", ANN.id, AGAIN.id))


def test_a_name_of_several_tracks_names_them_and_a_wrong_one_what_is_near(heard, brapped):
    several = failed(brapped("recordings", "merge", "feeling good", "ann prelude ii"))
    assert "Several tracks are called “feeling good”" in several
    assert all(str(song.uri) in several for song in (ANN, BOB)) and str(AGAIN.uri) not in several
    near = failed(brapped("recordings", "merge", "feling goot", ROMAN.id))
    assert "No track recorded here is called “feling goot”" in near and str(ANN.uri) in near
    assert "has a name like “zzzz”" in failed(brapped("recordings", "show", "zzzz"))
    assert "is not recorded here" in failed(brapped("recordings", "show", "spotify:track:" + "Z" * 22))
    assert "Both names stand for one track" in failed(brapped("recordings", "split", ANN.id, ANN.uri))
    assert "There is no decision 7" in failed(brapped("recordings", "undo", "7"))


def test_a_decision_made_twice_and_music_with_speech_are_refused(heard, brapped):
    heard.load([exported(-90_000, Song("G", "Feeling Good", ("Ann",), kind="episode"), 100_000)])
    assert "can't be decided about together" in failed(
        brapped("recordings", "merge", ANN.id, "spotify:episode:" + "G" * 22)
    )
    said(brapped("recordings", "split", ANN.id, AGAIN.id))
    assert "decided already" in failed(brapped("recordings", "split", AGAIN.id, ANN.id))


def test_titles_are_not_shown_in_a_log_of_github(heard, brapped):
    ran = brapped("recordings", "show", ANN.id, GITHUB_ACTIONS="true")
    assert ran.returncode == 1 and "Feeling" not in ran.stdout + ran.stderr


def test_review_shows_what_looks_alike_until_it_is_decided(heard, brapped):
    rows = json.loads(said(brapped("recordings", "review", "--json")))
    pairs = {frozenset((row["track_uri"], row["other_track_uri"])): row for row in rows}
    assert pairs.keys() == {  # neither another artist's song, nor a piece with another number
        frozenset((ANN.uri, AGAIN.uri)),
        frozenset((ANN.uri, SLIP.uri)),
    }
    assert pairs[frozenset((ANN.uri, AGAIN.uri))]["likeness"] == "same title but for its ending"
    assert pairs[frozenset((ANN.uri, SLIP.uri))]["likeness"] == "similar title"
    assert [row["play_count"] + row["other_play_count"] for row in rows] == [7, 5]
    text = said(brapped("recordings", "review", "--limit", "1"))
    assert "2 pairs of recordings may be one; 1 pair of them here:" in text and "lengths 3.0 s apart" in text
    [command] = re.findall(r"brapped (recordings split .*)", text)
    said(brapped(*command.split()))
    left = json.loads(said(brapped("recordings", "review", "--json")))
    assert [{row["track_uri"], row["other_track_uri"]} for row in left] == [{ANN.uri, SLIP.uri}]
    said(brapped("recordings", "merge", ANN.id, SLIP.id))
    # the other two are looked at anew, but what was split stays split
    assert json.loads(said(brapped("recordings", "review", "--json"))) == []


MANY = """
insert into listening.dim_artist (artist_id, artist_name) select lpad(n::text, 22, '0'), 'Artist ' || n from generate_series(1, 40) as numbers (n);
insert into listening.dim_track (track_id, track_uri, track_name, content_type, duration_ms)
select lpad(n::text, 22, '0'), 'spotify:track:' || lpad(n::text, 22, '0'),
    translate(md5((n / 2)::text), '0123456789', 'ghijklmnop') || case n % 2 when 1 then ' - Live' else '' end, 'track', 100000 + n * 7 % 200000
from generate_series(2, 20001) as numbers (n);
insert into listening.bridge_track_artist (track_key, artist_key, position, role, weight)
select track_key, artist_key, 1, 'main', 1 from listening.dim_track
join listening.dim_artist on artist_id = lpad((1 + track_id::integer / 2 % 40)::text, 22, '0') where track_key > 0;
insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, ms_played, time_key)
select timestamptz '2020-01-01Z' + track_key * interval '5 minutes', (select min(listener_key) from listening.dim_listener), track_key, 20200101, 0, 0, 0, 60000, 0
from listening.dim_track where track_key > 0;
analyze
"""
ALL_PAIRS = 20_000 * 500 // 2  # of one artist, with 40 artists of 500 tracks each


def looked_at(node: dict) -> float:
    """Rows that the joins of a plan looked at, those included that were not alike."""
    rows = node["Actual Rows"] + node.get("Rows Removed by Join Filter", 0) + node.get("Rows Removed by Filter", 0)
    own = rows * node["Actual Loops"] if "Join" in node["Node Type"] or node["Node Type"] == "Nested Loop" else 0
    return own + sum(looked_at(inner) for inner in node.get("Plans", ()))


def test_review_of_20_000_tracks_compares_few_pairs(record, brapped, database):
    """Not all of an artist's with each other: the plan says how many rows its joins looked at."""
    statement = (ROOT / "sql/ops/recordings/review.sql").read_text("utf-8").replace(":row_limit", "3")
    with psycopg2.connect(libpq(database)) as connection, connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("explain (analyze, format json) " + statement)
        [([plan],)] = cursor.fetchall()
    connection.close()
    assert looked_at(plan["Plan"]) < ALL_PAIRS / 4
    rows = json.loads(said(brapped("recordings", "review", "--json", "--limit", "3")))
    assert len(rows) == 3 and rows[0]["pair_count"] >= 10_000


# Nothing is counted in two places.


def report(brapped: Callable, *arguments: str) -> list[dict]:
    sections = json.loads(said(brapped("report", *arguments, "--format", "json")))["sections"]
    return sections[0]["rows"]


@pytest.mark.parametrize("state", ["undecided", "merged", "merged at home", "split"])
def test_each_play_counts_once_in_every_report(record, brapped, ask, state):
    """Against plain Python over the plays and the decisions: what each top says of each track, album and artist."""
    same_code = Song("B", "Feeling Good", ("Bob",), 200_100, ANN.isrc)  # one recording by its code, by another artist
    other = Song("F", "Mood", ("Cat",), 150_000, "QZ0000000009")
    often = [ANN] * 5 + [same_code] * 3 + [other] * 2 + [ROMAN]
    record.load([exported(-600 * number, song, 100_000 + number, master_metadata_album_album_name=f"Album of {song.by[0]}")
                 for number, song in enumerate(often)], [told(-900_000, song) for song in (ANN,)])  # fmt: skip
    record.load([told(-900_000 - 600 * number, song) for number, song in enumerate((ANN, same_code, other, ROMAN), 1)])
    if state == "merged":
        said(brapped("recordings", "merge", ANN.id, other.id))
    elif state == "merged at home":
        said(brapped("recordings", "merge", ANN.id, ROMAN.id))
    elif state == "split":
        said(brapped("recordings", "split", ANN.id, same_code.id))
    played = Counter({ANN: 7, same_code: 4, other: 3, ROMAN: 2})
    groups = {
        "undecided": [{ANN, same_code}, {other}, {ROMAN}],
        "merged": [{ANN, same_code, other}, {ROMAN}],
        "merged at home": [{ANN, same_code, ROMAN}, {other}],
        "split": [{ANN}, {same_code}, {other}, {ROMAN}],
    }[state]
    sums = sorted((sum(played[song] for song in group) for group in groups), reverse=True)
    assert ask("select count(*) from listening.fact_play") == [(16,)]
    tracks = report(brapped, "top", "tracks", "--limit", "99")
    assert [row["play_count"] for row in tracks] == sums and sum(sums) == 16
    artists = report(brapped, "top", "artists", "--limit", "99")
    assert {row["artist_name"]: row["play_count"] for row in artists} == {"Ann": 9, "Bob": 4, "Cat": 3}
    albums = report(brapped, "top", "albums", "--limit", "99")
    by_album = {row["album_name"]: (row["play_count"], row["track_count"]) for row in albums}
    assert by_album == {
        "Album of Ann": (9, 1 if state == "merged at home" else 2),
        "Album of Bob": (4, 1),
        "Album of Cat": (3, 1),
    }
    found = json.loads(said(brapped("search", "feeling good", "--format", "json")))["sections"]
    names = [row["play_count"] for section in found for row in section["rows"] if "track_name" in row]
    wanted = [sum(played[song] for song in group) for group in groups if {ANN, same_code} & group]
    assert sorted(names, reverse=True) == sorted(wanted, reverse=True)
    sections = json.loads(said(brapped("report", "track", "ann feeling good", "--format", "json")))["sections"]
    numbers = [row["play_count"] for section in sections if section["title"] == "In numbers" for row in section["rows"]]
    assert numbers == [sum(played[song] for song in group) for group in groups if ANN in group]
    sections = json.loads(said(brapped("report", "artist", "ann", "--format", "json")))["sections"]
    of_ann = [row["play_count"] for section in sections for row in section["rows"] if "artist_role" in row]
    own = [sum(played[song] for song in group if song.by == ("Ann",)) for group in groups]
    assert sorted(of_ann) == sorted(filter(None, own)) and sum(of_ann) == 9


# What goes on beside a decision, and after it.


def test_a_decision_is_not_made_while_recordings_are_derived(heard, brapped, database, ask):
    """It would not be seen there. Nobody waits for the other, so neither can wait in a ring."""
    with psycopg2.connect(libpq(database)) as connection, connection.cursor() as cursor:
        cursor.execute("lock table listening.recording_decision in share mode")
        assert "then run this again" in failed(brapped("recordings", "split", ANN.id, AGAIN.id))
        assert ask("select count(*) from listening.recording_decision") == [(0,)]
    connection.close()
    said(brapped("recordings", "split", ANN.id, AGAIN.id))


def test_decisions_survive_a_backup_and_hold_where_it_is_restored(heard, brapped, moving, target, tmp_path):
    said(brapped("recordings", "merge", ANN.id, AGAIN.id))
    said(brapped("recordings", "split", ANN.id, SLIP.id))
    listed = said(brapped("recordings", "list"))
    path = tmp_path / "backup.zip"
    assert moving("--backup", str(path))[0] == 0
    assert moving("--restore", str(path), "--to", target)[0] == 0
    assert said(brapped("recordings", "list", DATABASE_URL=target)) == listed
    said(brapped("rebuild", DATABASE_URL=target))
    assert "2 tracks" in said(brapped("recordings", "show", ANN.id, DATABASE_URL=target))
    said(brapped("recordings", "undo", "1", DATABASE_URL=target))
    assert "1 track," in said(brapped("recordings", "show", ANN.id, DATABASE_URL=target))
