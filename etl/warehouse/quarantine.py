"""Saving a batch although something in it can't be saved: the rest goes in, and what is odd is set aside and counted.

The rules of `fields` keep out what is known to fit no column. This is for what nobody thought of, so that one odd item
of an answer never stops a job for good.
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

# What an odd value can raise: in the database, and while it is being read.
VALUE_ERRORS = (ValuesRefused, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class RolledBack(Exception):
    """Takes a transaction back that was only a try."""


def unsavable_items(items: Sequence[Item], save: Callable[[Sequence[Item]], object]) -> list[Item]:
    """Those of the items that can't be saved. `save` gets all others, in one or several calls; a call saves all or nothing.

    A batch that fails is tried in halves: one odd item of a hundred costs some fifteen calls.
    """
    try:
        save(items)
    except VALUE_ERRORS as error:
        if len(items) > 1:
            middle = len(items) // 2
            return unsavable_items(items[:middle], save) + unsavable_items(items[middle:], save)
        # Of an error that is not ours only the name is told: its words may hold anything.
        log.info("Set aside: %s", error if isinstance(error, ValuesRefused) else type(error).__name__)
        return list(items)
    return []


def dry_run(warehouse: Warehouse, work: Callable[[Connection], object]) -> None:
    """Does the work in a transaction, and takes it back."""

    def taken_back(connection: Connection) -> None:
        work(connection)
        raise RolledBack

    with suppress(RolledBack):
        warehouse.transaction(taken_back)
