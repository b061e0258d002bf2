"""HTTP with Spotify: send within a time limit, retry within a budget, read responses and quote them safely in logs."""

import json
import logging
import math
import random
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3

from etl import limits
from etl.deadline import CallTimeout, Deadline, within
from etl.spotify.errors import RateLimited, Unavailable
from etl.values import Json

log = logging.getLogger(__name__)

MAX_DEPTH = 50  # levels of JSON; Spotify's responses have ten, and Python's parser fails at some thousand
MAX_DIGITS = 20  # a longer number fits no column, and Python refuses to parse one of 4,301 digits
# An unterminated string matches to the end of the text, so that the pattern is not tried from each of its characters.
JSON_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
UNSAFE_IN_LOG = re.compile(r"[^\w .,:;'()/-]")


class BadResponse(Exception):
    """A response that can't be used, and why, in a few words. Counts as a failed try."""


@dataclass(frozen=True)
class Response:
    """A response of Spotify's, read to its end and decompressed."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text.

        Bytes that are not UTF-8 become lone surrogates, so that they cost one character of a name.
        """
        return self.body.decode("utf-8-sig", "surrogateescape")


@dataclass
class RetryBudget:
    """The seconds that a run may still wait when Spotify answers 429, and the run's deadline.

    Shared by its requests.
    """

    left_s: float = limits.RETRY_BUDGET_S
    deadline: Deadline = field(default_factory=Deadline)

    def wait(self, response: Response, attempt: int) -> None:
        """Sleep for as long as a 429 asks, or 2, 4, 8 … s by `attempt` (from 1) where it does not say.

        Raises RateLimited when that is more than the budget allows, at the last attempt, and when a quota is used up.
        """
        reason = reason_of(response)
        asked_s = retry_after(response)
        wait_s = 2.0**attempt if asked_s is None else asked_s
        if reason == "QUOTA_EXCEEDED":
            # The quota counts about a day: without a Retry-After, an hour is the shortest wait that makes sense.
            raise RateLimited(reason, asked_s or 3600)
        if wait_s > min(self.left_s, self.deadline.left_s) or attempt >= limits.TRIES:
            raise RateLimited(reason or "rate limit", max(wait_s, 30))
        wait_s += random.uniform(0, 0.2)  # noqa: S311  jitter, not a secret
        log.info("Spotify asks for a pause of %.0f s", wait_s)
        self.left_s -= wait_s
        time.sleep(wait_s)


class Transport:
    """An HTTP session that retries what fails during an outage: time-outs, broken connections, 5xx, malformed
    responses.
    """

    def __init__(self, retry_budget: RetryBudget) -> None:
        self._retry_budget = retry_budget
        self._session = new_session()
        self.request_count = 0

    def send(self, method: str, url: str, **options: Any) -> Response:
        """Send a request until Spotify answers it with less than 500; `options` are those of requests.

        Raises Unavailable after limits.TRIES failed tries, RateLimited for a 429 that can't be waited for, and
        RunTimeout once the run's time is up.
        """
        fault = ""
        limited = 0
        for attempt in range(limits.TRIES):
            if attempt:
                time.sleep(random.uniform(0.5, 1) * 2 ** (attempt - 1))  # noqa: S311  jitter, not a secret
            while True:
                self._retry_budget.deadline.check()
                limit_s = min(limits.CALL_S, self._retry_budget.deadline.left_s)
                response, fault = self.once(method, url, limit_s, **options)
                if response is None or response.status_code != 429:
                    break
                limited += 1
                self._retry_budget.wait(response, limited)
            if response is not None:
                return response
            log.info("Spotify: %s; trying again", fault)
        raise Unavailable(f"Spotify can't be reached or does not answer properly ({fault}; {limits.TRIES} tries).")

    def once(self, method: str, url: str, limit_s: float, **options: Any) -> tuple[Response | None, str]:
        """Send a request once, for at most `limit_s` seconds: a response of less than 500, or None and what went wrong.

        The library's exceptions end here, because they quote addresses.
        """
        self.request_count += 1
        session = self._session
        try:
            response = within(limit_s, lambda: send_once(session, method, url, options, time.monotonic() + limit_s))
        except CallTimeout:
            self._session = new_session()  # the late request may still be using the other one
            return None, f"an answer took longer than {limit_s:.3g} s"
        except BadResponse as fault:
            return None, str(fault)
        except requests.exceptions.Timeout:
            return None, "no answer in time"
        except requests.exceptions.SSLError:
            return None, "its TLS certificate can't be verified"
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            return None, "the answer was cut short"
        except requests.exceptions.ConnectionError:
            return None, "the connection could not be made, or broke"
        except urllib3.exceptions.TimeoutError:
            return None, "no answer in time"
        except urllib3.exceptions.HTTPError:  # while reading the body, which bypasses requests
            return None, "the answer was cut short"
        except requests.exceptions.RequestException as error:
            return None, type(error).__name__
        if response.status_code >= 500:
            return None, f"status {response.status_code}"
        if response.status_code == 200 and json_object(response) is None:
            return None, "an answer that is not JSON"
        return response, ""


