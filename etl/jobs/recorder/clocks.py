"""The recorder's time: moments that neither a sleeping computer nor a clock that is set can confuse."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from etl.clock import Clock, utc_now
from etl.sources.player.moments import Reading, Timeline, place
from etl.sources.player.observation import moment_of
from etl.sources.player.session import Moment


def boot_s() -> float:
    """Seconds since the computer was started; the time it slept is included where the system counts it (Linux)."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass
class Clocks:
    """The time of day, and a clock that nobody sets, which says when to ask."""

    wall: Clock = utc_now
    steady_s: Callable[[], float] = boot_s
    timeline: Timeline = field(default_factory=Timeline)
    woken: threading.Event = field(default_factory=threading.Event)

    def reading(self) -> tuple[datetime, float]:
        """Both clocks at this instant."""
        return self.wall(), self.steady_s()

    def now(self) -> datetime:
        """The present moment, aware, UTC: by Spotify's clock where that is known, so also on a computer whose is wrong."""
        if self.timeline.offset_ms is None:
            return self.wall()
        return moment_of(round(self.steady_s() * 1000) + self.timeline.offset_ms)

    def placed(
        self, asked: tuple[datetime, float], answered: tuple[datetime, float], server_at: datetime | None
    ) -> Moment:
        """The moment of an answer, by both readings and its Date header."""
        self.timeline, moment = place(self.timeline, Reading(*asked), Reading(*answered), server_at)
        return moment

    def wait(self, seconds: float) -> bool:
        """Wait; True if `wake` was called, before or meanwhile."""
        return self.woken.wait(seconds)

    def wake(self) -> None:
        """End every wait, also of later ones: the recorder is to stop."""
        self.woken.set()
