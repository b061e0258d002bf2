"""Merge a staged batch into the star: the files of sql/dimensions/, matching/ and coverage/ in their order, as many in one round trip as can be."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.statements import run, run_all
from etl.warehouse.time_zones import update_time_zone

TIERS = 6  # of sql/matching/40_match_candidate.sql
OBSERVED = (  # the batch with its keys, what is recorded near it, and which sources report either
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
RESOLVED = (  # the matched observations as plays, and what they change; how many are new
    "matching/50_resolved_play",
    "dimensions/dim_play_profile",
    "matching/60_fact_play_absorb",
    "matching/61_fact_play_update",
    "matching/62_fact_play",
)


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
    """Merges the staged artists, albums, tracks, who they are by and under which names they are known."""
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
    """Looks again at plays of tracks that the batch's catalogue found to be one recording: of every listener, but not of the one
    whose plays were merged with it. `with_changed`: of tracks, too, that got another name or a length."""
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
    """Merges the staged plays of one listener, whatever sources they are from; how many are new. The catalogue of the batch is
    merged before. `is_full_window`: the batch is a page of Spotify's list that may have dropped older plays.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    given = {"listener_key": listener_key, "is_full_window": is_full_window, "now": now}
    sources = {row.source for row in run_all(connection, OBSERVED, **given)}
    names: list[str] = []  # what is to be run before the next answer is needed
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
    """After a merge: how far the record reaches, and whether plays were probably lost before the batch. Both go into the ledger."""
    whose = {"listener_key": listener_key, "source": source}
    breaks = ("coverage/window_break", "coverage/gap")
    found = run_all(connection, breaks, **whose, is_full_window=is_full_window, found_at=now)
    [mark] = run_all(connection, ("coverage/covered", "coverage/watermark"), **whose, checked_at=now)
    gap = Gap(found[0].starts_at, found[0].ends_at, found[0].reason) if found else None
    return Reach(watermark=mark.played_at, gap=gap)