def new_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "brapped"
    # Only gzip, because decompress() can bound it: no other encoding may grow a response beyond its limit.
    session.headers["Accept-Encoding"] = "gzip"
    return session


def send_once(session: requests.Session, method: str, url: str, options: Mapping[str, Any], ends_at: float) -> Response:
    """Send once and read the response to its end. `ends_at` is by the monotonic clock.

    Raises BadResponse, CallTimeout, and what requests and urllib3 raise.
    """
    with session.request(
        method, url, timeout=limits.SILENCE_S, allow_redirects=False, stream=True, **options
    ) as response:
        parts: list[bytes] = []
        size = 0
        # `read1` waits for the network at most once, so the clock is checked however slowly a response drips.
        while part := response.raw.read1(65_536, decode_content=False):
            size += len(part)
            check_size(size)
            if time.monotonic() > ends_at:
                raise CallTimeout
            parts.append(part)
        body = decompress(b"".join(parts), response.headers.get("Content-Encoding", ""))
        return Response(response.status_code, response.headers, body)


def decompress(body: bytes, encoding: str) -> bytes:
    """Undo a Content-Encoding of gzip or none.

    Raises BadResponse for any other encoding, for truncated data, and for more than limits.ANSWER_MB of it.
    """
    kind = encoding.strip().lower()
    if not body or kind in ("", "identity"):
        return body
    if kind not in ("gzip", "x-gzip"):
        raise BadResponse("an answer is compressed in a way that was not asked for")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: gzip
    try:
        whole = unpacking.decompress(body, limits.ANSWER_MB * 2**20 + 1)
    except zlib.error:
        whole = None
    if whole is None:
        raise BadResponse("the answer was cut short")
    check_size(len(whole))
    if not unpacking.eof:
        raise BadResponse("the answer was cut short")
    return whole


def check_size(size: int) -> None:
    """Raises BadResponse when a response has more than limits.ANSWER_MB; `size` is in bytes."""
    if size > limits.ANSWER_MB * 2**20:
        raise BadResponse(f"an answer is larger than {limits.ANSWER_MB} MB")


def json_object(response: Response) -> Json | None:
    """The JSON object in a response, or None if it holds anything else.

    Tolerant of a bad part: NaN, Infinity and what is nested too deeply become null, and the rest is kept.
    """
    options: dict[str, Any] = {"parse_int": parse_whole_number, "parse_constant": lambda _: None}
    try:
        try:
            body = json.loads(response.text, **options)
        except RecursionError:
            body = json.loads(cut_nesting(response.text), **options)
    except (ValueError, RecursionError):  # not JSON, or made to break a parser
        return None
    return body if isinstance(body, dict) else None


def parse_whole_number(digits: str) -> int | float:
    """A whole number of JSON; a float, possibly infinite, if it has more than MAX_DIGITS."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def cut_nesting(text: str) -> str:
    """JSON with null in place of whatever is nested deeper than MAX_DEPTH levels."""
    kept, depth, start = [], 0, 0
    for mark in JSON_MARKS.finditer(text):
        if mark[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept.append(f"{text[start : mark.start()]}null")
        elif mark[0] in "]}":
            if depth == MAX_DEPTH + 1:
                start = mark.end()
            depth -= 1
    return "".join([*kept, text[start:]])


def error_of(response: Response) -> Json:
    """The `error` object of a response; the token endpoint's flat text becomes its message."""
    error = (json_object(response) or {}).get("error")
    return error if isinstance(error, dict) else {"message": error}


def message_of(response: Response) -> str:
    """Spotify's error message, safe to log; "" if there is none.

    Some refusals are plain text; an HTML page is no message.
    """
    message = loggable(error_of(response).get("message"))
    if not message and json_object(response) is None and not response.text.lstrip().startswith("<"):
        message = loggable(response.text)
    return message


def reason_of(response: Response) -> str:
    """The `reason` of an error, such as QUOTA_EXCEEDED; "" if there is none."""
    return loggable(error_of(response).get("reason"))


def loggable(text: object) -> str:
    """Foreign text made safe for a log: one short line without control characters; "" for anything that is not text."""
    return shorten(UNSAFE_IN_LOG.sub("", text).strip(), limits.MESSAGE_LENGTH) if isinstance(text, str) else ""


def shorten(text: str, length: int) -> str:
    """The text in at most `length` characters, cut between two words if possible, with an ellipsis if cut."""
    if len(text) <= length:
        return text
    start = text[: length - 1]
    return (start.rpartition(" ")[0] or start).rstrip(" ,.:;") + "…"


def retry_after(response: Response) -> float | None:
    """Seconds in the Retry-After header, at most limits.LONGEST_PAUSE_S; None if it is missing or malformed."""
    try:
        asked_s = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(0.0, asked_s), limits.LONGEST_PAUSE_S) if math.isfinite(asked_s) else None
