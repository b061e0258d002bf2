"""Ask the providers that PROVIDERS names, one after the other, and save each batch in one transaction."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl import limits
from etl.clock import Clock
from etl.counts import many
from etl.deadline import Deadline
from etl.dimensions.providers.base import (
    FAILURES_IN_A_ROW,
    LONGEST_WAIT_S,
    Caller,
    Item,
    OutOfBudget,
    Pace,
    Provider,
    ProviderError,
    Step,
    Told,
)
from etl.dimensions.providers.deezer import DEEZER
from etl.dimensions.providers.lastfm import LASTFM
from etl.dimensions.providers.listenbrainz import LISTENBRAINZ
from etl.dimensions.providers.musicbrainz import MUSICBRAINZ
from etl.dimensions.providers.reccobeats import RECCOBEATS
from etl.dimensions.providers.wikidata import WIKIDATA
from etl.notices import moment
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.pauses import note_pause, paused_until
from etl.warehouse.quarantine import VALUE_ERRORS
from etl.warehouse.statements import run

IN_ORDER = (RECCOBEATS, DEEZER, MUSICBRAINZ, LISTENBRAINZ, WIKIDATA, LASTFM)
AGAIN_AFTER_DAYS = (7, 30, 90, 365)  # after the first miss, the second …
RESERVE_S = 45  # of the run's time, to save and to end
LEASE = "providers"
LEASE_LIFE = timedelta(minutes=15)  # longer than a run; ends the lease of a killed one
SCOPE = "provider"  # of pauses, before the name


@dataclass
class Tally:
    """What one provider was asked in a run, in counts, and why it was left early, if it was."""

    provider: str
    found: set[int] = field(default_factory=set, repr=False)  # keys; an item may be asked for in more than one way
    missed: set[int] = field(default_factory=set, repr=False)
    failed_count: int = 0  # batches without an answer
    call_count: int = 0
    out_of_range_count: int = 0
    left: str = ""

    @property
    def found_count(self) -> int:
        return len(self.found)

    @property
    def missed_count(self) -> int:
        """Items that it did not know, in whichever way it was asked."""
        return len(self.missed - self.found)

    @property
    def is_news(self) -> bool:
        """Whether it was asked, or why it was not."""
        return bool(self.call_count or self.left)

    def line(self) -> str:
        """The tally in a few words, for any log."""
        parts = [f"{self.found_count:,} found"]
        if self.missed_count:
            parts.append(f"{self.missed_count:,} unknown")
        if self.out_of_range_count:
            parts.append(f"{many(self.out_of_range_count, 'value')} out of range")
        parts.append(many(self.call_count, "call"))
        return f"{self.provider} {', '.join(parts)}{f', {self.left}' if self.left else ''}"


def ask_providers(
    settings: Settings, warehouse: Warehouse, clock: Clock, deadline: Deadline, pace: Pace | None = None
) -> list[Tally]:
    """Ask the providers of the settings within their budgets and the deadline; what each was asked.

    A provider that fails is left, and the next one asked. Nothing is asked while another run asks, nor before the pauses
    after its last calls are over: the lease is held for so long. Raises WarehouseError.
    """
    if not settings.providers:
        return []
    holder = secrets.token_hex(8)

    def take(connection: Connection) -> bool:
        return bool(run(connection, "ops/runs/lease_taken", job=LEASE, holder=holder, now=clock(), life=LEASE_LIFE))

    if not warehouse.transaction(take):
        return []
    asked = [
        Asking(provider, settings, warehouse, clock, deadline, pace or Pace())
        for provider in IN_ORDER
        if provider.name in settings.providers
    ]
    try:
        return [one.all() for one in asked]
    finally:
        for one in asked:
            one.caller.rest()  # before another run may ask
        with suppress(WarehouseError):  # an earlier error is already raised; the lease expires by itself
            warehouse.transaction(
                lambda connection: run(connection, "ops/runs/lease_returned", job=LEASE, holder=holder)
            )


@dataclass
class Asking:
    """One provider in one run."""

    provider: Provider
    settings: Settings = field(repr=False)
    warehouse: Warehouse
    clock: Clock
    deadline: Deadline
    pace: Pace

    def __post_init__(self) -> None:
        key = self.settings.lastfm_api_key if self.provider.needs_key else None
        self.api_key = key.get_secret_value() if key else None
        self.tally = Tally(self.provider.name)
        self.failures_in_a_row = 0
        self.caller = Caller(
            getattr(self.settings, f"{self.provider.name}_url"),
            self.provider.budget,
            self.provider.pause_s,
            lambda: self.deadline.left_s - RESERVE_S,
            self.pace,
            self.api_key,
        )

    @property
    def scope(self) -> str:
        return f"{SCOPE} {self.provider.name}"

    def all(self) -> Tally:
        """Ask all steps of the provider, unless it is paused or lacks its key. Raises WarehouseError."""
        if self.provider.needs_key and self.api_key is None:
            self.tally.left = "not asked: LASTFM_API_KEY is not set"
        elif resume_at := paused_until(self.warehouse, self.scope, self.clock()):
            self.tally.left = f"wants no calls before {moment(resume_at)}"
        else:
            for step in self.provider.steps:
                if not self.asked(step):
                    break
        self.tally.call_count = self.caller.call_count
        return self.tally

    def asked(self, step: Step) -> bool:
        """Ask what the step wants, batch by batch; False once the provider is left for this run."""
        wanted = self.wanted(step)
        for start in range(0, len(wanted), step.batch):
            batch = wanted[start : start + step.batch]
            try:
                self.answer(step, batch)
            except OutOfBudget:
                return False
            except ProviderError as error:
                self.tally.failed_count += 1
                self.failures_in_a_row += 1
                is_long = error.wait_s is not None and error.wait_s > LONGEST_WAIT_S
                if is_long or self.failures_in_a_row >= FAILURES_IN_A_ROW:
                    self.leave(error)
                    return False
                continue  # a batch that it can't answer must not keep it from answering the next
            self.failures_in_a_row = 0
        return True

    def answer(self, step: Step, batch: Sequence[Item]) -> None:
        """Ask for one batch, and save the answer. Raises ProviderError, OutOfBudget and WarehouseError.

        Answers are somebody else's: what nobody has thought of, or the database refuses, is a failure of this batch.
        """
        try:
            self.save(step, batch, step.ask(self.caller, batch))
        except VALUE_ERRORS as error:
            raise ProviderError(f"an answer that can't be read ({type(error).__name__})") from error

    def leave(self, error: ProviderError) -> None:
        """Leave the provider for this run, and for as long as it asked."""
        self.tally.left = f"left for now ({error})"
        if error.wait_s:
            now = self.clock()
            resume_at = now + timedelta(seconds=error.wait_s)
            self.warehouse.transaction(
                lambda connection: note_pause(connection, self.scope, resume_at, str(error), now)
            )

    def wanted(self, step: Step) -> list[Item]:
        """The items of the step that fit the budget, the most played first."""
        known: dict[str, Any] = {
            "provider": self.provider.name,
            "kind": step.kind,
            "now": self.clock(),
            "work_limit": self.provider.budget * step.batch,
        }
        enabled = self.settings.providers
        if step.kind == "artist":
            needs = "identity" if step.wants == "identities" else "genres_by_mbid" if step.by_mbid else "genres"
            rows = self.rows("ops/providers/wanted_artists", **known, needs=needs, waits_for=genre_order(step, enabled))
            return [
                Item(row.item_key, row.spotify_id, artist_name=row.artist_name, mbid=row.mbid)
                for row in rows
                if row.mbid or row.artist_name or not self.provider.needs_key
            ]
        first, kind = feature_order(self.provider, step, enabled)
        rows = self.rows(
            "ops/providers/wanted_tracks", **known, is_tempo=step.is_tempo, waits_for=first, waits_for_kind=kind
        )
        return [Item(row.item_key, row.spotify_id, row.isrc, row.duration_ms) for row in rows]

    def rows(self, name: str, **parameters: Any) -> list[Any]:
        return self.warehouse.transaction(lambda connection: run(connection, name, **parameters), limits.READING)

    def save(self, step: Step, batch: Sequence[Item], told: Told) -> None:
        """Save an answer: values, what the provider did not know, and that it now knows what it once did not.

        What an answer lacks that is not whole is asked again in the next run. Raises WarehouseError.
        """
        found = told.found(step.wants)
        missed = [item.key for item in batch if item.key not in found] if told.is_whole else []
        now = self.clock()
        self.warehouse.transaction(
            lambda connection: save_answer(connection, self.provider.name, step, told, sorted(found), missed, now)
        )
        self.tally.found |= found
        self.tally.missed |= set(missed)
        self.tally.failed_count += not told.is_whole
        self.tally.out_of_range_count += sum(row["out_of_range_count"] for row in told.features.values())


def save_answer(
    connection: Connection,
    provider: str,
    step: Step,
    told: Told,
    found: Sequence[int],
    missed: Sequence[int],
    now: datetime,
) -> None:
    """Save an answer to one batch."""
    names = {"provider": provider, "now": now}
    if told.features:
        rows = [{"track_key": key, **row} for key, row in told.features.items()]
        run(connection, "ops/providers/features_saved", **names, matched_by=told.matched_by, told=json.dumps(rows))
    if told.genres:
        rows = [
            {"artist_key": key, "genres": names_, "matched_by": told.matches.get(key, told.matched_by)}
            for key, names_ in told.genres.items()
        ]
        run(connection, "ops/providers/genres_saved", **names, told=json.dumps(rows))
    if told.identities:
        rows = [{"artist_key": key, **row} for key, row in told.identities.items()]
        run(connection, "ops/providers/identities_saved", **names, told=json.dumps(rows))
    if missed:
        days = list(AGAIN_AFTER_DAYS)
        run(connection, "ops/providers/missed", **names, kind=step.kind, item_keys=list(missed), again_after_days=days)
    if found:
        run(connection, "ops/providers/found", provider=provider, kind=step.kind, item_keys=list(found))


def feature_order(provider: Provider, step: Step, enabled: Sequence[str]) -> tuple[str | None, str]:
    """Whose miss, and by what, has to come before this step asks for a track: (provider or None, kind)."""
    if provider is RECCOBEATS and step.kind == "track_isrc":
        return RECCOBEATS.name, "track_id"
    if provider is DEEZER and RECCOBEATS.name in enabled:
        return RECCOBEATS.name, "track_isrc"
    return None, ""


def genre_order(step: Step, enabled: Sequence[str]) -> list[str]:
    """Whose misses have to come before this step asks for an artist: of any one of these. Empty: nobody's.

    ListenBrainz knows an artist by what MusicBrainz tells, so a miss of MusicBrainz counts for both.
    """
    if step.wants != "genres" or step.by_mbid:
        return []
    if step is not WIKIDATA.steps[0] and WIKIDATA.name in enabled:
        return [WIKIDATA.name]
    if MUSICBRAINZ.name in enabled and LISTENBRAINZ.name in enabled:
        return [MUSICBRAINZ.name, LISTENBRAINZ.name]
    return []


def providers_line(tallies: Sequence[Tally]) -> str:
    """What all providers were asked, as the end of a run's outcome; "" if nobody was."""
    return "".join(f"; {tally.line()}" for tally in tallies if tally.is_news)
