"""When to ask the player next. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
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

    def idle_s(
        self, hour: Hour, *, played_today: bool, density: Density = ALONE, day: tuple[Hour, ...] | None = None
    ) -> float:
        """Seconds between two questions while nothing plays.

        `played_today`: whether something has played on this day (UTC). Until then the questions are as dense as
        `density.silent` a day, so that a day without music stays cheap; from then on as `density.played`. `day`: the
        listener's hours of this day (UTC), mostly parts of two local ones; without it, 24 hours of the same kind.
        """
        calls = density.played if played_today else density.silent
        hours = day or tuple((hour[0], number) for number in range(24))
        if (calls, hours) not in self._intervals:
            self._intervals[calls, hours] = intervals(self.shares, hours, calls)
        return self._intervals[calls, hours].get(hour, max(UNKNOWN_S, DAY_S / calls))

    @cached_property
    def _intervals(self) -> dict[tuple[int, tuple[Hour, ...]], Mapping[Hour, float]]:
        return {}


def intervals(shares: Mapping[Hour, float], hours: Sequence[Hour], calls: int) -> Mapping[Hour, float]:
    """Seconds between two questions in each of these hours, such that all of them together take so many calls.

    What is lost grows with the interval and with how often something begins in that hour. For a given number of calls
    the sum of both is least where the interval goes with one over the square root of the share. Nothing if not all of
    the hours are known.
    """
    if any(hour not in shares for hour in hours):
        return {}
    weights = [1 / sqrt(shares[hour] + SELDOM) for hour in hours]
    low, high = 0.0, 2 * LONGEST_S
    for _ in range(40):  # the factor is found by halving: fewer calls the greater it is
        factor = (low + high) / 2
        made = sum(3600 / limited(factor * weight) for weight in weights)
        low, high = (factor, high) if made > calls else (low, factor)
    return {hour: limited(high * weight) for hour, weight in zip(hours, weights, strict=True)}


def limited(seconds: float) -> float:
    return min(max(seconds, SHORTEST_S), LONGEST_S)


def hour_of(local: datetime) -> Hour:
    """The key of `listening_shares` for a moment in the listener's local time."""
    return local.weekday() >= 5, local.hour


def hours_of_day(at: datetime, zone: tzinfo) -> tuple[Hour, ...]:
    """The listener's hours within the day (UTC) of a moment, in their order."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return tuple(hour_of((midnight + timedelta(hours=number)).astimezone(zone)) for number in range(24))


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
