"""Fetch catalogue metadata from Spotify within a daily budget of calls, most played members first."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from etl import limits
from etl.deadline import Deadline, RunTimeout
from etl.dimensions.answers import Answers, FillResult, MemberId, ids_of, save_members
from etl.dimensions.search import NAMED, NamedTrack, named_tracks
from etl.spotify.errors import Forbidden, RateLimited, Refused, SpotifyError, Unavailable
from etl.values import fingerprint, spotify_id
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.pauses import note_pause
from etl.warehouse.quarantine import VALUE_ERRORS, unsavable_items
from etl.warehouse.statements import run

if TYPE_CHECKING:  # it brings requests along, which brapped status does not need
    from etl.spotify.api import Api

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]

JOB = "dimensions"
SCOPE = "catalogue"  # of a pause: a rate limit here does not stop `plays`
REFRESH_AFTER = timedelta(days=90)  # metadata changes slowly; each play refreshes its track
ASK_AGAIN_AFTER = timedelta(days=7)  # an id unknown to Spotify: removed members sometimes come back
FAILED_AGAIN_AFTER = timedelta(hours=20)  # an id whose request failed: tomorrow, after the others
MISS_LIMIT = 3  # after so many misses a member counts as gone
LEASE_LIFE = timedelta(minutes=15)  # a slice takes seconds, in an incident minutes; ends the lease of a killed run
SLICE = 20  # single requests between two commits: all that a kill can lose
BATCH_SLICE = 100  # the same with batch requests
BATCH_SIZES = {"artist": 50, "track": 50, "album": 20, "episode": 50}  # ids per batch request, as Spotify allows
FAILURES_IN_A_ROW = 3  # then the cause is not a single id


class NothingRecorded(SpotifyError):
    """Postgres rejected every answer of a slice, so the cause is not a single bad value."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"None of Spotify's {count} answers could be recorded, so the run stopped. They are set aside until"
            " tomorrow; the next run starts with others."
        )


