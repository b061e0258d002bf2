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
    "a reference more": lambda manifest: manifest["references"].append(REFERENCE),
    "a reference less": lambda manifest: manifest["references"].pop(),
    "no references": lambda manifest: manifest.update(references=[]),
    "a reference twice": lambda manifest: manifest["references"].append(manifest["references"][0]),
    "a reference of another table": lambda manifest: reference(manifest, place=0, value="public.mine"),
    "a reference by another name": lambda manifest: reference(
        manifest, place=1, value='x"; drop table public.mine; --'
    ),
    "a reference defined otherwise": lambda manifest: reference(manifest, place=2, value=RUNS),
    "a reference with a statement behind it": lambda manifest: reference(
        manifest, place=2, value=f"{manifest['references'][0][2]}; drop table public.mine"
    ),
    "a table of somebody else's": another_table,
    "a table of Postgres's own": lambda manifest: another_table(manifest, name="pg_catalog.pg_authid"),
    "a table of the bookkeeping": lambda manifest: another_table(manifest, name="ops.schema_change"),
    "the table of the references": lambda manifest: another_table(manifest, name="ops.copy_reference"),
    "a table twice": lambda manifest: manifest["tables"].append(manifest["tables"][0]),
    "no tables": lambda manifest: manifest.update(tables=[]),
    "a table less": lambda manifest: manifest["tables"].pop(),
    "a table without a schema": lambda manifest: table(manifest, name="mine"),
    "a table with many dots": lambda manifest: table(manifest, name="a.b.c.d"),
    "a table with a NUL": lambda manifest: table(manifest, name="listening.a\x00"),
    "a table with a percent sign": lambda manifest: table(manifest, name="listening.a%sb"),
    "a column of another name": lambda manifest: table(manifest, columns=["x); drop table public.mine; --"]),
    "no columns": lambda manifest: table(manifest, columns=[]),
    "another key": lambda manifest: table(manifest, key=["1) or (true"]),
    "no key": lambda manifest: table(manifest, key=[]),
    "rows below zero": lambda manifest: table(manifest, row_count=-1),
    "rows without end": lambda manifest: table(manifest, row_count=10**30),
    "a hash that is no number": lambda manifest: table(manifest, row_hash="x"),
    "a hash of 5,000 digits": lambda manifest: table(manifest, row_hash="9" * 5_000),
    "a checksum that is none": lambda manifest: table(manifest, sha256="5"),
    "a counter more": lambda manifest: manifest["counters"].append(["pg_catalog.pg_class", "oid", 1, True]),
    "a counter less": lambda manifest: manifest["counters"].pop(),
    "a counter of another table": lambda manifest: counter(manifest, place=0, value="public.mine"),
    "a counter of another column": lambda manifest: counter(manifest, place=1, value="x'); drop table public.mine; --"),
    "a counter too large for anything": lambda manifest: counter(manifest, place=2, value=10**30),
    "a counter too large for its column": lambda manifest: counter(manifest, place=2, value=2**63 - 1),
    "a counter below one": lambda manifest: counter(manifest, place=2, value=0),
    "a schema file of elsewhere": lambda manifest: manifest["schema_files"].update({"schema/../../../etc/passwd": "x"}),
    "no schema files": lambda manifest: manifest.update(schema_files={}),
    "a schema with a hole": lambda manifest: manifest["schema_files"].pop("schema/004_one_listen"),
    "a schema file with another checksum": lambda manifest: manifest["schema_files"].update(
        {"schema/001_bookkeeping": "x"}
    ),
    "another format": lambda manifest: manifest.update(format="x"),
    "a year that is none": lambda manifest: manifest.update(made_at="0000-01-01T00:00:00Z"),
    "a moment without a zone": lambda manifest: manifest.update(made_at="2020-01-01T00:00:00"),
    "an id that is none": lambda manifest: manifest.update(warehouse_id="x'; drop table public.mine; --"),
    "an endless manifest": lambda manifest: manifest.update(program_version="x" * 2**23),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_manifest_that_says_something_else_than_the_schema_is_refused(name, backup, mine, moving):
    path = rewritten(backup, HOSTILE[name])
    status, output = moving("--restore", str(path), "--to", mine)
    assert status == 1 and output.startswith("migrate: ") and "Traceback" not in output, output
    assert "Postgres refused" not in output and ("damaged" in output or "Nothing was changed" in output), output
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
    status, output = moving("--restore", str(backup), "--to", mine)
    assert status == 1 and says in output and "listening/dim_track.csv" in output and "Nothing was changed" in output
    assert asked(mine, SCHEMAS) == [(0,)]


