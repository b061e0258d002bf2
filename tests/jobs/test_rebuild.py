"""`brapped rebuild`, and the migration that does the same: all plays anew from the observations, and what it says of it."""

import os
import pty
import shutil
import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from support import NOW, asked, libpq
from support.cases import Record, Song, exported, told

from etl import __version__
from etl.deadline import Deadline
from etl.jobs.due_rebuilds import rebuild_in_time
from etl.jobs.rebuild import rebuild
from etl.paths import sql_folder
from etl.warehouse import statements
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.listeners import ListenerError
from etl.warehouse.merge import rebuild_plays
from etl.warehouse.rebuild import changes_the_rule
from etl.warehouse.schema import migrate_within

A, B = Song("A", "Song"), Song("B", "Tune", ("Bob",))
# The list dates a play up to 45 s away from the export: here 20 s, so that a rule of 10 s makes two plays of one.
PAGE = [told(-280, A), told(-900, B)]
EXPORT = [exported(-300, A), exported(-900, B), exported(-1800, A, 100_000)]
APART = (
    "update ops.match_rule set seconds = 10 where source_key = 2 and other_source_key = 1 and compared = 'recording'"
)
APART += ";\nupdate ops.match_rule set seconds = 0 where source_key = 2 and other_source_key = 1 and compared = 'name'"
PLAYS = "select fact_play.* from listening.fact_play order by listener_key, played_at, play_key"
RUNS = "select job, listener_id, outcome, received_count, recorded_count from ops.run"
RUNS += " left join listening.dim_listener using (listener_key) where job = 'rebuild' order by run_key"


@pytest.fixture
def filled(record: Record) -> Record:
    """Two listeners, `one` and `other`, of whom the same is known: a page and an export, of three plays each."""
    record.listener_keys["other"] = record.listener("other")
    for key in record.listener_keys.values():
        record.merge_page(PAGE, key)
        record.merge_export(EXPORT, key)
    return record


@pytest.fixture
def run(filled, settings, warehouse):
    """The job: `run(listener="one", dry_run=True)` gives the line of its outcome."""
    return lambda **options: rebuild(settings, warehouse, **{"clock": lambda: NOW, **options}).line


# The job.


def test_of_what_is_whole_nothing_changes_and_a_row_is_written(run, ask):
    before = ask(PLAYS)
    assert len(before) == 6
    assert run() == "6 plays of 2 listeners derived anew: 0 added, 0 removed, 0 changed"
    assert ask(PLAYS) == before
    assert ask(RUNS) == [("rebuild", "one", "done", 5, 0), ("rebuild", "other", "done", 5, 0)]


def test_another_rule_gives_other_plays_and_those_that_stay_keep_their_keys(run, ask):
    before = ask(PLAYS)
    for statement in APART.split(";"):
        ask(statement)
    dry = run(dry_run=True)
    assert dry == "Dry run: of 8 plays of 2 listeners, 2 would come, 0 go, 2 differ"
    assert ask(PLAYS) == before and ask(RUNS) == []
    assert run() == "8 plays of 2 listeners derived anew: 2 added, 0 removed, 2 changed"
    keys = {row[0] for row in ask("select play_key from listening.fact_play")}
    assert len(keys) == 8 and {row[0] for row in ask("select play_key from listening.observation")} == keys
    assert [row[3:] for row in ask(RUNS)] == [(5, 2), (5, 2)]
    ask("update ops.match_rule set seconds = 45 where source_key = 2 and other_source_key = 1")
    assert run() == "6 plays of 2 listeners derived anew: 0 added, 2 removed, 2 changed"
    columns = (
        "select listener_key, played_at, track_key, ms_played, play_profile_key from listening.fact_play order by 1, 2"
    )
    assert len(ask(columns)) == 6


