"""Spotify over HTTP: tokens, waiting, errors. Hands back Spotify's JSON untouched."""

import logging
import math
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import requests.auth

log = logging.getLogger(__name__)

Json = dict[str, Any]

TIMEOUT_S = (10, 30)  # to connect, to answer: Spotify answers in well under a second or not at all
TRIES = 4  # of a call that fails as calls do in an incident
PATIENCE_S = 60  # Spotify may ask for a day; a run waits a minute in all and leaves the rest to the next
LONGEST_PAUSE_S = 86_400  # quotas are counted over a day: a header that asks for more is a fault, not a wish
WINDOW = 50  # plays that the recently-played list holds, and the most that one page can

UNSAFE_IN_LOG = re.compile(r"[^\w .,:;'()/-]")


class SpotifyError(Exception):
    """Spotify did not give what was asked for. The message is for the person, and holds no token and no title."""


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
        super().__init__(f"Spotify refuses the call: {said or 'Forbidden'}.{advice(said)}")


class Refused(SpotifyError):
    """Another 4xx: this very call is wrong, as with something that is no id."""


class NotFound(Refused):
    """404: the id is unknown or was removed."""


class Unavailable(SpotifyError):
    """Spotify, or the way to it, failed again and again: time-outs, 5xx, cut or senseless answers."""


class LockedOut(SpotifyError):
    """429 beyond a run's patience: come back after `wait_s` seconds."""

    def __init__(self, reason: str, wait_s: float) -> None:
        self.reason = reason
        self.wait_s = wait_s
        super().__init__(f"Spotify wants no more calls for {wait_s:.0f} s ({reason}).")


@dataclass
class Accounts:
    """Spotify's token endpoint. Every grant answers {access_token, expires_in, …}."""

    url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    patience: "Patience" = field(default_factory=lambda: Patience())

    def __post_init__(self) -> None:
        self._wire = Wire(self.patience)

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

    def _token(self, form: Mapping[str, str]) -> Json:
        answer = self._wire.send("POST", f"{self.url}/api/token", data=form, auth=(self.client_id, self.client_secret))
        body = json_object(answer)
        if answer.status_code == 200 and body and isinstance(body.get("access_token"), str):
            return body
        error = (body or {}).get("error")
        if error == "invalid_grant":
            raise LoginRefused(told((body or {}).get("error_description")) or "invalid_grant")
        if error in ("invalid_client", "unauthorized_client"):
            raise AppRefused("Spotify does not know SPOTIFY_CLIENT_ID with this SPOTIFY_CLIENT_SECRET.")
        raise SpotifyError(f"Spotify gave no token: {answer.status_code} {message_of(answer)}.")


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
        return self._get(f"/{kind}s/{spotify_id}")

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
        answer = self._authorized(path, query)
        if answer.status_code == 401 and "permission" not in message_of(answer).lower():
            self._token = None
            answer = self._authorized(path, query)
        return meaning(answer)

    def _authorized(self, path: str, query: Mapping[str, str] | None) -> requests.Response:
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


@dataclass
class Patience:
    """How long a run still waits when Spotify says 429. Shared by all that one run calls."""

    left_s: float = PATIENCE_S

    def wait(self, answer: requests.Response, attempt: int) -> None:
        """Waits as asked; raises LockedOut where that is a matter for a later run."""
        reason = reason_of(answer)
        asked_s = retry_after(answer)
        wait_s = 2.0**attempt if asked_s is None else asked_s
        if reason == "QUOTA_EXCEEDED":
            # The quota is counted over about a day: without a word from Spotify an hour is the least that makes sense.
            raise LockedOut(reason, asked_s or 3600)
        if wait_s > self.left_s or attempt >= TRIES:
            raise LockedOut(reason or "rate limit", max(wait_s, 30))
        wait_s += random.uniform(0, 0.2)  # noqa: S311  jitter, not a secret
        log.info("Spotify asks for a pause of %.0f s", wait_s)
        self.left_s -= wait_s
        time.sleep(wait_s)


class Wire:
    """One HTTP session: sends, and sends again what failed as calls fail in an incident."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "brapped"
        self.request_count = 0

    def send(self, method: str, url: str, **details: Any) -> requests.Response:
        """An answer that is Spotify's word, whatever it says; raises Unavailable or LockedOut."""
        trouble = ""
        limited = 0
        for attempt in range(TRIES):
            if attempt:
                time.sleep(random.uniform(0.5, 1) * 2 ** (attempt - 1))  # noqa: S311  jitter, not a secret
            while True:
                answer, trouble = self._once(method, url, details)
                if answer is None or answer.status_code != 429:
                    break
                limited += 1
                self._patience.wait(answer, limited)
            if answer is not None:
                return answer
            log.info("Spotify: %s; trying again", trouble)
        raise Unavailable(f"Spotify can't be reached or does not answer properly ({trouble}; {TRIES} tries).")

    def _once(self, method: str, url: str, details: Mapping[str, Any]) -> tuple[requests.Response | None, str]:
        """An answer, or what was wrong with it. Exceptions of the library go no further: they quote addresses."""
        self.request_count += 1
        try:
            answer = self._session.request(method, url, timeout=TIMEOUT_S, allow_redirects=False, **details)
        except requests.exceptions.Timeout:
            return None, "no answer in time"
        except requests.exceptions.SSLError:
            return None, "its TLS certificate can't be verified"
        except requests.exceptions.ConnectionError:
            return None, "the connection could not be made, or broke"
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            return None, "the answer was cut short"
        except requests.exceptions.RequestException as error:
            return None, type(error).__name__
        if answer.status_code >= 500:
            return None, f"status {answer.status_code}"
        if answer.status_code == 200 and json_object(answer) is None:
            return None, "an answer that is not JSON"
        return answer, ""


def meaning(answer: requests.Response) -> Json:
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
            raise SpotifyError(f"Spotify refuses a token that it has just given out ({said}).")
        case 403:
            raise Forbidden(said)
        case 404:
            raise NotFound("Spotify does not know this id.")
        case status:
            raise Refused(f"Spotify refuses the call: {status} {said}.")


def advice(said: str) -> str:
    """What a person can do about a 403."""
    if "premium" in said.lower():
        return " The owner of the app needs Spotify Premium."
    if "registered" in said.lower():
        return " The app's owner has to add this listener under 'User Management' in Spotify's developer dashboard."
    return ""


def json_object(answer: requests.Response) -> Json | None:
    try:
        body = answer.json()
    except (ValueError, RecursionError):  # no JSON, or JSON made to break its reader
        return None
    return body if isinstance(body, dict) else None


def error_of(answer: requests.Response) -> Json:
    error = (json_object(answer) or {}).get("error")
    return error if isinstance(error, dict) else {"message": error}


def message_of(answer: requests.Response) -> str:
    """What Spotify said, fit for a log. Some refusals are plain text; an HTML page says nothing."""
    said = told(error_of(answer).get("message"))
    if not said and json_object(answer) is None and not answer.text.lstrip().startswith("<"):
        said = told(answer.text)
    return said


def reason_of(answer: requests.Response) -> str:
    return told(error_of(answer).get("reason"))


def told(text: object) -> str:
    """A short piece of foreign text, without line breaks or anything that could steer a log."""
    return UNSAFE_IN_LOG.sub("", text).strip()[:120] if isinstance(text, str) else ""


def retry_after(answer: requests.Response) -> float | None:
    """Seconds that Spotify asks to wait; None when the header is missing or senseless."""
    try:
        asked_s = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(0.0, asked_s), LONGEST_PAUSE_S) if math.isfinite(asked_s) else None
