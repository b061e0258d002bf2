"""Checks of a warehouse: freshness, runs, logins, coverage, catalogue, storage, integrity. Changes nothing."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.engine import make_url

from etl.dimensions.fetch import MISS_LIMIT
from etl.health.consistency import check_findings, rebuild_findings
from etl.health.findings import Finding
from etl.health.logins import LOGINS, login_findings, logins_from
from etl.health.recorders import recorder_findings, with_local
from etl.health.silence import SHORTEST, quiet_findings, quiet_findings_from
from etl.limits import WINDOW
from etl.notices import moment, why_lost
from etl.settings import Settings
from etl.values import fingerprint
from etl.warehouse.schema import pending
from etl.warehouse.statements import names_in, run, run_combined

Rows = list[dict[str, Any]]

SCHEDULED = ("plays", "dimensions")  # jobs that run unattended
# The causes that inspect_urgent() and inspect_schedule() check, so that an alert can be closed when they find none.
# A login is not among them: only a run that used it shows that it works.
URGENT = ("gap", "storage", "quiet", "rebuild")
MISSED = ("silence",)
STALE = timedelta(hours=3)  # Spotify's list holds some two and a half hours of music
QUIET = timedelta(hours=6)  # GitHub delays or drops a scheduled run now and then; that needs nobody
SKEW = timedelta(minutes=2)
NEON_FREE_MB = 512
FULL_SHARES = (0.95, 0.9, 0.8)  # of the storage
MB = 1_000_000


@dataclass(frozen=True)
class Health:
    """Everything that `brapped status` shows. Times are aware; findings stand in the order of the checks."""

    made_at: datetime
    schema: dict[str, Any]
    listeners: Rows
    login: dict[str, Any] | None  # the first of the logins
    logins: Rows
    runs: Rows
    receipts: Rows
    spans: Rows
    catalogue: Rows
    providers: Rows
    refusals: list[str]
    budget: dict[str, int]
    pauses: Rows
    recorders: Rows
    storage: dict[str, Any]
    checks: dict[str, int]
    clock_skew_s: float
    findings: tuple[Finding, ...]


def schema_of(connection: Connection) -> dict[str, Any]:
    """The schema of the database: {version, newest, pending}, the last a list of files. version: None without any."""
    waiting = pending(connection)
    newest = names_in("schema")[-1].removeprefix("schema/")
    files = [name for name in names_in("schema") if name not in waiting]
    version = files[-1].removeprefix("schema/") if files else None
    return {"version": version, "newest": newest, "pending": waiting}


def setting_fingerprint(settings: Settings) -> str | None:
    """The fingerprint by which the database identifies SPOTIFY_REFRESH_TOKEN; None when it is not set."""
    token = settings.spotify_refresh_token
    return fingerprint(token.get_secret_value()) if token else None


def storage_from(row: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """{size_bytes, limit_bytes, bytes_a_day, days_left} from sql/ops/health/storage.sql; None is unknown."""
    limit_mb = settings.storage_limit_mb
    if limit_mb is None and settings.database_url:
        host = make_url(settings.database_url.get_secret_value()).host or ""
        limit_mb = NEON_FREE_MB if host.endswith(".neon.tech") else None
    bytes_a_day = None
    if row["recent_days"]:
        # A play takes some 125 bytes with its index, and brings about as much again in tracks, artists and albums.
        bytes_a_day = round(250 * row["recent_count"] / row["recent_days"])
    limit_bytes = limit_mb * MB if limit_mb else None
    days_left = None
    if limit_bytes and bytes_a_day:
        days_left = max(0, (limit_bytes - row["size_bytes"]) // bytes_a_day)
    return {
        "size_bytes": row["size_bytes"],
        "limit_bytes": limit_bytes,
        "bytes_a_day": bytes_a_day,
        "days_left": days_left,
    }


def inspect_urgent(connection: Connection, settings: Settings, now: datetime) -> list[Finding]:
    """The findings after a run, in one statement that does not read the facts. Raises WarehouseError."""
    names = (*LOGINS, "ops/health/gap", "ops/health/storage", "ops/health/quiet", "ops/health/rebuild")
    mark = setting_fingerprint(settings)
    found = run_combined(connection, names, setting_fingerprint=mark, now=now, shortest=SHORTEST)
    current, each, gaps, [storage], silences, rebuilds = (found[name] for name in names)
    return [
        *login_findings(logins_from(current, each), settings, now),
        *gap_findings(gaps),
        *storage_findings(storage_from(storage, settings)),
        *quiet_findings_from(silences),
        *rebuild_findings(rebuilds),
    ]


def inspect_schedule(connection: Connection, now: datetime) -> list[Finding]:
    """Find out for the other jobs whether plays still runs, which it can't report itself. Raises WarehouseError."""
    return list(silence_findings(rows_of(run(connection, "ops/health/run", now=now)), now, QUIET))


