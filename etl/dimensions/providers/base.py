"""What all providers share: calls within a budget and a pace, what an answer means, and what a provider told.

An error is never a miss: only an answer that is whole and lacks an item says that the provider does not know it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3

from etl import __version__
from etl.deadline import CallTimeout, within
from etl.spotify.http import BadResponse, Response, cut_nesting, new_session, parse_whole_number, retry_after, send_once
from etl.values import Row

# MusicBrainz blocks programs without an address in their name, and ReccoBeats refuses Python's usual one.
USER_AGENT = f"brapped/{__version__} ( https://github.com/brapped/brapped )"
FAILURES_IN_A_ROW = 3  # then the provider is left for this run
LONGEST_WAIT_S = 10.0  # a longer one that a provider asks for is left to later runs
CALL_S = 30.0  # a whole answer; less than for Spotify, because one that hangs must leave time for the others
BUSY_S = 5.0  # to wait where a provider says that it is busy and not for how long


class ProviderError(Exception):
    """A call failed, and why, in a few words without an address. It says nothing about what was asked for.

    `wait_s`: seconds for which the provider wants no calls; None where it does not say. `is_busy`: it refuses for now,
    rather than being broken.
    """

    def __init__(self, reason: str, wait_s: float | None = None, *, is_busy: bool = False) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.is_busy = is_busy


class OutOfBudget(Exception):
    """The provider's calls, or the time, of this run are used up."""


@dataclass(frozen=True)
class Item:
    """A track or an artist to ask for. `key` is its track_key or artist_key; unknown fields are None."""

    key: int
    spotify_id: str | None = None
    isrc: str | None = None
    duration_ms: int | None = None
    artist_name: str | None = field(default=None, repr=False)
    mbid: str | None = None


@dataclass
class Told:
    """What a provider told of a batch, by key. What was asked for and is in none of them is a miss."""

    features: dict[int, Row] = field(default_factory=dict)
    genres: dict[int, list[str]] = field(default_factory=dict)
    identities: dict[int, Row] = field(default_factory=dict)  # {mbid, country, artist_type}
    matched_by: str = "id"  # id, isrc or name
    matches: dict[int, str] = field(default_factory=dict)  # of single items, where it differs
    is_whole: bool = True  # False: a part can't be read, so what is in none of them may be in that part: no miss

    def found(self, wanted: str) -> set[int]:
        """The keys of which it told what was wanted: features, genres or identities."""
        return set(getattr(self, wanted))


@dataclass
class Pace:
    """How calls are spaced: by default with the real clock. Tests and the demo bring one that does not wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Caller:
    """Calls to one provider: `budget` of them in a run, the next one `pause_s` after the last has ended.

    `left_s` gives the seconds that the run has left.
    """

    base_url: str
    budget: int
    pause_s: float
    left_s: Callable[[], float]
    pace: Pace
    api_key: str | None = field(default=None, repr=False)
    call_count: int = 0
    _ended_at: float | None = None
    _session: requests.Session = field(default_factory=lambda: named_session(), repr=False)

    def ask(
        self,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        form: Mapping[str, str] | None = None,
        may_be_gone: bool = False,
    ) -> Any:
        """The JSON of an answer with status 200; if it `may_be_gone`, None for a 404. A POST where there is a form.

        A provider that is busy for a moment is asked once more. Raises ProviderError for every other answer and for
        none, and OutOfBudget.
        """
        try:
            return self._ask_once(path, params, form, may_be_gone)
        except ProviderError as error:
            wait_s = BUSY_S if error.wait_s is None else error.wait_s
            if not error.is_busy or wait_s > LONGEST_WAIT_S:
                raise
        self._wait(wait_s)
        return self._ask_once(path, params, form, may_be_gone)

    def _ask_once(
        self, path: str, params: Sequence[tuple[str, str]], form: Mapping[str, str] | None, may_be_gone: bool
    ) -> Any:
        response = self._send(path, params, form)
        status = response.status_code
        if status == 404 and may_be_gone:
            json_of(response)  # a page of HTML is somebody else's 404
            return None
        if status in (429, 503):
            raise ProviderError(f"busy, status {status}", retry_after(response), is_busy=True)
        if status != 200:
            raise ProviderError(f"status {status}", retry_after(response))
        return json_of(response)

    def _send(self, path: str, params: Sequence[tuple[str, str]], form: Mapping[str, str] | None) -> Response:
        """Send one request at its time and read the answer. The library's exceptions end here: they quote addresses."""
        if self.call_count >= self.budget:
            raise OutOfBudget
        if self._ended_at is not None:
            self._wait(self.pause_s - (self.pace.monotonic() - self._ended_at))
        limit_s = min(CALL_S, self.left_s())
        if limit_s <= 0:
            raise OutOfBudget
        self.call_count += 1
        session, url = self._session, f"{self.base_url}{path}"
        options: dict[str, Any] = {"params": list(params)} if form is None else {"data": dict(form)}
        method = "GET" if form is None else "POST"
        try:
            return within(limit_s, lambda: send_once(session, method, url, options, time.monotonic() + limit_s))
        except CallTimeout:
            self._session = named_session()  # the late request may still be using the other one
            fault = f"an answer took longer than {limit_s:.3g} s"
        except BadResponse as error:
            fault = str(error)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            fault = f"no whole answer ({type(error).__name__})"
        finally:
            self._ended_at = self.pace.monotonic()
        raise ProviderError(fault)

    def rest(self) -> None:
        """Wait until a next call may be made, by whomever."""
        if self._ended_at is not None:
            self.pace.sleep(max(0.0, self.pause_s - (self.pace.monotonic() - self._ended_at)))

    def _wait(self, wait_s: float) -> None:
        if wait_s <= 0:
            return
        if wait_s >= self.left_s():
            raise OutOfBudget
        self.pace.sleep(wait_s)


def named_session() -> requests.Session:
    """A session that says who asks, and wants JSON."""
    session = new_session()
    session.headers["User-Agent"] = USER_AGENT
    session.headers["Accept"] = "application/json, application/sparql-results+json"
    return session


def json_of(response: Response) -> Any:
    """The JSON object or list in an answer. Raises ProviderError for anything else, such as a page of HTML."""
    options: dict[str, Any] = {"parse_int": parse_whole_number, "parse_constant": lambda _: None}
    try:
        try:
            body = json.loads(response.text, **options)
        except RecursionError:
            body = json.loads(cut_nesting(response.text), **options)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict | list):
        raise ProviderError("an answer that is not JSON")
    return body


@dataclass(frozen=True)
class Step:
    """One thing that a provider is asked for.

    kind: track_id, track_isrc or artist, which is how the items are known there. wants: features, genres or identities.
    ask: sends one batch. Raises ProviderError and OutOfBudget. is_tempo: it only tells the tempo. by_mbid: it needs one.
    """

    kind: str
    wants: str
    batch: int
    ask: Callable[[Caller, Sequence[Item]], Told]
    is_tempo: bool = False
    by_mbid: bool = False


@dataclass(frozen=True)
class Provider:
    """A provider: its name in PROVIDERS, how often and how fast it may be asked, and its steps in order."""

    name: str
    budget: int  # calls in a run
    pause_s: float  # between the end of a call and the next
    steps: tuple[Step, ...]
    needs_key: bool = False
