"""A Postgres cluster in a folder: create, start, query and stop it. Callers hold the folder's start lock."""

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
STOP_WAIT_S = 2  # until a server whose start Ctrl-C interrupted can be stopped
TRIES = 3  # a free port may be taken before it is used
OWNER = "brapped"  # of the database; `postgres` is the superuser
PORT = "5432"  # only part of the socket's name; each cluster has its own socket directory
SOCKET_BYTES = 88  # a socket's path may have 103 bytes on macOS and 107 on Linux; `/.s.PGSQL.5432` takes 14
FALLBACK_SOCKETS = "/tmp/brapped-"  # noqa: S108  for folders with a long or odd path; mkdtemp makes it private
LOG_BYTES = 1_000_000

SETTINGS = {
    "max_connections": "50",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No title may reach the server's log. Even the first line of an error quotes values ("invalid input syntax for
    # type date: …"), so errors are not logged; of more severe messages the DETAIL is not, in which a crash quotes its
    # statement. Clients receive everything all the same.
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
    """The cluster in `folder`. `durable`, `tcp`: see embedded_postgres()."""

    def __init__(self, folder: Path, durable: bool, tcp: bool) -> None:
        self.folder, self.durable, self.tcp = folder, durable, tcp
        self.data, self.sockets = folder / "data", folder / "socket"
        self.password, self.log = folder / "password", folder / "postgres.log"
        self.binaries = Binaries(folder)
        self.is_start_interrupted = False

    def start(self) -> None:
        """Start the server unless it runs, and create the database unless it exists. Raises EmbeddedError."""
        deadline = time.monotonic() + TIMEOUT_S
        errors: list[str] = []
        while not self._answers():
            if busy := self._busy():
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"The Postgres in {self.folder} does not answer, but {busy}.")
                time.sleep(STEP_S)
            elif len(errors) < TRIES:
                errors.append(self._launch())
            else:
                raise EmbeddedError(f"The Postgres in {self.folder} does not start: {errors[-1]}")
        self._ensure_database()

    def url(self) -> str:
        address = self._address()
        if "password" in address:
            login = f"{OWNER}:{address['password']}@{address['host']}:{address['port']}"
            return f"postgresql+psycopg2://{login}/brapped?sslmode=disable"
        host = quote(os.fsencode(address["host"]), safe="")
        # With the port, so that PGPORT in the environment does not change it.
        return f"postgresql+psycopg2://{OWNER}@/brapped?host={host}&port={address['port']}"

    def _ensure_database(self) -> None:
        """Create the database, owned by a role that is no superuser, or hand an older version's database to that role.

        So no SQL that the program can be tricked into can run a program or read a file.
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
        """The SCRAM verifier of the password, so that no statement contains the password itself."""
        with self._connected("postgres") as connection:
            return str(encrypt_password(self.password.read_text(), OWNER, connection, "scram-sha-256"))

    @cached_property
    def _name(self) -> str:
        """The cluster_name, unique to this folder. A renamed folder keeps it, a copied one does not."""
        folder = self.folder.stat()
        return f"brapped-{folder.st_dev:x}-{folder.st_ino:016x}"

    def _pid_file(self) -> list[str]:
        """Lines of postmaster.pid: pid, …, port, socket directory, host, … A killed server leaves it behind."""
        try:
            return os.fsdecode((self.data / "postmaster.pid").read_bytes()).splitlines()
        except FileNotFoundError:
            return []

    def _address(self) -> dict[str, str]:
        """Connection parameters of the server that runs or last ran; {} if postmaster.pid does not have them yet."""
        match self._pid_file():
            case [_, _, _, port, "", host, *_]:
                return {"host": host, "port": port, "password": self.password.read_text()}
            case [_, _, _, port, directory, _, *_]:
                return {"host": directory, "port": port}
        return {}

    @contextmanager
    def _connected(self, database: str) -> Iterator[psycopg2.extensions.connection]:
        """A connection as the superuser, who is needed only for the start of the server."""
        if not (address := self._address()):
            raise psycopg2.OperationalError("it is not running")
        login: dict[str, Any] = {"dbname": database, "user": "postgres", "sslmode": "disable", **address}
        options = "-c search_path=pg_catalog,pg_temp"  # no object of the database is found by its bare name
        with closing(psycopg2.connect(connect_timeout=3, options=options, **login)) as connection:
            connection.autocommit = True
            yield connection

    def _ask(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with self._connected(database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        """Whether this cluster's server answers. Another may listen by now where a killed one did."""
        try:
            return self._ask("show cluster_name") == [(self._name,)]
        except psycopg2.OperationalError:
            return False

    def _busy(self) -> str:
        """What uses `data` without answering: a server that starts, recovers, stops or hangs. '' for nothing."""
        if living := self._processes():
            return f"process {min(living)} is using it"
        if address := self._address():
            where = f"--host={address['host']}", f"--port={address['port']}"
            if self.binaries.run("pg_isready", "--timeout=3", *where)[0] == 1:  # 1: there, but not ready
                return "something is using it"
        return ""

    def _processes(self) -> list[int]:
        """Pids of the server's processes, recognized by the cluster_name in their command lines. None on Windows.

        The pid file alone is not enough: its pid may now be a zombie's or another program's, and the children of a
        killed postmaster go on writing for a moment.
        """
        recorded = self._pid_file()[:1]
        name = self._name.encode()
        lines = command_lines().items()
        return [pid for pid, line in lines if name in line or (b"postgres" in line and [str(pid)] == recorded)]

    def _launch(self) -> str:
        """Start the server; returns its error message, or '' if it runs."""
        self._refuse_other_version()
        if blocked_at := self.binaries.blocked_at(self.folder):
            raise EmbeddedError(
                f"Postgres refuses to run as root, and the account that runs it instead may not enter {blocked_at}: "
                f"allow that (chmod o+x), or set BRAPPED_HOME to another folder."
            )
        for draft in self.folder.glob("draft-*"):
            shutil.rmtree(draft, ignore_errors=True)
        if not self.data.exists():
            self._create()
        self._remove_leftovers()
        self._configure()
        # O_NOFOLLOW: as root, in another user's folder, no link may decide which file is created or truncated.
        number = os.open(self.log, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            if (before := os.fstat(number).st_size) > LOG_BYTES:
                os.ftruncate(number, before := 0)
        finally:
            os.close(number)
        self.binaries.chown(self.log)
        options = ["--pgdata=data", f"--log={self.log.name}", f"--timeout={TIMEOUT_S}"]
        try:
            status, output = self.binaries.run("pg_ctl", "start", *options, f"--options=-c cluster_name={self._name}")
        except (KeyboardInterrupt, SystemExit):
            self.is_start_interrupted = True  # stop() has to wait until it is up
            raise
        return first_error(os.fsdecode(self.log.read_bytes()[before:]) or output) if status else ""

    def _refuse_other_version(self) -> None:
        ours = version("embedded-postgres").split(".")[0]
        with suppress(FileNotFoundError):
            if (theirs := (self.data / "PG_VERSION").read_text().strip()) != ours:
                raise EmbeddedError(
                    f"The data in {self.folder} belongs to Postgres {theirs}, but Postgres {ours} is installed: "
                    f"install embedded-postgres {theirs}, or set BRAPPED_HOME to another folder."
                )

    def _create(self) -> None:
        """Create the cluster in a draft folder, which is renamed to `data` when it is complete."""
        write_private(self.password, secrets.token_urlsafe(32))
        self.binaries.chown(self.password)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.folder))
        self.binaries.chown(draft)
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile=password"]
        options += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options += ["--no-instructions"] if self.durable else ["--no-instructions", "--no-sync"]
        status, output = self.binaries.run("initdb", f"--pgdata={draft.name}", *options)
        if status:
            shutil.rmtree(draft, ignore_errors=True)
            raise EmbeddedError(f"Creating a Postgres in {self.folder} failed: {first_error(output)}")
        draft.rename(self.data)

    def _configure(self) -> None:
        if self.tcp:
            place = {"listen_addresses": "127.0.0.1", "port": free_port(), "unix_socket_directories": ""}
        else:
            place = {"listen_addresses": "", "port": PORT, "unix_socket_directories": str(self._new_sockets())}
        settings = SETTINGS | place | ({} if self.durable else NOT_DURABLE)
        draft = self.folder / "draft-settings"
        write_private(draft, "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
        self.binaries.chown(draft)
        draft.replace(self.data / "postgresql.auto.conf")

    def _new_sockets(self) -> Path:
        """Make an empty private directory with a simple path: a comma would separate hosts, a quote would end the
        setting.
        """
        sockets = self.sockets
        if len(os.fsencode(sockets)) <= SOCKET_BYTES and re.fullmatch(r"[\w/ .@+~-]+", str(sockets)):
            shutil.rmtree(sockets, ignore_errors=True)
            sockets.mkdir(mode=0o700)
        else:
            sockets = Path(tempfile.mkdtemp(prefix=Path(FALLBACK_SOCKETS).name, dir=Path(FALLBACK_SOCKETS).parent))
        self.binaries.chown(sockets)
        return sockets

    def _remove_leftovers(self) -> None:
        """Remove what a killed server left behind.

        Postgres itself would not, where its pid is now another process's.
        """
        self._drop_fallback_sockets(self._address())
        recorded = next(iter(self._pid_file()), "")
        if not recorded.isdigit() or int(recorded) in command_lines():
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _drop_fallback_sockets(self, address: dict[str, str]) -> None:
        """Remove it only if this program made it: the folder's owner may write any path into the pid file."""
        if address and re.fullmatch(rf"{FALLBACK_SOCKETS}\w+", address["host"]):
            with suppress(OSError):
                if Path(address["host"]).lstat().st_uid == (self.binaries.account or (self.folder.stat().st_uid,))[0]:
                    shutil.rmtree(address["host"], ignore_errors=True)

    def stop(self) -> None:
        """Stop the server if it answers; log a warning if it does not stop."""
        deadline = time.monotonic() + STOP_WAIT_S
        while not self._answers():
            if not (self._busy() or self.is_start_interrupted) or time.monotonic() > deadline:
                return  # it is gone, or it recovers or hangs and must not be disturbed
            time.sleep(STEP_S)
        if not self._processes() and not WINDOWS:
            return  # it runs elsewhere, as in another container on the same folder
        address = self._address()
        options = ["--pgdata=data", "--mode=fast", f"--timeout={TIMEOUT_S}"]
        status, output = self.binaries.run("pg_ctl", "stop", *options)
        if status:
            log.warning("The Postgres in %s did not stop: %s", self.folder, first_error(output))
        self._drop_fallback_sockets(address)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, replacing any other of this name. A link is removed, not followed."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def script(name: str) -> str:
    """The text of a file of sql/embedded/."""
    return (sql_folder() / "embedded" / f"{name}.sql").read_text(encoding="utf-8")


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
