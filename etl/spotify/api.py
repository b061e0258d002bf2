"""Spotify's Web API: one method per endpoint, which returns Spotify's JSON untouched or raises a SpotifyError."""

import re
from collections.abc import Callable, Mapping, Sequence

import requests
import requests.auth

from etl import limits
from etl.spotify.errors import Forbidden, NotFound, PermissionMissing, Refused, SpotifyError, Unavailable, sentence
from etl.spotify.http import Response, RetryBudget, Transport, json_object, message_of
from etl.values import Json

TOKEN = re.compile(r"[!-~][ -~]{0,8191}")  # what an HTTP header can carry; Spotify's tokens have 150 to 400 characters

NOT_SEARCHED = re.compile(r'["\s]+')  # what would end a quoted name of a query
LONGEST_SEARCHED = 100  # characters of each name in a query, of which Spotify takes 250


class Api:
    """Client of the Web API. Every method sends one request and raises SpotifyError or RunTimeout.

    `authorize` returns an access token: it is called before the first request, and again when a token has expired.
    `retry_budget` is shared by everything that one run sends.
    """

    def __init__(self, url: str, authorize: Callable[[], str], retry_budget: RetryBudget | None = None) -> None:
        self._url = url
        self._authorize = authorize
        self._transport = Transport(retry_budget or RetryBudget())
        self._token: str | None = None

    def me(self) -> Json:
        """Get the profile of whoever has logged in."""
        return self._get("/me")

    def recently_played(self) -> Json:
        """Get the last 50 plays at most, newest first: {"items": [{track, played_at, context}, …], …}.

        Raises what `parse_response` raises, and Unavailable for a page without a list of plays.
        """
        page = self._get("/me/player/recently-played", {"limit": str(limits.WINDOW)})
        if not isinstance(page.get("items"), list):
            raise Unavailable("Spotify's response held no list of plays.")
        return page

    def one(self, kind: str, spotify_id: str) -> Json:
        """Get a "track", "artist", "album" or "episode" by its id. Raises NotFound."""
        return parse_response(self._response(f"/{kind}s/{spotify_id}"), is_about_an_id=True)

    def several(self, kind: str, spotify_ids: Sequence[str]) -> list[Json | None]:
        """Get several of one kind in the order of their ids, None for an unknown id.

        Raises Forbidden for apps made since 11 February 2026, which Spotify no longer lets ask for several at once, and
        Unavailable for a list of another length.
        """
        body = self._get(f"/{kind}s", {"ids": ",".join(spotify_ids)})
        members = body.get(f"{kind}s")
        if not isinstance(members, list) or len(members) != len(spotify_ids):
            raise Unavailable(f"Spotify was asked for {len(spotify_ids)} {kind}s and did not return a list of as many.")
        return [member if isinstance(member, dict) else None for member in members]

    def search_tracks(self, title: str, artist: str) -> list[Json]:
        """Search for tracks with this title and artist: at most ten, the best match first.

        Raises what `parse_response` raises, and Unavailable for a response without a list of tracks.
        """
        query = f'track:"{searchable(title)}" artist:"{searchable(artist)}"'
        tracks = self._get("/search", {"q": query, "type": "track", "limit": str(limits.SEARCH_PAGE)}).get("tracks")
        items = tracks.get("items") if isinstance(tracks, dict) else None
        if not isinstance(items, list):
            raise Unavailable("Spotify's response to a search held no list of tracks.")
        return [item for item in items if isinstance(item, dict)]

    @property
    def request_count(self) -> int:
        """Requests sent so far, retries included."""
        return self._transport.request_count

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        return parse_response(self._response(path, query))

    def _response(self, path: str, query: Mapping[str, str] | None = None) -> Response:
        response = self._authorized(path, query)
        if response.status_code == 401 and "permission" not in message_of(response).lower():
            self._token = None
            response = self._authorized(path, query)
        return response

    def _authorized(self, path: str, query: Mapping[str, str] | None) -> Response:
        if self._token is None:
            self._token = self._authorize()
        return self._transport.send("GET", self._url + path, params=query, auth=Bearer(self._token))


class Bearer(requests.auth.AuthBase):
    """Bearer authentication. A plain header would not do: requests replaces it by what ~/.netrc says of the host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def searchable(name: str) -> str:
    """A name as it may stand between quotes in a query: without quotes, and with whole words only if it is long."""
    plain = NOT_SEARCHED.sub(" ", name).strip()
    if len(plain) <= LONGEST_SEARCHED:
        return plain
    cut = plain[: LONGEST_SEARCHED + 1]
    return cut.rpartition(" ")[0] or cut[:LONGEST_SEARCHED]


def is_token(value: object) -> bool:
    return isinstance(value, str) and TOKEN.fullmatch(value) is not None


def parse_response(response: Response, is_about_an_id: bool = False) -> Json:
    """The JSON object of a 200; {} for a 204.

    Raises the SpotifyError that any other status stands for. `is_about_an_id`: the request asked for one id, so a 404
    raises NotFound rather than Refused.
    """
    body = json_object(response)
    if response.status_code == 200 and body is not None:
        return body
    message = message_of(response)
    match response.status_code:
        case 204:
            return {}
        case 401 if "permission" in message.lower():
            raise PermissionMissing
        case 401:
            raise SpotifyError(
                f"Spotify refuses an access token that it has just issued ({message or 'no reason given'})."
            )
        case 403:
            raise Forbidden(message)
        case 404 if is_about_an_id:
            raise NotFound("Spotify does not know this id.")
        case 404:
            raise Refused(
                f"Spotify has no such endpoint: {sentence('404', message)} This usually passes by itself. If it does"
                " not, update the program, and check that SPOTIFY_API_URL is not set."
            )
        case status:
            raise Refused(f"Spotify refuses the request: {sentence(str(status), message)}")
