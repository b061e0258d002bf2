"""Turn the rows of older projects' tables into plays: `main_streaming_data` with `track_table` and `artist_table`, and
`listening_history`.

Their plays came from Spotify's recently-played list or from an export. A row of `main_streaming_data` is from the list.
A row of `listening_history` is from an export if it has the time played and its date has whole seconds, as an export's
has, in a table that also keeps fractions of a second or plays of less than thirty seconds, which the list never
reports. Otherwise it is from the list, and its time played is really the length of the track: a mistake here would
record a play twice, once its export is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from etl.dimensions.transform import catalogue_tables
from etl.sources.exports.members import name_uri
from etl.sources.exports.reader import Malformed
from etl.staging import AHEAD, DETAIL_COLUMNS, EXPORT_PLAY_COLUMNS, FIRST_PLAY, SHOWN_MALFORMED, Part, Table
from etl.values import name, number, text

LIST, EXPORT = "recently_played", "extended_export"
NOTHING = {"", "nan", "none", "null", "n/a"}  # how these projects write an absent value
NO_ALBUM = {"ep/single"}  # instead of the name of an album
SHORTEST_LISTED = 30_000  # milliseconds: the list reports no shorter play
SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
TRACK_URI = re.compile(r"spotify:(?:track|episode):[0-9A-Za-z]{22}|spotify:local:.+")


def part_of(
    table: OldTable,
    rows: Sequence[Row],
    described: Mapping[str, Row],
    artists: Sequence[Row],
    file_number: int,
    item_number: int,
    now: datetime,
) -> Part:
    """A table as a part of an import.

    `rows`: its rows by column, oldest play first. `described`: rows of `track_table` by track id. `artists`: as
    Spotify's JSON. `file_number`, `item_number`: the number of the table, and of the last play before it. `now`: the
    time of the import.
    """
    plays: list[dict[str, Any]] = []
    tracks: dict[str, dict[str, Any]] = {}
    malformed: list[Malformed] = []
    has_exported = table.name == "listening_history" and has_export_rows(rows)
    for row_number, row in enumerate(rows, start=1):
        played_at = moment_of(row.get("played_at"))
        if played_at is None or not FIRST_PLAY <= played_at <= now + AHEAD:
            malformed.append(Malformed(row_number, "played_at is not a time since 2006", row_label(row)))
            continue
        ms_played = whole(row.get("ms_played"))
        is_exported = has_exported and ms_played is not None and played_at.microsecond == 0
        track = track_of(row, described, None if is_exported else ms_played)
        if track:
            tracks.setdefault(track["uri"], track)
        plays.append(
            {
                "item_number": item_number + row_number,
                "file_number": file_number,
                "source": EXPORT if is_exported else LIST,
                "track_uri": track["uri"] if track else None,
                "played_at": played_at,
                "started_at": None,
                "ms_played": ms_played if is_exported else None,
                **dict.fromkeys(DETAIL_COLUMNS),
            }
        )
    undo_redating([play for play in plays if play["source"] == LIST])
    catalogue = catalogue_tables(tracks=tracks.values(), artists=artists, fetched_at=now)
    for staging, batch in catalogue.items():
        if "fetched_at" in batch.columns:  # the dimensions job asks Spotify itself
            catalogue[staging] = Table({**batch.values, "fetched_at": [None] * len(batch)})
    return Part(
        package=table.schema,
        name=table.name,
        kind=EXPORT if any(play["source"] == EXPORT for play in plays) else LIST,
        row_count=len(rows),
        podcast_count=sum(str(play["track_uri"]).startswith("spotify:episode:") for play in plays),
        unnamed_count=sum(play["track_uri"] is None for play in plays),
        private_count=0,
        malformed=tuple(malformed[:SHOWN_MALFORMED]),
        malformed_count=len(malformed),
        tables={"staging_play": Table.of(plays, EXPORT_PLAY_COLUMNS), **catalogue},
    )


def undo_redating(plays: list[dict[str, Any]]) -> None:
    """Give plays of one track that are less than thirty seconds apart the same date, in place.

    The list reports no play that short, but it re-dates plays, and older projects kept each date as a play. The list's
    first date of a play is its latest.
    """
    latest: dict[str, datetime] = {}
    for play in reversed(plays):
        uri = play["track_uri"]
        if uri is None:
            continue
        if uri in latest and latest[uri] - play["played_at"] < timedelta(milliseconds=SHORTEST_LISTED):
            play["played_at"] = latest[uri]
        latest[uri] = play["played_at"]


def has_export_rows(rows: Sequence[Row]) -> bool:
    """Whether the table has rows that only an export can have, or fractions of a second to distinguish them by."""
    has_fractions = any((at := moment_of(row.get("played_at"))) is not None and at.microsecond for row in rows)
    return has_fractions or any((whole(row.get("ms_played")) or SHORTEST_LISTED) < SHORTEST_LISTED for row in rows)


def track_of(row: Row, described: Mapping[str, Row], length_ms: int | None) -> dict[str, Any] | None:
    """The track of a row in the form of Spotify's JSON; None if the row does not say what was played."""
    uri, track_id = text_or_none(row.get("track_uri")), text_or_none(row.get("track_id"))
    if uri is None and track_id and SPOTIFY_ID.fullmatch(track_id):
        uri = f"spotify:track:{track_id}"
    if uri is not None and not TRACK_URI.fullmatch(uri):
        uri = None
    is_spotifys = uri is not None and not uri.startswith("spotify:local:")
    track_id = uri.rpartition(":")[2] if uri and is_spotifys else None
    more = described.get(track_id or "", {})
    title = text_or_none(row.get("track_name")) or text_or_none(more.get("track_name"))
    artist = name(text_or_none(row.get("artist_name")))
    if uri is None and title is None and artist is None:
        return None
    artist_id = text_or_none(row.get("aritst_id")) or text_or_none(row.get("artist_id"))
    album = name(text_or_none(row.get("album_name")) or text_or_none(more.get("album_name")))
    if album and album.casefold() in NO_ALBUM:
        album = None
    cover = text_or_none(more.get("img_link"))
    by = (
        [{"id": artist_id if artist_id and SPOTIFY_ID.fullmatch(artist_id) else None, "name": artist}] if artist else []
    )
    guests = [{"id": None, "name": guest} for guest in names_in(more.get("ft_artists")) if guest != artist]
    return {
        "id": track_id,
        "uri": uri or name_uri("track", artist, title),
        "type": uri.split(":")[1] if uri and uri.startswith("spotify:episode:") else "track",
        "name": title,
        "duration_ms": whole(row.get("duration_ms")) or length_ms,
        "explicit": boolean(more.get("explicit")),
        "popularity": whole(row.get("popularity"), 100) or whole(more.get("popularity"), 100),
        "artists": by + guests,
        "album": {"id": None, "name": album, "artists": by, "images": [{"url": cover}] if cover else []}
        if album
        else None,
    }


