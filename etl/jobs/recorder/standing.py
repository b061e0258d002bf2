"""How the recorder on this computer stands, for `brapped status`: from its spool, which says more than the warehouse."""

from datetime import datetime
from typing import Any

from filelock import FileLock, Timeout

from etl.jobs.recorder.spool import app_of, read_spool, spool_folder
from etl.settings import Settings
from etl.sources.player.observation import moment_of


def local_recorder(settings: Settings, now: datetime) -> dict[str, Any] | None:
    """What the spool on this computer says; None without one. Changes nothing.

    {holder_id, answered_at by listener, outages by listener, waiting by listener, paused_until, is_running,
    call_count, daily_budget}. Raises SpoolError.
    """
    folder = spool_folder(settings)
    found = read_spool(folder)
    if found is None:
        return None
    app = app_of(settings)
    paused = found["pauses"].get(app)
    seen = {key: moment_of(state.seen_ms) for key, state in found["states"].items() if state.seen_ms is not None}
    return {
        "holder_id": found["holder_id"],
        "answered_at": seen,
        "outages": {
            key: {"since": datetime.fromisoformat(one["since"]), "is_long": one["is_long"]}
            for key, one in found["outages"].items()
        },
        "waiting": found["waiting"],
        "paused_until": paused[0] if paused else None,
        "is_running": is_running(settings),
        "call_count": found["made"].get((app, str(now.date())), 0),
        "daily_budget": settings.player_daily_budget,
    }


def is_running(settings: Settings) -> bool:
    """Whether a recorder holds the spool of this computer."""
    lock = FileLock(spool_folder(settings) / "recorder.lock", blocking=False)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return True
    lock.release()
    return False
