"""Asking Spotify's catalogue within a daily budget: most played first, nothing in vain, a lock never slept through."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from etl import limits
from etl.deadline import Deadline, RunTimeout
from etl.dimensions.answers import Answers, Wanted, ids_of, save_members
from etl.spotify.api import Api
from etl.spotify.errors import Forbidden, RateLimited, Refused, SpotifyError, Unavailable
from etl.values import fingerprint, spotify_id
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.pauses import note_pause
from etl.warehouse.quarantine import VALUE_ERRORS, unsavable_items
from etl.warehouse.statements import run

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


class NothingRecorded(SpotifyError):
    """None of the descriptions that Spotify gave could be recorded: not one odd item, but something of all of them."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"None of Spotify's {count} answers could be recorded, so no more were asked for. They are set aside until"
            " tomorrow, and the next run begins with others."
        )


@dataclass
class FillResult:
    """What a run came to."""

    filled_count: int = 0
    missed_count: int = 0
    set_aside_count: int = 0  # described in a way that can't be recorded
    call_count: int = 0
    left_count: int = 0  # of the budget
    missing_count: int = 0  # members still only inferred
    resume_at: datetime | None = None  # when Spotify wants no more calls for now
    is_taken: bool = False  # another run is at it
    is_stopped: bool = False  # its time was up before its work was done


