"""When an answer was true, whatever happens to this computer's clocks. Pure.

Between two answers the monotonic clock counts. The time of day comes from Spotify's own Date header where the two are
apart: so a clock that is set, and a sleep in which the monotonic clock stands still, change nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.sources.player.observation import moment_of, unix_ms
from etl.sources.player.session import Moment

APART_MS = 5_000  # the Date header has whole seconds, and may be that of a cache
HALF_SECOND = timedelta(milliseconds=500)  # the header drops the fraction


@dataclass(frozen=True)
class Reading:
    """This computer's clocks at one instant: the time of day, aware, and the monotonic clock in seconds."""

    wall: datetime
    monotonic_s: float


@dataclass(frozen=True)
class Timeline:
    """Unix milliseconds less milliseconds of the monotonic clock, as this process believes; None before an answer.

    Not to be saved: another process has another monotonic clock.
    """

    offset_ms: int | None = None


def place(timeline: Timeline, asked: Reading, answered: Reading, server_at: datetime | None) -> tuple[Timeline, Moment]:
    """The moment of an answer, in the middle between question and answer, and the timeline for the next one.

    `server_at`: the Date header of the answer (`clock.parse_date_header`). Without it, a time of day that is ahead of
    the monotonic clock means that the computer slept. One that is behind was set back and is not followed.
    """
    began, ended = asked.monotonic_s * 1000, answered.monotonic_s * 1000
    middle, within = round((began + ended) / 2), round((ended - began) / 2)
    by_wall = unix_ms(answered.wall) - round(ended)
    offset = by_wall if timeline.offset_ms is None else timeline.offset_ms
    if server_at is not None:
        by_server = unix_ms(server_at + HALF_SECOND) - middle
        if abs(by_server - offset) > APART_MS + within:
            offset = by_wall if abs(by_server - by_wall) <= APART_MS + within else by_server
    elif by_wall - offset > APART_MS:
        offset = by_wall
    return Timeline(offset), Moment(moment_of(middle + offset), within)
