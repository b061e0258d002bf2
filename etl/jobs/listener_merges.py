"""Merge one listener into another, so that their record is one, and take such a merge back.

What was recorded of the merged listener stays under their own key. The other one gets copies of the observations, which
the merge reports as an import reports its rows (docs/decisions/0020); WHAT_BECOMES says what becomes of each table.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from etl import limits
from etl.clock import Clock, utc_now
from etl.counts import duration, many
from etl.jobs.listeners import Listed, find_one, prepare
from etl.jobs.ownership import name_of
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ListenerError
from etl.warehouse.locks import lock_listeners
from etl.warehouse.rebuild import rebuild_listener
from etl.warehouse.statements import run, run_all

COPIED = "copied to the other listener, and taken away from them again"
DERIVED = "derived anew for both"
MOVED = "given to the other listener, and given back"
READ = "stays where it is, and counts for the other listener"
STAYS = "stays where it is, and rests"
# Each table with a listener_key; a test compares it with the catalogue, so that a new table can't be forgotten.
WHAT_BECOMES = {
    "listening.dim_listener": STAYS,
    "listening.exclusion": MOVED,
    "listening.fact_play": DERIVED,
    "listening.observation": COPIED,
    "listening.player_observation": COPIED,
    "ops.api_key": STAYS,
    "ops.app": STAYS,
    "ops.coverage": READ,
    "ops.import_content": STAYS,
    "ops.import_set": STAYS,
    "ops.invitation": STAYS,
    "ops.listener_merge": STAYS,
    "ops.listener_user": READ,
    "ops.login": READ,
    "ops.merged_play": STAYS,
    "ops.rebuild_due": DERIVED,
    "ops.recorder": STAYS,
    "ops.run": STAYS,
    "ops.shared_link": STAYS,
    "ops.told_apart": READ,
    "ops.watermark": STAYS,
    "ops.web_decision": STAYS,
    "ops.web_session": STAYS,
    "ops.web_setting": STAYS,
}
COVERED = ("ops/undo/covered", "coverage/covered_spans", "coverage/gap_parts", "ops/undo/reopened")


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries what would have changed."""

    def __init__(self, changed: "Merged") -> None:
        super().__init__()
        self.changed = changed


@dataclass(frozen=True)
class ListenerMerge:
    """A merge of one listener into another."""

    merge: int  # its number
    listener_key: int
    listener_id: str
    listener_name: str | None
    into_listener_key: int
    into_listener_id: str
    into_listener_name: str | None
    merged_at: datetime
    undone_at: datetime | None

    def __repr__(self) -> str:
        return f"ListenerMerge({self.merge})"


class Side(NamedTuple):
    """What is recorded of a listener, before or after."""

    play_count: int
    hours: float  # listened to, with estimates where no source gives the length
    rule_count: int  # of what reports leave out
    is_logged_in: bool


@dataclass(frozen=True)
class Merged:
    """What a merge, or taking one back, changed, or would change."""

    merge: ListenerMerge
    is_dry_run: bool
    own: Side  # of the merged listener, while apart
    into: Side  # of the other one, while apart
    together: Side

    @property
    def both_count(self) -> int:
        """Plays that both have, which are one in the merged record."""
        return max(self.own.play_count + self.into.play_count - self.together.play_count, 0)


def list_merges(warehouse: Warehouse) -> list[ListenerMerge]:
    """The merges that hold, the latest first. Raises WarehouseError."""
    warehouse.must_be_current()
    rows = warehouse.transaction(lambda connection: run(connection, "ops/merges/known", merge_key=None), limits.READING)
    return [merge_of(row) for row in rows]


def merge_of(row: Row[Any]) -> ListenerMerge:
    """A row of sql/ops/merges/known.sql. Pure."""
    return ListenerMerge(
        row.merge_key,
        row.listener_key,
        row.listener_id,
        row.listener_name,
        row.into_listener_key,
        row.into_listener_id,
        row.into_listener_name,
        row.merged_at,
        row.undone_at,
    )


