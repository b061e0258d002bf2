"""How the record stands: freshness, runs, logins, coverage, catalogue, budget, storage, and what can never be. Changes nothing."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.engine import make_url

from etl.auth.logins import ends_at
from etl.clock import span_in_words
from etl.dimensions.fetch import MISS_LIMIT
from etl.health.findings import RENEW, Finding
from etl.health.silence import SHORTEST, about_quiet, quiet
from etl.notices import moment, why_lost
from etl.settings import Settings
from etl.spotify.api import WINDOW
from etl.values import fingerprint
from etl.warehouse.schema import pending
from etl.warehouse.statements import names_in, run, run_together

Rows = list[dict[str, Any]]

SCHEDULED = ("plays", "dimensions")  # what nobody is there to see fail
# The causes that `urgent` and `missed` find, and so know to be well again. A login that only its use shows to be wrong is healed
# only by a run that used it.
URGENT = ("gap", "storage", "quiet")
MISSED = ("silence",)
REMIND_DAYS = (1, 7, 30)  # before a login ends
STALE = timedelta(hours=3)  # Spotify's list holds some two and a half hours of music
QUIET = timedelta(hours=6)  # schedules are delayed and dropped now and then: that alone is no news
SKEW = timedelta(minutes=2)
NEON_FREE_MB = 512
FULL_SHARES = (0.95, 0.9, 0.8)  # of the storage
MB = 1_000_000
CHECKS = {
    "orphan_keys": "plays whose keys lead nowhere",
    "tracks_without_artist": "described tracks without an artist",
    "plays_told_twice": "plays that stand there twice",
    "plays_of_the_future": "plays dated in the future",
    "distances_adrift": "plays that are wrong about the play before",
    "watermarks_adrift": "watermarks that are not at the newest play",
    "local_dates_adrift": "plays on a wrong local date or minute",
    "unknown_time_zones": "listeners whose time zone this database does not know",
}
MENDED = {  # what the program puts right itself
    "local_dates_adrift": "`python migrate.py` dates every play anew.",
    "unknown_time_zones": "The next run of plays takes another name of the zone that this database knows, or says that there is none.",
}


@dataclass(frozen=True)
class Health:
    """Everything that `status` shows. Times are aware; `findings` is what somebody should look at, the worst first."""

    made_at: datetime
    schema: dict[str, Any]
    listeners: Rows
    login: dict[str, Any] | None
    runs: Rows
    spans: Rows
    catalogue: Rows
    refusals: list[str]
    budget: dict[str, int]
    pauses: Rows
    storage: dict[str, Any]
    checks: dict[str, int]
    clock_skew_s: float
    findings: tuple[Finding, ...]


def schema_of(connection: Connection) -> dict[str, Any]:
    """Which schema the database has: {version, newest, pending}."""
    waiting = pending(connection)
    newest = names_in("schema")[-1].removeprefix("schema/")
    files = [name for name in names_in("schema") if name not in waiting]
    version = files[-1].removeprefix("schema/") if files else None
    return {"version": version, "newest": newest, "pending": waiting}


def mark_of(settings: Settings) -> str | None:
    """The fingerprint of SPOTIFY_REFRESH_TOKEN, by which the database knows it."""
    token = settings.spotify_refresh_token
    return fingerprint(token.get_secret_value()) if token else None


def login_from(rows: Rows) -> dict[str, Any] | None:
    """The login that the plays job would use, from the rows of login_current.sql; None without any:
    {agreed_at, is_exact, ends_at, refused_at, refused_reason}."""
    if not rows:
        return None
    [login] = rows
    agreed_at = login["consented_at"] or login["first_seen_at"]
    return {
        "agreed_at": agreed_at,
        "is_exact": login["consented_at"] is not None,
        "ends_at": ends_at(agreed_at),
        "refused_at": login["refused_at"],
        "refused_reason": login["refused_reason"],
    }


def storage_from(told: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """{size_bytes, limit_bytes, bytes_a_day, days_left}, from the row of health_storage.sql; null where it is not known."""
    limit_mb = settings.storage_limit_mb
    if limit_mb is None and settings.database_url:
        host = make_url(settings.database_url.get_secret_value()).host or ""
        limit_mb = NEON_FREE_MB if host.endswith(".neon.tech") else None
    bytes_a_day = None
    if told["recent_days"]:
        # A play takes some 125 bytes with its index, and brings about as much again in tracks, artists and albums.
        bytes_a_day = round(250 * told["recent_count"] / told["recent_days"])
    limit_bytes = limit_mb * MB if limit_mb else None
    days_left = None
    if limit_bytes and bytes_a_day:
        days_left = max(0, (limit_bytes - told["size_bytes"]) // bytes_a_day)
    return {
        "size_bytes": told["size_bytes"],
        "limit_bytes": limit_bytes,
        "bytes_a_day": bytes_a_day,
        "days_left": days_left,
    }


def inspect_urgent(connection: Connection, settings: Settings, now: datetime) -> list[Finding]:
    """The findings after every run, in one statement that does not read the facts."""
    names = ("ops/logins/current", "ops/health/gap", "ops/health/storage", "ops/health/quiet")
    found = run_together(connection, names, setting_fingerprint=mark_of(settings), now=now, shortest=SHORTEST)
    login, gaps, [storage], silences = (found[name] for name in names)
    return [
        *about_login(login_from(login), settings, now),
        *about_gaps(gaps),
        *about_storage(storage_from(storage, settings)),
        *about_quiet(silences),
    ]


def inspect_schedule(connection: Connection, now: datetime) -> list[Finding]:
    """Whether the plays job goes on at all, asked by the others: it can't tell that itself."""
    return list(about_silence(rows_of(run(connection, "ops/health/run", now=now)), now, QUIET))


