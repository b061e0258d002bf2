"""Spotify's accounts service, which exchanges logins, authorization codes and app credentials for access tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from etl.clock import check_clock, parse_date_header
from etl.settings import Settings
from etl.spotify.api import is_token
from etl.spotify.errors import AppRefused, CodeRefused, LoginRefused, SpotifyError, sentence
from etl.spotify.http import RetryBudget, Transport, json_object, loggable, message_of
from etl.values import Json


@dataclass
class Accounts:
    """Client of the token endpoint. `url` is the service's base address, without a slash at its end.

    Every grant returns Spotify's JSON: {access_token, token_type, expires_in (seconds), …}. All of them raise
    SpotifyError: AppRefused for wrong app credentials, LoginRefused for a refresh token that no longer works,
    Unavailable, RateLimited.
    """

    url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    retry_budget: RetryBudget = field(default_factory=RetryBudget)

    def __post_init__(self) -> None:
        self._transport = Transport(self.retry_budget)
        self.dated_at: datetime | None = None  # time of the last response, by Spotify's clock

    @classmethod
    def from_settings(cls, settings: Settings, retry_budget: RetryBudget) -> Self:
        """The client for the app of these settings. SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET have to be set."""
        client_id, client_secret = settings.spotify_client_id, settings.spotify_client_secret
        assert client_id is not None and client_secret is not None
        return cls(
            settings.spotify_accounts_url, client_id.get_secret_value(), client_secret.get_secret_value(), retry_budget
        )

    def refresh(self, refresh_token: str) -> Json:
        """Get an access token for a listener. The JSON may have a new refresh_token, which replaces the old one."""
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Json:
        """Exchange an authorization code, which works once, for {refresh_token, scope, access_token, …}.

        `verifier` is the PKCE secret whose challenge was in the authorization request. Raises CodeRefused.
        """
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        try:
            return self._token({**form, "redirect_uri": redirect_uri})
        except LoginRefused as refused:
            reason = refused.reason
        raise CodeRefused(reason)

    def client_credentials(self) -> Json:
        """Get an access token for the app itself, which may read the catalogue and nothing of a listener."""
        return self._token({"grant_type": "client_credentials"})

    def check_clock(self, now: datetime) -> None:
        """Compare `now` with the Date header of the last response, if it had one. Raises WrongClock."""
        if self.dated_at is not None:
            check_clock(now, self.dated_at, "Spotify's")

    def _token(self, form: Mapping[str, str]) -> Json:
        url, credentials = f"{self.url}/api/token", (self.client_id, self.client_secret)
        response = self._transport.send("POST", url, data=form, auth=credentials)
        self.dated_at = parse_date_header(response.headers.get("Date"))
        body = json_object(response)
        if response.status_code == 200 and body and is_token(body.get("access_token")):
            # A malformed new refresh token must not replace the one that works.
            return {key: value for key, value in body.items() if key != "refresh_token" or is_token(value)}
        error = (body or {}).get("error")
        if error == "invalid_grant":
            raise LoginRefused(loggable((body or {}).get("error_description")) or "invalid_grant")
        if error in ("invalid_client", "unauthorized_client"):
            raise AppRefused(
                "Spotify refuses the app: SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET do not belong together. Copy both"
                " again from the app's page in Spotify's developer dashboard."
            )
        if response.status_code == 200:
            raise SpotifyError("Spotify's response held no usable access token. Try again later.")
        raise SpotifyError(f"Spotify gave no token: {sentence(str(response.status_code), message_of(response))}")
