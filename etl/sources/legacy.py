"""The tables of older projects of this kind, as plays: `main_streaming_data` with `track_table` and `artist_table`, and `listening_history`.

What they hold was told by Spotify's recently-played list, or taken from an export. A row of `main_streaming_data` is of the list. A row of
`listening_history` is of an export if it tells how long was played and its moment is a whole second, as an export's are, in a table that keeps
fractions of a second or plays of less than thirty seconds, which the list never tells. Else it is of the list, and what stands for the time
played is the length of the track: to be mistaken about that would record a listen twice, once its export is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pandas as pd

from etl.dimensions.transform import catalogue_tables
from etl.sources.exports.members import name_uri
from etl.sources.exports.reader import Malformed
from etl.staging import AHEAD, DETAIL_COLUMNS, EXPORT_PLAY_COLUMNS, FIRST_PLAY, SHOWN_MALFORMED, Part
from etl.values import name, number, text

LIST, EXPORT = "recently_played", "extended_export"
NOTHING = {"", "nan", "none", "null", "n/a"}  # how such projects write that there is nothing
NO_ALBUM = {"ep/single"}  # instead of the name of an album
SHORTEST_TOLD = 30_000  # milliseconds of a play: the list tells of no shorter one
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
    """A table as plays to be staged."""
    plays: list[dict[str, Any]] = []
    tracks: dict[str, dict[str, Any]] = {}
    malformed: list[Malformed] = []
    has_exported = table.name == "listening_history" and has_export_rows(rows)
    for row_number, row in enumerate(rows, start=1):
        played_at = moment_of(row.get("played_at"))
        if played_at is None or not FIRST_PLAY <= played_at <= now + AHEAD:
            malformed.append(Malformed(row_number, "played_at is not a moment since 2006", name_of(row)))
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
    for frame in catalogue.values():
        if "fetched_at" in frame:
            frame["fetched_at"] = pd.Series([None] * len(frame), dtype=object)  # the dimensions job asks Spotify itself
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
        tables={"staging_play": pd.DataFrame(plays, columns=list(EXPORT_PLAY_COLUMNS), dtype=object), **catalogue},
    )


def undo_redating(plays: list[dict[str, Any]]) -> None:
    """Gives plays of one track less than thirty seconds apart one date: the list tells of none so short, but dates a play anew, and older
    projects kept every date as a play. What was told first is the latest of them."""
    latest: dict[str, datetime] = {}
    for play in reversed(plays):
        uri = play["track_uri"]
        if uri is None:
            continue
        if uri in latest and latest[uri] - play["played_at"] < timedelta(milliseconds=SHORTEST_TOLD):
            play["played_at"] = latest[uri]
        latest[uri] = play["played_at"]


def has_export_rows(rows: Sequence[Row]) -> bool:
    """Whether rows of an export can be told from those of the list, or are all there is."""
    has_fractions = any((at := moment_of(row.get("played_at"))) is not None and at.microsecond for row in rows)
    return has_fractions or any((whole(row.get("ms_played")) or SHORTEST_TOLD) < SHORTEST_TOLD for row in rows)


def track_of(row: Row, described: Mapping[str, Row], length_ms: int | None) -> dict[str, Any] | None:
    """What a row played, as Spotify's JSON would tell it; None for the unknown track."""
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
    guests = [{"id": None, "name": guest} for guest in listed(more.get("ft_artists")) if guest != artist]
    return {
        "id": track_id,
        "uri": uri or name_uri("track", artist, title),
        "type": uri.split(":")[1] if uri and uri.startswith("spotify:episode:") else "track",
        "name": title,
        "duration_ms": whole(row.get("duration_ms")) or length_ms,
        "explicit": truth(more.get("explicit")),
        "popularity": whole(row.get("popularity"), 100) or whole(more.get("popularity"), 100),
        "artists": by + guests,
        "album": {"id": None, "name": album, "artists": by, "images": [{"url": cover}] if cover else []}
        if album
        else None,
    }


def artist_of(row: Row) -> dict[str, Any] | None:
    """An old description of an artist, as Spotify's JSON would tell it."""
    artist_id = text_or_none(row.get("artist_id"))
    if artist_id is None or not SPOTIFY_ID.fullmatch(artist_id):
        return None
    picture = text_or_none(row.get("img_link"))
    return {
        "id": artist_id,
        "name": name(text_or_none(row.get("aritst_name")) or text_or_none(row.get("artist_name"))),
        "genres": listed(row.get("genre")) or None,
        "images": [{"url": picture}] if picture else [],
        "popularity": whole(row.get("popularity"), 100),
    }


def text_or_none(value: object) -> str | None:
    """A text that says something; a missing value has many writings."""
    said = text(value if isinstance(value, str) else None)
    return None if said is None or said.strip().casefold() in NOTHING else said.strip()


def whole(value: object, most: int = 2**31 - 1) -> int | None:
    """A whole number from 0 to `most`, also one that is written as a text; None for anything else."""
    if isinstance(value, str | Decimal):
        with suppress(ValueError, InvalidOperation):
            return number(float(value), most)
        return None
    return number(value, most)


def listed(value: object) -> list[str]:
    """The names in a list, or in a text with commas."""
    if isinstance(value, list):
        return [one for part in value if (one := text_or_none(part))]
    return [
        one
        for part in (text_or_none(value) or "").strip("[]{}").split(",")
        if (one := text_or_none(part.strip().strip("'\"")))
    ]


def truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).casefold())


def moment_of(value: object) -> datetime | None:
    """A moment, in UTC where it names no time zone."""
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


PLAYS = {  # the tables with plays, and the columns that make them known
    "main_streaming_data": {"played_at", "track_id", "track_name", "artist_name"},
    "listening_history": {"track_uri", "track_name", "artist_name", "played_at"},
}
AN_ID = re.compile(r"[0-9]{1,20}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")  # a number, or a UUID
PLACE = "ctid"  # where Postgres keeps a row: names one of a table without an id
Row = Mapping[str, Any]


@dataclass(frozen=True)
class OldTable:
    """A table of an older project, wherever it lies."""

    schema: str
    name: str
    columns: frozenset[str]
    row_count: int


def name_of(row: Row) -> str:
    """What finds a row again: its id, or else where Postgres keeps it. Quotes nothing that was listened to."""
    number = row.get("id")
    if isinstance(number, int) or (isinstance(number, str) and AN_ID.fullmatch(number)):
        return f"id {number}"
    return f"{PLACE} {row[PLACE]}"
