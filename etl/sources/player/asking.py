"""When to ask the player next. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from etl.sources.player.observation import unix_ms
from etl.sources.player.state import State

PLAYING_S = 30.0  # at most: a skip is dated by the item that follows, so asking more often finds little more
AFTER_END_S = 1.0  # by then the next item has begun, and its progress dates both
PAUSED_S = 300.0  # so long a pause is watched closely; a paused player mostly disappears after two minutes
USUAL_S, SOMETIMES_S, RARE_S = 60, 120, 300  # when nothing plays
SILENT_S = 86_400.0
USUAL, SOMETIMES = 0.3, 0.1  # of the days, in this hour

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


def idle_interval(share: float | None, silent_s: float | None = None) -> int:
    """Seconds between two questions while nothing plays.

    `share`: on which part of the days this listener played something in this hour; None: not known yet. `silent_s`:
    since when nothing has played; None: not known. After a day without a play the hour says nothing.
    """
    if share is None or silent_s is None or silent_s > SILENT_S:
        return RARE_S
    return USUAL_S if share >= USUAL else SOMETIMES_S if share >= SOMETIMES else RARE_S


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
