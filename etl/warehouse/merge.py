"""How a staged batch gets into the star: the files of sql/load/ in their order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.statements import run
from etl.warehouse.time_zones import settle

TIERS = 6  # of sql/load/same_listen.sql


@dataclass(frozen=True)
class Gap:
    """A span in which plays were probably lost, and why that could come about (`ops.coverage.reason`)."""

    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True)
class Reach:
    """How far the record of a source reaches."""

    watermark: datetime | None  # newest play recorded of the source
    gap: Gap | None


def merge_catalogue(connection: Connection) -> None:
    """Merges the staged artists, albums, tracks, who they are by and under which names they were told."""
    for name in ("changed_track", "dim_artist", "dim_album", "dim_track", "bridge_track_artist", "track_alias"):
        run(connection, f"load/{name}")
    while run(connection, "load/track_recording"):
        pass


def merge_linked(
    connection: Connection, *, now: datetime, but_not: int | None = None, with_changed: bool = False
) -> None:
    """Looks again at plays of tracks that the batch's catalogue found to be one recording: of every listener, but not of the one
    whose plays were merged with it. `with_changed`: of tracks, too, that got another name or a length."""
    rows = run(connection, "load/linked_listener", but_not=but_not or 0, with_changed=with_changed)
    lock_listeners(connection, [row.listener_key for row in rows])
    for row in rows:
        settle(connection, row.listener_key)
        run(connection, "load/merge_forgotten")
        run(connection, "load/staging_play")
        merge_plays(connection, listener_key=row.listener_key, now=now)


def merge_plays(
    connection: Connection,
    *,
    listener_key: int,
    now: datetime,
    is_full_window: bool = False,
) -> int:
    """Merges the staged plays of one listener, whatever sources they are from; how many are new. The catalogue of the batch is
    merged before. `is_full_window`: the batch is a page of Spotify's list that may have dropped older plays.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    run(connection, "load/unnamed_play", listener_key=listener_key)
    for name in (
        "query/means_of_a_merge",
        "load/dim_context",
        "load/dim_device",
        "load/dim_date",
        "load/staged_report",
    ):
        run(connection, name)
    run(connection, "load/told_before", listener_key=listener_key)
    run(connection, "load/known_report", listener_key=listener_key)
    run(connection, "load/told_play")
    sources = {row.source for row in run(connection, "load/sources_told")}
    if "extended_export" in sources:
        run(connection, "load/told_by_extended_export")
    if "recently_played" in sources:
        run(connection, "load/told_by_recently_played", listener_key=listener_key, is_full_window=is_full_window)
        while run(connection, "load/told_by_recently_played_next"):
            pass
        run(connection, "load/told_by_recently_played_done")
    if "account_export" in sources:
        run(connection, "load/told_by_account_export")
    if len(sources) > 1:
        run(connection, "load/same_listen")
        for tier in range(1, TIERS + 1):
            while run(connection, "load/same_listen_nearest", tier=tier):
                pass
        run(connection, "load/same_listen_again")
    run(connection, "load/listen", listener_key=listener_key)
    run(connection, "load/dim_play_profile")
    run(connection, "load/fact_play_merged", listener_key=listener_key, now=now)
    run(connection, "load/fact_play_known", listener_key=listener_key)
    [new] = run(connection, "load/fact_play", listener_key=listener_key)
    run(connection, "load/fact_play_spaced", listener_key=listener_key)
    return int(new.play_count)


def move_watermark(
    connection: Connection, *, listener_key: int, source: str, is_full_window: bool, now: datetime
) -> Reach:
    """After a merge: how far the record reaches, and whether plays were probably lost before the batch. Both go into the ledger."""
    whose = {"listener_key": listener_key, "source": source}
    run(connection, "load/window_break", **whose, is_full_window=is_full_window, found_at=now)
    found = run(connection, "load/gap", **whose, found_at=now)
    run(connection, "load/covered", **whose, checked_at=now)
    [mark] = run(connection, "load/watermark", **whose, checked_at=now)
    gap = Gap(found[0].starts_at, found[0].ends_at, found[0].reason) if found else None
    return Reach(watermark=mark.played_at, gap=gap)
