"""Recently-played JSON to plays. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from etl.dimensions.transform import catalogue_tables, uri_of
from etl.staging import AHEAD, FIRST_PLAY, PLAY_COLUMNS, Table
from etl.values import fitted, mapping, moment


@dataclass(frozen=True)
class Page:
    """A page of the recently-played list, ready for staging."""

    tables: dict[str, Table] = field(repr=False)  # by name of the staging table
    item_count: int
    unreadable_count: int  # items without a date, or with an impossible one: nothing to record
    refused_count: int = 0  # items that the database accepts in no form
    bare_count: int = 0  # items too odd to be recorded whole: only the play and what identifies its track


def read_page(body: Mapping[str, Any], fetched_at: datetime) -> Page:
    """Turns every item of `body` into a play, and every track it describes into rows of the dimensions.

    `body` is an answer of Spotify's `/v1/me/player/recently-played`. `played_at` is the end of the play, UTC, with or
    without a fraction of a second. An item may hold a track, an episode, a local file, or nothing: the play is then
    one of the unknown track.
    """
    items = body["items"]
    plays = []
    tracks = []
    for number, item in enumerate(items):
        played_at = moment(item.get("played_at")) if isinstance(item, Mapping) else None
        if played_at is None or not FIRST_PLAY <= played_at <= fetched_at + AHEAD:
            continue
        track, context = mapping(item.get("track")), mapping(item.get("context"))
        tracks.append(track)
        plays.append(
            {
                "item_number": number,
                "source": "recently_played",
                "track_uri": uri_of(track),
                "played_at": played_at,
                **fitted(context_uri=context.get("uri"), context_type=context.get("type")),
            }
        )
    tables: dict[str, Table] = {**catalogue_tables(tracks=tracks, fetched_at=fetched_at)}
    tables["staging_play"] = Table.of(plays, PLAY_COLUMNS)
    return Page(tables=tables, item_count=len(items), unreadable_count=len(items) - len(plays))
