"""Good runs that bring nothing, for much longer than this listener was ever silent before."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection

from etl.clock import in_words
from etl.health.findings import Finding
from etl.notices import moment
from etl.warehouse.statements import run

# Silence is a finding after a week at least, and three times the longest silence of the year before; and only for a listener whose
# record of that year holds enough plays, over enough time, to know what is usual.
SHORTEST = timedelta(days=7)
TIMES = 3
USUAL_PLAYS = 100
USUAL_SPAN = timedelta(days=90)


def quiet(connection: Connection) -> Iterator[Finding]:
    """A finding for each listener whose silence is longer than usual. It reads facts only after a week without a play."""
    for one in run(connection, "ops/health/quiet", shortest=SHORTEST):
        silence = one.checked_at - one.played_at
        is_known_well = one.play_count >= USUAL_PLAYS and one.span >= USUAL_SPAN
        if is_known_well and silence >= TIMES * one.longest:
            yield Finding(
                "quiet",
                f"{one.listener_key} {one.played_at:%Y-%m-%dT%H:%M}",
                "The runs are good, but bring nothing new",
                f"There has been no play for {in_words(silence)}, since {moment(one.played_at)}. In the year before, the longest"
                f" time without one was {in_words(one.longest)}. If you did listen: is a private session on, or is another account"
                " playing than the one that is logged in here? If you did not, close this: it ends by itself with the next play.",
            )
