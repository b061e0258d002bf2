"""Spotify over HTTP: tokens, calls, what its answers mean. Hands back Spotify's JSON untouched."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import requests
import requests.auth

from etl.clocks import dated_at, must_agree
from etl.wire import Answer, Json, Patience, SpotifyError, Unavailable, Wire, json_object, message_of, told

WINDOW = 50  # plays that the recently-played list holds, and the most that one page can
TOKEN = re.compile(r"[!-~][ -~]{0,8191}")  # what a header can carry; Spotify's tokens have some 150 to 400 characters


class LoginRefused(SpotifyError):
    """The refresh token is dead (expired after six months, revoked, or never valid): only a new login helps."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"Spotify no longer accepts the login ({reason}). Nothing recorded is lost. Log in again: on GitHub with the"
            " workflow connect, elsewhere with 'brapped login'. It takes a minute; a login lasts six months."
        )


class CodeRefused(SpotifyError):
    """What a listener came back with buys nothing: it is too old, was used before, or belongs to another trip."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Spotify does not take the code in that address ({reason}). It lives ten minutes and serves once. Begin"
            " again from the start; nothing was changed."
        )


class AppRefused(SpotifyError):
    """Client id or secret are wrong."""


class PermissionMissing(SpotifyError):
    """The login does not include a scope that the call needs."""

    def __init__(self) -> None:
        super().__init__(
            "The login lacks a permission that this job needs (user-read-recently-played). Log in again, granting it."
        )


class Forbidden(SpotifyError):
    """403: not for this app or this person, however often it is asked."""

    def __init__(self, said: str) -> None:
        self.is_about_the_endpoint = said.lower() in ("", "forbidden")
        super().__init__(f"Spotify refuses the call: {sentence(said or 'Forbidden')}{advice(said)}")


class Refused(SpotifyError):
    """Another 4xx: this very call is wrong, as with something that is no id."""


class NotFound(Refused):
    """404 to a question about one id: it is unknown or was removed."""


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


class Api:
    """Spotify's Web API for one access token at a time. `authorize` gets a new one: at first, and once when one has expired."""

    def __init__(self, url: str, authorize: Callable[[], str], patience: "Patience | None" = None) -> None:
        self._url = url
        self._authorize = authorize
        self._wire = Wire(patience or Patience())
        self._token: str | None = None

    def me(self) -> Json:
        return self._get("/me")

    def recently_played(self) -> Json:
        """The whole window: at most 50 plays, newest first."""
        page = self._get("/me/player/recently-played", {"limit": str(WINDOW)})
        if not isinstance(page.get("items"), list):
            raise Unavailable("Spotify's answer held no list of plays.")
        return page

    def one(self, kind: str, spotify_id: str) -> Json:
        """A track, artist, album or episode; raises NotFound."""
        return meaning(self._answer(f"/{kind}s/{spotify_id}"), is_about_an_id=True)

    def several(self, kind: str, spotify_ids: Sequence[str]) -> list[Json | None]:
        """As many at once, None for an unknown one. Apps made since February 2026 get Forbidden."""
        body = self._get(f"/{kind}s", {"ids": ",".join(spotify_ids)})
        members = body.get(f"{kind}s")
        if not isinstance(members, list) or len(members) != len(spotify_ids):
            raise Unavailable(f"Spotify's answer about {len(spotify_ids)} {kind}s was not a list of as many.")
        return [member if isinstance(member, dict) else None for member in members]

    @property
    def request_count(self) -> int:
        """Requests sent so far, with those that were sent again."""
        return self._wire.request_count

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        return meaning(self._answer(path, query))

    def _answer(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        answer = self._authorized(path, query)
        if answer.status_code == 401 and "permission" not in message_of(answer).lower():
            self._token = None
            answer = self._authorized(path, query)
        return answer

    def _authorized(self, path: str, query: Mapping[str, str] | None) -> Answer:
        if self._token is None:
            self._token = self._authorize()
        return self._wire.send("GET", self._url + path, params=query, auth=Bearer(self._token))


class Bearer(requests.auth.AuthBase):
    """The access token as requests wants it. A mere header would give way to whatever ~/.netrc says of the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def is_token(value: object) -> bool:
    return isinstance(value, str) and TOKEN.fullmatch(value) is not None


def meaning(answer: Answer, is_about_an_id: bool = False) -> Json:
    """The JSON of a good answer; of any other the error that it stands for."""
    body = json_object(answer)
    if answer.status_code == 200 and body is not None:
        return body
    said = message_of(answer)
    match answer.status_code:
        case 204:
            return {}
        case 401 if "permission" in said.lower():
            raise PermissionMissing
        case 401:
            raise SpotifyError(f"Spotify refuses a token that it has just given out ({said or 'it does not say why'}).")
        case 403:
            raise Forbidden(said)
        case 404 if is_about_an_id:
            raise NotFound("Spotify does not know this id.")
        case 404:
            raise Refused(
                f"Spotify has nothing at the address that the program asks: {sentence('404', said)} Mostly this passes by itself;"
                " if it stays, update the program, and look whether SPOTIFY_API_URL is set."
            )
        case status:
            raise Refused(f"Spotify refuses the call: {sentence(str(status), said)}")


def sentence(*words: str) -> str:
    """The words that there are, ended by one full stop."""
    said = " ".join(filter(None, words))
    return said if said.endswith((".", "…")) else f"{said}."


def advice(said: str) -> str:
    """What a person can do about a 403."""
    if "premium" in said.lower():
        return " The owner of the app needs Spotify Premium."
    if "registered" in said.lower():
        return " The app's owner has to add this listener under 'User Management' in Spotify's developer dashboard."
    return ""
