"""Whatever the database does, a run ends, and says why: each limit of etl/limits.py expires here once."""

import io
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import Any

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from support import NOW, ago, in_cluster, libpq, settings_of

from etl import __version__, limits
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.plays import record_plays
from etl.limits import Limits
from etl.paths import sql_folder
from etl.simulator.routes import Play
from etl.staging import Table
from etl.warehouse import statements
from etl.warehouse.connection import Warehouse
from etl.warehouse.engine import WatchedConnection
from etl.warehouse.errors import WarehouseError
from etl.warehouse.load import copy
from etl.warehouse.locks import LISTENER_LOCK, LOGIN_LOCK, SCHEMA_LOCK, LockTimeout, lock
from etl.warehouse.statements import driver_cursor, run, stream

SOON = Limits("brapped", statement_s=0.3, lock_s=0.1, turn_s=0.1, idle_s=60)


@pytest.fixture
def soon(monkeypatch) -> Limits:
    """Every limit expires at once."""
    return expiring(monkeypatch, SOON)


@pytest.fixture
def waiting(monkeypatch) -> Limits:
    """Every wait for a lock ends at once; statements have their time, on a slow machine too."""
    return expiring(monkeypatch, replace(SOON, statement_s=20))


def expiring(monkeypatch: pytest.MonkeyPatch, wanted: Limits) -> Limits:
    monkeypatch.setattr(limits, "SHORT", wanted)
    monkeypatch.setattr(limits, "GRACE_S", 0.2)
    monkeypatch.setattr(limits, "MIGRATING", replace(wanted, name="brapped migrate", statement_s=60))
    monkeypatch.setattr(limits, "MIGRATION_TRIES", 2)
    monkeypatch.setattr(limits, "MIGRATION_PAUSE_S", 0)
    return wanted


@pytest.fixture
def no_retry(monkeypatch) -> None:
    monkeypatch.setattr(limits, "ANOTHER_TRY_S", -1)


@pytest.fixture
def reader(database) -> Iterator[str]:
    """The URL of a role that may only read, as docs/bi.md makes it."""
    role = f"reader_of_{make_url(database).database}"  # roles are of the whole cluster
    for statement in (
        f"create role {role} login",
        f"grant usage on schema listening to {role}",
        f"grant select on all tables in schema listening to {role}",
    ):
        in_cluster(database, statement)
    yield make_url(database).set(username=role).render_as_string(hide_password=False)
    in_cluster(database, f"drop owned by {role} cascade")
    in_cluster(database, f"drop role {role}")


