"""The recorder's spool when the disk is full, the file is torn or of another version, or two recorders want the same."""

import os
import shutil
import sqlite3
import time as real_time
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, actions_of_a_day, let_play, run_recorder
from support.relay import relayed

from etl.jobs.plays import record_plays
from etl.jobs.recorder import record as record_module
from etl.jobs.recorder.flush import AnotherRecorder, claim
from etl.jobs.recorder.spool import Spool, SpoolError, spool_folder
from etl.sources.player.observation import unix_ms
from etl.sources.player.state import State
from etl.warehouse.connection import Warehouse

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAYS = (
    "select track_uri, observed_at, started_at, ms_played, start_basis, end_basis, pause_count, seek_count"
    " from listening.player_observation join listening.observation using (listener_key, track_key, observed_at, sequence)"
    " join listening.dim_track using (track_key) order by 2, 1"
)
SOON_S = 30.0  # systemd would kill it later


class Killed(BaseException):
    """What a kill is within this process: nothing handles it."""


@pytest.fixture
def settings(database, spotify, tmp_path: Path, warehouse):
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    record_plays(settings, warehouse, lambda: MORNING - DAY)  # somebody has logged in
    return settings


@pytest.fixture
def time(spotify, settings) -> Time:
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    return time


@pytest.fixture
def told(monkeypatch) -> list[str]:
    sentences: list[str] = []
    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: sentences.append(sentence))
    return sentences


@pytest.fixture
def expected(settings, warehouse, spotify, time, ask, database) -> list[tuple]:
    """What a day leaves to which nothing happens; afterwards it is morning again, and nothing is recorded."""
    let_play(spotify, actions_of_a_day(5, sessions=3))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
    plays = ask(PLAYS)
    assert len(plays) > 8
    ask("truncate listening.player_observation, listening.observation, listening.fact_play, ops.coverage, ops.recorder")
    shutil.rmtree(spool_folder(settings))
    time.now_ms = unix_ms(MORNING)
    return plays


def test_a_flush_killed_between_commit_and_forgetting_is_repeated_without_doubling(
    settings, warehouse, spotify, time, ask, expected, monkeypatch
):
    forget, kills = Spool.forget, [0]

    def killed(spool, listener_key, numbers, spans):
        if numbers and kills[0] < 3:
            kills[0] += 1
            raise Killed
        forget(spool, listener_key, numbers, spans)

    monkeypatch.setattr(Spool, "forget", killed)
    for _ in range(3):
        with pytest.raises(Killed):
            run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
        assert ask(PLAYS)  # they are there already
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
    assert ask(PLAYS) == expected


def test_a_full_disk_costs_no_play_while_the_recorder_runs(settings, warehouse, spotify, time, ask, expected, caplog):
    full_from, full_until = MORNING + 30 * MINUTE, MORNING + 8 * HOUR
    during = []

    def happen() -> None:
        assert clocks.recorder is not None
        connection = clocks.recorder.spool._connection
        is_full = unix_ms(full_from) <= time.now_ms < unix_ms(full_until)
        # Every write is refused by SQLite, as on a disk without room for the write-ahead log.
        connection.execute(f"pragma query_only = {int(is_full)}")
        if is_full:
            during.append(len(clocks.recorder.watches[0].unkept))

    clocks = MovedClocks(time, MORNING + DAY, happen)
    run_recorder(settings, warehouse, clocks)
    assert max(during) >= 8  # of two sessions
    assert "kept in memory" in caplog.text
    assert ask(PLAYS) == expected


