"""Failed runs leave a record whatever they failed of, and good runs that bring nothing for very long are a finding."""

import json
from datetime import datetime, timedelta

import pytest
from support import NOW, ago, settings_of

from etl.embedded.postgres import EmbeddedError
from etl.health import checks as health
from etl.health.silence import quiet_findings
from etl.jobs import unrecorded
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.monitored import monitored, run_monitored
from etl.jobs.plays import record_plays
from etl.jobs.run import APP_SETTINGS
from etl.settings import Settings
from etl.simulator.routes import Play
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.statements import run

RUNS = "select job, started_at, outcome from ops.run order by started_at, run_key"
JOBS = {"plays": record_plays, "dimensions": fill_dimensions}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def own(database, spotify, tmp_path):
    """Settings of somebody's own computer."""
    return settings_of(database, spotify, brapped_home=tmp_path / "home")


@pytest.fixture
def nowhere(monkeypatch):
    """A database that does not answer."""
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", lambda seconds: None)
    return Warehouse("postgresql://nobody:hush-hush@127.0.0.1:1/nothing")


@pytest.mark.parametrize("job", JOBS)
def test_an_error_of_the_program_leaves_a_failed_run(job, own, warehouse, ask, monkeypatch, play, songs):
    play(Play(next(iter(songs.tracks)), ago(5)))
    monkeypatch.setattr(own, "catalogue_daily_budget", None)  # which no sum can be made with
    monkeypatch.setattr(own, "spotify_api_url", None)
    with pytest.raises((AttributeError, TypeError)):
        JOBS[job](own, warehouse, lambda: NOW)
    assert ask(RUNS) == [(job, NOW, "failed")]
    told = warehouse.transaction(lambda connection: health.inspect_all(connection, own, NOW))
    assert f"{job}-fails" in [one.cause for one in told.findings]
    assert unrecorded.kept(own) == []


@pytest.mark.parametrize("job", JOBS)
def test_a_statement_that_the_database_refuses_leaves_a_failed_run(job, own, warehouse, ask):
    if job == "plays":
        ask("alter table ops.login add constraint no check (false)")
    else:
        ask("alter table ops.lease add constraint no check (false)")
    with pytest.raises(WarehouseError, match="SQLSTATE 23514"):
        JOBS[job](own, warehouse, lambda: NOW)
    assert ask(RUNS) == [(job, NOW, "failed")]
    assert unrecorded.kept(own) == []


def test_without_a_login_a_run_is_recorded_as_failed(database, spotify, tmp_path, warehouse, ask):
    settings = settings_of(database, spotify, spotify_refresh_token=None, brapped_home=tmp_path)
    with pytest.raises(Exception, match="Nobody is logged in"):
        record_plays(settings, warehouse, lambda: NOW)
    assert ask(RUNS) == [("plays", NOW, "failed")]


def test_runs_that_could_not_reach_the_database_are_recorded_by_the_next_that_does(own, warehouse, nowhere, ask):
    for hours in (5, 4):
        for job, work in JOBS.items():
            with pytest.raises(WarehouseError):
                monitored(job, own, nowhere, work, lambda hours=hours: NOW - hours * HOUR)  # type: ignore[misc]
    kept = (own.brapped_home / "unrecorded.json").read_text()
    assert "hush" not in kept and "127.0.0.1" not in kept and len(json.loads(kept)) == 4
    assert ask(RUNS) == []
    assert monitored("plays", own, warehouse, record_plays, lambda: NOW).is_good
    failed = [(job, NOW - hours * HOUR, "failed") for hours in (5, 4) for job in ("plays", "dimensions")]
    assert ask(RUNS) == [*failed, ("plays", NOW, "done")]
    record_plays(own, warehouse, lambda: NOW + HOUR)
    assert ask("select count(*) from ops.run") == [(6,)]  # each once
    # That dimensions fails is seen until a run of it is good.
    told = warehouse.transaction(lambda connection: health.inspect_all(connection, own, NOW + HOUR))
    assert "dimensions-fails" in [one.cause for one in told.findings]
    assert fill_dimensions(own, warehouse, lambda: NOW + HOUR).is_good
    told = warehouse.transaction(lambda connection: health.inspect_all(connection, own, NOW + HOUR))
    assert "dimensions-fails" not in [one.cause for one in told.findings]


