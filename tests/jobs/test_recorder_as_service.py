"""The files in deploy/ start the recorder as it is, end it in good order, and never start it for ever."""

import configparser
import json
import os
import plistlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from support import REFRESH_TOKEN, ROOT, settings_of
from support.recorder_day import let_play

from etl import limits
from etl.cli.app import app
from etl.jobs.plays import record_plays
from etl.jobs.recorder.loop import FAREWELL_S, NAP_S
from etl.settings import Settings
from etl.simulator.player import EPOCH, Action, Item
from etl.sources.player.observation import unix_ms

UNIT = ROOT / "deploy" / "brapped-record.service"
AGENT = ROOT / "deploy" / "org.brapped.record.plist"
PAGE = (ROOT / "docs" / "recorder.md").read_text(encoding="utf-8")
SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600}


class Settled(dict[str, Any]):
    """The settings of a unit. One that is given several times keeps all its values, as systemd does."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self and isinstance(value, list):
            value = [*self[name], *value]
        super().__setitem__(name, value)


def unit() -> dict[str, str]:
    """The settings of the unit, of all its sections; of one that is given twice, both values in two lines."""
    parser = configparser.RawConfigParser(strict=False, dict_type=Settled, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # case matters here
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return {name: value for section in parser.sections() for name, value in parser[section].items()}


def seconds(span: str) -> int:
    """A time span of systemd's: 30, 15min, 1h."""
    number, name = re.fullmatch(r"(\d+)(\D*)", span).groups()  # type: ignore[union-attr]
    return int(number) * SECONDS[name]


def check_command(words: list[str]) -> None:
    """Raises a UsageError if the program has no such command, option or argument."""
    group = typer.main.get_command(app)
    context = group.make_context("brapped", [*words], resilient_parsing=True)
    commands: dict[str, Any] = group.commands  # type: ignore[attr-defined]
    commands[words[0]].make_context(words[0], words[1:], parent=context)


