"""The columns of a batch, the same for every source, and the rows that fill them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.values import Row

ARTIST_COLUMNS = (
    "artist_id",
    "artist_name",
    "genres",  # a JSON list; [] means none, null means unknown
    "image_url",
    "popularity",
    "follower_count",
    "fetched_at",
)
ALBUM_COLUMNS = (
    "album_id",
    "album_name",
    "album_artist_name",
    "album_type",
    "release_date",
    "release_date_precision",
    "track_count",
    "label",
    "popularity",
    "image_url",
    "fetched_at",
)
TRACK_COLUMNS = (
    "track_id",
    "track_uri",
    "track_name",
    "content_type",
    "duration_ms",
    "isrc",
    "is_explicit",
    "disc_number",
    "track_number",
    "popularity",
    "album_id",
    "album_name",
    "album_artist_name",
    "fetched_at",
    "named_at",  # the latest play for which an export gives this name; null: that of its latest play in the batch
)
TRACK_ARTIST_COLUMNS = (
    "track_uri",
    "artist_id",
    "artist_name",
    "position",
    "role",
    "weight",
)
PLAY_COLUMNS = (
    "item_number",
    "source",
    "track_uri",
    "played_at",
    "context_uri",
    "context_type",
)
FIRST_PLAY = datetime(2006, 1, 1, tzinfo=UTC)  # Spotify is no older
FIRST_SCROBBLE = datetime(2002, 1, 1, tzinfo=UTC)  # Audioscrobbler, which became Last.fm, began in that year
AHEAD = timedelta(days=1)  # tolerated clock skew; a play from next year would stay in every window and hide every gap

SHOWN_MALFORMED = 20
DETAIL_COLUMNS = (  # only in the extended history; many plays share the same values
    "platform",
    "reason_start",
    "reason_end",
    "is_shuffle",
    "is_skipped",
    "is_offline",
    "is_private",
    "country_code",
)
EXPORT_PLAY_COLUMNS = (
    "item_number",
    "file_number",
    "source",
    "track_uri",
    "played_at",
    "started_at",
    "ms_played",
    *DETAIL_COLUMNS,
)


@dataclass(frozen=True)
class Table:
    """Plain rows for one staging table: for each column its values, all of the same length."""

    values: Mapping[str, Sequence[Any]] = field(repr=False)  # titles and names

    @classmethod
    def of(cls, rows: Iterable[Row], columns: Iterable[str]) -> "Table":
        """The rows as a table of these columns. A column that a row lacks is null there."""
        every = list(rows)
        return cls({column: [row.get(column) for row in every] for column in columns})

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.values)

    def __len__(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def __getitem__(self, column: str, /) -> Sequence[Any]:
        return self.values[column]


@dataclass(frozen=True)
class Malformed:
    """A row that is not a play: its number in the file, from 1, and why. Quotes none of its content.

    `name` identifies a row of a table, where a row number means nothing.
    """

    row_number: int
    reason: str
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.name or f'row {self.row_number}'}: {self.reason}"


@dataclass(frozen=True)
class Part:
    """One file of an export, or one table of an older project, ready for staging."""

    package: str  # which export it belongs to
    name: str
    kind: str
    row_count: int  # all rows of the file: staged, private and left out, malformed
    podcast_count: int  # staged rows that are episodes
    unnamed_count: int  # staged rows with neither URI nor name: plays of the unknown track
    private_count: int  # rows left out at the listener's request (--without-private)
    malformed: tuple[Malformed, ...]  # the first SHOWN_MALFORMED
    malformed_count: int
    tables: dict[str, Table] = field(repr=False)  # by name of the staging table
    notes: tuple[str, ...] = ()  # what was reinterpreted or ignored
    owner: bytes | None = field(default=None, repr=False)  # hash of the user name in the file (exports/owner.py)
    content_hash: str | None = None  # SHA-256 of the file; None: it is no file
    rules: str | None = None  # by which the file was read (exports/earlier.py)
