"""A report as data: its filter and its sections, before any format writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from etl.reports.recorded_days import Days, Recorded
from etl.warehouse.listeners import RecordedListener

COUNTS_AS = {  # the minimum of a counted play, in words; defined in sql/functions/is_counted.sql
    "30s": "at least thirty seconds",
    "half": "at least half of it, or four minutes",
    "full": "played to its end",
    "all": "everything, however short",
}
FEW = 5  # rows of a section in a report that is about more than this section


class ReportError(Exception):
    """The report can't be made or written. The message is for the person."""


class SpanError(ReportError):
    """The days that were asked for have their end before their beginning."""


@dataclass(frozen=True)
class ReportFilter:
    """The plays that a report is about, and the number of its rows.

    listener: whose plays. counts_as: the minimum of a counted play, a key of COUNTS_AS.
    since_date, until_date: local days, both included; None is open. by: order of rankings, `plays` or `time`.
    row_limit: rows of a section at most; None is all of them. with_excluded: also what the listener's rules leave out.
    with_keys: sections keep the columns by which pages of the web application link.
    """

    listener: RecordedListener
    counts_as: str = "30s"
    since_date: date | None = None
    until_date: date | None = None
    by: str = "plays"
    row_limit: int | None = 10
    with_excluded: bool = False
    with_keys: bool = False


@dataclass(frozen=True)
class Section:
    """The result of one file of sql/reports/: its name, its title, its columns and rows.

    How a section is shown is described in `sections.SECTIONS`, by its name.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def first(self) -> dict[str, Any]:
        """The only row, or the first; empty when there is none."""
        return self.records()[0] if self.rows else {}


@dataclass(frozen=True)
class LeftOut:
    """What a listener's rules leave out of the plays of a report: their number, counted plays and milliseconds.

    None: not counted, as in a search, which looks at few plays.
    """

    rule_count: int
    play_count: int | None = None
    listened_ms: int | None = None


@dataclass(frozen=True)
class Report:
    """A report before it is written. Its repr shows no title of a track.

    name: `daily`, `top`, `wrapped` … made_at: aware. criteria: None while nobody is recorded.
    note: a sentence beneath the report, or instead of one. recorded: the recorded days; None where that is not known.
    csv_head: the columns of a report without sections. left_out: what rules leave out, or would; None without rules.
    """

    name: str
    title: str = field(repr=False)
    made_at: datetime
    criteria: ReportFilter | None
    sections: tuple[Section, ...] = field(repr=False)
    note: str = field(default="", repr=False)
    recorded: Recorded | None = None
    csv_head: tuple[str, ...] = ()
    left_out: LeftOut | None = None

    def section(self, name: str) -> Section:
        """The section of this name; an empty one when the report has none."""
        return next((one for one in self.sections if one.name == name), Section(name, "", (), ()))

    @property
    def is_empty(self) -> bool:
        return not any(one.rows for one in self.sections)

    @property
    def time_zone(self) -> tzinfo | None:
        """The listener's; None while nobody is recorded."""
        return self.criteria.listener.time_zone if self.criteria else None

    @property
    def measure(self) -> str:
        """The column that orders rankings and gives the length of bars."""
        return "listened_ms" if self.criteria and self.criteria.by == "time" else "play_count"

    @property
    def days(self) -> list[Days]:
        """The days of the filter up to today, in runs that are covered, have a gap, or are not recorded."""
        if self.recorded is None or self.criteria is None:
            return []
        return self.recorded.of(self.criteria.since_date, self.criteria.until_date)
