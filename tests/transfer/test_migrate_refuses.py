"""What migrate.py can't do ends in a sentence: no traceback, no password, and nothing replaced that is no file."""

import errno
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from support import NOW, ROOT, asked, fresh_database
from support.warehouse_state import PASSWORD, fill

from etl import whole_file
from etl.transfer import backup as backups
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

ADDRESS = f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/x"
OPTIONS = re.findall(r'add_argument\("(--[\w-]+)"', (ROOT / "migrate.py").read_text(encoding="utf-8"))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What is typed


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    "form",
    [
        "{option}={address}",
        "{option} {address} {address}",
        "{option}={address} {option}={address} x{address}",
        "{option}x={address}",
        "{option} {address} --verify={address}",
        "--restore x {option}={address} --check",
    ],
)
def test_no_mistake_on_the_command_line_repeats_an_address(option, form, moving, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("etl.warehouse.connection.backoff_s", lambda failures: 0)  # nothing listens at ADDRESS
    monkeypatch.setattr("etl.transfer.endpoints.backoff_s", lambda failures: 0)
    status, output = moving(*form.format(option=option, address=ADDRESS).split())  # which sees to the password
    assert status in (1, 2) and "somebody" not in output and "Traceback" not in output


@pytest.mark.quick
def test_an_option_without_its_value_is_named(moving):
    status, output = moving("--from")
    assert status == 2 and "argument --from: expected one argument" in output
    status, output = moving("--check=1")
    assert status == 2 and "argument --check: ignored explicit argument …" in output


# Where a backup goes


@pytest.mark.parametrize("name", [".", "", "/", "..", "a-folder", "a-folder/.."])
def test_a_backup_does_not_become_a_folder(name, moving, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a-folder").mkdir()
    status, output = moving("--backup", name)
    assert status == 1 and "is a folder. Name a file in it" in output
    assert names_in(tmp_path) == ["a-folder"]


def made(path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("only root makes a device")
    elif kind == "socket":
        os.mknod(path, 0o600 | stat.S_IFSOCK)
    else:
        precious = path.with_name("precious")
        precious.write_text("precious")
        path.symlink_to("precious" if kind == "link" else "/nowhere/at/all")


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "link", "dangling link"])
def test_a_backup_replaces_nothing_but_a_file(kind, moving, tmp_path):
    path = tmp_path / "b.zip"
    made(path, kind)
    before = path.lstat()
    status, output = moving("--backup", str(path))
    assert status == 1 and "not replaced" in output and str(path) in output
    assert path.lstat() == before
    assert [name for name in names_in(tmp_path) if name.startswith(".")] == []
    if "link" in kind:
        assert (tmp_path / "precious").read_text() == "precious"


def test_a_backup_writes_through_nobodys_link(moving, tmp_path):
    """Whoever else may write in the folder can't say beforehand where the draft goes."""
    victim = tmp_path / "victim"
    victim.write_text("of root")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (".b.zip.part", ".brapped-.part", ".brapped-x.part"):
        (folder / name).symlink_to(victim)
    assert moving("--backup", str(folder / "b.zip"))[0] == 0
    assert victim.read_text() == "of root"
    assert stat.S_IMODE((folder / "b.zip").stat().st_mode) == 0o600


@pytest.mark.quick
def test_a_name_as_long_as_names_may_be_will_do(moving, tmp_path):
    assert moving("--backup", str(tmp_path / ("x" * 251 + ".zip")))[0] == 0


def test_what_a_killed_backup_left_is_removed_and_what_is_at_work_is_not(moving, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_file, "YOUNG_S", 0)
    (tmp_path / ".brapped-left.part").write_text("half")
    with whole_file.whole_file(tmp_path / "other.zip") as file:
        file.write(b"whole")
        assert moving("--backup", str(tmp_path / "b.zip"))[0] == 0
    assert names_in(tmp_path) == ["b.zip", "other.zip"]
    assert (tmp_path / "other.zip").read_bytes() == b"whole"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_more_is_said(number, moving, tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("etl.whole_file.tempfile.mkstemp", full)
    status, output = moving("--backup", str(tmp_path / "b.zip"))
    assert status == 1 and f"can't be written: {os.strerror(number)}." in output


# Older projects


@pytest.fixture
def old(cluster: str) -> Iterator[str]:
    """The database of an older project, as its owner."""
    yield from fresh_database(cluster, "template0")


COLUMNS = "track_uri text, track_name text, artist_name text"
TRACK = "spotify:track:" + "A" * 22


def history(url: str, moment: str, played: str, *rows: tuple[object, object], number: str = "") -> None:
    asked(url, f"create table listening_history ({number}{COLUMNS}, played_at {moment}, ms_played {played})")
    for at, ms in rows:
        asked(
            url,
            "insert into listening_history (track_uri, track_name, artist_name, played_at, ms_played) values (%s, 't', 'a', %s, %s)",
            TRACK,
            at,
            ms,
        )


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        ("timestamptz", "infinity"),
        ("timestamptz", "-infinity"),
        ("timestamp", "-infinity"),
        ("timestamptz", "0044-03-15 BC"),
        ("timestamp", "0044-03-15 BC"),
        ("timestamptz", "20000-03-15"),
        ("timestamptz", "0001-01-01 00:00+14"),
        ("text", "infinity"),
        ("text", "9999-12-31T23:59:59-23:59"),
        ("text", ""),
        ("time", "12:00"),
        ("interval", "1 second"),
        ("date", "2024-01-01"),
        ("date", "infinity"),
        ("date", "0044-03-15 BC"),
        ("jsonb", '{"a": 1}'),
        ("bytea", "\\xff"),
        ("integer", 5),
    ],
)
def test_a_moment_that_is_none_is_a_bad_row_named_by_its_id(moment, value, old, moving, ask):
    history(old, moment, "integer", (value, 1), number="id serial, ")
    status, output = moving("--from-legacy", old)
    assert status == 1 and "Traceback" not in output
    assert "bad: listening_history, id 1: played_at is not a time since 2006" in output
    assert ask("select count(*) from listening.fact_play") == [(0,)]


