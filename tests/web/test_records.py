"""What the web application's role may see: the rows of one listener, whatever a statement asks for."""

from collections.abc import Callable, Iterator
from functools import partial

import psycopg2
import pytest
from sqlalchemy import Connection, text
from support import asked, libpq

from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.web.records import Records, prepare_role

# Relations of schema listening with a listener_key: tables, and the views that stand on them.
OF_LISTENERS = """
select relname, relkind::text
from pg_class inner join pg_attribute on attrelid = pg_class.oid and attname = 'listener_key'
where relnamespace = 'listening'::regnamespace and relkind in ('r', 'p', 'v')
order by relname
"""


@pytest.fixture
def records(recorded: str) -> Iterator[Records]:
    """The record of Ada (1), and another listener's: the same rows under another key."""
    asked(recorded, "insert into listening.dim_listener (listener_id, listener_name, time_zone, created_at)"
                    " overriding user value select 'ben', 'Ben', time_zone, created_at from listening.dim_listener")  # fmt: skip
    for table in ("listening.observation", "listening.fact_play", "ops.coverage", "ops.watermark"):
        columns = [
            name for (name,) in asked(
                recorded,
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and attidentity = ''"
                " and not attisdropped and attgenerated = '' and attname <> 'listener_key'", table,
            )
        ]  # fmt: skip
        listed = ", ".join(columns)
        asked(
            recorded,
            f"insert into {table} (listener_key, {listed}) select other.listener_key, {', '.join(f'mine.{one}' for one in columns)}"
            f" from {table} as mine, listening.dim_listener as other where other.listener_id = 'ben'",
        )
    warehouse = Warehouse(recorded, pool_size=3)
    prepare_role(warehouse)
    yield Records(warehouse)
    warehouse.close()


def keys_seen(connection: Connection, relation: str) -> set[int]:
    return {key for (key,) in connection.execute(text(f"select distinct listener_key from listening.{relation}"))}


def test_each_relation_shows_one_listeners_rows_only(records: Records, ask: Callable) -> None:
    keys = {name: key for key, name in ask("select listener_key, listener_id from listening.dim_listener")}
    ada, ben = keys["account-of-ada"], keys["ben"]
    relations = [name for name, _ in ask(OF_LISTENERS)]
    seen_whole = {
        name: {key for (key,) in ask(f"select distinct listener_key from listening.{name}")} for name in relations
    }
    assert sum(seen_whole[name] == {ada, ben} for name in relations) > 10, "both have rows nearly everywhere"
    for key in (ada, ben):
        for name in relations:
            seen = records.read(key, partial(keys_seen, relation=name))
            assert seen == seen_whole[name] & {key}, name


def test_without_a_listener_set_the_role_sees_nobody(records: Records) -> None:
    def work(connection: Connection) -> int:
        connection.execute(text("select set_config('role', 'brapped_web', true)"))
        return int(connection.execute(text("select count(*) from listening.fact_play")).scalar_one())

    assert records.change(work) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "select 1 from ops.login",
        "select 1 from ops.web_session",
        "delete from listening.fact_play",
        "update listening.dim_listener set listener_name = 'x'",
        "create table listening.mine (one integer)",
        "alter table listening.fact_play disable row level security",
    ],
)
def test_the_role_reads_no_secret_and_changes_nothing(records: Records, ask: Callable, statement: str) -> None:
    [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'ben'")
    with pytest.raises(WarehouseError):
        records.read(key, lambda connection: connection.execute(text(statement)))


def test_who_reads_otherwise_sees_what_they_saw(records: Records, recorded: str, ask: Callable) -> None:
    """BI tools, with a role of their own: guarding the tables takes nothing from them."""
    asked(recorded, "create role reader_of_a_test login password 'x'")
    try:
        asked(recorded, "grant usage on schema listening to reader_of_a_test")
        asked(recorded, "grant select on all tables in schema listening to reader_of_a_test")
        connection = psycopg2.connect(libpq(recorded))
        with connection, connection.cursor() as cursor:
            cursor.execute("grant reader_of_a_test to current_user")
            cursor.execute("set local role reader_of_a_test")
            for name, _ in ask(OF_LISTENERS):
                cursor.execute(f"select count(*) from listening.{name}")
                assert cursor.fetchall() == ask(f"select count(*) from listening.{name}"), name
        connection.close()
    finally:
        asked(recorded, "drop owned by reader_of_a_test")
        asked(recorded, "drop role reader_of_a_test")


def test_preparing_again_changes_nothing_and_a_new_table_is_guarded(
    records: Records, recorded: str, ask: Callable
) -> None:
    policies = "select polname, polrelid::regclass::text from pg_policy order by 2, 1"
    before = ask(policies)
    prepare_role(records.warehouse)
    assert ask(policies) == before
    asked(recorded, "create table listening.newcomer (listener_key integer not null)")
    prepare_role(records.warehouse)
    assert ("one_listener", "listening.newcomer") in ask(policies)
