"""Values of a report as text: numbers, durations, days, names; and the head of each column.

The suffix of a column gives its type: `_count`, `_ms`, `_share`, `_rank`, `_date`, `_at`, `_url`; any other is a text.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from typing import Any
from urllib.parse import quote

from etl.counts import duration
from etl.reports.model import COUNTS_AS, Report
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
    "is_excluded": "",
    "provider_name": "Provider",
    "provider_names": "Told by",
    "energy": "Energy",
    "valence": "Valence",
    "danceability": "Dance",
    "tempo": "Tempo",
    "known_play_share": "Known",
}
FEATURES = ("energy", "valence", "danceability", "acousticness", "tempo")  # numbers, rounded by their SQL
LINKS = {  # the column with the address that a name links to
    "track_name": "track_url",
    "artist_name": "artist_url",
    "album_name": "album_url",
    "show_name": "show_url",
}
PAGES = {  # the page of the web application that a name links to, and the columns with its key: the first that is there
    "track_name": ("/tracks/", ("recording_key", "track_key")),
    "artist_name": ("/artists/", ("artist_key",)),
    "album_name": ("/albums/", ("album_key",)),
    "show_name": ("/albums/", ("album_key",)),
    "genre_name": ("/genres/", ("genre_name",)),
}
TURNING = "[\u202a-\u202e\u2066-\u2069]"  # marks with which a name could turn what stands around it
RIGHT_TO_LEFT = {"R", "AL", "AN"}
FIRST_STRONG, END = "\u2068", "\u2069"  # marks that keep a name of one direction from turning the line around it


def page_of(column: str, record: Mapping[str, Any]) -> str:
    """The page of the web application about the name in a column, by the key in its record; "" without one."""
    folder, keys = PAGES.get(column, ("", ()))
    key = next((record[name] for name in keys if record.get(name)), None)
    return f"{folder}{quote(str(key), safe='')}" if key is not None else ""


def is_number(column: str) -> bool:
    return column.endswith(("_count", "_ms", "_share", "_rank")) or column in {"year", *FEATURES}


def shown(column: str, value: Any, zone: tzinfo | None) -> str:
    """A value for people, by the type of its column. zone: for the times of `_at`; None is this computer's."""
    if column == "coverage":
        return "" if value in (None, COVERED) else "plays were lost" if value == GAP else str(value)
    if column == "is_excluded":
        return "left out" if value else ""
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
    if column in FEATURES:
        return f"{value:.1f}" if column == "tempo" else f"{value:.2f}"
    if column == "year":
        return str(value)
    return f"{value:,}" if isinstance(value, int) else in_a_line(str(value))


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
    """The listener, the time zone and the minimum of a counted play; empty while nobody is recorded."""
    if report.criteria is None:
        return ""
    listener = report.criteria.listener
    who = in_a_line(listener.listener_name or listener.listener_id)
    return f"{who} · {listener.time_zone.key} · a play: {COUNTS_AS[report.criteria.counts_as]}"
