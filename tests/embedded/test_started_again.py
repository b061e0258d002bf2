"""A program that outlives its embedded Postgres starts it again: the recorder, which runs for months, above all."""

import os
import shutil
import signal
import tempfile
import time as real_time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, let_play, run_recorder

from etl.jobs.plays import record_plays
from etl.simulator.player import Item
from etl.sources.player.observation import unix_ms
from etl.warehouse.errors import WarehouseError
from etl.warehouse.open import opened

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FIRST, SECOND = Item("A", 400_000), Item("B", 900_000)
PLAYS = (
    "select track_uri, ms_played from listening.fact_play join listening.dim_track using (track_key) order by played_at"
)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder which Postgres's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="test-brapped-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(home, spotify):
    whole = settings_of("postgresql://nobody@nowhere/nothing", spotify, brapped_home=home)
    return whole.model_copy(update={"database_url": None})


def kill(folder: Path) -> None:
    """Kill the server, and wait until its processes are gone, as after a crash that was some time ago."""
    pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    deadline = real_time.monotonic() + 20
    while any(cwd(process) == folder.resolve() / "data" for process in Path("/proc").glob("[0-9]*")):
        assert real_time.monotonic() < deadline
        real_time.sleep(0.01)


def cwd(process: Path) -> Path | None:
    with suppress(OSError):
        return (process / "cwd").readlink()
    return None


@contextmanager
def spoiled(file: Path) -> Iterator[None]:
    """Within the block a server can't start."""
    before = file.read_text()
    file.write_text("nonsense = 'yes'\n")
    yield
    file.write_text(before)


def number(warehouse) -> int:
    return int(warehouse.transaction(lambda connection: connection.exec_driver_sql("select 42").scalar()))


def test_a_recorder_whose_server_is_killed_starts_it_again_and_loses_nothing(settings, spotify, caplog):
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    let_play(
        spotify,
        [
            (unix_ms(MORNING + at), lambda player, item=item: player.play(item))  # type: ignore[misc]
            for at, item in [(20 * MINUTE, FIRST), (80 * MINUTE, SECOND)]
        ],
    )
    kills = [MORNING + HOUR, MORNING + 90 * MINUTE]

    def happen() -> None:
        if kills and time.true() >= kills[0]:
            kills.pop(0)
            kill(settings.embedded_folder)

    with opened(settings) as warehouse:
        record_plays(settings, warehouse, time.true)  # somebody has logged in
        run_recorder(settings, warehouse, MovedClocks(time, MORNING + 3 * HOUR, happen))
        kept = warehouse.transaction(lambda connection: connection.exec_driver_sql(PLAYS).fetchall())
    assert not kills
    assert [tuple(row) for row in kept] == [(FIRST.uri, 400_000), (SECOND.uri, 900_000)]
    assert "DATABASE_URL" not in "".join(one.getMessage() for one in caplog.records if one.levelname == "WARNING")
    assert "What was heard stays in the spool" not in caplog.text  # it was there again at once


def test_a_server_that_does_not_start_again_is_named_and_used_as_soon_as_it_does(settings, no_pauses, monkeypatch):
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    with opened(settings) as warehouse:
        assert number(warehouse) == 42
        kill(settings.embedded_folder)
        with spoiled(settings.embedded_folder / "data" / "postgresql.conf"):
            with pytest.raises(WarehouseError) as failed:
                number(warehouse)
            assert not failed.value.is_reached
            assert str(failed.value).startswith(f"The Postgres in {settings.embedded_folder} does not start: ")
            assert "DATABASE_URL" not in str(failed.value)
        assert number(warehouse) == 42


def test_a_server_at_a_new_address_is_found(settings, monkeypatch):
    """Where the folder's path is long, each start makes a socket elsewhere."""
    monkeypatch.setattr("etl.embedded.cluster.SOCKET_BYTES", 1)
    with opened(settings) as warehouse:
        before = warehouse.engine.url
        kill(settings.embedded_folder)
        assert number(warehouse) == 42
        assert warehouse.engine.url != before


def test_a_conflict_between_two_sessions_starts_nothing(settings):
    with opened(settings) as warehouse:
        starts: list[int] = []
        warehouse.start_again = lambda: starts.append(1) or str(warehouse.engine.url)
        failures = [1]

        def work(connection) -> int:
            if failures:
                failures.clear()
                connection.exec_driver_sql("do $$ begin raise sqlstate '40001'; end $$")
            return 42

        assert warehouse.transaction(work) == 42
        assert starts == [] and failures == []
