"""Folders and names as a disk may hold them: links in circles, bytes that are no text, escapes. Nothing is lost, all is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.export_reader import listen, plays, read, written

from etl.sources.exports.reader import ExportError, Unreadable, must_exist

CIRCLE = "it is a link that leads to itself"


def linked(folder: Path, **links: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in links.items():
        (folder / name.replace("_json", ".json")).symlink_to(target)


def test_links_in_circles_are_named_and_the_rest_goes_in(tmp_path):
    folder = tmp_path / "x"
    written(folder / "good.json", [listen()])
    linked(folder, loop_json="loop.json", a_json="b.json", b_json="a.json", up="..", round="round", gone_json="nowhere")
    *broken, part = sorted(read(folder), key=lambda one: one.name != "good.json", reverse=True)
    assert {one.name: one.reason for one in broken} == {
        "loop.json": CIRCLE,
        "a.json": CIRCLE,
        "b.json": CIRCLE,
        "gone.json": "it is not a regular file",
    }
    assert len(plays(part)) == 1


@pytest.mark.parametrize("target", ["loop", "nowhere"])
def test_a_link_that_leads_nowhere_is_said_so(tmp_path, target):
    (tmp_path / "loop").symlink_to(target)
    with pytest.raises(ExportError, match=r"loop is a link that leads nowhere\.$"):
        must_exist([tmp_path / "loop"])


def test_a_path_that_can_not_be_is_a_short_sentence(tmp_path):
    with pytest.raises(ExportError, match="can't be opened: File name too long") as raised:
        must_exist([tmp_path / ("x" * 5000)])
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    "name", [b"Streaming_History_\xff.json", b"Streaming_History_\n\x1b[31m.json", b"a\xe2\x80\xae.json"]
)
def test_names_that_are_no_text_are_read_and_shown_safely(tmp_path, name):
    for folder in (b"plain", b"folder \xff\n\x1b[31m"):
        path = written(tmp_path / os.fsdecode(folder) / os.fsdecode(name), [listen()])
        for typed in (path, path.parent):
            [part] = read(typed)
            assert len(plays(part)) == 1
            assert part.name.isprintable() and part.package.isprintable()
            assert part.name.encode() and part.package.encode()


def test_a_folder_without_any_history_is_named_safely(tmp_path):
    odd = tmp_path / os.fsdecode(b"empty \xff\n\x1b[31m")
    odd.mkdir()
    written(tmp_path / "good" / "good.json", [listen()])
    _, unreadable = read(tmp_path / "good", odd)
    assert unreadable == Unreadable("empty ???[31m", "there is no listening history in it")
    with pytest.raises(ExportError, match=r"No listening history in .*/empty \?\?\?\[31m\. Looked"):
        read(odd)


@pytest.mark.parametrize("name", [b"nothing \xff\n\x1b[31m", b"empty \xff\n\x1b[31m"])
def test_what_is_said_of_a_name_is_one_line_of_text(name, environment, tmp_path, database, spotify):
    path = tmp_path / os.fsdecode(name)
    if name.startswith(b"empty"):
        path.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "etl", "import", path], env=environment, cwd=tmp_path, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (1, b"")
    [said] = ran.stderr.decode().splitlines()
    assert said.isprintable() and "???[31m" in said and "unexpected" not in said


def test_the_receipt_of_odd_names_is_kept(brapped, tmp_path, ask):
    folder = tmp_path / os.fsdecode(b"mine \xff")
    written(folder / "endsong_0.json", [listen()])
    linked(folder, loop_json="loop.json")
    empty = tmp_path / os.fsdecode(b"empty \xff")
    empty.mkdir()
    ran = brapped("import", *map(str, (folder, empty)))
    assert (ran.returncode, ran.stderr) == (1, "")
    assert ask("select file_name, unreadable_reason from ops.import_file order by 1") == [
        ("empty ?", "there is no listening history in it"),
        ("endsong_0.json", None),
        ("loop.json", CIRCLE),
    ]
    assert ask("select count(*) from listening.fact_play") == [(1,)]
