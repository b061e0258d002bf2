"""Words that jobs, health and reports share: warnings, names of sources, reasons of gaps. Pure."""

from datetime import UTC, datetime


class Warned(str):
    """A warning of a job, a sentence, with the cause that it is told under."""

    cause: str

    def __new__(cls, cause: str, text: str) -> "Warned":
        made = super().__new__(cls, text)
        made.cause = cause
        return made


# What the coverage ledger says, in words.
SOURCES = {
    "recently_played": "Spotify's list",
    "extended_export": "the extended export",
    "account_export": "the account export",
}
WHY_LOST = {
    "run_missing": "no run asked for hours",
    "outage": "the runs before had failed",
    "full_window": "more was played than Spotify's list holds",
    None: "more was played than Spotify's list holds",
}


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
