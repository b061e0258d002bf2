"""Spotify over HTTP: tokens, calls, what its answers mean. Hands back Spotify's JSON untouched."""

import re
from collections.abc import Callable, Mapping, Sequence

import requests
import requests.auth

from etl.spotify.errors import Forbidden, NotFound, PermissionMissing, Refused, SpotifyError, Unavailable, sentence
from etl.spotify.http import Answer, Patience, Wire, json_object, message_of
from etl.values import Json

WINDOW = 50  # plays that the recently-played list holds, and the most that one page can
TOKEN = re.compile(r"[!-~][ -~]{0,8191}")  # what a header can carry; Spotify's tokens have some 150 to 400 characters


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
