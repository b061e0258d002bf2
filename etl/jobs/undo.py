"""The undo job: take an import back, so that the record is as if it had never been, and list the imports there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from etl import __version__, limits
from etl.clock import Clock, utc_now
from etl.counts import many
from etl.jobs.ownership import name_of
from etl.jobs.run import Run
from etl.warehouse.connection import Warehouse
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.merge import forget_facts, rematch_plays
from etl.warehouse.rebuild import rebuild_listener
from etl.warehouse.statements import run, run_all

NUMBERS = range(1, 2**63)  # of ops.run


class UndoError(Exception):
    """An import can't be taken back, and why."""


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries what would have gone."""

    def __init__(self, undone: "Undone") -> None:
        super().__init__()
        self.undone = undone


@dataclass(frozen=True)
class ImportReceipt:
    """An import that was recorded."""

    receipt: int  # its number
    started_at: datetime
    listener_id: str
    listener_name: str | None
    file_names: tuple[str, ...]
    row_count: int
    new_count: int  # plays that no source had reported before
    undone_at: datetime | None
    can_be_undone: bool

    def __repr__(self) -> str:
        return f"ImportReceipt({self.receipt})"


@dataclass(frozen=True)
class Undone:
    """What taking an import back changed, or would change."""

    receipt: ImportReceipt
    is_dry_run: bool
    gone_count: int  # observations that only this import reported
    kept_count: int  # observations that other imports report, too
    unsure_count: int  # of these: that only an import of before contents were kept may report, too
    removed_count: int  # plays that nothing else reports
    staying_count: int  # plays that other observations report


def list_receipts(warehouse: Warehouse, listener_key: int | None = None) -> list[ImportReceipt]:
    """The imports recorded here, the latest first; with a key, only this listener's. Raises WarehouseError."""
    warehouse.must_be_current()
    rows = warehouse.transaction(
        lambda connection: run(connection, "ops/undo/receipts", receipt=None, listener_key=listener_key),
        limits.READING,
    )
    return [receipt_of(row) for row in rows]


def receipt_of(row: Row[Any]) -> ImportReceipt:
    """A row of sql/ops/undo/receipts.sql as a receipt. Pure."""
    return ImportReceipt(
        row.receipt,
        row.started_at,
        row.listener_id,
        row.listener_name,
        tuple(row.file_names),
        row.row_count,
        row.new_count,
        row.undone_at,
        can_be_undone=row.undone_at is None
        and row.file_count == row.content_count
        and not row.has_tables
        and row.merge_key is None,
    )


def undo_import(
    warehouse: Warehouse, receipt: int, *, dry_run: bool, listener_key: int | None = None, clock: Clock = utc_now
) -> Undone:
    """Take the import with this number back, in one transaction: all of it or nothing.

    Observations that only this import reports go, and the plays of its listener are derived anew, with the spans that
    the exports cover and the gaps. The receipt stays, marked. `listener_key`: only an import of this listener has
    numbers; None: everybody's. Raises UndoError and WarehouseError.
    """
    if dry_run:
        warehouse.must_be_current()
    else:
        warehouse.migrate(clock(), __version__, views_may_wait=True)

    def work(connection: Connection) -> Undone:
        this_run = Run("undo", clock(), listener_key=found(connection, receipt, listener_key).listener_key)
        assert this_run.listener_key is not None
        lock(connection, LISTENER_LOCK, this_run.listener_key)
        row = found(connection, receipt, listener_key)  # anew behind the lock: another run may have taken it back
        must_be_undoable(row)
        undone = take_back(connection, row, this_run.started_at, dry_run=dry_run)
        if dry_run:
            raise DryRunDone(undone)
        this_run.record(connection, "done", clock(), undone.gone_count, undone.removed_count)
        return undone

    try:
        return warehouse.transaction(work, limits.REBUILDING)
    except DryRunDone as done:
        return done.undone


def found(connection: Connection, receipt: int, listener_key: int | None = None) -> Row[Any]:
    """The row of the receipt with this number; with a key, of this listener. Raises UndoError."""
    whose = {"listener_key": listener_key}
    rows = run(connection, "ops/undo/receipts", receipt=receipt, **whose) if receipt in NUMBERS else []
    if not rows:
        near = [str(row.receipt) for row in run(connection, "ops/undo/receipts", receipt=None, **whose)[:5]]
        there = f"The latest are {', '.join(near)}" if near else "Nothing was imported yet"
        raise UndoError(f"No import has the number {receipt}. {there}; 'brapped import --receipts' lists all.")
    return rows[0]


def must_be_undoable(row: Row[Any]) -> None:
    """Raises UndoError, saying why and what to do, if the import can't be taken back."""
    if row.undone_at is not None:
        raise UndoError(
            f"Import {row.receipt} was taken back on {row.undone_at:%Y-%m-%d} already. To have it again, import its"
            " files again."
        )
    if row.merge_key is not None:
        raise UndoError(
            f"Import {row.receipt} went into the record of a listener who was merged into another one. Take the merge"
            f" back first ('brapped listener unmerge {row.merge_key}'), then this import."
        )
    if row.has_tables:
        raise UndoError(
            f"Import {row.receipt} read the tables of an older project, which can't be told from what came after. To"
            " take it back, restore a backup from before it."
        )
    if row.file_count != row.content_count:
        raise UndoError(
            f"Import {row.receipt} is from before Brapped kept which import reports which row. Import its files again"
            " with --again: that adds no play, and then the new import can be undone in its place."
        )


def take_back(connection: Connection, row: Row[Any], now: datetime, *, dry_run: bool) -> Undone:
    """Take a receipt back within the transaction; its listener is locked. Raises WarehouseError."""
    given = {"listener_key": row.listener_key, "receipt": row.receipt, "now": now, "found_at": now}
    [gone] = run_all(connection, ("matching/01_merge_session", "ops/undo/dying", "ops/undo/take_back"), **given)
    run_all(
        connection, ("ops/undo/covered", "coverage/covered_spans", "coverage/gap_parts", "ops/undo/reopened"), **given
    )
    forget_facts(connection)
    removed_count = 0
    if gone.gone_count:
        removed_count = rebuild_listener(connection, row.listener_key, now, derives_recordings=False).removed_count
    rematch_plays(connection, now=now, but_not=row.listener_key if gone.gone_count else None)
    return Undone(
        receipt_of(row),
        dry_run,
        gone.gone_count,
        gone.kept_count,
        gone.unsure_count,
        removed_count,
        max(gone.play_count - removed_count, 0),
    )


def line(undone: Undone) -> str:
    """What was taken back, in one line that is safe in any log. Pure."""
    text = (
        f"import {undone.receipt.receipt} {'would be' if undone.is_dry_run else 'was'} taken back:"
        f" {many(undone.gone_count, 'observation')} and {many(undone.removed_count, 'play')} of it only;"
        f" {many(undone.staying_count, 'play')} that others report stay"
    )
    if undone.kept_count:
        text += f", {many(undone.kept_count, 'observation')} of other imports too stay"
    if undone.unsure_count:
        text += (
            f" ({undone.unsure_count:,} of these may be of an import from before Brapped kept which import reports which"
            " row; import its files again with --again to be sure)"
        )
    return f"{text}; nothing was changed (dry run)" if undone.is_dry_run else text


def whose(receipt: ImportReceipt) -> str:
    """How the listener of a receipt is named to the person. Pure."""
    return name_of(receipt.listener_id, receipt.listener_name)
