"""Histories of other services, in every form that is read: what becomes a play, what is bad, and what is no history."""

import json
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from support import NOW

from etl.sources.exports.archives import JsonFile, Unreadable
from etl.sources.exports.others import service_of
from etl.sources.services.reader import HistoryReader
from etl.staging import Part

HEADER = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"
TRACK_ID = "4uLU6hMCjMI75M1A2tKUQC"


def read(content: bytes | str, name: str = "a.csv") -> Part:
    part = tried(content, name)
    assert isinstance(part, Part)
    return part


def tried(content: bytes | str, name: str = "a.csv", *, is_named: bool = True) -> Part | Unreadable | None:
    told = content.encode() if isinstance(content, str) else content
    reader = HistoryReader(NOW + timedelta(days=1))
    return reader.part(JsonFile("a", name, len(told), Path(name), None, is_named), told)


def plays(part: Part) -> list[tuple]:
    """Source, moment, URI and milliseconds of each."""
    staged = part.tables["staging_play"]
    return list(zip(*(staged[name] for name in ("source", "played_at", "track_uri", "ms_played")), strict=True))


def bad(part: Part) -> list[str]:
    assert part.row_count == len(part.tables["staging_play"]) + part.malformed_count
    return [str(one) for one in part.malformed]


def csv_of(*lines: str, end: str = "\n") -> str:
    return end.join((HEADER, *lines))


def track(name: str = "One", artist: object = None, **others: object) -> dict:
    """A track of user.getRecentTracks."""
    return {"artist": artist or {"#text": "Ann"}, "album": {"#text": "First"}, "name": name, **others}


def dated(uts: object, name: str = "One") -> dict:
    return track(name, date={"uts": uts, "#text": "01 Jan 2020, 12:34"})


def listen(at: object, *, artist: object = "Ann", **info: object) -> dict:
    return {
        "listened_at": at,
        "inserted_at": 1_700_000_000.5,
        "track_metadata": {
            "artist_name": artist,
            "track_name": "One",
            "release_name": "First",
            "additional_info": info,
            "mbid_mapping": None,
        },
    }


def lines_of(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def scrobble(at: object = 1_577_882_040, **others: object) -> dict:
    """Of Maloja."""
    told = {
        "artists": ["Ann", "Bob"],
        "title": "One",
        "album": {"artists": ["Ann"], "albumtitle": "First"},
        "length": None,
    }
    return {"time": at, "track": {**told, **others.pop("track", {})}, "duration": None, "origin": "x", **others}  # type: ignore[dict-item]


def aliases(*names: str) -> list[dict]:
    return [{"alias": name, "source": "x", "is_primary": place == len(names)} for place, name in enumerate(names, 1)]


def koito_listen(at: object = "2020-01-01T12:34:00Z", **others: object) -> dict:
    return {
        "listened_at": at,
        "client": "",
        "track": {"mbid": None, "duration": 354, "aliases": aliases("Uno", "One")},
        "album": {"aliases": aliases("First")},
        "artists": [
            {"is_primary": False, "aliases": aliases("Bob")},
            {"is_primary": True, "aliases": aliases("Ann")},
        ],
        **others,
    }


def koito(*rows: dict) -> str:
    return json.dumps({"version": "1", "exported_at": "2026-01-01T00:00:00Z", "user": "x", "listens": rows})


MINUTE = ("lastfm_minutes", "2020-01-01T12:34:00Z", "name:track:Ann:One", None)
SECOND = ("lastfm", "2020-01-01T12:34:00Z", "name:track:Ann:One", None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Ann,First,One,01 Jan 2020 12:34", MINUTE),
        ("Ann,First,One,01 Jan 2020 12:34\r\n\r\n", MINUTE),
        ('Ann,First,One,"01 Jan 2020, 12:34"', MINUTE),
        ("Ann,,One,1 jan 2020 12:34", MINUTE),
        ("Ann,First,One,01 Jan 2020 12:34:00", SECOND),
        ("artist,album,track,date\nAnn,First,One,01 Jan 2020 12:34", MINUTE),
        ("Artist;Album;Track;Date\nAnn;First;One;2020-01-01 12:34", MINUTE),
        ("Artist\tTrack\tTime\nAnn\tOne\t2020-01-01T12:34:00Z", SECOND),
        ("time,title,artist\n2020-01-01 14:34:00+02:00,One,Ann", SECOND),
        (csv_of('"1577882040","01 Jan 2020, 12:34","Ann","","First","","One",""'), SECOND),
        (csv_of('"1577882040","01 Jan 2020, 12:34","Ann","","First","","One",""', end="\r\n"), SECOND),
        ("\ufeff" + csv_of("1577882040,,Ann,,First,,One,"), SECOND),
        (csv_of("1577882040,,Ann,,First,,One,").encode("utf-16"), SECOND),
        (csv_of("1577882040000,,Ann,,First,,One,"), SECOND),
    ],
)
def test_a_csv_of_last_fm(content, expected):
    part = read(content)
    assert plays(part) == [expected]
    assert (part.kind, bad(part), part.notes) == (expected[0], [], ())