def inspect_all(connection: Connection, settings: Settings, now: datetime) -> Health:
    """All of it, facts included: some seconds with ten million of them."""
    login = login_from(rows_of(run(connection, "ops/logins/current", setting_fingerprint=mark_of(settings))))
    runs = rows_of(run(connection, "ops/health/run", now=now))
    spans = rows_of(run(connection, "ops/health/span"))
    storage = storage_from(rows_of(run(connection, "ops/health/storage", now=now))[0], settings)
    pauses = rows_of(run(connection, "ops/health/pause", now=now))
    client = settings.spotify_client_id
    refusals = (
        [
            row.endpoint
            for row in run(
                connection, "ops/catalogue/refusals", client_fingerprint=fingerprint(client.get_secret_value())
            )
        ]
        if client
        else []
    )
    [spent] = run(connection, "ops/catalogue/calls", now=now)
    checks = {row.check_name: row.row_count for row in run(connection, "ops/health/check", now=now)}
    [clock] = run(connection, "ops/health/clock")
    skew_s = (clock.now_at - now).total_seconds()
    findings = [
        *about_login(login, settings, now),
        *about_silence(runs, now, STALE),
        *about_failures(runs),
        *about_gaps(spans),
        *quiet(connection),
        *about_storage(storage),
        *about_checks(checks),
        *about_skew(skew_s),
    ]
    return Health(
        made_at=now,
        schema=schema_of(connection),
        listeners=rows_of(run(connection, "ops/health/listener")),
        login=login,
        runs=runs,
        spans=spans,
        catalogue=rows_of(run(connection, "ops/health/catalogue", miss_limit=MISS_LIMIT)),
        refusals=refusals,
        budget={"spent": spent.call_count, "limit": settings.catalogue_daily_budget},
        pauses=pauses,
        storage=storage,
        checks=checks,
        clock_skew_s=skew_s,
        findings=tuple(findings),
    )


def about_login(login: dict[str, Any] | None, settings: Settings, now: datetime) -> Iterator[Finding]:
    if login is None:
        if settings.spotify_client_id:
            yield Finding(
                "login",
                "none",
                "Nobody is logged in to Spotify yet",
                f"Nothing is recorded before. {RENEW}",
                is_failure=True,
            )
        return
    ends = login["ends_at"]
    if login["refused_at"]:
        yield Finding(
            "login",
            f"{ends:%Y-%m-%d} refused",
            "The Spotify login has ended: nothing is being recorded",
            f"Spotify refuses it since {moment(login['refused_at'])} ({login['refused_reason']}). Nothing recorded is lost, but"
            f" what you play now is kept by Spotify only, and no more than the last {WINDOW} plays of it. {RENEW}",
            is_failure=True,
        )
        return
    for days in REMIND_DAYS:
        if ends - now <= timedelta(days=days):
            when = f"on {ends:%Y-%m-%d}" if login["is_exact"] else f"on {ends:%Y-%m-%d} at the latest"
            yield Finding(
                "login",
                f"{ends:%Y-%m-%d} {days}",
                f"Log in to Spotify again before {ends:%Y-%m-%d}",
                f"The login ends {when}: {span_in_words(max(ends - now, timedelta(0)))} left. Spotify lets one live six months, and using it does not prolong"
                f" it; after that nothing is recorded. {RENEW}",
            )
            return


