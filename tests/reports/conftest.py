"""What the tests of reports share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from support import asked, fresh_database
from support.real_exports import ACCOUNT, EXTENDED, imported_once

from etl.warehouse.connection import Warehouse


@pytest.fixture
def real_exports(cluster: str, template: str) -> Iterator[tuple[Warehouse, Callable[..., list[tuple]]]]:
    """A warehouse with the real exports of a listener in Berlin, and how to ask it."""
    name, _ = imported_once(cluster, template, EXTENDED, ACCOUNT, time_zone="Europe/Berlin")
    with contextmanager(fresh_database)(cluster, name) as database:
        warehouse = Warehouse(database)
        yield warehouse, lambda statement, *values: asked(database, statement, *values)
        warehouse.close()