def inspect_all(
    connection: Connection, settings: Settings, now: datetime, local: dict[str, Any] | None = None
) -> Health:
    """Run all checks. They read the facts: some seconds with ten million of them. Raises WarehouseError.

    `local`: what the spool of the recorder on this computer says (jobs/recorder/standing.py).
    """
    mark = setting_fingerprint(settings)
    current, each = (rows_of(run(connection, name, setting_fingerprint=mark)) for name in LOGINS)
    logins = logins_from(current, each)
    runs = rows_of(run(connection, "ops/health/run", now=now))
    spans = rows_of(run(connection, "ops/health/span"))
    storage = storage_from(rows_of(run(connection, "ops/health/storage", now=now))[0], settings)
    pauses = rows_of(run(connection, "ops/health/pause", now=now))
    client = settings.spotify_client_id
    client_mark = fingerprint(client.get_secret_value()) if client else None
    refusals = [row.endpoint for row in run(connection, "ops/catalogue/refusals", client_fingerprint=client_mark)]
    [spent] = run(connection, "ops/catalogue/calls", now=now)
    checks = {row.check_name: row.row_count for row in run(connection, "ops/health/check", now=now)}
    rebuilds = rows_of(run(connection, "ops/health/rebuild"))
    asked = run(connection, "ops/health/recorder", setting_fingerprint=mark)
    recorders = [with_local(one, local) for one in rows_of(asked)]
    [clock] = run(connection, "ops/health/clock")
    skew_s = (clock.now_at - now).total_seconds()
    findings = [
        *login_findings(logins, settings, now),
        *silence_findings(runs, now, STALE),
        *failing_job_findings(runs),
        *gap_findings(spans),
        *quiet_findings(connection),
        *recorder_findings(recorders, now),
        *storage_findings(storage),
        *rebuild_findings(rebuilds),
        *check_findings(checks, is_rebuild_due=bool(rebuilds)),
        *clock_findings(skew_s),
    ]
    return Health(
        made_at=now,
        schema=schema_of(connection),
        listeners=rows_of(run(connection, "ops/health/listener")),
        login=logins[0] if logins else None,
        logins=logins,
        runs=runs,
        receipts=rows_of(run(connection, "ops/health/receipt")),
        spans=spans,
        catalogue=rows_of(run(connection, "ops/health/catalogue", miss_limit=MISS_LIMIT)),
        providers=rows_of(run(connection, "ops/health/provider")),
        refusals=refusals,
        budget={"spent": spent.call_count, "limit": settings.catalogue_daily_budget},
        pauses=pauses,
        recorders=recorders,
        storage=storage,
        checks=checks,
        clock_skew_s=skew_s,
        findings=tuple(findings),
    )


def gap_findings(spans: Rows) -> Iterator[Finding]:
    gaps = [span for span in spans if span["state"] == "gap" and span["closed_at"] is None]
    if not gaps:
        return
    listed = "\n".join(
        f"- {moment(gap['starts_at'])} to {moment(gap['ends_at'])}: {why_lost(gap['reason'])}" for gap in gaps[-5:]
    )
    more = f"\n- and {len(gaps) - 5} before" if len(gaps) > 5 else ""
    newest = max(gap["found_at"] for gap in gaps)
    yield Finding(
        "gap",
        f"{newest:%Y-%m-%dT%H:%M}",
        "Plays were probably lost",
        f"Spotify's list holds only the last {WINDOW} plays, and older ones were gone when it was fetched:\n\n{listed}"
        f"{more}\n\nSpotify still has them: request your extended streaming history there, and import it (`brapped"
        " import`). This ends by itself once an import has brought them. If you do not mind the loss, close the issue on"
        " GitHub: it opens again only for a new gap.",
    )


def silence_findings(runs: Rows, now: datetime, patience: timedelta) -> Iterator[Finding]:
    for job in runs:
        good_at = job["good_at"]
        if job["job"] == "plays" and good_at is not None and now - good_at > patience:
            yield Finding(
                "silence",
                f"{good_at:%Y-%m-%dT%H:%M}",
                "The hourly recording has stopped",
                f"The last successful run of plays was at {moment(good_at)}. Spotify's list holds two and a half hours"
                " of music: plays may be getting lost. On GitHub, see Actions → plays: is it enabled, do runs fail?",
                is_failure=True,
            )


def failing_job_findings(runs: Rows) -> Iterator[Finding]:
    for job in runs:
        if job["job"] in SCHEDULED and job["failed_count"] and job["outcome"] in ("failed", "waiting"):
            yield Finding(
                f"{job['job']}-fails",
                f"{job['failing_since']:%Y-%m-%dT%H:%M}",
                f"The job {job['job']} fails",
                f"It has failed {times(job['failed_count'])}, since {moment(job['failing_since'])}. Its log says why.",
                is_alert=False,  # the failed run has sent one, with the reason
            )


def storage_findings(storage: dict[str, Any]) -> Iterator[Finding]:
    if not storage["limit_bytes"]:
        return
    share = storage["size_bytes"] / storage["limit_bytes"]
    for full in FULL_SHARES:
        if share >= full:
            yield Finding(
                "storage",
                f"{full:.0%}",
                f"The database is {full:.0%} full",
                f"It holds {storage['size_bytes'] / MB:.0f} of {storage['limit_bytes'] / MB:.0f} MB. Make room, take a"
                " larger plan (and set STORAGE_LIMIT_MB), or move to another host: docs/moving.md.",
            )
            return


def clock_findings(skew_s: float) -> Iterator[Finding]:
    """The clock of the database is more than SKEW ahead or behind. skew_s: seconds, positive when it is ahead."""
    if abs(skew_s) > SKEW.total_seconds():
        yield Finding(
            "clock",
            "skewed",
            "The clocks disagree",
            f"The database's clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} this computer's. Set"
            " whichever is wrong: budgets, pauses and the end of a login depend on it.",
        )


def rows_of(rows: list[Row[Any]]) -> Rows:
    return [dict(row._mapping) for row in rows]


def as_json(health: Health) -> dict[str, Any]:
    """The fields of Health and is_good; times are still datetimes, for the `default` of json.dumps()."""
    return {"is_good": not health.findings, **asdict(health)}


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
