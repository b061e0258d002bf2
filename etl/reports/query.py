"""Run the files of sql/reports/ for one listener and put their results together into reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl.reports.model import FEW, LeftOut, Report, ReportError, ReportFilter, Section
from etl.reports.recorded_days import Recorded
from etl.reports.sections import REPORTS, SECTIONS, csv_head
from etl.warehouse.statements import run, run_with_columns

# What a report can be about: an artist, a recording, an album in all its editions (or a show), a genre, a context.
ABOUT: dict[str, int | str | None] = dict.fromkeys(
    ("artist_key", "recording_key", "album_key", "genre_name", "context_key")
)
# What can restrict a history: each a column of sql/reports/history.sql or a key; None, or False, does not.
# before_at, before_key: moment and play_key of the last play of the page before.
NO_FILTER: dict[str, Any] = {
    **dict.fromkeys(("artist_key", "recording_key", "album_key", "context_key", "source_name", "search_text")),
    "only_skipped": False,
    "before_at": None,
    "before_key": None,
}
COUNTED = ("report_counted", "report_track_of_plays", "report_credit")  # for `prepare`: without short listens
YEARS_OF_DAYS = 2  # of more, days are too many to be seen one by one
LEFT_OUT_OF = {"report_play": "_of_plays", "report_track": "_of_tracks"}  # what takes left-out plays from a table
NEARNESS = (0, 2, 6)  # column likeness of search_artists and search_tracks: similar, all the words, the very name
SAME_WEEKDAYS = timedelta(weeks=8)  # before the day of a report; their average is its usual weekday


class Reporter:
    """Makes reports of one listener's plays, all within one transaction.

    Its methods raise WarehouseError, and ReportError where they say so.
    """

    def __init__(self, connection: Connection, criteria: ReportFilter, now: datetime) -> None:
        """connection: within a transaction, which ends with the report. now: aware."""
        self.connection, self.criteria, self.now = connection, criteria, now
        run(connection, "reports/shared/report_session")
        since, until = self.bounds(criteria.since_date, criteria.until_date)
        [record] = run(connection, "reports/shared/report_record", **self.listener, now=now)
        self.recorded = Recorded(
            record.covered_days, record.lost_days, record.first_date, record.new_since, record.today
        )
        self.parameters = {
            **self.listener,
            "counts_as": criteria.counts_as,
            "since": since,
            "until": until,
            "since_date": criteria.since_date,
            "until_date": criteria.until_date,
            **record._mapping,
            "by": criteria.by,
            "row_limit": criteria.row_limit,
            "with_excluded": criteria.with_excluded,
            "row_offset": 0,
            **NO_FILTER,
        }
        self.left_out = LeftOut(record.rule_count) if record.rule_count else None
        if self.left_out:
            run(connection, "reports/shared/excluded_tracks", **self.parameters)
            if criteria.with_excluded:
                run(connection, "reports/shared/with_excluded")

    @property
    def listener(self) -> dict[str, int]:
        return {"listener_key": self.criteria.listener.listener_key}

    def bounds(self, since: date | None, until: date | None) -> tuple[Any, Any]:
        """The first moment of these local days, and the first one after them; infinite where they are open."""
        [span] = run(self.connection, "reports/shared/report_span", **self.listener, since_date=since, until_date=until)
        return span.since, span.until

    def recorded_span(self) -> dict[str, date]:
        """The days of the filter; where they are open, from the first recorded day and to today."""
        today = self.recorded.today
        since = self.criteria.since_date or self.recorded.first_date or today
        return {"since_date": since, "until_date": self.criteria.until_date or max(since, today)}

    def fetch(self, name: str, **parameters: Any) -> Section:
        """Run sql/reports/`name`.sql, with the parameters of this reporter and these.

        Without the columns for links, unless the filter asks for them.
        """
        found = self.fetch_with_keys(name, **parameters)
        return found if self.criteria.with_keys else without_keys(found)

    def fetch_with_keys(self, name: str, **parameters: Any) -> Section:
        """The same with all columns, which name things by their keys too."""
        file = f"reports/{name}"
        columns, rows = run_with_columns(self.connection, file, **{**self.parameters, **parameters})
        return Section(name, SECTIONS[name].title, columns, tuple(tuple(row) for row in rows))

    def sections_of(self, report: str, **parameters: Any) -> Iterator[Section]:
        """The sections of a report in the order of REPORTS, each fetched when its turn comes."""
        for name in REPORTS[report]:
            limit = {"row_limit": FEW} if report in SECTIONS[name].few_in else {}
            yield self.fetch(name, **limit, **parameters)

    def prepare(self, *tables: str, **about: Any) -> None:
        """Fill the temporary tables that sections share: these, or report_play, report_track and report_credit.

        report_play brings report_listen along. about: what restricts both, by one of the names in ABOUT.
        """
        for table in tables or ("report_play", "report_track_of_plays", "report_credit"):
            run(
                self.connection,
                f"reports/shared/{table}",
                **{**self.parameters, **ABOUT, **about},
            )
            if table in LEFT_OUT_OF and not self.criteria.with_excluded:
                self.count_left_out(LEFT_OUT_OF[table])  # and take it away, before the next table is made
        if self.criteria.with_excluded or "report_counted" in tables:
            self.count_left_out(artist_key=about.get("artist_key"), recording_key=about.get("recording_key"))

    def count_left_out(
        self, where: str = "", *, artist_key: int | None = None, recording_key: int | None = None
    ) -> None:
        """Set the counts of `left_out`: of what `prepare` found (a value of LEFT_OUT_OF), or by a look at all plays.

        The keys restrict that look to an artist or a recording.
        """
        if self.left_out:
            about = {"artist_key": artist_key, "recording_key": recording_key}
            [found] = run(self.connection, f"reports/shared/left_out{where}", **{**self.parameters, **about})
            self.left_out = LeftOut(self.left_out.rule_count, found.play_count, found.listened_ms)

    def report(self, name: str, title: str, *sections: Section, note: str = "") -> Report:
        return Report(name, title, self.now, self.criteria, sections, note, self.recorded, left_out=self.left_out)

    def daily(self, day: date) -> Report:
        """A local day, against the day before and the same weekday of the eight weeks before."""
        self.prepare()
        since_usual, _ = self.bounds(day - SAME_WEEKDAYS, day)
        sections = self.sections_of("daily", report_date=day, since_usual=since_usual)
        return self.report("daily", f"{day:%A}, {day.day} {day:%B %Y}", *sections)

    def top(self, kind: str, row_offset: int = 0) -> Report:
        """The most played, after the first `row_offset`. kind: tracks, artists, albums, genres or shows."""
        self.prepare("report_track", *(["report_credit"] if kind in {"artists", "genres"} else []))
        by = "by time" if self.criteria.by == "time" else "by plays"
        title = f"Top {'podcasts and audiobooks' if kind == 'shows' else kind} {by}{span_in_words(self.criteria)}"
        return self.report("top", title, *self.sections_of(f"top {kind}", row_offset=row_offset))

    def wrapped(self, year: int | None) -> Report:
        """A year; None is all of them, in one. Of one without plays, only its totals and gaps."""
        self.prepare(*(() if year else COUNTED))
        title = f"{year}, wrapped" if year else "All years, wrapped"
        sections = self.sections_of("wrapped") if year else self.sections_of("all years", **self.recorded_span())
        totals = next(sections)
        if not totals.first["play_count"]:
            return self.report("wrapped", title, totals, self.fetch("gaps"))
        return self.report("wrapped", title, totals, *sections)

    def overview(self) -> Report:
        """How much and what was played in the days of the filter. Of days without plays, only their totals."""
        self.prepare(*COUNTED)
        totals, *rest = REPORTS["overview"]
        sections = [self.fetch(totals)]
        if sections[0].first["play_count"]:
            sections += map(self.fetch, rest)
        return self.report("overview", f"At a glance{span_in_words(self.criteria)}", *sections)

    def times(self) -> Report:
        """When something was played in the days of the filter, and what was new.

        A calendar only of up to YEARS_OF_DAYS years; charts of an open span begin with the first recorded day.
        """
        self.prepare(*COUNTED)
        span = self.recorded_span()
        is_long = span["until_date"].year - span["since_date"].year >= YEARS_OF_DAYS
        names = [name for name in REPORTS["times"] if not (is_long and name == "plays_by_day")]
        sections = (self.fetch(name, **span) for name in names)
        return self.report("times", f"When{span_in_words(self.criteria)}", *sections)

    def features(self, year: int) -> Report:
        """The moods of a year, by audio features."""
        self.prepare("report_play", "report_feature")
        return self.report("features", f"{year}, by mood", *self.sections_of("features"))

    def artist(self, name: str) -> Report:
        """The artist whose name is most like this one, year by year. Raises ReportError when none is like it."""
        matches = self.best_matches("search_artists", name)
        artist = matches.first
        key = {"artist_key": artist["artist_key"]}
        self.prepare(**key)
        note = also_found(matches, "artist_name")
        return self.report("artist", artist["artist_name"], *self.sections_of("artist", **key), note=note)

    def track(self, name: str) -> Report:
        """The track whose name is most like this one, year by year. Raises ReportError when none is like it."""
        matches = self.best_matches("search_tracks", name)
        track = matches.first
        key = {"recording_key": track["recording_key"]}
        self.prepare("report_play", **key)
        note = also_found(matches, "track_name")
        sections = self.sections_of("track", track_key=track["track_key"], **key)
        return self.report("track", track["track_name"], *sections, note=note)

    def history_filters(self, artist: str | None, track: str | None) -> tuple[dict[str, int | None], str]:
        """The keys that restrict a history, {artist_key, recording_key}, and the end of its title.

        A history shows what rules leave out, so names are looked for in that, too. Raises ReportError when no artist or track is like the name.
        """
        keys: dict[str, int | None] = {"artist_key": None, "recording_key": None}
        about = ""
        for name, file, key, column in (
            (track, "search_tracks", "recording_key", "track_name"),
            (artist, "search_artists", "artist_key", "artist_name"),
        ):
            if name is not None:
                match = self.best_matches(file, name, with_left_out=True).first
                keys[key] = match[key]
                about += f", {match[column]}"
        return keys, about + span_in_words(self.criteria)

    def best_matches(self, file: str, name: str, *, with_left_out: bool = False) -> Section:
        """Search the whole record for a name, best match first: among counted plays, else among all plays.

        file: search_artists or search_tracks. with_left_out: also among what rules leave out. The very name wins over
        another that is only like it, also if its plays are short or left out. Raises ReportError when there is no match,
        or when what has the very name is left out.
        """
        if with_left_out and self.left_out:
            with self.leaving_nothing_out():
                return self.best_matches(file, name)
        since, until = self.bounds(None, None)
        whole_record = {"search_text": name, "row_limit": FEW, "since": since, "until": until}
        matches = self.fetch_with_keys(file, **whole_record)
        if nearness(matches) == len(NEARNESS):
            return matches
        if self.criteria.counts_as != "all":
            wider = self.fetch_with_keys(file, **whole_record, counts_as="all")
            matches = wider if nearness(wider) > nearness(matches) else matches
        if self.left_out and not self.criteria.with_excluded:
            with self.leaving_nothing_out():
                everything = self.fetch_with_keys(file, **whole_record, counts_as="all")
            if nearness(everything) > nearness(matches):
                raise ReportError(
                    "What has a name like this is left out by a rule (brapped exclude list). --with-excluded shows it."
                )
        if not matches.rows:
            what = "artist" if file == "search_artists" else "track"
            raise ReportError(f"No {what} among the recorded plays has a name like this.")
        return matches

    @contextmanager
    def leaving_nothing_out(self) -> Iterator[None]:
        """What is fetched within it also finds what rules leave out."""
        run(self.connection, "reports/shared/with_excluded")
        yield
        if not self.criteria.with_excluded:
            run(self.connection, "reports/shared/without_excluded")

    def search(self, name: str) -> Report:
        """Artists and tracks whose names are like this one, in the days of the filter."""
        sections = self.sections_of("search", search_text=name)
        return self.report("search", f"Like “{name}”", *sections)


def nearness(matches: Section) -> int:
    """How near the best match of a search is: 3 for the very name, 2 for all of its words, 1 for similar, 0 for none.

    Pure.
    """
    return sum(matches.first["likeness"] >= least for least in NEARNESS) if matches.rows else 0


def without_keys(section: Section) -> Section:
    """The section with the columns of its SectionSpec only: without the keys that pages link by, and what they count."""
    kept = [number for number, column in enumerate(section.columns) if column in SECTIONS[section.name].columns]
    return replace(
        section,
        columns=tuple(section.columns[number] for number in kept),
        rows=tuple(tuple(row[number] for number in kept) for row in section.rows),
    )


def also_found(matches: Section, column: str) -> str:
    """A sentence with the other matches; empty without any. column: of their names."""
    names = [record[column] for record in matches.records()[1:]]
    return f"Also found: {'; '.join(names)}." if names else ""


def span_in_words(criteria: ReportFilter) -> str:
    """The days of the filter as the end of a title; empty when it has none."""
    since, until = criteria.since_date, criteria.until_date
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
    """The report of a warehouse without a listener. name: a key of REPORTS, such as `top tracks`."""
    return Report(
        name.partition(" ")[0],
        "Nothing is recorded yet",
        now,
        None,
        (),
        "To record what you play from now on, run brapped plays; to bring in your past, brapped import. brapped demo"
        " shows what will stand here.",
        csv_head=tuple(csv_head(name)),
    )
