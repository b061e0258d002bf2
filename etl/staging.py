"""The columns of a batch, the same for every source. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pandas as pd

from etl.values import Row

ARTIST_COLUMNS = {
    "artist_id": "str",
    "artist_name": "str",
    "genres": "str",  # a JSON list: [] is an answer, null is none
    "image_url": "str",
    "popularity": "Int64",
    "follower_count": "Int64",
    "fetched_at": "object",
}
ALBUM_COLUMNS = {
    "album_id": "str",
    "album_name": "str",
    "album_artist_name": "str",
    "album_type": "str",
    "release_date": "object",
    "release_date_precision": "str",
    "track_count": "Int64",
    "label": "str",
    "popularity": "Int64",
    "image_url": "str",
    "fetched_at": "object",
}
TRACK_COLUMNS = {
    "track_id": "str",
    "track_uri": "str",
    "track_name": "str",
    "content_type": "str",
    "duration_ms": "Int64",
    "isrc": "str",
    "is_explicit": "boolean",
    "disc_number": "Int64",
    "track_number": "Int64",
    "popularity": "Int64",
    "album_id": "str",
    "album_name": "str",
    "album_artist_name": "str",
    "fetched_at": "object",
}
TRACK_ARTIST_COLUMNS = {
    "track_uri": "str",
    "artist_id": "str",
    "artist_name": "str",
    "position": "Int64",
    "role": "str",
    "weight": "Float64",
}


def frame(rows: Iterable[Row], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of these columns and dtypes; what a row does not tell is null."""
    told = list(rows)
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in told], dtype=kind) for name, kind in columns.items()}
    )


PLAY_COLUMNS = {
    "item_number": "Int64",
    "source": "str",
    "track_uri": "str",
    "played_at": "object",
    "context_uri": "str",
    "context_type": "str",
}
FIRST_PLAY = datetime(2006, 1, 1, tzinfo=UTC)  # Spotify is no older
AHEAD = timedelta(days=1)  # of the clock here; a play of next year would stay in every window and hide every gap


SHOWN_MALFORMED = 20
DETAIL_COLUMNS = (  # what many plays have in common, and only the extended history tells
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
class Malformed:
    """A row that is no listen: its number in the file, from 1, and why; of a table, what finds it again. Quotes nothing of it."""

    row_number: int
    reason: str
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.name or f'row {self.row_number}'}: {self.reason}"


@dataclass(frozen=True)
class Part:
    """One file of an export, ready to be staged."""

    package: str  # which export it belongs to
    name: str
    kind: str
    row_count: int  # all in the file: staged, private ones left out, and malformed
    podcast_count: int  # staged rows that are episodes
    unnamed_count: int  # staged rows with neither URI nor name: plays of the unknown track
    private_count: int  # rows left out because the person asked for it
    malformed: tuple[Malformed, ...]  # the first of them
    malformed_count: int
    tables: dict[str, pd.DataFrame] = field(repr=False)  # by name of the staging table
    notes: tuple[str, ...] = ()  # what was read in another way than it stands there, or not at all
    owner: bytes | None = field(default=None, repr=False)  # mark of the user name in it (export_owner)
