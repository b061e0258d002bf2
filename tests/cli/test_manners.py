"""How commands behave on a terminal and in a user's folder: Ctrl-C, --quiet, migrate as a command, links, what a clone ignores."""

import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support import ROOT, ago

from etl.alerts.file import FileStore
from etl.alerts.incidents import Inspection, StoreError, reconcile
from etl.auth.callback_server import CallbackServer
from etl.embedded.cluster import Cluster
from etl.embedded.postgres import EmbeddedError, embedded_postgres
from etl.health.findings import Finding
from etl.jobs.unrecorded import FailedRun, read, write
from etl.simulator.routes import Play

# Ctrl-C.

UP = "import runpy, sys; from etl import interrupts; interrupts.exit_on_interrupt(); print('up', flush=True); sys.argv = "
PROGRAMS = {
    "plays": UP + "['brapped', 'plays']; runpy.run_module('etl', run_name='__main__', alter_sys=True)",
    "report": UP + "['brapped', 'report', 'daily']; runpy.run_module('etl', run_name='__main__', alter_sys=True)",
    "migrate.py": UP + f"['migrate.py']; runpy.run_path({str(ROOT / 'migrate.py')!r}, run_name='__main__')",
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("after_s", [0, 0.05, 0.15, 0.4, 0.8])
def test_ctrl_c_at_any_moment_of_the_start_ends_with_one_sentence(name, after_s, environment, tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAMS[name]], cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout and program.stdout.readline() == "up\n"
    time.sleep(after_s)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=100)
    assert "Traceback" not in said and not said.startswith("\n")
    if program.returncode != 0:  # it may have been quicker
        assert program.returncode == 130
        assert len([line for line in said.splitlines() if "topped" in line]) == 1


# Quiet.


def test_quiet_says_nothing_unless_something_is_new_or_wrong(brapped, play, songs):
    play(Play(next(iter(songs.tracks)), ago(5)))
    first, second = (brapped("plays", "--quiet") for _ in range(2))
    assert first.stdout.startswith("1 of 1 play is new") and first.returncode == 0
    assert (second.stdout, second.stderr, second.returncode) == ("", "", 0)
    assert brapped("plays").stdout.startswith("0 of 1 play")
    wrong = brapped("plays", "--quiet", SPOTIFY_CLIENT_SECRET="not-the-secret-of-this-app-000000")
    assert wrong.returncode == 1 and wrong.stderr


# migrate.py as a command.


