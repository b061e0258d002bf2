"""The recorder's day: ask whoever is due, flush when a session ends, rest until the next question."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from etl.auth.encryption import TokenKeyError
from etl.clock import WrongClock
from etl.counts import many
from etl.deadline import CallTimeout, within
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.flush import AnotherRecorder, Mark, flush, usual_hours
from etl.jobs.recorder.habits import LEARNED_EVERY, keep_habits, kept_habits
from etl.jobs.recorder.new_login import login_noted_at
from etl.jobs.recorder.service import Service
from etl.jobs.recorder.spool import Spool
from etl.jobs.recorder.watch import REFUSED_WAIT_S, Watch
from etl.settings import Settings
from etl.sources.player.asking import Habits, listening_shares
from etl.spotify.errors import AppRefused, LoginRefused, SpotifyError
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=15)  # while a session goes on; a free database sleeps after five minutes without one
RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(minutes=15)  # to the next flush after one that failed
LEARNED_FROM = timedelta(days=90)
FAREWELL_S = 20.0  # for the last flush; systemd kills a service that takes longer than its TimeoutStopSec
OUTAGE_REPEATED = timedelta(hours=1)  # between two reports of one outage
UNREADY_S = 60.0  # to the next question when there is no access token
NAP_S = 20.0  # at most, so that a stop and a sleeping computer are noticed soon


def doubled(first: timedelta, failed_count: int, longest: timedelta) -> timedelta:
    """The wait after so many failures in a row (from 1): twice as long each time, up to the longest."""
    return min(first * (1 << min(failed_count - 1, 10)), longest)


@dataclass
class Flushes:
    """When the spool of a listener is written to the warehouse next."""

    flushed_at: datetime
    failed_count: int = 0
    retry_at: datetime | None = None
    learned_on: date | None = None
    is_waiting: bool = False  # something is in the spool
    paused_until: datetime | None = None  # the pause of which the warehouse was told


@dataclass
class Recorder:
    """Watches several listeners in one process.

    `alert` is called once for each sentence that needs a person. `report` receives since when no question is answered,
    every hour while that lasts, and None when it is over.
    """

    settings: Settings
    warehouse: Warehouse
    spool: Spool
    watches: Sequence[Watch]
    holder_id: str
    service: Service = field(default_factory=Service)
    alert: Callable[[str], None] = lambda sentence: None
    is_away: bool = False  # the database, when this recorder started: nobody is claimed
    report: Callable[[datetime | None], None] = lambda since: None

    def __post_init__(self) -> None:
        now = self.clocks.now()
        self.flushes = {watch.listener_key: Flushes(now) for watch in self.watches}
        self.is_stopped = False
        self.reported_at: datetime | None = None  # when the person was last told of an outage
        self.is_outage_open = True  # perhaps: a recorder that ran before may have told of one
        self.login_noted_at = login_noted_at(self.settings)
        for watch in self.watches:
            if self.spool.waiting(watch.listener_key, 1):  # of a recorder that was killed; the database is awake now
                self.flushes[watch.listener_key] = Flushes(now - EVERY, is_waiting=True)
            if self.is_away:  # the first flush claims, or finds that another recorder does
                self.flushes[watch.listener_key].failed_count = 1
                self.flushes[watch.listener_key].retry_at = now + RETRY
            self._learn(watch, now)
            watch.go_on(now)

    @property
    def clocks(self) -> Clocks:
        return self.watches[0].clocks

    def run(self) -> None:
        """Record until `stop` is called, then flush. Raises AnotherRecorder when nobody is left to be watched."""
        while not self.is_stopped:
            self.turn()
            self.rest()
        self.service.notify("STOPPING=1")
        self.finish()

    def once(self) -> int:
        """Ask everybody once, and flush; the number of new plays. Raises what `AccessTokens.token` raises, and
        SpotifyError, if somebody can't be asked: after everybody was.
        """
        refused: list[Exception] = []
        for watch in self.watches:
            try:
                watch.ask()
            except (SpotifyError, TokenKeyError, WrongClock, WarehouseError) as error:
                refused.append(error)
            if watch.refused is not None:
                refused.append(SpotifyError(watch.refused))
        new_count = self.finish()
        if refused:
            raise refused[0]
        return new_count

    def stop(self) -> None:
        self.is_stopped = True

    def turn(self) -> None:
        """Ask whoever is due, and flush what is due."""
        self._look_for_login()
        for watch in tuple(self.watches):
            self.service.notify("WATCHDOG=1", f"STATUS={self.status()}")
            try:
                if watch.due_s <= self.clocks.steady_s() and not self.is_stopped:
                    self._ask(watch)
                if self._is_flush_due(watch, self.clocks.now()) and not self.is_stopped:
                    self._flush(watch)
                if self.flushes[watch.listener_key].retry_at is None:  # else the database is away, and a try takes long
                    watch.tokens.store(self.clocks.now())
            except sqlite3.Error as error:
                log.warning("The spool can't be used (%s)", error)
                watch.put_off(UNREADY_S)
        self._report_outage()

    def rest(self) -> None:
        """Wait for the next question."""
        left_s = min(watch.due_s for watch in self.watches) - self.clocks.steady_s()
        if left_s > 0:
            self.clocks.wait(min(left_s, NAP_S))

    def finish(self) -> int:
        """Flush everything for the last time, as far as the warehouse answers within FAREWELL_S; the new plays."""

        def flush_all() -> int:
            now, new_count = self.clocks.now(), 0
            for watch in self.watches:
                mark = self._mark(watch, is_last=True)
                try:
                    watch.keep_rest(now)
                    watch.tokens.store(now, is_last=True)
                    new_count += flush(self.warehouse, self.settings, self.spool, watch.listener_key, mark, now)
                except AnotherRecorder as error:  # all is written
                    log.warning("%s", error)
            return new_count

        try:
            return within(FAREWELL_S, flush_all)
        except CallTimeout:
            log.warning("The database does not answer. What was heard stays in the spool.")
        except (WarehouseError, sqlite3.Error) as error:
            log.warning("%s What was heard stays in the spool.", error)
        return 0

    def status(self) -> str:
        """What systemctl shows: numbers only, no title."""
        playing = sum(watch.state.play is not None and watch.state.play.is_playing for watch in self.watches)
        made = self.watches[0].calls.made(self.clocks.now().date())
        return f"{playing} of {many(len(self.watches), 'listener')} playing; {many(made, 'call')} today"

    def _ask(self, watch: Watch) -> None:
        try:
            watch.ask()
        except WrongClock as error:
            self._refuse(watch, str(error), REFUSED_WAIT_S, kind="clock")  # its sentence holds the time of day
        except (LoginRefused, AppRefused, TokenKeyError) as error:
            self._refuse(watch, str(error), watch.refused_s())
        except SpotifyError as error:
            log.warning("%s", error)
            watch.outage.failed(self.clocks.now())
            watch.put_off(UNREADY_S)
        except WarehouseError as error:  # the login could not be read
            log.warning("%s", error)
            watch.put_off(UNREADY_S)
        else:
            if watch.refused is not None:
                self._refuse(watch, watch.refused, watch.refused_s())
            elif (
                watch.is_session_over
                or self.paused_until(watch) not in (None, self.flushes[watch.listener_key].paused_until)
                or watch.spool.waiting(watch.listener_key, 1)
            ):
                self.flushes[watch.listener_key].is_waiting = True

    def paused_until(self, watch: Watch) -> datetime | None:
        """When a long pause of this listener's app ends; None while there is none."""
        paused = watch.calls.paused
        return paused[0] if paused is not None and watch.calls.is_paused_long(self.clocks.now()) else None

    def _refuse(self, watch: Watch, sentence: str, wait_s: float, kind: str = "") -> None:
        """Ask no more for a while, and say why: once. `kind`: what is the same reason, if sentences differ."""
        if watch.told != (kind or sentence):
            watch.told = kind or sentence
            self.alert(sentence)
            log.warning("Listener %d: %s", watch.listener_key, sentence)
        watch.refused = None
        watch.tokens.start_again()
        watch.put_off(wait_s)

    def _look_for_login(self) -> None:
        """Ask at once for whoever was refused, if somebody has logged in on this computer meanwhile."""
        if (noted_at := login_noted_at(self.settings)) == self.login_noted_at:
            return
        self.login_noted_at = noted_at
        for watch in self.watches:
            if watch.refused_count:
                watch.refused_count = 0
                watch.put_off(0.0)

    def _report_outage(self) -> None:
        """Say that no question is answered, when that has lasted; again every hour, in case it could not be sent."""
        now = self.clocks.now()
        since = min((one.outage.since for one in self.watches if one.outage.is_long and one.outage.since), default=None)
        if since is not None:
            if self.reported_at is None or now - self.reported_at >= OUTAGE_REPEATED:
                self.reported_at, self.is_outage_open = now, True
                self.report(since)
        elif self.is_outage_open and not any(one.outage.since for one in self.watches):
            self.reported_at, self.is_outage_open = None, False
            self.report(None)

    def _is_flush_due(self, watch: Watch, now: datetime) -> bool:
        flushes = self.flushes[watch.listener_key]
        if flushes.retry_at is not None:
            return now >= flushes.retry_at
        if not flushes.is_waiting:
            return False
        return watch.is_session_over or now - flushes.flushed_at >= EVERY

    def _flush(self, watch: Watch) -> None:
        now = self.clocks.now()
        flushes = self.flushes[watch.listener_key]
        try:
            flush(self.warehouse, self.settings, self.spool, watch.listener_key, self._mark(watch), now)
        except AnotherRecorder as error:
            self.alert(str(error))
            self.watches = [one for one in self.watches if one is not watch]
            if not self.watches:
                raise  # and so it is said once
            log.warning("%s", error)
            return
        except (WarehouseError, sqlite3.Error) as error:
            flushes.failed_count += 1
            flushes.retry_at = now + doubled(RETRY, flushes.failed_count, LONGEST_RETRY)
            if flushes.failed_count == 1:
                log.warning("%s What was heard stays in the spool until the database answers.", error)
            return
        if flushes.failed_count:
            log.warning("The database answers again; what was heard meanwhile is recorded")
        watch.is_session_over = False
        self.flushes[watch.listener_key] = Flushes(
            now, learned_on=flushes.learned_on, paused_until=self.paused_until(watch)
        )
        if flushes.learned_on is None or now.date() - flushes.learned_on >= LEARNED_EVERY:
            self._learn(watch, now)

    def _learn(self, watch: Watch, now: datetime) -> None:
        """Learn at which hours this listener usually plays something: once a day, kept in the spool for a restart."""
        flushes = self.flushes[watch.listener_key]
        if (habits := kept_habits(self.spool, watch.listener_key, now)) is not None:
            watch.zone, watch.habits, flushes.learned_on = habits
            return
        try:
            hours, watch.zone = usual_hours(self.warehouse, watch.listener_key, now)
        except WarehouseError:
            return
        local = now.astimezone(watch.zone).date()
        if hours:
            watch.played_at = watch.played_at or max(hours).replace(tzinfo=watch.zone).astimezone(UTC)
            first = max(min(hours).date(), local - LEARNED_FROM)
            watch.habits = Habits(listening_shares(hours, first, local))
        flushes.learned_on = now.date()
        keep_habits(self.spool, watch.listener_key, watch.habits, watch.zone, now)

    def _mark(self, watch: Watch, *, is_last: bool = False) -> Mark:
        now = self.clocks.now()
        watched = watch.state.watched
        return Mark(
            self.holder_id,
            watched[1] if watched else None,
            watch.calls.made(now.date()),
            self.spool.refused_count(watch.listener_key),
            is_last,
            paused=watch.calls.paused if watch.calls.is_paused_long(now) else None,
        )
