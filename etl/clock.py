"""Clocks: how far this computer's is from that of a server, and whether a run may go by it. Pure."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from etl.counts import many

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

WARN_AFTER = timedelta(minutes=5)  # budgets and pauses are a little off by then, nothing that is recorded
REFUSE_AFTER = timedelta(hours=1)  # the ledger, the end of a login and the order of runs would be wrong


class WrongClock(Exception):
    """This computer's clock and a server's are too far apart to record anything. `true_at`: the time by that server."""

    def __init__(self, said: str, true_at: datetime) -> None:
        self.true_at = true_at
        super().__init__(said)


def check_clock(now: datetime, server_at: datetime, whose: str) -> None:
    """Compares this computer's time with that of a server (`whose` clock it is, as in "the database's").

    Logs a warning when they are minutes apart; raises WrongClock when it is an hour or more.
    """
    apart = now - server_at
    if abs(apart) < WARN_AFTER:
        return
    said = (
        f"This computer's clock is {span_in_words(abs(apart))} {'ahead of' if apart > timedelta(0) else 'behind'} {whose}: here it is"
        f" {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, there {server_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    )
    if abs(apart) >= REFUSE_AFTER:
        raise WrongClock(f"{said} Nothing was recorded. Set whichever is wrong, and run this again.", server_at)
    log.warning("%s Set whichever is wrong.", said)


def span_in_words(span: timedelta) -> str:
    """A span in its largest unit: 7 minutes, 3 hours, 730 days."""
    minutes = round(span / timedelta(minutes=1))
    if minutes < 120:
        return many(minutes, "minute")
    return many(round(minutes / 60), "hour") if minutes < 48 * 60 else many(round(minutes / 1440), "day")


def parse_date_header(header: str | None) -> datetime | None:
    """The moment in the Date header of an answer; None where there is none, or none that can be read."""
    try:
        told = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)
