"""From the spool into the warehouse: one transaction a batch, which can be repeated without changing anything."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from etl import __version__
from etl.jobs.recorder.habits import zone_of
from etl.jobs.recorder.spool import Span, Spool
from etl.jobs.run import Run
from etl.settings import Settings
from etl.sources.player.observation import Observation, observation_tables
from etl.staging import Table
from etl.warehouse.connection import Warehouse
from etl.warehouse.load import copy, stage
from etl.warehouse.merge import merge_catalogue, merge_plays, rematch_plays
from etl.warehouse.pauses import note_pause
from etl.warehouse.quarantine import unsavable_items
from etl.warehouse.statements import run, run_all
from etl.warehouse.time_zones import update_time_zone

log = logging.getLogger(__name__)

MOST = 2_000  # observations in one transaction: some five weeks of music
PAUSE_SCOPE = "player"
MEASURED = (
    "item_number",
    "start_basis",
    "end_basis",
    "start_within_ms",
    "end_within_ms",
    "ms_within",
    "progress_ms",
    "pause_count",
    "seek_count",
    "device_change_count",
    "is_complete",
    "is_smart_shuffle",
    "repeat_mode",
)


Waiting = tuple[int, Observation]  # its number in the spool


class AnotherRecorder(Exception):
    """Another recorder watches this listener. The message names its computer, and says what to do."""


@dataclass(frozen=True)
class Mark:
    """What the warehouse is told of a recorder with each flush."""

    holder_id: str
    answered_at: datetime | None
    call_count: int
    refused_count: int
    is_last: bool = False
    paused: tuple[datetime, str | None] | None = None  # until when Spotify wants no question, and why


def flush(warehouse: Warehouse, settings: Settings, spool: Spool, listener_key: int, mark: Mark, now: datetime) -> int:
    """Write what the spool holds of a listener to the warehouse, and forget it; the number of new plays.

    Raises WarehouseError: then the spool still holds what is not written. Raises AnotherRecorder after all is written.
    """
    new_count = 0
    warehouse.migrate(now, __version__, views_may_wait=True)
    while True:
        batch = spool.waiting(listener_key, MOST)
        spans = spool.spans(listener_key)
        is_held, added, refused = write(warehouse, settings, listener_key, batch, spans, mark, now)
        new_count += added
        spool.set_aside(refused)
        spool.forget(listener_key, [number for number, _ in batch if number not in refused], spans)
        if len(batch) < MOST:
            break
    if not is_held:
        raise AnotherRecorder(
            f"{holder_of(warehouse, listener_key)} has taken over listener {listener_key}. What was heard here is"
            " written; this one no longer asks about them."
        )
    return new_count


def write(
    warehouse: Warehouse,
    settings: Settings,
    listener_key: int,
    batch: Sequence[Waiting],
    spans: Sequence[Span],
    mark: Mark,
    now: datetime,
) -> tuple[bool, int, list[int]]:
    """Write a batch without what the database refuses.

    Returns whether this recorder still watches the listener, the number of new plays, and the numbers of what was
    refused. Raises WarehouseError.
    """
    added: list[int] = []
    held: list[bool] = []

    def work(some: Sequence[Waiting]) -> None:
        is_held, new_count = warehouse.transaction(
            lambda connection: save(connection, settings, listener_key, [one for _, one in some], spans, mark, now)
        )
        held.append(is_held)
        added.append(new_count)

    refused = [number for number, _ in unsavable_items(batch, work)] if batch else []
    if not held:
        work([])
    if refused:
        log.warning("%d of %d observations can't be recorded; they stay in the spool", len(refused), len(batch))
    return held[-1], sum(added), refused


def save(
    connection: Connection,
    settings: Settings,
    listener_key: int,
    observations: Sequence[Observation],
    spans: Sequence[Span],
    mark: Mark,
    now: datetime,
) -> tuple[bool, int]:
    """Merge observations and spans in this transaction; whether the recorder still watches, and the new plays."""
    this_run = Run("record", now, listener_key)
    new_count = 0
    if observations:
        tables, details = observation_tables(observations, now)
        stage(connection, tables)
        copy(connection, "staging_play_detail", details)
        run(connection, "staging/staging_player")
        copy(connection, "staging_player", measured(observations))
        merge_catalogue(connection)
        update_time_zone(connection, listener_key, settings.time_zone if settings.spotify_refresh_token else None)
        new_count = merge_plays(connection, listener_key=listener_key, now=now)
        run(connection, "matching/72_player_observation", listener_key=listener_key)
    if spans:
        run(
            connection,
            "coverage/watched",
            listener_key=listener_key,
            starts_at=[span.starts_at for span in spans],
            ends_at=[span.ends_at for span in spans],
            now=now,
        )
    if observations:
        rematch_plays(connection, now=now, but_not=listener_key)
    if mark.paused is not None:
        note_pause(connection, PAUSE_SCOPE, *mark.paused, now)
    this_run.record(connection, "done", now, len(observations), new_count)
    held = run(
        connection,
        "ops/recorder/flushed",
        listener_key=listener_key,
        holder_id=mark.holder_id,
        now=now,
        answered_at=mark.answered_at,
        call_count=mark.call_count,
        call_date=now.date(),
        refused_count=mark.refused_count,
        is_last=mark.is_last,
    )
    return bool(held), new_count


def measured(observations: Sequence[Observation]) -> Table:
    """The rows of staging_player, in the order of the observations."""
    return Table.of(
        (
            {
                "item_number": number,
                "start_basis": one.start_basis,
                "end_basis": one.end_basis,
                "start_within_ms": one.start_within_ms,
                "end_within_ms": one.end_within_ms,
                "ms_within": one.ms_within,
                "progress_ms": one.progress_ms,
                "pause_count": min(one.pause_count, 32_767),
                "seek_count": min(one.seek_count, 32_767),
                "device_change_count": min(one.device_change_count, 32_767),
                "is_complete": one.is_complete,
                "is_smart_shuffle": one.is_smart_shuffle,
                "repeat_mode": one.repeat,
            }
            for number, one in enumerate(observations)
        ),
        MEASURED,
    )


class Held(Exception):
    """Another recorder holds this listener; ends the transaction."""

    def __init__(self, listener_key: int) -> None:
        super().__init__(listener_key)
        self.listener_key = listener_key


def claim(
    warehouse: Warehouse,
    listener_keys: Iterable[int],
    holder_id: str,
    host_name: str,
    now: datetime,
    *,
    is_takeover: bool,
) -> None:
    """Claim listeners for this recorder: all of them or none. Raises AnotherRecorder if one elsewhere watches any."""

    def work(connection: Connection) -> None:
        for listener_key in sorted(listener_keys):
            run_all(
                connection,
                ("ops/recorder/claim",),
                listener_key=listener_key,
                holder_id=holder_id,
                host_name=host_name,
                now=now,
                is_takeover=is_takeover,
            )
            [held] = run(connection, "ops/recorder/holder", listener_key=listener_key)
            if str(held.holder_id) != holder_id:
                raise Held(listener_key)

    try:
        warehouse.transaction(work)
    except Held as held:
        raise AnotherRecorder(sentence_about_holder(warehouse, held.listener_key)) from None


def release(warehouse: Warehouse, holder_id: str, now: datetime) -> None:
    """Release all that this recorder has claimed and not released by a last flush. Raises WarehouseError."""
    warehouse.transaction(
        lambda connection: run_all(connection, ("ops/recorder/released",), holder_id=holder_id, now=now)
    )


def holder_of(warehouse: Warehouse, listener_key: int) -> str:
    rows = warehouse.ask(lambda connection: run(connection, "ops/recorder/holder", listener_key=listener_key))
    return f"The recorder on {rows[0].host_name}" if rows else "Another recorder"


def sentence_about_holder(warehouse: Warehouse, listener_key: int) -> str:
    rows = warehouse.ask(lambda connection: run(connection, "ops/recorder/holder", listener_key=listener_key))
    if not rows:
        return f"The database no longer knows that this recorder watches listener {listener_key}. Start it again."
    [held] = rows
    seen = f", and last wrote {held.flushed_at:%Y-%m-%d %H:%M} UTC" if held.flushed_at else ""
    return (
        f"The recorder on {held.host_name} has watched listener {listener_key} since {held.claimed_at:%Y-%m-%d %H:%M}"
        f" UTC{seen}. One is enough: two would use up the calls of your app twice as fast. If that computer is gone,"
        " run 'brapped record --take-over' here."
    )


def usual_hours(warehouse: Warehouse, listener_key: int, now: datetime) -> tuple[list[datetime], ZoneInfo]:
    """The hours of the last ninety days in which this listener played something, in local time; their time zone."""
    rows = warehouse.ask(lambda connection: run(connection, "ops/recorder/played", listener_key=listener_key, now=now))
    return [row.played_hour for row in rows if row.played_hour is not None], zone_of(
        rows[0].time_zone if rows else "UTC"
    )
