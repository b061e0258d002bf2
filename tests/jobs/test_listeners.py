"""Listeners listed, renamed and deleted: what is gone is gone everywhere, and what is others' is as it was."""

import json
import signal
from typing import Any

import pytest
from support import NOW
from support.cases import NOTHING, Record, Song, exported, minuted, told, watched
from support.export_files import write_folder
from support.table_locks import locked, wait_for_lock

from etl.jobs.listeners import delete_listener, list_listeners, rename_listener
from etl.jobs.plays import record_plays
from etl.jobs.undo import undo_import
from etl.simulator.routes import Play
from etl.warehouse.listeners import ListenerError

pytestmark = pytest.mark.usefixtures("no_pauses")

S, T, U = Song("S", "Song"), Song("T", "Tune", ("Bob",)), Song("U", "Air", ("Cem",))
THEIRS = "spotify:playlist:" + "t" * 22
OURS = "spotify:playlist:" + "o" * 22
COLUMNS = (
    "select table_schema || '.' || table_name from information_schema.columns join information_schema.tables"
    " using (table_schema, table_name) where table_schema in ('listening', 'ops') and table_type = 'BASE TABLE'"
    " and column_name = %s order by 1"
)
PLAIN: dict[str, Any] = {"is_public": False, "clock": lambda: NOW}


@pytest.fixture
def filled(record: Record) -> Record:
    """`one` and `other`: lists, exports, a recorder; and a row in every further table that says whose it is."""
    other = record.listener_keys["other"] = record.listener("other")
    for listener_id, context in (("one", THEIRS), ("other", OURS)):
        key = record.listener_keys[listener_id]
        record.merge_page([told(-300, S, context), told(-900, T, OURS), told(-910, T)], key)
        record.import_rows([exported(-310, S, platform=f"{listener_id}'s"), exported(-5_000, U)], listener_id)
        record.import_rows([minuted(-200, S), minuted(-300, NOTHING)], listener_id)
        record.observe([watched(-20_000, U)], key)
    assert other
    return record


def fill_the_rest(ask, key: int) -> None:
    """A row of this listener in each table with a listener_key that has none, whatever its columns are."""
    for (table,) in ask(COLUMNS, "listener_key"):
        if ask(f"select 1 from {table} where listener_key = %s limit 1", key):
            continue
        columns = ask(
            "select column_name, udt_name from information_schema.columns where table_schema || '.' || table_name = %s"
            " and is_nullable = 'NO' and column_default is null and is_identity = 'NO'",
            table,
        )
        made = {
            "int4": f"{1_000 + key}", "int8": f"{1_000 + key}", "int2": f"{1_000 + key}", "text": f"'of {key}'", "timestamptz": "now()", "bool": "true",
            "_int4": f"'{{{1_000 + key}}}'", "float8": "1", "bytea": f"'of {key}'", "jsonb": "'{}'", "_text": "'{}'", "numeric": "1", "date": "now()",
        }  # fmt: skip
        values = {name: made[kind] for name, kind in columns} | {"listener_key": str(key)}
        if table == "listening.exclusion":  # a rule has a condition
            values["device_name"] = made["text"]
        ask(f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})")


def rows_without(ask, key: int) -> dict[str, list[tuple]]:
    """Every row of every table, with its place, that is not this listener's."""
    whose = {table for (table,) in ask(COLUMNS, "listener_key")}
    tables = [
        table
        for (table,) in ask(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('listening', 'ops') and table_type = 'BASE TABLE'"
        )
    ]
    return {
        table: sorted(
            ask(
                f"select xmin::text, ctid::text, {table}.* from {table}"
                + (f" where listener_key is distinct from {key}" if table in whose else "")
            ),
            key=repr,
        )
        for table in tables
    }


def test_all_of_one_is_deleted_and_nothing_of_others(filled, warehouse, ask) -> None:
    one, other = (filled.listener_keys[name] for name in ("one", "other"))
    for key in (one, other):
        fill_the_rest(ask, key)
    hanging = {
        "ops.import_file": "run_key in (select run_key from ops.run where listener_key = %s)",
        "ops.import_span": "import_content_key in"
        " (select import_content_key from ops.import_content where listener_key = %s)",
    }
    theirs = {
        table: ask(f"select ctid::text from {table} where {condition}", one) for table, condition in hanging.items()
    }
    assert all(theirs.values())
    [(login,)] = ask("select login_key from ops.login where listener_key = %s", one)
    ask(
        "insert into ops.pause values (%s, now(), 'said so', now()), ('catalogue', now(), 'said so', now())",
        f"plays {login}",
    )
    before, whole = rows_without(ask, one), rows_without(ask, 0)
    dry = delete_listener(warehouse, "one", dry_run=True, **PLAIN)
    assert rows_without(ask, 0) == whole
    done = delete_listener(warehouse, "one", dry_run=False, **PLAIN)
    assert done.row_counts == dry.row_counts
    for (table,) in ask(COLUMNS, "listener_key"):
        assert ask(f"select count(*) from {table} where listener_key = %s", one) == [(0,)], table
        assert done.row_counts[table] >= 1, table
    after = rows_without(ask, one)
    lost = {table: [row for row in rows if row not in after[table]] for table, rows in before.items()}
    assert [row[2:] for row in after["listening.dim_track"]] == [row[2:] for row in before["listening.dim_track"]]
    # what hangs on their imports and logins, and what only their plays named
    for table, rows in theirs.items():
        assert [row[1] for row in lost.pop(table)] == sorted(place for (place,) in rows), table
    assert [row[2] for row in lost.pop("ops.pause")] == [f"plays {login}"]
    assert [row[3] for row in lost.pop("listening.dim_context")] == [THEIRS]
    assert ["one's" in row for row in lost.pop("listening.dim_device")] == [True]
    assert len(lost.pop("listening.dim_play_profile", [])) == 0  # others have the same
    # a name that both imports gave is now the other's alone
    assert {row[2:4] for row in lost.pop("listening.track_alias")} <= {
        row[2:4] for row in after["listening.track_alias"]
    }
    assert not any(lost.values()), {table: rows for table, rows in lost.items() if rows}
    assert sum(done.row_counts.values()) == sum(len(rows) for rows in whole.values()) - sum(map(len, after.values()))


