"""A backup that somebody made by hand runs nothing: whatever its manifest says is refused before anything is touched, in a sentence."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from support import NOW, ROOT, asked, fresh_database, superuser
from support.warehouse_state import differences, everything, fill

from etl.transfer import backup as backups
from etl.transfer import manifest as manifests
from etl.warehouse.connection import Warehouse

MINE = "create table public.mine (number integer primary key); insert into public.mine values (1)"
SCHEMAS = "select count(*) from pg_namespace where nspname in ('listening', 'ops')"
RUNS = "check (true); drop table public.mine; --"
REFERENCE = ["listening.dim_listener", "x", RUNS]

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def good(cluster: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A database with some plays, and a backup of it, once for all tests."""
    for database in fresh_database(cluster, template):
        fill(database, 200)
        path = tmp_path_factory.mktemp("good") / "backup.zip"
        warehouse = Warehouse(database)
        backups.back_up(warehouse, path, now=NOW)
        warehouse.close()
        yield database, path


@pytest.fixture
def backup(good: tuple[str, Path], tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copy(good[1], tmp_path))


@pytest.fixture
def mine(target: str) -> str:
    """An empty database, but for a table that the backup is not about."""
    asked(target, MINE)
    return target


def rewritten(backup: Path, change: Callable[[Manifest], object], files: dict[str, bytes] | None = None) -> Path:
    """The same backup with another manifest, and other files in it."""
    path = backup.with_name("evil.zip")
    with zipfile.ZipFile(backup) as good, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as evil:
        manifest = json.loads(good.read("manifest.json"))
        change(manifest)
        contents = {name: good.read(name) for name in good.namelist()} | (files or {})
        for name, content in {**contents, "manifest.json": json.dumps(manifest).encode()}.items():
            evil.writestr(name, content)
    return path


def table(manifest: Manifest, **changes: object) -> None:
    manifest["tables"][0].update(changes)


def another_table(manifest: Manifest, **changes: object) -> None:
    empty = {"row_count": 0, "row_hash": "0", "sha256": hashlib.sha256(b"number\n").hexdigest()}
    manifest["tables"].append({"name": "public.mine", "columns": ["number"], "key": ["number"], **empty, **changes})


def reference(manifest: Manifest, *, place: int, value: str) -> None:
    manifest["references"][0][place] = value


def counter(manifest: Manifest, *, place: int, value: object) -> None:
    manifest["counters"][0][place] = value


