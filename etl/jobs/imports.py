"""The import job: a person's exports → plays, and a receipt that accounts for every row."""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from sqlalchemy import Connection, Row, text

from etl import __version__, limits
from etl.clock import Clock, utc_now
from etl.jobs.ownership import sentence, warnings, whose_record
from etl.jobs.receipts import FileReceipt, Receipt, names_of
from etl.jobs.run import Run
from etl.settings import Settings
from etl.sources.exports.reader import Unreadable, read_exports
from etl.staging import DETAIL_COLUMNS, Part
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ME, ListenerError, recorded
from etl.warehouse.load import copy
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.merge import merge_catalogue, merge_linked, merge_plays
from etl.warehouse.schema import migrate_within
from etl.warehouse.statements import run
from etl.warehouse.time_zones import settle

log = logging.getLogger(__name__)

LONGEST_NAME = 200  # of a listener whom a person names; Spotify's ids are shorter
LARGE = 5_000  # plays after which the planner knows too little of what there is
CATALOGUE = ("staging_artist", "staging_album", "staging_track", "staging_track_artist")

Progress = Callable[[int, int], None]
Say = Callable[[str], None]
Item = TypeVar("Item")


class DryRunDone(Exception):
    """Carries the receipt out of a transaction that is to leave nothing behind."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self.receipt = receipt


def import_exports(
    settings: Settings,
    warehouse: Warehouse,
    paths: Sequence[Path],
    *,
    listener: str | None = None,
    without_private: bool = False,
    dry_run: bool = False,
    clock: Clock = utc_now,
    progress: Progress = lambda done, total: None,
    say: Say = lambda sentence: None,
) -> Receipt:
    """Reads every history in `paths` and merges it, in one transaction: it is all there afterwards, or nothing is.

    Asks nothing of Spotify. `listener`: the id or name of whose export it is; a new one where nobody has it; by default the one
    listener who is recorded here; `say` is told into whose record it goes before anything is read. Raises ExportError, ListenerError and WarehouseError.
    """
    return import_parts(
        settings,
        warehouse,
        lambda now: read_exports(paths, without_private=without_private, now=now, progress=progress),
        listener=listener,
        dry_run=dry_run,
        clock=clock,
        say=say,
    )


def import_parts(
    settings: Settings,
    warehouse: Warehouse,
    read: Callable[[datetime], Iterator[Part | Unreadable]],
    *,
    listener: str | None,
    dry_run: bool,
    clock: Clock,
    say: Say = lambda sentence: None,
) -> Receipt:
    """The same for whatever `read` reads; it is told what time it is, and may be called again."""
    if not dry_run:
        warehouse.migrate(clock(), __version__, views_may_wait=True)

    def work(connection: Connection) -> Receipt:
        this_run = Run("import", clock())
        if dry_run:
            migrate_within(connection, this_run.started_at, __version__)
        this_run.listener_key, is_new = listener_of(connection, settings, listener, this_run.started_at)
        record_of = whose_record(connection, this_run.listener_key)
        say(sentence(record_of))
        parts = staged(connection, read(this_run.started_at))
        merge_catalogue(connection)
        # TIME_ZONE is of whoever the settings are of.
        warning = settle(connection, this_run.listener_key, settings.time_zone if listener is None else None)
        if warning is not None:
            log.warning("%s", warning)
        merge_plays(connection, listener_key=this_run.listener_key, now=this_run.started_at)
        counts = iter(run(connection, "matching/70_receipt"))
        files = tuple(file_receipt(part, counts) for part in parts)
        owners = [part.owner for part in parts if isinstance(part, Part)]
        is_known = any(file.known_count for file in files)
        warned = warnings(connection, record_of, owners, is_known=is_known)
        packages = [part.package for part in parts if isinstance(part, Part)]
        whose = {"listener_key": this_run.listener_key, "found_at": this_run.started_at}
        run(connection, "coverage/covered_by_exports", **whose, packages=packages)
        merge_linked(connection, now=this_run.started_at, but_not=this_run.listener_key)
        receipt = Receipt(files, is_new, dry_run, record_of, warned, notes_of(parts, files))
        if dry_run:
            raise DryRunDone(receipt)
        record(connection, this_run, receipt, clock())
        if receipt.total.new_count >= LARGE:
            run(connection, "ops/runs/statistics")
        return receipt

    try:
        return warehouse.transaction(work, limits.IMPORTING)
    except DryRunDone as done:
        return done.receipt


def staged(connection: Connection, read: Iterator[Part | Unreadable]) -> list[Part | Unreadable]:
    """Stages every file, the next one being read meanwhile; what is left to say of each."""
    for name in (*CATALOGUE, "staging_play"):
        run(connection, f"staging/{name}")
    parts: list[Part | Unreadable] = []
    numbers: dict[tuple[Any, ...], int] = {}
    for part in ahead(read):
        if isinstance(part, Part):
            for name in CATALOGUE:
                copy(connection, name, part.tables.pop(name))
            plays, details = with_details_apart(part.tables.pop("staging_play"), numbers)
            copy(connection, "staging_play", plays)
            copy(connection, "staging_play_detail", details)
        parts.append(part)
    for name in CATALOGUE:  # the plays are read once, from end to end
        connection.execute(text(f"analyze {name}"))
    return parts


def with_details_apart(plays: pd.DataFrame, numbers: dict[tuple[Any, ...], int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The plays, each with the number of its details instead of them; and the details not in `numbers` before, which get one."""
    told = list(zip(*(plays[name].tolist() for name in DETAIL_COLUMNS), strict=True))
    known = len(numbers)
    detail_numbers = [numbers.setdefault(one, len(numbers)) for one in told]
    new = [(number, *one) for one, number in list(numbers.items())[known:]]
    plays = plays.drop(columns=list(DETAIL_COLUMNS)).assign(detail_number=pd.Series(detail_numbers, dtype=object))
    return plays, pd.DataFrame(new, columns=["detail_number", *DETAIL_COLUMNS], dtype=object)


