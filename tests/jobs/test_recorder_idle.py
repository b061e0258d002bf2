"""A recorder that idles at its longest interval: what it covers, what it knows of the first play, and what is late."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support import change_world, settings_of
from support.recorder_day import MORNING, MovedClocks, Time, let_play, run_recorder

from etl.health.recorders import recorder_findings
from etl.jobs.plays import record_plays
from etl.jobs.recorder import standing as standing_module
from etl.jobs.recorder.playing import playing_now, sentence
from etl.jobs.recorder.spool import Spool, spool_folder
from etl.simulator.player import Item
from etl.simulator.routes import Fault
from etl.sources.player.answer import Answer, read_answer
from etl.sources.player.asking import LONGEST_S, Habits
from etl.sources.player.observation import unix_ms
from etl.sources.player.session import Moment, step
from etl.sources.player.state import State

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TRACK = "spotify:track:" + "A" * 22


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


def test_two_silent_days_at_the_longest_interval_are_one_covered_span(
    settings, warehouse, spotify, time, ask, monkeypatch
):
    monkeypatch.setattr(Habits, "idle_s", lambda self, *_, **__: LONGEST_S)
    let_play(spotify, [])
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 2 * DAY))
    [(starts_at, ends_at)] = ask("select starts_at, ends_at from ops.coverage where source = 'player'")
    assert starts_at - MORNING < MINUTE and MORNING + 2 * DAY - ends_at <= timedelta(seconds=LONGEST_S)


def test_one_answer_alone_covers_nothing(settings, warehouse, spotify, time, ask):
    let_play(spotify, [])
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + timedelta(seconds=20)))
    assert ask("select count(*) from ops.coverage where source = 'player'") == [(0,)]


@pytest.mark.parametrize("since_s", [LONGEST_S, LONGEST_S + 0.15, LONGEST_S + 45])
def test_the_start_of_a_play_is_known_after_the_longest_interval(since_s):
    before, _ = step(State(), Moment(MORNING), Answer("nothing"))
    item = {"uri": TRACK, "id": "A" * 22, "type": "track", "name": "A", "duration_ms": 200_000}
    body = {"item": item, "progress_ms": 40_000, "is_playing": True, "currently_playing_type": "track"}
    after, _ = step(before, Moment(MORNING + timedelta(seconds=since_s)), read_answer(200, body))
    assert after.play is not None and after.play.start_within_ms is not None
    assert after.watched_from_ms == unix_ms(MORNING)


@pytest.mark.parametrize(("minutes", "is_late"), [(7, False), (12, False), (16, True)])
def test_what_is_shown_is_called_old_only_when_an_answer_is_late(settings, monkeypatch, minutes, is_late):
    state, _ = step(State(), Moment(MORNING), Answer("nothing"))
    monkeypatch.setattr(standing_module, "is_running", lambda _: True)
    with Spool(spool_folder(settings)) as spool:
        spool.keep(1, state, None, [], app="a", day=MORNING.date(), is_change=True)
    [one] = playing_now(settings, MORNING + minutes * MINUTE)
    assert ("stands still" in sentence(one, MORNING + minutes * MINUTE)) is is_late


SONG = Item("A", 3_000_000)


@pytest.fixture
def shown(settings, time, monkeypatch) -> Callable[[], str]:
    """What `brapped now` shows of the only listener, beside a recorder that runs."""
    monkeypatch.setattr(standing_module, "is_running", lambda _: True)

    def now() -> str:
        [one] = playing_now(settings, time.true())
        assert one["age_s"] == round((time.true() - one["answered_at"]).total_seconds())
        return sentence(one, time.true())

    return now


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"status": 429, "headers": {"Retry-After": "1800"}}, "Spotify wants no question before 2026-11-20 06:4"),
        ({"status": 502}, "no question has been answered since 2026-11-20 06:1"),
    ],
)
def test_an_answer_that_is_older_than_two_intervals_says_so_and_why(
    settings, warehouse, spotify, time, shown, fault, why
):
    let_play(spotify, [(unix_ms(MORNING + 3 * MINUTE), lambda player: player.play(SONG))])
    seen: dict[int, str] = {}

    def happen() -> None:
        minute = (time.now_ms - unix_ms(MORNING)) // 60_000
        if minute not in seen:
            seen[minute] = shown()
        if minute == 14 and not spotify.world.faults:
            change_world(spotify, faults=(Fault("/v1/me/player", times=10_000, **fault),))

    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 25 * MINUTE, happen))
    assert ", since 06:03 UTC" in seen[12] and "as of" not in seen[12]
    told = seen[max(seen)]
    assert "Song A" in told and " (as of 2026-11-20 06:1" in told
    assert re.search(r"\d+ minutes ago: ", told) and why in told


def test_a_budget_that_is_used_up_is_the_reason(settings, warehouse, spotify, time, shown):
    let_play(spotify, [(unix_ms(MORNING + 3 * MINUTE), lambda player: player.play(SONG))])
    few = settings.model_copy(update={"player_daily_budget": 4})
    run_recorder(few, warehouse, MovedClocks(time, MORNING + HOUR))
    [one] = playing_now(few, time.true())
    assert one["why_old"] == "today's calls are used up"
    assert one["age_s"] > 60 and "today's calls are used up)" in sentence(one, time.true())


@pytest.mark.parametrize(("seconds", "count"), [(600 + 15 + 30 + 15 + 60 + 15, 0), (1_000, 1)])
def test_a_recorder_stands_still_only_after_several_questions_that_failed(seconds, count):
    local = {
        "answered_at": MORNING - timedelta(seconds=seconds),
        "is_running": True,
        "paused_until": None,
        "call_count": 5,
        "daily_budget": 1_500,
        "outage": None,
    }
    row = {
        "listener_key": 1,
        "host_name": "pi",
        "claimed_at": MORNING - DAY,
        "released_at": None,
        "refused_count": 0,
        "missed_count": 0,
        "has_player_scope": True,
        "left_here": 0,
        "local": local,
    }
    assert len(list(recorder_findings([row], MORNING))) == count


def test_a_play_late_in_the_evening_does_not_count_for_the_next_day(settings, warehouse, spotify, time, monkeypatch):
    evenings = [
        datetime(2026, 11, 19 - day, hour, tzinfo=UTC).replace(tzinfo=None)
        for day in range(15)
        for hour in range(17, 24)
    ]
    monkeypatch.setattr("etl.jobs.recorder.loop.usual_hours", lambda *_: (evenings, ZoneInfo("UTC")))
    let_play(spotify, [])
    time.now_ms = unix_ms(MORNING.replace(hour=0, minute=1))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING.replace(hour=23, minute=59)))
    assert 200 < sum(call.path == "/v1/me/player" for call in spotify.calls) < 300
