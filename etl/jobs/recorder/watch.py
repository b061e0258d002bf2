"""One listener's player: when it is asked next, and what an answer brings to the spool."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from etl.jobs.recorder.calls import Calls
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.outage import Outage
from etl.jobs.recorder.spool import Spool
from etl.jobs.recorder.tokens import AccessTokens
from etl.limits import PLAYER_FAILED_S, PLAYER_LONGEST_FAILED_S
from etl.sources.player.answer import ERROR, Answer, read_answer
from etl.sources.player.asking import Habits, ends_in_s, hour_of, hours_of_day, next_ask
from etl.sources.player.observation import Observation, moment_of
from etl.sources.player.session import Moment, step
from etl.sources.player.state import State
from etl.spotify.player import Asked

log = logging.getLogger(__name__)

MANY_FAILED = 10  # in a row: a good quarter of an hour
ONE_QUESTION = timedelta(seconds=35)  # the longest time between two while something plays, and a delay
LONGEST_WAIT_S = 900.0  # then the clock is looked at again: it may have been set
# Until a login that ended is looked for again; it doubles. Each look asks the database, and wakes one that sleeps.
REFUSED_WAIT_S, LONGEST_REFUSED_S = 900.0, 7200.0


@dataclass
class Watch:
    """One listener who is watched, and the hours in which they usually play something."""

    listener_key: int
    tokens: AccessTokens
    player: Callable[[str], Asked]  # asks with an access token, once
    calls: Calls
    spool: Spool
    clocks: Clocks
    zone: ZoneInfo
    habits: Habits = field(default_factory=Habits)

    def __post_init__(self) -> None:
        self.state: State = self.spool.state(self.listener_key)
        self.due_s = self.clocks.steady_s()  # when to ask next, by the steady clock
        self.played_at = self.spool.played_at(self.listener_key)  # when something was last seen to play
        self.failed_count = 0
        self.close_count = 0  # questions in a row that follow closely on one another
        self.outage = Outage(self.spool, self.listener_key)
        self.refused_count = 0  # in a row
        self.is_session_over = False  # set when a play ended and nothing follows: time to flush
        self.unkept: list[Observation] = []  # what the spool could not take, because the disk is full
        self.refused: str | None = None  # why this listener can't be asked; a sentence for the person
        self.told: str | None = None  # the sentence that the person was told

    def idle_s(self, at: datetime) -> float:
        """Seconds between two questions while nothing plays."""
        played_today = self.played_at is not None and self.played_at.astimezone(UTC).date() == at.astimezone(UTC).date()
        return self.habits.idle_s(
            hour_of(at.astimezone(self.zone)),
            played_today=played_today,
            density=self.calls.density,
            day=hours_of_day(at, self.zone),
        )

    def put_off(self, seconds: float) -> None:
        """Ask again after so many seconds."""
        self.due_s = round(self.clocks.steady_s() + seconds, 3)

    def go_on(self, now: datetime) -> None:
        """After a start: ask when the recorder that ran before would have, so that restarts cost no calls."""
        if self.state.seen_ms is None:
            return
        seen_at = moment_of(self.state.seen_ms)
        if self.state.play is not None and self.state.play.is_playing and now - seen_at > ONE_QUESTION:
            # Another item may have come and gone unseen, so how this one ended is not known by what follows.
            self.state = replace(self.state, is_interrupted=True)
        since_s = (now - seen_at).total_seconds()
        wait_s = next_ask(self.state, seen_at, self.idle_s(seen_at))
        if 0 <= since_s < wait_s and not self.state.is_interrupted:
            self.put_off(wait_s - since_s)

    def ask(self) -> None:
        """Ask once, keep what it brought, and set when to ask again.

        Raises LoginRefused and the other errors of `AccessTokens.token`.
        """
        now = self.clocks.now()
        opens_at = self.calls.open_at(now)
        if opens_at > now:
            self.put_off(min((opens_at - now).total_seconds(), LONGEST_WAIT_S))
            return
        asked = self._asked(now)
        if asked.outcome == "unauthorized":
            self.tokens.forget()
            self._count(now)
            asked = self._asked(now)
        moment = self.clocks.placed(asked.asked, asked.answered, asked.server_at)
        if asked.outcome == "answered":
            self.told = None
            self.refused_count = 0
            self.calls.answered()
            self.take(moment, read_answer(asked.status, asked.body))
            return
        self._count(now)
        self.state, _ = step(self.state, moment, ERROR)
        if asked.outcome in ("limited", "forbidden"):
            self.outage.over()
        if asked.outcome == "limited":
            until = self.calls.pause(self.clocks.now(), max(asked.wait_s, 1.0), asked.reason)
            log.warning("Spotify wants no question about the player before %s UTC", f"{until:%Y-%m-%d %H:%M}")
            self.put_off(min((until - self.clocks.now()).total_seconds(), LONGEST_WAIT_S))
        elif asked.outcome == "forbidden":
            self.refused = asked.reason
        else:
            self.put_off(self._failed_s())

    def take(self, moment: Moment, answer: Answer) -> None:
        """Bring the state on by an answer, keep it, and set when to ask again."""
        before = self.state
        self.state, finished = step(before, moment, answer)
        is_playing = self.state.play is not None and self.state.play.is_playing
        if is_playing:
            self.played_at = moment.at
        self._keep(finished, moment.at, is_change=bool(finished) or differs(before, self.state))
        self.is_session_over = self.is_session_over or (bool(finished) and self.state.play is None)
        if answer.kind == "error":  # an answer that can't be read
            wait_s = self._failed_s()
        else:
            self.failed_count = 0
            self.outage.over()
            wait_s = next_ask(self.state, moment.at, self.idle_s(moment.at))
        end_s = ends_in_s(self.state, moment.at) if is_playing else None
        is_close = end_s is not None and end_s < self.calls.close_s(moment.at)
        self.close_count = self.close_count + 1 if is_close else 0
        self.put_off(self.calls.spaced_s(wait_s, moment.at, end_s=end_s, close_count=self.close_count))

    def _asked(self, now: datetime) -> Asked:
        token = self.tokens.token(now)
        self.calls.count(now.date())
        return self.player(token)

    def _failed_s(self) -> float:
        """Seconds to the next question after one more that failed."""
        self.failed_count += 1
        self.outage.failed(self.clocks.now())
        if self.failed_count == MANY_FAILED:
            log.warning("Spotify has not answered the last %d questions about the player", MANY_FAILED)
        return min(PLAYER_FAILED_S * (1 << min(self.failed_count - 1, 10)), PLAYER_LONGEST_FAILED_S)

    def refused_s(self) -> float:
        """Seconds until a login that was refused once more is looked for again."""
        self.refused_count += 1
        return float(min(REFUSED_WAIT_S * (1 << min(self.refused_count - 1, 10)), LONGEST_REFUSED_S))

    def keep_rest(self, at: datetime) -> None:
        """Try once more to write what the spool could not take."""
        if self.unkept:
            self._keep([], at, is_change=True)

    def _keep(self, finished: list[Observation], at: datetime, *, is_change: bool) -> None:
        self.unkept += finished
        try:
            self.spool.keep(
                self.listener_key,
                self.state,
                self.played_at,
                self.unkept,
                app=self.calls.app,
                day=at.date(),
                is_change=is_change,
            )
        except sqlite3.Error as error:
            log.warning("The spool can't be written (%s): what is heard is kept in memory meanwhile", error)
        else:
            self.unkept = []

    def _count(self, now: datetime) -> None:
        try:
            self.spool.count(self.calls.app, now.date())
        except sqlite3.Error as error:
            log.warning("The spool can't be written (%s)", error)


def differs(before: State, after: State) -> bool:
    """Whether the state changed by more than that time went on: what must be on the disk at once."""
    if before.kind != after.kind or (before.play is None) != (after.play is None):
        return True
    one, other = before.play, after.play
    if one is None or other is None:
        return before.standing != after.standing
    same = {"heard_ms": 0, "doubt_ms": 0, "last_ms": 0, "progress_ms": 0, "item": {}}
    return replace(one, **same) != replace(other, **same)  # type: ignore[arg-type]  # plain fields
