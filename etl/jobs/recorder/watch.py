"""One listener's player: when it is asked next, and what an answer brings to the spool."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from etl.jobs.recorder.calls import Calls
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.spool import Spool
from etl.jobs.recorder.tokens import AccessTokens
from etl.sources.player.answer import ERROR, Answer, read_answer
from etl.sources.player.asking import Hour, hour_of, idle_interval, next_ask
from etl.sources.player.observation import Observation
from etl.sources.player.session import Moment, step
from etl.sources.player.state import State
from etl.spotify.player import Asked

log = logging.getLogger(__name__)

FAILED_S, LONGEST_FAILED_S = 30.0, 120.0  # to the next question after one that failed; it doubles
REFUSED_WAIT = timedelta(minutes=15)  # until a login that ended is looked for again


@dataclass
class Watch:
    """One listener who is watched. `shares`: how usual it is that they listen, by hour (`listening_shares`)."""

    listener_key: int
    tokens: AccessTokens
    player: Callable[[str], Asked]  # asks with an access token, once
    calls: Calls
    spool: Spool
    clocks: Clocks
    zone: ZoneInfo
    shares: Mapping[Hour, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state: State = self.spool.state(self.listener_key)
        self.due_at: datetime = self.clocks.now()
        self.failed_count = 0
        self.is_session_over = False  # set when a play ended and nothing follows: time to flush
        self.unkept: list[Observation] = []  # what the spool could not take, because the disk is full
        self.refused: str | None = None  # why this listener can't be asked; a sentence for the person
        self.told: str | None = None  # the sentence that the person was told

    def idle_s(self, at: datetime) -> float:
        """Seconds between two questions while nothing plays, by how usual it is to listen at this hour."""
        return idle_interval(self.shares.get(hour_of(at.astimezone(self.zone))) if self.shares else None)

    def ask(self) -> None:
        """Ask once, keep what it brought, and set when to ask again.

        Raises LoginRefused and the other errors of `AccessTokens.token`.
        """
        now = self.clocks.now()
        opens_at = self.calls.open_at(now)
        if opens_at > now:
            self.due_at = opens_at
            return
        asked = self.player(self.tokens.token(now))
        if asked.outcome == "unauthorized":
            self.tokens.forget()
            self._count(now)
            asked = self.player(self.tokens.token(now))
        if asked.outcome == "limited":
            self._count(now)
            self.due_at = self.calls.pause(now, max(asked.wait_s, 1.0), asked.reason)
            log.warning("Spotify wants no question about the player before %s UTC", f"{self.due_at:%Y-%m-%d %H:%M}")
            self.state, _ = step(self.state, Moment(asked.at), ERROR)
            return
        if asked.outcome == "forbidden":
            self._count(now)
            self.refused = asked.reason
            return
        is_answer = asked.outcome == "answered"
        if is_answer:
            self.told = None
        self.take(asked, read_answer(asked.status, asked.body) if is_answer else ERROR)

    def take(self, asked: Asked, answer: Answer) -> None:
        """Bring the state on by an answer, keep it, and set when to ask again."""
        before = self.state
        self.state, finished = step(before, Moment(asked.at, asked.within_ms), answer)
        self._keep(finished, asked.at, is_change=bool(finished) or differs(before, self.state))
        self.is_session_over = self.is_session_over or (bool(finished) and self.state.play is None)
        if answer.kind == "error":
            self.failed_count += 1
            wait_s = min(FAILED_S * 2 ** (self.failed_count - 1), LONGEST_FAILED_S)
        else:
            self.failed_count = 0
            wait_s = next_ask(self.state, asked.at, self.idle_s(asked.at))
        is_playing = self.state.play is not None and self.state.play.is_playing
        self.due_at = asked.at + timedelta(seconds=self.calls.spaced_s(wait_s, asked.at, is_playing=is_playing))
        if self.state.play is None and self.clocks.was_set:
            self.clocks.anchor()

    def _keep(self, finished: list[Observation], at: datetime, *, is_change: bool) -> None:
        self.unkept += finished
        try:
            self.spool.keep(
                self.listener_key, self.state, self.unkept, app=self.calls.app, day=at.date(), is_change=is_change
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
