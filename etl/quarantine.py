"""Saving a batch although something in it can't be saved: the rest goes in, and what is odd is set aside and counted.

The rules of `fields` keep out what is known to fit no column. This is for what nobody thought of, so that one odd item
of an answer never stops a job for good.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection

from etl.warehouse import ValuesRefused, Warehouse

log = logging.getLogger(__name__)

Item = TypeVar("Item")

# What an odd value can raise: in the database, and while it is being read.
ODD = (ValuesRefused, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
NAMING = ("uri", "id", "type", "is_local")  # what of a track says which one it is


class NotKept(Exception):
    """Takes a transaction back that was only a try."""


def odd_ones(items: Sequence[Item], save: Callable[[Sequence[Item]], object]) -> list[Item]:
    """Those of the items that can't be saved. `save` gets all others, in one or several calls; a call saves all or nothing.

    A batch that fails is tried in halves: one odd item of a hundred costs some fifteen calls.
    """
    try:
        save(items)
    except ODD as error:
        if len(items) > 1:
            middle = len(items) // 2
            return odd_ones(items[:middle], save) + odd_ones(items[middle:], save)
        # Of an error that is not ours only the name is told: its words may hold anything.
        log.info("Set aside: %s", error if isinstance(error, ValuesRefused) else type(error).__name__)
        return list(items)
    return []


def sound_items(items: Sequence[Any], try_to_save: Callable[[Sequence[Any]], object]) -> tuple[list[Any], int, int]:
    """A page's items, with what can't be saved replaced by the most of it that can; how many were replaced so, and how
    many are refused altogether, which become None.

    Of a replaced item the play is kept: with its track named only, else of the unknown track. `try_to_save` leaves nothing
    behind. Raises what it raises when not one play can be saved: then the items are not to blame.
    """
    try_to_save([])
    numbered = list(enumerate(items))
    odd = odd_ones(numbered, lambda some: try_to_save([item for _, item in some]))
    sound = list(items)
    for number, item in odd:
        sound[number] = next((form for form in lesser_forms(item) if not odd_ones([form], try_to_save)), None)
    plays = [item for item in items if isinstance(item, Mapping)]
    refused = [item for number, item in odd if isinstance(item, Mapping) and sound[number] is None]
    if refused and len(refused) == len(plays):
        *_, barest = lesser_forms(refused[0])
        try_to_save([barest])
    return sound, sum(sound[number] is not None for number, _ in odd), len(refused)


def lesser_forms(item: object) -> Iterator[dict[str, Any]]:
    """What is left of an item of the recently-played list when less and less of it is believed."""
    if isinstance(item, Mapping):
        track, played_at = item.get("track"), item.get("played_at")
        named = {key: track[key] for key in NAMING if key in track} if isinstance(track, Mapping) else None
        yield {"track": named, "context": item.get("context"), "played_at": played_at}
        yield {"track": named, "played_at": played_at}
        yield {"played_at": played_at}


def attempt(warehouse: Warehouse, work: Callable[[Connection], object]) -> None:
    """Does the work in a transaction, and takes it back."""

    def taken_back(connection: Connection) -> None:
        work(connection)
        raise NotKept

    with suppress(NotKept):
        warehouse.transaction(taken_back)
