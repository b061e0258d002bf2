"""What the recordings command says, as text for a terminal and as JSON. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from etl.counts import duration, many
from etl.json_text import json_text

Rows = Sequence[Any]  # rows of the files in sql/ops/recordings/


class Standing(Protocol):
    """The recordings that a decision concerns; see jobs.recordings."""

    @property
    def places(self) -> dict[int, int]: ...
    @property
    def play_count(self) -> int: ...
    @property
    def recordings(self) -> dict[int, list[Any]]: ...


class Decided(Protocol):
    """What a decision changed; see jobs.recordings."""

    @property
    def action(self) -> str: ...
    @property
    def decision_key(self) -> int: ...
    @property
    def replaced(self) -> int | None: ...
    @property
    def before(self) -> Standing: ...
    @property
    def after(self) -> Standing: ...
    @property
    def is_dry_run(self) -> bool: ...


def of_change(decided: Decided) -> str:
    """What a decision changes: recordings, tracks, plays and places before and after, and how to take it back."""
    lines = ["Before:", *of_standing(decided.before)]
    if shape(decided.before) == shape(decided.after):
        lines += [f"{'Nothing would change' if decided.is_dry_run else 'Nothing changes'} in these recordings."]
    else:
        lines += ["After:", *of_standing(decided.after)]
    lines.append(of_plays(decided))
    if decided.replaced is not None:
        lines.append(f"It takes the place of decision {decided.replaced}.")
    if decided.is_dry_run:
        lines.append("Nothing was changed (dry run).")
    elif decided.action == "undo":
        lines.append(f"Decision {decided.decision_key} is taken back.")
    else:
        lines.append(f"Decided. To take it back: brapped recordings undo {decided.decision_key}")
    return "\n".join(lines)


def shape(standing: Standing) -> list[list[str]]:
    """Which tracks stand together."""
    return sorted(sorted(track.track_uri for track in tracks) for tracks in standing.recordings.values())


def of_plays(decided: Decided) -> str:
    """How many plays become one, or are parted: observations of one recording at one time are one play."""
    difference = decided.after.play_count - decided.before.play_count
    if difference == 0:
        return "The number of plays stays the same."
    what = f"{many(abs(difference), 'play')} {'less' if difference < 0 else 'more'}"
    why = "two sources told of them" if difference < 0 else "what two sources told was matched by the recording"
    return f"{what} in all ({decided.before.play_count:,} → {decided.after.play_count:,}): {why}."


def of_standing(standing: Standing) -> list[str]:
    """Each recording in a line with its numbers, and a line for each of its tracks."""
    lines = []
    for key, tracks in standing.recordings.items():
        place = f", place {standing.places[key]:,} among all" if key in standing.places else ""
        lines.append(f"  {name_of(tracks[0])}: {many(len(tracks), 'track')}, {heard(tracks)}{place}")
        lines += [f"    {of_track(track)}" for track in tracks]
    return lines


def heard(tracks: Rows) -> str:
    """Plays and time of some tracks: plays of 30 seconds or more, also those that rules leave out of reports."""
    plays = many(sum(track.play_count for track in tracks), "play")
    return f"{plays}, {duration(sum(track.listened_ms for track in tracks))}"


def of_track(track: Any) -> str:
    """A track in a line: URI, title, album, length, plays, and why it belongs to its recording."""
    album = f" ({track.album_name})" if track.album_name else ""
    because = f"; {track.evidence}" if track.evidence else ""
    return f"{track.track_uri} {track.track_name or ''}{album}, {length(track.duration_ms)}, {heard([track])}{because}"


def name_of(row: Any) -> str:
    """Title and artists of a track, or its URI."""
    return " by ".join(filter(None, (row.track_name, row.artist_names))) or str(row.track_uri)


def length(duration_ms: int | None) -> str:
    """A length as 3:20."""
    if duration_ms is None:
        return "length unknown"
    return f"{duration_ms // 60_000}:{duration_ms // 1000 % 60:02}"


def of_recording(tracks: Rows, about: Rows) -> str:
    """A recording with its tracks, and the decisions about them."""
    one = "one recording" if len(tracks) > 1 else "a recording of its own"
    lines = [f"{name_of(tracks[0])} is {one}: {many(len(tracks), 'track')}, {heard(tracks)}"]
    lines += [f"  {of_track(track)}" for track in tracks]
    return "\n".join([*lines, *(["Decided by you:", *map(of_decision, about)] if about else [])])


def of_decisions(rows: Rows) -> str:
    """All decisions, a line each."""
    if not rows:
        return "Nothing is decided. 'brapped recordings review' shows what looks alike."
    return "\n".join(map(of_decision, rows))


def of_decision(row: Any) -> str:
    """A decision with its number, its tracks and its note."""
    one = " by ".join(filter(None, (row.track_name, row.artist_names)))
    other = " by ".join(filter(None, (row.other_track_name, row.other_artist_names)))
    sign = "one recording" if row.is_same else "two recordings"
    note = f" “{row.note}”" if row.note else ""
    tracks = (
        f"{one or 'not recorded here'} ({row.track_uri}) and {other or 'not recorded here'} ({row.other_track_uri})"
    )
    return f"  {row.decision_key}: {tracks} are {sign}; {row.decided_at:%Y-%m-%d}{note}"


def of_review(rows: Rows) -> str:
    """Pairs that look alike, with their numbers and what to type about each."""
    if not rows:
        return "No two recordings look alike that you have not decided about."
    lines = [f"{many(rows[0].pair_count, 'pair')} of recordings may be one; {many(len(rows), 'pair')} of them here:"]
    for row in rows:
        lines.append("")
        apart = "" if row.distance_ms is None else f", lengths {row.distance_ms / 1000:,.1f} s apart"
        for name, artists, duration_ms, count, listened_ms in (
            (row.track_name, row.artist_names, row.duration_ms, row.play_count, row.listened_ms),
            (
                row.other_track_name,
                row.other_artist_names,
                row.other_duration_ms,
                row.other_play_count,
                row.other_listened_ms,
            ),
        ):
            by = f" by {artists}" if artists else ""
            lines.append(f"{name}{by}, {length(duration_ms)}, {many(count, 'play')}, {duration(listened_ms)}")
        pair = f"{typed(row.track_uri)} {typed(row.other_track_uri)}"
        lines += [
            f"  {row.likeness}{apart}",
            f"  one recording:  brapped recordings merge {pair}",
            f"  two recordings: brapped recordings split {pair}",
        ]
    return "\n".join(lines)


def typed(uri: str) -> str:
    """A URI as one types it in a shell: quoted if it has to be."""
    plain = uri.replace(":", "").replace("-", "").replace("_", "")
    return uri if plain.isalnum() and plain.isascii() else "'" + uri.replace("'", "'\\''") + "'"


def as_json(rows: Rows) -> str:
    """Rows as a JSON list of objects; dates in ISO form."""
    return json_text([dict(row._mapping) for row in rows], indent=2, default=datetime.isoformat)
