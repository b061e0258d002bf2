"""How long a run may take as a whole: how it ends, what it keeps, who is told, also when nothing can interrupt it."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from support import NOW, ROOT, ago, libpq, settings_of
from support.raw_server import dripping, raw_server, relay
from support.workflow_runner import load_workflow

from etl import limits
from etl.deadline import Deadline, RunTimeout, run_after
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.monitored import monitored
from etl.jobs.plays import record_plays
from etl.simulator.routes import Play
from etl.warehouse.locks import LOGIN_LOCK

DRIP = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
RUNS = "select job, outcome, received_count from ops.run order by run_key"
SAID = "The run was stopped because it took longer than 0.5 s"


def handed_over(output: Path) -> list[tuple[str, str, bool]]:
    """The alerts that the next step of the workflow gets: cause, title, whether something does not work."""
    [line] = [line for line in output.read_text().splitlines() if line.startswith("alerts=")]
    told = json.loads(line.removeprefix("alerts="))
    return [(alert["cause"], alert["title"], alert["is_failure"]) for alert in told["findings"]]


ALERT = ("time-limit", "A run took too long and was stopped", True)


def test_a_run_whose_token_drips_ends_is_recorded_told_and_leaves_no_lock(
    database, spotify, warehouse, play, songs, ask, monkeypatch, tmp_path
) -> None:
    play(Play(next(iter(songs.tracks)), ago(5)))
    output = tmp_path / "output"
    with raw_server(DRIP) as server, monkeypatch.context() as patched:
        patched.setitem(limits.RUN_S, "plays", 0.5)
        settings = settings_of(database, spotify, spotify_accounts_url=server.url, github_output=output)
        with pytest.raises(RunTimeout, match=SAID):
            monitored("plays", settings, warehouse, record_plays, lambda: NOW)
        assert ask(RUNS) == [("plays", "failed", None)]
        assert ALERT in handed_over(output)
        assert ask(f"select pg_try_advisory_lock({LOGIN_LOCK}, login_key::int) from ops.login") == [(True,)]
    settings = settings_of(database, spotify, github_output=output)
    output.write_text("")
    assert monitored("plays", settings, warehouse, record_plays, lambda: NOW).line.startswith("1 of 1 play is new")
    assert handed_over(output) == []


class Until(Deadline):
    """A deadline that comes when a test says so, however slow the machine is."""

    come = threading.Event()

    @property
    def left_s(self) -> float:
        return 0 if self.come.is_set() else 60


@pytest.fixture
def comes(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """What makes the time of a run be up."""
    Until.come = threading.Event()
    monkeypatch.setattr(Deadline, "of", classmethod(lambda cls, job: Until(limit_s=limits.RUN_S[job])))
    monkeypatch.setattr(limits, "CALL_S", 5)  # the call that hangs; no other takes as long, on a slow machine either
    return Until.come


@pytest.fixture
def played(settings, warehouse, play, songs) -> None:
    play(*(Play(track_id, ago(10 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:20])))
    record_plays(settings, warehouse, lambda: NOW)


@pytest.mark.usefixtures("played")
def test_dimensions_stops_when_its_time_is_up_and_keeps_what_it_has(
    database, spotify, warehouse, ask, comes, no_pauses
) -> None:
    described = "select count(*) from listening.dim_artist where fetched_at is not null and artist_key > 0"
    singles = 0

    def hangs(request: bytes) -> bool:
        nonlocal singles
        singles += request.startswith(b"GET /v1/artists/")
        if singles > 3:
            comes.set()
        return singles > 3

    with relay(spotify.api_url.removesuffix("/v1"), hangs) as server:
        settings = settings_of(database, spotify, spotify_api_url=f"{server.url}/v1")
        outcome = fill_dimensions(settings, warehouse, lambda: NOW)
    assert outcome.line.startswith("3 artists, tracks, albums described")
    assert outcome.line.endswith("; stopped after 10 minutes, the next run goes on")
    assert outcome.is_good
    assert ask(described) == [(3,)]
    # Each call counts: a refused batch, three answers, one that hung. The other side of the wire heard as many.
    assert len([request for request in server.heard if request.startswith(b"GET /v1/")]) == 5
    assert ask(RUNS)[1:] == [("dimensions", "done", 5)]
    assert ask("select count(*) from ops.lease") == [(0,)]
    comes.clear()
    outcome = fill_dimensions(settings_of(database, spotify), warehouse, lambda: NOW)
    assert "stopped" not in outcome.line and ask(described)[0][0] > 3


@pytest.mark.usefixtures("played")
def test_dimensions_that_got_no_answer_in_its_time_has_failed(
    database, spotify, warehouse, ask, comes, no_pauses
) -> None:
    def hangs(request: bytes) -> bool:
        comes.set()
        return True

    with relay(spotify.api_url.removesuffix("/v1"), hangs) as server:
        settings = settings_of(database, spotify, spotify_api_url=f"{server.url}/v1")
        with pytest.raises(RunTimeout, match="longer than 10 minutes"):
            fill_dimensions(settings, warehouse, lambda: NOW)
    assert ask(RUNS)[1:] == [("dimensions", "failed", None)]


# What nothing can interrupt.

PROGRAM = """
import os, sys, time
from etl import limits
exit_now = os._exit
os._exit = lambda status: (time.sleep(SLOW_S), exit_now(status))
limits.RUN_S = {"plays": 0.5, "dimensions": 0.5}
limits.RUN_GRACE_S, limits.FAREWELL_S = 0.5, float(sys.argv.pop())
from etl.cli.app import main
main()
"""


@pytest.fixture
def hanging(environment, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `brapped JOB` with limits of half a second; a program that does not end is an error of the test."""

    def run(job: str, farewell_s: float, slow_s: float = 0, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM.replace("SLOW_S", str(slow_s)), job, str(farewell_s)],
            env={**environment, "GITHUB_OUTPUT": str(tmp_path / "output"), **changes},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


