"""The reports: what was asked, and what the files of sql/reports/ answer. How it looks is for others to say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl.reports.columns import head_of
from etl.reports.recorded_days import Days, Recorded
from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run, run_with_columns, script

COUNTS_AS = {  # what counts as a play, and how to say so; decided in sql/functions/is_counted.sql
    "30s": "at least thirty seconds",
    "half": "at least half of it, or four minutes",
    "full": "played to its end",
    "all": "everything, however short",
}
FEW = 5  # rows of a part of a report that is not about them
SAME_WEEKDAYS = timedelta(weeks=8)  # what a usual weekday is taken from


class ReportError(Exception):
    """Why there is no such report. The message is for the person."""


@dataclass(frozen=True)
class Asked:
    """Whose plays of which local days (None: open, both included), what counts as one, and how many rows at most."""

    listener: RecordedListener
    counts_as: str = "30s"
    since_date: date | None = None
    until_date: date | None = None
    by: str = "plays"
    row_limit: int | None = 10


@dataclass(frozen=True)
class Section:
    """The answer of one file of sql/reports/: its name, its title, the columns and their rows."""

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
class Report:
    """A report before it is written: no title of a track is in its repr."""

    name: str
    title: str = field(repr=False)
    made_at: datetime
    asked: Asked | None  # None: nobody is recorded yet
    sections: tuple[Section, ...] = field(repr=False)
    note: str = field(default="", repr=False)  # what to say besides, or instead
    recorded: Recorded | None = None  # which days are; None: nothing is known of that
    csv_head: tuple[str, ...] = ()  # of a report without sections

    def section(self, name: str) -> Section:
        return next((one for one in self.sections if one.name == name), Section(name, "", (), ()))

    @property
    def is_empty(self) -> bool:
        return not any(one.rows for one in self.sections)

    @property
    def days(self) -> list[Days]:
        """The days asked for, up to today, in runs that are covered, have a gap, or are not recorded."""
        if self.recorded is None or self.asked is None:
            return []
        return self.recorded.of(self.asked.since_date, self.asked.until_date)


class Reporter:
    """Answers what one person asks, within one transaction."""

    def __init__(self, connection: Connection, asked: Asked, now: datetime) -> None:
        self.connection, self.asked, self.now = connection, asked, now
        run(connection, "reports/shared/report_session")
        since, until = self.moments(asked.since_date, asked.until_date)
        [record] = run(connection, "reports/shared/report_record", **self.listener, now=now)
        self.recorded = Recorded(
            record.covered_days, record.lost_days, record.first_date, record.new_since, record.today
        )
        self.parameters = {
            **self.listener,
            "counts_as": asked.counts_as,
            "since": since,
            "until": until,
            **days(asked),
            **record._mapping,
            "by": asked.by,
            "row_limit": asked.row_limit,
        }

    @property
    def listener(self) -> dict[str, int]:
        return {"listener_key": self.asked.listener.listener_key}

    def moments(self, since: date | None, until: date | None) -> tuple[Any, Any]:
        """The first moment of these local days, and the first one after them; infinite where they are open."""
        [span] = run(self.connection, "reports/shared/report_span", **self.listener, since_date=since, until_date=until)
        return span.since, span.until

    def ask(self, name: str, **parameters: Any) -> Section:
        """The answer of sql/reports/`name`.sql."""
        file = f"reports/{name}"
        columns, rows = run_with_columns(self.connection, file, **{**self.parameters, **parameters})
        return Section(name, title_of(file), columns, tuple(tuple(row) for row in rows))

    def count(self, *tables: str, artist_key: int | None = None, recording_key: int | None = None) -> None:
        """Makes what the parts of a report share, all or some: report_play with report_listen (as the keys restrict them), report_track, report_credit."""
        for table in tables or ("report_play", "report_track_of_plays", "report_credit"):
            run(
                self.connection,
                f"reports/shared/{table}",
                **self.parameters,
                artist_key=artist_key,
                recording_key=recording_key,
            )

    def report(self, name: str, title: str, *sections: Section, note: str = "") -> Report:
        return Report(name, title, self.now, self.asked, sections, note, self.recorded)

    def daily(self, day: date) -> Report:
        """A day of the listener's; what it is measured by goes back further."""
        self.count()
        on = {"report_date": day}
        return self.report(
            "daily",
            f"{day:%A}, {day.day} {day:%B %Y}",
            self.ask("daily_totals", since_usual=self.moments(day - SAME_WEEKDAYS, day)[0], **on),
            self.ask("top_tracks", row_limit=FEW),
            self.ask("top_artists", row_limit=FEW),
            self.ask("plays_by_hour"),
            self.ask("first_listens"),
            self.ask("streak_of_day", **on),
            self.ask("on_this_day", **on),
            self.ask("still_unknown"),
            self.ask("coverage"),
            self.ask("freshness"),
        )

    def top(self, kind: str) -> Report:
        self.count("report_track", *(["report_credit"] if kind in {"artists", "genres"} else []))
        by = "by time" if self.asked.by == "time" else "by plays"
        title = f"Top {'podcasts and audiobooks' if kind == 'shows' else kind} {by}{spoken_span(self.asked)}"
        return self.report("top", title, self.ask(f"top_{kind}"))

    def wrapped(self, year: int) -> Report:
        self.count()
        names = (
            "top_tracks", "top_artists", "top_albums", "top_genres", "top_shows", "plays_by_hour",
            "plays_by_day", "plays_by_month", "discovered", "longest_streak", "longest_session", "most_repeated", "skips",
            "not_told", "gaps",
        )  # fmt: skip
        few = {"discovered", "skips", "top_shows"}
        totals = self.ask("span_totals")
        if not totals.first["play_count"]:
            return self.report("wrapped", f"{year}, wrapped", totals, self.ask("gaps"))
        sections = [self.ask(name, **({"row_limit": FEW} if name in few else {})) for name in names]
        return self.report("wrapped", f"{year}, wrapped", totals, *sections)

    def artist(self, name: str) -> Report:
        found = self.found("search_artists", name)
        artist = found.first
        key = {"artist_key": artist["artist_key"]}
        self.count(**key)
        return self.report(
            "artist",
            artist["artist_name"],
            self.ask("artist_in_numbers", **key),
            self.ask("artist_by_year", **key),
            self.ask("artist_by_month", **key),
            self.ask("artist_tracks", **key),
            note=others(found, "artist_name"),
        )

    def track(self, name: str) -> Report:
        found = self.found("search_tracks", name)
        track = found.first
        recording = {"recording_key": track["recording_key"]}
        self.count("report_play", **recording)
        return self.report(
            "track",
            track["track_name"],
            self.ask("track_credits", track_key=track["track_key"]),
            self.ask("track_in_numbers", **recording),
            self.ask("track_by_year", **recording),
            self.ask("track_by_month", **recording),
            note=others(found, "track_name"),
        )

    def history_filters(self, artist: str | None, track: str | None) -> tuple[dict[str, int | None], str]:
        """The keys of whom and what a history is restricted to, and these as the end of a title."""
        found: dict[str, int | None] = {"artist_key": None, "recording_key": None}
        about = ""
        for name, file, key, shown in (
            (track, "search_tracks", "recording_key", "track_name"),
            (artist, "search_artists", "artist_key", "artist_name"),
        ):
            if name is not None:
                match = self.found(file, name).first
                found[key] = match[key]
                about += f", {match[shown]}"
        return found, about + spoken_span(self.asked)

    def found(self, file: str, name: str) -> Section:
        """What is most like a name in the whole record, best first: among the plays that count, else among all of them.

        Raises ReportError when nothing is.
        """
        since, until = self.moments(None, None)
        asked = {"told": name, "row_limit": FEW, "since": since, "until": until}
        found = self.ask(file, **asked)
        if not found.rows and self.asked.counts_as != "all":
            found = self.ask(file, **asked, counts_as="all")
        if not found.rows:
            what = "artist" if file == "search_artists" else "track"
            raise ReportError(f"No {what} among the plays that are recorded has a name like this.")
        return found

    def search(self, told: str) -> Report:
        sections = [self.ask(name, told=told) for name in ("search_artists", "search_tracks")]
        return self.report(
            "search", f"Like “{told}”", *(without(one, "track_key", "recording_key", "artist_key") for one in sections)
        )


