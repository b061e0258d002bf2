"""Hours in which Spotify answers no question about the player, and logins that are refused for hours: who is told, and
how often anybody is asked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from support import REFRESH_TOKEN, change_world, settings_of
from support.raw_server import relay
from support.recorder_day import MORNING, MovedClocks, Time, let_play, run_recorder
from support.relay import relayed
from support.webhook import webhook

from etl import limits
from etl.auth.encryption import Keys
from etl.auth.logins import keep_login
from etl.health import checks
from etl.jobs.plays import record_plays
from etl.jobs.recorder import record as record_module
from etl.jobs.recorder.new_login import note_login
from etl.jobs.recorder.standing import local_recorder
from etl.simulator.player import Item
from etl.simulator.routes import Fault, Grant
from etl.sources.player.observation import unix_ms
from etl.warehouse.connection import Warehouse

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAYER = "/v1/me/player"
TRACK = Item("Q", 200_000)


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


def asked(spotify) -> list[datetime]:
    return [call.at for call in spotify.calls if call.path == PLAYER]


class Looks:
    """For `MovedClocks.happen`: what is done at the first wait after each of some moments."""

    def __init__(self, time: Time, *acts: tuple[datetime, Callable[[], object]]) -> None:
        self.time, self.acts = time, list(acts)

    def __call__(self) -> None:
        while self.acts and self.time.now_ms >= unix_ms(self.acts[0][0]):
            self.acts.pop(0)[1]()


def shown(settings, warehouse, time: Time) -> tuple[set[str], str]:
    """The causes of the findings of `brapped status` at this moment that concern the recorder, and their texts."""
    now = time.true()
    local = local_recorder(settings, now)
    found = warehouse.transaction(lambda connection: checks.inspect_all(connection, settings, now, local))
    ours = [one for one in found.findings if one.cause in ("player", "recorder")]
    return {one.cause for one in ours}, " ".join(one.text for one in ours)


@pytest.mark.parametrize("fault", ["502", "reset"])
def test_hours_without_an_answer_are_one_finding_and_one_alert_and_end_by_themselves(
    settings, warehouse, spotify, time, fault
):
    what = {"status": 502} if fault == "502" else {"fate": fault}
    seen: dict[str, tuple[set[str], str]] = {}

    def look(name: str):
        return lambda: seen.update({name: shown(settings, warehouse, time)})

    def ends() -> None:
        change_world(spotify, faults=())

    looks = Looks(
        time,
        (MORNING + HOUR, lambda: change_world(spotify, faults=(Fault(PLAYER, times=10_000, **what),))),
        (MORNING + 90 * MINUTE, look("half an hour")),
        (MORNING + 4 * HOUR, look("three hours")),
        (MORNING + 4 * HOUR, ends),
        (MORNING + 5 * HOUR, look("afterwards")),
    )
    with webhook() as (url, posted):
        told = settings.model_copy(update={"alert_webhook_url": type(settings.spotify_client_secret)(url)})
        run_recorder(told, warehouse, MovedClocks(time, MORNING + 6 * HOUR, looks))
    assert [title for _, title, _ in posted] == [
        "The recorder has no answer from Spotify",
        "Over: The recorder has no answer from Spotify",
    ]
    assert seen["half an hour"] == (set(), "")
    assert seen["three hours"][0] == {"player"}
    assert "since 2026-11-20 07:0" in seen["three hours"][1]
    assert seen["afterwards"] == (set(), "")


def test_an_outage_outlives_a_restart_and_is_told_once(settings, warehouse, spotify, time):
    with webhook() as (url, posted):
        told = settings.model_copy(update={"alert_webhook_url": type(settings.spotify_client_secret)(url)})
        change_world(spotify, faults=(Fault(PLAYER, skip=2, times=10_000, status=503),))
        run_recorder(told, warehouse, MovedClocks(time, MORNING + 3 * HOUR))
        assert len(posted) == 1
        run_recorder(told, warehouse, MovedClocks(time, MORNING + 5 * HOUR))
        assert len(posted) == 1
        local = local_recorder(settings, time.true())
        assert local is not None
        [outage] = local["outages"].values()
        assert outage["is_long"] and outage["since"] < MORNING + HOUR
        change_world(spotify, faults=())
        run_recorder(told, warehouse, MovedClocks(time, MORNING + 6 * HOUR))
        assert [title.startswith("Over: ") for _, title, _ in posted] == [False, True]


def test_single_failures_tell_nobody_however_far_apart(settings, warehouse, spotify, time):
    """A computer that sleeps for hours after a question that failed, and whose next one fails too."""
    change_world(spotify, faults=(Fault(PLAYER, skip=2, times=1, status=502),))

    def sleeps() -> None:
        time.now_ms += 8 * 3_600_000
        change_world(spotify, faults=(Fault(PLAYER, times=3, status=502),))

    with webhook() as (url, posted):
        told = settings.model_copy(update={"alert_webhook_url": type(settings.spotify_client_secret)(url)})
        done: list[int] = []

        def happen() -> None:
            if spotify.world.faults[0].times == 0 and not done:
                done.append(1)
                sleeps()

        run_recorder(told, warehouse, MovedClocks(time, MORNING + 12 * HOUR, happen))
    assert done and spotify.world.faults[0].times == 0
    assert posted == []


def test_a_spotify_that_accepts_and_never_says_a_word_costs_a_question_and_no_play(
    settings, warehouse, spotify, time, ask, monkeypatch
):
    monkeypatch.setattr(limits, "PLAYER_CALL_S", 0.3)
    let_play(spotify, [(unix_ms(MORNING + 19 * MINUTE), lambda player: player.play(TRACK))])
    count = [0]

    def hangs(request: bytes) -> bool:
        if not request.startswith(b"GET /v1/me/player?"):
            return False
        count[0] += 1
        return count[0] in (6, 7)

    with relay(spotify.api_url, hangs, is_silent=True) as server:
        silent = settings.model_copy(update={"spotify_api_url": f"{server.url}/v1"})
        run_recorder(silent, warehouse, MovedClocks(time, MORNING + 2 * HOUR))
    assert count[0] > 20
    assert len(asked(spotify)) == count[0] - 2
    assert ask("select track_uri, ms_played from listening.fact_play join listening.dim_track using (track_key)") == [
        (TRACK.uri, 200_000)
    ]


def refuse(spotify) -> None:
    grants = dict(spotify.world.refresh_tokens)
    change_world(spotify, refresh_tokens={REFRESH_TOKEN: replace(grants[REFRESH_TOKEN], is_revoked=True)})


def test_a_login_that_stays_refused_wakes_the_database_ever_more_rarely(settings, database, spotify, time, monkeypatch):
    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: None)
    refuse(spotify)
    seen: dict[datetime, int] = {}
    with relayed(database) as relay:
        warehouse = Warehouse(relay.url)

        def look() -> None:
            seen[time.true()] = relay.message_count

        run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY, look))
        warehouse.close()
    moments = sorted(seen)
    woken = [at for before, at in pairwise(moments) if seen[at] > seen[before]]
    assert 8 <= len(woken) <= 16  # every two hours; a look every quarter of an hour would be 96
    assert min(later - at for at, later in pairwise(woken[4:])) >= 2 * HOUR


def test_a_login_on_the_same_computer_is_used_at_once(settings, warehouse, spotify, time, ask, monkeypatch):
    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: None)
    refuse(spotify)

    def log_in() -> None:
        grant = Grant("account-of-ada", time.true())
        spotify.change(lambda world: replace(world, refresh_tokens={**world.refresh_tokens, "AQ-new": grant}))
        [(key,)] = ask("select listener_key from listening.dim_listener where listener_id = 'account-of-ada'")
        warehouse.transaction(lambda connection: keep_login(connection, "AQ-new", key, Keys(settings), time.true()))
        note_login(settings)

    at = MORNING + 10 * HOUR + 7 * MINUTE
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 11 * HOUR, Looks(time, (at, log_in))))
    assert asked(spotify) and min(asked(spotify)) - at <= timedelta(seconds=40)


def test_where_no_recorder_has_run_a_login_leaves_nothing_behind(database, spotify, tmp_path):
    note_login(settings_of(database, spotify, brapped_home=tmp_path / "other"))
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_is_hours_off_is_told_once_and_the_recorder_goes_on_when_it_is_right(
    database, warehouse, spotify, tmp_path, monkeypatch, ask
):
    told: list[str] = []
    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: told.append(sentence))
    now = datetime.now(UTC)  # a recorder's first look at the database compares the clocks
    spotify.clock = lambda: now
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    record_plays(settings, warehouse, lambda: now)
    time = Time(unix_ms(now), off_ms=2 * 3_600_000)
    spotify.clock, spotify.is_dated = time.true, True
    let_play(spotify, [(unix_ms(now + 2 * HOUR), lambda player: player.play(TRACK))], since=now)
    looks = Looks(time, (now + HOUR, lambda: setattr(time, "off_ms", 0)))
    run_recorder(settings, warehouse, MovedClocks(time, now + 3 * HOUR, looks))
    assert len(told) == 1
    assert "2 hours ahead" in told[0]
    assert asked(spotify) and min(asked(spotify)) - now <= HOUR + 16 * MINUTE
    assert ask("select ms_played from listening.fact_play") == [(200_000,)]
