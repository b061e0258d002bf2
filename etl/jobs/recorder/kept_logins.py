"""The logins as the spool keeps them, encrypted, so that a recorder can start while the database is away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etl.auth.encryption import Keys, TokenKeyError
from etl.auth.logins import Grant
from etl.jobs.recorder.spool import Spool

KEPT = ("login_key", "listener_key", "listener_id", "listener_name", "time_zone")
PREFIX = "login "
LoginRow = Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """A login as the spool has it. `is_unstored`: the database lacks its refresh token, which Spotify replaced."""

    row: LoginRow
    grant: Grant
    is_unstored: bool


def keep_login(spool: Spool, keys: Keys, kept: Kept) -> None:
    """Note a login and its newest refresh token in the spool. Raises sqlite3.Error."""
    row, grant = kept.row, kept.grant
    told = {name: row[name] for name in KEPT} | {
        "token": keys.encrypt(grant.refresh_token),
        "was_replaced": grant.was_replaced,
        "is_unstored": kept.is_unstored,
    }
    spool.keep_note(f"{PREFIX}{row['listener_key']}", json.dumps(told))


def kept_logins(spool: Spool, keys: Keys) -> list[Kept]:
    """The logins of the recorder that ran before, in the order of their listeners, as far as they can be decrypted."""
    found: list[Kept] = []
    for note in spool.notes(PREFIX):
        told = json.loads(note)
        try:
            token = keys.decrypt(told["token"])
        except TokenKeyError:
            continue
        row = {name: told[name] for name in KEPT} | {"refused_at": None, "refused_reason": None, "is_anybodys": False}
        found.append(Kept(row, Grant("", token, 0.0, told["was_replaced"]), told["is_unstored"]))
    return sorted(found, key=lambda one: int(one.row["listener_key"]))