class CatalogueFetcher:
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
        self._booking: int | None = None  # of calls, until they are counted
        self._sent_before = 0

    def fill(self, progress: Progress) -> FillResult:
        """Asks and saves slice by slice until nothing is wanted, the budget or the time is spent, or Spotify wants a pause.

        `progress` is called with how many ids are done, of how many. Raises the SpotifyError that ended the run, after
        everything answered before it was saved; RunTimeout when nothing was answered in its time.
        """
        tally = FillResult()
        if not self._warehouse.transaction(self._holds_lease):
            tally.is_taken = True
            return tally
        try:
            trouble = self._fill(tally, progress)
            self._warehouse.transaction(lambda connection: self._count(connection, tally))
        finally:
            with suppress(WarehouseError):  # told already; a lease that can't be given back ends by itself
                self._warehouse.transaction(self._leave)
        if isinstance(trouble, RateLimited):
            tally.resume_at = self._clock() + timedelta(seconds=trouble.wait_s)
        elif trouble is not None and not (isinstance(trouble, RunTimeout) and tally.filled_count):
            raise trouble
        return tally

    def _fill(self, tally: FillResult, progress: Progress) -> SpotifyError | RunTimeout | None:
        """The slices, counted in `tally`; what ended the asking before its time."""
        wanted = self._warehouse.transaction(self._work, limits.READING)  # it counts all plays
        total = len(wanted)
        trouble: SpotifyError | RunTimeout | None = None
        while wanted and trouble is None and not self._deadline.is_over:
            allowance = self._reserve(min(len(wanted), SLICE))
            if not allowance:
                break
            done = total - len(wanted)
            answers = self._ask(wanted[:BATCH_SLICE], allowance, lambda count: progress(done + count, total))  # noqa: B023  called at once
            self._save(answers)
            tally.filled_count += len(answers.members)
            tally.missed_count += len(answers.missed)
            tally.set_aside_count += answers.set_aside_count
            tally.call_count += answers.call_count
            trouble = answers.trouble
            if trouble is None and answers.set_aside_count and not answers.members:
                trouble = NothingRecorded(answers.set_aside_count)
            asked = answers.asked
            wanted = [one for one in wanted if one not in asked]
        progress(total - len(wanted), total)
        tally.is_stopped = bool(wanted) and self._deadline.is_over
        return trouble

    def _holds_lease(self, connection: Connection) -> bool:
        """Takes the lease or renews it; False when another run has it."""
        return bool(
            run(connection, "ops/runs/lease_taken", job=JOB, holder=self._holder, now=self._clock(), life=LEASE_LIFE)
        )

    def _left(self, connection: Connection) -> int:
        [counted] = run(connection, "ops/catalogue/calls", now=self._clock())
        return max(0, self._budget - int(counted.call_count))

    def _work(self, connection: Connection) -> list[Wanted]:
        """What to ask for, as far as the budget can reach: what is missing, then what is old.

        A third of the budget is kept from the old ones, so that what is played today need not wait for tomorrow.
        """
        self._refused = {
            row.endpoint for row in run(connection, "ops/catalogue/refusals", client_fingerprint=self._client)
        }
        ids_per_call = 1 if self._refused >= BATCH_SIZES.keys() else max(BATCH_SIZES.values())
        left = self._left(connection)
        if not left:
            return []  # and the question, which counts all plays, need not be put
        rows = run(
            connection,
            "ops/catalogue/work",
            refresh_before=self._clock() - REFRESH_AFTER,
            miss_before=self._clock() - ASK_AGAIN_AFTER,
            failed_before=self._clock() - FAILED_AGAIN_AFTER,
            miss_limit=MISS_LIMIT,
            work_limit=left * ids_per_call,
        )
        missing = [Wanted(row.kind, row.spotify_id) for row in rows if row.is_missing]
        old = [Wanted(row.kind, row.spotify_id) for row in rows if not row.is_missing]
        return missing + old[: max(0, left - len(missing) - self._budget // 3)]

    def _reserve(self, id_count: int) -> int:
        """Books calls before they are made, so that a killed run is counted too; how many are allowed."""

        def work(connection: Connection) -> tuple[int | None, int]:
            if not self._holds_lease(connection):
                return None, 0
            # Batches that are refused come on top of the single ones.
            allowance = min(self._left(connection), id_count + len(BATCH_SIZES.keys() - self._refused))
            if not allowance:
                return None, 0
            [booked] = run(connection, "ops/catalogue/reserved", now=self._clock(), call_count=allowance)
            return booked.catalogue_call_key, allowance

        self._booking, allowance = self._warehouse.transaction(work)
        self._sent_before = self._spotify.request_count
        return allowance

    def _ask(self, piece: Sequence[Wanted], allowance: int, progress: Callable[[int], None]) -> Answers:
        """Asks for as many at once as Spotify allows, then for up to SLICE one by one, within the allowance of requests."""
        answers = Answers()
        # What is no id, as older versions kept it too, is unknown to Spotify without a question.
        answers.missed += [wanted for wanted in piece if spotify_id(wanted.spotify_id) is None]
        piece = [wanted for wanted in piece if wanted not in answers.missed]
        nothing = len(answers.missed)

        def may_go_on() -> bool:
            answers.call_count = self._sent
            progress(len(answers.asked))
            return answers.call_count < allowance

        try:
            for kind, size in BATCH_SIZES.items():
                of_kind = [wanted for wanted in piece if wanted.kind == kind]
                for start in range(0, len(of_kind), size):
                    if kind not in self._refused and len(of_kind) > 1 and may_go_on():
                        self._ask_several(kind, of_kind[start : start + size], answers)
            if len(answers.asked) == nothing:
                for wanted in piece[:SLICE]:
                    if may_go_on():
                        self._ask_one(wanted, answers)
        except (SpotifyError, RunTimeout) as trouble:
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

    def _save(self, answers: Answers) -> None:
        """Everything that a slice brought, in one transaction; what can't be recorded of it is set aside."""
        now = self._clock()
        try:
            self._warehouse.transaction(lambda connection: self._keep(connection, answers, list(answers.members), now))
        except VALUE_ERRORS:
            answers.set_aside(
                unsavable_items(
                    list(answers.members),
                    lambda some: self._warehouse.transaction(
                        lambda connection: save_members(connection, answers, some, now)
                    ),
                )
            )
            self._warehouse.transaction(lambda connection: self._keep(connection, answers, [], now))
        self._booking = None

    def _keep(self, connection: Connection, answers: Answers, unsaved: Sequence[Wanted], now: datetime) -> None:
        save_members(connection, answers, unsaved, now)
        run(connection, "ops/catalogue/found", **ids_of(answers.members))
        run(connection, "ops/catalogue/missed", **ids_of(answers.missed), now=now)
        run(
            connection,
            "ops/catalogue/failed",
            **ids_of(answers.failed),
            now=now,
            failed_before=now - FAILED_AGAIN_AFTER,
        )
        for kind in answers.refused:
            run(connection, "ops/catalogue/refused", endpoint=kind, client_fingerprint=self._client, now=now)
        self._count_calls(connection)
        if isinstance(answers.trouble, RateLimited):
            note_pause(connection, SCOPE, now + timedelta(seconds=answers.trouble.wait_s), answers.trouble.reason, now)

    @property
    def _sent(self) -> int:
        """Requests sent since calls were last booked."""
        return self._spotify.request_count - self._sent_before

    def _count_calls(self, connection: Connection) -> None:
        """Puts the number of calls that were made in place of the number that was booked."""
        if self._booking is not None:
            run(connection, "ops/catalogue/made", catalogue_call_key=self._booking, call_count=self._sent)

    def _count(self, connection: Connection, tally: FillResult) -> None:
        [counted] = run(connection, "ops/catalogue/missing")
        tally.missing_count = counted.missing_count
        tally.left_count = self._left(connection)

    def _leave(self, connection: Connection) -> None:
        self._count_calls(connection)
        run(connection, "ops/runs/lease_returned", job=JOB, holder=self._holder)
