"""How often the recorder may ask, and what becomes of a login whose token Spotify replaces while the database is away."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support import change_world, settings_of
from support.recorder_day import MORNING, MovedClocks, Time, actions_of_a_day, let_play, run_recorder
from support.relay import relayed

from etl.auth.logins import Grant
from etl.jobs.plays import record_plays
from etl.jobs.recorder.calls import Calls
from etl.jobs.recorder.spool import Spool, app_of, spool_folder
from etl.jobs.recorder.tokens import AccessTokens
from etl.jobs.recorder.watch import Watch
from etl.sources.player.answer import read_answer
from etl.sources.player.observation import unix_ms
from etl.sources.player.session import Moment, step
from etl.sources.player.state import State
from etl.spotify.errors import LoginRefused
from etl.spotify.player import Asked
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def calls(tmp_path: Path):
    with Spool(tmp_path / "recorder") as spool:
        yield Calls(spool, "app", 20)


def test_refusals_in_a_row_wait_ever_longer_and_an_answer_ends_the_row(calls):
    waits = []
    now = MORNING
    for _ in range(8):
        until = calls.pause(now, 1.0, None)
        waits.append((until - now).total_seconds())
        now = until
    assert waits == [1, 30, 60, 120, 240, 480, 960, 960]
    calls.answered()
    assert calls.pause(now, 1.0, None) - now == timedelta(seconds=1)


def test_a_pause_of_more_than_a_day_was_noted_by_a_clock_that_was_wrong(calls):
    calls.spool.keep_pause("app", MORNING + 400 * DAY, None)
    again = Calls(calls.spool, "app", 20)
    assert again.open_at(MORNING) == MORNING and not again.is_paused_long(MORNING)
    assert again.pause(MORNING, 400 * 86_400, None) == MORNING + DAY


def test_the_budget_holds_although_the_spool_can_not_be_written(calls, monkeypatch):
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Spool, "count", refuse)
    monkeypatch.setattr(Spool, "keep_pause", refuse)
    for _ in range(20):
        assert calls.open_at(MORNING) == MORNING
        calls.count(MORNING.date())
    assert calls.open_at(MORNING).date() == (MORNING + DAY).date()
    assert calls.pause(MORNING, 60, None) == MORNING + timedelta(minutes=1)


def body(**changes):
    item = {"uri": "spotify:track:" + "A" * 22, "id": "A" * 22, "type": "track", "name": "A", "duration_ms": 200_000}
    return {"item": item, "progress_ms": 1000, "is_playing": True, "currently_playing_type": "track", **changes}


def test_a_progress_beyond_the_end_is_the_end():
    sight = read_answer(200, body(progress_ms=2_000_000)).sight
    assert sight is not None and sight.progress_ms == 200_000


def test_a_private_session_is_not_covered():
    state = State()
    for minute in range(30):
        is_private = 10 <= minute < 20
        answer = read_answer(200, body(device={"is_private_session": is_private}, progress_ms=1000))
        state, _ = step(state, Moment(MORNING + timedelta(minutes=minute)), answer)
        if is_private:
            assert state.watched is None
    assert state.watched == (MORNING + timedelta(minutes=20), MORNING + timedelta(minutes=29))


def test_a_token_that_is_replaced_while_the_database_is_away_is_kept_and_stored(
    database, spotify, warehouse, tmp_path, ask, monkeypatch, no_pauses
):
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    record_plays(settings, warehouse, lambda: MORNING - DAY)
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    let_play(spotify, actions_of_a_day(5, sessions=3))
    nowhere = Warehouse("postgresql://nobody@127.0.0.1:1/nothing")
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR / 2))
    change_world(spotify, rotate_refresh_tokens=True)
    run_recorder(settings, nowhere, MovedClocks(time, MORNING + 5 * HOUR))  # five renewals, each with a new token
    change_world(spotify, rotate_refresh_tokens=False)
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 10 * HOUR))
    assert ask("select refused_at, rotated_at is not null from ops.login") == [(None, True)]
    record_plays(settings, warehouse, time.true)
    with Spool(spool_folder(settings)) as spool:
        assert spool.made(app_of(settings), MORNING.date()) > 100


class LoginWhoseTokenIsReplaced:
    """Each renewal brings a new refresh token. `is_away`: the database does not answer."""

    def __init__(self) -> None:
        self.is_away = True
        self.tries: list[datetime] = []
        self.now = MORNING
        self.stored: str | None = None
        self.count = 0

    def grant(self) -> Grant:
        return Grant("access", "first", 3600.0, False)

    def renewed(self, granted: Grant) -> Grant:
        self.count += 1
        return Grant("access", f"number {self.count}", 3600.0, True)

    def store(self, granted: Grant) -> None:
        self.tries.append(self.now)
        if self.is_away:
            raise WarehouseError("The database does not answer.")
        self.stored = granted.refresh_token


def test_a_replaced_token_is_stored_ever_more_seldom_while_the_database_is_away_and_never_before_a_question(caplog):
    login = LoginWhoseTokenIsReplaced()
    tokens = AccessTokens(lambda: login)  # type: ignore[arg-type, return-value]
    tokens.token(MORNING)
    for second in range(3_600, 3_600 * 6, 20):
        login.now = MORNING + timedelta(seconds=second)
        before = len(login.tries)
        tokens.token(login.now)
        assert len(login.tries) == before
        tokens.store(login.now)
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(login.tries)]
    assert waits[:4] == [60, 120, 240, 480] and set(waits[4:]) == {900}
    assert sum("kept in the spool" in record.getMessage() for record in caplog.records) == 1
    login.is_away = False
    tokens.store(login.now, is_last=True)
    assert login.stored == f"number {login.count}"
    count = len(login.tries)
    tokens.store(login.now + DAY)
    assert len(login.tries) == count


def test_a_login_that_plays_found_refused_meanwhile_is_good_again_when_its_new_token_is_stored(
    database, spotify, warehouse, tmp_path, ask, monkeypatch, no_pauses
):
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    record_plays(settings, warehouse, lambda: MORNING - DAY)
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    let_play(spotify, actions_of_a_day(5, sessions=3))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR / 2))
    change_world(spotify, rotate_refresh_tokens=True)
    run_recorder(settings, Warehouse("postgresql://nobody@127.0.0.1:1/nothing"), MovedClocks(time, MORNING + 3 * HOUR))
    with pytest.raises(LoginRefused):
        record_plays(settings, warehouse, time.true)  # with the token that the recorder has used up
    assert ask("select refused_at is not null from ops.login") == [(True,)]
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 4 * HOUR))
    assert ask("select refused_at, refused_reason from ops.login") == [(None, None)]
    record_plays(settings, warehouse, time.true)


@pytest.mark.parametrize("each_time", [False, True])
def test_a_login_whose_token_was_replaced_once_wakes_the_database_no_more(
    database, spotify, warehouse, tmp_path, ask, each_time
):
    """Where each renewal brings a new token, it is asked for behind the lock: `plays` uses the same login."""
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    change_world(spotify, rotate_refresh_tokens=True)
    record_plays(settings, warehouse, lambda: MORNING - DAY)
    assert ask("select rotated_at is not null from ops.login") == [(True,)]
    change_world(spotify, rotate_refresh_tokens=each_time)
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    let_play(spotify, [])
    seen: dict[datetime, int] = {}
    recorded: list[datetime] = []

    def happen() -> None:
        seen[time.true()] = relay.message_count
        if not recorded or time.true() - recorded[-1] >= HOUR:
            recorded.append(time.true())
            assert record_plays(settings, warehouse, time.true).is_good  # never with a token that is used up

    with relayed(database) as relay:
        through = Warehouse(relay.url)
        run_recorder(settings, through, MovedClocks(time, MORNING + 10 * HOUR, happen))
        through.close()
    woken = [at for before, at in pairwise(sorted(seen)) if seen[at] > seen[before]]
    assert (len(woken) >= 8) if each_time else (woken == [])
    assert len(recorded) == 10 and ask("select refused_at from ops.login") == [(None,)]


@dataclass
class AnyToken:
    """A login is not needed without a network."""

    def token(self, now: datetime) -> str:
        return ""


def asked_in_a_day(folder: Path, progress: Callable[[int], int], duration_ms: int) -> list[float]:
    """When, in seconds of a day, a recorder asks while an item plays on repeat; `progress`, of the milliseconds."""
    midnight = unix_ms(MORNING.replace(hour=0))
    time, asks = Time(midnight), []
    clocks = MovedClocks(time, MORNING)

    def player(_: str) -> Asked:
        asks.append((time.now_ms - midnight) / 1000)
        item = body()["item"] | {"duration_ms": duration_ms}
        told = body(item=item, progress_ms=progress(time.now_ms - midnight), repeat_state="track")
        return Asked("answered", clocks.reading(), clocks.reading(), time.true(), 200, told)

    with Spool(folder) as spool:
        calls = Calls(spool, "app", 1_500)
        watch = Watch(1, AnyToken(), player, calls, spool, clocks, ZoneInfo("UTC"))  # type: ignore[arg-type]
        while time.now_ms < midnight + 86_400_000:
            watch.ask()
            time.now_ms = max(round(watch.due_s * 1000), time.now_ms + 1)
    return asks


@pytest.mark.parametrize(
    ("progress", "duration_ms"),
    [
        (lambda ms: ms % 1_000, 1_000),
        (lambda ms: ms % 10_000, 10_000),
        (lambda ms: 199_600 + ms // 7 % 2 * 200, 200_000),
    ],
    ids=["a second", "ten seconds", "a progress that wavers at the end"],
)
def test_short_items_on_repeat_leave_questions_for_the_evening(tmp_path, progress, duration_ms):
    asks = asked_in_a_day(tmp_path, progress, duration_ms)
    assert len(asks) <= 1_500 and asks[-1] > 23 * 3_600
    near = [later - earlier < 10 for earlier, later in pairwise(asks)]
    assert not any(all(near[at : at + 4]) for at in range(len(near) - 4))


def test_sparing_never_puts_off_the_end_of_an_item(calls):
    for _ in range(17):
        calls.count(MORNING.date())
    assert calls.spaced_s(30.0, MORNING, end_s=41.0) == 41.0
    assert calls.spaced_s(30.0, MORNING, end_s=4_000.0) == 600.0  # what is left of the budget, over the day
    assert calls.spaced_s(30.0, MORNING) == 600.0


def test_in_a_day_of_songs_each_is_asked_about_at_its_end(tmp_path):
    asks = asked_in_a_day(tmp_path, lambda ms: ms % 180_000, 180_000)
    ends = [at for at in asks if at % 180 <= 1.1 and at > 180]
    assert len(asks) <= 1_500 and asks[-1] > 23 * 3_600
    assert len(ends) > 0.9 * 86_400 / 180
