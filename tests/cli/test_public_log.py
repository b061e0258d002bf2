"""What commands say in a log of GitHub Actions, which anybody may read: no title, no name, no note, no file's name."""

import json

import pytest
from support.cases import Song, exported
from support.export_files import write_folder

LINE = "Zanzibar Ann,Zanzibar album,Zanzibar tune,01 Jan 2020 12:34\n"


@pytest.fixture
def heard(brapped, tmp_path):
    """Plays of a listener, an artist and songs whose names all begin with Zanzibar, and rules about them."""
    songs = (Song("A", "Zanzibar song", ("Zanzibar Ann",)), Song("B", "Zanzibar song - Live", ("Zanzibar Ann",)))
    rows = [exported(-300 - 600 * n, songs[n % 2], platform="Zanzibar phone") for n in range(4)]
    rows += [{**exported(-9000, songs[0]), "ts": "Zanzibar time"}]
    folder = write_folder(tmp_path / "x", {"Streaming_History_Audio_2026_zanzibar.json": rows})
    (tmp_path / "recenttracks-Zanzibar.csv").write_text(LINE * 2 + "Zanzibar Ann,Zanzibar album,Zanzibar tune,never\n")
    assert brapped("import", str(folder), "--listener", "Zanzibar Ada").returncode == 1  # one row is bad
    rule = ("exclude", "add", "--artist", "zanzibar ann", "--note", "Zanzibar note")
    assert brapped(*rule).returncode == 0
    return {"folder": str(folder), "csv": str(tmp_path / "recenttracks-Zanzibar.csv")}


COMMANDS = (
    ("exclude", "add", "--artist", "{ann}"),
    ("exclude", "add", "--artist", "{ann}", "--dry-run"),
    ("exclude", "add", "--track", "{part}"),
    ("exclude", "add", "--album", "{nowhere}"),
    ("exclude", "add", "--device", "{part}"),
    ("exclude", "add", "--context", "{part}"),
    ("exclude", "list"),
    ("exclude", "list", "--json"),
    ("exclude", "remove", "1"),
    ("exclude", "remove", "9", "--dry-run"),
    ("recordings", "review"),
    ("recordings", "review", "--json"),
    ("recordings", "show", "{part}"),
    ("recordings", "list", "--json"),
    ("recordings", "merge", "A" * 22, "B" * 22),
    ("recordings", "split", "A" * 22, "B" * 22, "--dry-run"),
    ("recordings", "undo", "1"),
    ("listener", "list"),
    ("listener", "list", "--json"),
    ("listener", "rename", "{part}", "New"),
    ("listener", "rename", "Zanzibar Ada", "Zanzibar B"),
    ("listener", "delete", "{part}", "--yes"),
    ("listener", "delete", "Zanzibar Ada", "--dry-run"),
    ("import", "--receipts"),
    ("import", "--receipts", "--json"),
    ("import", "--undo", "1", "--dry-run"),
    ("import", "--undo", "9", "--yes"),
    ("import", "{folder}", "--again", "--listener", "Zanzibar Ada"),
    ("import", "{folder}", "--again", "--listener", "Zanzibar Ada", "--json"),
    ("import", "{csv}", "--listener", "Zanzibar Ada", "--dry-run"),
    ("import", "{csv}", "--listener", "Zanzibar Ada", "--dry-run", "--json"),
    ("import", "{csv}", "--listener", "Zanzibar Eve", "--dry-run"),
    ("status",),
    ("status", "--json"),
    ("plays",),
    ("dimensions",),
    ("rebuild", "--dry-run"),
)
TYPED = {"ann": "zanzibar ann", "part": "zanz", "nowhere": "zanzibar nowhere"}


def test_nothing_personal_is_in_a_public_log(heard, brapped, tmp_path):
    wrong = []
    summary = tmp_path / "summary.md"
    for number, command in enumerate(COMMANDS):
        arguments = [one.format(**TYPED, **heard) for one in command]
        summary.write_text("")
        ran = brapped(*arguments, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
        said = ran.stdout + ran.stderr + summary.read_text()
        if "zanz" in said.lower() or "unexpected" in said:
            wrong.append((number, command, ran.returncode, said))
    assert wrong == []


def test_a_rule_is_neither_made_nor_removed_in_a_public_log_and_the_error_says_where_to(heard, brapped):
    before = json.loads(brapped("exclude", "list", "--json").stdout)
    for arguments in (("add", "--artist", "zanzibar ann", "--from-hour", "1", "--until-hour", "2"), ("remove", "1")):
        ran = brapped("exclude", *arguments, GITHUB_ACTIONS="true")
        assert ran.returncode == 1 and ran.stdout == ""
        assert ran.stderr == (
            "brapped: Rules are shown by the names of artists and titles, and the logs of GitHub Actions may be read by"
            " others. Run this on your own computer, with DATABASE_URL set as it is there.\n"
        )
    assert json.loads(brapped("exclude", "list", "--json").stdout) == before and len(before) == 1


def test_a_public_receipt_numbers_the_files(heard, brapped):
    ran = brapped("import", heard["csv"], "--dry-run", GITHUB_ACTIONS="true")
    assert "file 1" in ran.stdout and "bad: file 1, row 3" in ran.stdout
    told = json.loads(brapped("import", heard["csv"], "--dry-run", "--json", GITHUB_ACTIONS="true").stdout)
    assert [file["file_name"] for file in told["files"]] == [None]
    told = json.loads(brapped("import", heard["csv"], "--dry-run", "--json").stdout)
    assert [file["file_name"] for file in told["files"]] == ["recenttracks-Zanzibar.csv"]
