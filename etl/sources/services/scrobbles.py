"""The rows of a service's history as columns of the staging tables; what can't become a play is listed by number.

Rows come in one at a time and are kept as columns that share their texts, so that memory grows by some 100 bytes a row.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from etl.counts import many
from etl.sources.exports.members import name_uri
from etl.staging import (
    ALBUM_COLUMNS,
    ARTIST_COLUMNS,
    EXPORT_PLAY_COLUMNS,
    FIRST_SCROBBLE,
    SHOWN_MALFORMED,
    TRACK_ARTIST_COLUMNS,
    TRACK_COLUMNS,
    Malformed,
    Table,
)
from etl.values import SPOTIFY_ID, name, number, title

IN_MS = 10**11  # from here on a timestamp is in milliseconds: 1973 in these, the year 5138 in seconds
LAST_MS = 10**14


class NoPlay(Exception):
    """A row is no play yet, such as the one that was playing when the file was written; the message says what it is."""


class BadRow(Exception):
    """A row can't become a play; the message says why and quotes none of it."""


class Scrobble(NamedTuple):
    """A play as a service tells it. `at` is its start, or its end if the source dates the end."""

    source: str  # listening.source
    at: datetime
    artist: str
    track: str
    album: str | None = None
    track_id: str | None = None
    ms_played: int | None = None


@dataclass
class Scrobbles:
    """What was read of a file so far."""

    latest: datetime  # a row that is later is bad
    sources: list[str] = field(default_factory=list)
    uris: list[str] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    lengths: list[int | None] = field(default_factory=list)
    # by what was played, its latest play: (URI, title, artist, album, id)
    members: dict[tuple[str, str, str, str | None, str | None], str] = field(default_factory=dict)
    malformed: list[Malformed] = field(default_factory=list)
    malformed_count: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    shared: dict[str, str] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Rows that are plays, and bad ones."""
        return len(self.sources) + self.malformed_count

    def read(self, rows: Iterable[Scrobble | Exception]) -> None:
        """Add each row: a scrobble, or why it is none (NoPlay, BadRow). Raises anything else that is among them."""
        for row_number, row in enumerate(rows, start=1):
            if isinstance(row, NoPlay):
                self.left_out[str(row)] += 1
                continue
            if isinstance(row, BadRow):
                self.reject(row_number, str(row))
                continue
            if isinstance(row, Exception):
                raise row
            if not FIRST_SCROBBLE <= row.at <= self.latest:
                self.reject(row_number, "its date is before 2002 or in the future")
                continue
            self.add(row)

    def reject(self, row_number: int, why: str) -> None:
        self.malformed_count += 1
        if len(self.malformed) < SHOWN_MALFORMED:
            self.malformed.append(Malformed(row_number, why))

    def add(self, row: Scrobble) -> None:
        uri = f"spotify:track:{row.track_id}" if row.track_id else name_uri("track", row.artist, row.track)
        uri = self.shared.setdefault(uri, uri)
        moment = row.at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{row.at.microsecond:06}Z" if row.at.microsecond else "Z")
        member = (uri, row.track, row.artist, row.album, row.track_id)
        self.members[member] = max(moment, self.members.get(member, moment))
        self.sources.append(row.source)
        self.uris.append(uri)
        self.moments.append(moment)
        self.lengths.append(row.ms_played)

    def all_notes(self) -> tuple[str, ...]:
        return (*self.notes, *(f"{many(count, 'row')}: {what}" for what, count in sorted(self.left_out.items())))

    def tables(self, item_number: int, file_number: int, dates_start: frozenset[str]) -> dict[str, Table]:
        """The staging tables. item_number: of the first row. dates_start: the sources that date the start of a play."""
        count, nothing = len(self.sources), [None] * len(self.sources)
        plays: dict[str, Any] = {
            "item_number": range(item_number, item_number + count),
            "file_number": [file_number] * count,
            "source": self.sources,
            "track_uri": self.uris,
            "played_at": self.moments,
            "started_at": [
                moment if source in dates_start else None
                for source, moment in zip(self.sources, self.moments, strict=True)
            ],
            "ms_played": self.lengths,
        }
        tracks, albums, artists, credits_ = [], {}, {}, {}
        for (uri, track, artist, album, track_id), latest in self.members.items():
            tracks.append(
                {
                    "track_id": track_id,
                    "track_uri": uri,
                    "track_name": track,
                    "content_type": "track",
                    "album_name": album,
                    "album_artist_name": artist,
                    # what a service calls an id of Spotify's never replaces what an export calls it
                    "named_at": None if track_id else latest,
                }
            )
            artists[artist] = {"artist_name": artist}
            credits_[uri] = {
                "track_uri": uri, "artist_name": artist, "position": 1, "role": "main", "weight": 1.0,
            }  # fmt: skip
            if album is not None:
                albums[album, artist] = {"album_name": album, "album_artist_name": artist}
        return {
            "staging_play": Table({column: plays.get(column, nothing) for column in EXPORT_PLAY_COLUMNS}),
            "staging_artist": Table.of(artists.values(), ARTIST_COLUMNS),
            "staging_album": Table.of(albums.values(), ALBUM_COLUMNS),
            "staging_track": Table.of(tracks, TRACK_COLUMNS),
            "staging_track_artist": Table.of(credits_.values(), TRACK_ARTIST_COLUMNS),
        }


def named(value: object, what: str) -> str:
    """The name of an artist. Raises BadRow if there is none."""
    found = name(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise BadRow(f"its {what} is missing")
    return found


def titled(value: object) -> str:
    """The title of a track. Raises BadRow if there is none."""
    found = title(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise BadRow("its track is missing")
    return found


def album_of(value: object) -> str | None:
    return name(value.strip()) if isinstance(value, str) else None


def unix_moment(value: object) -> datetime:
    """A moment as seconds since 1970, maybe as text or with a fraction; from 10**11 on they are milliseconds.

    Raises BadRow for anything else.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise InvalidOperation
        seconds = Decimal(str(value).strip())
        if not 0 <= seconds < LAST_MS:
            raise InvalidOperation
    except InvalidOperation:
        raise BadRow("its date is missing, or no time") from None
    in_ms = int(seconds if seconds >= IN_MS else seconds * 1000)
    return datetime.fromtimestamp(in_ms // 1000, UTC).replace(microsecond=in_ms % 1000 * 1000)


def seconds_as_ms(value: object) -> int | None:
    """A length in seconds as milliseconds; None for 0 and anything that is no length."""
    whole = number(value, 86_400)
    return whole * 1000 if whole else None


def spotify_track_id(*values: object) -> str | None:
    """The id in the first of these that is the address or URI of a track at Spotify."""
    for value in values:
        if isinstance(value, str) and ("open.spotify.com/" in value or value.startswith("spotify:track:")):
            last = value.split("?")[0].rstrip("/").replace(":", "/").split("/")
            if (
                last[-2:-1] == ["track"]
                and len(last[-1]) == len("4uLU6hMCjMI75M1A2tKUQC")
                and SPOTIFY_ID.fullmatch(last[-1])
            ):
                return last[-1]
    return None


def attempts(rows: Iterable[Any], make: Any) -> Iterator[Scrobble | Exception]:
    """make(row) for each row, or the NoPlay or BadRow that it raises."""
    for row in rows:
        try:
            yield make(row)
        except (NoPlay, BadRow) as why:
            yield why