def test_which_tracks_are_one_recording_is_derived_anew_too(run, filled, ask):
    """With the first listener, and in a dry run, which rolls back, with each."""
    again = Song("C", "Song")
    for key in filled.listener_keys.values():
        filled.merge_page([told(-270, again)], key)
    recordings = "select track_uri, recording_key from listening.dim_track order by 1"
    before, plays = ask(recordings), ask(PLAYS)
    assert len(plays) == 6 and [key for _, key in before if key]
    ask("update listening.dim_track set recording_key = null")
    assert run(dry_run=True).startswith("Dry run: of 6 plays of 2 listeners, 0 would come, 0 go, 0 differ")
    assert ask(recordings) != before
    assert run() == "6 plays of 2 listeners derived anew: 0 added, 0 removed, 0 changed"
    assert ask(recordings) == before and ask(PLAYS) == plays


def test_one_listener_by_id_or_name_and_nobody_else(run, ask):
    ask("update listening.dim_listener set listener_name = 'Other One' where listener_id = 'other'")
    ask("delete from listening.fact_play")
    assert run(listener="other one") == "3 plays of 1 listener derived anew: 3 added, 0 removed, 0 changed"
    assert ask(
        "select distinct listener_id from listening.fact_play join listening.dim_listener using (listener_key)"
    ) == [("other",)]


def test_what_is_done_stays_done_when_the_next_listener_fails(run, ask):
    ask("delete from listening.fact_play")
    [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'other'")
    ask(f"alter table listening.fact_play add check (listener_key <> {key})")
    with pytest.raises(WarehouseError):
        run()
    assert ask("select listener_id, count(*) from listening.fact_play join listening.dim_listener using (listener_key) group by 1") == [
        ("one", 3)
    ]  # fmt: skip
    assert [row[1] for row in ask(RUNS)] == ["one"]


def test_it_says_beforehand_what_it_will_do_and_how_far_it_is(run):
    said: list[Any] = []
    run(notify=said.append, progress=lambda done, total: said.append((done, total)))
    assert said == [
        (0, 2), "Deriving the plays of one anew from 5 observations; 3 plays so far.",
        (1, 2), "Deriving the plays of other anew from 5 observations; 3 plays so far.",
        (2, 2),
    ]  # fmt: skip
    said.clear()
    run(listener="one", dry_run=True, notify=said.append)
    assert said == ["Deriving the plays of one anew from 5 observations; 3 plays so far. Nothing will be changed."]


def test_nobody_and_somebody_unknown(settings, warehouse, ask):
    assert rebuild(settings, warehouse).line == "nobody is recorded here yet; there is nothing to derive"
    with pytest.raises(ListenerError, match="No listener with this name or id is recorded here"):
        rebuild(settings, warehouse, listener="nobody")
    assert ask("select count(*) from ops.run") == [(0,)]


def test_local_dates_follow_a_zone_that_this_postgres_knows(run, ask, caplog):
    """A warehouse may have moved to a host whose Postgres does not know the listener's zone."""
    ask("update listening.dim_listener set time_zone = 'Mars/Olympus' where listener_id = 'one'")
    ask("update listening.dim_listener set time_zone = 'Pacific/Kiritimati' where listener_id = 'other'")
    run()
    assert ask(
        "select count(*) from listening.fact_play join listening.dim_listener using (listener_key)"
        " where date_key <> to_char(played_at at time zone time_zone, 'YYYYMMDD')::integer"
    ) == [(0,)]
    [message] = caplog.messages
    assert message.startswith("the database's host knows the time zone Mars/Olympus by none of its names")


# The command.


def test_the_command_prints_one_line_and_shows_it_on_the_summary_page(filled, brapped, tmp_path, ask):
    page = tmp_path / "summary.md"
    ran = brapped("rebuild", GITHUB_STEP_SUMMARY=str(page))
    line = "6 plays of 2 listeners derived anew: 0 added, 0 removed, 0 changed\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, line, "")
    assert page.read_text() == f"{line}\n"
    ask("delete from listening.fact_play")
    dry = brapped("rebuild", "--listener", "one", "--dry-run")
    assert dry.stdout == "Dry run: of 3 plays of 1 listener, 3 would come, 0 go, 0 differ\n"
    assert ask("select count(*) from listening.fact_play") == [(0,)]


def test_the_command_refuses_in_one_sentence(filled, brapped, ask):
    ran = brapped("rebuild", "--listener", "nobody")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "brapped: No listener with this name or id is recorded here. Recorded are: one, other."
        " Without --listener, the plays of all are derived.\n"
    )
    assert brapped("rebuild", "one").returncode == 2
    ask("delete from ops.schema_change where file_name = 'views/streak'")
    ran = brapped("rebuild", "--dry-run")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("brapped: The database is older than this program: the next run of a job, or python")


