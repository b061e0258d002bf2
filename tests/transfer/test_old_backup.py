"""A backup or a warehouse of an older version: restored or moved as it was, compared, and brought up to date."""

import pytest
from support import NOW, asked
from support.old_warehouse import make_old, old_sql

from etl.transfer import backup as backups
from etl.warehouse import statements
from etl.warehouse.connection import Warehouse


@pytest.fixture
def old(empty_database, tmp_path, monkeypatch):
    """The address of a warehouse that the program of before schema/012 left."""
    make_old(empty_database, tmp_path / "old", 11, monkeypatch)
    return empty_database


def back_up_by_the_old_program(url, path, folder, monkeypatch):
    sql = old_sql(folder)
    with monkeypatch.context() as patched:
        patched.setattr(statements, "sql_folder", lambda: sql)
        statements.script.cache_clear()
        warehouse = Warehouse(url)
        backups.back_up(warehouse, path, now=NOW)
        warehouse.close()
    statements.script.cache_clear()


PLAYS = "select count(*), min(played_at), max(played_at) from listening.fact_play"


def test_a_backup_of_an_older_version_is_restored_and_brought_up_to_date(old, target, moving, tmp_path, monkeypatch):
    path = tmp_path / "old.zip"
    back_up_by_the_old_program(old, path, tmp_path / "sql", monkeypatch)
    status, output = moving("--restore", str(path), "--to", target)
    assert (status, "the same by count and hash" in output) == (0, True), output
    assert moving("--check", "--to", target)[0] == 0
    assert moving("--to", old)[0] == 0
    assert asked(target, PLAYS) == asked(old, PLAYS)
    assert asked(target, "select count(*) > 0 from listening.observation") == [(True,)]
    assert asked(target, "select count(*) from ops.rebuild_due") == [(0,)]


def test_a_warehouse_of_an_older_version_is_moved_and_brought_up_to_date(old, target, moving):
    status, output = moving("--from", old, "--to", target)
    assert status == 0, output
    assert moving("--check", "--to", target)[0] == 0
    assert moving("--to", old)[0] == 0
    assert asked(target, PLAYS) == asked(old, PLAYS)
    assert asked(target, "select count(*) from ops.rebuild_due") == [(0,)]
