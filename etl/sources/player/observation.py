"""What the player recorder observed: one play with its exactness, and its rows for staging. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.dimensions.transform import catalogue_tables
from etl.sources.player.answer import Device
from etl.staging import PLAY_COLUMNS, Table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOOSE_MS = 45_000  # an end that is less sure than this says nothing about the milliseconds; see ops.match_rule
DETAIL_COLUMNS = ("detail_number", "device_id", "device_name", "device_type", "is_shuffle", "is_private")


def unix_ms(at: datetime) -> int:
    """An aware moment in Unix milliseconds."""
    return round((at - EPOCH) / timedelta(milliseconds=1))


def moment_of(ms: int) -> datetime:
    """Unix milliseconds as an aware moment in UTC."""
    return EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True)
class Observation:
    """One play that the recorder saw, whole or in part. Moments are Unix milliseconds, so that it is JSON as it stands.

    How its start is known (`start_basis`):
    - `seen`: the recorder watched it begin; start = now - progress at the first sight.
    - `progress`: it played already when the recorder came; the same sum, but nobody watched.
    - `changed`: it began in the middle; the answer says when.
    - `resumed`: it was taken up again; only what was heard since counts.
    How its end is known (`end_basis`):
    - `next`: the next item began. `length`: it played to its end. `paused`: it was paused and not resumed.
    - `stopped`: it was gone at the next answer; that is the latest it can have ended.
    - `bounded`: no answer came for a while; it ended there at the latest, or was last seen there.
    - `stalled`: it was said to play on, but its progress stood still.

    The true start lies within `start_within_ms` of `started_ms`, the end and the milliseconds likewise, as far as
    between two answers at most one thing happened. Null: nobody knows how far off they may be.
    """

    uri: str = field(repr=False)
    item: dict[str, Any] = field(repr=False)
    started_ms: int
    ended_ms: int
    ms_played: int  # really listened: without pauses, without what was skipped, twice what was heard twice
    start_basis: str
    end_basis: str
    start_within_ms: int | None
    end_within_ms: int
    ms_within: int | None
    is_complete: bool | None  # whether it reached its end, wherever it began; null: its length is unknown
    progress_ms: int  # in the item, at the end
    duration_ms: int | None
    pause_count: int
    seek_count: int
    device_change_count: int
    device: Device | None  # the first one
    context_uri: str | None = field(repr=False)  # the first one, and so the rest
    context_type: str | None
    is_shuffle: bool | None
    is_smart_shuffle: bool | None
    repeat: str | None
    is_private: bool | None  # never true: of a private session nothing is kept

    @property
    def started_at(self) -> datetime:
        return moment_of(self.started_ms)

    @property
    def ended_at(self) -> datetime:
        return moment_of(self.ended_ms)

    @property
    def known_ms(self) -> int | None:
        """`ms_played`, unless nobody saw for long when it ended: then other sources, or an estimate, say it better."""
        return self.ms_played if self.end_within_ms <= LOOSE_MS else None


def observation_tables(observations: Sequence[Observation], fetched_at: datetime) -> tuple[dict[str, Table], Table]:
    """The staging tables of these observations by name, and the rows of `staging_play_detail`, to be copied after.

    `staging_play` has one row an observation, in their order.
    """
    numbers: dict[tuple[Any, ...], int] = {}
    plays = []
    for number, one in enumerate(observations):
        device = one.device or Device(None, None, None)
        detail = (device.device_id, device.device_name, device.device_type, one.is_shuffle, one.is_private)
        plays.append(
            {
                "item_number": number,
                "source": "player",
                "track_uri": one.uri,
                "played_at": one.ended_at,
                "started_at": one.started_at,
                "ms_played": one.known_ms,
                "context_uri": one.context_uri,
                "context_type": one.context_type,
                "detail_number": numbers.setdefault(detail, len(numbers)),
            }
        )
    tables: dict[str, Table] = {**catalogue_tables(tracks=items(observations), fetched_at=fetched_at)}
    tables["staging_play"] = Table.of(plays, (*PLAY_COLUMNS, "started_at", "ms_played", "detail_number"))
    details = [dict(zip(DETAIL_COLUMNS, (number, *detail), strict=True)) for detail, number in numbers.items()]
    return tables, Table.of(details, DETAIL_COLUMNS)


def items(observations: Iterable[Observation]) -> list[dict[str, Any]]:
    """The items, each with the URI that its play has."""
    return [{**one.item, "uri": one.uri} for one in observations]
