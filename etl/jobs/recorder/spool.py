"""The recorder's spool: an SQLite file with all that is not in the warehouse yet. A kill at any line loses nothing.

What changes what will be recorded (another item, a pause, a play that ended) is written through to the disk. The
moments of answers between two changes are written too, without waiting for the disk: a killed process loses none of
them, a power cut the last few.
"""

import json
import logging
import os
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from etl.settings import Settings
from etl.sources.player.observation import Observation, moment_of, unix_ms
from etl.sources.player.saved import restored, saved
from etl.sources.player.state import State, load, save
from etl.values import fingerprint

log = logging.getLogger(__name__)

TABLES = """
create table if not exists state (listener_key integer primary key, state text not null, played_ms integer);
create table if not exists observation (
    number integer primary key autoincrement, listener_key integer not null, observation text not null,
    is_refused integer not null default 0
);
create table if not exists span (
    listener_key integer not null, starts_ms integer not null, ends_ms integer not null,
    primary key (listener_key, starts_ms)
);
create table if not exists calls (app text not null, day text not null, made integer not null, primary key (app, day));
create table if not exists pause (app text primary key, ends_ms integer not null, reason text);
create table if not exists note (name text primary key, value text not null);
"""
LOCK_S = 1.0  # 'brapped status' and 'brapped now' hold the lock for a moment, to see whether a recorder does
BUSY_S = 5.0  # 'brapped status' and 'brapped now' read the file meanwhile


def spool_folder(settings: Settings) -> Path:
    """The folder of the recorder's own files."""
    return settings.home / "recorder"


def app_of(settings: Settings) -> str:
    """The app whose calls are counted together: the fingerprint of its client id; empty without one."""
    return fingerprint(settings.spotify_client_id.get_secret_value()) if settings.spotify_client_id else ""


class SpoolError(Exception):
    """The spool can't be used. The message says why and what to do."""


class SpoolTaken(SpoolError):
    """Another recorder on this computer uses the spool."""


@dataclass(frozen=True)
class Span:
    """A span in which answers came without a hole."""

    starts_at: datetime
    ends_at: datetime