@pytest.mark.parametrize(("github", "is_said"), [("", True), ("true", False)])
def test_on_a_terminal_it_says_beforehand_what_it_will_do_and_on_github_nobody_is_named(
    github, is_said, filled, environment, tmp_path
):
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "etl", "rebuild"], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        env={**environment, "TERM": "xterm", "GITHUB_ACTIONS": github}, stderr=theirs, check=True,
    )  # fmt: skip
    os.write(theirs, b"the end")
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert ("Deriving the plays of one anew from 5 observations; 3 plays so far." in said) is is_said
    assert done.stdout.decode() == "6 plays of 2 listeners derived anew: 0 added, 0 removed, 0 changed\n"


# The migration.


@pytest.fixture
def next_file(monkeypatch, tmp_path):
    """Adds a schema file after the last: `next_file("-- What.\\n-- rebuild\\nupdate …;")` gives its name."""

    def add(text: str) -> str:
        folder = tmp_path / "sql"
        shutil.copytree(sql_folder(), folder)
        number = len(list((folder / "schema").iterdir())) + 1
        name = f"schema/{number:03}_better_rule"
        (folder / f"{name}.sql").write_text(text)
        monkeypatch.setattr(statements, "sql_folder", lambda: folder)
        statements.script.cache_clear()
        return name

    yield add
    statements.script.cache_clear()


def test_a_schema_file_that_changes_the_rule_derives_everything_anew_and_says_so(
    filled, next_file, warehouse, ask, caplog
):
    before = ask(PLAYS)
    name = next_file(f"-- A better rule.\n-- rebuild: plays too far apart are two.\n\n{APART};\n")
    with caplog.at_level("INFO"):
        assert name in warehouse.migrate(NOW, __version__)
    assert len(ask(PLAYS)) == len(before) + 2
    assert caplog.messages == [
        "The rule that decides which observations are one play has changed: all plays are derived anew.",
        "8 plays of 2 listeners derived anew: 2 added, 0 removed, 2 changed.",
    ]
    assert warehouse.migrate(NOW, __version__) == []


@pytest.mark.parametrize("head", ["-- Another column.", "-- Views\n-- rebuild themselves.", "-- A word.\n\n-- rebuild"])
def test_another_schema_file_leaves_the_plays_alone(head, filled, next_file, warehouse, ask, caplog):
    before = ask(PLAYS)
    next_file(f"{head}\n{APART};\n")
    with caplog.at_level("INFO"):
        warehouse.migrate(NOW, __version__)
    assert ask(PLAYS) == before and caplog.messages == []


def test_the_file_of_the_observations_is_one_that_changes_the_rule():
    assert [name for name in statements.names_in("schema") if changes_the_rule(name)] == ["schema/012_observations"]


DUE = "select listener_key, schema_file, due_at, tried_at, tried_by from ops.rebuild_due order by 1"


