"""What `sql/ops/health/check.sql` checks in the tables, and the findings of it. Pure."""

from collections.abc import Iterator
from typing import Any

from etl.health.findings import Finding
from etl.notices import moment

CHECKS = {
    "orphan_keys": "plays with keys that no dimension has",
    "tracks_without_artist": "described tracks without an artist",
    "duplicate_plays": "plays recorded twice",
    "observations_without_play": "observations that belong to no play",
    "plays_without_observation": "plays that no source reports",
    "plays_of_the_future": "plays dated in the future",
    "distances_adrift": "plays with a wrong distance to the play before",
    "watermarks_adrift": "watermarks that differ from the newest play",
    "local_dates_adrift": "plays on a wrong local date or minute",
    "unknown_time_zones": "listeners whose time zone this database does not know",
}
REBUILD = "`brapped rebuild` derives all plays from the observations anew. Has something else written to the tables?"
REPAIRS = {  # of checks that the program repairs itself
    "duplicate_plays": REBUILD,
    "observations_without_play": REBUILD,
    "plays_without_observation": f"{REBUILD} It removes a play that no source reports.",
    "distances_adrift": REBUILD,
    "local_dates_adrift": "`python migrate.py` corrects the date of every play.",
    "unknown_time_zones": "The next run of plays uses another name of the zone that this database knows, or reports"
    " that there is none.",
}


def rebuild_findings(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    """Plays that are still to be derived anew after an update. rows: of sql/ops/health/rebuild.sql.

    An alert once a job has tried and did not get it done; until then the next run does it.
    """
    for row in rows:
        whose = "your" if row["listener_count"] == 1 else f"{row['listener_count']:,} listeners'"
        tried = row["tried_at"]
        text = (
            f"An update of {moment(row['due_at'])} improved the rule that decides which reports are one play. Reports"
            f" show {whose} earlier plays by the rule of before until they are derived anew. New plays are recorded as"
            " always, and nothing is lost. "
        )
        text += (
            f"The job that began at {moment(tried)} did not get it done in its time. Run `python migrate.py` on a"
            " computer with this DATABASE_URL: it takes the time it needs, and goes on where it was stopped."
            if tried
            else "The next run of plays or dimensions does it if its time allows; `python migrate.py` does it now."
        )
        state = f"{row['due_at']:%Y-%m-%dT%H:%M}"
        yield Finding("rebuild", state, "Plays are still to be derived anew", text, is_alert=tried is not None)


def check_findings(checks: dict[str, int], *, is_rebuild_due: bool = False) -> Iterator[Finding]:
    """A finding for each check that found rows. checks: numbers of rows by the name of the check.

    `is_rebuild_due`: plays are to be derived anew anyway, so what that repairs is no finding of its own.
    """
    for name, title in CHECKS.items():
        if is_rebuild_due and REPAIRS.get(name, "").startswith(REBUILD):
            continue
        if checks.get(name):
            yield Finding(
                name,
                str(checks[name]),
                f"{title[0].upper()}{title[1:]}: {checks[name]:,}",
                REPAIRS.get(name, "The program's own jobs can't cause this. Has something else written to the tables?"),
            )