class Spool:
    """The file and its lock. `folder` is created. Use it as a context; raises SpoolTaken and SpoolError."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spool.sqlite"
        self._holder = folder / "recorder.txt"
        self._lock = FileLock(folder / "recorder.lock", blocking=False)

    def __enter__(self) -> "Spool":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.acquire(timeout=LOCK_S, poll_interval=0.02, blocking=True)
        except Timeout:
            raise SpoolTaken(self._taken()) from None
        except OSError as error:
            raise SpoolError(f"The recorder's folder {self.path.parent} can't be used: {error.strerror}.") from None
        try:
            self._holder.write_text(f"process {os.getpid()}", "utf-8")
            self._open()
        except (OSError, sqlite3.Error) as error:
            self._lock.release()
            raise SpoolError(
                f"The spool {self.path} can't be used ({type(error).__name__}). If the disk is full, make room. If the"
                " file is damaged, move it away: what it held and the warehouse lacks is lost, the exports bring it."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._lock.release()

    def _taken(self) -> str:
        try:
            holder = self._holder.read_text("utf-8").strip()
        except OSError:
            holder = "another process"
        return (
            f"A recorder runs on this computer already: {holder} holds {self.path.parent}. Two would ask twice for the"
            " same. End that one first (systemctl stop brapped-record, or kill it), or leave it running."
        )

    def _open(self) -> None:
        self._connection = connected(self.path)
        self.path.chmod(0o600)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.executescript(TABLES)
        with self.writing() as connection:
            connection.execute("insert or ignore into note values ('holder', ?)", (str(uuid4()),))

    @contextmanager
    def writing(self, *, is_change: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction. `is_change`: wait until it is on the disk. Raises sqlite3.Error."""
        self._connection.execute(f"pragma synchronous = {'full' if is_change else 'normal'}")
        self._connection.execute("begin immediate")
        try:
            yield self._connection
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    @property
    def holder_id(self) -> str:
        """By which the warehouse knows this spool."""
        return str(self.note("holder"))

    def note(self, name: str) -> str | None:
        row = self._connection.execute("select value from note where name = ?", (name,)).fetchone()
        return row[0] if row else None

    def notes(self, prefix: str) -> list[str]:
        """The values of all notes whose names begin so."""
        rows = self._connection.execute("select value from note where name like ? || '%' order by name", (prefix,))
        return [value for (value,) in rows]

    def keep_note(self, name: str, value: str) -> None:
        with self.writing(is_change=False) as connection:
            connection.execute("insert or replace into note values (?, ?)", (name, value))

    def forget_note(self, name: str) -> None:
        with self.writing(is_change=False) as connection:
            connection.execute("delete from note where name = ?", (name,))

    def state(self, listener_key: int) -> State:
        """Where this listener's player stood; `State()` if nothing is kept, or by another version of the program."""
        row = self._connection.execute("select state from state where listener_key = ?", (listener_key,)).fetchone()
        try:
            return load(json.loads(row[0])) if row else State()
        except ValueError:
            return State()

    def played_at(self, listener_key: int) -> datetime | None:
        """When something was last seen to play."""
        row = self._connection.execute("select played_ms from state where listener_key = ?", (listener_key,)).fetchone()
        return moment_of(row[0]) if row and row[0] is not None else None

    def keep(
        self,
        listener_key: int,
        state: State,
        played_at: datetime | None,
        finished: Sequence[Observation],
        *,
        app: str | None,
        day: date,
        is_change: bool,
    ) -> None:
        """Keep what an answer brought, all of it or nothing, and count the call of this app. Raises sqlite3.Error."""
        with self.writing(is_change=is_change) as connection:
            played_ms = unix_ms(played_at) if played_at is not None else None
            connection.execute(
                "insert or replace into state values (?, ?, ?)", (listener_key, json.dumps(save(state)), played_ms)
            )
            connection.executemany(
                "insert into observation (listener_key, observation) values (?, ?)",
                [(listener_key, json.dumps(saved(one))) for one in finished],
            )
            if state.watched is not None and state.watched[0] < state.watched[1]:  # one answer alone covers nothing
                starts_ms, ends_ms = map(unix_ms, state.watched)
                connection.execute(
                    "insert into span values (?, ?, ?) on conflict do update set ends_ms = max(ends_ms, excluded.ends_ms)",
                    (listener_key, starts_ms, ends_ms),
                )
            if app is not None:
                count_call(connection, app, day)

    def made(self, app: str, day: date) -> int:
        """How many calls this app has made on a day (UTC)."""
        row = self._connection.execute("select made from calls where app = ? and day = ?", (app, str(day))).fetchone()
        return int(row[0]) if row else 0

    def count(self, app: str, day: date) -> None:
        """Count a call that brought no answer. Raises sqlite3.Error."""
        with self.writing(is_change=False) as connection:
            count_call(connection, app, day)

    def pause(self, app: str) -> tuple[datetime, str | None] | None:
        """Until when Spotify wants no calls of this app, and the reason it gave."""
        row = self._connection.execute("select ends_ms, reason from pause where app = ?", (app,)).fetchone()
        return (moment_of(row[0]), row[1]) if row else None

    def keep_pause(self, app: str, ends_at: datetime, reason: str | None) -> None:
        with self.writing() as connection:
            connection.execute("insert or replace into pause values (?, ?, ?)", (app, unix_ms(ends_at), reason))

    def waiting(self, listener_key: int, most: int) -> list[tuple[int, Observation]]:
        """The oldest observations that are not in the warehouse yet, each with its number.

        What another version wrote and this one can't read is set aside, as if the database refused it.
        """
        rows = self._connection.execute(
            "select number, observation from observation where listener_key = ? and not is_refused order by number limit ?",
            (listener_key, most),
        ).fetchall()
        found, unreadable = [], []
        for number, told in rows:
            try:
                found.append((number, restored(Observation, json.loads(told))))
            except ValueError:
                unreadable.append(number)
        if not unreadable:
            return found
        log.warning("%d observations of another version of the program can't be read; they stay aside", len(unreadable))
        self.set_aside(unreadable)
        return self.waiting(listener_key, most)

    def refused_count(self, listener_key: int) -> int:
        """How many observations the database refuses."""
        [(count,)] = self._connection.execute(
            "select count(*) from observation where listener_key = ? and is_refused", (listener_key,)
        )
        return int(count)

    def spans(self, listener_key: int) -> list[Span]:
        rows = self._connection.execute(
            "select starts_ms, ends_ms from span where listener_key = ? order by starts_ms", (listener_key,)
        ).fetchall()
        return [Span(moment_of(starts_ms), moment_of(ends_ms)) for starts_ms, ends_ms in rows]

    def forget(self, listener_key: int, numbers: Sequence[int], spans: Sequence[Span]) -> None:
        """Remove what the warehouse has by now. The last span stays, because it goes on."""
        with self.writing() as connection:
            connection.executemany("delete from observation where number = ?", [(number,) for number in numbers])
            connection.executemany(
                "delete from span where listener_key = ? and starts_ms = ?",
                [(listener_key, unix_ms(span.starts_at)) for span in spans[:-1]],
            )

    def set_aside(self, numbers: Sequence[int]) -> None:
        """Keep observations that the database refuses, and do not offer them again."""
        with self.writing() as connection:
            connection.executemany(
                "update observation set is_refused = 1 where number = ?", [(number,) for number in numbers]
            )


