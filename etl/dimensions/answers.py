"""Sort and count the answers of Spotify's catalogue: described, unknown to Spotify, failed, rejected by Postgres."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from etl.deadline import RunTimeout
from etl.dimensions.search import NAMED, agreeing
from etl.dimensions.transform import catalogue_tables
from etl.spotify.errors import SpotifyError
from etl.values import Json, number, text
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, rematch_plays


@dataclass(frozen=True)
class MemberId:
    """A dimension member to fetch."""

    kind: str  # artist, track, album or episode; name for a track to search for
    spotify_id: str  # of a name the URI made of it


@dataclass(repr=False)
class Answers:
    """The answers to one slice of members."""

    call_count: int = 0  # requests, retries included
    members: dict[MemberId, Json] = field(default_factory=dict)
    found: dict[MemberId, list[Json]] = field(default_factory=dict)  # by a search, to be judged
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

    def judge(self, connection: Connection, now: datetime) -> None:
        """Decide which of the tracks found by name is meant. A name without one is missed."""
        meant = agreeing(connection, {one.spotify_id: hits for one, hits in self.found.items()}, now)
        for member_id in self.found:
            if member_id.spotify_id in meant:
                self.members[member_id] = meant[member_id.spotify_id]
            else:
                self.missed.append(member_id)
        self.found = {}

    def set_aside(self, rejected: Sequence[MemberId]) -> None:
        """Move these members to the failed ones, which are retried after all others."""
        for member_id in rejected:
            del self.members[member_id]
        self.failed += rejected
        self.set_aside_count += len(rejected)

    @property
    def asked(self) -> set[MemberId]:
        return {*self.members, *self.found, *self.missed, *self.failed}

    def of_kind(self, *kinds: str, among: Sequence[MemberId]) -> list[Json]:
        return [self.members[member_id] for member_id in among if member_id.kind in kinds]


@dataclass
class FillResult:
    """The result of a run, in counts of members and calls."""

    filled_count: int = 0
    named_count: int = 0  # tracks known by name alone that a search found
    missed_count: int = 0
    unfound_count: int = 0  # names that no search found
    set_aside_count: int = 0  # answers that Postgres rejected
    call_count: int = 0
    left_count: int = 0  # calls left of the day's budget
    missing_count: int = 0  # members that are still inferred
    resume_at: datetime | None = None  # end of the pause that Spotify asked for
    is_taken: bool = False  # another run holds the lease
    is_stopped: bool = False  # the deadline passed before all was fetched

    def add(self, answers: Answers) -> None:
        """Count the answers to one slice."""
        found = sum(one.kind == NAMED for one in answers.members)
        unfound = sum(one.kind == NAMED for one in answers.missed)
        self.named_count += found
        self.unfound_count += unfound
        self.filled_count += len(answers.members) - found
        self.missed_count += len(answers.missed) - unfound
        self.set_aside_count += answers.set_aside_count
        self.call_count += answers.call_count


def save_members(connection: Connection, answers: Answers, some: Sequence[MemberId], now: datetime) -> None:
    """Merge the answers about these members, and match plays again where tracks became one recording."""
    stage(
        connection,
        catalogue_tables(
            tracks=answers.of_kind("track", "episode", NAMED, among=some),
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
