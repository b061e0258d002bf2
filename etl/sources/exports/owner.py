"""Whose export it is, by the user name in its rows: only ever as a mark to compare, never as the name. Pure."""

import json
import re
from contextlib import suppress
from hashlib import sha256

HEAD = 65536  # bytes: a file is of one user
USER_NAME = re.compile(rb'"username"\s*:\s*("(?:[^"\\]|\\.){1,500}")')


def mark_of(user_id: str) -> bytes:
    """What two spellings of one user id have in common. It lives in memory only."""
    return sha256(user_id.strip().casefold().encode("utf-8", "surrogatepass")).digest()


def owner_in(content: bytes) -> bytes | None:
    """The mark of the first user name in a file of the extended streaming history; None where its first rows have none."""
    found = USER_NAME.search(content, 0, HEAD)
    if found is not None:
        with suppress(ValueError):
            return mark_of(json.loads(found[1]))
    return None