@contextmanager
def locked(database: str, statement: str):
    connection = psycopg2.connect(libpq(database))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        yield
    connection.close()


@pytest.mark.parametrize("slow_s", [0, 3])  # a loaded machine may take so long to end a process
def test_a_run_that_hangs_in_the_database_is_ended_recorded_and_told(
    hanging, brapped, database, ask, tmp_path, slow_s
) -> None:
    assert brapped("plays").returncode == 0
    with locked(database, f"select pg_advisory_lock({LOGIN_LOCK}, login_key::int) from ops.login"):
        ran = hanging("plays", 50, slow_s)
        deadline = time.monotonic() + 20  # less than the wait for a lock may take (limits.SHORT)
        while ask("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"):
            assert time.monotonic() < deadline, "the server goes on with a run that is over"
            time.sleep(0.05)
    assert (ran.returncode, ran.stdout) == (1, "")
    [said] = ran.stderr.splitlines()
    assert said.startswith(f"brapped: {SAID}")
    assert handed_over(tmp_path / "output") == [ALERT]
    assert ask(RUNS)[1:] == [("plays", "failed", None)]
    assert brapped("plays").returncode == 0


@pytest.mark.parametrize("job", ["plays", "dimensions"])
def test_a_run_whose_database_says_nothing_is_ended_and_told(hanging, job: str, tmp_path) -> None:
    with raw_server(lambda _, stopped: stopped.wait(), is_silent=True) as server:
        ran = hanging(job, 0.3, DATABASE_URL=server.url.replace("http://", "postgresql://me:s3cret-pw@") + "/db")
    assert ran.returncode == 1 and ran.stderr.splitlines()[-1].startswith(f"brapped: {SAID}")
    assert "s3cret-pw" not in ran.stderr + ran.stdout
    assert handed_over(tmp_path / "output") == [ALERT]


def test_what_ends_in_time_is_left_alone() -> None:
    ended = threading.Event()
    with run_after(0.01, ended.set):
        assert ended.wait(60)
    ended.clear()
    with run_after(60, ended.set):
        pass
    assert not ended.is_set()


# Where the workflows end them.


@pytest.mark.parametrize("job", ["plays", "dimensions"])
def test_a_workflow_waits_longer_than_the_program_does(job: str) -> None:
    """So the program itself says why it ends; and where it can't, the step fails before GitHub cancels the whole job."""
    whole = load_workflow(f".github/workflows/{job}.yml")["jobs"][job]
    [step] = [step for step in whole["steps"] if step.get("run") == f"python -m etl {job}"]
    own_s = limits.RUN_S[job] + limits.RUN_GRACE_S + limits.NOTICE_S + limits.FAREWELL_S
    assert own_s + 15 <= 60 * step["timeout-minutes"]  # and to start


@pytest.mark.parametrize(
    ("name", "job"), [("plays", "plays"), ("dimensions", "dimensions"), ("daily-report", "report")]
)
def test_each_step_that_could_hang_ends_before_its_job(name: str, job: str) -> None:
    whole = load_workflow(f".github/workflows/{name}.yml")["jobs"][job]
    network = [step for step in whole["steps"] if "set-up" in step.get("uses", "") or "etl" in step.get("run", "")]
    assert len(network) == 3  # the packages, the job, the alerts
    assert [step["name"] for step in network if "timeout-minutes" not in step] == []
    assert sum(step["timeout-minutes"] for step in network) < whole["timeout-minutes"]
    [told] = [step for step in network if "etl.alerts" in step.get("run", "")]
    assert told["env"]["JOB_STATUS"] == "${{ job.status }}"
