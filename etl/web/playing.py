"""What plays now, as the recorder on this computer knows it."""

from typing import Any

from etl.jobs.recorder.playing import playing_now
from etl.jobs.recorder.spool import SpoolError
from etl.web.site import Site


def playing_of(site: Site, listener_key: int) -> dict[str, Any] | None:
    """What a listener plays, as `etl.jobs.recorder.playing.playing_now` has it; None where no recorder has run here."""
    try:
        playing = playing_now(site.settings, site.clock())
    except SpoolError:
        return None
    return next((one for one in playing if one["listener_key"] == listener_key), None)