@contextmanager
def holding(url: str, statement: str, application_name: str = "psql") -> Iterator[int]:
    """Another session, in a transaction that has run this statement; its process."""
    with closing(psycopg2.connect(libpq(url), application_name=application_name)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        try:
            yield connection.info.backend_pid
        finally:
            with suppress(psycopg2.Error):  # a test may have ended the session
                connection.rollback()  # closing alone lets go only when the server notices it


def name_of(url: str) -> str:
    return str(make_url(url).username)


def advisory(half: int, key: int) -> str:
    return f"select pg_advisory_xact_lock({half}, {key})"


def settings_within(warehouse: Warehouse, wanted: Limits | None = None) -> list[str]:
    return list(warehouse.transaction(lambda connection: connection.execute(SHOWN).one(), wanted))


SHOWN = text(
    "select current_setting('statement_timeout'), current_setting('lock_timeout'),"
    " current_setting('idle_in_transaction_session_timeout'), current_setting('application_name')"
)


# Each statement has its limits, whichever way it goes to the server.


def test_a_transaction_begins_with_its_limits(warehouse):
    assert settings_within(warehouse) == ["45s", "30s", "11min", "brapped"]
    assert settings_within(warehouse, limits.IMPORTING) == ["1h", "2min", "1h", "brapped import"]
    assert settings_within(warehouse) == ["45s", "30s", "11min", "brapped"]


@pytest.mark.parametrize("first", ["script", "stream", "copy", "savepoint"])
def test_the_limits_hold_whatever_comes_first(first, warehouse):
    def work(connection):
        if first == "script":
            with driver_cursor(connection) as cursor:
                cursor.execute("select 1")
        elif first == "stream":
            assert list(stream(connection, "reports/shared/years_played", listener_key=1)) == []
        elif first == "copy":
            run(connection, "staging/staging_artist")
            copy(connection, "staging_artist", Table({"artist_id": ["1"]}))
        else:
            nested = connection.begin_nested()
            connection.execute(text("select 1"))
            nested.rollback()
        return list(connection.execute(SHOWN).one())

    assert warehouse.transaction(work) == ["45s", "30s", "11min", "brapped"]


def test_the_limits_end_with_the_transaction(warehouse):
    """A pooling proxy gives the same connection to others."""
    settings_within(warehouse)
    with warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.execute(SHOWN).one()[:3] == ("0", "0", "0")


def test_a_longer_limit_is_for_its_statement_only(warehouse, monkeypatch):
    monkeypatch.setattr(limits, "STATEMENTS_S", {"ops/health/clock": 900.0})
    seen = []

    def work(connection):
        run(connection, "ops/health/clock")
        seen.append(connection.info["limits_set"].statement_s)
        seen.append(connection.execute(SHOWN).one()[0])

    warehouse.transaction(work)
    assert seen == [900.0, "45s"]


@pytest.mark.parametrize(("fresh_s", "count"), [(60, 3), (0, 4)])
def test_the_limits_cost_no_round_trip(fresh_s, count, warehouse, monkeypatch):
    monkeypatch.setattr("etl.warehouse.engine.FRESH_S", fresh_s)
    settings_within(warehouse)
    trips = []
    watched = WatchedConnection.watched
    monkeypatch.setattr(WatchedConnection, "watched", lambda self: trips.append(1) or watched(self))
    settings_within(warehouse)
    # Whether the connection lives, unless it has just answered; the question, the commit; and a rollback with nothing to roll
    # back, which goes nowhere.
    assert len(trips) == count


def test_a_connection_is_asked_whether_it_lives(warehouse):
    with warehouse.begin() as connection:
        parameters = connection.connection.driver_connection.get_dsn_parameters()
    wanted = {
        "connect_timeout": "15", "keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10",
        "keepalives_count": "3", "tcp_user_timeout": "60000",
    }  # fmt: skip
    assert {name: parameters.get(name) for name in wanted} == wanted


def test_what_the_address_says_about_a_connection_goes_first(database):
    warehouse = Warehouse(f"{database}&connect_timeout=7")
    with closing(warehouse), warehouse.begin() as connection:
        driver: Any = connection.connection.driver_connection
        assert driver.get_dsn_parameters()["connect_timeout"] == "7"


# Each limit expires.


def test_a_statement_that_takes_too_long_ends_with_a_sentence(warehouse, soon):
    tries = []

    def work(connection):
        tries.append(1)
        connection.execute(text("select pg_sleep(60)"))

    with pytest.raises(WarehouseError, match="A statement exceeded its timeout"):
        warehouse.transaction(work)
    assert len(tries) == 1
    assert settings_within(warehouse)[0] == "300ms"


def test_a_script_and_a_copy_end_too(warehouse, soon):
    def script(connection):
        with driver_cursor(connection) as cursor:
            cursor.execute("select pg_sleep(60)")

    def copying(connection):
        with driver_cursor(connection) as cursor, io.BytesIO() as nowhere:
            cursor.copy_expert("copy (select pg_sleep(60)) to stdout", nowhere)

    for work in (script, copying):
        with pytest.raises(WarehouseError, match="A statement exceeded its timeout"):
            warehouse.transaction(work)


def test_a_session_that_fell_asleep_lets_go_and_begins_anew(warehouse, monkeypatch):
    monkeypatch.setattr(limits, "SHORT", replace(limits.SHORT, idle_s=0.1))
    tries = []

    def work(connection):
        connection.execute(text("select 1"))
        if not tries:
            tries.append(1)
            time.sleep(1)
        return connection.execute(text("select 2")).scalar_one()

    assert warehouse.transaction(work) == 2
    assert tries == [1]


def test_who_holds_a_row_is_named(warehouse, database, waiting, ask):
    run_once = text("update ops.warehouse set made_at = made_at")
    with holding(database, "update ops.warehouse set made_at = made_at") as pid, pytest.raises(LockTimeout) as raised:
        warehouse.transaction(lambda connection: connection.execute(run_once))
    assert f"role brapped (process {pid})" in str(raised.value) and not raised.value.is_ours
    assert "update" not in str(raised.value)


@pytest.mark.parametrize(
    ("half", "what"), [(LISTENER_LOCK, "record of a listener"), (LOGIN_LOCK, "login"), (SCHEMA_LOCK, "schema")]
)
def test_a_reader_who_takes_the_programs_lock_is_named(half, what, warehouse, reader, waiting):
    with holding(reader, advisory(half, 1)) as pid, pytest.raises(LockTimeout) as raised:
        warehouse.transaction(lambda connection: lock(connection, half, 1))
    message = str(raised.value)
    assert message.startswith(
        f"Another session holds the {what} and does not let go: role {name_of(reader)} (process {pid})."
    )
    assert f"select pg_terminate_backend({pid})" in message and not raised.value.is_ours


def test_a_reader_who_calls_itself_an_import_is_none(warehouse, reader, waiting):
    with holding(reader, advisory(LISTENER_LOCK, 1), "brapped import"), pytest.raises(LockTimeout) as raised:
        warehouse.transaction(lambda connection: lock(connection, LISTENER_LOCK, 1))
    assert not raised.value.is_ours


def test_a_lock_that_was_free_again_is_said_to_be(warehouse, database, waiting):
    def work(connection):
        with holding(database, advisory(LISTENER_LOCK, 1)):
            lock(connection, LISTENER_LOCK, 1)

    with pytest.raises(LockTimeout, match="It has ended by now: run this again"):
        warehouse.transaction(work)


def test_plays_give_way_to_an_import(database, spotify, play, songs, waiting, ask):
    """It is no failure, and the next run records what this one could not."""
    played = list(songs.tracks)[:2]
    play(Play(played[0], ago(60)))
    settings = settings_of(database, spotify)
    with closing(Warehouse(database)) as warehouse:
        record_plays(settings, warehouse, lambda: NOW)
        play(Play(played[1], ago(30)))
        with holding(database, advisory(LISTENER_LOCK, 1), "brapped import"):
            outcome = record_plays(settings, warehouse, lambda: NOW)
        assert outcome.line.startswith("An import is under way: it holds the record of a listener.")
        assert outcome.is_good and outcome.warnings == ()
        assert outcome.gave_way  # so nobody is told that all is well
        assert record_plays(settings, warehouse, lambda: NOW).line.startswith("1 of 2 plays are new")
    assert ask("select outcome from ops.run where job = 'plays' order by run_key") == [
        ("done",),
        ("waiting",),
        ("done",),
    ]


def test_dimensions_give_way_to_an_import(database, spotify, play, songs, waiting, ask, monkeypatch):
    track_id = next(iter(songs.tracks))
    play(Play(track_id, ago(60)))
    settings = settings_of(database, spotify)
    with closing(Warehouse(database)) as warehouse:
        record_plays(settings, warehouse, lambda: NOW)
        held = "update listening.dim_artist set popularity = popularity"
        with holding(database, held, "brapped import"):
            outcome = fill_dimensions(settings, warehouse, lambda: NOW)
        assert outcome.line.startswith("An import is under way: it holds rows") and outcome.is_good
    assert ask("select outcome from ops.run where job = 'dimensions'") == [("waiting",)]


def test_plays_fail_while_a_reader_holds_the_lock(database, spotify, play, songs, waiting, reader):
    play(Play(next(iter(songs.tracks)), ago(60)))
    settings = settings_of(database, spotify)
    with closing(Warehouse(database)) as warehouse:
        record_plays(settings, warehouse, lambda: NOW)
        with holding(reader, advisory(LISTENER_LOCK, 1)), pytest.raises(WarehouseError, match="role reader_of"):
            record_plays(settings, warehouse, lambda: NOW)


# A change of the schema waits for readers a few seconds at a time.

OUTDATED = "update ops.schema_change set checksum = 'another' where file_name = 'views/play_detail'"


def test_views_that_somebody_reads_keep_nobody_from_recording(warehouse, database, reader, waiting, ask, caplog):
    in_cluster(database, OUTDATED)
    with holding(reader, "select count(*) from listening.play_detail") as pid:
        assert warehouse.migrate(NOW, __version__, views_may_wait=True) == []
        [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert warning.startswith("The views were not updated; the next run tries again.")
        assert f"role {name_of(reader)} (process {pid})" in warning and "count" not in warning
        with pytest.raises(LockTimeout, match="role reader_of"):  # reports read them
            warehouse.migrate(NOW, __version__)
    assert "views/play_detail" in warehouse.migrate(NOW, __version__, views_may_wait=True)


def test_a_table_that_somebody_reads_is_waited_for_in_vain(warehouse, reader, waiting, tmp_path, monkeypatch):
    folder = shutil.copytree(sql_folder(), tmp_path / "sql")
    (folder / "schema/999_more.sql").write_text("-- More.\nalter table listening.fact_play add column more integer;\n")
    monkeypatch.setattr(statements, "sql_folder", lambda: folder)
    with holding(reader, "select count(*) from listening.fact_play") as pid, pytest.raises(LockTimeout) as raised:
        warehouse.migrate(NOW, __version__, views_may_wait=True)
    assert f"role {name_of(reader)} (process {pid})" in str(raised.value)
    assert "schema/999_more" in warehouse.migrate(NOW, __version__)
    statements.script.cache_clear()


def test_while_a_migration_waits_nobody_waits_long_behind_it(warehouse, database, reader, waiting):
    """Others can read what it waits for as soon as its own wait is over."""
    in_cluster(database, OUTDATED)
    with holding(reader, "select count(*) from listening.play_detail"):
        with pytest.raises(LockTimeout):
            warehouse.migrate(NOW, __version__)
        with holding(reader, "set statement_timeout = '5s'; select count(*) from listening.play_detail"):
            pass


# A database that accepts and says nothing.


class Proxy:
    """Stands between the program and Postgres, and falls silent after so many bytes of what Postgres says."""

    def __init__(self, there: Callable[[], socket.socket]) -> None:
        self.there = there
        self.left: int | None = None
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.is_over = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while not self.is_over.is_set():
            try:
                here, _ = self.server.accept()
            except OSError:
                return
            there = self.there()
            threading.Thread(target=self.pump, args=(here, there, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(there, here, True), daemon=True).start()

    def pump(self, source: socket.socket, target: socket.socket, is_counted: bool) -> None:
        try:
            while data := source.recv(65536):
                if is_counted and self.left is not None:
                    self.left -= len(data)
                    if self.left < 0:
                        self.is_over.wait()
                        return
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            target.close()

    def close(self) -> None:
        self.is_over.set()
        self.server.close()


@pytest.fixture
def proxy(database) -> Iterator[Proxy]:
    query = make_url(database).query

    def there() -> socket.socket:
        found = socket.socket(socket.AF_UNIX)
        found.connect(f"{query['host']}/.s.PGSQL.{query.get('port') or make_url(database).port}")
        return found

    proxy = Proxy(there)
    yield proxy
    proxy.close()


@pytest.fixture
def behind(database, proxy) -> Iterator[Warehouse]:
    url = make_url(database)
    warehouse = Warehouse(f"postgresql://{url.username}@127.0.0.1:{proxy.port}/{url.database}?sslmode=disable")
    yield warehouse
    warehouse.close()


WAYS = {
    "statement": lambda connection: connection.execute(text("select 1")),
    "script": lambda connection: driver_cursor(connection).execute("select 1"),
    "copy": lambda connection: copy(connection, "pg_temp.kept", Table({"kept": [1]})),
    "stream": lambda connection: list(stream(connection, "reports/shared/years_played", listener_key=1)),
    "commit": lambda connection: None,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_silent_database_is_given_up(way, behind, proxy, soon):
    tries = []

    def work(connection):
        tries.append(1)
        connection.execute(text("create temporary table kept (kept integer) on commit drop"))
        proxy.left = 0
        WAYS[way](connection)

    with pytest.raises(WarehouseError, match=r"did not answer in time\. The next run tries again\."):
        behind.transaction(work)
    assert tries == [1]


@pytest.mark.parametrize("left", range(0, 2400, 300))
def test_a_database_that_falls_silent_at_any_byte_is_given_up(left, behind, proxy, soon, no_retry, monkeypatch):
    monkeypatch.setattr(limits, "CONNECT_S", 2)
    proxy.left = left

    def used_up() -> None:
        for _ in range(20):
            warehouse.pending()

    warehouse = Warehouse(behind.engine.url.render_as_string(hide_password=False))
    with closing(warehouse), pytest.raises(WarehouseError, match="in time"):
        used_up()


def test_a_server_that_never_answers_the_first_packet_is_given_up(monkeypatch, no_retry):
    monkeypatch.setattr(limits, "CONNECT_S", 2)  # libpq knows no less
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        warehouse = Warehouse(f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/x?sslmode=disable")
        with pytest.raises(WarehouseError, match=r"The host in DATABASE_URL does not answer in time\."):
            warehouse.pending()


def test_no_try_begins_after_a_minute(monkeypatch, no_retry):
    slept: list[float] = []
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", slept.append)
    with pytest.raises(WarehouseError, match=r"refused\."):
        Warehouse("postgresql://me@127.0.0.1:9/x").pending()
    assert slept == []
