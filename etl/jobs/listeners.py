"""The listeners of a warehouse: list them, rename one, delete everything of one."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import Connection

from etl import __version__, limits
from etl.clock import Clock, utc_now
from etl.counts import many
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ListenerError, must_be_their_own
from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.merge import forget_facts, rematch_plays
from etl.warehouse.statements import run, run_all

LONGEST_NAME = 200  # characters, as of --listener of an import


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries what would have gone."""

    def __init__(self, deleted: "Deleted") -> None:
        super().__init__()
        self.deleted = deleted


@dataclass(frozen=True)
class Listed:
    """A listener and how much is recorded of them."""

    listener_key: int
    listener_id: str
    listener_name: str | None
    is_renamed: bool  # the person chose the name
    reported_name: str | None  # of a renamed one: the name that Spotify tells
    created_at: datetime
    play_count: int
    first_played_at: datetime | None
    last_played_at: datetime | None
    is_logged_in: bool

    def __repr__(self) -> str:
        return f"Listed({self.listener_key})"


@dataclass(frozen=True)
class Deleted:
    """The rows that went, or would go, by table."""

    listener: Listed
    row_counts: dict[str, int]
    is_dry_run: bool


def list_listeners(warehouse: Warehouse) -> list[Listed]:
    """All listeners recorded here. Raises WarehouseError."""
    warehouse.must_be_current()
    return warehouse.transaction(lambda connection: listed(connection, None), limits.READING)


def listed(connection: Connection, listener_key: int | None) -> list[Listed]:
    """The listener with this key, or all."""
    return [Listed(*tuple(row)) for row in run(connection, "ops/listeners/listed", listener_key=listener_key)]


def find_one(connection: Connection, name: str, *, is_public: bool) -> Listed:
    """The listener with this id, else the only one with this name.

    Raises ListenerError, which names those whose id or name is like it, unless anybody may read it (`is_public`).
    """
    everybody = listed(connection, None)
    wanted = name.strip().casefold()
    by_id = [one for one in everybody if one.listener_id == name]
    found = by_id or [
        one for one in everybody if wanted in (one.listener_id.casefold(), (one.listener_name or "").casefold())
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise ListenerError("More than one listener has this name; give the id, which 'brapped listener list' shows.")
    names = [known for one in everybody for known in (one.listener_id, one.listener_name) if known]
    must_be_their_own(connection, name)
    near = get_close_matches(name, names, n=3, cutoff=0.6)
    hint = f" Near it: {', '.join(near)}." if near and not is_public else ""
    raise ListenerError(
        f"No listener with this name or id is recorded here.{hint} 'brapped listener list' shows who is."
    )


def rename_listener(
    warehouse: Warehouse, name: str, new_name: str | None, *, dry_run: bool, is_public: bool, clock: Clock = utc_now
) -> tuple[Listed, str | None]:
    """Give a listener a display name that later logins leave as it is; None: the name that Spotify tells again.

    Returns the listener as they were, and the new name. Raises ListenerError and WarehouseError.
    """
    if new_name is not None and not (new_name.strip() and new_name.isprintable() and len(new_name) <= LONGEST_NAME):
        raise ListenerError(f"A name has 1 to {LONGEST_NAME} characters, all of them printable.")
    prepare(warehouse, clock(), dry_run=dry_run)

    def work(connection: Connection) -> tuple[Listed, str | None]:
        lock(connection, LISTENER_LOCK, 0)  # a login may be recording the account's name right now
        one = find_one(connection, name, is_public=is_public)
        others = [other for other in listed(connection, None) if other.listener_key != one.listener_key]
        if new_name is not None and any(
            new_name.casefold() in (other.listener_id.casefold(), (other.listener_name or "").casefold())
            for other in others
        ):
            raise ListenerError("Another listener has this name or id already. Choose one that tells the two apart.")
        if dry_run:
            kept = one.reported_name if one.is_renamed else one.listener_name
            return one, kept if new_name is None else new_name
        [row] = run(connection, "ops/listeners/renamed", listener_key=one.listener_key, listener_name=new_name)
        return one, row.listener_name

    return warehouse.transaction(work, limits.SHORT)


def delete_listener(
    warehouse: Warehouse, name: str, *, dry_run: bool, is_public: bool, clock: Clock = utc_now
) -> Deleted:
    """Delete everything of one listener, in one transaction: plays, observations, logins, imports, spans and gaps.

    With those who were merged into them: their record is part of this one. The catalogue of tracks, albums and artists is everybody's and stays. Raises ListenerError and WarehouseError.
    """
    prepare(warehouse, clock(), dry_run=dry_run)

    def work(connection: Connection) -> Deleted:
        key = find_one(connection, name, is_public=is_public).listener_key
        keys = merged_into(connection, key)
        lock_listeners(connection, [*keys, key])
        one = find_one(connection, name, is_public=is_public)  # anew behind the lock
        if one.listener_key != key or merged_into(connection, key) != keys:
            raise ListenerError("Another run changed who has this name, or merged listeners. Run it again.")
        counts: Counter[str] = Counter()
        leaving = ("matching/01_merge_session", "ops/listeners/leaving")
        run_all(connection, leaving, listener_keys=[*keys, key])
        for each in (*keys, key):
            rows = run(connection, "ops/listeners/deleted", listener_key=each)
            run(connection, "ops/listeners/deleted_one")
            counts.update({row.table_name: int(row.row_count) for row in rows})
        forget_facts(connection)
        rematch_plays(connection, now=clock())
        deleted = Deleted(one, dict(sorted(counts.items())), dry_run)
        if dry_run:
            raise DryRunDone(deleted)
        return deleted

    try:
        return warehouse.transaction(work, limits.REBUILDING)
    except DryRunDone as done:
        return done.deleted


def merged_into(connection: Connection, listener_key: int) -> list[int]:
    """The keys of the listeners who were merged into this one, ascending."""
    return [row.listener_key for row in run(connection, "ops/merges/merged", listener_key=listener_key)]


def prepare(warehouse: Warehouse, now: datetime, *, dry_run: bool) -> None:
    """Bring the schema up to date, or for a dry run check that it is. Raises WarehouseError."""
    if dry_run:
        warehouse.must_be_current()
    else:
        warehouse.migrate(now, __version__, views_may_wait=True, plays_may_wait=True)


def line(deleted: Deleted) -> str:
    """What was deleted, in one line that is safe in any log. Pure."""
    plays = many(deleted.row_counts.get("listening.fact_play", 0), "play")
    observations = many(deleted.row_counts.get("listening.observation", 0), "observation")
    rest = sum(deleted.row_counts.values()) - sum(
        deleted.row_counts.get(name, 0) for name in ("listening.fact_play", "listening.observation")
    )
    text = f"{plays}, {observations} and {many(rest, 'other row')} of a listener"
    if deleted.is_dry_run:
        return f"{text} would be deleted; nothing was changed (dry run)"
    return f"{text} deleted"