def test_a_failed_run_is_recorded_only_where_it_was_to_record(own, warehouse, nowhere, database, target, spotify, ask):
    other = settings_of(target, spotify, brapped_home=own.brapped_home)
    with pytest.raises(WarehouseError):
        record_plays(other, nowhere, lambda: NOW - HOUR)
    record_plays(own, warehouse, lambda: NOW)
    assert ask(RUNS) == [("plays", NOW, "done")]
    assert len(unrecorded.kept(other)) == 1


@pytest.mark.parametrize(
    "damage",
    ["", "nonsense", "[1]", '[{"job": "x"}]', "{}", '[{"warehouse": 1, "job": 2, "started_at": 3, "finished_at": 4}]'],
)
def test_a_damaged_file_stops_no_run(damage, own, warehouse, nowhere, ask):
    own.brapped_home.mkdir()
    (own.brapped_home / "unrecorded.json").write_text(damage)
    assert record_plays(own, warehouse, lambda: NOW).is_good
    with pytest.raises(WarehouseError):
        record_plays(own, nowhere, lambda: NOW + HOUR)
    assert len(unrecorded.kept(own)) == 1


def test_the_file_does_not_grow_for_ever(own, monkeypatch):
    monkeypatch.setattr(unrecorded, "MOST", 3)
    for hours in range(5):
        unrecorded.keep(own, "plays", NOW + hours * HOUR, NOW + hours * HOUR)
    assert [datetime.fromisoformat(one.started_at) for one in unrecorded.kept(own)] == [
        NOW + hours * HOUR for hours in (2, 3, 4)
    ]


def test_a_postgres_of_ones_own_that_does_not_start_is_remembered(spotify, tmp_path, monkeypatch, environment):
    home = tmp_path / "home"
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "data").write_text("no folder")
    for name, value in {**environment, "BRAPPED_HOME": str(home), "DATABASE_URL": ""}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EmbeddedError):
        run_monitored("plays", APP_SETTINGS, record_plays, lambda: NOW)
    [one] = json.loads((home / "unrecorded.json").read_text())
    assert (one["warehouse"], one["job"]) == ("embedded", "plays")


# On GitHub nothing is kept, but runs are numbered.


@pytest.mark.parametrize(
    ("numbers", "counts"),
    [
        ([7, 8, 9], [None, 0, 0]),
        ([7, 12], [None, 4]),
        ([7, 12, 12, 13], [None, 4, 0, 0]),  # a run that was run again
        ([7, 12, 9, 13], [None, 4, 0, 0]),  # an old one that was run again
        ([None, 7, None, 9], [None, None, None, 1]),  # elsewhere meanwhile
    ],
)
def test_how_many_runs_of_a_workflow_left_no_record(numbers, counts, database, spotify, warehouse, ask):
    for hour, number in enumerate(numbers):
        settings = settings_of(
            database, spotify, github_actions=True, github_repository_id=number and 1, github_run_number=number
        )
        record_plays(settings, warehouse, lambda hour=hour: NOW + hour * HOUR)  # type: ignore[misc]
    assert ask("select unrecorded_count from ops.run order by run_key") == [(one,) for one in counts]


def test_another_workflow_or_repository_counts_by_itself(database, spotify, warehouse, ask):
    def github(repository_id: int, number: int) -> Settings:
        return settings_of(
            database, spotify, github_actions=True, github_repository_id=repository_id, github_run_number=number
        )

    record_plays(github(1, 7), warehouse, lambda: NOW)
    fill_dimensions(github(1, 90), warehouse, lambda: NOW)
    record_plays(github(2, 50), warehouse, lambda: NOW)
    record_plays(github(1, 9), warehouse, lambda: NOW)
    assert ask("select unrecorded_count from ops.run order by run_key") == [(None,), (None,), (None,), (1,)]
    told = warehouse.transaction(lambda connection: health.inspect_all(connection, github(1, 9), NOW))
    assert {one["job"]: one["unrecorded_count"] for one in told.runs} == {"plays": 1, "dimensions": 0}
    assert [one.cause for one in told.findings if one.cause.endswith("-fails")] == []  # nobody knows what became of it


