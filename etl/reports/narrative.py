"""The sentences of a report: one function a section, each taking the section and its report.

The section has rows, unless its SectionSpec says narrates_nothing. Each sentence ends with a full stop; names in it
are as `labels.in_a_line` leaves them. Days and moments are by the listener's clock.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from etl.counts import duration, many
from etl.notices import ago, source_in_words, why_lost
from etl.reports.labels import day, in_a_line, moment, share
from etl.reports.model import FEW, Report, ReportFilter, Section
from etl.reports.recorded_days import COVERED, NOT_RECORDED

Sentences = Iterator[str]

TOO_YOUNG = "the record is too young to know what is new (that takes ninety recorded days before it)"


def nothing(report: Report) -> str:
    """The sentence of a report without rows; empty when its span is still to come, which the top of the report says."""
    if report.name == "search":
        if report.left_out and not with_excluded(report):
            return "No match among the plays that count. --with-excluded also looks among what rules leave out."
        return "No match among the plays that are recorded."
    if report.recorded and report.criteria and not report.days:
        return ""
    if report.days and not any(run.coverage == COVERED for run in report.days):
        return "What was played is not known."
    if any(section.name == "top_genres" for section in report.sections):
        return (
            "No genre of what was played is known. Spotify gives genres for few artists,"
            " and only once `dimensions` has run."
        )
    if report.name == "history":  # it may be that of an artist or a track
        if any(run.coverage != COVERED for run in report.days):
            return "No plays on the days that are recorded."
        return "No plays in these days." if report.criteria and has_span(report.criteria) else "No plays."
    if leaves_out(report):
        return "Nothing is left: rules leave plays out."
    if any(run.coverage != COVERED for run in report.days):
        return "Nothing was played on the days that are recorded."
    return "Nothing was played."


def with_excluded(report: Report) -> bool:
    return report.criteria is not None and report.criteria.with_excluded


def leaves_out(report: Report) -> bool:
    """Whether rules leave plays out of the report. Pure."""
    return report.left_out is not None and bool(report.left_out.play_count) and not with_excluded(report)


def has_span(criteria: ReportFilter) -> bool:
    return criteria.since_date is not None or criteria.until_date is not None


# Reports of a day.


def daily_totals(section: Section, report: Report) -> Sentences:
    """The reason that there is no usual weekday to compare with; nothing where there is one."""
    row = section.first
    if row.get("local_date") and not any(row["local_date"] is None for row in section.records()):
        yield f"No usual {row['local_date']:%A} yet: none of the eight before is recorded without a gap."


def plays_by_hour(section: Section, report: Report) -> Sentences:
    """The hours of the day that are not recorded; silent when all are, or none is."""
    hours = [row["hour"] for row in section.records() if row["play_count"] is None]
    if hours and len(hours) < len(section.rows):
        yield f"Not recorded: {spans_of_hours(hours)}."


def spans_of_hours(hours: list[int]) -> str:
    """0 to 7 and 21 to 24: as the clock shows them."""
    starts = [hour for hour in hours if hour - 1 not in hours]
    ends = [hour + 1 for hour in hours if hour + 1 not in hours]
    return " and ".join(f"{start} to {end}" for start, end in zip(starts, ends, strict=True))


def first_listens(section: Section, report: Report) -> Sentences:
    """The number of rows beyond the table, or the reason that none can be known."""
    if not section.first.get("is_discovery", True):
        yield f"Not known: {TOO_YOUNG}."
        return
    more = len(section.rows) - FEW
    if more > 0:
        yield f"And {more:,} more."


def streak_of_day(section: Section, report: Report) -> Sentences:
    """The days in a row up to the day of the report, and whether the streak goes on, ended, or may be longer."""
    row = section.first
    if row["day_count"]:
        more = "; it may be longer, because the day before is not recorded or has a gap" if row["is_open_ended"] else ""
        in_a_row = f"{many(row['day_count'], 'day')} in a row, since {day(row['first_date'])}{more}"
        first_day = report.criteria.since_date if report.criteria else None
        last = row["first_date"] + timedelta(days=row["day_count"] - 1)
        if first_day is None or last >= first_day:
            yield f"{in_a_row}."
        elif report.recorded and first_day >= report.recorded.today:
            yield f"{in_a_row}, up to the day before; nothing on this day yet."
        else:
            why = ": rules leave out what was played on this day" if leaves_out(report) else ""
            yield f"{in_a_row}; it ended on {day(last)}, the day before{why}."
    elif leaves_out(report):
        yield "Nothing that counts on this day: rules leave out what was played."
    elif row["is_open_ended"]:
        yield "Nothing on this day; the day before is not recorded or has a gap."
    else:
        yield "Nothing on this day, nor on the day before."


def still_unknown(section: Section, report: Report) -> Sentences:
    """Unknown values, and their likely source; only one sentence when the day is not recorded."""
    row = section.first
    if any(run.coverage == NOT_RECORDED for run in report.days) or (report.recorded and not report.days):
        yield "Everything: this day is not recorded."
        return
    if row["gap_count"]:
        yield "Plays that were probably lost: see below. An export brings them."
    if row["unnamed_play_count"]:
        yield f"{many(row['unnamed_play_count'], 'play')} without a track: no source reports what was played."
    if row["inferred_track_count"]:
        yield f"{many(row['inferred_track_count'], 'track')} not yet described; the dimensions job will do that."
    if row["estimated_play_count"]:
        yield f"The time of {many(row['estimated_play_count'], 'play')}, which is estimated; an export has it."
    if row["unmeasured_play_count"]:
        yield f"The time of {many(row['unmeasured_play_count'], 'play')}."
    if not any(row.values()):
        yield "Nothing, as far as is known."


def coverage(section: Section, report: Report) -> Sentences:
    """One sentence a span of the coverage ledger: covered, an open gap, or a gap that an import closed."""
    zone = report.time_zone
    for row in section.records():
        source = source_in_words(row["source"])
        begin, end = moment(row["starts_at"], zone), moment(row["ends_at"], zone)
        if row["state"] == "covered":
            span = "all of it" if row["is_whole"] else f"it from {begin} to {end}"
            yield f"{source[0].upper()}{source[1:]} covers {span}."
        elif row["closed_at"]:
            by, on = source_in_words(row["closed_by"]), day(row["closed_at"].astimezone(zone))
            yield f"Plays lost between {begin} and {end} were brought by {by} on {on}."
        else:
            yield lost_in_gap(row, report)


def freshness(section: Section, report: Report) -> Sentences:
    """The last play, and the last answer of Spotify."""
    row, zone = section.first, report.time_zone
    if row["last_played_at"]:
        yield f"The last play recorded ended {moment(row['last_played_at'], zone)}."
    if row["checked_at"]:
        yield f"Spotify was last checked {moment(row['checked_at'], zone)}, {ago(row['checked_at'], report.made_at)}."
    else:
        yield "Spotify itself was never checked; all plays are from exports."


# Reports of a year.


def span_totals(section: Section, report: Report) -> Sentences:
    """Plays, time, tracks, artists and days; without plays, what `nothing` says."""
    row = section.first
    if not row["play_count"]:
        if sentence := nothing(report):
            yield sentence
        return
    yield (
        f"{many(row['play_count'], 'play')} in {duration(row['listened_ms'])}: {many(row['track_count'], 'track')} by"
        f" {many(row['artist_count'], 'artist')} on {many(row['day_count'], 'day')}."
    )
    if row["podcast_share"]:
        yield f"{share(row['podcast_share'])} of the time were podcasts and audiobooks."
    if row["estimated_share"]:
        yield f"{share(row['estimated_share'])} of the time is estimated, because no export has reported it yet."


def discovered(section: Section, report: Report) -> Sentences:
    """The number of new artists and tracks, or the reason that it can't be known; nothing when there are none."""
    since = report.recorded.new_since if report.recorded else None
    days = report.days
    if report.recorded and (since is None or not days or days[-1].last_date < since):
        if any(run.coverage == COVERED for run in days):
            yield f"Not known: {TOO_YOUNG}."
        return
    if not section.rows:
        return
    row = section.first
    is_late = since and days and days[0].first_date < since
    when = f" since {day(since)}; before that {TOO_YOUNG}" if since and is_late else ""
    yield (
        f"{many(row['new_artist_count'], 'artist')} and {many(row['new_track_count'], 'track')}"
        f" heard for the first time{when}."
    )


