"""Spotify's player: one question at a time, without retries, because the recorder decides when to ask again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

from etl import limits
from etl.clock import parse_date_header
from etl.spotify.api import Bearer
from etl.spotify.errors import PLAYBACK_STATE, Forbidden, sentence
from etl.spotify.http import Response, RetryBudget, Transport, json_object, message_of, reason_of, retry_after

QUOTA_S = 3600.0  # a quota counts about a day: without a Retry-After, an hour is the shortest wait that makes sense
LIMITED_S = 30.0  # a rate counts thirty seconds

Clocks = tuple[datetime, float]  # the time of day, aware, and seconds of a clock that nobody sets
Outcome = Literal["answered", "unauthorized", "forbidden", "limited", "failed"]


@dataclass(frozen=True)
class Asked:
    """One question and what came of it.

    `answered`: 200 or 204. `unauthorized`: the access token is no longer good. `forbidden`: this login or app may not
    ask; `reason` is a sentence for the person. `limited`: 429; `wait_s` as Spotify asks. `failed`: anything else, such
    as a time-out. `asked`, `answered`: the clocks before and after; `server_at`: the time that Spotify gives.
    """

    outcome: Outcome
    asked: Clocks
    answered: Clocks
    server_at: datetime | None = None
    status: int = 0
    body: object = field(default=None, repr=False)
    wait_s: float = 0.0
    reason: str | None = None


class PlayerEndpoint:
    """Asks `GET /me/player`. `read_clocks` is called before and after each question."""

    def __init__(self, url: str, read_clocks: Callable[[], Clocks]) -> None:
        self._url = f"{url}/me/player"
        self._read_clocks = read_clocks
        self._transport = Transport(RetryBudget())

    def __call__(self, access_token: str) -> Asked:
        """Ask once. Raises nothing that the network or Spotify causes."""
        asked = self._read_clocks()
        response, fault = self._transport.once(
            "GET",
            self._url,
            limits.PLAYER_CALL_S,
            params={"additional_types": "track,episode"},
            auth=Bearer(access_token),
        )
        answered = self._read_clocks()
        if response is None:
            return Asked("failed", asked, answered, reason=fault)
        return outcome_of(response, asked, answered)


def outcome_of(response: Response, asked: Clocks, answered: Clocks) -> Asked:
    """What a response stands for. Pure."""
    status, message = response.status_code, message_of(response)
    told = partial(Asked, asked=asked, answered=answered, server_at=parse_date_header(response.headers.get("Date")))
    if status in (200, 204):
        return told("answered", status=status, body=json_object(response) if status == 200 else None)
    if status == 429:
        reason = reason_of(response)
        usual_s = QUOTA_S if reason == "QUOTA_EXCEEDED" else LIMITED_S
        return told("limited", status=status, wait_s=retry_after(response) or usual_s, reason=reason or "rate limit")
    if status in (401, 403) and ("permission" in message.lower() or "scope" in message.lower()):
        return told("forbidden", status=status, reason=SCOPE_MISSING)
    if status == 401:
        return told("unauthorized", status=status)
    if status == 403:
        return told("forbidden", status=status, reason=str(Forbidden(message)))
    return told("failed", status=status, reason=sentence(str(status), message))


SCOPE_MISSING = (
    f"The login does not allow asking what plays ({PLAYBACK_STATE}); it was made before the recorder existed. Log in"
    " again: 'brapped login', or on GitHub the workflow connect. The hourly plays go on as before."
)
