"""How the places of a ranking have moved since the span before. Pure."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Moved:
    """How a place has moved. `kind`: up, down, same or new, for the style. `words`: for those who hear the page."""

    kind: str
    text: str
    words: str


NEW = Moved("new", "new", "new here")
SAME = Moved("same", "=", "as before")


def moved(place: int, before: int | None) -> Moved:
    """From its place in the span before, None if it had none, to this one; places count from 1."""
    if before is None:
        return NEW
    if before == place:
        return SAME
    steps = abs(before - place)
    if before > place:
        return Moved("up", f"▲ {steps:,}", f"up by {steps:,}")
    return Moved("down", f"▼ {steps:,}", f"down by {steps:,}")


def movements(keys: list[Hashable], first_place: int, before: Mapping[Hashable, int] | None) -> list[Moved | None]:
    """The movement of each of these keys, which are in order from `first_place` on.

    before: their places in the span before, as far as they had one; None, and None for each, where that is not known.
    """
    if before is None:
        return [None] * len(keys)
    return [moved(first_place + number, before.get(key)) for number, key in enumerate(keys)]
