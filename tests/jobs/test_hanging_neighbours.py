"""Other programs that hang: GitHub's gh, and clients of the page that a login leads back to."""

import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import typer
from support import ROOT

from etl import limits
from etl.alerts.incidents import StoreError
from etl.alerts.issues import IssueStore
from etl.auth.callback_server import CallbackServer
from etl.auth.oauth import LoginError
from etl.cli.login import check_repository, set_secret


@pytest.fixture
def hanging_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gh that never ends by itself, with a child that holds its output open."""
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(limits, "GH_S", 0.2)


@pytest.mark.usefixtures("hanging_gh")
def test_a_gh_that_hangs_is_given_up() -> None:
    with pytest.raises(typer.BadParameter, match=r"gh can't see ada/brapped: it did not end within 0\.2 s"):
        check_repository("ada/brapped")
    with pytest.raises(LoginError, match=r"could not set the secret: it did not end within 0\.2 s") as raised:
        set_secret("ada/brapped", "the-token")
    assert "the-token" not in str(raised.value)
    with pytest.raises(StoreError, match="TimeoutExpired"):
        IssueStore("ada/brapped").incidents()


@pytest.mark.parametrize("name", ["check-privacy.sh", "keep-schedules.sh"])
def test_the_scripts_of_the_workflows_give_a_gh_a_minute(name: str) -> None:
    """Each call of gh, but for the words about it."""
    lines = (ROOT / ".github" / name).read_text("utf-8").splitlines()
    calls = [line for line in lines if "gh " in line and not line.lstrip().startswith("#")]
    assert calls and [line for line in calls if "timeout 60 gh " not in line] == []


def test_a_gh_that_hangs_makes_no_report_public(hanging_gh, tmp_path) -> None:
    """With the minute cut short, as a test can."""
    (tmp_path / "timeout").write_text('#!/bin/sh\nshift\nexec /usr/bin/timeout 0.2 "$@"\n')
    (tmp_path / "timeout").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "SHOW_REPORT_PUBLICLY": "",
        "GITHUB_REPOSITORY": "ada/brapped",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    script = ["bash", str(ROOT / ".github/check-privacy.sh")]
    subprocess.run(script, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=50)
    assert (tmp_path / "output").read_text() == "may_show=false\n"
    assert "GitHub did not say" in (tmp_path / "summary").read_text()


def test_clients_that_drip_or_say_nothing_do_not_hold_up_a_login() -> None:
    stopped = threading.Event()

    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"GET /callback?code=")
            while not stopped.wait(0.02):
                connection.sendall(b"a")

    with CallbackServer(0) as loopback:
        port = int(loopback.redirect_uri.split(":")[2].split("/")[0])
        waiting = threading.Thread(
            target=loopback.wait,
            args=(lambda address: "state=mine" in address, lambda _: ("You are logged in", "Close this page.")),
        )
        waiting.start()
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(25)]
        for connection in clients[::5]:
            threading.Thread(target=drip, args=(connection,), daemon=True).start()
        page = requests.get(f"{loopback.redirect_uri}?code=x&state=mine", timeout=60).text
        waiting.join()
        stopped.set()
        for connection in clients:
            connection.close()
    assert "You are logged in" in page
