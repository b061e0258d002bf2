"""What a person decides about recordings: write it down or take it back, and derive what follows from it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from etl.warehouse.merge import rematch_plays
from etl.warehouse.rebuild import lock_everybody
from etl.warehouse.statements import run, run_all


class RecordingError(Exception):
    """What was asked about recordings is not possible, or not clear."""


def must_be_private(is_public: bool) -> None:
    """Raises RecordingError in a log that others may read, because what is shown has titles in it."""
    if is_public:
        raise RecordingError(
            "Recordings are shown by their titles, and the logs of GitHub Actions may be read by others. Run this on"
            " your own computer, with DATABASE_URL set as it is there."
        )


def lock_recordings(connection: Connection) -> None:
    """Let nobody record plays or derive recordings until the transaction ends. To be called first.

    Raises OutOfOrder as `lock` does, and a lock timeout at once while another run derives recordings.
    """
    lock_everybody(connection)
    run(connection, "ops/recordings/locked")


def decide(
    connection: Connection, uris: tuple[str, str], *, is_same: bool, note: str | None, now: datetime
) -> tuple[int, int | None]:
    """Write down that two tracks are one recording, or two, in place of what was decided about them before.

    Returns the numbers of the decision and of the one that it replaces, if any. Raises RecordingError if the same was
    decided already, or if it contradicts other decisions.
    """
    pair = {"track_uri": uris[0], "other_track_uri": uris[1]}
    replaced = None
    for known in run(connection, "ops/recordings/of_pair", **pair):
        if known.is_same == is_same:
            raise RecordingError(
                f"That is decided already: see decision {known.decision_key} of 'brapped recordings list'."
            )
        replaced = known.decision_key
        run(connection, "ops/recordings/taken_back", decision_key=replaced)
    new = {"is_same": is_same, "decided_at": now, "note": note, "replaced": replaced}
    [row] = run(connection, "ops/recordings/decided", **pair, **new)
    derive(connection, uris, now)
    contradicted = [one.decision_key for one in run(connection, "ops/recordings/contradicted")]
    if others := [key for key in contradicted if key != row.decision_key]:
        numbers = ", ".join(map(str, others))
        raise RecordingError(
            f"That contradicts what you decided before (number {numbers} of 'brapped recordings list'), so nothing was"
            f" changed. Take it back first: brapped recordings undo {others[0]}"
        )
    return row.decision_key, replaced


def take_back(connection: Connection, decision_key: int, now: datetime) -> tuple[str, str]:
    """Take a decision back; the URIs of its tracks. What is derived is then as if it had never been.

    Raises RecordingError if there is none of this number.
    """
    rows = run(connection, "ops/recordings/taken_back", decision_key=decision_key)
    if not rows:
        raise RecordingError(
            f"There is no decision {decision_key}. 'brapped recordings list' shows all, each with its number."
        )
    uris = rows[0].track_uri, rows[0].other_track_uri
    derive(connection, uris, now)
    return uris


def derive(connection: Connection, uris: Sequence[str], now: datetime) -> None:
    """Derive the recordings around these tracks anew, and the plays that are matched by them, of all listeners."""
    run_all(connection, ("matching/01_merge_session", "dimensions/tracks_to_rematch"))
    run(connection, "ops/recordings/changed", track_uris=list(uris))
    run(connection, "dimensions/track_recording")
    rematch_plays(connection, now=now)
    run_all(connection, ("matching/90_drop_temporary_tables", "dimensions/drop_changed_tracks"))
