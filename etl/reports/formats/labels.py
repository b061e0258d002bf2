"""Values of a report in words: numbers, durations, days; which columns a person sees, and what heads them.

A column's name says what it holds, as everywhere: `_count`, `_ms`, `_share`, `_date`, `_at`, `_url`; any other is a text.
"""

import re
import unicodedata
from datetime import date, datetime, tzinfo
from typing import Any

from etl.reports.query import COUNTS_AS, FEW, Asked, Report, Section
from etl.reports.recorded_days import COVERED, GAP

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
    "artist_play_count": "Of these",
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
    "hour": "Hour",
    "coverage": "",
}
LINKS = {  # where a name links to
    "track_name": "track_url",
    "artist_name": "artist_url",
    "album_name": "album_url",
    "show_name": "show_url",
}
TABLES = {  # what a person sees of a part, in this order; the other parts are sentences or pictures
    "daily_totals": ("day_label", "play_count", "listened_ms", "track_count", "coverage"),
    "top_tracks": ("track_name", "artist_names", "play_count", "listened_ms"),
    "top_artists": ("artist_name", "play_count", "featured_play_count", "listened_ms", "track_count"),
    "top_albums": ("album_name", "artist_names", "play_count", "listened_ms"),
    "top_genres": ("genre_name", "play_count", "listened_ms", "track_count"),
    "top_shows": ("show_name", "play_count", "listened_ms", "episode_count"),
    "first_listens": ("track_name", "artist_names", "play_count"),
    "on_this_day": ("local_date", "track_name", "artist_names", "play_count", "listened_ms", "coverage"),
    "plays_by_month": ("month_date", "play_count", "listened_ms", "artist_name", "artist_play_count", "coverage"),
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
SHORT = {"first_listens"}
RANKED = {"top_tracks", "top_artists", "top_albums", "top_genres", "top_shows", "artist_tracks"}
TURNING = "[\u202a-\u202e\u2066-\u2069]"  # marks with which a name could turn what stands around it
RIGHT_TO_LEFT = {"R", "AL", "AN"}
FIRST_STRONG, END = "\u2068", "\u2069"  # marks that keep a name of one direction from turning the line around it


def head_of(section: Section, column: str) -> str:
    """What a column is headed with. A name beside the numbers of a whole day or month is only the most played of it."""
    if section.name in ("plays_by_month", "on_this_day") and column in ("artist_name", "track_name"):
        return "Most played"
    return HEADS.get(column, column)


def nothing(report: Report) -> str:
    """What to say where there is nothing to show; nothing where no day of the span has come yet, which stands on top."""
    if report.name == "search":
        return "No match among the plays that are recorded."
    if report.recorded and report.asked and not report.days:
        return ""
    if report.days and not any(run.coverage == COVERED for run in report.days):
        return "What was played is not known."
    if any(section.name == "top_genres" for section in report.sections):
        return "No genre of what was played is known. Spotify gives genres for few artists, and only once `dimensions` has run."
    if report.name == "history":  # it may be that of an artist or a track
        if any(run.coverage != COVERED for run in report.days):
            return "No plays on the days that are recorded."
        return "No plays in these days." if report.asked and has_span(report.asked) else "No plays."
    if any(run.coverage != COVERED for run in report.days):
        return "Nothing was played on the days that are recorded."
    return "Nothing was played."


def has_span(asked: Asked) -> bool:
    return asked.since_date is not None or asked.until_date is not None


def shown_records(section: Section) -> list[dict[str, Any]]:
    """The rows that a person is shown; of a part that may be long only the first, and its sentence says how many more there are."""
    return section.records()[:FEW] if section.name in SHORT else section.records()


def columns_of(section: Section) -> list[str]:
    """What a person sees of a part as a table: no column of guests where there is none, nor of coverage where all is
    covered; nothing where there are no rows."""
    columns = [column for column in TABLES.get(section.name, ()) if column in section.columns]
    if all(record.get("coverage") in (None, COVERED) for record in section.records()):
        columns = [column for column in columns if column != "coverage"]
    if not any(
        record.get("featured_play_count") or record.get("artist_role") == "featured" for record in section.records()
    ):
        columns = [
            column for column in columns if column not in ("main_play_count", "featured_play_count", "artist_role")
        ]
    if section.name == "first_listens" and not section.first.get("is_discovery", True):
        return []  # the record is too young to tell
    return columns if section.rows else []


def is_number(column: str) -> bool:
    return column.endswith(("_count", "_ms", "_share", "_rank")) or column == "year"


def shown(column: str, value: Any, zone: tzinfo | None) -> str:
    """A value for people; a text keeps its characters, but for those that no line can hold."""
    if column == "coverage":
        return "" if value in (None, COVERED) else "plays were lost" if value == GAP else str(value)
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


def in_a_line(text: str) -> str:
    """A name without line breaks and control characters; one written from right to left is kept apart from its line."""
    plain = "".join(" " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in text)
    plain = re.sub(TURNING, "", plain)
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