def test_a_real_bomb_is_refused(backup, mine, moving, monkeypatch):
    monkeypatch.setattr(manifests, "UNPACKED_BYTES", 2**16)
    path = rewritten(backup, lambda manifest: None, {"listening/dim_track.csv": b"0" * 2**24})
    status, output = moving("--restore", str(path), "--to", mine)
    assert status == 1 and "would become 200 times as long" in output
    assert asked(mine, SCHEMAS) == [(0,)]


def test_a_file_that_is_missing_is_named(backup, mine, moving):
    path = backup.with_name("less.zip")
    with zipfile.ZipFile(backup) as good, zipfile.ZipFile(path, "w") as less:
        for name in good.namelist():
            if name != "listening/fact_play.csv":
                less.writestr(name, good.read(name))
    status, output = moving("--restore", str(path), "--to", mine)
    assert (
        status == 1 and f"{path} is damaged: there is no listening/fact_play.csv in it. Nothing was changed." in output
    )
    assert asked(mine, SCHEMAS) == [(0,)]


def test_two_files_of_one_name_do_not_deceive(backup, mine, moving):
    with warnings.catch_warnings(), zipfile.ZipFile(backup, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("listening/dim_track.csv", b"track_key\n1\n")
    status, output = moving("--restore", str(backup), "--to", mine)
    assert status == 1 and "listening/dim_track.csv is in it twice" in output
    assert asked(mine, SCHEMAS) == [(0,)]


def test_a_file_that_does_not_fit_its_table_is_named(backup, mine, moving):
    path = rewritten(backup, lambda manifest: None, {"listening/dim_track.csv": b"track_key\n1\n"})
    status, output = moving("--restore", str(path), "--to", mine)
    assert status == 1 and f"{path} is damaged: listening/dim_track.csv does not fit its table." in output


@pytest.mark.parametrize("name", ["/", "/dev/null", "pipe", "closed"])
def test_what_is_no_file_is_not_read(name, moving, target, tmp_path):
    path = tmp_path / name
    if name == "pipe":
        os.mkfifo(path)
    elif name == "closed":
        path.mkdir()
    status, output = moving("--restore", str(path), "--to", target)
    assert status == 1 and output == f"migrate: {path} is not a file.\n"


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
    status, output = moving("--restore", str(evil), "--to", mine)
    assert status == 1 and "its references are not those of the schema" in output
    status, output = moving("--restore", str(backup), "--to", mine)
    assert status == 0, output
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
    status, output = moving("--restore", str(backup), "--to", mine)
    assert status == 1 and "An older version of the program began a copy into the database at --to" in output


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
    def every_counter(manifest: Manifest) -> None:
        for one in manifest["counters"]:
            one[2] = number

    status, output = moving("--restore", str(rewritten(backup, every_counter)), "--to", target)
    assert status == 0, output
    for table_name, key in (("dim_track", "track_key"), ("dim_artist", "artist_key"), ("fact_play", "play_key")):
        [(given,)] = asked(target, f"select last_value from listening.{table_name}_{key}_seq")
        [(largest,)] = asked(target, f"select coalesce(max({key}), 1) from listening.{table_name}")
        assert largest <= given <= 2 * largest + 10_000_000
