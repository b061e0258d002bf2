"""Spotify's accounts service: tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from etl.clock import dated_at, must_agree
from etl.spotify.api import is_token
from etl.spotify.errors import AppRefused, CodeRefused, LoginRefused, SpotifyError, sentence
from etl.spotify.http import Patience, Wire, json_object, message_of, told
from etl.values import Json


@dataclass
class Accounts:
    """Spotify's token endpoint. Every grant answers {access_token, expires_in, …}."""

    url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    patience: "Patience" = field(default_factory=lambda: Patience())

    def __post_init__(self) -> None:
        self._wire = Wire(self.patience)
        self.dated_at: datetime | None = None  # the last answer, by Spotify's clock

    def refresh(self, refresh_token: str) -> Json:
        """A fresh access token for a listener, and now and then a new refresh_token that replaces the old one."""
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> Json:
        """What an authorization code buys: {refresh_token, scope, access_token, …}. It serves once.

        `verifier` is the secret that belongs to the challenge (PKCE) in the address that led to it.
        """
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        try:
            return self._token({**form, "redirect_uri": redirect_uri})
        except LoginRefused as refused:
            reason = refused.reason
        raise CodeRefused(reason)

    def client_credentials(self) -> Json:
        """An access token for the catalogue, in the app's own name."""
        return self._token({"grant_type": "client_credentials"})

    def must_agree(self, now: datetime) -> None:
        """Raises WrongClock when it is another time by the last answer, where that is dated."""
        if self.dated_at is not None:
            must_agree(now, self.dated_at, "Spotify's")

    def _token(self, form: Mapping[str, str]) -> Json:
        answer = self._wire.send("POST", f"{self.url}/api/token", data=form, auth=(self.client_id, self.client_secret))
        self.dated_at = dated_at(answer.headers.get("Date"))
        body = json_object(answer)
        if answer.status_code == 200 and body and is_token(body.get("access_token")):
            # A new refresh token that can't be one must not take the place of the one that works.
            return {key: value for key, value in body.items() if key != "refresh_token" or is_token(value)}
        error = (body or {}).get("error")
        if error == "invalid_grant":
            raise LoginRefused(told((body or {}).get("error_description")) or "invalid_grant")
        if error in ("invalid_client", "unauthorized_client"):
            raise AppRefused("Spotify does not know SPOTIFY_CLIENT_ID with this SPOTIFY_CLIENT_SECRET.")
        if answer.status_code == 200:
            raise SpotifyError(
                "Spotify gave no token that can be used: its answer held none, or one with odd characters."
            )
        raise SpotifyError(f"Spotify gave no token: {sentence(str(answer.status_code), message_of(answer))}")