def days(asked: Asked) -> dict[str, date | None]:
    return {"since_date": asked.since_date, "until_date": asked.until_date}


def title_of(file: str) -> str:
    return script(file).partition("\n")[0].removeprefix("-- ")


def without(section: Section, *columns: str) -> Section:
    """The section without what only the program needs."""
    kept = [number for number, column in enumerate(section.columns) if column not in columns]
    return replace(
        section,
        columns=tuple(section.columns[number] for number in kept),
        rows=tuple(tuple(row[number] for number in kept) for row in section.rows),
    )


def others(found: Section, column: str) -> str:
    """Who else could have been meant."""
    names = [record[column] for record in found.records()[1:]]
    return f"Also found: {'; '.join(names)}." if names else ""


def spoken_span(asked: Asked) -> str:
    """Which days, as the end of a title."""
    since, until = asked.since_date, asked.until_date
    if since is None and until is None:
        return ""
    if since is None or until is None:
        return f", since {since.isoformat()}" if since else f", until {until}"
    if since == date(since.year, 1, 1) and until == date(since.year, 12, 31):
        return f" of {since.year}"
    if (
        since.day == 1
        and (until + timedelta(days=1)).day == 1
        and since.replace(day=28) < until < since + timedelta(days=31)
    ):
        return f" of {since:%B %Y}"
    return f", {since.isoformat()} to {until.isoformat()}"


def nothing_recorded(name: str, now: datetime) -> Report:
    """The report of a database in which nobody has played anything: `top tracks`, `daily` …"""
    return Report(
        name.partition(" ")[0],
        "Nothing is recorded yet",
        now,
        None,
        (),
        "To record what you play from now on, run brapped plays; to bring in your past, brapped import. brapped demo shows"
        " what will stand here.",
        csv_head=tuple(head_of(name)),
    )
