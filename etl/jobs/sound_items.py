"""Find the items of a page that can't be saved, and save as much of them as can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from etl.warehouse.quarantine import unsavable_items

NAMING = ("uri", "id", "type", "is_local")  # the fields that identify a track


def sound_items(items: Sequence[Any], try_to_save: Callable[[Sequence[Any]], object]) -> tuple[list[Any], int, int]:
    """Reduce each item that can't be saved to the most of it that can.

    Returns the items, the number of reduced ones, and the number of refused ones, which become None. A reduced item
    keeps its play: first with nothing but the identity of its track, then without a track. `try_to_save` must leave
    nothing behind. Raises what `try_to_save` raises when no play can be saved at all: then the items are not at fault.
    """
    try_to_save([])
    numbered = list(enumerate(items))
    odd = unsavable_items(numbered, lambda some: try_to_save([item for _, item in some]))
    sound = list(items)
    for number, item in odd:
        sound[number] = next((form for form in lesser_forms(item) if not unsavable_items([form], try_to_save)), None)
    plays = [item for item in items if isinstance(item, Mapping)]
    refused = [item for number, item in odd if isinstance(item, Mapping) and sound[number] is None]
    if refused and len(refused) == len(plays):
        *_, barest = lesser_forms(refused[0])
        try_to_save([barest])
    return sound, sum(sound[number] is not None for number, _ in odd), len(refused)


def lesser_forms(item: object) -> Iterator[dict[str, Any]]:
    """An item of the recently-played list reduced step by step: track identity and context, identity, date."""
    if isinstance(item, Mapping):
        track, played_at = item.get("track"), item.get("played_at")
        named = {key: track[key] for key in NAMING if key in track} if isinstance(track, Mapping) else None
        yield {"track": named, "context": item.get("context"), "played_at": played_at}
        yield {"track": named, "played_at": played_at}
        yield {"played_at": played_at}