def test_the_unit_starts_a_command_that_there_is():
    program, *words = shlex.split(unit()["ExecStart"])
    scripts = re.findall(r"^(\w+) = \"etl", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert Path(program).name in scripts
    assert Path(program).parent.parts[-2:] == (".venv", "bin")
    check_command(words)


def test_systemd_accepts_the_unit(tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        if "systemd" in os.environ.get("BRAPPED_REQUIRE", "").split():
            pytest.fail("BRAPPED_REQUIRE says that systemd is here, but it is not")
        pytest.skip("systemd is not here")
    program, *_ = shlex.split(unit()["ExecStart"])
    copy = tmp_path / UNIT.name  # it looks whether the program is there
    copy.write_text(UNIT.read_text("utf-8").replace(f"ExecStart={program}", f"ExecStart={sys.executable}"), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_unit_holds_nothing_secret_and_names_no_setting_that_there_is_not():
    names = {name.upper() for name in Settings.model_fields}
    given = dict(pair.split("=", 1) for pair in shlex.split(unit()["Environment"]))
    assert given == {"BRAPPED_HOME": f"/var/lib/{unit()['StateDirectory']}"}
    assert set(given) <= names
    text = UNIT.read_text("utf-8") + AGENT.read_text("utf-8")
    assert [name for name in names - set(given) if name in text] == []


def test_a_recorder_that_fails_at_once_is_not_started_for_ever():
    told = unit()
    assert told["Restart"] == "on-failure"
    assert int(told["StartLimitBurst"]) * seconds(told["RestartSec"]) < seconds(told["StartLimitIntervalSec"])
    agent = plistlib.loads(AGENT.read_bytes())
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["ThrottleInterval"] >= 3600  # launchd knows no limit, so one that is refused tries once an hour


def test_the_limits_of_the_services_fit_those_of_the_recorder():
    told = unit()
    # two questions, the tries of a renewal of the login, those of a flush
    longest_turn: float = 2 * limits.PLAYER_CALL_S + limits.TRIES * limits.CALL_S + limits.RETRY_BUDGET_S
    longest_turn += 2 * (limits.ANOTHER_TRY_S + limits.SHORT.statement_s + limits.GRACE_S + limits.CONNECT_S)
    assert seconds(told["WatchdogSec"]) > NAP_S + longest_turn
    assert told["TimeoutStartSec"] == "infinity"  # it waits for the database before it is ready
    assert seconds(told["TimeoutStopSec"]) == plistlib.loads(AGENT.read_bytes())["ExitTimeOut"] == 30
    assert FAREWELL_S < 30


def test_the_page_sets_up_what_the_service_files_expect():
    told = unit()
    folder = Path(told["EnvironmentFile"]).parent
    for named in (UNIT.name, AGENT.name, str(folder), told["EnvironmentFile"]):
        assert named in PAGE, named
    assert re.search(
        rf"sudo useradd --system .*--home-dir {told['WorkingDirectory']} .* {told['User']}$", PAGE, re.MULTILINE
    )
    assert f"BRAPPED_HOME={told['WorkingDirectory']}" in PAGE
    assert told["ExecStart"].startswith(f"{folder}/.venv/bin/")


def test_every_command_of_the_page_is_one_that_there_is():
    blocks = re.findall(r"```(?:sh|powershell)\n(.*?)```", PAGE, re.DOTALL)
    lines = re.sub(r" #.*", "", "\n".join(blocks))
    found = re.findall(r'(?:^| |bin/|Scripts\\)brapped(?:\.exe)? ((?:[a-z]|--)[^"\n]*)', lines, re.MULTILINE)
    found += re.findall(r"`brapped ([^`]+)`", PAGE)
    assert {words.split()[0] for words in found} >= {"login", "record", "now", "status"}
    for words in found:
        check_command(shlex.split(words))


def test_the_agent_runs_the_recorder_in_the_home_of_whoever_it_is(tmp_path: Path):
    home = tmp_path / "a home"
    program = home / "brapped" / ".venv" / "bin" / "brapped"
    for folder in (program.parent, home / "Library" / "Logs"):
        folder.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$@" >"$HOME/arguments"\necho one line >&2\n', "utf-8")
    program.chmod(0o755)
    agent = plistlib.loads(AGENT.read_bytes())
    assert f"{agent['Label']}.plist" == AGENT.name
    done = subprocess.run(agent["ProgramArguments"], env={"HOME": str(home), "PATH": ""}, timeout=60, check=True)
    assert done.returncode == 0
    check_command((home / "arguments").read_text("utf-8").split())
    assert (home / "Library" / "Logs" / "brapped-record.log").read_text("utf-8") == "one line\n"


# As systemd runs it.


@contextmanager
def manager(path: Path) -> Iterator[socket.socket]:
    """The socket to which a service says how it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(60)
        yield heard


def start(words: list[str], environment: dict[str, str], folder: Path) -> "subprocess.Popen[str]":
    """The program with this environment and no other."""
    whole = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment}
    return subprocess.Popen(
        [sys.executable, "-m", "etl", *words],
        env=whole,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")
def test_a_service_says_that_it_is_ready_and_alive_and_ends_in_good_order(
    database, spotify, warehouse, ask, tmp_path: Path
):
    now = datetime.now(UTC)
    spotify.clock, spotify.is_dated = lambda: datetime.now(UTC), True
    begins: Action = (unix_ms(now) - 30_000, lambda player: player.play(Item("A", 3_000_000)))
    let_play(spotify, [begins], since=EPOCH)
    settings = settings_of(database, spotify, brapped_home=tmp_path / "state")
    record_plays(settings, warehouse, lambda: now)
    spotify_app = spotify.world.app
    environment = {
        "DATABASE_URL": database,
        "SPOTIFY_CLIENT_ID": spotify_app.client_id,
        "SPOTIFY_CLIENT_SECRET": spotify_app.client_secret,
        "SPOTIFY_REFRESH_TOKEN": REFRESH_TOKEN,
        "SPOTIFY_API_URL": spotify.api_url,
        "SPOTIFY_ACCOUNTS_URL": spotify.accounts_url,
        "BRAPPED_HOME": str(tmp_path / "state"),
    }
    _, *words = shlex.split(unit()["ExecStart"])
    watchdog = str(seconds(unit()["WatchdogSec"]) * 1_000_000)
    address = tmp_path / "notify"
    with manager(address) as heard:
        service = start(words, {**environment, "NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": watchdog}, tmp_path)
        try:
            assert heard.recv(1000).decode().splitlines()[0] == "READY=1"
            assert heard.recv(1000).decode().splitlines()[0] == "WATCHDOG=1"
            while not (shown := playing(environment, tmp_path)):
                assert service.poll() is None
            service.send_signal(signal.SIGTERM)
            out, err = service.communicate(timeout=60)
        except TimeoutError:
            service.kill()
            pytest.fail(f"it says nothing: {service.communicate()[1]}")
        finally:
            service.kill()
            service.communicate()
        heard.settimeout(0)
        said = heard.recv(1000).decode()
        while not said.startswith("STOPPING=1"):
            said = heard.recv(1000).decode()
    assert (service.returncode, out) == (0, ""), err
    assert [one["track_uri"] for one in shown] == ["spotify:track:" + "A" * 22]
    assert ask("select released_at is not null, flushed_at is not null from ops.recorder") == [(True, True)]


def playing(environment: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    """What `brapped now` shows as playing."""
    asked = start(["now", "--json"], environment, folder)
    out, err = asked.communicate(timeout=60)
    assert asked.returncode == 0, err
    return [one for one in json.loads(out) if one["is_playing"]]
