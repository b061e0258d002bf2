"""What `sql/ops/health/check.sql` checks in the tables, and the findings of it. Pure."""

from collections.abc import Iterator

from etl.health.findings import Finding

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


def check_findings(checks: dict[str, int]) -> Iterator[Finding]:
    """A finding for each check that found rows. checks: numbers of rows by the name of the check."""
    for name, title in CHECKS.items():
        if checks.get(name):
            yield Finding(
                name,
                str(checks[name]),
                f"{title[0].upper()}{title[1:]}: {checks[name]:,}",
                REPAIRS.get(name, "The program's own jobs can't cause this. Has something else written to the tables?"),
            )
