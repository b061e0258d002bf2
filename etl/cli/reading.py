"""The warehouse of a command that only reads: the listener's own, or the demo's after `brapped --demo`."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from etl.clock import Clock, utc_now
from etl.settings import Settings, read_settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.open import opened


@contextmanager
def opened_to_read(context: typer.Context) -> Iterator[tuple[Settings, Warehouse, Clock]]:
    """Yield the settings, the open warehouse and its clock.

    With `--demo`, neither the environment's DATABASE_URL nor any .env is read, and the clock shows the demo's day.
    Raises SettingsError, EmbeddedError, WarehouseError and DemoError.
    """
    if context.obj["demo"]:
        from etl import demo

        with demo.opened_demo() as warehouse:
            yield demo.demo_settings(), warehouse, demo.demo_now
        return
    settings = read_settings()
    with opened(settings, only_reads=True) as warehouse:
        yield settings, warehouse, utc_now
