"""Merge a staged batch into the star schema, by running sql/dimensions/, sql/matching/ and sql/coverage/ in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.statements import run, run_all
from etl.warehouse.time_zones import update_time_zone

BATCH = (  # what the batch says that is not recorded yet, and what it may change
    "matching/01_merge_session",
    "dimensions/dim_context",
    "dimensions/dim_device",
    "dimensions/dim_date",
    "matching/10_batch_observation",
    "matching/11_new_observation",
    "matching/12_told_apart",
    "matching/13_neighbourhood",
    "matching/14_near_observation",
    "matching/15_sources",
)
SOURCE_PLAYS = ("matching/20_source_play", "matching/21_late_date")  # the plays of each source
MATCHED = (
    "matching/30_match_candidate",
    "matching/31_match_nearest",
    "matching/32_match_repeats",
)  # if there are several
PLAYS = (  # the last of these files returns what changed
    "matching/40_resolved_play",
    "matching/41_ended_together",
    "matching/50_fact_play",
)


@dataclass(frozen=True)
class Gap:
    """A span in which plays were probably lost, and the reason (`ops.coverage.reason`)."""

    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True)
class Rebuilt:
    """What deriving plays from observations changed: numbers of plays."""

    play_count: int  # looked at
    added_count: int
    removed_count: int
    changed_count: int


@dataclass(frozen=True)
class Reach:
    """How far the record of a source reaches."""

    watermark: datetime | None  # newest play recorded of the source
    gap: Gap | None


def merge_catalogue(connection: Connection, *, content_keys: Sequence[int] = ()) -> None:
    """Merge the staged artists, albums and tracks, the artists of each track, and the aliases of tracks.

    `content_keys`: of an import, for each file the key of its content (`ops.import_content`).
    """
    names = (
        "tracks_to_rematch",
        "dim_artist",
        "dim_album",
        "dim_track",
        "bridge_track_artist",
        "track_alias",
        "statistics",
        "track_recording",
    )
    steps = ["matching/01_merge_session", *(f"dimensions/{name}" for name in names)]
    run_all(connection, steps, content_keys=list(content_keys))


def forget_facts(connection: Connection) -> None:
    """After observations went: let go what only they told of tracks, and derive anew which tracks are one recording.

    The temporary tables dying_content and name_to_measure say whose names may go, and which names to measure again.
    rematch_plays() follows. Raises WarehouseError.
    """
    steps = ("tracks_to_rematch", "ops/undo/forgotten", "longest_plays", "statistics", "track_recording")
    run_all(connection, [name if "/" in name else f"dimensions/{name}" for name in steps])


def rematch_plays(connection: Connection, *, now: datetime, but_not: int | None = None) -> None:
    """Match plays again whose tracks the staged catalogue describes anew, names, or links to another recording.

    Concerns all listeners except `but_not`, whose plays are merged with the batch. Raises OutOfOrder as `lock` does.
    """
    rows = run(connection, "dimensions/listeners_to_rematch", but_not=but_not or 0)
    lock_listeners(connection, [row.listener_key for row in rows])
    for row in rows:
        update_time_zone(connection, row.listener_key)
        run(connection, "matching/90_drop_temporary_tables")
        run(connection, "staging/staging_play")
        merge_plays(connection, listener_key=row.listener_key, now=now)


def merge_plays(
    connection: Connection,
    *,
    listener_key: int,
    now: datetime,
    import_sets: Sequence[int] = (),
    account_key: int | None = None,
    merge_set: int | None = None,
) -> int:
    """Merge the staged plays of one listener, from any sources; the number of new plays.

    `import_sets`: of an import, for each file the key of the set (`ops.import_set`) that holds its content alone.
    `account_key`: whose list it is, if that listener was merged into this one; `merge_set`: the set of that merge.
    Merge the catalogue of the batch first. Raises WarehouseError and OutOfOrder as `derive_plays` does.
    """
    return derive_plays(
        connection,
        listener_key=listener_key,
        now=now,
        import_sets=import_sets,
        account_key=account_key,
        merge_set=merge_set,
    ).added_count


def rebuild_plays(
    connection: Connection, *, listener_key: int, now: datetime, derives_recordings: bool = True
) -> Rebuilt:
    """Derive all plays of a listener from their observations anew. A play that stays the same keeps its key.

    `derives_recordings`: before that, which tracks are one recording; once is enough for several listeners. Raises OutOfOrder as `lock` does.
    """
    run(connection, "matching/90_drop_temporary_tables")
    if derives_recordings:
        derive_recordings(connection)
    run_all(connection, ("matching/01_merge_session", "dimensions/tracks_to_rematch", "staging/staging_play"))
    return derive_plays(connection, listener_key=listener_key, now=now, is_rebuild=True)


def derive_recordings(connection: Connection) -> None:
    """Derive anew, for all tracks, which of them are one recording."""
    every = ("tracks_to_rematch", "all_tracks_changed", "longest_plays", "statistics", "track_recording")
    run_all(connection, ("matching/01_merge_session", *(f"dimensions/{name}" for name in every)))


def derive_plays(
    connection: Connection,
    *,
    listener_key: int,
    now: datetime,
    is_rebuild: bool = False,
    import_sets: Sequence[int] = (),
    account_key: int | None = None,
    merge_set: int | None = None,
) -> Rebuilt:
    """Add the staged observations to the recorded ones, and derive the plays around them.

    `is_rebuild`: derive all plays of the listener. A source's file in sql/matching/dedupe/ says which of its own
    observations are one play. Raises WarehouseError if the listener was merged into another one since the run began,
    and OutOfOrder as `lock` does.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    given = {
        "listener_key": listener_key,
        "account_key": listener_key if account_key is None else account_key,
        "now": now,
        "is_rebuild": is_rebuild,
        "import_sets": list(import_sets),
        "merge_set": merge_set,
    }
    sources = run_all(connection, BATCH, **given)
    if any(row.is_merged for row in sources):
        raise WarehouseError(
            "The listener of these plays was merged into another one (brapped listener merge). Nothing was recorded;"
            " run it again, and they go into the other's record."
        )
    dedupe = list(dict.fromkeys(f"matching/dedupe/{row.dedupe_file}" for row in sources))
    matched = MATCHED if len(sources) > 1 else ()
    [written] = run_all(connection, (*dedupe, *SOURCE_PLAYS, *matched, *PLAYS), **given)
    run(connection, "matching/60_since_previous", listener_key=listener_key)
    return Rebuilt(**written._mapping)


def move_watermark(
    connection: Connection,
    *,
    listener_key: int,
    source: str,
    is_full_window: bool,
    now: datetime,
    record_key: int | None = None,
) -> Reach:
    """Update coverage and watermark of a source after a merge; the watermark, and the gap before the batch, if any.

    `record_key`: in whose record the plays are, if this listener was merged into that one.
    """
    whose = {
        "listener_key": listener_key,
        "record_key": listener_key if record_key is None else record_key,
        "source": source,
    }
    breaks = ("coverage/window_break", "coverage/gap", "coverage/gap_parts", "coverage/gap_found")
    gaps = run_all(connection, breaks, **whose, is_full_window=is_full_window, found_at=now)
    [mark] = run_all(connection, ("coverage/covered", "coverage/watermark"), **whose, checked_at=now)
    gap = Gap(gaps[0].starts_at, gaps[0].ends_at, gaps[0].reason) if gaps else None
    return Reach(watermark=mark.played_at, gap=gap)
