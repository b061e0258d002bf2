"""Sending to Spotify, and waiting for it: time-outs, tries, pauses; and what an answer says, fit for a log."""

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
from etl.deadline import Deadline, Late, within
from etl.spotify.errors import LockedOut, Unavailable
from etl.values import Json

log = logging.getLogger(__name__)


DEEPEST = 50  # levels of an answer; Spotify's have ten. Python's reader of JSON fails at some thousand
LONGEST_NUMBER = 20  # digits: a longer one fits no column, and Python refuses to read one of 4,301
# A text that has no end goes to the end of the answer: tried once, not from each of its characters.
JSON_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
UNSAFE_IN_LOG = re.compile(r"[^\w .,:;'()/-]")


class Trouble(Exception):
    """What is wrong with an answer, in a few words. It counts as a try."""


@dataclass(frozen=True)
class Answer:
    """What Spotify answered, read to its end and decompressed."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8-sig", "surrogateescape")  # what is no UTF-8 costs a name that character


@dataclass
class Patience:
    """How long a run still waits when Spotify says 429, and when it has to be over. Shared by all that one run calls."""

    left_s: float = limits.PATIENCE_S
    deadline: Deadline = field(default_factory=Deadline)

    def wait(self, answer: Answer, attempt: int) -> None:
        """Waits as asked; raises LockedOut where that is a matter for a later run."""
        reason = reason_of(answer)
        asked_s = retry_after(answer)
        wait_s = 2.0**attempt if asked_s is None else asked_s
        if reason == "QUOTA_EXCEEDED":
            # The quota is counted over about a day: without a word from Spotify an hour is the least that makes sense.
            raise LockedOut(reason, asked_s or 3600)
        if wait_s > min(self.left_s, self.deadline.left_s) or attempt >= limits.TRIES:
            raise LockedOut(reason or "rate limit", max(wait_s, 30))
        wait_s += random.uniform(0, 0.2)  # noqa: S311  jitter, not a secret
        log.info("Spotify asks for a pause of %.0f s", wait_s)
        self.left_s -= wait_s
        time.sleep(wait_s)


class Wire:
    """One HTTP session: sends, and sends again what failed as calls fail in an incident."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._session = new_session()
        self.request_count = 0

    def send(self, method: str, url: str, **details: Any) -> Answer:
        """An answer that is Spotify's word, whatever it says. Raises Unavailable, LockedOut, and TookTooLong once the run's time
        is up."""
        trouble = ""
        limited = 0
        for attempt in range(limits.TRIES):
            if attempt:
                time.sleep(random.uniform(0.5, 1) * 2 ** (attempt - 1))  # noqa: S311  jitter, not a secret
            while True:
                self._patience.deadline.check()
                answer, trouble = self._once(method, url, details)
                if answer is None or answer.status_code != 429:
                    break
                limited += 1
                self._patience.wait(answer, limited)
            if answer is not None:
                return answer
            log.info("Spotify: %s; trying again", trouble)
        raise Unavailable(f"Spotify can't be reached or does not answer properly ({trouble}; {limits.TRIES} tries).")

    def _once(self, method: str, url: str, details: Mapping[str, Any]) -> tuple[Answer | None, str]:
        """An answer, or what was wrong with it. Exceptions of the library go no further: they quote addresses."""
        self.request_count += 1
        session = self._session
        limit_s = min(limits.CALL_S, self._patience.deadline.left_s)
        try:
            answer = within(limit_s, lambda: exchanged(session, method, url, details, time.monotonic() + limit_s))
        except Late:
            self._session = new_session()  # the late call may still use the other
            return None, f"an answer took longer than {limit_s:.3g} s"
        except Trouble as trouble:
            return None, str(trouble)
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
        except urllib3.exceptions.HTTPError:  # of the body, which is read without the help of requests
            return None, "the answer was cut short"
        except requests.exceptions.RequestException as error:
            return None, type(error).__name__
        if answer.status_code >= 500:
            return None, f"status {answer.status_code}"
        if answer.status_code == 200 and json_object(answer) is None:
            return None, "an answer that is not JSON"
        return answer, ""


def new_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "brapped"
    session.headers["Accept-Encoding"] = (
        "gzip"  # nothing else is decompressed, so that no answer can grow beyond its limit
    )
    return session


