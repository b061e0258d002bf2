"""What the spool notes beside the plays, when another version of the program wrote it, or another computer."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, actions_of_a_day, let_play, run_recorder

from etl.auth.encryption import Keys
from etl.jobs.plays import record_plays
from etl.jobs.recorder.habits import keep_habits, kept_habits, zone_of
from etl.jobs.recorder.kept_logins import kept_logins
from etl.jobs.recorder.spool import Spool, spool_folder
from etl.sources.player.asking import Habits
from etl.sources.player.observation import unix_ms

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = str(MORNING.date())


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


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        '{"v": 2}',
        json.dumps({"day": TODAY, "zone": "UTC"}),
        json.dumps({"day": "yesterday", "zone": "UTC", "shares": []}),
        json.dumps({"day": TODAY, "zone": "UTC", "shares": [[1, 2]]}),
        json.dumps({"day": TODAY, "zone": "UTC", "shares": [7]}),
        json.dumps({"day": TODAY, "zone": "UTC", "shares": [[False, 30, 0.5]]}),
        json.dumps({"day": TODAY, "zone": "UTC", "shares": [[False, 3, -1.0]]}),
    ],
)
def test_a_note_of_habits_that_can_not_be_read_counts_as_none(tmp_path, note):
    with Spool(tmp_path / "recorder") as spool:
        spool.keep_note("habits 1", note)
        assert kept_habits(spool, 1, MORNING) is None


def test_habits_that_are_kept_come_back_for_a_day(tmp_path):
    habits = Habits({(False, 3): 0.5, (True, 4): 0.25})
    with Spool(tmp_path / "recorder") as spool:
        keep_habits(spool, 1, habits, zone_of("Europe/Berlin"), MORNING)
        assert kept_habits(spool, 1, MORNING + HOUR) == (zone_of("Europe/Berlin"), habits, MORNING.date())
        assert kept_habits(spool, 2, MORNING) is None and kept_habits(spool, 1, MORNING + DAY) is None


def test_an_unknown_zone_is_taken_for_utc_with_a_warning(caplog):
    assert zone_of("Mars/Olympus").key == "UTC"
    assert "does not know the time zone" in caplog.text and "Mars" not in caplog.text


def test_a_recorder_starts_with_a_zone_that_this_computer_does_not_know(
    settings, warehouse, spotify, time, ask, monkeypatch
):
    let_play(spotify, actions_of_a_day(5, sessions=1))
    monkeypatch.setattr("etl.warehouse.time_zones.same_as", lambda name: ("Mars/Olympus",))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 3 * HOUR))
    assert ask("select count(*) > 0 from listening.player_observation") == [(True,)]


@pytest.mark.parametrize("spoil", ["{}", "[]", "nothing", "a field less", "a number for the token"])
def test_a_kept_login_that_can_not_be_read_counts_as_none(settings, warehouse, spotify, time, spoil, caplog):
    let_play(spotify, [])
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR))
    path = spool_folder(settings) / "spool.sqlite"
    with sqlite3.connect(path) as connection:
        [(told,)] = connection.execute("select value from note where name = 'login 1'")
        kept = json.loads(told)
        if spoil == "a field less":
            del kept["is_unstored"]
        elif spoil == "a number for the token":
            kept["token"] = 7
        connection.execute(
            "update note set value = ? where name = 'login 1'", (json.dumps(kept) if " " in spoil else spoil,)
        )
    connection.close()
    with Spool(spool_folder(settings)) as spool:
        assert kept_logins(spool, Keys(settings)) == []
    assert "can't be read" in caplog.text
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + 2 * HOUR))
    with Spool(spool_folder(settings)) as spool:
        assert len(kept_logins(spool, Keys(settings))) == 1
