"""How a play in hand goes on, and how it ends. Pure."""

from dataclasses import replace
from typing import Literal

from etl.sources.player.answer import Sight
from etl.sources.player.limits import END_MS, JITTER_MS, LEAST_MS, STALE_MS, TOLERANCE_MS, end_margin
from etl.sources.player.observation import Observation
from etl.sources.player.state import Play

Basis = Literal["next", "stopped", "bounded", "lost", "stalled"]


def is_repeat(play: Play, sight: Sight, now: int) -> bool:
    """Whether the item has begun again: its progress is back, and it can have reached its end before.

    With repeat on it may also be past where it was, by whole lengths of the item. It can have reached its end where
    `end_margin` was left of it at most, because it may have been faded into itself. So a listener who goes back to the
    beginning within that margin can't be told from a repeat, whatever else the answer says, such as another device or
    that repeat is off: the item may be in the queue twice.
    """
    if play.duration_ms is None or not play.is_playing:
        return False
    elapsed, moved = now - play.last_ms, sight.progress_ms - play.progress_ms
    waits = not sight.is_playing and (moved < 0 or sight.progress_ms == 0)  # at its beginning: the queue has ended
    if moved < -TOLERANCE_MS or waits:
        played_before = elapsed - sight.progress_ms
        return (
            play.progress_ms + played_before >= play.duration_ms - end_margin(play.duration_ms)
            and played_before >= -TOLERANCE_MS
        )
    if not sight.is_playing or sight.repeat != "track" or (moved == 0 and play.changed_ms == sight.changed_ms):
        return False
    lacking = elapsed - moved
    rounds = round(lacking / play.duration_ms)
    return rounds > 0 and abs(lacking - rounds * play.duration_ms) <= TOLERANCE_MS


def is_stalled(play: Play, sight: Sight, now: int) -> bool:
    """Whether it is said to play, but has stood still for longer than it would have taken to end."""
    if not (play.is_playing and sight.is_playing) or sight.progress_ms != play.progress_ms:
        return False
    rest = play.rest_ms
    return now - play.last_ms > (END_MS if rest is None else rest + END_MS)


def is_in_line(play: Play, sight: Sight, now: int) -> bool:
    """Whether the progress moved as the clock did, so that nothing happened since the sight before."""
    lag = now - play.last_ms - (sight.progress_ms - play.progress_ms)
    return abs(lag) <= TOLERANCE_MS and play.is_playing and sight.is_playing


def go_on(play: Play, sight: Sight, now: int) -> Play:
    """The play after another sight of its item.

    Heard since the sight before: what the progress moved, but no longer than the time that passed. Progress that moved
    further is a seek, and so is one that moved back.
    """
    elapsed, moved = now - play.last_ms, sight.progress_ms - play.progress_ms
    is_same_state = play.changed_ms is not None and play.changed_ms == sight.changed_ms
    if play.is_playing and sight.is_playing and elapsed > 0:
        lag = elapsed - moved
        if moved == 0 or (is_same_state and TOLERANCE_MS < lag <= STALE_MS):
            return noticed(play, sight)  # an old answer, or it stands still: the next one will say
    heard, doubt, seeks, pauses = heard_between(play, sight, elapsed, moved)
    paused_ms, pause_within_ms = paused_since(play, sight, now, elapsed, moved)
    if is_same_state and play.is_playing and sight.is_playing:
        seeks = pauses = 0  # nothing was pressed: it plays faster or slower, or was loading
    return replace(
        noticed(play, sight),
        heard_ms=play.heard_ms + heard,
        doubt_ms=play.doubt_ms + doubt,
        last_ms=now,
        progress_ms=sight.progress_ms,
        is_playing=sight.is_playing,
        paused_ms=paused_ms,
        pause_within_ms=pause_within_ms,
        changed_ms=sight.changed_ms,
        seek_count=play.seek_count + seeks,
        pause_count=play.pause_count + pauses,
    )


def noticed(play: Play, sight: Sight) -> Play:
    """The play with what a sight says besides its progress: the first answer that knows it stands."""
    is_other = sight.device is not None and play.last_device is not None and sight.device != play.last_device
    return replace(
        play,
        duration_ms=play.duration_ms or sight.duration_ms,
        last_device=sight.device or play.last_device,
        device=play.device or sight.device,
        device_change_count=play.device_change_count + is_other,
        context_uri=play.context_uri or sight.context_uri,
        context_type=play.context_type or sight.context_type,
        is_shuffle=sight.is_shuffle if play.is_shuffle is None else play.is_shuffle,
        is_smart_shuffle=sight.is_smart_shuffle if play.is_smart_shuffle is None else play.is_smart_shuffle,
        repeat=play.repeat or sight.repeat,
        is_private=sight.is_private if play.is_private is None else play.is_private,
    )


