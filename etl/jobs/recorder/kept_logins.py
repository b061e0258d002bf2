"""The logins as the spool keeps them, encrypted, so that a recorder can start while the database is away."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from etl.auth.encryption import Keys, TokenKeyError
from etl.auth.logins import Grant
from etl.jobs.recorder.spool import Spool
from etl.sources.player.saved import restored, saved

log = logging.getLogger(__name__)

KEPT = ("login_key", "listener_key", "listener_id", "listener_name", "time_zone")
PREFIX = "login "
LoginRow = Mapping[str, Any]


@dataclass(frozen=True)
class Note:
    """What is noted. `token`: encrypted."""

    login_key: int
    listener_key: int
    listener_id: str
    listener_name: str | None
    time_zone: str
    token: str = field(repr=False)
    was_replaced: bool
    is_unstored: bool


@dataclass(frozen=True)
class Kept:
    """A login as the spool has it. `is_unstored`: the database lacks its refresh token, which Spotify replaced."""

    row: LoginRow
    grant: Grant
    is_unstored: bool


def keep_login(spool: Spool, keys: Keys, kept: Kept) -> None:
    """Note a login and its newest refresh token in the spool. Raises sqlite3.Error."""
    row, grant = kept.row, kept.grant
    told = Note(
        **{name: row[name] for name in KEPT},
        token=keys.encrypt(grant.refresh_token),
        was_replaced=grant.was_replaced,
        is_unstored=kept.is_unstored,
    )
    spool.keep_note(f"{PREFIX}{row['listener_key']}", json.dumps(saved(told)))


def kept_logins(spool: Spool, keys: Keys) -> list[Kept]:
    """The logins of the recorder that ran before, in the order of their listeners, as far as they can be read."""
    found: list[Kept] = []
    for note in spool.notes(PREFIX):
        try:
            told = restored(Note, json.loads(note))
            token = keys.decrypt(told.token)
        except TokenKeyError:
            continue
        except ValueError:
            log.warning("A login that another version of the program kept in the spool can't be read, and is not used")
            continue
        row = {name: getattr(told, name) for name in KEPT}
        row |= {"refused_at": None, "refused_reason": None}
        found.append(Kept(row, Grant("", token, 0.0, told.was_replaced), told.is_unstored))
    return sorted(found, key=lambda one: int(one.row["listener_key"]))
