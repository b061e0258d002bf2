"""The parts of a report that are no tables, in sentences."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo

from etl.counts import many
from etl.notices import SOURCES, WHY_LOST
from etl.reports.formats.labels import day, duration, in_a_line, moment, nothing, share
from etl.reports.query import FEW, Report, Section
from etl.reports.recorded_days import COVERED, NOT_RECORDED, hours_recorded, sentences_about


def sentences(section: Section, report: Report) -> list[str]:
    """A part that is not a table, in words; nothing where there is nothing to say."""
    say = SENTENCES.get(section.name)
    zone = report.asked.listener.time_zone if report.asked else None
    return list(say(section, report, zone)) if say and (section.rows or section.name in SAID_WITHOUT_ROWS) else []


SAID_WITHOUT_ROWS = {"discovered"}  # that nothing is in it has a reason to be told


def recorded_sentences(report: Report) -> list[str]:
    """What stands on top of a report: which of its days are not recorded, and where plays were lost, if no part says so."""
    if report.recorded is None or report.asked is None or (report.name == "search" and not report.is_empty):
        return []
    has_gaps_told = any(section.name in ("gaps", "coverage") for section in report.sections)
    span = report.asked.since_date, report.asked.until_date
    said = list(sentences_about(report.recorded, *span, with_gaps=not has_gaps_told))
    day = report.asked.since_date
    if report.name == "daily" and not said and day and day < report.recorded.today:
        spans = [(told["starts_at"], told["ends_at"]) for told in report.section("coverage").records()]
        said += filter(None, [hours_recorded(spans, day, report.asked.listener.time_zone)])
    return said


Said = Iterator[str]


def of_span(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if not told["play_count"]:
        if said := nothing(report):
            yield said
        return
    yield (
        f"{many(told['play_count'], 'play')} in {duration(told['listened_ms'])}: {many(told['track_count'], 'track')} by"
        f" {many(told['artist_count'], 'artist')} on {many(told['day_count'], 'day')}."
    )
    if told["podcast_share"]:
        yield f"{share(told['podcast_share'])} of the time were podcasts and audiobooks."
    if told["estimated_share"]:
        yield f"{share(told['estimated_share'])} of the time is estimated, because no export told it yet."


def of_streak_of_day(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if told["day_count"]:
        more = (
            "; it may be longer, because the day before is not recorded or has a gap" if told["is_open_ended"] else ""
        )
        in_a_row = f"{many(told['day_count'], 'day')} in a row, since {day(told['first_date'])}{more}"
        asked_for = report.asked.since_date if report.asked else None
        last = told["first_date"] + timedelta(days=told["day_count"] - 1)
        if asked_for is None or last >= asked_for:
            yield f"{in_a_row}."
        elif report.recorded and asked_for >= report.recorded.today:
            yield f"{in_a_row}, up to the day before; nothing on this day yet."
        else:
            yield f"{in_a_row}; it ended on {day(last)}, the day before."
    elif told["is_open_ended"]:
        yield "Nothing on this day; the day before is not recorded or has a gap."
    else:
        yield "Nothing on this day, nor on the day before."


def of_unknown(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if any(run.coverage == NOT_RECORDED for run in report.days) or (report.recorded and not report.days):
        yield "Whether anything was played: this day is not recorded."
        return
    if told["gap_count"]:
        yield "Plays that were probably lost, as is said below. An export brings them."
    if told["unnamed_play_count"]:
        yield f"{many(told['unnamed_play_count'], 'play')} of which no source says what was played."
    if told["inferred_track_count"]:
        yield f"{many(told['inferred_track_count'], 'track')} not yet described; the dimensions job will do that."
    if told["estimated_play_count"]:
        yield f"How long it lasted is estimated for {many(told['estimated_play_count'], 'play')}; an export tells."
    if told["unmeasured_play_count"]:
        yield f"How long it lasted is not known for {many(told['unmeasured_play_count'], 'play')}."
    if not any(told.values()):
        yield "Nothing that we know of."


def of_coverage(section: Section, report: Report, zone: tzinfo | None) -> Said:
    for told in section.records():
        source = SOURCES.get(told["source"], told["source"])
        begin, end = moment(told["starts_at"], zone), moment(told["ends_at"], zone)
        if told["state"] == "covered":
            told_of = "all of it" if told["is_whole"] else f"it from {begin} to {end}"
            yield f"{source[0].upper()}{source[1:]} tells of {told_of}."
        elif told["closed_at"]:
            by = SOURCES.get(told["closed_by"], told["closed_by"])
            yield f"What was lost between {begin} and {end} was brought by {by} on {day(told['closed_at'].astimezone(zone))}."
        else:
            yield f"Plays between {begin} and {end} were probably lost: {WHY_LOST[told['reason']]}."


def of_freshness(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if told["last_played_at"]:
        yield f"The last play recorded ended {moment(told['last_played_at'], zone)}."
    if told["checked_at"]:
        yield f"Spotify was last asked {moment(told['checked_at'], zone)}, {ago(report.made_at, told['checked_at'])}."
    else:
        yield "Spotify itself was never asked; all is from exports."


def ago(now: datetime, then: datetime) -> str:
    minutes = max(0, round((now - then).total_seconds() / 60))
    if minutes < 120:
        return f"{many(minutes, 'minute')} ago"
    hours = round(minutes / 60)
    return f"{many(hours, 'hour')} ago" if hours < 48 else f"{many(round(hours / 24), 'day')} ago"


def of_longest_streak(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    yield (
        f"{many(told['day_count'], 'day')} in a row, {day(told['first_date'])} to {day(told['last_date'])}:"
        f" {many(told['play_count'], 'play')}."
    )
    if told["is_open_ended"]:
        yield "It may have been longer: the day before or after is not recorded or has a gap."


def of_longest_session(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    yield (
        f"{duration(told['listened_ms'])} of listening, from {moment(told['started_at'], zone)} to"
        f" {moment(told['ended_at'], zone)}."
    )


def of_most_repeated(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    yield (
        f"{in_a_line(told['track_name'] or 'A track without a name')} by {in_a_line(told['artist_names'] or 'nobody told')}:"
        f" {many(told['play_count'], 'time')} on {day(told['local_date'])}."
    )


def of_not_told(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    whole = told["listened_ms"] or 1
    yield f"Everything counted, however short: {many(told['listen_count'], 'listen')}, {duration(told['listened_ms'])}."
    if told["short_count"]:
        yield f"{many(told['short_count'], 'listen')} of less than thirty seconds, {duration(told['short_ms'])} in all: for Wrapped they never happened."
    if told["late_count"]:
        is_whole = all(run.coverage == COVERED for run in report.days)
        of_what = "the year" if is_whole else "what is recorded"
        yield f"After mid-November, when Wrapped stops counting: {duration(told['late_ms'])}, {share(told['late_ms'] / whole)} of {of_what}."
    if told["private_count"]:
        yield f"In private sessions: {duration(told['private_ms'])}."
    if told["offline_count"]:
        yield f"Without a connection: {many(told['offline_count'], 'listen')}."
    if told["unnamed_count"]:
        yield f"{many(told['unnamed_count'], 'listen')} of which not even Spotify says what was played."


def of_skips(section: Section, report: Report, zone: tzinfo | None) -> Said:
    yield f"{share(section.first['all_skip_share'])} of all music was skipped, as far as Spotify tells."


def of_discovered(section: Section, report: Report, zone: tzinfo | None) -> Said:
    since = report.recorded.new_since if report.recorded else None
    days = report.days
    if report.recorded and (since is None or not days or days[-1].last_date < since):
        if any(run.coverage == COVERED for run in days):
            yield f"Not known: {TOO_YOUNG}."
        return
    if not section.rows:
        return
    told = section.first
    is_late = since and days and days[0].first_date < since
    when = f" since {day(since)}; before that {TOO_YOUNG}" if since and is_late else ""
    yield (
        f"{many(told['new_artist_count'], 'artist')} and {many(told['new_track_count'], 'track')} heard for the first"
        f" time{when}."
    )


TOO_YOUNG = "the record is too young to tell what is new (ninety recorded days have to lie before it)"


def of_first_listens(section: Section, report: Report, zone: tzinfo | None) -> Said:
    if not section.first.get("is_discovery", True):
        yield f"Not known: {TOO_YOUNG}."
        return
    more = len(section.rows) - FEW
    if more > 0:
        yield f"And {more:,} more."


def of_gaps(section: Section, report: Report, zone: tzinfo | None) -> Said:
    for told in section.records():
        yield (
            f"Plays between {moment(told['starts_at'], zone)} and {moment(told['ends_at'], zone)} were probably lost: more than"
            " fifty lay between two looks."
        )


def of_numbers(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if not told["play_count"]:
        yield "Never played, as you count."
        return
    yield f"{many(told['play_count'], 'play')} in {duration(told['listened_ms'])} on {many(told['day_count'], 'day')}."
    if told.get("featured_play_count"):
        yield f"{many(told['main_play_count'], 'play')} as main artist, {told['featured_play_count']:,} as a guest."
    if told.get("track_count"):
        yield f"{many(told['track_count'], 'track')}."
    yield f"First {moment(told['first_played_at'], zone)}, last {moment(told['last_played_at'], zone)}."


def of_daily_totals(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if told.get("local_date") and not any(row["local_date"] is None for row in section.records()):
        yield f"No usual {told['local_date']:%A} yet: none of the eight before is recorded without a gap."


def of_hours(section: Section, report: Report, zone: tzinfo | None) -> Said:
    hours = [row["hour"] for row in section.records() if row["play_count"] is None]
    if hours and len(hours) < len(section.rows):
        yield f"Not recorded: {spans_of_hours(hours)}."


def spans_of_hours(hours: list[int]) -> str:
    """0 to 7 and 21 to 24: as the clock shows them."""
    starts = [hour for hour in hours if hour - 1 not in hours]
    ends = [hour + 1 for hour in hours if hour + 1 not in hours]
    return " and ".join(f"{start} to {end}" for start, end in zip(starts, ends, strict=True))


SENTENCES: dict[str, Callable[[Section, Report, tzinfo | None], Said]] = {
    "span_totals": of_span,
    "daily_totals": of_daily_totals,
    "plays_by_hour": of_hours,
    "streak_of_day": of_streak_of_day,
    "still_unknown": of_unknown,
    "coverage": of_coverage,
    "freshness": of_freshness,
    "longest_streak": of_longest_streak,
    "longest_session": of_longest_session,
    "most_repeated": of_most_repeated,
    "not_told": of_not_told,
    "skips": of_skips,
    "discovered": of_discovered,
    "first_listens": of_first_listens,
    "gaps": of_gaps,
    "artist_in_numbers": of_numbers,
    "track_in_numbers": of_numbers,
}