def longest_streak(section: Section, report: Report) -> Sentences:
    """The longest streak, and whether it may have been longer."""
    row = section.first
    yield (
        f"{many(row['day_count'], 'day')} in a row, {day(row['first_date'])} to {day(row['last_date'])}:"
        f" {many(row['play_count'], 'play')}."
    )
    if leaves_out(report):
        yield "A day of which rules leave out everything does not count."
    if row["is_open_ended"]:
        yield "It may have been longer: the day before or after is not recorded or has a gap."


def longest_session(section: Section, report: Report) -> Sentences:
    row, zone = section.first, report.time_zone
    yield (
        f"{duration(row['listened_ms'])} of listening, from {moment(row['started_at'], zone)} to"
        f" {moment(row['ended_at'], zone)}."
    )


def most_repeated(section: Section, report: Report) -> Sentences:
    row = section.first
    track = in_a_line(row["track_name"] or "A track without a name")
    artists = in_a_line(row["artist_names"] or "an unknown artist")
    yield f"{track} by {artists}: {many(row['play_count'], 'time')} on {day(row['local_date'])}."


def skips(section: Section, report: Report) -> Sentences:
    yield f"{share(section.first['all_skip_share'])} of all music was skipped, as far as Spotify reports."


def beyond_wrapped(section: Section, report: Report) -> Sentences:
    """Plays that Wrapped leaves out. Nothing for a count of 0, or of null, where no source reports it."""
    row = section.first
    whole = row["listened_ms"] or 1
    yield f"Everything counted, however short: {many(row['listen_count'], 'listen')}, {duration(row['listened_ms'])}."
    if row["short_count"]:
        yield (
            f"{many(row['short_count'], 'listen')} of less than thirty seconds, {duration(row['short_ms'])} in all: for"
            " Wrapped they never happened."
        )
    if row["late_count"]:
        is_whole = all(run.coverage == COVERED for run in report.days)
        of_what = "the year" if is_whole else "what is recorded"
        yield (
            f"After mid-November, when Wrapped stops counting: {duration(row['late_ms'])},"
            f" {share(row['late_ms'] / whole)} of {of_what}."
        )
    if row["private_count"]:
        yield f"In private sessions: {duration(row['private_ms'])}."
    if row["offline_count"]:
        yield f"Without a connection: {many(row['offline_count'], 'listen')}."
    if row["unnamed_count"]:
        yield f"{many(row['unnamed_count'], 'listen')} without a track, even in Spotify's own record."


def gaps(section: Section, report: Report) -> Sentences:
    """One sentence an open gap of the coverage ledger."""
    for row in section.records():
        yield lost_in_gap(row, report)


def lost_in_gap(row: dict[str, Any], report: Report) -> str:
    """An open gap of the coverage ledger, and why its plays were lost."""
    begin, end = moment(row["starts_at"], report.time_zone), moment(row["ends_at"], report.time_zone)
    return f"Plays between {begin} and {end} were probably lost: {why_lost(row['reason'])}."


# Reports of an artist or a track.


def in_numbers(section: Section, report: Report) -> Sentences:
    """Plays, days, first and last play of an artist or a track."""
    row, zone = section.first, report.time_zone
    if not row["play_count"]:
        yield "No play meets --min."
        return
    yield f"{many(row['play_count'], 'play')} in {duration(row['listened_ms'])} on {many(row['day_count'], 'day')}."
    if row.get("featured_play_count"):
        yield f"{many(row['main_play_count'], 'play')} as main artist, {row['featured_play_count']:,} as a guest."
    if row.get("track_count"):
        yield f"{many(row['track_count'], 'track')}."
    yield f"First {moment(row['first_played_at'], zone)}, last {moment(row['last_played_at'], zone)}."
