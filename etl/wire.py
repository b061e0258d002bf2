"""Sending to Spotify, and waiting for it: time-outs, tries, pauses; and what an answer says, fit for a log."""

import json
import logging
import math
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

log = logging.getLogger(__name__)

Json = dict[str, Any]

TIMEOUT_S = (10, 30)  # to connect, to answer: Spotify answers in well under a second or not at all
TRIES = 4  # of a call that fails as calls do in an incident
PATIENCE_S = 60  # Spotify may ask for a day; a run waits a minute in all and leaves the rest to the next
LONGEST_PAUSE_S = 86_400  # quotas are counted over a day: a header that asks for more is a fault, not a wish
DEEPEST = 50  # levels of an answer; Spotify's have ten. Python's reader of JSON fails at some thousand
LONGEST_NUMBER = 20  # digits: a longer one fits no column, and Python refuses to read one of 4,301
JSON_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
UNSAFE_IN_LOG = re.compile(r"[^\w .,:;'()/-]")


class SpotifyError(Exception):
    """Spotify did not give what was asked for. The message is for the person, and holds no token and no title."""


class Unavailable(SpotifyError):
    """Spotify, or the way to it, failed again and again: time-outs, 5xx, cut or senseless answers."""


class LockedOut(SpotifyError):
    """429 beyond a run's patience: come back after `wait_s` seconds."""

    def __init__(self, reason: str, wait_s: float) -> None:
        self.reason = reason
        self.wait_s = wait_s
        super().__init__(f"Spotify wants no more calls for {wait_s:.0f} s ({reason}).")


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


def json_object(answer: requests.Response) -> Json | None:
    """The object that an answer is; None for any other answer. What only a part of it can't be read for costs that part."""
    reader: dict[str, Any] = {"parse_int": whole_number, "parse_constant": lambda _: None}  # NaN and Infinity are null
    try:
        try:
            body = answer.json(**reader)
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
