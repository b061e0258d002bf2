"""Histories of ListenBrainz: the JSON lines of its zip archive, and the list of its earlier export.

Sources of the facts (metabrainz/listenbrainz-server):

- listenbrainz/background/export.py writes the archive: user.json, listens/YEAR/MONTH.jsonl with `listened_at` (seconds,
  maybe with a fraction) and `track_metadata`, feedback.jsonl, pinned_recording.jsonl. What is playing is not in it.
- https://listenbrainz.readthedocs.io/en/latest/users/json.html and …/users/api/core.html: `listened_at` is when the
  track began; a listen is sent after half of it or four minutes. `additional_info` may have `artist_names`,
  `spotify_id` and `origin_url` (addresses), `music_service`.
- listenbrainz/listens_importer/spotify.py, which copies Spotify's list of recently played for a listener, writes that
  list's `played_at` into `listened_at`: the end of the play. So do listens that a listener uploaded as an extended
  export (listenbrainz/background/listens_importer/spotify.py): the end, and `ms_played`. Both are told by
  `spotify_artist_ids` or `ms_played` of a listen at spotify.com.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from etl.sources.services.json_rows import Raw, decoded, parsed
from etl.sources.services.scrobbles import (
    Scrobble,
    album_of,
    attempts,
    named,
    spotify_track_id,
    titled,
    unix_moment,
)
from etl.values import mapping, number

SCROBBLED, COPIED = "listenbrainz", "listenbrainz_spotify"  # listening.source


def read(content: bytes) -> Iterator[Scrobble | Exception]:
    """The rows of a file in UTF-8. Raises Unparsed."""
    is_list = content.lstrip()[:1] == b"["
    rows: Any = decoded(content, list[Raw]) if is_list else (line for line in BytesIO(content) if line.strip())
    yield from attempts(rows, listen)


def listen(raw: Any) -> Scrobble:
    """A listen. Raises BadRow for one without names or date."""
    row = parsed(raw)
    told = mapping(row.get("track_metadata"))
    info = mapping(told.get("additional_info"))
    is_spotify = info.get("music_service") == "spotify.com" or info.get("listening_from") == "spotify"
    is_copied = is_spotify and ("spotify_artist_ids" in info or "ms_played" in info)
    names = info.get("artist_names")
    first = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else told.get("artist_name")
    return Scrobble(
        COPIED if is_copied else SCROBBLED,
        unix_moment(row.get("listened_at")),
        named(first, "artist"),
        titled(told.get("track_name")),
        album_of(told.get("release_name")),
        spotify_track_id(info.get("spotify_id"), info.get("origin_url")),
        number(info.get("ms_played")) if is_copied else None,
    )
