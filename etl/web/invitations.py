"""Invitations to register: made, listed and taken back by who runs the server."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from etl.warehouse.statements import run
from etl.web.tokens import digest, new_token

LIFE = timedelta(days=14)
LONGEST_NOTE = 200  # characters


class InvitationError(Exception):
    """The invitation can't be made or taken back. The message is for the person."""


def invite(connection: Connection, note: str | None, now: datetime) -> tuple[int, str]:
    """Make an invitation: its number and its token, which is not kept. Raises InvitationError for a note of no use."""
    if note is not None and not (note.isprintable() and 0 < len(note.strip()) <= LONGEST_NOTE):
        raise InvitationError(f"The note may have at most {LONGEST_NOTE} characters, all of them printable.")
    token = new_token()
    [row] = run(connection, "ops/web/invitation_made", token_hash=digest(token), note=note, now=now, ends_at=now + LIFE)
    return int(row.invitation_key), token


def invitations(connection: Connection) -> list[Row[Any]]:
    """The rows of sql/ops/web/invitations.sql."""
    return run(connection, "ops/web/invitations")


def revoke(connection: Connection, number: int) -> None:
    """Take an invitation back. Raises InvitationError if it does not exist, or was used."""
    if not run(connection, "ops/web/invitation_revoked", invitation_key=number):
        raise InvitationError(f"There is no invitation {number} that nobody has used. 'brapped invite --list' has all.")
