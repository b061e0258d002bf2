"""How a play comes into hand: when it began, and how much of it was heard before it was first seen. Pure."""

from etl.sources.player.answer import Sight
from etl.sources.player.limits import BREAK_MS, JITTER_MS, TOLERANCE_MS
from etl.sources.player.state import Play, Standing


def begin(
    sight: Sight, now: int, within: int, floor: int | None, standing: Standing | None, follows_item: bool
) -> Play | None:
    """The play that this first sight of an item belongs to; None if nobody is known to have listened.

    `floor`: when the answer before came, at which this item was not in hand; None: there was none. `follows_item`:
    whether that answer showed another item. Moments in Unix milliseconds.
    """
    if not sight.is_playing:
        return begin_paused(sight, now, within, floor) if follows_item and floor is not None else None
    exact = JITTER_MS + within
    start = now - sight.progress_ms
    if floor is None:
        return play_of(sight, now, start, "progress", None)
    changed = sight.changed_ms if floor < (sight.changed_ms or 0) <= now + TOLERANCE_MS else None
    changed = None if changed is None else min(changed, now)
    since = progress_since(sight, standing, now - floor)
    began_anew = changed is not None and abs(changed - start) <= TOLERANCE_MS
    if since is not None and began_anew and changed is not None:
        # It began anew, or was taken up near its beginning: either way at the change of state.
        return play_of(sight, now, changed, "seen", exact)
    if since is not None:
        # It can have begun anew only if there was time for that since the answer before.
        unsure = 0 if standing is None else standing.unsure_ms
        doubt = sight.progress_ms - since if start >= floor - TOLERANCE_MS else 0
        return play_of(sight, now, max(now - since, floor), "resumed", exact + max(unsure, doubt))
    if start >= floor - TOLERANCE_MS:
        if now - floor > BREAK_MS:
            return play_of(sight, now, max(start, floor), "progress", None)
        if sight.is_episode and changed is not None:
            return play_of(sight, now, changed, "changed" if changed > start + TOLERANCE_MS else "seen", exact)
        # An episode was more likely taken up in the middle. So may a track have been: a change of state hints at it.
        doubt = max(changed - start, 0) if changed is not None and not began_anew else 0
        doubt = now - max(start, floor) if sight.is_episode and not began_anew else doubt
        return play_of(sight, now, max(start, floor), "seen", exact + doubt)
    # It can't have begun at its beginning: there was no time for that since the answer before.
    if changed is not None:
        return play_of(sight, now, changed, "changed", exact)
    if follows_item:
        middle = (floor + now) // 2
        return play_of(sight, now, middle, "changed", now - middle + exact)
    return play_of(sight, now, now, "resumed", now - floor + exact)


def begin_paused(sight: Sight, now: int, within: int, floor: int) -> Play | None:
    """A play that began after the last sight of another item and is paused already."""
    progress = sight.progress_ms
    if progress == 0 or progress > now - floor + TOLERANCE_MS:
        return None
    changed = sight.changed_ms or 0
    paused = changed if floor + progress <= changed <= now else now
    early = paused - progress - floor if paused == now else 0
    return play_of(
        sight,
        now,
        max(paused - progress, floor),
        "seen",
        JITTER_MS + within + max(early, 0),
        doubt=progress,  # or it was taken up in the middle
        heard=progress,
        paused=paused,
        pause_within=max(early, 0),
    )


def progress_since(sight: Sight, standing: Standing | None, elapsed: int) -> int | None:
    """How far the item went on from where it stood, in milliseconds, at least.

    None if it did not go on from there, or stood at its beginning.
    """
    if standing is None or standing.uri != sight.uri or standing.progress_ms + standing.unsure_ms == 0:
        return None
    since = sight.progress_ms - standing.progress_ms
    if not -TOLERANCE_MS <= since <= elapsed + TOLERANCE_MS + standing.unsure_ms:
        return None
    return max(since - standing.unsure_ms, 0)


def play_of(
    sight: Sight,
    now: int,
    started: int,
    basis: str,
    within: int | None,
    doubt: int = 0,
    heard: int | None = None,
    paused: int | None = None,
    pause_within: int = 0,
) -> Play:
    """The play in hand after its first sight; it was heard since `started`, if `heard` does not say otherwise."""
    return Play(
        uri=sight.uri,
        item=sight.item,
        duration_ms=sight.duration_ms,
        started_ms=started,
        start_basis=basis,
        start_within_ms=within,
        heard_ms=now - started if heard is None else heard,
        doubt_ms=doubt,
        last_ms=now,
        progress_ms=sight.progress_ms,
        is_playing=sight.is_playing,
        paused_ms=paused,
        pause_within_ms=pause_within,
        changed_ms=sight.changed_ms,
        last_device=sight.device,
        device=sight.device,
        context_uri=sight.context_uri,
        context_type=sight.context_type,
        is_shuffle=sight.is_shuffle,
        is_smart_shuffle=sight.is_smart_shuffle,
        repeat=sight.repeat,
        is_private=sight.is_private,
    )