def heard_between(play: Play, sight: Sight, elapsed: int, moved: int) -> tuple[int, int, int, int]:
    """Milliseconds heard between two sights, by how much that may be wrong, seeks, pauses."""
    was_playing, plays = play.is_playing, sight.is_playing
    is_forward, is_back = moved > elapsed + TOLERANCE_MS, moved < -TOLERANCE_MS
    is_seek = is_forward or is_back
    if was_playing and plays:
        if is_seek:
            return elapsed, JITTER_MS, 1, 0
        lag = elapsed - moved
        return moved, *((lag, 0, 1) if lag > TOLERANCE_MS else (0, 0, 0))  # a short step back looks like a pause
    if was_playing:
        return (elapsed, elapsed, 1, 1) if is_seek else (min(max(moved, 0), elapsed), 0, 0, 1)
    if plays:
        if not is_seek:
            return min(max(moved, 0), elapsed), 0, 0, 0
        changed = sight.changed_ms or 0
        since = play.last_ms + elapsed - changed if play.last_ms < changed <= play.last_ms + elapsed else elapsed
        since = min(since, sight.progress_ms) if is_back else since
        return since, elapsed, 1, 0
    # Paused both times: moved by hand, or heard and paused again.
    if is_seek:
        return 0, elapsed, 1, 0
    return (min(moved, elapsed), moved, 0, 1) if moved > 0 else (0, 0, 0, 0)


def paused_since(play: Play, sight: Sight, now: int, elapsed: int, moved: int) -> tuple[int | None, int]:
    """Since when it has been paused, and by how much longer that may be; None while it plays."""
    if sight.is_playing:
        return None, 0
    if not play.is_playing and moved == 0:
        return play.paused_ms, play.pause_within_ms
    if play.is_playing and -TOLERANCE_MS <= moved <= elapsed + TOLERANCE_MS:
        return play.last_ms + min(max(moved, 0), elapsed), 0
    changed = sight.changed_ms or 0
    return (changed, 0) if play.last_ms < changed <= now else (now, elapsed)


def unseen_ms(play: Play, now: int) -> int:
    """How far a play that was last seen playing can have gone on by now."""
    since = now - play.last_ms
    return since if play.rest_ms is None else min(since, play.rest_ms)


def close(play: Play, now: int, until: int, basis: Basis, within: int) -> Observation | None:
    """The observation of a play that was over by `now`; None if it was too short to be one.

    If it played when it was last seen, it was heard until `until`, or to its end if that was earlier. Moments in Unix
    milliseconds. `basis`:
    - `next`: another item began at `until`. `stopped`: it was gone at `until`, and nobody knows since when.
    - `bounded`: the same after answers that failed, in which time anything can have happened.
    - `lost`: no answer came for so long that the play counts until it was last seen. `stalled`: the same.
    """
    rest = play.rest_ms
    if not play.is_playing:
        ended, heard, progress = play.paused_ms or play.last_ms, play.heard_ms, play.progress_ms
        off = now - ended if basis in ("bounded", "lost") else play.pause_within_ms
        end_basis = "paused"
    elif basis in ("lost", "stalled"):
        ended, heard, progress = play.last_ms, play.heard_ms, play.progress_ms
        end_basis, off = "stalled" if basis == "stalled" else "bounded", unseen_ms(play, now)
    else:
        ended = max(until if rest is None else min(until, play.last_ms + rest), play.last_ms)
        early = 0 if basis == "stopped" else TOLERANCE_MS  # what is gone before its end was stopped
        is_at_length = rest is not None and play.last_ms + rest - ended <= early
        heard, progress = play.heard_ms + ended - play.last_ms, play.progress_ms + ended - play.last_ms
        end_basis = "length" if is_at_length and basis != "bounded" else basis
        off = 0 if basis == "next" else ended - play.last_ms
    heard = min(max(heard, 0), ended - play.started_ms)
    if heard < LEAST_MS:
        return None
    start_within, length, exact = play.start_within_ms, play.duration_ms, JITTER_MS + within
    return Observation(
        uri=play.uri,
        item=play.item,
        started_ms=play.started_ms,
        ended_ms=ended,
        ms_played=heard,
        start_basis=play.start_basis,
        end_basis=end_basis,
        start_within_ms=start_within,
        end_within_ms=exact + off,
        ms_within=None if start_within is None else start_within + exact + off + play.doubt_ms,
        is_complete=None if length is None else progress >= length - end_margin(length),
        progress_ms=progress if length is None else min(progress, length),
        duration_ms=length,
        pause_count=play.pause_count,
        seek_count=play.seek_count,
        device_change_count=play.device_change_count,
        device=play.device,
        context_uri=play.context_uri,
        context_type=play.context_type,
        is_shuffle=play.is_shuffle,
        is_smart_shuffle=play.is_smart_shuffle,
        repeat=play.repeat,
        is_private=play.is_private,
    )