@pytest.mark.parametrize("number", ["numeric", "double precision", "text", "interval"])
def test_a_time_played_that_is_none_is_unknown(number, old, moving, ask):
    values = {"interval": ["1 s"], "text": ["NaN", "1e400", "9" * 5_000, "-1", ""]}.get(
        number, ["NaN", "Infinity", "-1"]
    )
    history(
        old, "timestamptz", number, *((f"2024-01-01 1{place}:00:00.5+00", value) for place, value in enumerate(values))
    )
    status, output = moving("--from-legacy", old)
    assert status == 0, output
    assert ask("select count(*), count(ms_played) from listening.fact_play") == [(len(values), 0)]


def test_a_row_is_named_by_an_id_and_never_by_what_was_listened_to(old, moving):
    history(old, "text", "integer", ("no moment", 1))
    asked(old, "alter table listening_history add column id text default 'Some Title That Is Nobodys Business'")
    status, output = moving("--from-legacy", old)
    assert status == 1 and "bad: listening_history, ctid (0,1): played_at" in output and "Business" not in output
    asked(old, "update listening_history set id = '4d1a0c52-0b1c-4d5a-9a55-2b8a6b6f2f10'")
    assert "id 4d1a0c52-0b1c-4d5a-9a55-2b8a6b6f2f10: played_at" in moving("--from-legacy", old)[1].replace("\n  ", " ")


