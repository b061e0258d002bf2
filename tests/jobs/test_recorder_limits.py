"""What Spotify and the database may refuse the recorder: how it waits, what it says, and what goes on beside it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support import REFRESH_TOKEN, change_world, settings_of
from support.recorder_day import MORNING, MovedClocks, Time, let_play, run_recorder
from support.relay import relayed

from etl.auth.encryption import Keys
from etl.auth.logins import keep_login
from etl.jobs.plays import record_plays
from etl.jobs.recorder import record as record_module
from etl.simulator.player import Action, Item, PlayerScript, SimulatedPlayer
from etl.simulator.routes import Fault, Grant, Listener, Play
from etl.simulator.world import RECENTLY_PLAYED
from etl.sources.player.observation import unix_ms
from etl.warehouse.connection import Warehouse

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAYER = "/v1/me/player"
TRACK = Item("Q", 200_000)
PLAYS = (
    "select track_uri, round(extract(epoch from observed_at) * 1000)::bigint, ms_played, is_complete"
    " from listening.player_observation join listening.observation using (listener_key, track_key, observed_at, sequence)"
    " join listening.dim_track using (track_key) order by 2"
)


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
    """The alerts."""
    sentences: list[str] = []
    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: sentences.append(sentence))
    return sentences


def one_play(at: datetime) -> list[Action]:
    return [(unix_ms(at), lambda player: player.play(TRACK))]


def asked(spotify, path: str = PLAYER) -> list[datetime]:
    return [call.at for call in spotify.calls if call.path == path]


def at_moment(time: Time, moment: datetime, act):
    """For `MovedClocks.happen`: does something once, at the first wait after a moment."""
    is_done = [False]

    def happen() -> None:
        if not is_done[0] and time.now_ms >= unix_ms(moment):
            is_done[0] = True
            act()

    return happen


def test_a_quota_of_fifty_thousand_seconds_is_kept_and_the_list_goes_on(settings, warehouse, spotify, time, ask, play):
    body = json.dumps({"error": {"status": 429, "message": "Too many", "reason": "QUOTA_EXCEEDED"}}).encode()
    change_world(spotify, faults=(Fault(PLAYER, status=429, headers={"Retry-After": "50000"}, body=body, skip=1),))
    track = next(iter(spotify.world.catalogue.tracks))
    play(Play(track, MORNING + HOUR))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 2 * HOUR))
    record_plays(settings, warehouse, time.true)
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 15 * HOUR))  # a restart forgets no pause
    calls = asked(spotify)
    refused = [call.at for call in spotify.calls if call.path == PLAYER and call.status == 429]
    assert len(refused) == 1
    later = [at for at in calls if at > refused[0]]
    assert later and min(later) >= refused[0] + timedelta(seconds=50_000)
    assert len(asked(spotify, f"{PLAYER}/recently-played")) == 2  # at the login, and meanwhile
    assert ask("select count(*) from listening.fact_play") == [(1,)]


def test_a_budget_that_is_used_up_is_kept_until_the_next_day(database, settings, warehouse, spotify, time):
    sparse = settings.model_copy(update={"player_daily_budget": 40})
    script = PlayerScript(lambda: SimulatedPlayer(unix_ms(MORNING), repeat="track"), one_play(MORNING + MINUTE))
    [listener] = spotify.world.listeners
    change_world(spotify, listeners=(replace(listener, player=script),))
    run_recorder(sparse, warehouse, MovedClocks(time, MORNING + DAY))
    days = [at.date() for at in asked(spotify)]
    assert days.count(MORNING.date()) == 40
    assert days.count((MORNING + DAY).date()) == 40


def test_an_access_token_that_ends_in_the_middle_costs_no_play(settings, warehouse, spotify, time, ask, told):
    change_world(spotify, faults=(Fault(PLAYER, status=401, skip=6),))
    let_play(spotify, one_play(MORNING + 5 * MINUTE))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR))
    statuses = [(call.status, call.at) for call in spotify.calls if call.path == PLAYER]
    [refused] = [number for number, (status, _) in enumerate(statuses) if status == 401]
    assert statuses[refused + 1] == (200, statuses[refused][1])  # with a new token, at once
    end_ms = unix_ms(MORNING + 5 * MINUTE) + TRACK.duration_ms
    assert [(uri, ms, is_complete) for uri, _, ms, is_complete in ask(PLAYS)] == [(TRACK.uri, 200_000, True)]
    assert abs(ask(PLAYS)[0][1] - end_ms) <= 1_000
    assert told == []


def test_a_login_that_is_refused_is_told_once_and_not_used_until_there_is_a_new_one(
    settings, warehouse, spotify, time, ask, told
):
    grants = dict(spotify.world.refresh_tokens)
    let_play(spotify, one_play(MORNING + 14 * HOUR))  # a login made elsewhere is looked for every two hours

    def revoke() -> None:
        change_world(spotify, refresh_tokens={REFRESH_TOKEN: replace(grants[REFRESH_TOKEN], is_revoked=True)})

    def log_in() -> None:
        spotify.change(
            lambda world: replace(
                world, refresh_tokens={**world.refresh_tokens, "AQ-new": Grant("account-of-ada", time.true())}
            )
        )
        [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'account-of-ada'")
        warehouse.transaction(lambda connection: keep_login(connection, "AQ-new", key, Keys(settings), time.true()))

    revoked, renewed = at_moment(time, MORNING + HOUR, revoke), at_moment(time, MORNING + 11 * HOUR, log_in)

    def happen() -> None:
        revoked()
        renewed()

    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY, happen))
    assert len(told) == 1
    assert "log in" in told[0].lower() or "login" in told[0].lower()
    quiet = [at for at in asked(spotify) if MORNING + 3 * HOUR < at < MORNING + 11 * HOUR]
    assert quiet == []
    exchanges = [call for call in spotify.calls if call.path == "/api/token" and call.status == 400]
    assert 1 <= len(exchanges) <= 2  # without the database, and then with what it says
    assert [(uri, ms) for uri, _, ms, _ in ask(PLAYS)] == [(TRACK.uri, 200_000)]


def test_once_with_a_login_that_is_refused_exits_with_one(settings, spotify, brapped, tmp_path):
    grants = dict(spotify.world.refresh_tokens)
    change_world(spotify, refresh_tokens={REFRESH_TOKEN: replace(grants[REFRESH_TOKEN], is_revoked=True)})
    ended = brapped("record", "--once", BRAPPED_HOME=str(tmp_path / "home"))
    assert ended.returncode == 1
    assert "login" in ended.stderr
    assert REFRESH_TOKEN not in ended.stderr
    assert asked(spotify) == []


def test_a_login_without_the_scope_is_told_once_and_the_list_goes_on(settings, warehouse, spotify, time, ask, told):
    change_world(
        spotify,
        refresh_tokens={
            REFRESH_TOKEN: Grant("account-of-ada", MORNING - DAY, scopes=frozenset({RECENTLY_PLAYED})),
        },
    )
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
    assert len(told) == 1
    assert "user-read-playback-state" in told[0] and "brapped login" in told[0]
    assert 1 <= len(asked(spotify)) <= 4 * 24 + 1
    record_plays(settings, warehouse, time.true)
    assert [call.status for call in spotify.calls if call.path.endswith("recently-played")] == [200, 200]


@pytest.mark.parametrize("fault", ["502", "reset", "truncated"])
def test_a_play_outlives_answers_that_fail(settings, warehouse, spotify, time, ask, fault):
    what = {"status": 502} if fault == "502" else {"fate": fault}
    change_world(spotify, faults=(Fault(PLAYER, skip=5, times=2, **what),))
    let_play(spotify, one_play(MORNING + 19 * MINUTE))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 2 * HOUR))
    assert spotify.world.faults[0].times == 0
    assert [(uri, ms) for uri, _, ms, _ in ask(PLAYS)] == [(TRACK.uri, 200_000)]


def test_a_silent_day_costs_three_hundred_calls_and_no_connection(database, settings, spotify, time):
    seen = []
    with relayed(database) as relay:
        warehouse = Warehouse(relay.url)
        clocks = MovedClocks(time, MORNING + DAY, lambda: seen.append((relay.connection_count, relay.message_count)))
        run_recorder(settings, warehouse, clocks)
        warehouse.close()
    assert len(asked(spotify)) <= 300
    assert seen[0] > (0, 0)
    assert set(seen) == {seen[0]}


def test_of_several_listeners_one_without_a_login_keeps_nobody_from_being_watched(
    settings, warehouse, spotify, time, ask, told
):
    spotify.change(
        lambda world: replace(
            world,
            listeners=(
                *world.listeners,
                Listener("account-of-grace", "grace", "Grace"),
                Listener("account-of-alan", "alan", "Alan"),
            ),
            refresh_tokens={**world.refresh_tokens, "AQ-alan": Grant("account-of-alan", MORNING - DAY)},
        )
    )
    for name, token in (("grace", "AQ-grace"), ("alan", "AQ-alan")):
        [(key,)] = ask(
            "insert into listening.dim_listener (listener_id, time_zone, created_at) values (%s, 'UTC', now())"
            " returning listener_key",
            f"account-of-{name}",
        )
        warehouse.transaction(
            lambda connection, token=token, key=key: keep_login(connection, token, key, Keys(settings), MORNING - DAY)
        )
    scripts = {
        name: PlayerScript(lambda: SimulatedPlayer(unix_ms(MORNING)), one_play(MORNING + minutes * MINUTE))
        for name, minutes in (("ada", 29), ("alan", 28))  # of three, each is asked every ten
    }
    listeners = [replace(one, player=scripts.get(one.user_id, one.player)) for one in spotify.world.listeners]
    change_world(spotify, listeners=tuple(listeners))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 3 * HOUR))
    assert len(told) == 1
    heard = ask(
        "select listener_id, ms_played from listening.fact_play join listening.dim_listener using (listener_key) order by 1"
    )
    assert heard == [("account-of-ada", 200_000), ("account-of-alan", 200_000)]


def test_the_database_is_told_of_a_long_pause_once(settings, warehouse, spotify, time, monkeypatch):
    body = json.dumps({"error": {"status": 429, "message": "Too many", "reason": "QUOTA_EXCEEDED"}}).encode()
    change_world(spotify, faults=(Fault(PLAYER, status=429, headers={"Retry-After": "50000"}, body=body),))
    minutes: set[int] = set()
    transaction = Warehouse.transaction

    def counted(self, *args, **options):
        minutes.add((time.now_ms - unix_ms(MORNING)) // 60_000)
        return transaction(self, *args, **options)

    monkeypatch.setattr(Warehouse, "transaction", counted)
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 13 * HOUR))
    assert 1 < len(minutes) <= 3  # at the start, of the pause, at the end
