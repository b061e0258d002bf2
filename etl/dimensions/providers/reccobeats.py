"""ReccoBeats: audio features by Spotify's id, then by ISRC.

https://reccobeats.com/docs: at most 40 ids a call; rows come in any order, unknown ids are left out, and one ISRC may
give several rows. Features have neither a length nor a time signature; the length is in /v1/track.
"""

import re
from collections.abc import Sequence

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
    for row in content(caller, "/v1/audio-features", [str(one) for one in keys], told):
        track_id = spotify_id_of(row)
        if track_id is None:  # whose row it is can't be read
            told.is_whole = False
            continue
        key = keys.get(track_id)
        features = features_of(row)
        if key is not None and features is not None:
            told.features.setdefault(key, features)
    return told


def by_isrc(caller: Caller, items: Sequence[Item]) -> Told:
    """Features of tracks by ISRC: of the rows of one the row whose length is ours, within three seconds.

    A row of another length is not this recording, for labels give one code to two; nor is one of unknown length. The
    lengths take a second call, of which there is none where no row came.
    """
    told = Told(matched_by="isrc")
    wanted = sorted({item.isrc for item in items if item.isrc})
    rows = {}
    for row in content(caller, "/v1/audio-features", wanted, told):
        if (own_id := id_of(row)) is None or isrc(row.get("isrc")) is None:
            told.is_whole = False
        elif features_of(row) is not None:
            rows[own_id] = row
    lengths: dict[str, int | None] = {}
    for start in range(0, len(ids := sorted(rows)), MOST_IDS):
        for track in content(caller, "/v1/track", ids[start : start + MOST_IDS], told):
            if (own_id := id_of(track)) is None:
                told.is_whole = False
            else:
                lengths[own_id] = number(track.get("durationMs"))
    for item in items:
        same = [one for one, row in rows.items() if isrc(row.get("isrc")) == item.isrc]
        if meant := the_one([rows[one] for one in same], [lengths.get(one) for one in same], item.duration_ms):
            features = features_of(meant)
            assert features is not None, "rows without are left out above"
            told.features[item.key] = features
    return told


def the_one(rows: Sequence[Json], lengths: Sequence[int | None], duration_ms: int | None) -> Json | None:
    """The row that is the recording of this length; None if there is none, or it can't be told."""
    if duration_ms is None:
        return None
    near = [
        (abs(length - duration_ms), place)
        for place, length in enumerate(lengths)
        if length is not None and abs(length - duration_ms) <= LENGTH_WITHIN_MS
    ]
    return rows[min(near)[1]] if near else None


def content(caller: Caller, path: str, ids: Sequence[str], told: Told) -> list[Json]:
    """The rows of an answer, which is not whole if one of them is no object.

    Raises ProviderError when it has another shape, and what Caller.ask raises.
    """
    if not ids:
        return []
    answer = caller.ask(path, [("ids", one) for one in ids])
    rows = mapping(answer).get("content")
    if not isinstance(rows, list):
        raise ProviderError("an answer of another shape")
    found = mappings(rows)
    told.is_whole = told.is_whole and len(found) == len(rows)
    return found


def id_of(row: Json) -> str | None:
    """ReccoBeats' own id of a row; None for anything that can't be one."""
    own_id = row.get("id")
    return own_id if isinstance(own_id, str) and own_id else None


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
