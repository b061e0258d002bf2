"""How often the recorder may ask: a budget of calls a day for each app, and the pause that Spotify demands of one."""

import logging
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from etl.jobs.recorder.spool import Spool
from etl.limits import LONGEST_PAUSE_S
from etl.sources.player.asking import UNKNOWN_S

log = logging.getLogger(__name__)

SPARING = 0.8  # of the day's budget: from then on, ask less
PLAYING_SPARING_S = 60.0
LONG = timedelta(minutes=15)
LONGEST = timedelta(seconds=LONGEST_PAUSE_S)  # a pause that ends later was noted by a clock that was wrong
AGAIN_S = 30.0  # at least, after a second refusal in a row; it doubles


@dataclass
class Calls:
    """The calls of one app, which all its listeners share. `app`: the fingerprint of its client id."""

    spool: Spool
    app: str
    daily_budget: int

    def __post_init__(self) -> None:
        self.paused: tuple[datetime, str | None] | None = self.spool.pause(self.app)
        self._counted: dict[date, int] = {}  # also what the spool could not take
        self._refused_count = 0  # in a row

    def made(self, day: date) -> int:
        """How many calls this app has made on a day (UTC)."""
        if day not in self._counted:
            self._counted = {day: self.spool.made(self.app, day)}
        return self._counted[day]

    def count(self, day: date) -> None:
        """Count a call."""
        self._counted[day] = self.made(day) + 1

    def open_at(self, now: datetime) -> datetime:
        """When the next call may be made: now, after the pause, or on the next day (UTC) if the budget is used up."""
        opens = now
        if self.paused is not None and self.paused[0] - now <= LONGEST:
            opens = max(opens, self.paused[0])
        if self.is_used_up(now):
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
            opens = max(opens, midnight)
        return opens

    def is_used_up(self, now: datetime) -> bool:
        return self.made(now.date()) >= self.daily_budget

    def spaced_s(self, wanted_s: float, now: datetime, *, is_playing: bool) -> float:
        """Seconds to the next question, when this many are wanted: longer once most of the budget is used.

        While something plays, a question at its end is never put off: it dates two plays.
        """
        if self.made(now.date()) < SPARING * self.daily_budget:
            return wanted_s
        if not is_playing:
            return max(wanted_s, UNKNOWN_S)
        return PLAYING_SPARING_S if wanted_s >= PLAYING_SPARING_S / 2 else wanted_s

    def is_paused_long(self, now: datetime) -> bool:
        """Whether a pause is still so long that the warehouse has to say why nothing is asked."""
        return self.paused is not None and LONG < self.paused[0] - now <= LONGEST

    def answered(self) -> None:
        """Spotify answered: a refusal after this one is the first again."""
        self._refused_count = 0

    def pause(self, now: datetime, wait_s: float, reason: str | None) -> datetime:
        """Note that Spotify wants no call of this app for so long; until when. Refusals in a row wait ever longer."""
        self._refused_count += 1
        if self._refused_count > 1:
            wait_s = max(wait_s, AGAIN_S * (1 << min(self._refused_count - 2, 5)))
        until = now + timedelta(seconds=min(wait_s, LONGEST_PAUSE_S))
        if self.paused is None or until > self.paused[0] or self.paused[0] - now > LONGEST:
            self.paused = until, reason
            try:
                self.spool.keep_pause(self.app, until, reason)
            except sqlite3.Error as error:
                log.warning("The spool can't be written (%s): the pause is kept in memory", error)
        return self.paused[0]