def connected(path: Path) -> sqlite3.Connection:
    # the last flush runs in a thread of its own, while no other uses the connection
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def count_call(connection: sqlite3.Connection, app: str, day: date) -> None:
    connection.execute("insert into calls values (?, ?, 1) on conflict do update set made = made + 1", (app, str(day)))
    connection.execute("delete from calls where day < date(?, '-7 days')", (str(day),))


def host_name() -> str:
    """The name of this computer, by which a person knows which recorder holds a listener."""
    return socket.gethostname()[:100] or "a computer without a name"


def read_spool(folder: Path) -> dict[str, Any] | None:
    """What 'brapped status' and 'brapped now' show of the spool on this computer; None without one.

    {states: {listener_key: State}, holder_id, waiting: {listener_key: observations}, made: {(app, day): calls}, pauses:
    {app: (until, reason)}, outages: {listener_key: {since, is_long}}}. Changes nothing.
    """
    path = folder / "spool.sqlite"
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise SpoolError(f"The spool {path} can't be read: {error.strerror}. It belongs to another user.") from None
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
    try:
        states = {}
        for key, told in connection.execute("select listener_key, state from state"):
            try:
                states[key] = load(json.loads(told))
            except ValueError:
                continue
        counted = "select listener_key, count(*) from observation where not is_refused group by listener_key"
        waiting = dict(connection.execute(counted).fetchall())
        holder = connection.execute("select value from note where name = 'holder'").fetchone()
        made = {(app, day): count for app, day, count in connection.execute("select app, day, made from calls")}
        pauses = {
            app: (moment_of(ends_ms), reason)
            for app, ends_ms, reason in connection.execute("select app, ends_ms, reason from pause")
        }
        notes = connection.execute("select substr(name, 8), value from note where name like 'outage %'")
        outages = {int(key): json.loads(told) for key, told in notes}
    except sqlite3.Error as error:
        raise SpoolError(f"The spool {path} can't be read ({type(error).__name__}).") from None
    finally:
        connection.close()
    return {
        "states": states,
        "holder_id": holder[0] if holder else None,
        "waiting": waiting,
        "made": made,
        "pauses": pauses,
        "outages": outages,
    }
