"""An answer of Spotify's `/v1/me/player`, checked. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal

from etl.dimensions.transform import uri_of
from etl.values import Json, context, flag, mapping, mappings, name, number, text, unchanged, word

Kind = Literal["item", "nothing", "ad", "unknown", "private", "error"]
LONGEST_TIMESTAMP = 2**53  # what a JSON number holds exactly
LONGEST_PROGRESS_MS = 86_400_000  # of an item whose length is unknown: a day
LONGEST_DEVICE_ID = 200  # 40 characters are usual
TRACK_FIELDS = (  # all that etl/dimensions/transform.py reads, so that a saved play stays small
    *("id", "uri", "type", "name", "duration_ms", "explicit", "disc_number", "track_number"),
    *("popularity", "is_local", "external_ids"),
)
ALBUM_FIELDS = (
    *("id", "name", "type", "album_type", "release_date", "release_date_precision", "total_tracks"),
    *("total_episodes", "publisher", "label", "popularity"),
)


@dataclass(frozen=True)
class Device:
    """What plays. Spotify gives no id for some speakers."""

    device_id: str | None = field(repr=False)
    device_name: str | None = field(repr=False)
    device_type: str | None


@dataclass(frozen=True)
class Sight:
    """An item on the player. `changed_ms`: Unix milliseconds of the last change of state, by Spotify's clock."""

    uri: str = field(repr=False)
    item: dict[str, Any] = field(repr=False)  # as Spotify describes it, without what is not kept
    progress_ms: int
    duration_ms: int | None
    is_playing: bool
    changed_ms: int | None = None
    device: Device | None = None
    context_uri: str | None = field(default=None, repr=False)
    context_type: str | None = None
    is_shuffle: bool | None = None
    is_smart_shuffle: bool | None = None
    repeat: str | None = None
    is_private: bool | None = None

    @property
    def is_episode(self) -> bool:
        """Whether it usually starts where the listener stopped, not at its beginning."""
        return not self.uri.startswith(("spotify:track:", "spotify:local:"))


@dataclass(frozen=True)
class Answer:
    """What one question brought.

    `item`: an item plays or is paused. `nothing`: 204. `ad`, `unknown`: no item is given, so nothing is known but that
    the one before has ended. `private`: a private session, of which nothing is kept. `error`: no answer, or none that
    can be read; it says nothing about the player.
    """

    kind: Kind
    sight: Sight | None = None
    progress_ms: int | None = None  # of an ad


ERROR = Answer("error")  # also for a time-out, or a connection that broke


def read_answer(status: int, body: object) -> Answer:
    """Check an answer to `GET /v1/me/player?additional_types=track,episode`: its status and its parsed JSON.

    Raises nothing. An item without a URI, a progress or a word on whether it plays is an error: it can't be dated, and
    to end the play in hand for it would split that play in two. Shapes: spotify/web-api#1515, #685, and the reference.
    """
    if status == 204:
        return Answer("nothing")
    if status != 200 or not (answer := mapping(body)):
        return ERROR
    device, item = mapping(answer.get("device")), answer.get("item")
    if device.get("is_private_session") is True:
        return Answer("private")
    kind = answer.get("currently_playing_type")
    progress_ms = number(answer.get("progress_ms"))
    if kind == "ad":
        return Answer("ad", progress_ms=progress_ms)
    if item is None:
        return Answer("unknown") if "item" in answer else ERROR
    uri = uri_of(mapping(item))
    is_playing = flag(answer.get("is_playing"))
    if uri is None or progress_ms is None or is_playing is None:
        return ERROR
    if uri.startswith("spotify:ad:"):
        return Answer("ad", progress_ms=progress_ms)
    origin, duration_ms = mapping(answer.get("context")), number(item.get("duration_ms")) or None
    return Answer(
        "item",
        Sight(
            uri=uri,
            item=kept(item),
            progress_ms=min(progress_ms, duration_ms or LONGEST_PROGRESS_MS),
            duration_ms=duration_ms,
            is_playing=is_playing,
            changed_ms=number(answer.get("timestamp"), LONGEST_TIMESTAMP) or None,
            device=device_of(device),
            context_uri=context(origin.get("uri")),
            context_type=word(origin.get("type")),
            is_shuffle=flag(answer.get("shuffle_state")),
            is_smart_shuffle=flag(answer.get("smart_shuffle")),
            repeat=word(answer.get("repeat_state")),
            is_private=flag(device.get("is_private_session")),
        ),
    )


def device_of(device: Json) -> Device | None:
    """The device; None if the answer says nothing about it."""
    read = Device(unchanged(device.get("id"), LONGEST_DEVICE_ID), name(device.get("name")), word(device.get("type")))
    return read if read != Device(None, None, None) else None


def kept(item: Json) -> dict[str, Any]:
    """An item with what its rows in the dimensions need, and no more."""
    whole = picked(item, TRACK_FIELDS)
    whole["external_ids"] = picked(mapping(item.get("external_ids")), ("isrc",))
    whole["artists"] = people(item)
    for part in ("album", "show", "audiobook"):
        if owner := mapping(item.get(part)):
            images = [picked(one, ("url", "width")) for one in mappings(owner.get("images"))[:5]]
            whole[part] = {**picked(owner, ALBUM_FIELDS), "artists": people(owner), "images": images}
    return whole


def people(item: Json) -> list[dict[str, Any]]:
    return [picked(one, ("id", "name")) for one in mappings(item.get("artists"))[:200]]


def picked(whole: Json, names: tuple[str, ...]) -> dict[str, Any]:
    """These fields as far as they hold plain values: null, flags, numbers, and texts that can be saved."""
    return {
        name: text(value) if isinstance(value, str) else value
        for name in names
        if isinstance(value := whole.get(name), str | int | float)
    }
