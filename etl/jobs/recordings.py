"""The recordings command: a person's decisions about which tracks are one recording, shown before and after."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from etl import __version__, limits, links, values
from etl.clock import Clock, utc_now
from etl.warehouse.connection import Warehouse
from etl.warehouse.recordings import RecordingError, decide, lock_recordings, take_back
from etl.warehouse.statements import run

KINDS = ("track", "episode", "chapter")
URI = re.compile(r"(?:spotify|name):.+", re.DOTALL)
SAME = 6  # ops/recordings/named: the title is the same
WHOLE = 2  # all the words are there


@dataclass(frozen=True)
class Standing:
    """The recordings that a decision concerns, at one moment.

    `tracks`: rows of ops/recordings/tracks. `places`: place among all recordings, by recording_key. `play_count`: all
    plays of all listeners.
    """

    tracks: tuple[Row[Any], ...]
    places: dict[int, int]
    play_count: int

    @property
    def recordings(self) -> dict[int, list[Row[Any]]]:
        """The tracks of each recording, the most played first."""
        keys = dict.fromkeys(track.recording_key for track in self.tracks)
        return {key: [track for track in self.tracks if track.recording_key == key] for key in keys}


@dataclass(frozen=True)
class Decided:
    """What a decision changed, or would change. `replaced`: number of the decision that it takes the place of."""

    action: str  # merge, split or undo
    decision_key: int
    replaced: int | None
    before: Standing
    after: Standing
    is_dry_run: bool


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries what would have changed."""

    def __init__(self, decided: Decided) -> None:
        super().__init__()
        self.decided = decided


def change(
    warehouse: Warehouse,
    action: str,
    what: Sequence[str],
    *,
    note: str | None = None,
    dry_run: bool = False,
    clock: Clock = utc_now,
) -> Decided:
    """Merge or split two tracks, or undo a decision, with all that follows, in one transaction.

    `action`: merge or split, with two tracks as a person writes them, or undo, with the number of a decision.
    `dry_run`: roll it back. Raises RecordingError and WarehouseError.
    """
    if dry_run:
        warehouse.must_be_current()
    else:
        warehouse.migrate(clock(), __version__, views_may_wait=True, plays_may_wait=True)

    def work(connection: Connection) -> Decided:
        decided = changed(connection, action, what, note=values.text(note), now=clock(), is_dry_run=dry_run)
        if dry_run:
            raise DryRunDone(decided)
        return decided

    try:
        return warehouse.transaction(work, limits.REBUILDING)
    except DryRunDone as done:
        return done.decided


def changed(
    connection: Connection, action: str, what: Sequence[str], *, note: str | None, now: datetime, is_dry_run: bool
) -> Decided:
    """As `change`, within a transaction."""
    lock_recordings(connection)
    if action == "undo":
        known = {one.decision_key: one for one in run(connection, "ops/recordings/listed")}
        uris = [known[key].track_uri, known[key].other_track_uri] if (key := int(what[0])) in known else []
    else:
        uris = [found_track(connection, one) for one in what]
        must_be_two(connection, uris)
    before = standing(connection, uris)
    replaced = None
    if action == "undo":
        take_back(connection, key, now)
    else:
        key, replaced = decide(connection, (uris[0], uris[1]), is_same=action == "merge", note=note, now=now)
    after = standing(connection, [*uris, *(track.track_uri for track in before.tracks)])
    return Decided(action, key, replaced, before, after, is_dry_run)


def standing(connection: Connection, uris: Sequence[str]) -> Standing:
    """The recordings of these tracks as they are now."""
    count_everything(connection)
    tracks = run(connection, "ops/recordings/tracks", track_uris=list(uris))
    keys = sorted({track.recording_key for track in tracks})
    places = run(connection, "ops/recordings/places", recording_keys=keys)
    [total] = run(connection, "ops/recordings/play_count")
    return Standing(tuple(tracks), {row.recording_key: row.place for row in places}, total.play_count)


def found_track(connection: Connection, told: str) -> str:
    """The URI of the track that a person names: by URI, link, id, or title with or without artist.

    Raises RecordingError when no track is recorded here that fits, or several do; the message names those that are near.
    """
    told = told.strip()
    if uri := uri_of(told):
        if not run(connection, "ops/recordings/tracks", track_uris=[uri]):
            raise RecordingError(f"{uri} is not recorded here. Write a track that you have played, by name or by link.")
        return uri
    rows = run(connection, "ops/recordings/named", search_text=values.text(told) or "")
    best = max((row.likeness for row in rows), default=0)
    fitting = [row for row in rows if row.likeness == best] if best >= WHOLE else []
    if len(fitting) == 1:
        return str(fitting[0].track_uri)
    if not rows:
        raise RecordingError(f"No track recorded here has a name like “{told}”. Try a part of the title, or a link.")
    near = "\n".join(f"  {named(row)}: {row.track_uri}" for row in (fitting or rows))
    what = f"Several tracks are called “{told}”" if fitting else f"No track recorded here is called “{told}”"
    raise RecordingError(f"{what}. Write the id or the link of one of these:\n{near}")


def uri_of(told: str) -> str | None:
    """The URI that a URI, a link of Spotify's or an id stands for; None for a name. Pure.

    Raises RecordingError for a link of something else.
    """
    if one := links.named(told):
        kind = one.kind or "track"
        if kind not in KINDS:
            raise RecordingError(f"That is the link of {links.a(kind)}. Write a track, by title or by its own link.")
        return f"spotify:{kind}:{one.spotify_id}"
    return told if URI.fullmatch(told) else None


def named(row: Row[Any]) -> str:
    """Title and artists of a track, or its URI. Pure."""
    return " by ".join(filter(None, (row.track_name, row.artist_names))) or str(row.track_uri)


def must_be_two(connection: Connection, uris: Sequence[str]) -> None:
    """Raises RecordingError when both are one track, or only one of them is spoken."""
    if uris[0] == uris[1]:
        raise RecordingError(
            f"Both names stand for one track, {uris[0]}. 'brapped recordings show' lists the tracks of its recording;"
            " write two of them by id or link."
        )
    kinds = {
        track.is_spoken
        for track in run(connection, "ops/recordings/tracks", track_uris=list(uris))
        if track.track_uri in uris
    }
    if len(kinds) > 1:
        raise RecordingError(
            "One of the two is music and the other is spoken, so they can't be decided about together."
        )


def recording(connection: Connection, told: str) -> tuple[list[Row[Any]], list[Row[Any]]]:
    """The tracks of the recording that a person names, each with why it belongs to it; and decisions about them.

    Rows of ops/recordings/tracks and ops/recordings/listed. Raises RecordingError as `found_track` does.
    """
    count_everything(connection)
    tracks = run(connection, "ops/recordings/tracks", track_uris=[found_track(connection, told)])
    uris = {track.track_uri for track in tracks}
    about = [row for row in decisions(connection) if uris & {row.track_uri, row.other_track_uri}]
    return tracks, about


def count_everything(connection: Connection) -> None:
    """Count what rules leave out, too, in this transaction: recordings are of all plays of all listeners."""
    run(connection, "reports/shared/with_excluded")


def decisions(connection: Connection) -> list[Row[Any]]:
    """All decisions, the oldest first: rows of ops/recordings/listed."""
    return run(connection, "ops/recordings/listed")


def undecided(connection: Connection, limit: int) -> list[Row[Any]]:
    """Pairs of recordings that look alike, the most played first: rows of ops/recordings/review."""
    run(connection, "reports/shared/report_session")
    count_everything(connection)
    return run(connection, "ops/recordings/review", row_limit=limit)