def ahead(parts: Iterator[Item]) -> Iterator[Item]:
    """The same, each made while the one before is being used. Without the garbage collector, which would walk through millions of
    rows again and again and find nothing."""
    gc.disable()
    try:
        with ThreadPoolExecutor(max_workers=1) as reader:
            coming = reader.submit(next, parts, None)
            while (part := coming.result()) is not None:
                coming = reader.submit(next, parts, None)
                yield part
    finally:
        gc.enable()


def listener_of(connection: Connection, settings: Settings, listener: str | None, now: datetime) -> tuple[int, bool]:
    """The key of whose export this is, and whether they are new here."""
    if listener is not None and not listener.strip():
        raise ListenerError("--listener names nobody. Leave it out, or give an id or a name.")
    known = recorded(connection, listener, is_public=settings.github_actions)
    if not known:
        lock(connection, LISTENER_LOCK, 0)  # a first run of plays may be making the same one right now
        known = recorded(connection, listener, is_public=settings.github_actions)
    if known:
        key = int(known[0].listener_key)
        return key, False
    if listener is not None and not (listener.isprintable() and len(listener) <= LONGEST_NAME):
        raise ListenerError(
            f"A new listener's name has at most {LONGEST_NAME} characters, and none that a terminal does not print."
        )
    [made] = run(
        connection,
        "dimensions/listener",
        listener_id=ME if listener is None else listener,
        stand_ins=[],
        listener_name=None,
        time_zone=settings.time_zone,
        created_at=now,
    )
    return int(made.listener_key), True


def file_receipt(part: Part | Unreadable, counts: Iterator[Row[Any]]) -> FileReceipt:
    """`counts`: what the merge says of the files that had rows, in their order."""
    if isinstance(part, Unreadable):
        return FileReceipt("", part.name, None, unreadable_reason=part.reason)
    told = {}
    if part.row_count > part.malformed_count + part.private_count:
        row = next(counts)
        told = {name: getattr(row, name) for name in ("new_count", "known_count", "merged_count", "duplicate_count")}
    return FileReceipt(
        part.package,
        part.name,
        part.kind,
        row_count=part.row_count,
        **told,
        malformed_count=part.malformed_count,
        private_count=part.private_count,
        podcast_count=part.podcast_count,
        unnamed_count=part.unnamed_count,
        malformed=tuple(map(str, part.malformed)),
    )


def notes_of(parts: list[Part | Unreadable], files: tuple[FileReceipt, ...]) -> tuple[str, ...]:
    """What was read in another way than it stands in a file, with the name of the file."""
    names = names_of(files)
    both = zip(parts, files, strict=True)
    return tuple(f"{names[file]}: {note}" for part, file in both if isinstance(part, Part) for note in part.notes)


def record(connection: Connection, this_run: Run, receipt: Receipt, finished_at: datetime) -> None:
    """Keeps the receipt, in ops.run and ops.import_file."""
    total = receipt.total
    outcome = "done" if any(file.source for file in receipt.files) else "failed"
    run_key = this_run.record(connection, outcome, finished_at, total.row_count, total.new_count + total.merged_count)
    for file in receipt.files:
        told = asdict(file)
        del told["malformed"]
        run(connection, "ops/runs/import_file", run_key=run_key, **told)
