"""The spans by which the player's answers are judged, in milliseconds. Pure."""

from etl.limits import PLAYER_LATE_S

TOLERANCE_MS = 3_000  # more than progress and clock differ by when nothing happened
JITTER_MS = 2_500  # an answer may come from a cache: its progress was seen 1.5 s old; a Date header has no fraction
STALE_MS = 5_000  # a progress so much too low, with the same timestamp, is an old answer
END_MS = 12_000  # the longest crossfade: the next item begins so long before the end
BREAK_MS = round(PLAYER_LATE_S * 1000)  # so long without an answer: the recorder, or the computer, was off
LEAST_MS = 500  # shorter ones are the player's passing over an item
WATCHED_PLAYING_MS = 90_000  # three questions
WATCHED_IDLE_MS = BREAK_MS  # as long as an ordinary interval may be, with a question that failed


def end_margin(duration_ms: int) -> int:
    """How long before its end an item counts as heard to its end, and may have begun again.

    Short ones are not faded for 12 seconds.
    """
    return min(END_MS, duration_ms // 5)
