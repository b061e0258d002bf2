"""The logins that the hourly run uses: until when each works, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from etl.auth.logins import ends_at
from etl.clock import span_in_words
from etl.health.findings import RENEW, Finding
from etl.limits import WINDOW
from etl.notices import moment
from etl.settings import Settings

LOGINS = ("ops/logins/current", "ops/logins/each")
REMIND_DAYS = (1, 7, 30)  # before a login ends


def logins_from(current: Sequence[Mapping[str, Any]], each: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The logins that the plays job uses, from the rows of the files LOGINS; the first is that of this installation.

    {account_key, agreed_at, is_exact, ends_at, refused_at, refused_reason, has_player_scope}. account_key: whose, a
    listener_key; None if Spotify was never asked. is_exact: agreed_at is when the person agreed, not when the login was
    first used.
    """
    first = {row["account_key"] for row in current}
    return [login_from(row) for row in (*current, *(one for one in each if one["account_key"] not in first))]


def login_from(row: Mapping[str, Any]) -> dict[str, Any]:
    """A login, from a row of sql/ops/logins."""
    agreed_at = row["consented_at"] or row["first_seen_at"]
    return {
        "account_key": row["account_key"],
        "agreed_at": agreed_at,
        "is_exact": row["consented_at"] is not None,
        "ends_at": ends_at(agreed_at),
        "refused_at": row["refused_at"],
        "refused_reason": row["refused_reason"],
        "has_player_scope": row["has_player_scope"],
    }


def login_findings(logins: Sequence[Mapping[str, Any]], settings: Settings, now: datetime) -> Iterator[Finding]:
    """What needs a person about the logins, in one finding: where there are several, it says which of them."""
    if not logins:
        if settings.spotify_client_id:
            yield Finding(
                "login",
                "none",
                "Nobody is logged in to Spotify yet",
                f"Nothing is recorded until then. {RENEW}",
                is_failure=True,
            )
        return
    found = [(one["account_key"], finding) for one in logins for finding in findings_of(one, now)]
    found.sort(key=lambda one: not one[1].is_failure)
    if len(logins) == 1 or not found:
        yield from (finding for _, finding in found)
        return
    numbers = ", ".join(str(key) for key, _ in found)
    yield Finding(
        "login",
        "; ".join(f"{key}: {finding.state}" for key, finding in found),
        f"{'Listener' if len(found) == 1 else 'Listeners'} {numbers}: {found[0][1].title}",
        "\n\n".join(f"Listener {key}. {finding.text}" for key, finding in found),
        is_failure=found[0][1].is_failure,
    )


def findings_of(login: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    """What needs a person about one login: that it was refused, or ends soon."""
    ends = login["ends_at"]
    if login["refused_at"]:
        yield Finding(
            "login",
            f"{ends:%Y-%m-%d} refused",
            "The Spotify login has ended: nothing is being recorded",
            f"Spotify has refused it since {moment(login['refused_at'])} ({login['refused_reason']}). Nothing recorded"
            f" is lost, but only Spotify keeps what you play now, and only the last {WINDOW} plays. {RENEW}",
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
                f"The login ends {when}: {span_in_words(max(ends - now, timedelta(0)))} left. Spotify ends a login"
                f" after six months, whether or not it is used; after that nothing is recorded. {RENEW}",
            )
            return