class CatalogueFetcher:
    """One run of the `dimensions` job. The caller checks the pause of `SCOPE` first."""

    def __init__(
        self,
        warehouse: Warehouse,
        spotify: "Api",
        client_id: str,
        budget: int,
        clock: Clock,
        deadline: Deadline = Deadline(),  # noqa: B008  frozen
        *,
        searches: bool = False,
    ) -> None:
        self._warehouse = warehouse
        self._spotify = spotify
        self._client = fingerprint(client_id)
        self._budget = budget
        self._clock = clock
        self._deadline = deadline
        self._holder = secrets.token_hex(8)
        self._failures_in_a_row = 0
        self._searches = searches
        self._names: dict[str, NamedTrack] = {}
        self._refused: set[str] = set()
        self._reservation: int | None = None  # key of the calls reserved, until they are counted
        self._sent_before = 0

    def fill(self, progress: Progress) -> FillResult:
        """Fetch and save slice by slice until all is done, the budget or time is used up, or Spotify asks for a pause.

        `progress` is called with the number of ids done, and of all ids. Raises the SpotifyError that ended the run,
        after saving what was fetched before it; RunTimeout if the time ran out before anything was filled.
        """
        result = FillResult()
        if not self._warehouse.transaction(self._holds_lease):
            result.is_taken = True
            return result
        try:
            error = self._fill(result, progress)
            self._warehouse.transaction(lambda connection: self._count(connection, result))
        finally:
            with suppress(WarehouseError):  # an earlier error is already raised; the lease expires by itself
                self._warehouse.transaction(self._leave)
        if isinstance(error, RateLimited):
            result.resume_at = self._clock() + timedelta(seconds=error.wait_s)
        elif error is not None and not (isinstance(error, RunTimeout) and result.filled_count):
            raise error
        return result

    def _fill(self, result: FillResult, progress: Progress) -> SpotifyError | RunTimeout | None:
        """Process the slices and count them in `result`; the error that ended the requests early, if any."""
        wanted = self._warehouse.transaction(self._work, limits.READING)  # the query counts all plays
        total = len(wanted)
        error: SpotifyError | RunTimeout | None = None
        while wanted and error is None and not self._deadline.is_over:
            allowance = self._reserve(min(len(wanted), SLICE))
            if not allowance:
                break
            done = total - len(wanted)
            answers = self._ask(
                wanted[:BATCH_SLICE],
                allowance,
                lambda count: progress(done + count, total),  # noqa: B023  called at once
            )
            self._save(answers)
            result.add(answers)
            error = answers.error
            if error is None and answers.set_aside_count and not answers.members:
                error = NothingRecorded(answers.set_aside_count)
            asked = answers.asked
            wanted = [one for one in wanted if one not in asked and not self._is_refused(one)]
        progress(total - len(wanted), total)
        result.is_stopped = bool(wanted) and self._deadline.is_over
        return error

    def _holds_lease(self, connection: Connection) -> bool:
        """Take or renew the lease; False if another run holds it."""
        return bool(
            run(connection, "ops/runs/lease_taken", job=JOB, holder=self._holder, now=self._clock(), life=LEASE_LIFE)
        )

    def _left(self, connection: Connection) -> int:
        [counted] = run(connection, "ops/catalogue/calls", now=self._clock())
        return max(0, self._budget - int(counted.call_count))

    def _work(self, connection: Connection) -> list[MemberId]:
        """The members to fetch within the budget: missing ones, then names to search for, then outdated ones.

        The latter two get at most two thirds of the budget, so that what is played later today need not wait.
        """
        self._refused = {
            row.endpoint for row in run(connection, "ops/catalogue/refusals", client_fingerprint=self._client)
        }
        ids_per_call = 1 if self._refused >= BATCH_SIZES.keys() else max(BATCH_SIZES.values())
        left = self._left(connection)
        if not left:
            return []  # and saves the query, which counts all plays
        rows = run(
            connection,
            "ops/catalogue/work",
            refresh_before=self._clock() - REFRESH_AFTER,
            miss_before=self._clock() - ASK_AGAIN_AFTER,
            failed_before=self._clock() - FAILED_AGAIN_AFTER,
            miss_limit=MISS_LIMIT,
            work_limit=left * ids_per_call,
        )
        missing = [MemberId(row.kind, row.spotify_id) for row in rows if row.is_missing]
        old = [MemberId(row.kind, row.spotify_id) for row in rows if not row.is_missing]
        room = max(0, left - len(missing) - self._budget // 3)
        return missing + [*self._to_search_for(connection, room), *old][:room]

    def _to_search_for(self, connection: Connection, limit: int) -> list[MemberId]:
        if not self._searches or NAMED in self._refused or not limit:
            return []
        now = self._clock()
        found = named_tracks(connection, now=now, failed_before=now - FAILED_AGAIN_AFTER, limit=limit)
        self._names = {one.track_uri: one for one in found}
        return [MemberId(NAMED, one.track_uri) for one in found]

    def _is_refused(self, member_id: MemberId) -> bool:
        return member_id.kind == NAMED and NAMED in self._refused

    def _reserve(self, id_count: int) -> int:
        """Reserve calls before they are sent, so that a killed run counts too; the number allowed."""

        def work(connection: Connection) -> tuple[int | None, int]:
            if not self._holds_lease(connection):
                return None, 0
            # A refused batch request costs a call in addition to the single ones.
            allowance = min(self._left(connection), id_count + len(BATCH_SIZES.keys() - self._refused))
            if not allowance:
                return None, 0
            [reserved] = run(connection, "ops/catalogue/reserved", now=self._clock(), call_count=allowance)
            return reserved.catalogue_call_key, allowance

        self._reservation, allowance = self._warehouse.transaction(work)
        self._sent_before = self._spotify.request_count
        return allowance

    def _ask(self, piece: Sequence[MemberId], allowance: int, progress: Callable[[int], None]) -> Answers:
        """Send batch requests where Spotify allows them, else up to SLICE single ones, within the allowance."""
        answers = Answers()
        # An invalid id (older versions stored some) is unknown to Spotify without a request.
        answers.missed += [one for one in piece if one.kind != NAMED and spotify_id(one.spotify_id) is None]
        piece = [member_id for member_id in piece if member_id not in answers.missed]
        nothing = len(answers.missed)

        def may_go_on() -> bool:
            answers.call_count = self._sent
            progress(len(answers.asked))
            return answers.call_count < allowance

        try:
            for kind, size in BATCH_SIZES.items():
                of_kind = [member_id for member_id in piece if member_id.kind == kind]
                for start in range(0, len(of_kind), size):
                    if kind not in self._refused and len(of_kind) > 1 and may_go_on():
                        self._ask_several(kind, of_kind[start : start + size], answers)
            if len(answers.asked) == nothing:
                for member_id in piece[:SLICE]:
                    if may_go_on() and not self._is_refused(member_id):
                        ask = self._search_for if member_id.kind == NAMED else self._ask_one
                        ask(member_id, answers)
        except (SpotifyError, RunTimeout) as error:
            answers.error = error
        may_go_on()
        return answers

    def _ask_several(self, kind: str, group: Sequence[MemberId], answers: Answers) -> None:
        """Fetch a group in one request. If the batch fails, its members are left for single requests."""
        try:
            members = self._spotify.several(kind, [member_id.spotify_id for member_id in group])
        except Forbidden as refusal:
            if not refusal.is_about_the_endpoint:
                raise
            self._refused.add(kind)
            answers.refused.append(kind)
        except (Refused, Unavailable):
            self._refused.add(kind)  # for this run: one bad id makes the whole batch fail
        else:
            for member_id, member in zip(group, members, strict=True):
                answers.take(member_id, member)

    def _ask_one(self, member_id: MemberId, answers: Answers) -> None:
        try:
            answers.take(member_id, self._spotify.one(member_id.kind, member_id.spotify_id))
            self._failures_in_a_row = 0
        except Refused:
            answers.take(member_id, None)
        except (Forbidden, Unavailable) as failure:
            self._failed(member_id, answers, failure)

    def _search_for(self, member_id: MemberId, answers: Answers) -> None:
        """Search for a track by its name. An error says nothing about the name, so it is no miss."""
        named = self._names[member_id.spotify_id]
        try:
            answers.found[member_id] = self._spotify.search_tracks(named.track_name, named.artist_name)
            self._failures_in_a_row = 0
        except (Forbidden, Refused, Unavailable) as failure:
            if isinstance(failure, Forbidden) and failure.is_about_the_endpoint:
                self._refused.add(NAMED)
                answers.refused.append(NAMED)
            else:
                self._failed(member_id, answers, failure)

    def _failed(self, member_id: MemberId, answers: Answers, failure: SpotifyError) -> None:
        """Leave a member to a later run, which starts with others. Raises `failure` if requests keep failing."""
        if isinstance(failure, Forbidden) and not failure.is_about_the_endpoint:
            raise failure
        answers.failed.append(member_id)
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= FAILURES_IN_A_ROW:
            raise failure

    def _save(self, answers: Answers) -> None:
        """Save a slice in one transaction. Answers that Postgres rejects are set aside."""
        now = self._clock()
        if answers.found:
            self._warehouse.transaction(lambda connection: answers.judge(connection, now))
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
        self._reservation = None

    def _keep(self, connection: Connection, answers: Answers, unsaved: Sequence[MemberId], now: datetime) -> None:
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
        if isinstance(answers.error, RateLimited):
            note_pause(connection, SCOPE, now + timedelta(seconds=answers.error.wait_s), answers.error.reason, now)

    @property
    def _sent(self) -> int:
        """Requests sent since calls were last reserved."""
        return self._spotify.request_count - self._sent_before

    def _count_calls(self, connection: Connection) -> None:
        """Replace the number of reserved calls with the number sent."""
        if self._reservation is not None:
            run(connection, "ops/catalogue/made", catalogue_call_key=self._reservation, call_count=self._sent)

    def _count(self, connection: Connection, result: FillResult) -> None:
        [counted] = run(connection, "ops/catalogue/missing")
        result.missing_count = counted.missing_count
        result.left_count = self._left(connection)

    def _leave(self, connection: Connection) -> None:
        self._count_calls(connection)
        run(connection, "ops/runs/lease_returned", job=JOB, holder=self._holder)