def test_a_csv_with_names_of_every_kind():
    part = read(csv_of('1577882040,,"Ann, Bob",,"Fir""st",,"One\nTwo",', "1577882041,,Zoë,,,,Café,"))
    assert [uri for _, _, uri, _ in plays(part)] == [
        "name:track:Ann%2C%20Bob:One%0ATwo",
        "name:track:Zo%C3%AB:Caf%C3%A9",
    ]
    assert part.tables["staging_album"]["album_name"] == ['Fir"st']


def test_a_csv_in_windows_1252_is_read_and_noted():
    part = read("Zoë,First,Café,01 Jan 2020 12:34".encode("cp1252"))
    assert [uri for _, _, uri, _ in plays(part)] == ["name:track:Zo%C3%AB:Caf%C3%A9"]
    assert part.notes == ("read as Windows-1252: it is not UTF-8",)


def test_a_broken_byte_costs_its_row_alone():
    good = "\n".join(f"{1_577_882_040 + n},,Zoë,,,,Café {n}," for n in range(9))
    part = read(f"{HEADER}\n{good}\n".encode() + b"1577882100,,Zo\xff,,,,Tune,\n")
    assert (len(plays(part)), bad(part)) == (9, ["row 10: its text is not UTF-8"])


def test_bad_rows_of_a_csv_are_listed_by_number():
    lines = (
        "1577882040,,,,First,,One,",
        "1577882040,,Ann,,First,, ,",
        "soon,,Ann,,First,,One,",
        "0,01 Jan 1970,Ann,,First,,One,",
        "4102444800,,Ann,,First,,One,",
        "1577882040,,Ann",
        "-5,,Ann,,,,One,",
        "1577882040,,Ann,,First,,One,",
    )
    assert bad(read(csv_of(*lines))) == [
        "row 1: its artist is missing",
        "row 2: its track is missing",
        "row 3: its date is missing, or no time",
        "row 4: its date is before 2002 or in the future",
        "row 5: its date is before 2002 or in the future",
        "row 6: it has too few columns",
        "row 7: its date is missing, or no time",
    ]


UNSPLIT = "a quotation mark in it is not closed, or a field is too long"


def bare(number: int) -> str:
    """A row of lastfm-to-csv."""
    return f"Ann,First,Song {number},01 Jan 2020 {12 + number // 60:02}:{number % 60:02}"


