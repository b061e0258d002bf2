"""Save a batch without the items that Postgres rejects, so that one bad item never blocks a job for good.

The rules in `values` already keep out everything known not to fit its column. This handles the unforeseen rest.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection

from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import ValuesRefused

log = logging.getLogger(__name__)

Item = TypeVar("Item")

# Errors that a bad value can cause, in the database or while it is parsed.
VALUE_ERRORS = (ValuesRefused, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class RolledBack(Exception):
    """Rolls back the transaction of a dry run."""


def unsavable_items(items: Sequence[Item], save: Callable[[Sequence[Item]], object]) -> list[Item]:
    """Save all items that can be saved; returns the others.

    `save` has to be atomic. It may be called several times: a batch that fails is split in half, so one bad item in a
    hundred costs about fifteen calls.
    """
    try:
        save(items)
    except VALUE_ERRORS as error:
        if len(items) > 1:
            middle = len(items) // 2
            return unsavable_items(items[:middle], save) + unsavable_items(items[middle:], save)
        # Log only the type of a foreign error: its message may quote the value.
        log.info("Set aside: %s", error if isinstance(error, ValuesRefused) else type(error).__name__)
        return list(items)
    return []


def dry_run(warehouse: Warehouse, work: Callable[[Connection], object]) -> None:
    """Run `work` in a transaction and roll it back. Raises what `work` raises."""

    def rolled_back(connection: Connection) -> None:
        work(connection)
        raise RolledBack

    with suppress(RolledBack):
        warehouse.transaction(rolled_back)
