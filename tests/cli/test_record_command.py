"""`brapped record`, `brapped now` and the recorder in `brapped status`, as somebody at a terminal sees them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support import change_world

from etl.simulator.player import Item, PlayerScript, SimulatedPlayer
from etl.simulator.world import PLAYBACK_STATE, RECENTLY_PLAYED
from etl.sources.player.observation import unix_ms

SONG = Item("A", 3_000_000)


@pytest.fixture
def brapped(brapped, tmp_path):
    """The program with a folder of its own for the recorder's spool."""
    return lambda *arguments: brapped(*arguments, BRAPPED_HOME=str(tmp_path / "home"))


@pytest.fixture
def playing(spotify):
    """A song that began two minutes ago, by the real clock."""
    spotify.clock, spotify.is_dated = lambda: datetime.now(UTC), True
    began = unix_ms(datetime.now(UTC) - timedelta(minutes=2))
    script = PlayerScript(lambda: SimulatedPlayer(began), [(began, lambda player: player.play(SONG))])
    [listener] = spotify.world.listeners
    change_world(spotify, listeners=(replace(listener, player=script, plays=()),))
    return began


def test_once_asks_and_says_what_plays(brapped, playing, ask):
    assert brapped("plays").returncode == 0
    done = brapped("record", "--once")
    assert (done.returncode, done.stdout) == (0, "")
    shown = brapped("now")
    began = datetime.fromtimestamp(playing / 1000, UTC)
    assert shown.stdout.startswith(f"Listener 1: Song A by Ada's band, since {began:%H:%M} UTC, on Ada's phone (as of ")
    assert shown.stdout.endswith(": no recorder asks)\n")
    [told] = json.loads(brapped("now", "--json").stdout)
    assert told["is_playing"] is True and told["is_fresh"] is False and abs(told["progress_ms"] - 120_000) < 60_000
    assert ask("select count(*) from listening.fact_play") == [(0,)]  # it goes on
    status = brapped("status").stdout
    assert "Recorder" in status and "ended, on " in status and "1 of 1,500" in status
    assert [released is not None for (released,) in ask("select released_at from ops.recorder")] == [True]


def test_nothing_was_recorded_yet(brapped, spotify):
    shown = brapped("now")
    assert shown.returncode == 1
    assert shown.stderr == (
        "brapped: No recorder has run on this computer yet. Start one with 'brapped record' (docs/recorder.md).\n"
    )
    refused = brapped("record", "--once")
    assert refused.returncode == 1 and "Run 'brapped plays' once first." in refused.stderr


def test_a_login_without_the_scope_says_how_to_renew_and_plays_go_on(brapped, spotify, playing):
    tokens = {
        name: replace(grant, scopes=frozenset({RECENTLY_PLAYED}))
        for name, grant in spotify.world.refresh_tokens.items()
    }
    change_world(spotify, refresh_tokens=tokens)
    assert brapped("plays").returncode == 0
    done = brapped("record", "--once")
    assert done.returncode == 1
    assert "user-read-playback-state" in done.stderr and "'brapped login'" in done.stderr
    assert brapped("plays").returncode == 0


def test_the_status_says_that_a_login_may_not_ask_what_plays(brapped, spotify, playing, ask):
    """A hint while nobody has run a recorder; once somebody has, or had, it needs them."""

    def agreed(*scopes: str) -> None:
        tokens = {
            name: replace(grant, scopes=frozenset(scopes)) for name, grant in spotify.world.refresh_tokens.items()
        }
        change_world(spotify, refresh_tokens=tokens)

    agreed(RECENTLY_PLAYED)
    assert brapped("plays").returncode == 0
    shown = brapped("status")
    assert (shown.returncode, "Nothing needs you." in shown.stdout) == (0, True)
    assert "this login may not ask what plays" in shown.stdout
    assert brapped("record", "--once").returncode == 1
    shown = brapped("status")
    assert shown.returncode == 1 and "The recorder may not ask what plays" in shown.stdout
    assert "`brapped login`" in " ".join(shown.stdout.split()) and "Nothing needs you" not in shown.stdout
    assert "stands still" not in shown.stdout
    agreed(RECENTLY_PLAYED, PLAYBACK_STATE)  # as a new login would
    assert brapped("plays").returncode == 0
    shown = brapped("status")
    assert shown.returncode == 0 and "may not ask" not in shown.stdout
    assert ask("select has_player_scope from ops.login") == [(True,)]


def test_a_listener_who_is_not_logged_in_is_named(brapped, playing):
    assert brapped("plays").returncode == 0
    done = brapped("record", "--once", "--listener", "nobody")
    assert done.returncode == 1 and "No listener of that id or name is logged in here." in done.stderr


def test_a_killed_recorder_is_a_finding(brapped, playing, warehouse):
    assert brapped("plays").returncode == 0
    assert brapped("record", "--once").returncode == 0
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("update ops.recorder set released_at = null")
    shown = brapped("status")
    assert shown.returncode == 1 and "The recorder stands still" in shown.stdout
