"""When to ask the player next. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from math import sqrt

from etl.limits import PLAYER_IDLE_S
from etl.sources.player.observation import unix_ms
from etl.sources.player.state import State

PLAYING_S = 30.0  # at most: a skip is dated by the item that follows, so asking more often finds little more
AFTER_END_S = 1.0  # by then the next item has begun, and its progress dates both
PAUSED_S = 300.0  # so long a pause is watched closely; a paused player mostly disappears after two minutes
UNKNOWN_S = 300.0  # when nothing plays and the hours of this listener are not known
SHORTEST_S, LONGEST_S = 30.0, PLAYER_IDLE_S  # when nothing plays; what is late is reckoned from it in etl/limits.py
SILENT_CALLS, PLAYED_CALLS = 285, 1_000  # in a whole day (UTC) of idling: before its first play, and after it
PLAYING_CALLS = 300  # of two hours of playing
DAY_S = 86_400
SELDOM = 0.07  # added to each share: something may play in any hour

Hour = tuple[bool, int]  # whether it is a weekend, the hour from 0 to 23


def next_ask(state: State, at: datetime, idle_s: float) -> float:
    """Seconds from `at`, the moment of the last answer, to the next question; `idle_s` while nothing plays.

    While something plays: a second after its end, and no later than PLAYING_S. A real year takes some 900 calls a day
    (benchmarks/recorder.py). Waiting that Spotify demands (`Retry-After`) goes before.
    """
    play = state.play
    if play is None:
        return min(PLAYING_S, idle_s) if state.kind == "ad" else idle_s
    if not play.is_playing:
        paused_s = (unix_ms(at) - (play.paused_ms or play.last_ms)) / 1000
        return PLAYING_S if paused_s < PAUSED_S else idle_s
    if play.rest_ms is None:
        return PLAYING_S
    rest_s = (play.rest_ms - (unix_ms(at) - play.last_ms)) / 1000
    if rest_s < -2 * AFTER_END_S:  # it should have ended, and stands still
        return PLAYING_S
    return min(PLAYING_S, max(rest_s, 0.0) + AFTER_END_S)


def ends_in_s(state: State, at: datetime) -> float:
    """Seconds from `at` until a second after the end of what plays; LONGEST_S if that is not known."""
    play = state.play
    if play is None or play.rest_ms is None:
        return LONGEST_S
    rest_s = (play.rest_ms - (unix_ms(at) - play.last_ms)) / 1000
    return LONGEST_S if rest_s < -2 * AFTER_END_S else max(rest_s, 0.0) + AFTER_END_S


@dataclass(frozen=True)
class Density:
    """How many questions a whole day (UTC) of idling takes for one listener: before its first play, and after it."""

    silent: int = SILENT_CALLS
    played: int = PLAYED_CALLS


ALONE = Density()


def density_of(daily_budget: int, listener_count: int) -> Density:
    """How densely each of several listeners of one app is asked about while nothing plays.

    The budget is the app's. So the questions of a silent day are shared, and those after a play are each listener's
    part of what PLAYING_CALLS leave of it; at the least every LONGEST_S.
    """
    least = round(DAY_S / LONGEST_S)
    played = min(max(daily_budget // listener_count - PLAYING_CALLS, least), PLAYED_CALLS)
    return Density(min(max(SILENT_CALLS // listener_count, least), played), played)


@dataclass(frozen=True)
class Habits:
    """When a listener usually plays something. `shares`: as from `listening_shares`; without any nothing is known."""

    shares: Mapping[Hour, float] = field(default_factory=dict)

    def idle_s(self, hour: Hour, *, played_today: bool, density: Density = ALONE) -> float:
        """Seconds between two questions while nothing plays.

        `played_today`: whether something has played on this day (UTC). Until then the questions are as dense as
        `density.silent` a day, so that a day without music stays cheap; from then on as `density.played`.
        """
        calls = density.played if played_today else density.silent
        if calls not in self._intervals:
            self._intervals[calls] = intervals(self.shares, calls)
        return self._intervals[calls].get(hour, max(UNKNOWN_S, DAY_S / calls))

    @cached_property
    def _intervals(self) -> dict[int, Mapping[Hour, float]]:
        return {}


def intervals(shares: Mapping[Hour, float], calls: int) -> Mapping[Hour, float]:
    """Seconds between two questions in each hour, such that a whole day takes so many calls.

    What is lost grows with the interval and with how often something begins in that hour. For a given number of calls
    the sum of both is least where the interval goes with one over the square root of the share. Kinds of days whose
    hours are not all known are missing.
    """
    found: dict[Hour, float] = {}
    for kind in (False, True):
        weights = {hour: 1 / sqrt(share + SELDOM) for hour, share in shares.items() if hour[0] == kind}
        if len(weights) < 24:
            continue
        low, high = 0.0, 2 * LONGEST_S
        for _ in range(40):  # the factor is found by halving: fewer calls the greater it is
            factor = (low + high) / 2
            made = sum(3600 / limited(factor * weight) for weight in weights.values())
            low, high = (factor, high) if made > calls else (low, factor)
        found |= {hour: limited(high * weight) for hour, weight in weights.items()}
    return found


def limited(seconds: float) -> float:
    return min(max(seconds, SHORTEST_S), LONGEST_S)


def hour_of(local: datetime) -> Hour:
    """The key of `listening_shares` for a moment in the listener's local time."""
    return local.weekday() >= 5, local.hour


def listening_shares(played: Iterable[datetime], first: date, last: date) -> Mapping[Hour, float]:
    """On which part of the days from `first` to `last` something was played, for each hour of weekdays and weekends.

    `played`: when plays ended, in the listener's local time. An hour without plays has 0. Kinds of days that the span
    has none of are missing.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    many = Counter(day.weekday() >= 5 for day in days)
    hours = Counter(
        (day.weekday() >= 5, hour)
        for day, hour in {(local.date(), local.hour) for local in played}
        if first <= day <= last
    )
    return {(kind, hour): hours[kind, hour] / many[kind] for kind in many for hour in range(24)}
