"""Spotify's player: one question at a time, without retries, because the recorder decides when to ask again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from etl import limits
from etl.spotify.api import Bearer
from etl.spotify.errors import Forbidden, sentence
from etl.spotify.http import Response, RetryBudget, Transport, json_object, message_of, reason_of, retry_after

PLAYBACK_STATE = "user-read-playback-state"
QUOTA_S = 3600.0  # a quota counts about a day: without a Retry-After, an hour is the shortest wait that makes sense
LIMITED_S = 30.0  # a rate counts thirty seconds

Outcome = Literal["answered", "unauthorized", "forbidden", "limited", "failed"]


@dataclass(frozen=True)
class Asked:
    """One question and what came of it.

    `answered`: 200 or 204. `unauthorized`: the access token is no longer good. `forbidden`: this login or app may not
    ask; `reason` is a sentence for the person. `limited`: 429; `wait_s` as Spotify asks. `failed`: anything else, such
    as a time-out. `at`: the middle between question and answer; `within_ms`: half of the time between them.
    """

    outcome: Outcome
    at: datetime
    within_ms: int = 0
    status: int = 0
    body: object = field(default=None, repr=False)
    wait_s: float = 0.0
    reason: str | None = None


class PlayerEndpoint:
    """Asks `GET /me/player`. `steady_s`: a clock that nobody sets; `at`: the moment at which it showed a value."""

    def __init__(self, url: str, steady_s: Callable[[], float], at: Callable[[float], datetime]) -> None:
        self._url = f"{url}/me/player"
        self._steady_s = steady_s
        self._at = at
        self._transport = Transport(RetryBudget())

    def __call__(self, access_token: str) -> Asked:
        """Ask once. Raises nothing that the network or Spotify causes."""
        asked_s = self._steady_s()
        response, fault = self._transport.once(
            "GET",
            self._url,
            limits.PLAYER_CALL_S,
            params={"additional_types": "track,episode"},
            auth=Bearer(access_token),
        )
        took_s = self._steady_s() - asked_s
        at, within_ms = self._at(asked_s + took_s / 2), round(took_s * 500)
        if response is None:
            return Asked("failed", at, within_ms, reason=fault)
        return outcome_of(response, at, within_ms)


def outcome_of(response: Response, at: datetime, within_ms: int) -> Asked:
    """What a response stands for. Pure."""
    status, message = response.status_code, message_of(response)
    if status in (200, 204):
        return Asked("answered", at, within_ms, status, json_object(response) if status == 200 else None)
    if status == 429:
        reason = reason_of(response)
        asked_s = retry_after(response)
        usual_s = QUOTA_S if reason == "QUOTA_EXCEEDED" else LIMITED_S
        return Asked("limited", at, within_ms, status, wait_s=asked_s or usual_s, reason=reason or "rate limit")
    if status in (401, 403) and ("permission" in message.lower() or "scope" in message.lower()):
        return Asked("forbidden", at, within_ms, status, reason=SCOPE_MISSING)
    if status == 401:
        return Asked("unauthorized", at, within_ms, status)
    if status == 403:
        return Asked("forbidden", at, within_ms, status, reason=str(Forbidden(message)))
    return Asked("failed", at, within_ms, status, reason=sentence(str(status), message))


SCOPE_MISSING = (
    f"The login does not allow asking what plays ({PLAYBACK_STATE}); it was made before the recorder existed. Log in"
    " again: 'brapped login', or on GitHub the workflow connect. The hourly plays go on as before."
)
