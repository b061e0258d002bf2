"""The logins as the spool keeps them, encrypted, so that a recorder can start while the database is away."""

import json
from collections.abc import Mapping
from typing import Any

from etl.auth.encryption import Keys, TokenKeyError
from etl.auth.logins import Grant
from etl.jobs.recorder.spool import Spool

KEPT = ("login_key", "listener_key", "listener_id", "listener_name", "time_zone")
PREFIX = "login "
LoginRow = Mapping[str, Any]


def keep_login(spool: Spool, keys: Keys, row: LoginRow, grant: Grant) -> None:
    """Note a login and its newest refresh token in the spool. Raises sqlite3.Error."""
    told = {name: row[name] for name in KEPT} | {
        "token": keys.encrypt(grant.refresh_token),
        "was_replaced": grant.was_replaced,
    }
    spool.keep_note(f"{PREFIX}{row['listener_key']}", json.dumps(told))


def kept_logins(spool: Spool, keys: Keys) -> list[tuple[LoginRow, Grant]]:
    """The logins of the recorder that ran before, in the order of their listeners, as far as they can be decrypted."""
    found: list[tuple[LoginRow, Grant]] = []
    for note in spool.notes(PREFIX):
        told = json.loads(note)
        try:
            token = keys.decrypt(told["token"])
        except TokenKeyError:
            continue
        row = {name: told[name] for name in KEPT} | {"refused_at": None, "refused_reason": None, "is_anybodys": False}
        found.append((row, Grant("", token, 0.0, told["was_replaced"])))
    return sorted(found, key=lambda one: int(one[0]["listener_key"]))
