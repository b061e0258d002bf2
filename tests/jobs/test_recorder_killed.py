"""The player recorder is killed, at any line and with Postgres away: the record is the same as if nothing had happened."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import asked, environment_of, facts_as_they_are, fresh_database, observed, settings_of
from support.export_files import write_folder
from support.recorder_day import MORNING, actions_of_a_day, let_play
from support.recorder_lives import Lives, SharedTime
from support.relay import Relay, relayed

from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.simulator.player import PlayerScript
from etl.sources.player.observation import unix_ms
from etl.warehouse.connection import Warehouse

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
KILLS = 200
END = MORNING + 2 * DAY
AWAY = MORNING + 4 * HOUR, MORNING + 10 * HOUR
PLAYER = (
    "select track_uri, observed_at, start_basis, end_basis, start_within_ms, end_within_ms, ms_within, progress_ms,"
    " pause_count, seek_count, device_change_count, is_complete, is_smart_shuffle, repeat_mode"
    " from listening.player_observation join listening.dim_track using (track_key) order by 1, 2, 3, 4, 8"
)
COVERED = "select state, starts_at, ends_at from ops.coverage where source = 'player' order by 1, 2"


@dataclass
class House:
    """A warehouse behind a relay, a home for the spool, and the time of both."""

    relay: Relay
    environment: dict[str, str]
    database: str
    time: SharedTime
    lives: Lives
    script: PlayerScript

    def ask(self, statement: str, *values: object) -> list[tuple]:
        return asked(self.database, statement, *values)

    def table(self) -> dict[str, list[tuple]]:
        """All that a day leaves, without the plays before it."""
        return {
            "facts": facts_as_they_are(self.ask),
            "observations": observed(self.ask),
            "player": self.ask(PLAYER),
            "coverage": self.ask(COVERED),
        }


@pytest.fixture
def house(cluster, template, spotify, tmp_path: Path) -> Iterator[Callable[[str], House]]:
    """Makes houses, each with a database of its own, in which the listener has played in every hour of three weeks."""
    undo: list[Callable[[], Any]] = []

    def made(name: str, seed: int = 1) -> House:
        database = fresh_database(cluster, template)
        url = next(database)
        undo.append(lambda: next(database, None))
        relay = relayed(url)
        relay_made = relay.__enter__()
        undo.append(lambda: relay.__exit__(None, None, None))
        home = tmp_path / name
        home.mkdir()
        time = SharedTime(home / "time")
        time.now_ms = unix_ms(MORNING)
        lives = Lives(home / "time")
        undo.append(lives.close)
        settings = settings_of(url, spotify, brapped_home=home)
        warehouse = Warehouse(url)
        spotify.clock, spotify.is_dated = time.true, False
        record_plays(settings, warehouse, lambda: MORNING - DAY)  # somebody has logged in
        import_exports(settings, warehouse, [write_folder(home / "export", every_hour())], clock=lambda: MORNING - DAY)
        warehouse.close()
        spotify.is_dated = True
        actions = [*actions_of_a_day(seed, sessions=4), *actions_of_a_day(seed + 1, MORNING + DAY, sessions=3)]
        environment = environment_of(relay_made.url, spotify, home) | {"BRAPPED_HOME": str(home)}
        return House(relay_made, environment, url, time, lives, let_play(spotify, actions))

    yield made
    for step in reversed(undo):
        step()


def every_hour() -> dict[str, list[dict[str, Any]]]:
    """An export with a play in each hour, so that what the recorder learns of a day more changes nothing."""
    since = MORNING.replace(hour=0) - 21 * DAY
    moments = [since + number * HOUR for number in range(20 * 24)]
    return {"Streaming_History_Audio_2026.json": [row(at) for at in moments]}


def row(at: datetime) -> dict[str, Any]:
    return {
        "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": 60_000,
        "spotify_track_uri": "spotify:track:" + "z" * 22,
        "master_metadata_track_name": "Rain",
        "master_metadata_album_artist_name": "Noise",
        "offline_timestamp": None,
    }


@pytest.mark.timeout(600)  # two hundred starts of the program
def test_two_hundred_kills_and_six_hours_without_postgres_change_nothing(house):
    quiet = house("quiet")
    end_ms = unix_ms(END)
    quiet.relay.is_away = lambda: False
    ended = quiet.lives.live(quiet.environment, end_ms)
    assert ended["status"] == 0, ended["told"]
    expected = quiet.table()
    assert len(expected["player"]) > 15
    assert len(expected["coverage"]) == 1  # without a hole

    killed = house("killed")
    away = range(unix_ms(AWAY[0]), unix_ms(AWAY[1]))
    killed.relay.is_away = lambda: killed.time.now_ms in away
    random, kills, where = Random(17), 0, set()
    while killed.time.now_ms < end_ms:
        scope = random.choice(("any", "any", "spool", "flush"))
        kill = {
            "scope": scope,
            "after": random.randrange(1, {"any": 400, "spool": 60, "flush": 80}[scope]),
            "since_ms": killed.time.now_ms + random.choice((0, random.randrange(250_000))),
            "spared": (away.start, away.stop),
        }
        ended = killed.lives.live(killed.environment, end_ms, kill=kill if kills < KILLS else None)
        assert ended["status"] in (-signal.SIGKILL, 0), ended["told"]
        kills += ended["status"] == -signal.SIGKILL
        where.add(killed.time.now_ms)
    assert kills == KILLS
    assert len(where) > KILLS / 3  # different moments; at the same one, other lines
    table = killed.table()
    [(state, since, until)], [(_, since_expected, until_expected)] = table.pop("coverage"), expected.pop("coverage")
    assert table == expected
    assert (state, since) == ("covered", since_expected)  # one span without a hole
    assert abs(until - until_expected) <= 5 * MINUTE  # it ends with the last question, and those of an idle hour move