def artist_of(row: Row) -> dict[str, Any] | None:
    """A row of `artist_table` in the form of Spotify's JSON; None without a valid id."""
    artist_id = text_or_none(row.get("artist_id"))
    if artist_id is None or not SPOTIFY_ID.fullmatch(artist_id):
        return None
    picture = text_or_none(row.get("img_link"))
    return {
        "id": artist_id,
        "name": name(text_or_none(row.get("aritst_name")) or text_or_none(row.get("artist_name"))),
        "genres": names_in(row.get("genre")) or None,
        "images": [{"url": picture}] if picture else [],
        "popularity": whole(row.get("popularity"), 100),
    }


def text_or_none(value: object) -> str | None:
    """A trimmed text; None for anything else, and for the many ways to write an absent value."""
    found = text(value if isinstance(value, str) else None)
    return None if found is None or found.strip().casefold() in NOTHING else found.strip()


def whole(value: object, most: int = 2**31 - 1) -> int | None:
    """A whole number from 0 to `most`, also written as text; None for anything else."""
    if isinstance(value, str | Decimal):
        with suppress(ValueError, InvalidOperation):
            return number(float(value), most)
        return None
    return number(value, most)


def names_in(value: object) -> list[str]:
    """The names in a list, or in a text separated by commas."""
    if isinstance(value, list):
        return [one for part in value if (one := text_or_none(part))]
    return [
        one
        for part in (text_or_none(value) or "").strip("[]{}").split(",")
        if (one := text_or_none(part.strip().strip("'\"")))
    ]


def boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).casefold())


def moment_of(value: object) -> datetime | None:
    """A datetime, or a text in ISO 8601, as aware UTC; without a time zone it is taken as UTC.

    None for anything else.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None


PLAYS = {  # the tables with plays, and the columns by which they are recognized
    "main_streaming_data": {"played_at", "track_id", "track_name", "artist_name"},
    "listening_history": {"track_uri", "track_name", "artist_name", "played_at"},
}
ID = re.compile(r"[0-9]{1,20}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")  # a number, or a UUID
PLACE = "ctid"  # where Postgres stores a row, which identifies it in a table without an id
Row = Mapping[str, Any]


@dataclass(frozen=True)
class OldTable:
    """A table of an older project, in whatever schema."""

    schema: str
    name: str
    columns: frozenset[str]
    row_count: int


def row_label(row: Row) -> str:
    """A label to find a row by: its id, or else its ctid. Contains nothing of what was listened to."""
    number = row.get("id")
    if isinstance(number, int) or (isinstance(number, str) and ID.fullmatch(number)):
        return f"id {number}"
    return f"{PLACE} {row[PLACE]}"
