"""Links and titles as they come: a shared link is understood by every command that takes one, and JSON is harmless."""

import json

import pytest
from support.cases import Song, exported
from support.export_files import write_folder

ID, OTHER, ARTIST = "4uLU6hMCjMI75M1A2tKUQC", "5uLU6hMCjMI75M1A2tKUQC", "6uLU6hMCjMI75M1A2tKUQC"
SHARED = "?si=Rz3HNdQ6TcSUW5RkcJjXqg"  # of 22 characters, as an id
EVIL = "\x1b]0;o\x07\u202e\x9b2JSong"


@pytest.fixture
def heard(brapped, tmp_path, ask):
    rows = [
        {**exported(-300 - 600 * n, Song("S", name)), "spotify_track_uri": f"spotify:track:{track_id}"}
        for n, (track_id, name) in enumerate([(ID, EVIL), (OTHER, "Other")] * 2)
    ]
    folder = write_folder(tmp_path / "x", {"Streaming_History_Audio_2026.json": rows})
    assert brapped("import", str(folder), "--listener", "ada").returncode == 0
    ask("update listening.dim_artist set artist_id = %s where artist_name = 'Ann'", ARTIST)


LINKS = ("{}", "spotify:{kind}:{}", "https://open.spotify.com/{kind}/{}" + SHARED,
         "https://open.spotify.com/intl-de/{kind}/{}" + SHARED + "&nd=1", "open.spotify.com/{kind}/{}")  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
def test_each_command_understands_a_shared_link(link, heard, brapped):
    track, other = link.format(ID, kind="track"), link.format(OTHER, kind="track")
    for arguments, words in (
        (("exclude", "add", "--track", track, "--dry-run"), "Would leave out track"),
        (("exclude", "add", "--track", other, "--dry-run"), "Would leave out track Other by Ann: 2 plays"),
        (("exclude", "add", "--artist", link.format(ARTIST, kind="artist"), "--dry-run"), "artist Ann: 4 plays"),
        (("recordings", "show", other), "Other by Ann is a recording of its own"),
        (("recordings", "merge", track, other, "--dry-run"), "Nothing was changed (dry run)."),
    ):
        ran = brapped(*arguments)
        assert (ran.returncode, ran.stderr) == (0, "") and words in ran.stdout


def test_a_link_of_something_else_is_said_to_be_that(heard, brapped):
    link = f"https://open.spotify.com/album/{ID}{SHARED}"
    ran = brapped("exclude", "add", "--artist", link)
    assert ran.stderr == "brapped: That is the link of an album, and --artist wants an artist.\n"
    ran = brapped("recordings", "show", link)
    assert ran.stderr == "brapped: That is the link of an album. Write a track, by title or by its own link.\n"


def test_json_of_every_command_is_harmless_and_says_what_was_recorded(heard, brapped, ask):
    ask("update listening.dim_listener set listener_name = %s", EVIL)
    made = brapped("exclude", "add", "--track", ID)
    assert made.returncode == 0
    for command in (
        ("exclude", "list", "--json"),
        ("listener", "list", "--json"),
        ("import", "--receipts", "--json"),
        ("recordings", "show", ID, "--json"),
        ("status", "--json"),
        ("report", "history", "--format", "json"),
        ("report", "history", "--format", "extended"),
        ("report", "top", "tracks", "--format", "json", "--with-excluded"),
        ("import", "--undo", "1", "--dry-run", "--json"),
    ):
        ran = brapped(*command)
        assert ran.stdout, (command, ran.stderr)
        assert not set("\x1b\x07\x9b\u202e") & set(ran.stdout), command
        assert EVIL in texts(json.loads(ran.stdout)), command


def texts(value) -> str:
    """All texts within a JSON value, one after the other."""
    if isinstance(value, dict):
        return "".join(map(texts, value.values()))
    return "".join(map(texts, value)) if isinstance(value, list) else str(value)
