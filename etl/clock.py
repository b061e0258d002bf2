"""The current time, and whether this computer's clock agrees with a server's. Pure."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from etl.counts import many

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

WARN_AFTER = timedelta(minutes=5)  # by then budgets and pauses are a little off, but nothing that is recorded
REFUSE_AFTER = timedelta(hours=1)  # coverage, the end of a login and the order of runs would be wrong


class WrongClock(Exception):
    """This computer's clock and a server's are too far apart to record anything. `true_at`: the server's time."""

    def __init__(self, message: str, true_at: datetime) -> None:
        self.true_at = true_at
        super().__init__(message)


def check_clock(now: datetime, server_at: datetime, whose: str) -> None:
    """Compare this computer's time with a server's; `whose` names the server's clock, as in "the database's".

    Logs a warning from WARN_AFTER on; raises WrongClock from REFUSE_AFTER on.
    """
    apart = now - server_at
    if abs(apart) < WARN_AFTER:
        return
    message = (
        f"This computer's clock is {span_in_words(abs(apart))} {'ahead of' if apart > timedelta(0) else 'behind'}"
        f" {whose}: here it is"
        f" {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, there {server_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    )
    if abs(apart) >= REFUSE_AFTER:
        raise WrongClock(f"{message} Nothing was recorded. Correct the wrong clock, and run this again.", server_at)
    log.warning("%s Correct the wrong clock.", message)


def span_in_words(span: timedelta) -> str:
    """A time span in one unit: 7 minutes, 3 hours, 730 days."""
    minutes = round(span / timedelta(minutes=1))
    if minutes < 120:
        return many(minutes, "minute")
    return many(round(minutes / 60), "hour") if minutes < 48 * 60 else many(round(minutes / 1440), "day")


def parse_date_header(header: str | None) -> datetime | None:
    """The time in the Date header of a response, aware and UTC; None if it is missing or malformed."""
    try:
        parsed = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)
