"""Findings: problems that need a person, and what to do. They contain no title and no secret. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    cause: identifies the alert; there is one for each cause. state: changes when there is news about it.
    title, text: for people who do not know the program; text may have Markdown. is_alert: worth a message; if not,
    only `brapped status` shows it. is_failure: something fails now, rather than was lost or is about to fail.
    """

    cause: str
    state: str
    title: str
    text: str
    is_alert: bool = True
    is_failure: bool = False


# What to do about a login, at the end of each of its alerts. All have the cause "login", so they are one issue. A run
# that fails because of the login has the title and advice below, unless the database knows more: `login_findings` in
# etl/health/logins.py has the texts for no login, a login that has ended, and one that ends soon.
RENEW = "On GitHub: Actions → connect → Run workflow. On a computer of your own: `brapped login`. It takes a minute."

# Titles of the findings about failed runs, by cause. The text is the sentence of the error, then ADVICE.
TITLES = {
    "login": "The Spotify login can't be used: nothing is being recorded",
    "token-key": "The stored Spotify login can't be decrypted",
    "app": "Spotify refuses the app",
    "spotify": "Spotify is not available",
    "answers": "Spotify's answers could not be read in full",
    "database": "The database can't be used",
    "time-zone": "The database's host does not know your time zone",
    "settings": "Settings are missing or wrong",
    "time-limit": "A run took too long and was stopped",
    "clock": "The clock is wrong: nothing is being recorded",
}
ADVICE = {
    "login": RENEW,
    "token-key": "Or log in again. " + RENEW,
    "app": "Check the app in Spotify's developer dashboard,"
    " and the secrets SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET.",
    "spotify": "This usually passes by itself, and the next successful run closes this alert. Meanwhile Spotify keeps"
    " what you play, but only the last fifty plays.",
    "answers": "Spotify may have changed its answers since this version. Update the program (Sync fork).",
    "database": "Check the database's host: is it up, is its plan used up, is DATABASE_URL still right?",
    "time-limit": "This usually passes by itself, and the next successful run closes this alert. If it comes again,"
    " check whether Spotify and the database's host are up.",
    "time-zone": "Set TIME_ZONE to a zone with the same clock, or move to a host with a newer Postgres"
    " (docs/moving.md).",
    "settings": "Set them under Settings → Secrets and variables → Actions.",
    "clock": "Let the network set the clock (NTP), on this computer and on the database's host.",
    "program": "See the log of the run. If it comes again, update the program (Sync fork), or report the problem.",
}


def program_error(job: str) -> tuple[str, str]:
    """Cause and title of an unexpected error in a run of this job."""
    return f"program-{job}", f"A run of {job} ended with an unexpected error"


def failure_finding(cause: str, sentence: str, job: str = "") -> Finding:
    """The finding for a run that failed. sentence: the error as in the log.

    cause: a key of ADVICE. job: its name, needed only when the cause is "program".
    """
    name, title = program_error(job) if cause == "program" else (cause, TITLES[cause])
    return Finding(name, "failing", title, f"{sentence}\n\n{ADVICE[cause]}", is_failure=True)