@pytest.mark.parametrize("column", ["run_key", "import_content_key", "login_key", "catalogue_call_key"])
def test_no_row_hangs_on_one_that_is_gone(filled, warehouse, ask, column: str) -> None:
    homes = {"run_key": "ops.run", "import_content_key": "ops.import_content", "login_key": "ops.login"}
    delete_listener(warehouse, "one", dry_run=False, **PLAIN)
    for (table,) in ask(COLUMNS, column):
        if column in homes:
            assert ask(
                f"select count(*) from {table} where {column} is not null"
                f" and {column} not in (select {column} from {homes[column]})"
            ) == [(0,)]


def test_others_can_still_undo_their_imports(filled, warehouse, ask) -> None:
    delete_listener(warehouse, "one", dry_run=False, **PLAIN)
    [(number,)] = ask("select min(run_key) from ops.run where job = 'import'")
    assert undo_import(warehouse, number, dry_run=False, clock=lambda: NOW).gone_count == 2


def test_a_wrong_name_says_what_is_near_and_in_public_nobody(filled, warehouse) -> None:
    with pytest.raises(ListenerError, match=r"is recorded here\. Near it: other\. 'brapped listener list'"):
        delete_listener(warehouse, "otter", dry_run=True, **PLAIN)
    with pytest.raises(ListenerError) as told_:
        delete_listener(warehouse, "otter", dry_run=True, is_public=True)
    assert "other" not in str(told_.value)


# A name of the person's.


def test_a_chosen_name_outlives_logins_and_is_taken_back(settings, warehouse, play, songs, ask) -> None:
    play(Play(next(iter(songs.tracks)), NOW))
    record_plays(settings, warehouse, lambda: NOW)
    names = "select listener_name, is_renamed, reported_name from listening.dim_listener"
    [(reported, _, _)] = ask(names)
    [one] = list_listeners(warehouse)
    assert reported and one.play_count == 1 and one.is_logged_in
    assert rename_listener(warehouse, one.listener_id, "Ada L.", dry_run=True, **PLAIN)[1] == "Ada L."
    assert ask(names) == [(reported, False, None)]
    rename_listener(warehouse, reported, "Ada L.", dry_run=False, **PLAIN)
    assert ask(names) == [("Ada L.", True, reported)]
    ask("update ops.login set listener_key = null")  # so that the next run asks for the profile
    record_plays(settings, warehouse, lambda: NOW)
    assert ask(names) == [("Ada L.", True, reported)]
    rename_listener(warehouse, "ada l.", "Ada", dry_run=False, **PLAIN)
    assert ask(names) == [("Ada", True, reported)]
    rename_listener(warehouse, "Ada", None, dry_run=False, **PLAIN)
    assert ask(names) == [(reported, False, None)]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, "OTHER"])
def test_a_name_that_can_t_be(filled, warehouse, ask, name: str) -> None:
    with pytest.raises(ListenerError):
        rename_listener(warehouse, "one", name, dry_run=False, **PLAIN)
    assert ask("select count(*) from listening.dim_listener where is_renamed") == [(0,)]


# The command.


def test_the_commands(brapped, tmp_path, ask) -> None:
    folder = write_folder(tmp_path / "package", {"Streaming_History_Audio_2026.json": [exported(-900, S)]})
    for name in ("ada", "bob"):
        brapped("import", str(folder), "--listener", name)
    listed = json.loads(brapped("listener", "list", "--json").stdout)
    assert [(one["listener_id"], one["play_count"]) for one in listed] == [("ada", 1), ("bob", 1)]
    assert brapped("listener", "rename", "ada", "Ada L.").stdout == 'ada is now shown as "Ada L."\n'
    assert "Ada L. (ada): 1 play" in brapped("listener", "list").stdout
    public = brapped("listener", "list", GITHUB_ACTIONS="true").stdout
    assert "ada" not in public.lower() and "1 play" in public
    assert brapped("listener", "rename", "ada").returncode == 2
    refused = brapped("listener", "delete", "ada")
    assert refused.returncode == 1 and "--yes" in refused.stderr
    assert "nothing was changed (dry run)" in brapped("listener", "delete", "ada", "--dry-run").stdout
    assert ask("select count(*) from listening.fact_play") == [(2,)]
    done = brapped("listener", "delete", "Ada L.", "--yes")
    assert done.returncode == 0 and "1 play, 1 observation and" in done.stdout
    assert ask("select listener_id from listening.fact_play join listening.dim_listener using (listener_key)") == [
        ("bob",)
    ]


def test_killed_in_the_middle_of_a_delete_nothing_has_changed(filled, start, brapped, database, ask) -> None:
    before = rows_without(ask, 0)
    with locked(database, "ops.told_apart"):
        process = start("listener", "delete", "one", "--yes")
        wait_for_lock(database, "ops.told_apart")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert rows_without(ask, 0) == before
    assert brapped("listener", "delete", "one", "--yes").returncode == 0
