"""Tracks that exports name without an id: which to search for, and which of Spotify's answers is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from etl.dimensions.transform import track_artists, track_row
from etl.values import Json
from etl.warehouse.statements import run

NAMED = "name"  # kind of a member whose id is a URI made of names; also how a refused search is remembered
AGAIN_AFTER_DAYS = [7, 30, 90, 365]  # after the first miss, the second …: catalogues grow, but slowly


@dataclass(frozen=True)
class NamedTrack:
    """A track known by name alone. track_uri: made of its names."""

    track_uri: str
    track_name: str
    artist_name: str


def named_tracks(connection: Connection, *, now: datetime, failed_before: datetime, limit: int) -> list[NamedTrack]:
    """The tracks to search for now, the most played first. failed_before: searches without an answer until then."""
    rows = run(
        connection,
        "ops/catalogue/named",
        now=now,
        failed_before=failed_before,
        again_after_days=AGAIN_AFTER_DAYS,
        work_limit=limit,
    )
    return [NamedTrack(row.track_uri, row.track_name, row.artist_name) for row in rows]


def agreeing(connection: Connection, hits: Mapping[str, Sequence[Json]], now: datetime) -> dict[str, Json]:
    """Of what was found for each named track, the one that it is: by URI made of names. Those without one are missing.

    It has the name and an artist, folded, and is no shorter than the longest play (by two seconds): of several the
    shortest, as sql/dimensions/track_recording.sql chooses. hits: full tracks of Spotify's, the best first.
    """
    named: list[dict[str, Any]] = []
    for uri, found in hits.items():
        for number, track in enumerate(found):
            row = track_row(track, now)
            if row and row["track_id"] and row["content_type"] == "track" and row["fetched_at"]:
                artists = {artist["artist_name"] for artist in track_artists(track)} | {row["album_artist_name"]}
                named += [
                    {
                        "track_uri": uri,
                        "hit_number": number,
                        "track_name": row["track_name"],
                        "artist_name": artist,
                        "duration_ms": row["duration_ms"],
                    }
                    for artist in sorted(artists - {None})
                ]
    columns = ("track_uri", "hit_number", "track_name", "artist_name", "duration_ms")
    rows = run(connection, "ops/catalogue/agreeing", **{f"{name}s": [one[name] for one in named] for name in columns})
    return {row.track_uri: hits[row.track_uri][row.hit_number] for row in rows}
