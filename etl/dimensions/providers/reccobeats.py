"""ReccoBeats: audio features by Spotify's id, then by ISRC.

https://reccobeats.com/docs: at most 40 ids a call; rows come in any order, unknown ids are left out, and one ISRC may
give several rows. Features have neither a length nor a time signature; the length is in /v1/track.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from etl.dimensions.features import features_of
from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import Json, isrc, mapping, mappings, number

MOST_IDS = 40
LENGTH_WITHIN_MS = 3_000  # one recording may differ by so much from one release to another
TRACK = re.compile(r"https?://open\.spotify\.com/(?:intl-\w+/)?track/([0-9A-Za-z]{22})(?:[/?#].*)?")


def by_id(caller: Caller, items: Sequence[Item]) -> Told:
    """Features of tracks by Spotify's id. Joined on the id in `href`, never by position."""
    keys = {item.spotify_id: item.key for item in items}
    told = Told()
    for row in content(caller, "/v1/audio-features", [str(one) for one in keys]):
        key = keys.get(spotify_id_of(row))
        features = features_of(row)
        if key is not None and features is not None:
            told.features.setdefault(key, features)
    return told


def by_isrc(caller: Caller, items: Sequence[Item]) -> Told:
    """Features of tracks by ISRC: of the rows of one the row whose length is ours, within three seconds.

    A row of another length is not this recording, for labels give one code to two. Where the length of ours is unknown,
    a single row is taken and two are a miss.
    """
    told = Told(matched_by="isrc")
    wanted = sorted({item.isrc for item in items if item.isrc})
    rows = [row for row in content(caller, "/v1/audio-features", wanted) if features_of(row) and row.get("id")]
    ids = sorted({str(row["id"]) for row in rows})
    lengths: dict[Any, int | None] = {}
    for start in range(0, len(ids), MOST_IDS):
        for track in content(caller, "/v1/track", ids[start : start + MOST_IDS]):
            lengths[track.get("id")] = number(track.get("durationMs"))
    for item in items:
        same = [row for row in rows if isrc(row.get("isrc")) == item.isrc]
        if meant := the_one(same, [lengths.get(row["id"]) for row in same], item.duration_ms):
            features = features_of(meant)
            assert features is not None, "rows without are left out above"
            told.features[item.key] = features
    return told


def the_one(rows: Sequence[Json], lengths: Sequence[int | None], duration_ms: int | None) -> Json | None:
    """The row that is the recording of this length; None if there is none, or it can't be told."""
    if duration_ms is None:
        return rows[0] if len(rows) == 1 else None
    near = [
        (abs(length - duration_ms), place)
        for place, length in enumerate(lengths)
        if length is not None and abs(length - duration_ms) <= LENGTH_WITHIN_MS
    ]
    return rows[min(near)[1]] if near else None


def content(caller: Caller, path: str, ids: Sequence[str]) -> Iterator[Json]:
    """The rows of an answer. Raises ProviderError when it has another shape, and what Caller.ask raises."""
    if not ids:
        return
    answer = caller.ask(path, [("ids", one) for one in ids])
    rows = mapping(answer).get("content")
    if not isinstance(rows, list):
        raise ProviderError("an answer of another shape")
    yield from mappings(rows)


def spotify_id_of(row: Json) -> str | None:
    href = row.get("href")
    found = TRACK.fullmatch(href) if isinstance(href, str) else None
    return found[1] if found else None


RECCOBEATS = Provider(
    "reccobeats",
    budget=25,
    pause_s=0.5,
    steps=(
        Step("track_id", "features", MOST_IDS, by_id),
        Step("track_isrc", "features", MOST_IDS, by_isrc),
    ),
)