@pytest.mark.parametrize("arguments", [("--check",), (), ("--check", "--dry-run"), ("--nonsense",), ("--backup", ".")])
def test_brapped_migrate_is_migrate_py(arguments, brapped, environment, tmp_path):
    script = subprocess.run(
        [sys.executable, ROOT / "migrate.py", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    command = brapped("migrate", *arguments)
    assert (command.returncode, command.stdout) == (script.returncode, script.stdout)
    assert command.stderr == script.stderr.replace("python migrate.py", "brapped migrate")


def test_its_help_is_its_own(brapped):
    shown = brapped("migrate", "--help")
    assert shown.returncode == 0 and shown.stdout.startswith("usage: brapped migrate ")
    assert "brapped migrate --backup brapped.zip" in shown.stdout and "python migrate.py" not in shown.stdout


# What a clone ignores.

WRITTEN = re.compile(r"--(?:output|backup) ([\w.-]+\.\w+)")


def test_what_the_examples_write_is_not_added_to_the_repository():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    names = {name for page in pages for name in WRITTEN.findall(page.read_text("utf-8"))}
    assert {"wrapped.html", "history.csv", "brapped.zip"} <= names
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *sorted(names)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(ignored.stdout.split()) == names


# The page that a browser is led back to.


@pytest.mark.parametrize(
    "line", [b"GET http://[::1 HTTP/1.1", b"GET", b"\xff\xfe\x00 / HTTP/9", b"GET /" + b"a" * 70_000]
)
def test_an_odd_request_does_not_end_the_wait_for_the_browser(line, capfd):
    came: list[str] = []

    def answered(address: str) -> tuple[str, str]:
        came.append(address)
        return "You are logged in", "You can close this page."

    with CallbackServer(0) as loopback:
        port = int(loopback.redirect_uri.rpartition(":")[2].partition("/")[0])
        waiting = threading.Thread(target=loopback.wait, args=(lambda address: "state=mine" in address, answered))
        waiting.start()
        for request in (line, b"GET /callback?state=mine&code=x HTTP/1.1\r\nHost: 127.0.0.1"):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as browser:
                browser.sendall(request + b"\r\n\r\n")
                browser.recv(1000)
        waiting.join(30)
    assert not waiting.is_alive() and came == ["/callback?state=mine&code=x"]
    assert "Traceback" not in "".join(capfd.readouterr())


# Root in the folder of another user.

as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be led astray")


@pytest.fixture
def folder_of_nobody(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    folder = tmp_path / "of-nobody"
    folder.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of root's with a file in it."""
    folder = tmp_path / "victim"
    folder.mkdir(mode=0o700)
    (folder / "kept").write_text("kept")
    return folder


@as_root
@pytest.mark.parametrize("name", ["data", "users", "socket", "password", "postgres.log", "start.lock"])
def test_root_follows_no_link_in_the_folder_of_another_user(name, folder_of_nobody, victim):
    aim = victim if name in ("data", "users", "socket") else victim / "kept"
    (folder_of_nobody / name).symlink_to(aim)
    with pytest.raises(EmbeddedError, match=r"is a link\. Root follows no link"), embedded_postgres(folder_of_nobody):
        pass
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("kept", "kept")]
    assert (victim / "kept").stat().st_uid == 0


@as_root
def test_settings_are_not_written_through_a_link(folder_of_nobody, victim, monkeypatch):
    (folder_of_nobody / "draft-settings").symlink_to(victim / "kept")
    (folder_of_nobody / "data").mkdir()
    Cluster(folder_of_nobody, durable=False, tcp=True)._configure()
    assert (victim / "kept").read_text() == "kept"
    assert "port" in (folder_of_nobody / "data" / "postgresql.auto.conf").read_text()


@as_root
@pytest.mark.parametrize("named", ["/tmp/brapped-x/../{}", "{}"])
def test_no_folder_that_a_pid_file_names_is_removed(named, folder_of_nobody, victim):
    cluster = Cluster(folder_of_nobody, durable=False, tcp=False)
    cluster._drop_fallback_sockets({"host": named.format(victim), "port": "5432"})
    assert (victim / "kept").read_text() == "kept"


@as_root
def test_a_socket_folder_of_somebody_else_is_not_removed(folder_of_nobody):
    theirs = Path("/tmp/brapped-ofsomebodyelse")
    theirs.mkdir(exist_ok=True)
    try:
        Cluster(folder_of_nobody, durable=False, tcp=False)._drop_fallback_sockets(
            {"host": str(theirs), "port": "5432"}
        )
        assert theirs.exists()
        owner = folder_of_nobody.stat()
        os.chown(theirs, owner.st_uid, owner.st_gid)
        Cluster(folder_of_nobody, durable=False, tcp=False)._drop_fallback_sockets(
            {"host": str(theirs), "port": "5432"}
        )
        assert not theirs.exists()
    finally:
        if theirs.exists():
            theirs.rmdir()


@pytest.mark.parametrize("name", ["unrecorded", "alerts"])
def test_what_is_kept_between_runs_is_written_through_no_link(name, tmp_path, victim, caplog):
    (tmp_path / f"{name}.json").symlink_to(victim / "kept")
    (tmp_path / f"{name}.new").symlink_to(victim / "kept")
    if name == "unrecorded":
        write(
            tmp_path / "unrecorded.json",
            [FailedRun("embedded", "plays", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00")],
        )
        assert "is a symbolic link, which is not replaced" in caplog.text
        assert read(tmp_path / "unrecorded.json") == []
    else:
        (tmp_path / "alerts.json").unlink()
        list(
            reconcile(
                Inspection("plays", (Finding("a", "failing", "A", "B"),)),
                FileStore(tmp_path / "alerts.json", lambda *_: None),
            )
        )
        assert '"cause": "a"' in (tmp_path / "alerts.json").read_text()
        (tmp_path / "alerts.json").unlink()
        (tmp_path / "alerts.json").symlink_to(victim / "absent")
        with pytest.raises(StoreError):
            list(
                reconcile(
                    Inspection("plays", (Finding("a", "failing", "A", "B"),)),
                    FileStore(tmp_path / "alerts.json", lambda *_: None),
                )
            )
    assert (victim / "kept").read_text() == "kept" and not (victim / "absent").exists()