def test_a_spool_torn_anywhere_opens_with_what_was_whole(settings, warehouse, spotify, time, expected, tmp_path):
    folder = spool_folder(settings)
    copies = []

    def happen() -> None:
        if time.now_ms >= unix_ms(MORNING + 2 * HOUR) and not copies:
            copies.append(shutil.copytree(folder, tmp_path / "copy"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("etl.jobs.recorder.loop.flush", lambda *_: 0)  # so that the spool has something to lose
        run_recorder(settings, warehouse, MovedClocks(time, MORNING + 3 * HOUR, happen))
    with Spool(shutil.copytree(copies[0], tmp_path / "whole")) as spool:
        whole = spool.waiting(1, 1_000) + spool.waiting(2, 1_000) + spool.waiting(3, 1_000)
    assert whole
    log_size = (copies[0] / "spool.sqlite-wal").stat().st_size
    assert log_size > 10_000
    random = Random(3)
    for number in range(30):
        torn = shutil.copytree(copies[0], tmp_path / f"torn{number}")
        (torn / "spool.sqlite-shm").unlink(missing_ok=True)  # a power cut leaves none
        with (torn / "spool.sqlite-wal").open("r+b") as file:
            file.truncate(random.randrange(log_size))
        with Spool(torn) as spool:
            left = spool.waiting(1, 1_000) + spool.waiting(2, 1_000) + spool.waiting(3, 1_000)
        assert left == whole[: len(left)]


def test_a_spool_that_is_no_spool_is_refused_with_what_to_do(settings, time, start, tmp_path):
    folder = spool_folder(settings)
    folder.mkdir(parents=True)
    (folder / "spool.sqlite").write_bytes(Random(1).randbytes(20_000))
    with pytest.raises(SpoolError, match="move it away"), Spool(folder):
        raise AssertionError("it opened")


def test_what_another_version_left_is_kept_aside_and_the_day_goes_on(settings, warehouse, spotify, time, ask, expected):
    with Spool(spool_folder(settings)) as spool, spool.writing() as connection:
        [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'account-of-ada'")
        connection.execute("insert into state values (?, ?, null)", (key, '{"version": 0, "play": 7}'))
        connection.execute("insert into observation (listener_key, observation) values (?, '{\"uri\": 1}')", (key,))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
    assert ask(PLAYS) == expected
    with Spool(spool_folder(settings)) as spool:
        assert spool.refused_count(key) == 1
        assert spool.waiting(key, 10) == []
        assert spool.state(key) != State()


def test_a_second_recorder_on_this_computer_ends_with_one_and_names_the_first(settings, brapped, tmp_path):
    with Spool(spool_folder(settings)):
        ended = brapped("record", "--once", BRAPPED_HOME=str(tmp_path / "home"))
    assert ended.returncode == 1
    assert f"process {os.getpid()}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_recorder_on_another_computer_is_named_and_can_be_taken_over(settings, warehouse, brapped, ask, tmp_path):
    [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'account-of-ada'")
    claim(warehouse, [key], "another spool", "attic", MORNING, is_takeover=False)
    ended = brapped("record", "--once", BRAPPED_HOME=str(tmp_path / "home"))
    assert ended.returncode == 1
    assert "attic" in ended.stderr and "--take-over" in ended.stderr and "Traceback" not in ended.stderr
    assert brapped("record", "--once", "--take-over", BRAPPED_HOME=str(tmp_path / "home")).returncode == 0
    assert ask("select count(*) from ops.recorder where host_name = 'attic'") == [(0,)]


def test_a_recorder_that_is_taken_over_writes_what_it_has_and_ends(
    settings, warehouse, spotify, time, ask, expected, told
):
    [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'account-of-ada'")
    is_taken = [False]

    def happen() -> None:
        if not is_taken[0] and time.now_ms >= expected_ms:
            is_taken[0] = True
            claim(warehouse, [key], "another spool", "attic", time.true(), is_takeover=True)

    expected_ms = unix_ms(expected[2][1])
    with pytest.raises(AnotherRecorder, match="attic"):
        run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY, happen))
    assert len(told) == 1
    left = ask(PLAYS)
    assert len(left) >= 3
    assert left == expected[: len(left)]


@pytest.mark.parametrize("is_away", [False, True])
def test_sigterm_ends_it_soon_with_and_without_the_database(settings, database, start, ask, tmp_path, is_away):
    with relayed(database) as relay:
        program = start("record", BRAPPED_HOME=str(tmp_path / "home"), DATABASE_URL=relay.url)
        state = "select count(*) from state"
        until = real_time.monotonic() + 60
        while True:  # until it has asked once
            assert program.poll() is None and real_time.monotonic() < until
            real_time.sleep(0.1)
            path = spool_folder(settings) / "spool.sqlite"
            if path.exists():
                with sqlite3.connect(path) as connection:
                    try:
                        if connection.execute(state).fetchone() != (0,):
                            break
                    except sqlite3.OperationalError:
                        continue
        relay.is_away = lambda: is_away
        program.terminate()
        assert program.wait(SOON_S) == 0
    released = ask("select released_at is not null from ops.recorder")
    assert released == [(not is_away,)]


def test_a_recorder_starts_while_the_database_is_away_and_loses_nothing(
    settings, warehouse, spotify, time, ask, expected, monkeypatch, no_pauses
):
    """With the login that it keeps, encrypted, in its spool."""
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    nowhere = Warehouse("postgresql://nobody@127.0.0.1:1/nothing")
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 5 * MINUTE))
    run_recorder(settings, nowhere, MovedClocks(time, MORNING + 5 * HOUR))
    assert b"AQ-" not in (spool_folder(settings) / "spool.sqlite").read_bytes()
    known = len(ask(PLAYS))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
    assert len(ask(PLAYS)) > known
    assert ask(PLAYS) == expected
