"""migrate.py writes a warehouse into a file and back: the same to its last row, and what is damaged is found."""

import csv
import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import NOW, ROOT, ago, asked
from support.warehouse_state import MARK, differences, everything, fill

from etl.simulator.routes import Play
from etl.transfer import backup as backups
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError


@pytest.fixture
def backup(moving, recorded, tmp_path) -> Path:
    path = tmp_path / "backup.zip"
    status, output = moving("--backup", str(path))
    assert status == 0 and f"{path}: " in output
    return path


def test_a_restored_warehouse_is_the_same_to_its_last_row_and_goes_on(
    moving,
    recorded,
    target,
    backup,
    brapped,
    play,
    songs,
):
    status, output = moving("--restore", str(backup), "--to", target)
    assert (status, "the same by count and hash" in output) == (0, True), output
    assert differences(everything(recorded), everything(target)) == {}
    assert moving("--restore", str(backup), "--to", target, "--verify")[0] == 0
    play(Play(next(iter(songs.tracks)), ago(0)))
    assert brapped("plays", DATABASE_URL=target).stdout.startswith("1 of 31 plays are new")


def test_a_backup_is_for_its_owner_and_says_what_is_in_it(recorded, backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in backup.parent.iterdir() if path.name.startswith(".")] == []
    with zipfile.ZipFile(backup) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        for entry in manifest["tables"]:
            content = archive.read(f"{entry['name'].replace('.', '/')}.csv")
            rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
            assert (rows[0], len(rows) - 1) == (entry["columns"], entry["row_count"]), entry["name"]
            assert hashlib.sha256(content).hexdigest() == entry["sha256"]
            assert asked(recorded, f"select count(*) from {entry['name']}") == [(entry["row_count"],)]
        tracks = list(csv.DictReader(io.StringIO(archive.read("listening/dim_track.csv").decode(), newline="")))
    assert sorted(row["track_name"] for row in tracks if MARK in row["track_name"]) == sorted(
        name
        for (name,) in asked(
            recorded, "select track_name from listening.dim_track where track_name like %s", f"%{MARK}%"
        )
    )


def test_a_restore_that_was_killed_goes_on(database, target, moving, tmp_path, environment):
    fill(database, 20_000)
    path = tmp_path / "backup.zip"
    assert moving("--backup", str(path))[0] == 0
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "migrate.py"), "--restore", str(path), "--to", target],
        env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    is_there = "select to_regclass('listening.dim_track') is not null"
    while not asked(target, is_there)[0][0] or asked(target, "select count(*) < 2 from listening.dim_track")[0][0]:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    status, output = moving("--restore", str(path), "--to", target)
    assert status == 0, output
    assert differences(everything(database), everything(target)) == {}


def test_a_database_that_holds_something_is_not_restored_into(moving, recorded, backup):
    before = everything(recorded)
    status, output = moving("--restore", str(backup))
    assert status == 1 and "holds a warehouse already" in output
    assert everything(recorded) == before


def rewritten(backup: Path, change: dict[str, bytes]) -> None:
    with zipfile.ZipFile(backup) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(backup, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**content, **change}.items():
            archive.writestr(name, data)


def test_a_changed_row_in_a_backup_is_found(moving, target, backup):
    with zipfile.ZipFile(backup) as archive:
        tracks = archive.read("listening/dim_track.csv")
    rewritten(backup, {"listening/dim_track.csv": tracks.replace(b"Qwertz", b"Qwerty", 1)})
    status, output = moving("--restore", str(backup), "--to", target)
    assert status == 1 and f"{backup} is damaged: listening/dim_track.csv is not what the manifest says" in output
    assert asked(target, "select count(*) from listening.dim_track where track_name like 'Qwert%%'") == [(0,)]


@pytest.mark.parametrize("name", ["listening/fact_play.csv", "listening/dim_track.csv", "manifest.json"])
def test_a_flipped_byte_in_a_backup_is_found(name, moving, target, backup):
    with zipfile.ZipFile(backup) as archive:
        member = archive.getinfo(name)
    content = bytearray(backup.read_bytes())
    content[member.header_offset + 30 + len(name) + member.compress_size // 2] ^= 0x55
    backup.write_bytes(content)
    status, output = moving("--restore", str(backup), "--to", target)
    assert status == 1 and f"{backup} is" in output and "damaged" in output


def test_what_is_no_backup_is_said(moving, target, tmp_path, recorded, backup):
    (tmp_path / "text.zip").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.csv", "1")
    rewritten(
        backup, {"manifest.json": zipfile.ZipFile(backup).read("manifest.json").replace(b"schema/001_", b"schema/999_")}
    )
    for name, says in (
        ("none.zip", "There is no file"),
        ("text.zip", "is not a backup of a warehouse"),
        ("other.zip", "is not a backup of a warehouse"),
        (backup.name, "was made by a newer Brapped (schema/999_bookkeeping)"),
    ):
        status, output = moving("--restore", str(tmp_path / name), "--to", target)
        assert status == 1 and says in output, output
    status, output = moving("--backup", str(tmp_path / "no" / "b.zip"))
    assert status == 1 and "can't be written: No such file or directory." in output


def test_a_backup_that_breaks_off_leaves_the_old_one_alone(recorded, backup, monkeypatch):
    before = backup.read_bytes()
    warehouse = Warehouse(recorded)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(backups, "write_csv", full)
    with pytest.raises(WarehouseError, match="No space left"):
        backups.back_up(warehouse, backup, now=NOW)
    assert backup.read_bytes() == before and [path.name for path in backup.parent.glob(".*")] == []
    warehouse.close()
