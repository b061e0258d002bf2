"""Histories of Koito: the JSON of its export.

Source of the facts: gabehf/Koito, internal/export/export.go and test_assets/koito_export_test.json. The file has
`version`, `exported_at`, `user` and `listens`. A listen has `listened_at` (RFC 3339; Koito takes the same clients as
ListenBrainz, so it is the start), `client`, `track`, `album` and `artists`, whose names are `aliases`, one of them
`is_primary`. `duration` is the length of the track in seconds, not how long it was heard. An artist may be `is_primary`.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from etl.sources.services.json_rows import Raw, decoded, parsed
from etl.sources.services.scrobbles import BadRow, Scrobble, album_of, attempts, named, titled
from etl.values import mapping, mappings, moment

SOURCE = "koito"  # listening.source


class File(msgspec.Struct):
    """The export."""

    listens: list[Raw]


def read(content: bytes) -> Iterator[Scrobble | Exception]:
    """The rows of a file in UTF-8. Raises Unparsed."""
    yield from attempts(decoded(content, File).listens, listen)


def listen(raw: Any) -> Scrobble:
    """A listen. Raises BadRow for one without names or date."""
    row = parsed(raw)
    at = moment(row.get("listened_at"))
    if at is None:
        raise BadRow("its date is missing, or no time")
    artists = mappings(row.get("artists"))
    first = next((artist for artist in artists if artist.get("is_primary")), artists[0] if artists else {})
    return Scrobble(
        SOURCE,
        at,
        named(primary_alias(first), "artist"),
        titled(primary_alias(mapping(row.get("track")))),
        album_of(primary_alias(mapping(row.get("album")))),
    )


def primary_alias(item: Any) -> object:
    """The name of an artist, album or track: its primary alias, or else its first."""
    aliases = mappings(item.get("aliases"))
    chosen = next((one for one in aliases if one.get("is_primary")), aliases[0] if aliases else {})
    return chosen.get("alias")
