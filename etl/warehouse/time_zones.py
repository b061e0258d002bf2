"""Time zones: aliases of a zone, and the zone in which a listener's local dates are derived."""

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
QUERY_CANCELED = "57014"  # SQLSTATE of a statement that exceeded its timeout


class ZoneError(Exception):
    """This computer does not know the time zone of a listener."""


def update_time_zone(connection: Connection, listener_key: int, asked: str | None = None) -> Warned | None:
    """Set a listener's time zone to `asked` (None: keep it) and derive the local dates of their plays again if needed.

    A zone that the database does not know is replaced by an alias (Asia/Calcutta by Asia/Kolkata). If it knows none,
    the listener keeps their zone, and the returned warning says so. The listener is locked before anything changes, so
    no merge uses a zone that is being replaced. One statement if there is nothing to change.
    """
    is_current, warning = check_time_zone(connection, zone_of_listener(connection, listener_key, asked), asked)
    if is_current:
        return warning
    lock(connection, LISTENER_LOCK, listener_key)
    current = zone_of_listener(connection, listener_key, asked)  # again: another run may have changed it
    zone, warning = choose_zone(connection, current, asked)
    savepoint = connection.begin_nested()
    try:
        run(connection, "dimensions/listener_time_zone", listener_key=listener_key, time_zone=zone)
    except DBAPIError as error:
        if state_of(error) != QUERY_CANCELED:
            raise  # leave the savepoint alone: the connection may be gone
        savepoint.rollback()
    else:
        savepoint.commit()
        return warning
    return Warned(
        "time-zone",
        f"changing the local dates of all plays to {zone} takes longer than this run has, so they stay in"
        f" {current.time_zone}. Run python migrate.py with TIME_ZONE set: it has no such limit",
    )


def redate_plays(connection: Connection, listener_key: int, asked: str | None) -> int:
    """Derive the local date of every play of a listener again, in the zone `asked` for or their own.

    Returns the number of plays whose date changed.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    zone, _ = choose_zone(connection, zone_of_listener(connection, listener_key, asked), asked)
    return len(run(connection, "dimensions/listener_time_zone", listener_key=listener_key, time_zone=zone))


def redate_all_plays(connection: Connection, asked: str | None) -> int:
    """The same for every listener. `asked` applies only if there is exactly one who was not merged into another."""
    keys = [row.listener_key for row in run(connection, "ops/listeners/keys")]
    own = [row.listener_key for row in run(connection, "ops/listeners/everybody")]
    return sum(redate_plays(connection, key, asked if own == [key] else None) for key in keys)


def check_time_zone(connection: Connection, current: Any, asked: str | None) -> tuple[bool, Warned | None]:
    """Whether `update_time_zone` would change nothing, and its warning. `current`: see `zone_of_listener`."""
    zone, warning = choose_zone(connection, current, asked)
    return zone == current.time_zone and current.is_dated, warning


def zone_of_listener(connection: Connection, listener_key: int, asked: str | None) -> Row[Any]:
    [row] = run(connection, "ops/listeners/time_zone", listener_key=listener_key, asked=asked)
    return row


def choose_zone(connection: Connection, current: Row[Any], asked: str | None) -> tuple[str, Warned | None]:
    """The zone to use, and a warning if it is neither the one asked for nor an alias of it."""
    if asked is not None and (current.is_asked_known or (alias := known_name(connection, asked))):
        return (asked if current.is_asked_known else str(alias)), None
    zone, unknown = current.time_zone, asked
    if not current.is_known:
        zone = known_name(connection, current.time_zone)
        unknown = asked or (None if zone else current.time_zone)
        zone = zone or FALLBACK
    if unknown is None:
        return zone, None
    return zone, Warned(
        "time-zone",
        f"the database's host knows the time zone {unknown} by none of its names, so local dates are in {zone}. Its"
        " Postgres needs a newer time zone database; until then set TIME_ZONE to another zone with the same offset",
    )


def known_name(connection: Connection, zone: str) -> str | None:
    """The alias of a zone that the database knows; None if it knows none."""
    [row] = run(connection, "ops/listeners/time_zone_known", names=list(same_as(zone)))
    return row.time_zone and str(row.time_zone)


def zone_named(name: str) -> ZoneInfo:
    """The zone of this name or of an alias. Raises ZoneError if this computer knows none of them."""
    for one in same_as(name):
        try:
            return ZoneInfo(one)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    raise ZoneError(
        f"The listener's time zone is {name}, which this computer does not know. Update the program: it comes with a"
        " newer time zone database."
    )


def same_as(name: str) -> tuple[str, ...]:
    """All names of a zone: this one, its canonical IANA name, then the other aliases in alphabetical order. Pure."""
    target = links().get(name, name)
    others = sorted(other for other, whose in links().items() if whose == target)
    return tuple(dict.fromkeys((name, target, *others)))


@cache
def links() -> dict[str, str]:
    """Every alias in the IANA time zone database, and the canonical name it links to."""
    lines = files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text(encoding="utf-8").splitlines()
    direct = {other: target for kind, target, other in (line.split() for line in lines if line.startswith("L "))}
    return {other: direct.get(target, target) for other, target in direct.items()}
