"""Recognize, by their first bytes, histories that other services keep: Last.fm, ListenBrainz, Maloja, Koito. Pure."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from itertools import chain

from etl.sources.exports.csv_lines import records
from etl.sources.exports.text import NotText, to_utf8

LASTFM, LISTENBRAINZ, MALOJA, KOITO = "lastfm", "listenbrainz", "maloja", "koito"
HEAD = 65536  # bytes
MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
LASTFM_DATE = re.compile(
    r"(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?"  # 01 Jan 2020, 12:34
)
DELIMITERS = ",;\t|"
# What the columns of a CSV are called, by what they hold; of several dates the first counts.
COLUMNS = {
    "artist": ("artist", "artist_name", "artist name"),
    "track": ("track", "track_name", "track name", "title", "name", "song"),
    "album": ("album", "album_name", "album name", "release"),
    "date": ("uts", "timestamp", "unix", "utc_time", "date", "time", "datetime", "played_at"),
}
JSON_MARKS = (  # which keys stand in the head of a file of each service
    (LISTENBRAINZ, ('"listened_at"', '"track_metadata"')),
    (KOITO, ('"listens"', '"listened_at"', '"exported_at"')),
    (MALOJA, ('"maloja"', '"scrobbles"')),
    (MALOJA, ('"list"', '"time"', '"artists"', '"origin"')),
    (LASTFM, ('"recenttracks"',)),
    (LASTFM, ('"#text"', '"uts"')),
)


def service_of(content: bytes) -> str | None:
    """Which service's history a file is: one of the four names above; None for anything else."""
    with suppress(NotText):
        head = to_utf8(content[:HEAD]).lstrip()
        if head[:1] in (b"{", b"["):
            return next((name for name, marks in JSON_MARKS if all(mark.encode() in head for mark in marks)), None)
        return LASTFM if layout_of(head.decode("utf-8", "surrogateescape")) else None
    return None


class Layout:
    """How a CSV of scrobbles is laid out: its delimiter, whether it has a header, and which column holds what."""

    def __init__(self, delimiter: str, columns: dict[str, int], *, has_header: bool) -> None:
        self.delimiter = delimiter
        self.columns = columns
        self.has_header = has_header


def layout_of(head: str) -> Layout | None:
    """The layout of a CSV that begins like this; None if it is none of scrobbles.

    With a header, the columns are found by name. Without one they are artist, album, track, date, as the web page
    lastfm-to-csv (github.com/benfoxall/lastfm-to-csv) writes them; what was playing comes first, without a date.
    """
    lines = list(StringIO(head.lstrip(), newline=""))
    for delimiter in DELIMITERS:
        rows = records(lines, delimiter, lambda fields: len(fields) == len(COLUMNS))
        if first := next(filter(None, rows), None):
            names = [name.strip().casefold() for name in first]
            columns = {
                what: names.index(next(name for name in known if name in names))
                for what, known in COLUMNS.items()
                if any(name in names for name in known)
            }
            if {"artist", "track", "date"} <= columns.keys():
                return Layout(delimiter, columns, has_header=True)
            dated = next((row for row in chain([first], rows) if not (row and is_undated(row))), None)
            if dated and len(dated) == len(COLUMNS) and lastfm_date(dated[3]):
                return Layout(delimiter, {"artist": 0, "album": 1, "track": 2, "date": 3}, has_header=False)
    return None


def is_undated(row: list[str]) -> bool:
    """Whether a row without a header has an artist and a track and no date, as what was playing has. Pure."""
    return len(row) == len(COLUMNS) and bool(row[0].strip() and row[2].strip()) and not row[3].strip()


def lastfm_date(value: str) -> tuple[datetime, bool] | None:
    """A date as Last.fm writes it, in UTC: 01 Jan 2020, 12:34, with or without comma and seconds.

    Returns it with whether it has seconds; None for anything else.
    """
    found = LASTFM_DATE.fullmatch(value.strip())
    if found is None or found[2].casefold() not in MONTHS:
        return None
    day, hour, minute, second = (int(found[part] or 0) for part in (1, 4, 5, 6))
    with suppress(ValueError):
        at = datetime(int(found[3]), MONTHS[found[2].casefold()], day, hour, minute, second, tzinfo=UTC)
        return at, found[6] is not None
    return None
