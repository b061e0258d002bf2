"""From the words of a command to a report, and from that to where it is to stand."""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl.reports.query import Asked, Reporter, ReportError
from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ask:
    """Who asks, and when: what the words of a command mean to them."""

    connection: Connection
    listener: RecordedListener
    now: datetime

    def day(self, told: str) -> date:
        today = self.now.astimezone(self.listener.time_zone).date()
        return {"today": today, "yesterday": today - timedelta(days=1)}.get(told) or date.fromisoformat(told)

    def span(self, since: str | None, until: str | None, year: int | None, month: str | None) -> dict[str, date | None]:
        """Local days, both included; None is open. Raises ReportError when the last one is before the first."""
        if year is not None:
            return {"since_date": date(year, 1, 1), "until_date": date(year, 12, 31)}
        if month is not None:
            first = date.fromisoformat(f"{month}-01")
            return {"since_date": first, "until_date": (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)}
        first_day, last_day = (self.day(told) if told is not None else None for told in (since, until))
        if first_day and last_day and last_day < first_day:
            raise ReportError("--until is before --since.")
        return {"since_date": first_day, "until_date": last_day}

    def last_year(self) -> int:
        """The last year with a play; the running one if there is none."""
        rows = run(self.connection, "reports/shared/years_played", listener_key=self.listener.listener_key)
        return next((row.year for row in rows), self.now.astimezone(self.listener.time_zone).year)

    def reporter(self, **asked: Any) -> Reporter:
        return Reporter(self.connection, Asked(self.listener, **asked), self.now)