@pytest.mark.quick
def test_missing_columns_are_named(old, moving):
    asked(old, "create table listening_history (track_uri text, played_at timestamptz)")
    asked(old, "create schema old; create table old.main_streaming_data (played_at timestamptz, track_name text)")
    status, output = moving("--from-legacy", old)
    assert status == 1
    assert "public.listening_history has no column artist_name, track_name." in output
    assert "old.main_streaming_data has no column artist_name, track_id." in output


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("alter table listening_history rename to x; create view listening_history as select * from x where evil()", "is a view"),
        ("alter table listening_history rename to x; create materialized view listening_history as select * from x", "is a materialized view"),
        ("create policy p on listening_history using (evil()); alter table listening_history enable row level security", "has row security"),
        ("create table more () inherits (listening_history)", "inherits from a table"),
        ("create index on listening_history ((track_name || lazy('x')))", "has an index or a constraint on a function"),
    ],
)  # fmt: skip
def test_what_would_run_somebody_elses_functions_is_not_read(statement, says, old, moving):
    history(old, "timestamptz", "integer", ("2024-01-01 10:00:00.5+00", 1))
    for function in ("evil() returns boolean", "lazy(told text) returns text"):
        asked(old, f"create function {function} language plpgsql immutable as $$ begin raise exception 'ran'; end $$"
              if "evil" in function else f"create function {function} language plpgsql immutable as $$ begin return told; end $$")  # fmt: skip
    asked(old, statement)
    status, output = moving("--from-legacy", old)
    assert status == 1 and f"public.listening_history {says}" in output and "P0001" not in output


def test_an_older_project_with_a_path_of_its_own_is_read_all_the_same(old, moving, ask):
    history(old, "timestamptz", "integer", ("2024-01-01 10:00:00.5+00", 1))
    asked(
        old,
        "create schema evil; create function evil.run() returns oid language plpgsql as $$ begin raise exception 'ran'; end $$",
    )
    for table in ("pg_class", "pg_attribute", "pg_namespace", "pg_type"):
        asked(old, f"create view evil.{table} as select evil.run() as oid")
    asked(
        old,
        f"alter database {asked(old, 'select current_database()')[0][0]} set search_path = evil, pg_catalog, public",
    )
    with pytest.raises(psycopg2.errors.RaiseException):
        asked(old, "select oid from pg_class")
    status, output = moving("--from-legacy", old)
    assert status == 0, output
    assert ask("select count(*) from listening.fact_play") == [(1,)]


def test_several_listeners_are_said(database, old, moving):
    fill(database, 20)
    history(old, "timestamptz", "integer", ("2024-01-01 10:00:00.5+00", 1))
    status, output = moving("--from-legacy", old)
    assert status == 1 and output.startswith("migrate: ") and "--listener" in output
    status, output = moving("--from-legacy", old, "--listener", "")
    assert status == 1 and "--listener is empty" in output
    assert moving("--from-legacy", old, "--listener", "a")[0] == 0


def test_three_at_once_end_with_sentences(database, target, environment, tmp_path):
    fill(database, 3_000)
    program = (
        "import dataclasses, sys; from etl import limits; from etl.transfer import copy; copy.LARGEST = 200;"
        " limits.HOLDING = dataclasses.replace(limits.HOLDING, turn_s=0.1);"
        " import migrate; sys.exit(migrate.main(sys.argv[1:]))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, "--from", database, "--to", target], cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    ends = [(process.communicate(timeout=100)[1], process.returncode) for process in running]
    assert 0 in [status for _, status in ends]
    for output, status in ends:
        assert status == 0 or "Another move, backup or restore is at work" in output, output
    assert asked(target, "select count(*) from listening.fact_play") == [(3_000,)]


def test_a_backup_that_never_began_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("etl.transfer.endpoints.time.sleep", lambda seconds: None)
    warehouse = Warehouse(f"postgresql://nobody:{PASSWORD}@127.0.0.1:9/x?connect_timeout=1")
    with pytest.raises(WarehouseError) as raised:
        backups.back_up(warehouse, tmp_path / "b.zip", now=NOW)
    assert PASSWORD not in str(raised.value)
    assert names_in(tmp_path) == []


def test_migrate_says_nothing_of_its_inside(moving: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04" + b"\xff" * 500)
    status, output = moving("--restore", str(tmp_path / "damaged.zip"))
    assert status == 1 and output.startswith("migrate: ") and "Traceback" not in output
