"""The dimensions job: describe tracks, artists and albums that are only inferred, then refresh old ones."""

from collections.abc import Iterator
from dataclasses import replace

from etl import __version__
from etl.clock import Clock, utc_now
from etl.counts import many
from etl.deadline import Deadline, span
from etl.dimensions.answers import FillResult
from etl.dimensions.fetch import SCOPE, CatalogueFetcher, Progress
from etl.dimensions.providers.base import Pace
from etl.dimensions.providers.run import ask_providers, providers_line
from etl.jobs.due_rebuilds import rebuild_in_time
from etl.jobs.run import Outcome, accounts_of, failure_recorded, giving_way, record_kept_failures, run_of, secret
from etl.notices import Warned, moment
from etl.settings import Settings
from etl.spotify.api import Api
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.pauses import paused_until


def fill_dimensions(
    settings: Settings,
    warehouse: Warehouse,
    clock: Clock = utc_now,
    progress: Progress = lambda done, total: None,
    pace: Pace | None = None,
) -> Outcome:
    """Run the three-hourly job: describe inferred artists, tracks and albums, then refresh old ones.

    Then ask the providers of PROVIDERS, also while Spotify wants a pause; what goes wrong there is at most a warning.
    `progress` receives entities done and entities in all. `pace`: of calls to providers. Raises SettingsError, WarehouseError, SpotifyError,
    RunTimeout and WrongClock. Neither a pause that Spotify demands nor the time limit, once something was described,
    is a failure: later runs keep to the pause, and the next run goes on.
    """
    deadline = Deadline.of("dimensions")
    now = clock()
    this_run = run_of(settings, "dimensions", now)
    this_run.scope = SCOPE
    with (
        failure_recorded(settings, warehouse, this_run, clock),
        giving_way(warehouse, this_run, clock) as gave_way,
    ):
        warehouse.migrate(now, __version__, views_may_wait=True, plays_may_wait=True)
        rebuild_in_time("dimensions", warehouse, clock, deadline)
        record_kept_failures(settings, warehouse)
        if resume_at := paused_until(warehouse, SCOPE, now):
            line = f"Spotify wants no calls to its catalogue before {moment(resume_at)}; none was made"
            return with_providers(Outcome(line), settings, warehouse, clock, deadline, pace)
        accounts = accounts_of(settings, deadline)

        def authorize() -> str:
            answer = accounts.client_credentials()
            accounts.check_clock(clock())
            return str(answer["access_token"])

        spotify = Api(settings.spotify_api_url, authorize, accounts.retry_budget)
        tally = CatalogueFetcher(
            warehouse,
            spotify,
            secret(settings.spotify_client_id),
            settings.catalogue_daily_budget,
            clock,
            deadline,
            searches=settings.catalogue_search,
        ).fill(progress)
        if not tally.is_taken:
            outcome = "waiting" if tally.resume_at else "done"
            warehouse.transaction(
                lambda connection: this_run.record(
                    connection, outcome, clock(), tally.call_count, tally.filled_count + tally.named_count
                )
            )
    if gave_way:
        return Outcome(gave_way[0], gave_way=True)
    stopped = f"; stopped after {span(deadline.limit_s)}, the next run goes on" if tally.is_stopped else ""
    described = Outcome(f"{dimensions_line(tally)}{stopped}", tuple(dimensions_warnings(tally)))
    return with_providers(described, settings, warehouse, clock, deadline, pace)


def with_providers(
    outcome: Outcome,
    settings: Settings,
    warehouse: Warehouse,
    clock: Clock,
    deadline: Deadline,
    pace: Pace | None,
) -> Outcome:
    """The outcome of the catalogue, and what the other providers were asked after it.

    The catalogue is saved by then, so a database that fails now is a warning.
    """
    try:
        asked = ask_providers(settings, warehouse, clock, deadline, pace)
    except WarehouseError as error:
        return replace(outcome, warnings=(*outcome.warnings, Warned("database", f"Other providers: {error}")))
    return replace(outcome, line=f"{outcome.line}{providers_line(asked)}")


def dimensions_warnings(tally: FillResult) -> Iterator[Warned]:
    """The warnings of a run: descriptions that the database refused."""
    if tally.set_aside_count:
        yield Warned(
            "answers",
            f"{tally.set_aside_count} of {many(tally.set_aside_count + tally.filled_count, 'description')} could not be"
            " recorded and were set aside until tomorrow; the others are in",
        )


def dimensions_line(tally: FillResult) -> str:
    """The outcome of a run in one line: counts, and the end of a pause if Spotify demands one."""
    if tally.is_taken:
        return "another run is filling the dimensions; nothing to do"
    parts = [f"{many(tally.filled_count, 'artist, track or album', 'artists, tracks, albums')} described"]
    if tally.missed_count:
        parts.append(f"{tally.missed_count} unknown to Spotify")
    if tally.named_count or tally.unfound_count:
        parts.append(f"{tally.named_count} of {many(tally.named_count + tally.unfound_count, 'name')} found")
    if tally.set_aside_count:
        parts.append(f"{tally.set_aside_count} set aside")
    parts.append(f"{tally.missing_count} missing")
    line = f"{', '.join(parts)}; {many(tally.call_count, 'call')}, {tally.left_count} left today"
    return f"{line}; Spotify wants no more before {moment(tally.resume_at)}" if tally.resume_at else line
