"""What a recorder has claimed it releases, however it ends."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, let_play, run_recorder

from etl.auth.encryption import TokenKeyError
from etl.clock import WrongClock
from etl.jobs.plays import record_plays
from etl.jobs.recorder import record as record_module
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.flush import AnotherRecorder, claim
from etl.jobs.recorder.loop import Recorder
from etl.jobs.recorder.record import record
from etl.jobs.recorder.spool import Spool
from etl.jobs.recorder.tokens import AccessTokens
from etl.sources.player.observation import unix_ms
from etl.spotify.errors import AppRefused
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOLDERS = "select listener_key, host_name = 'attic', released_at is not null from ops.recorder order by 1"


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


def ask_once(settings, warehouse, time):
    record(settings, warehouse, once=True, clocks=Clocks(time.wall, lambda: time.now_ms / 1000))


@pytest.mark.parametrize(
    "error", [TokenKeyError(), WrongClock("The clock is wrong.", MORNING), WarehouseError("It is away."), OSError("?")]
)
def test_a_recorder_that_asks_once_and_fails_releases_its_claim(settings, warehouse, time, ask, monkeypatch, error):
    def refuse(self: AccessTokens, now: object) -> str:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(AccessTokens, "token", refuse)
        with pytest.raises(type(error)):
            ask_once(settings, warehouse, time)
    assert ask(HOLDERS) == [(1, False, True)]
    claim(warehouse, [1], "another spool", "attic", MORNING, is_takeover=False)  # so another computer may begin
    assert ask(HOLDERS) == [(1, True, False)]


def test_a_recorder_that_ends_by_an_error_of_its_own_releases_its_claim(settings, warehouse, time, ask, monkeypatch):
    def break_down(self: Recorder) -> None:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(Recorder, "turn", break_down)
    with pytest.raises(RuntimeError):
        run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR))
    assert ask(HOLDERS) == [(1, False, True)]


def test_nobody_is_claimed_if_one_of_several_is_watched_elsewhere(settings, warehouse, time, ask, monkeypatch):
    [(key,)] = ask(
        "insert into listening.dim_listener (listener_id, time_zone, created_at) values ('bob', 'UTC', now())"
        " returning listener_key"
    )
    claim(warehouse, [key], "another spool", "attic", MORNING, is_takeover=False)
    both = record_module.load_logins(settings, warehouse, Clocks(), None)
    both.append({**both[0], "listener_key": key, "listener_id": "bob"})
    monkeypatch.setattr(record_module, "load_logins", lambda *_: both)
    with pytest.raises(AnotherRecorder, match="attic"):
        run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR))
    assert ask(HOLDERS) == [(key, True, False)]


class Returning:
    """A database that is away until `is_back`."""

    def __init__(self, there: Warehouse) -> None:
        self.there, self.nowhere, self.is_back = there, Warehouse("postgresql://nobody@127.0.0.1:1/nothing"), False

    def __getattr__(self, name: str) -> object:
        return getattr(self.there if self.is_back else self.nowhere, name)


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_recorder_that_started_without_the_database_claims_as_soon_as_it_answers(
    settings, warehouse, spotify, time, ask, monkeypatch, no_pauses, is_taken
):
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    let_play(spotify, [])
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR / 4))
    if is_taken:
        claim(warehouse, [1], "another spool", "attic", time.true(), is_takeover=True)
    database = Returning(warehouse)
    seen = []

    def happen() -> None:
        database.is_back = time.now_ms >= unix_ms(MORNING + HOUR)
        if time.now_ms >= unix_ms(MORNING + 2 * HOUR):
            seen.append(ask(HOLDERS))

    try:
        run_recorder(settings, database, MovedClocks(time, MORNING + 3 * HOUR, happen))  # type: ignore[arg-type]
    except AnotherRecorder:
        assert is_taken and time.now_ms < unix_ms(MORNING + 2 * HOUR)
    else:
        assert not is_taken and seen[0] == [(1, False, False)]  # watched, though nothing has played


def test_an_app_that_spotify_refuses_is_one_alert_and_is_tried_again_but_seldom(
    settings, warehouse, spotify, time, monkeypatch
):
    told, tries = [], []

    def refuse(self: AccessTokens, now: object) -> str:
        tries.append(now)
        raise AppRefused("The client secret is wrong.")

    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: told.append(sentence))
    monkeypatch.setattr(AccessTokens, "token", refuse)
    let_play(spotify, [])
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 10 * HOUR))
    assert len(told) == 1 and 2 < len(tries) <= 41


def test_a_start_waits_for_somebody_who_looks_whether_a_recorder_runs(tmp_path):
    folder = tmp_path / "recorder"
    folder.mkdir()
    looker = FileLock(folder / "recorder.lock", thread_local=False)
    looker.acquire()
    release = threading.Timer(0.2, looker.release)
    release.start()
    with Spool(folder) as spool:
        assert spool.holder_id and not looker.is_locked
    release.join()
