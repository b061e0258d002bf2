"""Which days a page is about, as its address says: a preset, a year, a month, or first and last day. Pure."""

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlencode

from etl.reports.recorded_days import Days, days_in_words

DAY = timedelta(days=1)
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)  # no play is older than Spotify; a typing error is told early
PRESETS = {
    "week": "This week",
    "month": "This month",
    "year": "This year",
    "30d": "30 days",
    "90d": "90 days",
    "all": "All",
}
NAMES = ("span", "year", "month", "since", "until")  # of the query

Unit = Literal["days", "month", "year", "open"]


class SpanError(ValueError):
    """The address names no span. The message is for the person."""


@dataclass(frozen=True)
class Span:
    """Local days, both included; None is open. `given`: the query that asks for it. `unit`: what comes before it."""

    since: date | None
    until: date | None
    unit: Unit
    given: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        """For an address: `year=2024`."""
        return urlencode(self.given)

    @property
    def value(self) -> dict[str, str]:
        """What was asked for, by name."""
        return dict(self.given)

    @property
    def words(self) -> str:
        """As in a sentence: `1 to 29 November 2026`, `since 1 May 2024`, `all days`."""
        if self.since and self.until:
            return days_in_words(Days(self.since, self.until, ""))
        if self.since or self.until:
            day = self.since or self.until or EARLIEST
            return f"{'since' if self.since else 'until'} {days_in_words(Days(day, day, ''))}"
        return "all days"

    @property
    def title(self) -> str:
        """As a heading: `2024`, `May 2024`, `1 to 29 November 2026`, `Since 1 May 2024`, `All days`."""
        if self.since and self.unit in ("month", "year"):
            return f"{self.since:%B %Y}" if self.unit == "month" else str(self.since.year)
        return self.words[0].upper() + self.words[1:]

    def before(self, today: date) -> "Span | None":
        """The span of the same length before, of whose days none are to come; None for one without beginning or end.

        Of a month or year it is the month or year before, up to the same day: 1 to 29 October for 1 to 29 November.
        """
        if self.since is None or self.until is None or self.since > today:
            return None
        last = min(self.until, today)
        if self.unit == "days":
            length = last - self.since + DAY
            days = self.since - length, self.since - DAY
        else:
            step = 12 if self.unit == "year" else 1
            is_whole = last == self.until and (last + DAY).day == 1
            end = months_earlier(last, step)
            days = months_earlier(self.since, step), last_of_month(end) if is_whole else end
        return between(*days, "days")


def span_of(query: Mapping[str, str], today: date, default: str = "30d") -> Span:
    """The span that a query asks for by span, year, month, or since and until; empty values count as absent.

    today: by the listener's clock. default: a key of PRESETS. Raises SpanError.
    """
    asked = {name: query[name].strip() for name in NAMES if query.get(name, "").strip()}
    kinds = {"since" if name == "until" else name for name in asked}
    if len(kinds) > 1:
        raise SpanError("The address asks for two spans. Give span, year, month, or since and until.")
    if "year" in asked:
        return year_span(asked["year"])
    if "month" in asked:
        return month_span(asked["month"])
    if kinds == {"since"}:
        since, until = (day_of(asked[name], name) if name in asked else None for name in ("since", "until"))
        return between(since, until, "days" if since and until else "open")
    return preset(asked.get("span", default), today)


def preset(name: str, today: date) -> Span:
    """The span of a key of PRESETS: from its beginning to today. Raises SpanError."""
    monday = today - timedelta(days=today.weekday())
    begun: dict[str, Callable[[], tuple[date | None, date | None, Unit]]] = {
        "week": lambda: (monday, monday + timedelta(days=6), "days"),
        "month": lambda: (today.replace(day=1), last_of_month(today), "month"),
        "year": lambda: (date(today.year, 1, 1), date(today.year, 12, 31), "year"),
        "30d": lambda: (today - timedelta(days=29), today, "days"),
        "90d": lambda: (today - timedelta(days=89), today, "days"),
        "all": lambda: (None, None, "open"),
    }
    if name not in begun:
        raise SpanError(f"There is no span '{name[:20]}'. There are: {', '.join(begun)}.")
    since, until, unit = begun[name]()
    return Span(since, until, unit, (("span", name),))


def year_span(text: str) -> Span:
    """A calendar year, as 2024. Raises SpanError."""
    if not (text.isascii() and text.isdecimal() and EARLIEST.year <= int(text[:6]) <= LATEST.year):
        raise SpanError(f"'{text[:20]}' is no year. Write it as 2024.")
    year = int(text)
    return Span(date(year, 1, 1), date(year, 12, 31), "year", (("year", str(year)),))


def month_span(text: str) -> Span:
    """A calendar month, as 2024-05. Raises SpanError."""
    try:
        first = day_of(f"{text}-01", "month")
    except SpanError:
        raise SpanError(f"'{text[:20]}' is no month. Write it as 2024-05.") from None
    return Span(first, last_of_month(first), "month", (("month", f"{first:%Y-%m}"),))


def between(since: date | None, until: date | None, unit: Unit) -> Span:
    """From day to day. Raises SpanError when the last day is before the first."""
    if since and until and until < since:
        raise SpanError("The last day is before the first.")
    given = [(name, day.isoformat()) for name, day in (("since", since), ("until", until)) if day]
    return Span(since, until, unit, tuple(given))


def day_of(text: str, name: str) -> date:
    """A day as 2024-05-17. Raises SpanError."""
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day <= LATEST:
        raise SpanError(f"'{text[:20]}' is no day ({name}). Write it as 2024-05-17.")
    return day


def months_earlier(day: date, count: int) -> date:
    """The same day of an earlier month, or the last of that month if it has no such day."""
    years, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
