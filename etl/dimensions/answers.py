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
class Wanted:
    """A dimension member to fetch."""

    kind: str  # artist, track, album or episode
    spotify_id: str


@dataclass(repr=False)
class Answers:
    """The answers to one slice of wanted members."""

    call_count: int = 0  # requests, retries included
    members: dict[Wanted, Json] = field(default_factory=dict)
    missed: list[Wanted] = field(default_factory=list)  # unknown to Spotify
    failed: list[Wanted] = field(default_factory=list)  # no answer this time, or one that Postgres rejects
    set_aside_count: int = 0  # of the failed: answers that Postgres rejects
    refused: list[str] = field(default_factory=list)  # kinds for which this app may not use batch requests
    trouble: SpotifyError | RunTimeout | None = None  # the error that ended the requests

    def take(self, wanted: Wanted, member: Json | None) -> None:
        """Add an answer. An empty or incomplete one (see `is_whole`) counts as missed."""
        if member is None or not is_whole(wanted.kind, member):
            self.missed.append(wanted)
        else:
            # For a merged artist Spotify returns the other id; facts refer to the one that was requested.
            uri = f"spotify:{wanted.kind}:{wanted.spotify_id}"
            self.members[wanted] = {**member, "id": wanted.spotify_id, "uri": uri}

    def set_aside(self, rejected: Sequence[Wanted]) -> None:
        """Move these members to the failed ones, which are retried after all others."""
        for wanted in rejected:
            del self.members[wanted]
        self.failed += rejected
        self.set_aside_count += len(rejected)

    @property
    def asked(self) -> set[Wanted]:
        return {*self.members, *self.missed, *self.failed}

    def of_kind(self, *kinds: str, among: Sequence[Wanted]) -> list[Json]:
        return [self.members[wanted] for wanted in among if wanted.kind in kinds]


def save_members(connection: Connection, answers: Answers, some: Sequence[Wanted], now: datetime) -> None:
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
    rematch_plays(connection, now=now, with_changed=True)


def is_whole(kind: str, member: Mapping[str, Any]) -> bool:
    """Whether an answer describes a member. Spotify returns some removed ones without name or length. Pure."""
    if not text(member.get("name")):
        return False
    return kind not in ("track", "episode") or number(member.get("duration_ms")) is not None


def ids_of(wanted: Mapping[Wanted, Any] | Sequence[Wanted]) -> dict[str, list[str]]:
    return {"kinds": [one.kind for one in wanted], "spotify_ids": [one.spotify_id for one in wanted]}
