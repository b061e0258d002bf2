"""The import job: merge a listener's exports into the warehouse, and return a receipt that accounts for every row."""

import gc
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, text

from etl import __version__, limits
from etl.clock import Clock, utc_now
from etl.jobs.import_contents import contents_of, imports_seen, lock_as_seen, note_files, note_reported
from etl.jobs.ownership import load_record_owner, sentence, warnings
from etl.jobs.receipts import FileReceipt, Receipt, names_of
from etl.jobs.run import Run
from etl.settings import Settings
from etl.sources.exports.archives import Unreadable
from etl.sources.exports.earlier import EarlierFile, EarlierImports, KnownFile
from etl.sources.exports.packages import HistoryReader, read_packages
from etl.staging import DETAIL_COLUMNS, Part, Table
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ME, ListenerError, recorded_listeners
from etl.warehouse.load import copy
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.merge import merge_catalogue, merge_plays, rematch_plays
from etl.warehouse.schema import migrate_within
from etl.warehouse.statements import run, run_all
from etl.warehouse.time_zones import update_time_zone

log = logging.getLogger(__name__)

LONGEST_NAME = 200  # characters of --listener; Spotify's ids are shorter
LARGE = 5_000  # new plays after which the planner's statistics are too old
CATALOGUE = ("staging_artist", "staging_album", "staging_track", "staging_track_artist")

