"""Merge a staged batch into the star schema, by running sql/dimensions/, sql/matching/ and sql/coverage/ in order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.statements import run, run_all
from etl.warehouse.time_zones import update_time_zone

TIERS = 6  # of sql/matching/40_match_candidate.sql
OBSERVED = (  # the batch's observations, the recorded ones nearby, and the sources of both
    "matching/01_unnamed_play",
    "matching/02_merge_session",
    "dimensions/dim_context",
    "dimensions/dim_device",
    "dimensions/dim_date",
    "matching/10_batch_observation",
    "matching/11_already_recorded",
    "matching/12_recorded_observation",
    "matching/20_source_play",
    "matching/21_sources",
)
RESOLVED = (  # matched observations to plays; the last file returns the number of new ones
    "matching/50_resolved_play",
    "dimensions/dim_play_profile",
    "matching/60_fact_play_absorb",
    "matching/61_fact_play_update",
    "matching/62_fact_play",
)


@dataclass(frozen=True)
class Gap:
    """A span in which plays were probably lost, and the reason (`ops.coverage.reason`)."""

    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True)
class Reach:
    """How far the record of a source reaches."""

    watermark: datetime | None  # newest play recorded of the source
    gap: Gap | None


def merge_catalogue(connection: Connection) -> None:
    """Merge the staged artists, albums and tracks, the artists of each track, and the aliases of tracks."""
    names = (
        "tracks_to_rematch",
        "dim_artist",
        "dim_album",
        "dim_track",
        "bridge_track_artist",
        "track_alias",
        "track_recording",
    )
    is_more = run_all(connection, [f"dimensions/{name}" for name in names])
    while is_more:
        is_more = run(connection, "dimensions/track_recording")


def rematch_plays(
    connection: Connection, *, now: datetime, but_not: int | None = None, with_changed: bool = False
) -> None:
    """Match the plays of tracks again that the staged catalogue has linked to one recording.

    Concerns all listeners except `but_not`, whose plays are merged with the batch. `with_changed`: also tracks whose
    name or length changed. Raises OutOfOrder as `lock` does.
    """
    rows = run(connection, "dimensions/listeners_to_rematch", but_not=but_not or 0, with_changed=with_changed)
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
    is_full_window: bool = False,
) -> int:
    """Merge the staged plays of one listener, from any sources; the number of new plays.

    Merge the catalogue of the batch first. `is_full_window`: the batch is a full page of Spotify's list, which may have
    dropped older plays. Raises OutOfOrder as `lock` does.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    given = {"listener_key": listener_key, "is_full_window": is_full_window, "now": now}
    sources = {row.source for row in run_all(connection, OBSERVED, **given)}
    names: list[str] = []  # files to run in one round trip before the next result is needed
    if "extended_export" in sources:
        names.append("matching/30_dedupe_extended_export")
    if "recently_played" in sources:
        names += ["matching/31_dedupe_recently_played", "matching/32_dedupe_recently_played_assign"]
        is_more = run_all(connection, names, **given)
        while is_more:
            is_more = run(connection, "matching/32_dedupe_recently_played_assign")
        names = ["matching/33_dedupe_recently_played_collapse"]
    if "account_export" in sources:
        names.append("matching/34_dedupe_account_export")
    if len(sources) > 1:
        names.append("matching/40_match_candidate")
        for tier in range(1, TIERS + 1):
            is_more = run_all(connection, [*names, "matching/41_match_nearest"], tier=tier, **given)
            while is_more:
                is_more = run(connection, "matching/41_match_nearest", tier=tier)
            names = []
        names.append("matching/42_match_repeats")
    [new] = run_all(connection, [*names, *RESOLVED], **given)
    run(connection, "matching/63_fact_play_since_previous", listener_key=listener_key)
    return int(new.play_count)


def move_watermark(
    connection: Connection, *, listener_key: int, source: str, is_full_window: bool, now: datetime
) -> Reach:
    """Update coverage and watermark of a source after a merge; the watermark, and the gap before the batch, if any."""
    whose = {"listener_key": listener_key, "source": source}
    breaks = ("coverage/window_break", "coverage/gap")
    gaps = run_all(connection, breaks, **whose, is_full_window=is_full_window, found_at=now)
    [mark] = run_all(connection, ("coverage/covered", "coverage/watermark"), **whose, checked_at=now)
    gap = Gap(gaps[0].starts_at, gaps[0].ends_at, gaps[0].reason) if gaps else None
    return Reach(watermark=mark.played_at, gap=gap)
