"""What plays now, from the recorder's spool on this computer."""

from datetime import datetime, timedelta
from typing import Any

from etl.jobs.recorder.spool import SpoolError, read_spool, spool_folder
from etl.jobs.recorder.standing import is_running
from etl.limits import PLAYER_STILL_S
from etl.settings import Settings
from etl.sources.player.observation import moment_of
from etl.values import mappings

FRESH = timedelta(seconds=PLAYER_STILL_S)  # the last answer of a recorder that asks is no older


def playing_now(settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """What each watched listener's player shows: {listener_key, is_playing, track_name, artist_names, track_uri,
    started_at, progress_ms, duration_ms, device_name, answered_at, is_fresh}; nulls where nothing plays.

    Raises SpoolError if no recorder has run on this computer.
    """
    found = read_spool(spool_folder(settings))
    if found is None:
        raise SpoolError(
            "No recorder has run on this computer yet. Start one with 'brapped record' (docs/recorder.md)."
        )
    told = []
    runs = is_running(settings)
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
                "is_fresh": answered_at is not None and now - answered_at <= FRESH and runs,
            }
        )
    return told


def sentence(one: dict[str, Any]) -> str:
    """What plays, in one line."""
    if one["answered_at"] is None:
        return f"Listener {one['listener_key']}: the recorder has had no answer yet."
    if one["track_uri"] is None:
        what = "nothing plays"
    else:
        by = f" by {', '.join(filter(None, one['artist_names']))}" if any(one["artist_names"]) else ""
        on = f", on {one['device_name']}" if one["device_name"] else ""
        state = "since" if one["is_playing"] else "paused; it began"
        what = f"{one['track_name'] or one['track_uri']}{by}, {state} {one['started_at']:%H:%M} UTC{on}"
    stale = "" if one["is_fresh"] else f" (as of {one['answered_at']:%Y-%m-%d %H:%M} UTC: no recorder asks)"
    return f"Listener {one['listener_key']}: {what}{stale}"
