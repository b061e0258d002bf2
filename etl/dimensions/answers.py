"""What Spotify's catalogue said to a slice of the work: described, unknown, without an answer, or not to be recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from etl.deadline import RunTimeout
from etl.dimensions.transform import catalogue_tables
from etl.spotify.errors import SpotifyError
from etl.values import Json, number, text
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, rematch_plays


@dataclass(frozen=True)
class Wanted:
    """A member of a dimension to be asked for."""

    kind: str  # artist, track, album or episode
    spotify_id: str


@dataclass(repr=False)
class Answers:
    """What Spotify said to a slice of the work."""

    call_count: int = 0  # requests, with those sent again
    members: dict[Wanted, Json] = field(default_factory=dict)
    missed: list[Wanted] = field(default_factory=list)  # unknown to Spotify
    failed: list[Wanted] = field(default_factory=list)  # no answer for now, or none that can be recorded
    set_aside_count: int = 0  # of the failed: described, but in a way that can't be recorded
    refused: list[str] = field(default_factory=list)  # kinds that this app may not ask for in batches
    trouble: SpotifyError | RunTimeout | None = None  # what ended the asking

    def take(self, wanted: Wanted, member: Json | None) -> None:
        """Files an answer. One that does not describe what was asked for is as good as none, and becomes no row."""
        if member is None or not is_whole(wanted.kind, member):
            self.missed.append(wanted)
        else:
            # Spotify answers for a merged artist with the other's id; facts know the one that was asked for.
            uri = f"spotify:{wanted.kind}:{wanted.spotify_id}"
            self.members[wanted] = {**member, "id": wanted.spotify_id, "uri": uri}

    def set_aside(self, odd: Sequence[Wanted]) -> None:
        """Takes these out of what is to be recorded; others go first next time."""
        for wanted in odd:
            del self.members[wanted]
        self.failed += odd
        self.set_aside_count += len(odd)

    @property
    def asked(self) -> set[Wanted]:
        return {*self.members, *self.missed, *self.failed}

    def of_kind(self, *kinds: str, among: Sequence[Wanted]) -> list[Json]:
        return [self.members[wanted] for wanted in among if wanted.kind in kinds]


def save_members(connection: Connection, answers: Answers, some: Sequence[Wanted], now: datetime) -> None:
    """Merges what Spotify said of these members."""
    stage(
        connection,
        catalogue_tables(
            tracks=answers.of_kind("track", "episode", among=some),
            artists=answers.of_kind("artist", among=some),
            albums=answers.of_kind("album", among=some),
            fetched_at=now,
        ),
    )
    merge_catalogue(connection)
    rematch_plays(connection, now=now, with_changed=True)


def is_whole(kind: str, member: Mapping[str, Any]) -> bool:
    """Whether an answer describes a member: Spotify keeps some removed ones as shells without name or length."""
    if not text(member.get("name")):
        return False
    return kind not in ("track", "episode") or number(member.get("duration_ms")) is not None


def ids_of(wanted: Mapping[Wanted, Any] | Sequence[Wanted]) -> dict[str, list[str]]:
    return {"kinds": [one.kind for one in wanted], "spotify_ids": [one.spotify_id for one in wanted]}
