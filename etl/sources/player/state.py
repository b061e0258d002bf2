"""What the recorder knows between two answers: the play in hand, and when it last had an answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from etl.sources.player.answer import Device
from etl.sources.player.observation import moment_of
from etl.sources.player.saved import restored, saved

VERSION = 1  # of the saved state; raise it with every field that comes, goes or changes its meaning


@dataclass(frozen=True)
class Play:
    """The play in hand. Moments are Unix milliseconds."""

    uri: str = field(repr=False)
    item: dict[str, Any] = field(repr=False)
    duration_ms: int | None
    started_ms: int
    start_basis: str
    start_within_ms: int | None
    heard_ms: int  # until the last sight
    doubt_ms: int  # by how much that may be wrong, besides the ends
    last_ms: int  # the last sight that moved on
    progress_ms: int  # at that sight
    is_playing: bool
    paused_ms: int | None  # since when it has been paused
    pause_within_ms: int  # by how much longer it may have been
    changed_ms: int | None
    last_device: Device | None
    device: Device | None
    context_uri: str | None = field(repr=False)
    context_type: str | None
    is_shuffle: bool | None
    is_smart_shuffle: bool | None
    repeat: str | None
    is_private: bool | None
    pause_count: int = 0
    seek_count: int = 0
    device_change_count: int = 0

    @property
    def rest_ms(self) -> int | None:
        """What was left of the item at the last sight. Null: its length is unknown."""
        return None if self.duration_ms is None else max(self.duration_ms - self.progress_ms, 0)


@dataclass(frozen=True)
class Standing:
    """Where an item stood that is not in hand: paused before it was seen to play, gone, or stalled."""

    uri: str = field(repr=False)
    progress_ms: int  # at least; it was gone while it played
    unsure_ms: int = 0  # how much further it may have been
    is_stalled: bool = False


@dataclass(frozen=True)
class State:
    """All that `step` goes by. The first one is `State()`."""

    play: Play | None = None
    standing: Standing | None = None
    kind: str | None = None  # of the last answer that was no error
    seen_ms: int | None = None  # its moment
    watched_from_ms: int | None = None  # since when no answer has been missing for long
    is_interrupted: bool = False  # whether the last answer was an error

    @property
    def watched(self) -> tuple[datetime, datetime] | None:
        """The span that ends with the last answer and has no hole: covered, but for plays shorter than the interval."""
        if self.seen_ms is None or self.watched_from_ms is None:
            return None
        return moment_of(self.watched_from_ms), moment_of(self.seen_ms)


def save(state: State) -> dict[str, Any]:
    """The state as a JSON object."""
    return {"version": VERSION, **saved(state)}


def load(value: object) -> State:
    """The state that `save` made the JSON object of.

    Raises ValueError if it is none, or one of another version: then begin with `State()`. What was in hand is lost, and
    what plays is taken for first seen.
    """
    if not isinstance(value, Mapping) or value.get("version") != VERSION:
        raise ValueError(f"the saved state of the player is not of version {VERSION}")
    return restored(State, {name: one for name, one in value.items() if name != "version"})


def moved_back(state: State, ms: int) -> State:
    """The state with all moments so many milliseconds earlier: after the clock was set back."""
    play = state.play
    if play is not None:
        play = replace(
            play,
            started_ms=play.started_ms - ms,
            last_ms=play.last_ms - ms,
            paused_ms=None if play.paused_ms is None else play.paused_ms - ms,
        )
    seen_ms = None if state.seen_ms is None else state.seen_ms - ms
    return replace(state, play=play, seen_ms=seen_ms, watched_from_ms=seen_ms)
