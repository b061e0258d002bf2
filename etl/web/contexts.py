"""From where something was played, in words: Spotify tells an address and seldom a name. Pure."""

from typing import Any

NAMES = {
    "album": "An album",
    "artist": "An artist's page",
    "playlist": "A playlist",
    "collection": "Liked songs",
    "show": "A show",
}
SHOWN = 6  # characters of an id, to tell playlists without a name apart


def context_in_words(row: Any) -> str:
    """The name of a context, or else its kind: `A playlist (37i9dQ…)`. row: has context_name, _type and _uri."""
    if row.context_name:
        return str(row.context_name)
    words = NAMES.get(row.context_type, "Somewhere on Spotify")
    end = str(row.context_uri or "").rpartition(":")[2]
    return words if row.context_type == "collection" or not end else f"{words} ({end[:SHOWN]}…)"