def merge_listeners(
    warehouse: Warehouse, name: str, into: str, *, dry_run: bool, is_public: bool, clock: Clock = utc_now
) -> Merged:
    """Merge the listener `name` into the listener `into`, in one transaction: ids or names.

    Raises ListenerError, which names others only unless anybody may read it (`is_public`), and WarehouseError.
    """
    prepare(warehouse, clock(), dry_run=dry_run)

    def work(connection: Connection) -> Merged:
        keys = {one.listener_key for one in found(connection, name, into, is_public=is_public)}
        lock_listeners(connection, keys)
        own, other = found(connection, name, into, is_public=is_public)  # anew behind the locks
        if keys != {own.listener_key, other.listener_key}:
            raise ListenerError("Another run changed who has these names. Run it again.")
        must_not_be_watched(connection, own.listener_key, other.listener_key)
        merged = merge(connection, own.listener_key, other.listener_key, clock(), dry_run=dry_run)
        if dry_run:
            raise DryRunDone(merged)
        return merged

    return changed(warehouse, work)


def changed(warehouse: Warehouse, work: Any) -> Merged:
    """Do the work in one transaction; what it changed, or what a dry run would have changed."""
    try:
        result: Merged = warehouse.transaction(work, limits.REBUILDING)
    except DryRunDone as done:
        return done.changed
    return result


def found(connection: Connection, name: str, into: str, *, is_public: bool) -> tuple[Listed, Listed]:
    """The two listeners. Raises ListenerError."""
    own, other = (find_one(connection, one, is_public=is_public) for one in (name, into))
    if own.listener_key == other.listener_key:
        raise ListenerError("Both names are those of one listener, so there is nothing to merge.")
    return own, other


def must_not_be_watched(connection: Connection, *listener_keys: int) -> None:
    """Raises ListenerError while a recorder watches one of these: it writes into the record that it began with."""
    for key in listener_keys:
        [row] = run(connection, "ops/merges/side", listener_key=key)
        if row.watched_since_at is not None:
            raise ListenerError(
                f"A recorder has watched one of the two since {row.watched_since_at:%Y-%m-%d %H:%M} UTC and has not"
                " ended. End it first, and start it again afterwards. If it was killed, start it once and end it, so"
                " that what it has kept is recorded."
            )


def merge(connection: Connection, listener_key: int, into_key: int, now: datetime, *, dry_run: bool) -> Merged:
    """Merge within the transaction; both are locked. Raises WarehouseError."""
    whose = {"listener_key": listener_key, "into_listener_key": into_key, "now": now}
    own, into = side(connection, listener_key), side(connection, into_key)
    [new] = run_all(connection, ("matching/01_merge_session", "ops/merges/added"), **whose)
    given = {**whose, "merge_key": new.merge_key}
    reports = {"content_key": new.import_content_key, "set_key": new.import_set_key}
    run_all(connection, ("ops/merges/observations", "ops/merges/taken_over"), **given, **reports)
    derive(connection, into_key, now)
    [row] = run(connection, "ops/merges/known", merge_key=new.merge_key)
    return Merged(merge_of(row), dry_run, own, into, side(connection, into_key))


def derive(connection: Connection, listener_key: int, now: datetime) -> None:
    """Derive anew what follows from observations: what exports cover, with the gaps that they close, and plays."""
    run_all(connection, COVERED, listener_key=listener_key, found_at=now)
    rebuild_listener(connection, listener_key, now, derives_recordings=False)
    run(connection, "ops/merges/watermarks", into_listener_key=listener_key)


def side(connection: Connection, listener_key: int) -> Side:
    """What is recorded of a listener at this moment."""
    [row] = run(connection, "ops/merges/side", listener_key=listener_key)
    return Side(row.play_count, row.ms_played / 3_600_000, row.rule_count, row.is_logged_in)


