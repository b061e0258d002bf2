"""What a recorder has claimed it releases, however it ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, run_recorder

from etl.auth.encryption import TokenKeyError
from etl.clock import WrongClock
from etl.jobs.plays import record_plays
from etl.jobs.recorder import record as record_module
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.flush import AnotherRecorder, claim
from etl.jobs.recorder.loop import Recorder
from etl.jobs.recorder.record import record
from etl.jobs.recorder.tokens import AccessTokens
from etl.sources.player.observation import unix_ms
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
