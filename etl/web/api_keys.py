"""Keys to the JSON API: made and shown once, listed, deleted; of the key itself only a hash is kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from etl.warehouse.statements import run
from etl.web.tokens import digest, new_token

PREFIX = "brapped_"  # by which people, and those who scan for lost secrets, know one
LONGEST_NAME = 60  # characters
MOST = 20  # keys of a listener


class ApiKeyError(Exception):
    """The key can't be made. The message is for the person."""


def make_key(connection: Connection, listener_key: int, name: str, now: datetime, *, is_read_only: bool) -> str:
    """Make a key; the key, which is not kept. Raises ApiKeyError for a name of no use, or one too many."""
    name = name.strip()
    if not (name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise ApiKeyError(f"Give the key a name: at most {LONGEST_NAME} characters, all of them printable.")
    known = keys_of(connection, listener_key)
    if any(one.key_name == name for one in known):
        raise ApiKeyError("You have a key of this name. Delete it first, or choose another name.")
    if len(known) >= MOST:
        raise ApiKeyError(f"You have {MOST} keys, which is as many as there can be. Delete one that you do not use.")
    key = PREFIX + new_token()
    run(
        connection,
        "ops/web/api_key_made",
        key_hash=digest(key),
        listener_key=listener_key,
        key_name=name,
        is_read_only=is_read_only,
        now=now,
    )
    return key


def keys_of(connection: Connection, listener_key: int) -> list[Row[Any]]:
    """The rows of sql/ops/web/api_keys.sql: the keys of a listener."""
    return run(connection, "ops/web/api_keys", listener_key=listener_key)


def delete_key(connection: Connection, listener_key: int, number: int) -> bool:
    """Delete a key of this listener; whether there was one. It opens nothing from here on."""
    return bool(run(connection, "ops/web/api_key_deleted", listener_key=listener_key, api_key_key=number))
