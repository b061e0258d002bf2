"""Values of exports in the types that other tools write: each row goes in with what it says, or is refused by name."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.export_reader import URI, heard, listen, nameless, part_of, plays, read, rows, told, written

from etl.sources.exports.reader import Malformed
from etl.staging import Part

YES = (True, 1, 1.0, "true", "True", "TRUE", " true ", "1", "1.0", "yes", "Y", "t", "on")
NO = (False, 0, 0.0, "false", "False", "0", "0.0", "no", "N", "f", "off")
NOT_TOLD = (None, math.nan, "")
UNCLEAR = (2, -1, 0.5, "perhaps", [], [True], {}, {"a": 1}, math.inf)
FLAGS = {"shuffle": "is_shuffle", "skipped": "is_skipped", "offline": "is_offline", "incognito_mode": "is_private"}
END = datetime(2024, 8, 29, 14, 48, 46, tzinfo=UTC)


# Flags.


@pytest.mark.parametrize("key", FLAGS)
def test_a_flag_is_read_however_it_is_written(tmp_path, key):
    spellings = {True: YES, False: NO, None: NOT_TOLD}
    listed = [(value, meaning) for meaning, values in spellings.items() for value in values]
    part = part_of(tmp_path, [listen(**{key: value}) for value, _ in listed])
    assert [play[FLAGS[key]] for play in plays(part)] == [meaning for _, meaning in listed]
    assert (part.notes, part.malformed) == ((), ())


@pytest.mark.parametrize("key", FLAGS)
def test_a_flag_that_can_not_be_read_is_unknown_and_counted(tmp_path, key):
    part = part_of(tmp_path, [listen(), *(listen(**{key: value}) for value in UNCLEAR)])
    assert [play[FLAGS[key]] for play in plays(part)] == [listen()[key]] + [None] * len(UNCLEAR)
    assert part.notes == (f"{len(UNCLEAR)} rows: {key} can't be read: left empty",)


@pytest.mark.parametrize("value", [*YES, *UNCLEAR])
def test_a_private_row_is_left_out_however_its_flag_is_written(tmp_path, value):
    """The account data tells the same listen, and is without it too."""
    at = "2024-08-29T14:48:46Z"
    private = nameless(
        ts=at, incognito_mode=value, master_metadata_track_name="Song", master_metadata_album_artist_name="Ann"
    )
    written(tmp_path / "x" / "endsong_0.json", [private, listen(ms_played=8)])
    written(tmp_path / "x" / "StreamingHistory_music_0.json", [heard(), heard(msPlayed=9)])
    account, extended = read(tmp_path / "x", without_private=True)
    assert (account.private_count, extended.private_count) == (1, 1)
    assert [play["ms_played"] for play in plays(account, extended)] == [9, 8]
    is_clear = any(value is one for one in YES)
    assert extended.notes == (() if is_clear else ("1 row: incognito_mode can't be read: left out as private",))


@pytest.mark.parametrize("value", [*NO, *NOT_TOLD])
def test_a_row_that_is_not_said_to_be_private_stays(tmp_path, value):
    part = part_of(
        tmp_path, [listen(incognito_mode=value), listen(incognito_mode=True, ms_played=1)], without_private=True
    )
    assert (part.private_count, [play["ms_played"] for play in plays(part)]) == (1, [200000])


# What was played.


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("episode_name", math.nan),
        ("episode_name", ["x"]),
        ("episode_show_name", {"a": 1}),
        ("audiobook_title", False),
        ("audiobook_title", True),
        ("audiobook_chapter_title", math.inf),
        ("spotify_episode_uri", 0),
        ("spotify_episode_uri", 5),
        ("audiobook_chapter_uri", []),
        ("offline_timestamp", "soon"),
        ("reason_start", 7),
        ("platform", ["ios"]),
        ("conn_country", 43),
    ],
)
def test_a_field_that_is_not_about_what_was_played_costs_no_play(tmp_path, key, value):
    part = part_of(tmp_path, [listen(**{key: value})])
    assert [(play["track_uri"], play["ms_played"]) for play in plays(part)] == [(URI, 200000)]
    says_nothing = value is False or value == 0 or (isinstance(value, float) and math.isnan(value))
    assert part.notes == (() if says_nothing else (f"1 row: {key} can't be read: left empty",))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (listen(spotify_track_uri=["x"]), "spotify_track_uri is not a text"),
        (listen(master_metadata_track_name=True), "master_metadata_track_name is not a text"),
        (listen(master_metadata_album_album_name={}), "master_metadata_album_album_name is not a text"),
        (nameless(spotify_track_uri=5), "spotify_track_uri is not a text"),
        (nameless(spotify_episode_uri="spotify:episode:" + "e" * 22, episode_name=["x"]), "episode_name is not a text"),
        (nameless(episode_name="Talk", episode_show_name=True), "episode_show_name is not a text"),
        (listen(ts="172494292600"), "ts is not a UTC time since 2006"),
        (listen(ts=10**16), "ts is not a UTC time since 2006"),
        (listen(ts=-1), "ts is not a UTC time since 2006"),
        (listen(ts=True), "ts is not a UTC time since 2006"),
        (listen(ts=[2024]), "ts is not a UTC time since 2006"),
    ],
)
def test_a_row_of_which_it_can_not_be_said_what_was_played_or_when_is_refused_by_name(tmp_path, row, reason):
    part = part_of(tmp_path, [listen(ms_played=1), row])
    assert part.malformed == (Malformed(2, reason),)
    assert [play["ms_played"] for play in plays(part)] == [1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (heard(episodeName=["x"], podcastName="Show"), "episodeName is not a text"),
        (heard(artistName=True), "artistName is not a text"),
        (heard(endTime=1724942926), "endTime is not a UTC time since 2006"),  # not a whole minute
    ],
)
def test_so_is_a_row_of_the_account_data(tmp_path, row, reason):
    assert part_of(tmp_path, [heard(), row]).malformed == (Malformed(2, reason),)


@pytest.mark.parametrize("value", [math.nan, False, ["x"], {}])
def test_an_odd_episode_beside_music_costs_no_row_of_the_account_data(tmp_path, value):
    part = part_of(tmp_path, [heard(episodeName=value, audiobookName=value)])
    assert [play["track_uri"] for play in plays(part)] == ["name:track:Ann:Song"]


@pytest.mark.parametrize(
    ("number", "title"),
    [("22", "22"), ("22.0", "22"), ("1989", "1989"), ("0", "0"), ("-1", "-1"), ("3.14159265358979323846", "3.14159265358979323846"), ("1e3", "1000"), ("9" * 50, "9" * 50)],
)  # fmt: skip
def test_a_title_that_is_a_number_is_that_text(tmp_path, number, title):
    extended, account = (
        json.dumps([row]).replace('"NUMBER"', number).encode()
        for row in (
            listen(master_metadata_track_name="NUMBER", master_metadata_album_artist_name="NUMBER"),
            heard(trackName="NUMBER", artistName="NUMBER"),
        )
    )
    for content in (extended, account):
        part = part_of(tmp_path, content)
        [track] = rows(part.tables["staging_track"])
        [artist] = rows(part.tables["staging_artist"])
        assert (track["track_name"], artist["artist_name"], part.malformed, part.notes) == (title, title, (), ())


@pytest.mark.parametrize("digits", ["9" * 5000, "1e400", "1e99999999999999999999", "Infinity"])
def test_a_number_too_large_for_anything_costs_its_row_only(tmp_path, digits):
    for key, reason in (
        ("ms_played", "ms_played is not a whole number from 0 to 2147483647"),
        ("master_metadata_track_name", "master_metadata_track_name is not a text"),
        ("ts", "ts is not a UTC time since 2006"),
    ):
        part = part_of(tmp_path, json.dumps([listen(), listen(**{key: "NUMBER"})]).replace('"NUMBER"', digits).encode())
        assert (part.malformed, len(plays(part))) == ((Malformed(2, reason),), 1)


# When.


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (1724942926, "2024-08-29T14:48:46Z"),
        (1724942926.0, "2024-08-29T14:48:46Z"),
        (1724942926.5, "2024-08-29T14:48:46.500Z"),
        (1724942926123, "2024-08-29T14:48:46.123Z"),
        (1724942926123.0, "2024-08-29T14:48:46.123Z"),
        ("1724942926", "2024-08-29T14:48:46Z"),
        ("1724942926.0", "2024-08-29T14:48:46Z"),
        ("1724942926123", "2024-08-29T14:48:46.123Z"),
        (1136073600, "2006-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_read_from_seconds_and_milliseconds_since_1970(tmp_path, ts, text):
    part = part_of(tmp_path, [listen(ts=ts, offline_timestamp=None)])
    assert ([play["played_at"] for play in plays(part)], part.notes) == ([text], ())


@pytest.mark.parametrize("end", [1724942880, 1724942880000.0, "1724942880"])
def test_a_minute_of_the_account_data_too(tmp_path, end):
    assert [play["played_at"] for play in plays(part_of(tmp_path, [heard(endTime=end)]))] == ["2024-08-29T14:48:00Z"]


@pytest.mark.parametrize(
    ("stamp", "start"),
    [
        (1724942725.0, "2024-08-29T14:45:25Z"),
        (1724942725.5, "2024-08-29T14:45:25.500Z"),
        (1724942725910.0, "2024-08-29T14:45:25.910Z"),
        (0.0, None),
        (math.nan, None),
    ],
)
def test_a_start_that_is_told_with_a_point_is_kept(tmp_path, stamp, start):
    part = part_of(tmp_path, [listen(offline_timestamp=stamp)])
    assert ([play["started_at"] for play in plays(part)], part.notes) == ([start], ())


def test_what_was_cut_or_left_out_of_a_text_is_said(tmp_path):
    listed = [listen(platform="x" * 300), listen(master_metadata_track_name="a\x00b"), listen(reason_end="é" * 201)]
    part = part_of(tmp_path, listed)
    assert part.notes == (
        "1 row: master_metadata_track_name has characters that no database can store: left out",
        "1 row: platform has more than 200 characters: cut",
        "1 row: reason_end has more than 200 characters: cut",
    )


# All of it together.

TITLES = [("Song", "Song"), (22, "22"), (22.0, "22"), (None, None), (math.nan, None), (False, None)]
SPELLINGS: dict[str, list[Any]] = {  # how a value may be written → what it says
    **{key: [(value, said) for said, values in ((True, YES), (False, NO), (None, NOT_TOLD)) for value in values] for key in FLAGS},
    "ts": [(END.strftime("%Y-%m-%dT%H:%M:%SZ"), END), (int(END.timestamp()), END), (END.timestamp(), END), (int(END.timestamp() * 1000), END), (str(int(END.timestamp())), END)],
    "ms_played": [(0, 0), (200000, 200000), (200000.0, 200000)],
    "master_metadata_track_name": TITLES,
    "master_metadata_album_artist_name": TITLES,
    "episode_name": TITLES,
    "spotify_episode_uri": [(None, None), (0, None), (False, None), (math.nan, None), ("", None)],
    "reason_end": [("trackdone", "trackdone"), (None, None), (math.nan, None), ("", None)],
}  # fmt: skip
ODD = st.sampled_from(
    [[], {}, {"a": 1}, ["x"], True, "\ud83d", "x\x00", math.inf, -1, 10**30, 2.5, "perhaps", math.nan]
)
KEYS = [*SPELLINGS, "offline_timestamp", "platform", "conn_country", "spotify_track_uri", "audiobook_title"]


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional={key: st.sampled_from(spelled) for key, spelled in SPELLINGS.items()}))
def test_every_spelling_of_a_row_goes_in_as_the_same_row(tmp_path, chosen):
    part = part_of(tmp_path, [listen(**{key: value for key, (value, _) in chosen.items()})])
    assert (part.malformed, part.notes, part.row_count) == ((), (), 1)
    [play] = plays(part)
    said = {key: meaning for key, (_, meaning) in chosen.items()}
    assert play["played_at"] == "2024-08-29T14:48:46Z" and play["track_uri"] == URI
    assert play["ms_played"] == said.get("ms_played", 200000)
    assert play["reason_end"] == said.get("reason_end", "trackdone")
    for key, column in FLAGS.items():
        assert play[column] is said.get(key, listen()[key])
    [track] = told(part.tables["staging_track"])
    assert track.get("track_name") == said.get("master_metadata_track_name", "Song")
    assert track.get("album_artist_name") == said.get("master_metadata_album_artist_name", "Ann")


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(KEYS), ODD, min_size=1, max_size=4), st.booleans())
def test_an_odd_row_goes_in_unchanged_or_what_became_of_it_is_named(tmp_path, odd, without_private):
    part = part_of(tmp_path, [listen(ms_played=7), listen(**odd)], without_private=without_private)
    assert isinstance(part, Part)
    assert part.row_count == 2 == len(plays(part)) + part.malformed_count + part.private_count
    if part.malformed:
        assert part.malformed[0].row_number == 2
        assert part.malformed[0].reason.split()[0] in odd
        return
    if part.private_count:
        assert "incognito_mode" in odd and without_private
        return
    play, usual = plays(part)[1], plays(part_of(tmp_path, [listen()]))[0]
    columns = {
        **FLAGS,
        "platform": "platform",
        "reason_end": "reason_end",
        "conn_country": "country_code",
        "ms_played": "ms_played",
        "ts": "played_at",
    }
    for key, column in columns.items():
        if key not in odd:
            assert play[column] == usual[column]
        elif not any(f": {key} " in note for note in part.notes):
            is_nothing = isinstance(odd[key], float) and math.isnan(odd[key])
            assert play[column] == (None if is_nothing else odd[key])
