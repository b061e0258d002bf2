"""Words that jobs, health and reports share: warnings, names of sources, reasons of gaps, times. Pure."""

from datetime import UTC, datetime, timedelta

from etl.clock import span_in_words


class Warned(str):
    """A warning of a job: one sentence, and the cause of the finding that it becomes."""

    cause: str

    def __new__(cls, cause: str, text: str) -> "Warned":
        made = super().__new__(cls, text)
        made.cause = cause
        return made


WHY_LOST = {  # ops.coverage.reason, in words; null in ledgers older than the column
    "run_missing": "no run fetched the list for hours",
    "outage": "the runs before had failed",
    "full_window": "more was played than Spotify's list holds",
    None: "the reason was not recorded",
}


def source_in_words(source: str) -> str:
    """The name of a source within a sentence: the extended export. source: listening.source.source_name."""
    return "Spotify's list" if source == "recently_played" else f"the {source.replace('_', ' ')}"


def why_lost(reason: str | None) -> str:
    """The reason of a gap as the end of a sentence. reason: of the coverage ledger. Raises KeyError for another."""
    return WHY_LOST[reason]


def moment(at: datetime) -> str:
    """2026-11-20 09:14 UTC."""
    return f"{minute(at)} UTC"


def minute(at: datetime) -> str:
    """2026-11-20 09:14, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def ago(at: datetime, now: datetime) -> str:
    """7 minutes ago, 3 hours ago, 730 days ago; 0 minutes ago where `at` is yet to come."""
    return f"{span_in_words(max(now - at, timedelta(0)))} ago"