def unmerge_listeners(warehouse: Warehouse, number: int, *, dry_run: bool, clock: Clock = utc_now) -> Merged:
    """Take the merge with this number back, in one transaction.

    What came into the other's record since then, by pages, a recorder or imports, stays theirs. Raises ListenerError
    and WarehouseError.
    """
    prepare(warehouse, clock(), dry_run=dry_run)

    def work(connection: Connection) -> Merged:
        row = holding(connection, number)
        lock_listeners(connection, (row.listener_key, row.into_listener_key))
        row = holding(connection, number)  # anew behind the locks
        must_not_be_watched(connection, row.listener_key, row.into_listener_key)
        taken_back = unmerge(connection, row, clock(), dry_run=dry_run)
        if dry_run:
            raise DryRunDone(taken_back)
        return taken_back

    return changed(warehouse, work)


def holding(connection: Connection, number: int) -> Row[Any]:
    """The row of a merge that holds and can be taken back. Raises ListenerError, saying why not and what to do."""
    rows = run(connection, "ops/merges/known", merge_key=number)
    if not rows:
        there = [str(row.merge_key) for row in run(connection, "ops/merges/known", merge_key=None)]
        hint = f"Those that hold: {', '.join(there)}" if there else "None holds"
        raise ListenerError(f"No merge of listeners has the number {number}. {hint}.")
    [row] = rows
    if row.undone_at is not None:
        raise ListenerError(f"Merge {number} was taken back on {row.undone_at:%Y-%m-%d} already.")
    if row.later_merge_key is not None:
        raise ListenerError(
            f"The listener that merge {number} went into was merged into a third one afterwards. Take that back first:"
            f" 'brapped listener unmerge {row.later_merge_key}'."
        )
    return row


def unmerge(connection: Connection, row: Row[Any], now: datetime, *, dry_run: bool) -> Merged:
    """Take a merge back within the transaction; both listeners are locked. Raises WarehouseError."""
    together = side(connection, row.into_listener_key)
    given = {
        "merge_key": row.merge_key,
        "listener_key": row.listener_key,
        "into_listener_key": row.into_listener_key,
        "content_key": row.import_content_key,
        "now": now,
    }
    run_all(connection, ("matching/01_merge_session", "ops/merges/dying"), **given)
    run(connection, "ops/undo/take_back", listener_key=row.into_listener_key, receipt=None, now=now)
    run(connection, "ops/merges/given_back", **given)
    derive(connection, row.into_listener_key, now)
    rebuild_listener(connection, row.listener_key, now, derives_recordings=False)
    run(connection, "ops/merges/watermarks", into_listener_key=row.listener_key)
    [done] = run(connection, "ops/merges/known", merge_key=row.merge_key)
    own, into = side(connection, row.listener_key), side(connection, row.into_listener_key)
    return Merged(merge_of(done), dry_run, own, into, together)


def described(one: Side) -> str:
    """What is recorded of a listener, in a few words. Pure."""
    parts = [many(one.play_count, "play"), duration(round(one.hours * 3_600_000))]
    if one.rule_count:
        parts.append(many(one.rule_count, "rule"))
    if one.is_logged_in:
        parts.append("logged in")
    return ", ".join(parts)


def line(merged: Merged) -> str:
    """What was merged, or taken back, in one line that is safe in any log. Pure."""
    one, other = many(merged.own.play_count, "play"), many(merged.into.play_count, "play")
    if merged.merge.undone_at is None:
        what = "two listeners would be" if merged.is_dry_run else f"merge {merged.merge.merge}: two listeners are"
        text = f"{what} one: {one} and {other} are {many(merged.together.play_count, 'play')}"
        text += f", because both have {merged.both_count:,}" if merged.both_count else ""
    else:
        what = "would be" if merged.is_dry_run else "was"
        text = f"merge {merged.merge.merge} {what} taken back: {one} of the one, {other} of the other"
    return f"{text}; nothing was changed (dry run)" if merged.is_dry_run else text


def own_name(merge: ListenerMerge) -> str:
    """How the merged listener is named to the person. Pure."""
    return name_of(merge.listener_id, merge.listener_name)


def into_name(merge: ListenerMerge) -> str:
    """How the listener into whose record they were merged is named to the person. Pure."""
    return name_of(merge.into_listener_id, merge.into_listener_name)