Progress = Callable[[int, int], None]
Notify = Callable[[str], None]
Read = Part | Unreadable | KnownFile
Item = TypeVar("Item")


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries its receipt."""

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
    again: bool = False,
    dry_run: bool = False,
    asks: bool = False,
    clock: Clock = utc_now,
    progress: Progress = lambda done, total: None,
    notify: Notify = lambda sentence: None,
) -> Receipt:
    """Read every listening history in `paths` and merge it, in one transaction: all of it or nothing.

    Sends nothing to Spotify. `listener`: the id or name of the listener whose export it is, created if nobody has it;
    None: the only listener recorded here. A file that an earlier import of this listener has read by the same rules is
    known by its hash and not read; `again`: read it all the same. `notify` receives a sentence that names the listener,
    before anything is read. `progress` receives bytes done and bytes in all. `asks`: raise Unconfirmed, and import
    nothing, when the export seems to be somebody else's. Raises ExportError, ListenerError and WarehouseError, too.
    """
    return import_parts(
        settings,
        warehouse,
        lambda now, earlier, sources: read_packages(
            paths,
            partial(make_reader, sources=sources),
            without_private=without_private,
            now=now,
            earlier=earlier,
            progress=progress,
        ),
        listener=listener,
        again=again,
        dry_run=dry_run,
        asks=asks,
        clock=clock,
        notify=notify,
    )


def make_reader(latest: datetime, *, without_private: bool, sources: Mapping[str, bool]) -> HistoryReader:
    """Imported when there is something to read, because it takes numpy."""
    from etl.sources.services.reader import HistoryReader as Reader

    return Reader(latest, without_private=without_private, sources=sources)


def import_parts(
    settings: Settings,
    warehouse: Warehouse,
    read: Callable[[datetime, EarlierImports, Mapping[str, bool]], Iterator[Read]],
    *,
    listener: str | None,
    dry_run: bool,
    again: bool = True,
    asks: bool = False,
    clock: Clock,
    notify: Notify = lambda sentence: None,
) -> Receipt:
    """Merge the parts that `read` yields.

    `read` is called with the present time, what earlier imports have read (nothing if `again`), and whether each source
    gives milliseconds; and once more when the transaction is retried. The other parameters are those of import_exports(). Raises ListenerError and
    WarehouseError, and what `read` raises.
    """
    if not dry_run:
        warehouse.migrate(clock(), __version__, views_may_wait=True)

    def work(connection: Connection) -> Receipt:
        this_run = Run("import", clock())
        if dry_run:
            migrate_within(connection, this_run.started_at, __version__)
        this_run.listener_key, is_new = find_or_create_listener(connection, settings, listener, this_run.started_at)
        owner = load_record_owner(connection, this_run.listener_key)
        notify(sentence(owner))
        seen = imports_seen(connection, this_run.listener_key)
        earlier = EarlierImports() if again else earlier_imports(connection, this_run.listener_key)
        sources = {row.source_name: row.gives_ms for row in run(connection, "dimensions/sources")}
        parts = stage_files(connection, read(this_run.started_at, earlier, sources))
        is_read = any(isinstance(part, Part) for part in parts)
        if is_read:
            contents = contents_of(connection, this_run.listener_key, [one for one in parts if isinstance(one, Part)])
            merge_catalogue(connection, content_keys=[one.import_content_key for one in contents])
        lock_as_seen(connection, this_run.listener_key, seen)
        # TIME_ZONE is that of the person whose settings these are.
        warning = update_time_zone(connection, this_run.listener_key, settings.time_zone if listener is None else None)
        if warning is not None:
            log.warning("%s", warning)
        if is_read:
            merge_plays(
                connection,
                listener_key=this_run.listener_key,
                now=this_run.started_at,
                import_sets=[one.import_set_key for one in contents],
            )
            note_reported(connection, this_run.listener_key, contents)
        counts = iter(run(connection, "matching/70_receipt") if is_read else ())
        files = tuple(file_receipt(part, counts) for part in parts)
        marks = [part.owner for part in parts if not isinstance(part, Unreadable)]
        is_first = is_read and not any(file.known_count for file in files)
        import_warnings = warnings(connection, owner, marks, is_first=is_first, asks=asks)
        packages = [part.package for part in parts if isinstance(part, Part)]
        run_all(
            connection,
            ("coverage/covered_by_exports", "coverage/covered_spans", "coverage/gap_parts"),
            listener_key=this_run.listener_key,
            found_at=this_run.started_at,
            packages=packages,
        )
        if is_read:
            rematch_plays(connection, now=this_run.started_at, but_not=this_run.listener_key)
        unchanged_count = sum(isinstance(part, KnownFile) for part in parts)
        receipt = Receipt(files, is_new, dry_run, owner, import_warnings, notes_of(parts, files), unchanged_count)
        if dry_run:
            raise DryRunDone(receipt)
        receipt = replace(receipt, number=record_receipt(connection, this_run, receipt, parts, clock()))
        if receipt.total.new_count >= LARGE:
            run(connection, "ops/runs/statistics")
        return receipt

    try:
        return warehouse.transaction(work, limits.IMPORTING)
    except DryRunDone as done:
        return done.receipt


def earlier_imports(connection: Connection, listener_key: int) -> EarlierImports:
    """What earlier imports of a listener have read, from their receipts."""
    rows = run(connection, "ops/runs/imported_files", listener_key=listener_key)
    return EarlierImports(EarlierFile(*tuple(row)) for row in rows)


def stage_files(connection: Connection, read: Iterator[Read]) -> list[Read]:
    """Copy every part into the staging tables while the next one is read.

    Returns the parts without their tables. Raises what `read` raises, and WarehouseError.
    """
    run_all(connection, [f"staging/{name}" for name in (*CATALOGUE, "staging_play")])
    parts: list[Read] = []
    numbers: dict[tuple[Any, ...], int] = {}
    for part in prefetch(read):
        if isinstance(part, Part):
            for name in CATALOGUE:
                copy(connection, name, part.tables.pop(name))
            plays, details = split_details(part.tables.pop("staging_play"), numbers)
            copy(connection, "staging_play", plays)
            copy(connection, "staging_play_detail", details)
        parts.append(part)
    if numbers:
        connection.execute(text(f"analyze {', '.join(CATALOGUE)}"))  # the plays are scanned once: no statistics
    return parts


def split_details(plays: Table, numbers: dict[tuple[Any, ...], int]) -> tuple[Table, Table]:
    """Replace the detail columns of the plays by the number of their combination.

    `numbers` maps the combinations seen so far to their numbers, and is extended. Returns the plays with
    `detail_number`, and the new combinations with theirs.
    """
    combinations = list(zip(*(plays[name] for name in DETAIL_COLUMNS), strict=True))
    known = len(numbers)
    detail_numbers = [numbers.setdefault(one, len(numbers)) for one in combinations]
    new = [(number, *one) for one, number in list(numbers.items())[known:]]
    kept = {name: list(plays[name]) for name in plays.columns if name not in DETAIL_COLUMNS}
    columns = ("detail_number", *DETAIL_COLUMNS)
    details = Table.of((dict(zip(columns, one, strict=True)) for one in new), columns)
    return Table({**kept, "detail_number": detail_numbers}), details


def prefetch(parts: Iterator[Item]) -> Iterator[Item]:
    """Yield the same parts, each produced in a thread while the one before is used.

    The garbage collector is off meanwhile: it would walk through millions of rows again and again and find nothing.
    """
    gc.disable()
    try:
        with ThreadPoolExecutor(max_workers=1) as reader:
            coming = reader.submit(next, parts, None)
            while (part := coming.result()) is not None:
                coming = reader.submit(next, parts, None)
                yield part
    finally:
        gc.enable()


def find_or_create_listener(
    connection: Connection, settings: Settings, listener: str | None, now: datetime
) -> tuple[int, bool]:
    """The key of the listener whose export this is, and whether they were created. Raises ListenerError."""
    if listener is not None and not listener.strip():
        raise ListenerError("--listener is empty. Leave it out, or give an id or a name.")
    known = recorded_listeners(connection, listener, is_public=settings.github_actions)
    if not known:
        lock(connection, LISTENER_LOCK, 0)  # a first run of plays may be creating the same one right now
        known = recorded_listeners(connection, listener, is_public=settings.github_actions)
    if known:
        return int(known[0].listener_key), False
    if listener is not None and not (listener.isprintable() and len(listener) <= LONGEST_NAME):
        raise ListenerError(
            f"The name of a new listener may have at most {LONGEST_NAME} characters, all of them printable."
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


def file_receipt(part: Read, counts: Iterator[Row[Any]]) -> FileReceipt:
    """The receipt of one file. `counts`: the merge's counts of the files that had rows, in their order."""
    if isinstance(part, Unreadable):
        return FileReceipt("", part.name, None, unreadable_reason=part.reason)
    if isinstance(part, KnownFile):
        return FileReceipt(
            part.package,
            part.name,
            part.earlier.kind,
            row_count=part.earlier.row_count,
            known_count=part.earlier.row_count - part.earlier.duplicate_count - part.earlier.private_count,
            duplicate_count=part.earlier.duplicate_count,
            private_count=part.earlier.private_count,
            podcast_count=part.earlier.podcast_count,
            unnamed_count=part.earlier.unnamed_count,
        )
    merged = {}
    if part.row_count > part.malformed_count + part.private_count:
        row = next(counts)
        merged = {name: getattr(row, name) for name in ("new_count", "known_count", "merged_count", "duplicate_count")}
    return FileReceipt(
        part.package,
        part.name,
        part.kind,
        row_count=part.row_count,
        **merged,
        malformed_count=part.malformed_count,
        private_count=part.private_count,
        podcast_count=part.podcast_count,
        unnamed_count=part.unnamed_count,
        malformed=tuple(map(str, part.malformed)),
    )


def notes_of(parts: list[Read], files: tuple[FileReceipt, ...]) -> tuple[str, ...]:
    """The notes of all parts, each with the name of its file."""
    names = names_of(files)
    both = zip(parts, files, strict=True)
    return tuple(f"{names[file]}: {note}" for part, file in both if isinstance(part, Part) for note in part.notes)


def record_receipt(
    connection: Connection, this_run: Run, receipt: Receipt, parts: list[Read], finished_at: datetime
) -> int:
    """Write the receipt to ops.run (its number) and ops.import_file, with each file's hash, and rules if it was read."""
    total = receipt.total
    outcome = "done" if any(file.source for file in receipt.files) else "failed"
    run_key = this_run.record(connection, outcome, finished_at, total.row_count, total.new_count + total.merged_count)
    files = [
        {
            **asdict(file),
            "content_hash": None if isinstance(part, Unreadable) else part.content_hash,
            "rules": part.rules if isinstance(part, Part) else None,
        }
        for file, part in zip(receipt.files, parts, strict=True)
    ]
    run(connection, "ops/runs/import_file", run_key=run_key, files=json.dumps(files))
    note_files(connection, run_key, parts)
    return run_key
