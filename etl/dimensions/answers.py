"""Sort the answers of Spotify's catalogue: described, unknown to Spotify, failed, or rejected by Postgres."""

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
class MemberId:
    """A dimension member to fetch."""

    kind: str  # artist, track, album or episode
    spotify_id: str


@dataclass(repr=False)
class Answers:
    """The answers to one slice of members."""

    call_count: int = 0  # requests, retries included
    members: dict[MemberId, Json] = field(default_factory=dict)
    missed: list[MemberId] = field(default_factory=list)  # unknown to Spotify
    failed: list[MemberId] = field(default_factory=list)  # no answer this time, or one that Postgres rejects
    set_aside_count: int = 0  # of the failed: answers that Postgres rejects
    refused: list[str] = field(default_factory=list)  # kinds for which this app may not use batch requests
    error: SpotifyError | RunTimeout | None = None  # the error that ended the requests

    def take(self, member_id: MemberId, member: Json | None) -> None:
        """Add an answer. An empty or incomplete one (see `is_whole`) counts as missed."""
        if member is None or not is_whole(member_id.kind, member):
            self.missed.append(member_id)
        else:
            # For a merged artist Spotify returns the other id; facts refer to the one that was requested.
            uri = f"spotify:{member_id.kind}:{member_id.spotify_id}"
            self.members[member_id] = {**member, "id": member_id.spotify_id, "uri": uri}

    def set_aside(self, rejected: Sequence[MemberId]) -> None:
        """Move these members to the failed ones, which are retried after all others."""
        for member_id in rejected:
            del self.members[member_id]
        self.failed += rejected
        self.set_aside_count += len(rejected)

    @property
    def asked(self) -> set[MemberId]:
        return {*self.members, *self.missed, *self.failed}

    def of_kind(self, *kinds: str, among: Sequence[MemberId]) -> list[Json]:
        return [self.members[member_id] for member_id in among if member_id.kind in kinds]


def save_members(connection: Connection, answers: Answers, some: Sequence[MemberId], now: datetime) -> None:
    """Merge the answers about these members, and match plays again where tracks became one recording."""
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
    rematch_plays(connection, now=now)


def is_whole(kind: str, member: Mapping[str, Any]) -> bool:
    """Whether an answer describes a member. Spotify returns some removed ones without name or length. Pure."""
    if not text(member.get("name")):
        return False
    return kind not in ("track", "episode") or number(member.get("duration_ms")) is not None


def ids_of(members: Mapping[MemberId, Any] | Sequence[MemberId]) -> dict[str, list[str]]:
    return {"kinds": [one.kind for one in members], "spotify_ids": [one.spotify_id for one in members]}
