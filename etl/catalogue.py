"""Asking Spotify's catalogue within a daily budget: most played first, nothing in vain, a lock never slept through."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl import limits
from etl.deadline import Deadline, TookTooLong
from etl.dimensions import catalogue_tables, number, text
from etl.keys import fingerprint
from etl.merges import merge_catalogue, merge_linked
from etl.spotify import Api, Forbidden, Refused
from etl.warehouse import Warehouse, run, stage
from etl.wire import Json, LockedOut, SpotifyError, Unavailable

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]

JOB = "dimensions"
SCOPE = "catalogue"  # of a pause: whatever Spotify says here never stops the plays
REFRESH_AFTER = timedelta(days=90)  # names, pictures and genres change slowly; a played track is refreshed by its page
ASK_AGAIN_AFTER = timedelta(days=7)  # an id that was not found: removed things sometimes come back
FAILED_AGAIN_AFTER = timedelta(hours=20)  # an id about which no answer came: tomorrow, while others go first
MISS_LIMIT = 3  # and after so many times it is taken for gone
LEASE_LIFE = timedelta(minutes=15)  # a slice takes seconds, in an incident minutes; a killed run is forgotten after it
SLICE = 20  # ids asked for one by one between two commits: all that a kill can cost
BATCH_SLICE = 100  # the same while Spotify answers for many at once
BATCH_SIZES = {"artist": 50, "track": 50, "album": 20, "episode": 50}  # ids that Spotify takes in one call
FAILURES_IN_A_ROW = 3  # after so many the trouble is not with one id


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
    failed: list[Wanted] = field(default_factory=list)  # no answer for now
    refused: list[str] = field(default_factory=list)  # kinds that this app may not ask for in batches
    trouble: SpotifyError | TookTooLong | None = None  # what ended the asking

    def take(self, wanted: Wanted, member: Json | None) -> None:
        """Files an answer. One that does not describe what was asked for is as good as none, and becomes no row."""
        if member is None or not is_whole(wanted.kind, member):
            self.missed.append(wanted)
        else:
            # Spotify answers for a merged artist with the other's id; facts know the one that was asked for.
            uri = f"spotify:{wanted.kind}:{wanted.spotify_id}"
            self.members[wanted] = {**member, "id": wanted.spotify_id, "uri": uri}

    @property
    def asked(self) -> set[Wanted]:
        return {*self.members, *self.missed, *self.failed}

    def of_kind(self, *kinds: str) -> list[Json]:
        return [member for wanted, member in self.members.items() if wanted.kind in kinds]


@dataclass
class Tally:
    """What a run came to."""

    filled_count: int = 0
    missed_count: int = 0
    call_count: int = 0
    left_count: int = 0  # of the budget
    missing_count: int = 0  # members still only inferred
    resume_at: datetime | None = None  # when Spotify wants no more calls for now
    is_taken: bool = False  # another run is at it
    is_stopped: bool = False  # its time was up before its work was done


class Catalogue:
    """One run of the dimensions job. Whoever calls it looks at the pause of `SCOPE` first."""

    def __init__(
        self,
        warehouse: Warehouse,
        spotify: Api,
        client_id: str,
        budget: int,
        clock: Clock,
        deadline: Deadline = Deadline(),  # noqa: B008  frozen
    ) -> None:
        self._warehouse = warehouse
        self._spotify = spotify
        self._client = fingerprint(client_id)
        self._budget = budget
        self._clock = clock
        self._deadline = deadline
        self._holder = secrets.token_hex(8)
        self._failures_in_a_row = 0
        self._refused: set[str] = set()

    def fill(self, progress: Progress) -> Tally:
        """Asks and saves slice by slice until nothing is wanted, the budget or the time is spent, or Spotify wants a pause.

        `progress` is called with how many ids are done, of how many. Raises the SpotifyError that ended the run, after
        everything answered before it was saved; TookTooLong when nothing was answered in its time.
        """
        tally = Tally()
        if not self._warehouse.transaction(self._holds_lease):
            tally.is_taken = True
            return tally
        wanted = self._warehouse.transaction(self._work, limits.READING)  # it counts all plays
        total = len(wanted)
        trouble: SpotifyError | TookTooLong | None = None
        while wanted and trouble is None and not self._deadline.is_over:
            reservation_key, allowance = self._reserve(min(len(wanted), SLICE))
            if not allowance:
                break
            done = total - len(wanted)
            answers = self._ask(wanted[:BATCH_SLICE], allowance, lambda count: progress(done + count, total))  # noqa: B023  called at once
            self._save(answers, reservation_key)
            tally.filled_count += len(answers.members)
            tally.missed_count += len(answers.missed)
            tally.call_count += answers.call_count
            trouble = answers.trouble
            asked = answers.asked
            wanted = [one for one in wanted if one not in asked]
        progress(total - len(wanted), total)
        self._warehouse.transaction(lambda connection: self._leave(connection, tally))
        if isinstance(trouble, LockedOut):
            tally.resume_at = self._clock() + timedelta(seconds=trouble.wait_s)
        elif trouble is not None and not (isinstance(trouble, TookTooLong) and tally.filled_count):
            raise trouble
        tally.is_stopped = bool(wanted) and self._deadline.is_over
        return tally

    def _holds_lease(self, connection: Connection) -> bool:
        """Takes the lease or renews it; False when another run has it."""
        return bool(run(connection, "lease_taken", job=JOB, holder=self._holder, now=self._clock(), life=LEASE_LIFE))

    def _left(self, connection: Connection) -> int:
        [counted] = run(connection, "catalogue_calls", now=self._clock())
        return max(0, self._budget - int(counted.call_count))

    def _work(self, connection: Connection) -> list[Wanted]:
        """What to ask for, as far as the budget can reach: what is missing, then what is old.

        A third of the budget is kept from the old ones, so that what is played today need not wait for tomorrow.
        """
        self._refused = {row.endpoint for row in run(connection, "catalogue_refusals", client_fingerprint=self._client)}
        ids_per_call = 1 if self._refused >= BATCH_SIZES.keys() else max(BATCH_SIZES.values())
        left = self._left(connection)
        if not left:
            return []  # and the question, which counts all plays, need not be put
        rows = run(
            connection,
            "catalogue_work",
            refresh_before=self._clock() - REFRESH_AFTER,
            miss_before=self._clock() - ASK_AGAIN_AFTER,
            failed_before=self._clock() - FAILED_AGAIN_AFTER,
            miss_limit=MISS_LIMIT,
            work_limit=left * ids_per_call,
        )
        missing = [Wanted(row.kind, row.spotify_id) for row in rows if row.is_missing]
        old = [Wanted(row.kind, row.spotify_id) for row in rows if not row.is_missing]
        return missing + old[: max(0, left - len(missing) - self._budget // 3)]

    def _reserve(self, id_count: int) -> tuple[int | None, int]:
        """Books calls before they are made, so that a killed run is counted too: the booking, and how many are allowed."""

        def work(connection: Connection) -> tuple[int | None, int]:
            if not self._holds_lease(connection):
                return None, 0
            # Batches that are refused come on top of the single ones.
            allowance = min(self._left(connection), id_count + len(BATCH_SIZES.keys() - self._refused))
            if not allowance:
                return None, 0
            [booked] = run(connection, "catalogue_reserved", now=self._clock(), call_count=allowance)
            return booked.catalogue_call_key, allowance

        return self._warehouse.transaction(work)

    def _ask(self, piece: Sequence[Wanted], allowance: int, progress: Callable[[int], None]) -> Answers:
        """Asks for as many at once as Spotify allows, then for up to SLICE one by one, within the allowance of requests."""
        answers = Answers()
        before = self._spotify.request_count

        def may_go_on() -> bool:
            answers.call_count = self._spotify.request_count - before
            progress(len(answers.asked))
            return answers.call_count < allowance

        try:
            for kind, size in BATCH_SIZES.items():
                of_kind = [wanted for wanted in piece if wanted.kind == kind]
                for start in range(0, len(of_kind), size):
                    if kind not in self._refused and len(of_kind) > 1 and may_go_on():
                        self._ask_several(kind, of_kind[start : start + size], answers)
            if not answers.asked:
                for wanted in piece[:SLICE]:
                    if may_go_on():
                        self._ask_one(wanted, answers)
        except (SpotifyError, TookTooLong) as trouble:
            answers.trouble = trouble
        may_go_on()
        return answers

    def _ask_several(self, kind: str, group: Sequence[Wanted], answers: Answers) -> None:
        """Those that a batch gives no answer about are left to be asked one by one."""
        try:
            members = self._spotify.several(kind, [wanted.spotify_id for wanted in group])
        except Forbidden as refusal:
            if not refusal.is_about_the_endpoint:
                raise
            self._refused.add(kind)
            answers.refused.append(kind)
        except (Refused, Unavailable):
            self._refused.add(kind)  # for this run: one odd id spoils it for all
        else:
            for wanted, member in zip(group, members, strict=True):
                answers.take(wanted, member)

    def _ask_one(self, wanted: Wanted, answers: Answers) -> None:
        try:
            answers.take(wanted, self._spotify.one(wanted.kind, wanted.spotify_id))
            self._failures_in_a_row = 0
        except Refused:
            answers.take(wanted, None)
        except (Forbidden, Unavailable) as failure:
            if isinstance(failure, Forbidden) and not failure.is_about_the_endpoint:
                raise
            # Put aside, so that the next run begins with others; but when nothing answers any more, this one is over.
            answers.failed.append(wanted)
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= FAILURES_IN_A_ROW:
                raise

    def _save(self, answers: Answers, reservation_key: int | None) -> None:
        """Everything that a slice brought, in one transaction."""
        now = self._clock()

        def work(connection: Connection) -> None:
            stage(
                connection,
                catalogue_tables(
                    tracks=answers.of_kind("track", "episode"),
                    artists=answers.of_kind("artist"),
                    albums=answers.of_kind("album"),
                    fetched_at=now,
                ),
            )
            merge_catalogue(connection)
            merge_linked(connection, now=now, with_changed=True)
            run(connection, "catalogue_found", **ids_of(answers.members))
            run(connection, "catalogue_missed", **ids_of(answers.missed), now=now)
            run(
                connection,
                "catalogue_failed",
                **ids_of(answers.failed),
                now=now,
                failed_before=now - FAILED_AGAIN_AFTER,
            )
            for kind in answers.refused:
                run(connection, "catalogue_refused", endpoint=kind, client_fingerprint=self._client, now=now)
            run(
                connection,
                "catalogue_made",
                catalogue_call_key=reservation_key,
                call_count=answers.call_count,
            )
            if isinstance(answers.trouble, LockedOut):
                note_pause(connection, SCOPE, answers.trouble, now)

        self._warehouse.transaction(work)

    def _leave(self, connection: Connection, tally: Tally) -> None:
        run(connection, "lease_returned", job=JOB, holder=self._holder)
        [counted] = run(connection, "catalogue_missing")
        tally.missing_count = counted.missing_count
        tally.left_count = self._left(connection)


def note_pause(connection: Connection, scope: str, locked_out: LockedOut, now: datetime) -> None:
    """Writes down until when Spotify wants no calls of this scope."""
    run(
        connection,
        "pause_noted",
        scope=scope,
        resume_at=now + timedelta(seconds=locked_out.wait_s),
        reason=locked_out.reason,
        noted_at=now,
    )


def is_whole(kind: str, member: Mapping[str, Any]) -> bool:
    """Whether an answer describes a member: Spotify keeps some removed ones as shells without name or length."""
    if not text(member.get("name")):
        return False
    return kind not in ("track", "episode") or number(member.get("duration_ms")) is not None


def ids_of(wanted: Mapping[Wanted, Any] | Sequence[Wanted]) -> dict[str, list[str]]:
    return {"kinds": [one.kind for one in wanted], "spotify_ids": [one.spotify_id for one in wanted]}