def exchanged(session: requests.Session, method: str, url: str, details: Mapping[str, Any], ends_at: float) -> Answer:
    """Sends once and reads the answer to its end. Raises Trouble, Late, and what requests and urllib3 raise."""
    with session.request(
        method, url, timeout=limits.SILENCE_S, allow_redirects=False, stream=True, **details
    ) as response:
        parts: list[bytes] = []
        size = 0
        # `read1` waits for the network once at most, so that the clock is looked at however slowly an answer drips.
        while part := response.raw.read1(65_536, decode_content=False):
            size += len(part)
            must_fit(size)
            if time.monotonic() > ends_at:
                raise Late
            parts.append(part)
        body = decompressed(b"".join(parts), response.headers.get("Content-Encoding", ""))
        return Answer(response.status_code, response.headers, body)


def decompressed(body: bytes, encoding: str) -> bytes:
    """The body itself. Raises Trouble for one that grows beyond the limit, is cut short, or is packed otherwise than was asked."""
    kind = encoding.strip().lower()
    if not body or kind in ("", "identity"):
        return body
    if kind not in ("gzip", "x-gzip"):
        raise Trouble("an answer is compressed in a way that was not asked for")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: gzip
    try:
        whole = unpacking.decompress(body, limits.ANSWER_MB * 2**20 + 1)
    except zlib.error:
        whole = None
    if whole is None:
        raise Trouble("the answer was cut short")
    must_fit(len(whole))
    if not unpacking.eof:
        raise Trouble("the answer was cut short")
    return whole


def must_fit(size: int) -> None:
    """Raises Trouble when an answer of so many bytes, or more, is too large."""
    if size > limits.ANSWER_MB * 2**20:
        raise Trouble(f"an answer is larger than {limits.ANSWER_MB} MB")


def json_object(answer: Answer) -> Json | None:
    """The object that an answer is; None for any other answer. What only a part of it can't be read for costs that part."""
    reader: dict[str, Any] = {"parse_int": whole_number, "parse_constant": lambda _: None}  # NaN and Infinity are null
    try:
        try:
            body = json.loads(answer.text, **reader)
        except RecursionError:
            body = json.loads(without_depths(answer.text), **reader)
    except (ValueError, RecursionError):  # no JSON, or JSON made to break its reader
        return None
    return body if isinstance(body, dict) else None


def whole_number(digits: str) -> int | float:
    """A number of JSON. One that is too long for any column is a float, which may be infinite: Python would read no more."""
    return int(digits) if len(digits) <= LONGEST_NUMBER else float(digits)


def without_depths(told: str) -> str:
    """JSON with null in place of whatever lies deeper than DEEPEST levels."""
    kept, depth, start = [], 0, 0
    for mark in JSON_MARKS.finditer(told):
        if mark[0] in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept.append(f"{told[start : mark.start()]}null")
        elif mark[0] in "]}":
            if depth == DEEPEST + 1:
                start = mark.end()
            depth -= 1
    return "".join([*kept, told[start:]])


def error_of(answer: Answer) -> Json:
    error = (json_object(answer) or {}).get("error")
    return error if isinstance(error, dict) else {"message": error}


def message_of(answer: Answer) -> str:
    """What Spotify said, fit for a log. Some refusals are plain text; an HTML page says nothing."""
    said = told(error_of(answer).get("message"))
    if not said and json_object(answer) is None and not answer.text.lstrip().startswith("<"):
        said = told(answer.text)
    return said


def reason_of(answer: Answer) -> str:
    return told(error_of(answer).get("reason"))


def told(text: object) -> str:
    """A short piece of foreign text, without line breaks or anything that could steer a log."""
    return shortened(UNSAFE_IN_LOG.sub("", text).strip(), limits.SAID_LENGTH) if isinstance(text, str) else ""


def shortened(text: str, length: int) -> str:
    """The text in at most so many characters: cut between two words, where there are two."""
    if len(text) <= length:
        return text
    start = text[: length - 1]
    return (start.rpartition(" ")[0] or start).rstrip(" ,.:;") + "…"


def retry_after(answer: Answer) -> float | None:
    """Seconds that Spotify asks to wait; None when the header is missing or senseless."""
    try:
        asked_s = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(max(0.0, asked_s), limits.LONGEST_PAUSE_S) if math.isfinite(asked_s) else None