def about_gaps(spans: Rows) -> Iterator[Finding]:
    gaps = [span for span in spans if span["state"] == "gap" and span["closed_at"] is None]
    if not gaps:
        return
    told = "\n".join(
        f"- {moment(gap['starts_at'])} to {moment(gap['ends_at'])}: {why_lost(gap['reason'])}" for gap in gaps[-5:]
    )
    more = f"\n- and {len(gaps) - 5} before" if len(gaps) > 5 else ""
    newest = max(gap["found_at"] for gap in gaps)
    yield Finding(
        "gap",
        f"{newest:%Y-%m-%dT%H:%M}",
        "Plays were probably lost",
        f"Spotify's list holds the last {WINDOW} plays, and when it was asked, it had nothing left of what was there"
        f" before:\n\n{told}{more}\n\nSpotify has them still: ask it for your extended streaming history, and import that"
        " (`brapped import`). This closes by itself when an import has brought them. If you do not mind, close it:"
        " it comes back only when there is a new gap.",
    )


def about_silence(runs: Rows, now: datetime, patience: timedelta) -> Iterator[Finding]:
    for job in runs:
        good_at = job["good_at"]
        if job["job"] == "plays" and good_at is not None and now - good_at > patience:
            yield Finding(
                "silence",
                f"{good_at:%Y-%m-%dT%H:%M}",
                "The hourly recording has stopped",
                f"The last good run of plays was at {moment(good_at)}. Spotify's list holds some two and a half hours of music:"
                " plays may be being lost. On GitHub look under Actions → plays: is it enabled, and why do its runs fail?",
                is_failure=True,
            )


def about_failures(runs: Rows) -> Iterator[Finding]:
    for job in runs:
        if job["job"] in SCHEDULED and job["failed_count"] and job["outcome"] in ("failed", "waiting"):
            yield Finding(
                f"{job['job']}-fails",
                f"{job['failing_since']:%Y-%m-%dT%H:%M}",
                f"The job {job['job']} fails",
                f"It has failed {times(job['failed_count'])}, since {moment(job['failing_since'])}. Its log says why.",
                is_alert=False,  # the run itself has told, and why
            )


def about_storage(storage: dict[str, Any]) -> Iterator[Finding]:
    if not storage["limit_bytes"]:
        return
    share = storage["size_bytes"] / storage["limit_bytes"]
    for full in FULL_SHARES:
        if share >= full:
            yield Finding(
                "storage",
                f"{full:.0%}",
                f"The database is {full:.0%} full",
                f"It holds {storage['size_bytes'] / MB:.0f} of {storage['limit_bytes'] / MB:.0f} MB. Make room, take a larger plan"
                " (and set STORAGE_LIMIT_MB), or move to another host: docs/moving.md.",
            )
            return


def about_checks(checks: dict[str, int]) -> Iterator[Finding]:
    for name, said in CHECKS.items():
        if checks.get(name):
            yield Finding(
                name,
                str(checks[name]),
                f"{said[0].upper()}{said[1:]}: {checks[name]:,}",
                MENDED.get(
                    name, "This can't come from the program's own jobs. Has something else written into the tables?"
                ),
            )


def about_skew(skew_s: float) -> Iterator[Finding]:
    if abs(skew_s) > SKEW.total_seconds():
        yield Finding(
            "clock",
            "skewed",
            "The clocks disagree",
            f"The database's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} this computer's. Set whichever"
            " is wrong: budgets, pauses and the end of a login go by it.",
        )


def rows_of(rows: list[Row[Any]]) -> Rows:
    return [dict(row._mapping) for row in rows]


def as_json(health: Health) -> dict[str, Any]:
    """The same for `json.dumps(…, default=str)`."""
    return {"is_good": not health.findings, **asdict(health)}


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
