"""How often the recorder may ask: a budget of calls a day for each app, and the pause that Spotify demands of one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from etl.jobs.recorder.spool import Spool
from etl.sources.player.asking import RARE_S

SPARING = 0.8  # of the day's budget: from then on, ask less
PLAYING_SPARING_S = 60.0
LONG = timedelta(minutes=15)


@dataclass
class Calls:
    """The calls of one app, which all its listeners share. `app`: the fingerprint of its client id."""

    spool: Spool
    app: str
    daily_budget: int

    def __post_init__(self) -> None:
        self.paused: tuple[datetime, str | None] | None = self.spool.pause(self.app)

    def open_at(self, now: datetime) -> datetime:
        """When the next call may be made: now, after the pause, or on the next day (UTC) if the budget is used up."""
        opens = now
        if self.paused is not None:
            opens = max(opens, self.paused[0])
        if self.spool.made(self.app, now.date()) >= self.daily_budget:
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
            opens = max(opens, midnight)
        return opens

    def spaced_s(self, wanted_s: float, now: datetime, *, is_playing: bool) -> float:
        """Seconds to the next question, when this many are wanted: longer once most of the budget is used.

        While something plays, a question at its end is never put off: it dates two plays.
        """
        if self.spool.made(self.app, now.date()) < SPARING * self.daily_budget:
            return wanted_s
        if not is_playing:
            return max(wanted_s, RARE_S)
        return PLAYING_SPARING_S if wanted_s >= PLAYING_SPARING_S / 2 else wanted_s

    def is_paused_long(self, now: datetime) -> bool:
        """Whether a pause is still so long that the warehouse has to say why nothing is asked."""
        return self.paused is not None and self.paused[0] - now > LONG

    def pause(self, now: datetime, wait_s: float, reason: str | None) -> datetime:
        """Note that Spotify wants no call of this app for so long; until when."""
        until = now + timedelta(seconds=wait_s)
        if self.paused is None or until > self.paused[0]:
            self.paused = until, reason
            self.spool.keep_pause(self.app, until, reason)
        return self.paused[0]
