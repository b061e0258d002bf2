"""Time zones: which names mean the same clock, and which of them a listener's local dates go by in this database."""

from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from etl.notices import Warned
from etl.warehouse.errors import state_of
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.statements import run

FALLBACK = "UTC"
QUERY_CANCELED = "57014"  # SQLSTATE of a statement that took longer than it may


class ZoneError(Exception):
    """This computer does not know the time zone that a record is dated by."""


def update_time_zone(connection: Connection, listener_key: int, asked: str | None = None) -> Warned | None:
    """Dates the record of a listener by the time zone `asked` for (None: by the one it has), as far as the database knows it.

    A zone that the database does not know is replaced by another name of it (Asia/Calcutta by Asia/Kolkata). If it knows
    none, the record keeps its zone, and the warning says so. The lock of the listener is taken before anything changes, and
    kept until the transaction ends, so no merge dates plays by a zone that is just being replaced. One statement when there
    is nothing to change.
    """
    is_settled, warning = check_time_zone(connection, zone_of_listener(connection, listener_key, asked), asked)
    if is_settled:
        return warning
    lock(connection, LISTENER_LOCK, listener_key)
    stands = zone_of_listener(connection, listener_key, asked)  # a merge may have ended meanwhile
    zone, warning = choose_zone(connection, stands, asked)
    savepoint = connection.begin_nested()
    try:
        run(connection, "dimensions/listener_time_zone", listener_key=listener_key, time_zone=zone)
    except DBAPIError as error:
        if state_of(error) != QUERY_CANCELED:
            raise  # with the savepoint as it is: the connection may be gone
        savepoint.rollback()
    else:
        savepoint.commit()
        return warning
    return Warned(
        "time-zone",
        f"dating every play by {zone} takes longer than this run has, so local dates go by {stands.time_zone} as before. Run"
        " python migrate.py with TIME_ZONE set: it takes the time that is needed",
    )


def redate_plays(connection: Connection, listener_key: int, asked: str | None) -> int:
    """Derives the local date of every play of a listener from their time zone, or the one `asked` for; how many plays were on
    another one."""
    lock(connection, LISTENER_LOCK, listener_key)
    zone, _ = choose_zone(connection, zone_of_listener(connection, listener_key, asked), asked)
    return len(run(connection, "dimensions/listener_time_zone", listener_key=listener_key, time_zone=zone))


def redate_all_plays(connection: Connection, asked: str | None) -> int:
    """The same for every listener; the zone `asked` for is that of the only one."""
    keys = [row.listener_key for row in run(connection, "ops/listeners/keys")]
    return sum(redate_plays(connection, key, asked if len(keys) == 1 else None) for key in keys)


def check_time_zone(connection: Connection, stands: Any, asked: str | None) -> tuple[bool, Warned | None]:
    """Whether `settle` would leave the record as it is, and what it would warn of. `stands`: time_zone_of_listener.sql's row."""
    zone, warning = choose_zone(connection, stands, asked)
    return zone == stands.time_zone and stands.is_dated, warning


def zone_of_listener(connection: Connection, listener_key: int, asked: str | None) -> Row[Any]:
    [row] = run(connection, "ops/listeners/time_zone", listener_key=listener_key, asked=asked)
    return row


def choose_zone(connection: Connection, stands: Row[Any], asked: str | None) -> tuple[str, Warned | None]:
    """The zone to use, and a warning if it is not the one that was asked for, nor another name of it."""
    if asked is not None and (stands.is_asked_known or (found := known_name(connection, asked))):
        return (asked if stands.is_asked_known else str(found)), None
    zone, told = stands.time_zone, asked
    if not stands.is_known:
        zone = known_name(connection, stands.time_zone)
        told = asked or (None if zone else stands.time_zone)
        zone = zone or FALLBACK
    if told is None:
        return zone, None
    return zone, Warned(
        "time-zone",
        f"the database's host knows the time zone {told} by none of its names, so local dates go by {zone}. Its Postgres needs"
        " a newer list of zones; until then TIME_ZONE may name another one with the same clock",
    )


def known_name(connection: Connection, zone: str) -> str | None:
    """The name by which the database knows a zone, if by any."""
    [row] = run(connection, "ops/listeners/time_zone_known", names=list(same_as(zone)))
    return row.time_zone and str(row.time_zone)


def zone_named(name: str) -> ZoneInfo:
    """The zone of this name, or of another name for it. Raises ZoneError when this computer knows none of them."""
    for one in same_as(name):
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    raise ZoneError(
        f"The record is dated by the time zone {name}, which this computer does not know. Update the program: it"
        " brings a newer list of zones along."
    )


def same_as(name: str) -> tuple[str, ...]:
    """All names of a zone: this one, the one that the IANA list calls it by, and then the others in their order."""
    target = links().get(name, name)
    others = sorted(other for other, whose in links().items() if whose == target)
    return tuple(dict.fromkeys((name, target, *others)))


@cache
def links() -> dict[str, str]:
    """Every other name of a zone in the IANA list, and the name that it stands for."""
    lines = files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text(encoding="utf-8").splitlines()
    found = {other: target for kind, target, other in (line.split() for line in lines if line.startswith("L "))}
    return {other: found.get(target, target) for other, target in found.items()}
