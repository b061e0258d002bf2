"""The recorder's time: moments that neither a sleeping computer nor a clock that is set can confuse."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from etl.clock import Clock, utc_now

SET = timedelta(seconds=2)  # a wall clock that is off by more was set; a time server slews less


def boot_s() -> float:
    """Seconds since the computer was started; the time it slept is included where the system counts it (Linux)."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass
class Clocks:
    """The wall clock, read once and carried on by a clock that nobody sets."""

    wall: Clock = utc_now
    steady_s: Callable[[], float] = boot_s
    _woken: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.anchor()

    def wait(self, seconds: float) -> bool:
        """Wait; True if `wake` was called, before or meanwhile."""
        return self._woken.wait(seconds)

    def wake(self) -> None:
        """End every wait, also of later ones: the recorder is to stop."""
        self._woken.set()

    def anchor(self) -> None:
        """Take the wall clock for right from now on."""
        self._wall_at, self._steady_at = self.wall(), self.steady_s()

    def now(self) -> datetime:
        """The present moment by the steady clock, aware, UTC."""
        return self.at(self.steady_s())

    def at(self, steady_s: float) -> datetime:
        """The moment at which the steady clock showed this."""
        return self._wall_at + timedelta(seconds=steady_s - self._steady_at)

    @property
    def was_set(self) -> bool:
        """Whether the wall clock no longer agrees: it was set, or the computer slept and the steady clock with it."""
        return abs(self.wall() - self.now()) > SET
