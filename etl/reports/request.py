"""Turn the options of a command into the filter of a report."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl.reports.model import ReportFilter, SpanError
from etl.reports.query import Reporter
from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run


@dataclass(frozen=True)
class ReportContext:
    """The listener and the time of a report, on which `today` depends. `now` is aware."""

    connection: Connection
    listener: RecordedListener
    now: datetime

    def day(self, word: str) -> date:
        """The local day of `today`, `yesterday` or an ISO date. Raises ValueError for anything else."""
        today = self.now.astimezone(self.listener.time_zone).date()
        return {"today": today, "yesterday": today - timedelta(days=1)}.get(word) or date.fromisoformat(word)

    def span(self, since: str | None, until: str | None, year: int | None, month: str | None) -> dict[str, date | None]:
        """The local days of --since and --until, of --year, or of --month: {since_date, until_date}.

        Both are included; None is open. Raises SpanError when the last day is before the first.
        """
        if year is not None:
            return {"since_date": date(year, 1, 1), "until_date": date(year, 12, 31)}
        if month is not None:
            first = date.fromisoformat(f"{month}-01")
            return {"since_date": first, "until_date": (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)}
        first_day, last_day = (self.day(word) if word is not None else None for word in (since, until))
        if first_day and last_day and last_day < first_day:
            raise SpanError("--until is before --since")
        return {"since_date": first_day, "until_date": last_day}

    def last_year(self) -> int:
        """The last year with a play; the running one if there is none."""
        rows = run(self.connection, "reports/shared/years_played", listener_key=self.listener.listener_key)
        return next((row.year for row in rows), self.now.astimezone(self.listener.time_zone).year)

    def reporter(self, **fields: Any) -> Reporter:
        """A reporter with these fields of a ReportFilter."""
        return Reporter(self.connection, ReportFilter(self.listener, **fields), self.now)
