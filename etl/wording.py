"""Values of a report in words: numbers, durations, days, and the sentences of its parts.

A column's name says what it holds, as everywhere: `_count`, `_ms`, `_share`, `_date`, `_at`, `_url`; any other is a text.
"""

import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, datetime, tzinfo
from typing import Any

from etl.reports import COUNTS_AS, FEW, Report, Section

HEADS = {
    "track_name": "Track",
    "artist_names": "By",
    "artist_name": "Artist",
    "album_name": "Album",
    "show_name": "Show",
    "genre_name": "Genre",
    "genres": "Genres",
    "play_count": "Plays",
    "featured_play_count": "As guest",
    "main_play_count": "As main",
    "listened_ms": "Time",
    "track_count": "Tracks",
    "episode_count": "Episodes",
    "track_play_count": "Times",
    "first_played_at": "First",
    "last_played_at": "Last",
    "played_at": "When",
    "local_date": "Day",
    "month_date": "Month",
    "year": "Year",
    "year_rank": "Place",
    "day_label": "",
    "artist_role": "As",
    "skip_count": "Skips",
    "listen_count": "Listens",
}
LINKS = {  # where a name links to
    "track_name": "track_url",
    "artist_name": "artist_url",
    "album_name": "album_url",
    "show_name": "show_url",
}
TABLES = {  # what a person sees of a part, in this order; the other parts are sentences or pictures
    "daily_totals": ("day_label", "play_count", "listened_ms", "track_count"),
    "top_tracks": ("track_name", "artist_names", "play_count", "listened_ms"),
    "top_artists": ("artist_name", "play_count", "featured_play_count", "listened_ms", "track_count"),
    "top_albums": ("album_name", "artist_names", "play_count", "listened_ms"),
    "top_genres": ("genre_name", "play_count", "listened_ms", "track_count"),
    "top_shows": ("show_name", "play_count", "listened_ms", "episode_count"),
    "first_listens": ("track_name", "artist_names", "play_count"),
    "on_this_day": ("local_date", "track_name", "artist_names", "play_count", "listened_ms"),
    "plays_by_month": ("month_date", "artist_name", "play_count", "listened_ms"),
    "discovered": ("artist_name", "play_count", "listened_ms", "first_played_at"),
    "skips": ("track_name", "artist_names", "skip_count", "listen_count"),
    "artist_by_year": ("year", "year_rank", "play_count", "main_play_count", "featured_play_count", "listened_ms"),
    "artist_tracks": ("track_name", "artist_role", "play_count", "listened_ms", "last_played_at"),
    "artist_by_month": ("month_date", "play_count", "listened_ms"),
    "track_credits": ("artist_name", "artist_role"),
    "track_by_year": ("year", "year_rank", "play_count", "listened_ms"),
    "track_by_month": ("month_date", "play_count", "listened_ms"),
    "search_tracks": ("track_name", "artist_names", "play_count", "listened_ms", "last_played_at"),
    "search_artists": ("artist_name", "play_count", "listened_ms", "last_played_at"),
    "history": ("played_at", "track_name", "artist_names", "listened_ms"),
}
RANKED = {"top_tracks", "top_artists", "top_albums", "top_genres", "top_shows", "artist_tracks"}
RIGHT_TO_LEFT = {"R", "AL", "AN"}
FIRST_STRONG, END = "\u2068", "\u2069"  # marks that keep a name of one direction from turning the line around it


def columns_of(section: Section) -> list[str]:
    """What a person sees of a part as a table: no column of guests where there is none; nothing where there are no rows."""
    columns = [column for column in TABLES.get(section.name, ()) if column in section.columns]
    if not any(record.get("featured_play_count") for record in section.records()):
        columns = [column for column in columns if column not in ("main_play_count", "featured_play_count")]
    return columns if section.rows else []


def is_number(column: str) -> bool:
    return column.endswith(("_count", "_ms", "_share", "_rank")) or column == "year"


def shown(column: str, value: Any, zone: tzinfo | None) -> str:
    """A value for people; a text keeps its characters, but for those that no line can hold."""
    if value is None:
        return "—" if is_number(column) else ""
    if column.endswith("_ms"):
        return duration(value)
    if column.endswith("_share"):
        return share(value)
    if column == "month_date":
        return f"{value:%b %Y}"
    if column.endswith("_at"):
        return moment(value, zone)
    if column.endswith("_date"):
        return day(value)
    if column == "genres":
        return ", ".join(value)
    if column == "year":
        return str(value)
    return f"{value:,}" if isinstance(value, int) else in_a_line(str(value))


def duration(ms: int) -> str:
    """2 h 27 min, 38 min, 45 s: as much as matters."""
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(ms / 60_000)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"


def share(part: float) -> str:
    """A part of a whole in per cent, with a digit more where it is small."""
    return f"{part:.0%}" if part >= 0.1 or part == 0 else f"{part:.1%}"


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def moment(value: datetime, zone: tzinfo | None) -> str:
    local = value.astimezone(zone)
    return f"{day(local)} {local:%H:%M}"


def many(count: int, one: str, more: str | None = None) -> str:
    """1 play, 2 plays."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def in_a_line(text: str) -> str:
    """A name without line breaks and control characters; one written from right to left is kept apart from its line."""
    plain = "".join(" " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in text)
    plain = " ".join(plain.split())
    is_turned = any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in plain)
    return f"{FIRST_STRONG}{plain}{END}" if is_turned else plain


def subtitle(report: Report) -> str:
    """Whose it is, by which clock, and what counts."""
    if report.asked is None:
        return ""
    listener = report.asked.listener
    who = in_a_line(listener.listener_name or listener.listener_id)
    return f"{who} · {listener.time_zone.key} · a play: {COUNTS_AS[report.asked.counts_as]}"


def sentences(section: Section, report: Report) -> list[str]:
    """A part that is not a table, in words; nothing where there is nothing to say."""
    say = SENTENCES.get(section.name)
    zone = report.asked.listener.time_zone if report.asked else None
    return list(say(section, report, zone)) if say and section.rows else []


Said = Iterator[str]


def of_span(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if not told["play_count"]:
        yield "Nothing was played."
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
        yield f"{many(told['day_count'], 'day')} in a row, since {day(told['first_date'])}."
    else:
        yield "Nothing on this day, nor on the day before."


def of_unknown(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    if told["gap_count"]:
        yield "Plays were probably lost: more than fifty lay between two looks, and Spotify tells no more. An export brings them."
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
        yield f"After mid-November, when Wrapped stops counting: {duration(told['late_ms'])}, {share(told['late_ms'] / whole)} of the year."
    if told["private_count"]:
        yield f"In private sessions: {duration(told['private_ms'])}."
    if told["offline_count"]:
        yield f"Without a connection: {many(told['offline_count'], 'listen')}."
    if told["unnamed_count"]:
        yield f"{many(told['unnamed_count'], 'listen')} of which not even Spotify says what was played."


def of_skips(section: Section, report: Report, zone: tzinfo | None) -> Said:
    yield f"{share(section.first['all_skip_share'])} of all music was skipped, as far as Spotify tells."


def of_discovered(section: Section, report: Report, zone: tzinfo | None) -> Said:
    told = section.first
    yield f"{many(told['new_artist_count'], 'artist')} and {many(told['new_track_count'], 'track')} heard for the first time."


def of_first_listens(section: Section, report: Report, zone: tzinfo | None) -> Said:
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


SENTENCES: dict[str, Callable[[Section, Report, tzinfo | None], Said]] = {
    "span_totals": of_span,
    "streak_of_day": of_streak_of_day,
    "still_unknown": of_unknown,
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
