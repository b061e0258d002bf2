"""A database that is copied from runs nothing, neither where it is copied to nor with the rights of whoever reads it."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg2
import pytest
from support import NOW, asked, fresh_database, libpq, superuser
from support.warehouse_state import differences, everything, fill

from etl import limits
from etl.transfer import copy as moves
from etl.transfer import endpoints as sides
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK

SCHEMAS = "select count(*) from pg_namespace where nspname in ('listening', 'ops')"
RAN = "P0001"  # SQLSTATE of what `evil` raises: an error that says that it ran
EVIL = """
create schema evil;
create function evil.run() returns boolean language plpgsql immutable as $$ begin raise exception 'ran'; end $$;
create function evil.run(told text) returns text language plpgsql immutable as $$ begin raise exception 'ran'; end $$;
create function evil.lazy(told text) returns text language plpgsql immutable as $$ begin return told; end $$;
"""
# Whatever the program calls, as the owner of a database would have it called instead.
FUNCTIONS = (
    "aclexplode(aclitem[])", "array_position(smallint[], smallint)", "current_setting(text)", "format_type(oid, integer)",
    "hash_record_extended(record, bigint)", "hashint8extended(bigint, bigint)", "pg_advisory_xact_lock(integer, integer)",
    "pg_get_constraintdef(oid)", "pg_get_serial_sequence(text, text)", "pg_try_advisory_xact_lock(integer, integer)",
    "pg_try_advisory_xact_lock_shared(integer, integer)", "quote_ident(text)", "set_config(text, text, boolean)",
    "to_regclass(text)", "to_regprocedure(text)",
)  # fmt: skip
OPERATORS = (
    ("=", "oid", "oid"), ("=", "name", "text"), ("=", "text", "text"), ("<>", "text", "text"), ("=", '"char"', '"char"'),
    (">", "integer", "integer"), (">", "smallint", "integer"), ("||", "text", "text"),
)  # fmt: skip
TABLES = (
    "pg_attribute", "pg_class", "pg_constraint", "pg_depend", "pg_extension", "pg_index", "pg_inherits", "pg_namespace",
    "pg_proc", "pg_roles", "pg_statistic_ext", "pg_type",
)  # fmt: skip
RAISES = "language plpgsql immutable as $$ begin raise exception 'ran'; end $$"


def shadow(url: str) -> None:
    """Puts something else before everything that Postgres brings."""
    asked(url, EVIL)
    for function in FUNCTIONS:
        asked(url, f"create function evil.{function} returns text {RAISES}")
    for operator, left, right in OPERATORS:
        name = f"evil.operator_{random.getrandbits(40):x}"
        asked(url, f"create function {name}({left}, {right}) returns boolean {RAISES}")
        asked(url, f"create operator evil.{operator} (function = {name}, leftarg = {left}, rightarg = {right})")
    for table in TABLES:
        asked(url, f"create view evil.{table} as select evil.run() as oid")
    [(database,)] = asked(url, "select current_database()")
    asked(url, f"alter database {database} set search_path = evil, pg_catalog, public")
    with pytest.raises(psycopg2.errors.RaiseException):  # it would, if it could
        asked(url, "select oid from pg_class")


def test_a_source_whose_functions_are_others_is_moved_without_them(database, target, moving):
    fill(database, 200)
    before = everything(database)
    shadow(database)
    for extra in (("--dry-run",), (), ("--verify",)):
        status, output = moving("--from", database, "--to", target, *extra)
        assert status == 0, output
    assert differences(before, everything(target)) == {}


def test_no_transaction_of_the_program_is_led_elsewhere(database, brapped, target, moving):
    """The database that is recorded in, too: who may make a schema in it does not decide what a job runs."""
    shadow(database)
    for command in (("plays",), ("dimensions",), ("status",), ("search", "wuthering")):
        ran = brapped(*command)
        assert "Traceback" not in ran.stderr and RAN not in ran.stderr + ran.stdout, ran.stderr
        assert ran.returncode == 0 or command != ("plays",), ran.stderr
    assert moving()[0] == 0


def test_the_extension_is_found_wherever_a_host_keeps_it(target, brapped):
    """Some put all of them into a schema of their own."""
    [(name,)] = asked(target, "select current_database()")
    asked(target, "create schema heroku_ext; create extension pg_trgm schema heroku_ext")
    asked(target, f"alter database {name} set search_path = public, heroku_ext")
    assert brapped("plays", DATABASE_URL=target).returncode == 0
    ran = brapped("search", "wuthering", DATABASE_URL=target)
    assert "Postgres refused" not in ran.stderr, ran.stderr


def test_a_table_of_the_persons_own_is_not_taken_for_a_temporary_one(database, brapped, ask):
    ask("create table public.staging_play (number integer)")
    assert brapped("plays").returncode == 0


NOT_PLAIN = {
    "a view instead of the record of the schema": (
        "alter table ops.schema_change rename to real; create view ops.schema_change as select * from ops.real where evil.run()",
        "ops.schema_change of the database at --from is a view, not a table",
    ),
    "a view instead of the tracks": (
        "alter table listening.dim_track rename to real; create view listening.dim_track as select * from listening.real where evil.run()",
        "listening.dim_track of the database at --from is a view, not a table",
    ),
    "a materialized view": (
        "alter table ops.pause rename to real; create materialized view ops.pause as select * from ops.real",
        "ops.pause of the database at --from is a materialized view",
    ),
    "a foreign table": (
        "drop table ops.pause; create foreign table ops.pause (scope text) server nowhere",
        "ops.pause of the database at --from is a foreign table",
    ),
    "a policy": (
        "create policy mine on listening.fact_play using (evil.run()); alter table listening.fact_play enable row level security",
        "listening.fact_play of the database at --from has row security",
    ),
    "a table that inherits": (
        "create table public.more () inherits (listening.fact_play)",
        "listening.fact_play of the database at --from inherits from a table, or is inherited from",
    ),
    "an index on a function": (
        "create index on listening.dim_track ((track_name || evil.lazy('x')))",
        "listening.dim_track of the database at --from has an index or a constraint on a function",
    ),
    "an index for some rows": (
        "create index on listening.dim_track (track_key) where evil.lazy(track_name) = 'x'",
        "listening.dim_track of the database at --from has an index or a constraint on a function",
    ),
    "a constraint on a function": (
        "alter table ops.run add constraint mine check (evil.lazy(job) is not null)",
        "ops.run of the database at --from has an index or a constraint on a function",
    ),
    "statistics on a function": (
        "create statistics listening.mine on (evil.lazy(track_name)) from listening.dim_track",
        "listening.dim_track of the database at --from has an index or a constraint on a function",
    ),
    "another function behind the program's own": (
        "create or replace function ops.folded(told text) returns text language sql immutable strict as"
        " $$ select lower(told) || evil.lazy('x') $$",
        "has an index or a constraint on a function",
    ),
    "another function behind the program's own, as it is written": (
        "create or replace function ops.folded(told text) returns text language sql immutable strict return evil.lazy(told)",
        "has an index or a constraint on a function",
    ),
    "a type of its own": (
        "create domain ops.word as text; alter table ops.run alter column job type ops.word",
        "ops.run of the database at --from has a column of a type that is not Postgres's own",
    ),
    "another type": (
        "alter table ops.run alter column received_count type bigint",
        "ops.run of the database at --from is not as the schema makes it: see its column received_count",
    ),
    "a column more": (
        'alter table ops.run add column "x"" --" text',
        "ops.run of the database at --from is not as the schema makes it",
    ),
    "a column less": (
        "alter table ops.pause drop column reason",
        "ops.pause of the database at --from is not as the schema makes it: see its column reason",
    ),
    "a table less": ("drop table ops.pause", "has no table ops.pause"),
    "a table more": ("create table listening.mine (number integer)", "listening.mine of the database at --from is no table"),
    "a table of a strange name": (
        'create table ops."x\x1b[31m; --" (number integer)',
        "ops.x\N{REPLACEMENT CHARACTER}[31m; -- of the database at --from is no table",
    ),
    "a column that nobody numbers": (
        "alter table ops.run alter column run_key drop identity",
        "run_key of ops.run is not numbered by Postgres",
    ),
    "numbers beyond what a column holds": (
        "alter sequence listening.dim_track_track_key_seq as bigint maxvalue 9000000000000; select setval('listening.dim_track_track_key_seq', 5000000000)",
        "The numbering of listening.dim_track in the database at --from is out of bounds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_a_source_that_is_not_as_the_schema_makes_it_is_refused_before_it_is_read(name, database, target, moving):
    statement, says = NOT_PLAIN[name]
    asked(database, EVIL)
    if "foreign" in statement:
        asked(
            superuser(database),
            "create foreign data wrapper none; create server nowhere foreign data wrapper none;"
            " grant usage on foreign server nowhere to brapped",
        )
    asked(database, statement)
    for extra in ((), ("--dry-run",)):
        if extra and says.startswith(("run_key", "The numbering")):  # which a dry run does not copy
            continue
        status, output = moving("--from", database, "--to", target, *extra)
        assert status == 1 and says in output, output
        assert RAN not in output and "\x1b" not in output
        assert asked(target, SCHEMAS) == [(0,)]


def test_a_superuser_does_not_read_what_belongs_to_somebody_else(database, target, moving):
    status, output = moving("--from", superuser(database), "--to", target)
    assert status == 1 and "belongs to brapped, but the address has a superuser" in output
    assert asked(target, SCHEMAS) == [(0,)]


def test_keys_that_python_has_no_date_for_and_texts_like_statements_come_over(database, target, moving):
    fill(database, 20)
    for moment in ("0044-03-15 BC", "infinity", "-infinity", "20000-01-01"):
        asked(
            database,
            "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key,"
            " play_profile_key, time_key) values (%s, 1, 1, 20200101, 0, 0, 0, 0)",
            moment,
        )
    for text in ("x'); drop table ops.run; --", "\\", "\\'; --", "%s", "%(x)s", ":x", "\x1b[31m"):
        asked(database, "insert into ops.watermark values (1, %s, null, now())", text)
    assert moving("--from", database, "--to", target)[0] == 0
    statement = "select {} from listening.fact_play order by play_key"
    columns = "play_key, played_at::text, track_key"
    assert asked(database, statement.format(columns)) == asked(target, statement.format(columns))
    asked(target, "update ops.watermark set checked_at = now() where source like '%%31m'")
    asked(target, "update listening.fact_play set ms_played = 5 where played_at < '0001-01-01'")
    status, output = moving("--from", database, "--to", target, "--verify")
    assert status == 1 and "\x1b" not in output and " BC" in output
    assert moving("--from", database, "--to", target)[0] == 0


# Several at once


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOLDING", replace(limits.HOLDING, turn_s=0.05))


@pytest.fixture
def held() -> Iterator[Callable[[str, str], None]]:
    """`held(url, "shared")`: as if another copy read that database; `"exclusive"`: as if one wrote into it."""
    connections = []

    def take(url: str, how: str) -> None:
        connections.append(psycopg2.connect(libpq(url)))
        name = "pg_advisory_xact_lock_shared" if how == "shared" else "pg_advisory_xact_lock"
        with connections[-1].cursor() as cursor:
            cursor.execute(f"select {name}(%s, %s)", (MOVE_LOCK, sides.WHOLE))

    yield take
    for connection in connections:
        connection.close()


def test_where_another_copy_is_at_work_none_begins(database, target, moving, held, impatient, tmp_path):
    fill(database, 20)
    path = tmp_path / "backup.zip"
    assert moving("--backup", str(path))[0] == 0
    held(target, "shared")  # as another move would that copies out of it
    for command in (("--from", database), ("--restore", str(path))):
        status, output = moving(*command, "--to", target)
        assert status == 1 and "Another move, backup or restore is at work in the database at --to" in output
        assert asked(target, SCHEMAS) == [(0,)]
    held(database, "shared")  # two may read one database
    assert moving("--backup", str(path))[0] == 0


def test_a_database_that_is_being_written_is_not_read(database, target, moving, held, impatient, tmp_path):
    held(database, "exclusive")
    for command in (("--from", database, "--to", target), ("--backup", str(tmp_path / "b.zip"))):
        status, output = moving(*command)
        assert status == 1 and "is being copied into right now" in output
    assert not (tmp_path / "b.zip").exists()


def test_moves_that_cross_and_three_at_once_all_end(database, target, cluster, impatient, monkeypatch):
    """Each holds a lock that the other waits for, in two databases: neither of them sees that."""
    monkeypatch.setattr(moves, "LARGEST", 200)
    fill(database, 2_000)
    first = [Warehouse(url) for url in (database, target)]
    moves.copy_warehouse(first[0], first[1], now=NOW)
    asked(target, "delete from listening.fact_play where play_key between 300 and 900")
    for warehouse in first:
        warehouse.close()
    for third in fresh_database(cluster, "template0"):
        ends: list[str] = []
        ready = threading.Barrier(4)

        def go(source: str, destination: str, ends: list[str] = ends, ready: threading.Barrier = ready) -> None:
            one, other = Warehouse(source), Warehouse(destination)
            ready.wait()
            try:
                made = moves.copy_warehouse(one, other, now=NOW)
                ends.append("differs" if made.differences else "done")
            except WarehouseError as error:
                ends.append(str(error))
            finally:
                one.close()
                other.close()

        ways = [(database, target), (target, database), (database, third), (database, third)]
        threads = [threading.Thread(target=go, args=way, daemon=True) for way in ways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
        assert len(ends) == 4
        for output in ends:
            assert (
                output == "done" or "is at work in" in output or "being copied into" in output or "unfinished" in output
            ), output


def test_a_target_that_somebody_reads_all_the_time_is_not_waited_for_without_end(database, target, moving, monkeypatch):
    """A session of a BI tool that was left open: taking the references away waits for it, and all others wait behind."""
    fill(database, 20)
    assert moving("--from", database, "--to", target)[0] == 0
    monkeypatch.setattr(limits, "COPYING", replace(limits.COPYING, lock_s=0.05))
    reader = psycopg2.connect(libpq(target))
    with reader.cursor() as cursor:
        cursor.execute("select count(*) from listening.dim_track")
    status, output = moving("--from", database, "--to", target)
    reader.close()
    assert status == 1 and "holds a view or a table of the warehouse and does not let go: role" in output
    assert moving("--from", database, "--to", target)[0] == 0