# Silence.


def listened(ask, *days_ago: float) -> None:
    """Plays at these times, and a look at Spotify's list now."""
    ask("delete from listening.fact_play")
    ask("delete from ops.watermark")
    ask(
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, time_key)"
        " select %s - ago * interval '1 day', 1, 0, 20260101, 0, 0, 0, 0 from unnest(%s::double precision[]) as times (ago)",
        NOW,
        list(days_ago),
    )
    ask("insert into ops.watermark (listener_key, source, checked_at) values (1, 'recently_played', %s)", NOW)


EVERY_DAY = [day + 0.5 for day in range(120)]


@pytest.mark.parametrize(
    ("days_ago", "is_told"),
    [
        ([9 + one for one in EVERY_DAY], True),
        ([6 + one for one in EVERY_DAY], False),  # less than a week
        ([9 + 4 * one for one in EVERY_DAY if one < 91], False),  # three times four days are twelve
        ([12 + 4 * one for one in range(110) if one * 4 < 360], False),  # too few plays
        ([20 + 3 * one for one in range(110)], True),
        ([9 + one / 24 for one in range(1000)], False),  # six weeks are too short to know what is usual
        ([30, *(45 + one for one in EVERY_DAY)], False),  # was away for two weeks before
        ([50, *(65 + one for one in EVERY_DAY)], True),
        ([9, *(500 + one for one in EVERY_DAY)], False),  # of long ago
        ([], False),
        ([9], False),
    ],
)
def test_silence_is_a_finding_when_it_is_much_longer_than_ever_before(days_ago, is_told, warehouse, ask):
    listened(ask, *days_ago)
    found = warehouse.transaction(lambda connection: list(quiet_findings(connection)))
    assert [one.cause for one in found] == ["quiet"] * is_told


def test_silence_says_for_how_long_and_what_is_usual_and_ends_with_the_next_play(own, warehouse, ask, play, songs):
    listened(ask, *(9 + one for one in EVERY_DAY))
    [found] = warehouse.transaction(lambda connection: list(quiet_findings(connection)))
    assert found.text.startswith(
        "There has been no play for 10 days, since 2026-11-10 21:20 UTC. In the year before, the longest time"
    )
    assert "was 24 hours." in found.text and found.is_alert and not found.is_failure
    assert "quiet" in health.URGENT  # so that it is closed when it is over
    again = warehouse.transaction(lambda connection: list(quiet_findings(connection)))
    assert [one.state for one in again] == [found.state]
    play(Play(next(iter(songs.tracks)), ago(5)))
    with warehouse.engine.begin() as connection:
        run(
            connection, "dimensions/listener", listener_id="account-of-ada", stand_ins=[], listener_name="Ada",
            time_zone=None, created_at=NOW,
        )  # fmt: skip
    record_plays(own, warehouse, lambda: NOW)
    assert warehouse.transaction(lambda connection: list(quiet_findings(connection))) == []


def test_runs_that_do_not_ask_are_no_silence_of_the_listener(warehouse, ask):
    listened(ask, *(9 + one for one in EVERY_DAY))
    ask("update ops.watermark set checked_at = checked_at - interval '9 days'")
    assert warehouse.transaction(lambda connection: list(quiet_findings(connection))) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"job": None},
        {"job": "pl\x00ays"},
        {"job": "login"},
        {"started_at": "2026-01-01T00:00:00"},
        {"finished_at": 5},
        {"more": 1},
    ],
    ids=str,
)
def test_a_file_of_failed_runs_that_was_damaged_stops_no_run(odd, brapped, tmp_path):
    kept = {
        "warehouse": "x",
        "job": "plays",
        "started_at": "2026-01-01T00:00:00+00:00",
        "finished_at": "2026-01-01T00:01:00+00:00",
    }
    path = tmp_path / "unrecorded.json"
    path.write_text(json.dumps([{**kept, **odd}, kept]))
    assert brapped("plays", BRAPPED_HOME=str(tmp_path)).returncode == 0