HOSTILE: dict[str, Callable[[Manifest], object]] = {
    "a reference more": lambda told: told["references"].append(REFERENCE),
    "a reference less": lambda told: told["references"].pop(),
    "no references": lambda told: told.update(references=[]),
    "a reference twice": lambda told: told["references"].append(told["references"][0]),
    "a reference of another table": lambda told: reference(told, place=0, value="public.mine"),
    "a reference by another name": lambda told: reference(told, place=1, value='x"; drop table public.mine; --'),
    "a reference defined otherwise": lambda told: reference(told, place=2, value=RUNS),
    "a reference with a statement behind it": lambda told: reference(
        told, place=2, value=f"{told['references'][0][2]}; drop table public.mine"
    ),
    "a table of somebody else's": another_table,
    "a table of Postgres's own": lambda told: another_table(told, name="pg_catalog.pg_authid"),
    "a table of the bookkeeping": lambda told: another_table(told, name="ops.schema_change"),
    "the table of the references": lambda told: another_table(told, name="ops.copy_reference"),
    "a table twice": lambda told: told["tables"].append(told["tables"][0]),
    "no tables": lambda told: told.update(tables=[]),
    "a table less": lambda told: told["tables"].pop(),
    "a table without a schema": lambda told: table(told, name="mine"),
    "a table with many dots": lambda told: table(told, name="a.b.c.d"),
    "a table with a NUL": lambda told: table(told, name="listening.a\x00"),
    "a table with a percent sign": lambda told: table(told, name="listening.a%sb"),
    "a column of another name": lambda told: table(told, columns=["x); drop table public.mine; --"]),
    "no columns": lambda told: table(told, columns=[]),
    "another key": lambda told: table(told, key=["1) or (true"]),
    "no key": lambda told: table(told, key=[]),
    "rows below zero": lambda told: table(told, row_count=-1),
    "rows without end": lambda told: table(told, row_count=10**30),
    "a hash that is no number": lambda told: table(told, row_hash="x"),
    "a hash of 5,000 digits": lambda told: table(told, row_hash="9" * 5_000),
    "a checksum that is none": lambda told: table(told, sha256="5"),
    "a counter more": lambda told: told["counters"].append(["pg_catalog.pg_class", "oid", 1, True]),
    "a counter less": lambda told: told["counters"].pop(),
    "a counter of another table": lambda told: counter(told, place=0, value="public.mine"),
    "a counter of another column": lambda told: counter(told, place=1, value="x'); drop table public.mine; --"),
    "a counter too large for anything": lambda told: counter(told, place=2, value=10**30),
    "a counter too large for its column": lambda told: counter(told, place=2, value=2**63 - 1),
    "a counter below one": lambda told: counter(told, place=2, value=0),
    "a schema file of elsewhere": lambda told: told["schema_files"].update({"schema/../../../etc/passwd": "x"}),
    "no schema files": lambda told: told.update(schema_files={}),
    "a schema with a hole": lambda told: told["schema_files"].pop("schema/004_one_listen"),
    "a schema file with another checksum": lambda told: told["schema_files"].update({"schema/001_bookkeeping": "x"}),
    "another format": lambda told: told.update(format="x"),
    "a year that is none": lambda told: told.update(made_at="0000-01-01T00:00:00Z"),
    "a moment without a zone": lambda told: told.update(made_at="2020-01-01T00:00:00"),
    "an id that is none": lambda told: told.update(warehouse_id="x'; drop table public.mine; --"),
    "an endless manifest": lambda told: told.update(program_version="x" * 2**23),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_manifest_that_says_something_else_than_the_schema_is_refused(name, backup, mine, moving):
    path = rewritten(backup, HOSTILE[name])
    status, said = moving("--restore", str(path), "--to", mine)
    assert status == 1 and said.startswith("migrate: ") and "Traceback" not in said, said
    assert "Postgres refused" not in said and ("damaged" in said or "Nothing was changed" in said), said
    assert asked(mine, "select number from public.mine") == [(1,)]
    assert asked(mine, SCHEMAS) == [(0,)]  # it was refused before anything was made


def packed(**changes: object) -> Callable[[zipfile.ZipInfo], None]:
    def change(member: zipfile.ZipInfo) -> None:
        for name, value in changes.items():
            setattr(member, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (packed(compress_type=zipfile.ZIP_LZMA), "can't be read"),
        (packed(flag_bits=1), "can't be read"),
        (packed(file_size=2**40), "would become"),
        (packed(compress_size=2**40), "can't be read"),
    ],
    ids=["packed otherwise", "encrypted", "a bomb", "larger than the archive"],
)
def test_a_file_in_the_archive_that_is_not_as_ours_are_is_refused(change, says, backup, mine, moving, monkeypatch):
    """The directory of the archive says so itself, so it is changed where it is read."""
    read = zipfile.ZipFile.getinfo

    def getinfo(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
        found = read(archive, name)
        if name == "listening/dim_track.csv":
            change(found)
        return found

    monkeypatch.setattr(zipfile.ZipFile, "getinfo", getinfo)
    status, said = moving("--restore", str(backup), "--to", mine)
    assert status == 1 and says in said and "listening/dim_track.csv" in said and "Nothing was changed" in said
    assert asked(mine, SCHEMAS) == [(0,)]


def test_a_real_bomb_is_refused(backup, mine, moving, monkeypatch):
    monkeypatch.setattr(manifests, "UNPACKED_BYTES", 2**16)
    path = rewritten(backup, lambda told: None, {"listening/dim_track.csv": b"0" * 2**24})
    status, said = moving("--restore", str(path), "--to", mine)
    assert status == 1 and "would become 200 times as long" in said
    assert asked(mine, SCHEMAS) == [(0,)]


def test_a_file_that_is_missing_is_named(backup, mine, moving):
    path = backup.with_name("less.zip")
    with zipfile.ZipFile(backup) as good, zipfile.ZipFile(path, "w") as less:
        for name in good.namelist():
            if name != "listening/fact_play.csv":
                less.writestr(name, good.read(name))
    status, said = moving("--restore", str(path), "--to", mine)
    assert status == 1 and f"{path} is damaged: there is no listening/fact_play.csv in it. Nothing was changed." in said
    assert asked(mine, SCHEMAS) == [(0,)]


def test_two_files_of_one_name_do_not_deceive(backup, mine, moving):
    with warnings.catch_warnings(), zipfile.ZipFile(backup, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("listening/dim_track.csv", b"track_key\n1\n")
    status, said = moving("--restore", str(backup), "--to", mine)
    assert status == 1 and "listening/dim_track.csv is in it twice" in said
    assert asked(mine, SCHEMAS) == [(0,)]


def test_a_file_that_does_not_fit_its_table_is_named(backup, mine, moving):
    path = rewritten(backup, lambda told: None, {"listening/dim_track.csv": b"track_key\n1\n"})
    status, said = moving("--restore", str(path), "--to", mine)
    assert status == 1 and f"{path} is damaged: listening/dim_track.csv does not fit its table." in said


@pytest.mark.parametrize("name", ["/", "/dev/null", "pipe", "closed"])
def test_what_is_no_file_is_not_read(name, moving, target, tmp_path):
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    elif name == "closed":
        path.mkdir()
    status, said = moving("--restore", str(path), "--to", target)
    assert status == 1 and said == f"migrate: {path} is not a file.\n"


def killed_when(command: list[str], environment: dict[str, str], is_time: Callable[[], bool]) -> None:
    process = subprocess.Popen(
        command, env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not is_time():
        assert process.poll() is None
    process.kill()
    process.communicate()


def begun(url: str) -> bool:
    [(is_there,)] = asked(url, "select to_regclass('ops.copy_reference') is not null")
    return bool(is_there) and bool(asked(url, "select 1 from listening.dim_track limit 1"))


def test_a_killed_restore_puts_back_the_references_that_an_earlier_one_took(good, backup, mine, moving, environment):
    command = [sys.executable, str(ROOT / "migrate.py"), "--restore", str(backup), "--to", mine]
    killed_when(command, environment, lambda: begun(mine))
    references = "select count(*) from pg_constraint where contype = 'f' and connamespace = 'listening'::regnamespace"
    assert asked(mine, references) == [(0,)]
    # one with other references is refused in the middle, too
    evil = rewritten(backup, HOSTILE["a reference more"])
    status, said = moving("--restore", str(evil), "--to", mine)
    assert status == 1 and "its references are not those of the schema" in said
    status, said = moving("--restore", str(backup), "--to", mine)
    assert status == 0, said
    asked(mine, "drop table public.mine")
    assert differences(everything(good[0]), everything(mine)) == {}
    assert asked(mine, "select to_regclass('ops.copy_reference')") == [(None,)]


def test_a_copy_that_an_older_version_began_is_said(backup, mine, moving):
    """It took the references away without a note of them."""
    assert moving("--restore", str(backup), "--to", mine)[0] == 0
    for (statement,) in asked(
        mine,
        "select format('alter table %s drop constraint %I', conrelid::regclass, conname) from pg_constraint"
        " where contype = 'f' and connamespace::regnamespace::text in ('listening', 'ops')",
    ):
        asked(mine, statement)
    asked(mine, "update ops.warehouse set copy_started_at = now()")
    status, said = moving("--restore", str(backup), "--to", mine)
    assert status == 1 and "An older version of the program began a copy into the database at --to" in said


def test_not_even_sql_starts_a_program_on_the_embedded_postgres(database):
    """The role that the program is there owns the database, and nothing else."""
    for statement in (
        "copy (select 1) to program 'true'",
        "select pg_read_file('/etc/passwd')",
        "create extension dblink",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            asked(database, statement)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        asked(database, "grant pg_execute_server_program to brapped")
    assert asked(superuser(database), "select 1") == [(1,)]


@pytest.mark.parametrize("number", [1, 2**31 - 1])
def test_a_wrong_counter_is_put_between_the_largest_key_and_an_honest_gap(number, backup, target, moving):
    def every_counter(told: Manifest) -> None:
        for one in told["counters"]:
            one[2] = number

    status, said = moving("--restore", str(rewritten(backup, every_counter)), "--to", target)
    assert status == 0, said
    for table_name, key in (("dim_track", "track_key"), ("dim_artist", "artist_key"), ("fact_play", "play_key")):
        [(given,)] = asked(target, f"select last_value from listening.{table_name}_{key}_seq")
        [(largest,)] = asked(target, f"select coalesce(max({key}), 1) from listening.{table_name}")
        assert largest <= given <= 2 * largest + 10_000_000
