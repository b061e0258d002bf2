"""What a person writes for something at Spotify: an id, a URI or a link, with whatever a share adds to it. Pure."""

import re
from dataclasses import dataclass

ID = r"(?P<id>[0-9A-Za-z]{22})"
KIND = r"(?P<kind>track|episode|chapter|artist|album|show|audiobook|playlist)"
REST = r"/?(?:[?#].*)?"  # ?si=… of a share may hold 22 characters, and context=… another URI
BARE = re.compile(ID)
URI = re.compile(rf"spotify:(?:user:[^:]+:)?{KIND}:{ID}{REST}", re.IGNORECASE)
LINK = re.compile(
    rf"(?:https?://)?(?:(?:open|play)\.spotify\.com/(?:intl-[\w-]+/)?(?:embed/)?(?:user/[^/]+/)?{KIND}"
    rf"|api\.spotify\.com/v1/(?P<many>track|episode|chapter|artist|album|show|audiobook|playlist)s)/{ID}{REST}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Named:
    """What an id, a URI or a link stands for. `kind`: track, artist and so on; None for an id alone."""

    kind: str | None
    spotify_id: str


def a(kind: str) -> str:
    """A kind with its article: an artist, a track."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def named(told: str) -> Named | None:
    """What a text stands for; None for a text that is no id, URI or link of Spotify's, such as a name."""
    told = told.strip()
    if found := BARE.fullmatch(told):
        return Named(None, found["id"])
    if found := URI.fullmatch(told):
        return Named(found["kind"].lower(), found["id"])
    if found := LINK.fullmatch(told):
        return Named((found["kind"] or found["many"]).lower(), found["id"])
    return None
