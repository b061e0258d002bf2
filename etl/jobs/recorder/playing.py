"""What plays now, from the recorder's spool on this computer."""

from datetime import datetime, timedelta
from typing import Any

from etl.jobs.recorder.spool import SpoolError, read_spool, spool_folder
from etl.jobs.recorder.standing import local_recorder
from etl.limits import PLAYER_STILL_S
from etl.notices import ago, minute, moment
from etl.settings import Settings
from etl.sources.player.asking import PLAYING_S
from etl.sources.player.observation import moment_of
from etl.values import mappings

FRESH = timedelta(seconds=PLAYER_STILL_S)  # the last answer of a recorder that asks is no older
SILENT = timedelta(seconds=2 * PLAYING_S)  # so young an answer needs no date: two intervals while something plays


def playing_now(settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """What each watched listener's player shows: {listener_key, is_playing, track_name, artist_names, track_uri,
    started_at, progress_ms, duration_ms, device_name, answered_at, age_s, is_fresh, why_old}; nulls where nothing plays.

    `age_s`: seconds since the last answer. `why_old`: why there is no newer one, as far as the spool knows.

    Raises SpoolError if no recorder has run on this computer.
    """
    found, local = read_spool(spool_folder(settings)), local_recorder(settings, now)
    if found is None or local is None:
        raise SpoolError(
            "No recorder has run on this computer yet. Start one with 'brapped record' (docs/recorder.md)."
        )
    told = []
    for listener_key, state in sorted(found["states"].items()):
        play = state.play
        answered_at = moment_of(state.seen_ms) if state.seen_ms is not None else None
        told.append(
            {
                "listener_key": listener_key,
                "is_playing": play is not None and play.is_playing,
                "track_name": play.item.get("name") if play else None,
                "artist_names": [one.get("name") for one in mappings(play.item.get("artists"))] if play else [],
                "track_uri": play.uri if play else None,
                "started_at": moment_of(play.started_ms) if play else None,
                "progress_ms": play.progress_ms if play else None,
                "duration_ms": play.duration_ms if play else None,
                "device_name": play.last_device.device_name if play and play.last_device else None,
                "answered_at": answered_at,
                "age_s": round((now - answered_at).total_seconds()) if answered_at is not None else None,
                "is_fresh": answered_at is not None and now - answered_at <= FRESH and local["is_running"],
                "why_old": why_old(local, listener_key, answered_at, now),
            }
        )
    return told


def why_old(local: dict[str, Any], listener_key: int, answered_at: datetime | None, now: datetime) -> str | None:
    """Why the recorder on this computer has no newer answer about a listener; None if nothing keeps it from asking."""
    if not local["is_running"]:
        return "no recorder asks"
    if local["paused_until"] is not None and local["paused_until"] > now:
        return f"Spotify wants no question before {moment(local['paused_until'])}"
    if local["call_count"] >= local["daily_budget"]:
        return "today's calls are used up"
    outage = local["outages"].get(listener_key)
    if outage is not None:
        return f"no question has been answered since {moment(outage['since'])}"
    return "the recorder stands still" if answered_at is not None and now - answered_at > FRESH else None


def sentence(one: dict[str, Any], now: datetime) -> str:
    """What plays, in one line; and how old that is, if it is older than SILENT or no recorder asks."""
    if one["answered_at"] is None:
        return f"Listener {one['listener_key']}: the recorder has had no answer yet."
    if one["track_uri"] is None:
        what = "nothing plays"
    else:
        by = f" by {', '.join(filter(None, one['artist_names']))}" if any(one["artist_names"]) else ""
        on = f", on {one['device_name']}" if one["device_name"] else ""
        state = "since" if one["is_playing"] else "paused; it began"
        what = f"{one['track_name'] or one['track_uri']}{by}, {state} {one['started_at']:%H:%M} UTC{on}"
    answered_at, why = one["answered_at"], one["why_old"]
    age = ""
    if not one["is_fresh"] or now - answered_at > SILENT:
        age = f" (as of {minute(answered_at)} UTC, {ago(answered_at, now)}{f': {why}' if why else ''})"
    return f"Listener {one['listener_key']}: {what}{age}"
