"""Histories of Maloja: the JSON of its export, and the answer of its API.

Sources of the facts (krateng/maloja; gabehf/Koito for examples of both forms):

- maloja/proccontrol/tasks/export.py writes {"maloja": {"export_time"}, "scrobbles": [...]}. Each scrobble has `time`
  (seconds), `track` with `artists`, `title`, `album` (null, or {"artists", "albumtitle"}) and `length` (seconds, or
  null), `duration` (how long it was heard, in seconds, or null) and `origin`.
- The API answers {"status": "ok", "list": [...]} with the same scrobbles (Koito, test_assets/maloja_api_format_test.json).
- `artists` may be empty (Koito, test_assets/maloja_import_null_album_test.json).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from etl.sources.services.json_rows import Raw, decoded, parsed
from etl.sources.services.scrobbles import (
    Scrobble,
    album_of,
    attempts,
    named,
    seconds_as_ms,
    titled,
    unix_moment,
)
from etl.values import mapping

SOURCE = "maloja"  # listening.source


class File(msgspec.Struct):
    """The export, or an answer of the API."""

    scrobbles: list[Raw] | None = None
    answered: list[Raw] | None = msgspec.field(default=None, name="list")


def read(content: bytes) -> Iterator[Scrobble | Exception]:
    """The rows of a file in UTF-8. Raises Unparsed."""
    file = decoded(content, File)
    yield from attempts(file.scrobbles if file.scrobbles is not None else file.answered or (), scrobble)


def scrobble(raw: Any) -> Scrobble:
    """A scrobble. Raises BadRow for one without names or date."""
    row = parsed(raw)
    track = mapping(row.get("track"))
    artists = track.get("artists")
    album = mapping(track.get("album"))
    return Scrobble(
        SOURCE,
        unix_moment(row.get("time")),
        named(artists[0] if isinstance(artists, list) and artists else None, "artist"),
        titled(track.get("title")),
        album_of(album.get("albumtitle") or album.get("name")),
        ms_played=seconds_as_ms(row.get("duration")),
    )