def songs(part: Part) -> list[str]:
    return [uri.rpartition(":")[2] for uri in part.tables["staging_play"]["track_uri"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("position", [0, 3, 199])
def test_a_mark_that_is_never_closed_costs_its_line_at_most(position, end):
    rows = [bare(number) for number in range(200)]
    rows[position] = 'Ann,First,"Heroes,01 Jan 2020 23:59'
    part = read(end.join(rows))
    assert (part.row_count, bad(part)) == (200, [])
    assert songs(part)[position] == "%22Heroes"
    rows[position] = 'Ann,"First","Heroes,01 Jan 2020 23:59'
    if position:  # a first line like this tells nothing of the layout
        part = read(end.join(rows))
        assert (part.row_count, bad(part)) == (200, [f"row {position + 1}: {UNSPLIT}"])
        assert len(plays(part)) == 199


@pytest.mark.parametrize("apart", [1, 2, 5, 9, 30])
def test_two_marks_that_are_never_closed_swallow_nothing_between_them(apart):
    rows = [bare(number) for number in range(60)]
    rows[3], rows[3 + apart] = 'Ann,First,"Heroes,01 Jan 2020 23:58', 'Ann,First,Low",01 Jan 2020 23:59'
    part = read("\n".join(rows))
    assert (part.row_count, bad(part)) == (60, [])


def test_a_cut_file_gives_what_is_whole():
    part = read(f'{HEADER}\n1577882040,,Ann,,First,,One,\n1577882040,,"{"x" * 200_000}')
    assert (plays(part), bad(part)) == ([SECOND], [f"row 2: {UNSPLIT}"])


@pytest.mark.parametrize("breaks", [1, 8])
def test_a_line_break_in_a_title_is_one_row(breaks):
    title = '"One' + "\n" * breaks + 'Two, ""live"""'
    part = read(csv_of(f"1577882040,,Ann,,First,,{title},", "1577882100,,Ann,,First,,Three,"))
    assert (part.row_count, bad(part)) == (2, [])


@pytest.mark.parametrize("names", [[], [0], [0, 40, 80]])
def test_what_is_playing_comes_first_and_on_every_page_of_a_csv_without_a_header(names):
    rows = [bare(number) for number in range(100)]
    for place in names:
        rows.insert(place, "Ann,First,Now,")
    part = read("\r\n".join(rows))
    assert (len(plays(part)), part.row_count) == (100, 100)
    noted = f"{len(names)} row{'s' * (len(names) > 1)}: has no date, like a track that was playing: left out"
    assert part.notes == ((noted,) if names else ())
    assert tried("\r\n".join(rows), is_named=False) is not None


def test_a_file_in_which_nothing_has_a_date_is_none_of_last_fm():
    for content in ("Ann,First,Now,\n" * 3, "a,b,c,\nd,e,f,g\n", ",,,\n" + bare(1)):
        assert isinstance(tried(content), Unreadable)


@pytest.mark.parametrize("seed", range(40))
def test_every_line_is_a_play_or_bad_wherever_marks_stand(seed):
    """Lines with marks anywhere, without one that a title goes on over: as many rows as lines."""
    chance = Random(seed)
    rows = [bare(number) for number in range(80)]
    for place in chance.sample(range(1, 80), 12):
        at = chance.randrange(len(rows[place]) + 1)
        rows[place] = f'{rows[place][:at]}"{rows[place][at:]}'
    part = read("\n".join(rows))
    assert part.row_count == len(plays(part)) + part.malformed_count == 80
    assert set(songs(read("\n".join(row for row in rows if '"' not in row)))) <= set(songs(part))


def test_what_is_playing_is_no_play_and_is_noted():
    playing = track("Now", **{"@attr": {"nowplaying": "true"}})
    part = read(
        json.dumps({"recenttracks": {"track": [playing, dated("1577882040")], "@attr": {"page": "1"}}}), "a.json"
    )
    assert (plays(part), part.row_count) == ([SECOND], 1)
    assert part.notes == ("1 row: was playing when the file was written, which is no play yet: left out",)
    part = read(csv_of(",,Ann,,,,Now,", "1577882040,,Ann,,,,One,"))
    assert (plays(part), part.notes) == ([SECOND], ("1 row: has no date, like a track that was playing: left out",))


@pytest.mark.parametrize(
    "content",
    [
        {"recenttracks": {"track": [dated("1577882040")]}},
        {"recenttracks": {"track": dated("1577882040")}},
        [{"recenttracks": {"track": [dated(1_577_882_040)]}}, {"recenttracks": {"track": []}}],
        [{"track": [dated("1577882040")], "@attr": {"page": "1"}}],
        [dated("1577882040")],
        [[dated("1577882040")]],
        {"recenttracks": {"track": [track(artist={"name": "Ann", "url": "x"}, date={"uts": "1577882040"})]}},
        {"recenttracks": {"track": [{**dated("1577882040"), "artist": {"#text": "Ann"}, "album": "First"}]}},
    ],
)
def test_json_of_last_fm(content):
    part = read(json.dumps(content), "a.json")
    assert (plays(part), bad(part)) == ([SECOND], [])


def test_bad_rows_of_last_fms_json():
    rows = [track(), track(date={"uts": ""}), dated(True), dated("1577882040", ""), {"date": {"uts": 1}}, 5, dated(1)]
    assert bad(read(json.dumps({"recenttracks": {"track": rows}}), "a.json")) == [
        "row 1: its date is missing, or no time",
        "row 2: its date is missing, or no time",
        "row 3: its date is missing, or no time",
        "row 4: its track is missing",
        "row 5: its artist is missing",
        "row 6: it is not a JSON object",
        "row 7: its date is before 2002 or in the future",
    ]


def test_lines_of_listenbrainz():
    part = read(lines_of(listen(1_577_882_040), listen(1_577_882_041.25)), "listens/2020/1.jsonl")
    assert plays(part) == [
        ("listenbrainz", "2020-01-01T12:34:00Z", "name:track:Ann:One", None),
        ("listenbrainz", "2020-01-01T12:34:01.250000Z", "name:track:Ann:One", None),
    ]
    assert part.tables["staging_play"]["started_at"] == part.tables["staging_play"]["played_at"]


@pytest.mark.parametrize(
    "info",
    [
        {"spotify_id": f"https://open.spotify.com/track/{TRACK_ID}"},
        {"spotify_id": f"spotify:track:{TRACK_ID}"},
        {"origin_url": f"https://open.spotify.com/intl-de/track/{TRACK_ID}?si=x"},
        {"spotify_id": f"http://open.spotify.com/track/{TRACK_ID}", "origin_url": "https://example.com/track/x"},
    ],
)
def test_an_id_of_spotifys_is_taken(info):
    part = read(lines_of(listen(1_577_882_040, **info)), "1.jsonl")
    assert [uri for _, _, uri, _ in plays(part)] == [f"spotify:track:{TRACK_ID}"]
    assert part.tables["staging_track"]["track_id"] == [TRACK_ID]


@pytest.mark.parametrize(
    "link",
    [
        f"https://example.com/track/{TRACK_ID}",
        "https://open.spotify.com/track/x",
        f"https://open.spotify.com/album/{TRACK_ID}",
        5,
    ],
)
def test_any_other_address_is_no_id(link):
    part = read(lines_of(listen(1_577_882_040, spotify_id=link)), "1.jsonl")
    assert [uri for _, _, uri, _ in plays(part)] == ["name:track:Ann:One"]


def test_what_listenbrainz_copied_from_spotify_is_dated_to_the_end():
    own = {"music_service": "spotify.com", "spotify_artist_ids": [], "artist_names": ["Ann", "Bob"]}
    old = {"listening_from": "spotify", "spotify_artist_ids": []}
    uploaded = {"music_service": "spotify.com", "ms_played": 150_000}
    other = {"music_service": "spotify.com", "submission_client": "Web Scrobbler"}
    part = read(
        lines_of(*(listen(1_577_882_040, artist="Ann, Bob", **info) for info in (own, old, uploaded, other))), "1.jsonl"
    )
    assert [(source, uri, ms) for source, _, uri, ms in plays(part)] == [
        ("listenbrainz_spotify", "name:track:Ann:One", None),
        ("listenbrainz_spotify", "name:track:Ann%2C%20Bob:One", None),
        ("listenbrainz_spotify", "name:track:Ann%2C%20Bob:One", 150_000),
        ("listenbrainz", "name:track:Ann%2C%20Bob:One", None),
    ]
    started = part.tables["staging_play"]["started_at"]
    assert started == [None, None, None, "2020-01-01T12:34:00Z"]


def test_bad_lines_of_listenbrainz_cost_themselves_alone():
    good = lines_of(listen(1_577_882_040))
    part = read(good + "{\n\n" + "[]\n" + lines_of(listen(None), listen(1_577_882_040, artist=None)) + good, "1.jsonl")
    assert len(plays(part)) == 2
    assert bad(part) == [
        "row 2: it is not JSON",
        "row 3: it is not a JSON object",
        "row 4: its date is missing, or no time",
        "row 5: its artist is missing",
    ]


def test_the_list_of_listenbrainz_earlier_export():
    assert len(plays(read(json.dumps([listen(1_577_882_040)]), "ann_lb-2020-01-01.json"))) == 1


def test_an_export_of_maloja():
    rows = (scrobble(), scrobble(track={"album": None}), scrobble(duration=150), scrobble(duration=0))
    part = read(json.dumps({"maloja": {"export_time": 1}, "scrobbles": rows}, indent=3), "maloja.json")
    assert plays(part) == [
        ("maloja", "2020-01-01T12:34:00Z", "name:track:Ann:One", ms) for ms in (None, None, 150_000, None)
    ]
    part = read(json.dumps({"status": "ok", "list": [scrobble()]}), "maloja.json")
    assert len(plays(part)) == 1


def test_bad_rows_of_maloja():
    rows = [scrobble("x"), scrobble(track={"artists": []}), scrobble(track={"title": None}), {"track": 5}]
    assert bad(read(json.dumps({"maloja": {}, "scrobbles": rows}), "maloja.json")) == [
        "row 1: its date is missing, or no time",
        "row 2: its artist is missing",
        "row 3: its track is missing",
        "row 4: its date is missing, or no time",
    ]


def test_an_export_of_koito():
    part = read(koito(koito_listen(), koito_listen("2020-01-01T13:34:00.5+01:00")), "koito.json")
    assert plays(part) == [
        ("koito", "2020-01-01T12:34:00Z", "name:track:Ann:One", None),
        ("koito", "2020-01-01T12:34:00.500000Z", "name:track:Ann:One", None),
    ]
    assert part.tables["staging_album"]["album_name"] == ["First"]


def test_bad_rows_of_koito():
    rows = (koito_listen(5), koito_listen(artists=None), koito_listen(track={}), koito_listen("0001-01-01T00:00:00Z"))
    assert bad(read(koito(*rows), "koito.json")) == [
        "row 1: its date is missing, or no time",
        "row 2: its artist is missing",
        "row 3: its track is missing",
        "row 4: its date is before 2002 or in the future",
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('{"maloja": {}, "scrobbles": [{"time": 1', "a.json"),
        ('{"recenttracks": {"track": [', "a.json"),
        (koito(koito_listen())[:-3], "a.json"),
    ],
)
def test_a_file_that_was_cut_is_refused_with_a_sentence(content, name):
    part = tried(content, name)
    assert isinstance(part, Unreadable)
    assert part.reason == "it is incomplete, or not JSON"


@pytest.mark.parametrize("content", ['{"maloja": {}, "scrobbles": 5}', '{"maloja": 1, "scrobbles": {}}'])
def test_a_file_of_another_form_is_refused_with_a_sentence(content):
    part = tried(content, "a.json")
    assert isinstance(part, Unreadable) and part.reason == "its JSON has another form than its service writes"


@pytest.mark.parametrize("content", ["", "\n", "a,b\n1,2\n", "artist,track\nAnn,One\n", "Ann,First,One,yesterday"])
def test_any_other_csv_is_refused_if_it_was_named_and_passed_over_in_a_folder(content):
    part = tried(content)
    assert isinstance(part, Unreadable) and "docs/importing.md" in part.reason
    assert tried(content, is_named=False) is None
    assert service_of(content.encode()) is None


@pytest.mark.parametrize(
    "content", ['{"recording_msid": "x", "score": 1}\n', '{"user_id": 1, "username": "ann"}\n', "[]", "{}"]
)
def test_what_else_is_in_the_archives_is_passed_over(content):
    assert tried(content, "feedback.jsonl", is_named=False) is None
    assert tried(content, "user.json", is_named=False) is None


def test_an_empty_history_has_no_rows():
    part = read(HEADER)
    assert (part.row_count, len(part.tables["staging_play"])) == (0, 0)


def test_of_several_albums_the_latest_of_a_song_is_dated_latest():
    part = read(csv_of("1577882040,,Ann,,Single,,One,", "1577882100,,Ann,,Album,,One,"))
    staged = part.tables["staging_track"]
    assert list(zip(staged["album_name"], staged["named_at"], strict=True)) == [
        ("Single", "2020-01-01T12:34:00Z"),
        ("Album", "2020-01-01T12:35:00Z"),
    ]