def test_when_the_plays_can_not_be_derived_they_stay_due_until_they_are(
    filled, next_file, warehouse, ask, monkeypatch, moving
):
    before = ask(PLAYS)
    name = next_file(f"-- A better rule.\n-- rebuild\n{APART};\n")
    with monkeypatch.context() as patched:
        patched.setattr("etl.warehouse.rebuild.rebuild_plays", lambda *_, **__: 1 / 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                warehouse.migrate(NOW, __version__)
    assert ask(PLAYS) == before
    assert ask("select count(*) from ops.schema_change where file_name = %s", name) == [(1,)]
    assert ask(DUE) == [(key, name, NOW, None, None) for key in sorted(filled.listener_keys.values())]
    assert moving("--check") == (1, "pending: the plays of 2 listeners are to be derived anew\n")
    assert ask(DUE) != [] and ask(PLAYS) == before
    assert warehouse.migrate(NOW, __version__) == []
    assert ask(DUE) == [] and len(ask(PLAYS)) == len(before) + 2
    assert moving("--check") == (0, "The database is up to date.\n")


def test_the_job_does_what_is_due_and_of_one_listener_no_more_than_theirs(run, filled, next_file, warehouse, ask):
    next_file(f"-- A better rule.\n-- rebuild\n{APART};\n")
    warehouse.migrate(NOW, __version__, plays_may_wait=True)
    assert run(listener="other", dry_run=True).startswith("Dry run: of 4 plays of 1 listener,") and len(ask(DUE)) == 2
    assert run(listener="other") == "4 plays of 1 listener derived anew: 1 added, 0 removed, 1 changed"
    assert [key for key, *_ in ask(DUE)] == [filled.listener_keys["one"]]
    run()
    assert ask(DUE) == []


def test_an_import_derives_first_what_is_due(filled, next_file, warehouse, ask):
    next_file(f"-- A better rule.\n-- rebuild\n{APART};\n")
    warehouse.migrate(NOW, __version__, plays_may_wait=True)
    filled.import_rows(EXPORT, "one")
    assert ask(DUE) == [] and len(ask(PLAYS)) == 8


# The jobs with a time limit.


@pytest.fixture
def due(filled, next_file, warehouse, ask) -> list[int]:
    """A better rule is in, and the plays of both listeners are due: their keys."""
    next_file(f"-- A better rule.\n-- rebuild\n{APART};\n")
    warehouse.migrate(NOW, __version__, plays_may_wait=True)
    keys = sorted(filled.listener_keys.values())
    assert [row[0] for row in ask(DUE)] == keys
    return keys


def in_time(job, warehouse, *, at=NOW, left_s=1e6):
    rebuild_in_time(job, warehouse, lambda: at, Deadline(time.monotonic() + left_s, left_s))


def test_a_job_with_time_left_derives_what_is_due_and_says_so(due, warehouse, ask, caplog):
    with caplog.at_level("INFO"):
        in_time("plays", warehouse)
    assert ask(DUE) == [] and len(ask(PLAYS)) == 8
    line = "An update changed which observations are one play. 4 plays derived anew: 1 added, 0 removed, 1 changed."
    assert caplog.messages == [line, line]
    in_time("plays", warehouse)
    assert len(caplog.messages) == 2


def test_a_job_without_time_leaves_it_and_has_not_tried(due, warehouse, ask):
    before = ask(PLAYS)
    in_time("plays", warehouse, left_s=50)
    assert ask(PLAYS) == before and [row[3:] for row in ask(DUE)] == [(None, None)] * 2


def test_what_does_not_end_in_time_is_undone_and_tried_by_the_longer_job_once_a_day(
    due, warehouse, ask, caplog, monkeypatch
):
    before = ask(PLAYS)
    seen = []

    def slow(connection, **given):
        seen.append(given["listener_key"])
        rebuilt = rebuild_plays(connection, **given)
        for _ in range(100):  # no statement takes as long as the job has left
            connection.exec_driver_sql("select pg_sleep(0.5)")
        return rebuilt

    with monkeypatch.context() as patched:
        patched.setattr("etl.warehouse.rebuild.rebuild_plays", slow)
        patched.setattr("etl.jobs.due_rebuilds.SHORTEST_S", 0)
        in_time("plays", warehouse, left_s=46)
        assert seen == due[:1] and ask(PLAYS) == before
        assert [row[3:] for row in ask(DUE)] == [(NOW, "plays"), (None, None)]
        assert "are still to be derived anew after an update, and this run could not: A statement" in caplog.text
        in_time("plays", warehouse, left_s=46)
        assert seen == due
        in_time("plays", warehouse, left_s=46)
        assert seen == due
        in_time("dimensions", warehouse, left_s=181)
        assert seen == [*due, due[0]]
    in_time("plays", warehouse, at=NOW + timedelta(days=9))
    assert [row[4] for row in ask(DUE)] == ["dimensions", "plays"]
    in_time("dimensions", warehouse, at=NOW + timedelta(hours=19))
    assert [row[0] for row in ask(DUE)] == due[:1]
    in_time("dimensions", warehouse, at=NOW + timedelta(hours=20))
    assert ask(DUE) == [] and len(ask(PLAYS)) == 8


def test_two_runs_at_once_derive_each_listener_once(due, warehouse, database, ask, monkeypatch):
    """The second waits for the first, and then finds nothing to do."""
    seen, other = [], Warehouse(database)

    def meets_another(connection, **given):
        seen.append(given["listener_key"])
        if len(seen) == 1:
            second.start()
            waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            waiting += " and database = (select oid from pg_database where datname = current_database())"
            while second.is_alive() and asked(database, waiting) == [(0,)]:
                time.sleep(0.02)
        return rebuild_plays(connection, **given)

    second = threading.Thread(target=lambda: other.migrate(NOW, __version__))
    monkeypatch.setattr("etl.warehouse.rebuild.rebuild_plays", meets_another)
    warehouse.migrate(NOW, __version__)
    second.join(60)
    other.close()
    assert sorted(seen) == due and ask(DUE) == [] and len(ask(PLAYS)) == 8


def test_a_copy_in_progress_is_left_as_it_arrives(filled, next_file, warehouse, ask, monkeypatch):
    name = next_file(f"-- A better rule.\n-- rebuild\n{APART};\n")
    monkeypatch.setattr("etl.warehouse.rebuild.rebuild_plays", lambda *_, **__: 1 / 0)
    done = warehouse.transaction(lambda connection: migrate_within(connection, NOW, __version__, only={name}))
    assert done == [name]


def test_the_command_migrate_says_it_too(filled, next_file, moving, caplog):
    next_file(f"-- A better rule.\n-- rebuild\n{APART};\n")
    with caplog.at_level("INFO", "etl"):
        status, said = moving()
    assert status == 0 and "applied: sql/schema/" in said
    assert caplog.messages[-1] == "8 plays of 2 listeners derived anew: 2 added, 0 removed, 2 changed."


def test_it_waits_for_a_merge_before_it_locks_a_table(filled, next_file, warehouse, database, ask):
    """A merge holds the lock of its listener and then locks rows; the other way round the two would wait for each other."""
    import psycopg2

    next_file("-- A better rule.\n-- rebuild\nalter table listening.fact_play add column another integer;\n")
    merge = psycopg2.connect(libpq(database))
    with merge.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(1651663216, listener_key) from listening.dim_listener")
        migration = threading.Thread(target=lambda: warehouse.migrate(NOW, __version__))
        migration.start()
        waiting = "select pid from pg_locks where locktype = 'advisory' and not granted and classid = 1651663216"
        waiting += " and database = (select oid from pg_database where datname = current_database())"
        pids: list[tuple] = []
        while not pids and migration.is_alive():
            pids = asked(database, waiting)
            time.sleep(0.02)
        held = (
            "select relation::regclass::text from pg_locks where pid = %s and mode = 'AccessExclusiveLock' and granted"
        )
        tables = asked(database, held, pids[0][0])
        cursor.execute("update listening.fact_play set ms_played = ms_played")
    merge.commit()
    merge.close()
    migration.join(60)
    assert [table for (table,) in tables if table.startswith(("listening", "ops"))] == []
    assert ask("select count(*) from listening.fact_play where another is null") == [(6,)]
