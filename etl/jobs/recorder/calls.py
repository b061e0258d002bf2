"""How often the recorder may ask: a budget of calls a day for each app, and the pause that Spotify demands of one."""

import logging
import sqlite3
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from etl.jobs.recorder.spool import Spool
from etl.limits import LONGEST_PAUSE_S
from etl.sources.player.asking import LONGEST_S, PLAYING_S, UNKNOWN_S, density_of

log = logging.getLogger(__name__)

SPARING = 0.8  # of the day's budget: from then on, ask less
PLAYING_SPARING_S = 60.0
CLOSE_S, CLOSE_MOST = 10.0, 3  # so many questions in a row may be so close: at the ends of short items
LONG = timedelta(minutes=15)
LONGEST = timedelta(seconds=LONGEST_PAUSE_S)  # a pause that ends later was noted by a clock that was wrong
AGAIN_S = 30.0  # at least, after a second refusal in a row; it doubles


@dataclass
class Calls:
    """The calls of one app, which all its listeners share. `app`: the fingerprint of its client id."""

    spool: Spool
    app: str
    daily_budget: int
    listener_count: int = 1

    def __post_init__(self) -> None:
        self.paused: tuple[datetime, str | None] | None = self.spool.pause(self.app)
        self.density = density_of(self.daily_budget, self.listener_count)
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
            opens = max(opens, midnight_after(now))
        return opens

    def is_used_up(self, now: datetime) -> bool:
        return self.made(now.date()) >= self.daily_budget

    def spaced_s(self, wanted_s: float, now: datetime, *, end_s: float | None = None, close_count: int = 0) -> float:
        """Seconds to the next question, when this many are wanted.

        `end_s`: to the end of the item that plays, None while none does. `close_count`: how often in a row it
        was nearer than `close_s`; after CLOSE_MOST of them none is asked at that distance. Once most of the
        budget is used, what is left of it is spread over what is left of the day; the question at the end of an item
        is asked nevertheless, as it dates two plays.
        """
        is_sparing = self.is_sparing(now)
        if end_s is None:
            return max(wanted_s, UNKNOWN_S, self.spread_s(now)) if is_sparing else wanted_s
        floor_s = max(PLAYING_SPARING_S, self.spread_s(now)) if is_sparing else PLAYING_S
        if close_count > CLOSE_MOST:
            return max(wanted_s, floor_s)
        return min(floor_s, max(end_s, 1.0)) if is_sparing else wanted_s

    def close_s(self, now: datetime) -> float:
        """Two questions that are nearer to each other are close."""
        return PLAYING_SPARING_S if self.is_sparing(now) else CLOSE_S

    def is_sparing(self, now: datetime) -> bool:
        return self.made(now.date()) >= SPARING * self.daily_budget

    def spread_s(self, now: datetime) -> float:
        """Seconds between two questions about one listener such that the budget lasts the day; at most LONGEST_S."""
        left = max(self.daily_budget - self.made(now.date()), 1)
        return min((midnight_after(now) - now).total_seconds() * self.listener_count / left, LONGEST_S)

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


def midnight_after(now: datetime) -> datetime:
    """When the next day (UTC) begins."""
    return datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
