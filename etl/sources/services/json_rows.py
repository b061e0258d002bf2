"""The rows within a JSON file, each parsed when it is looked at, so that a large file is never a tree in memory."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from etl.sources.services.scrobbles import BadRow

Raw = msgspec.Raw
BLANKS = 1000  # bytes in which a value begins


class Unparsed(ValueError):
    """The file is no JSON of the form that its service writes. The message completes "could not be read: "."""


def decoded(content: Any, form: Any) -> Any:
    """The file as `form`, whose rows are msgspec.Raw. Raises Unparsed."""
    try:
        return msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, RecursionError) as error:
        is_other = isinstance(error, msgspec.ValidationError)
        raise Unparsed(
            "its JSON has another form than its service writes" if is_other else "it is incomplete, or not JSON"
        ) from None


def parsed(raw: Any) -> dict[str, Any]:
    """One row. Raises BadRow if it is no JSON object."""
    try:
        row = json.loads(bytes(raw).decode(), strict=False)
    except (ValueError, RecursionError):
        raise BadRow("it is not JSON") from None
    if not isinstance(row, dict):
        raise BadRow("it is not a JSON object")
    return row


def first_of(raw: Any) -> bytes:
    """The first byte of a value that is no blank."""
    return bytes(memoryview(raw)[:BLANKS]).lstrip()[:1]


def list_in(raw: Any) -> Iterator[Any]:
    """The rows of a list that may be a single row: Last.fm's JSON is made from XML. Raises Unparsed."""
    yield from decoded(raw, list[Raw]) if first_of(raw) == b"[" else [raw]
