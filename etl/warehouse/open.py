"""Open the warehouse that the settings name."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from etl.clock import Clock, utc_now
from etl.settings import Settings
from etl.warehouse.connection import TRIES, Warehouse
from etl.warehouse.errors import WarehouseError

if TYPE_CHECKING:
    from etl.embedded.postgres import EmbeddedServer

log = logging.getLogger(__name__)

EMBEDDED = "the address of the embedded Postgres"  # for error messages: nobody has set DATABASE_URL

__all__ = ["Clock", "opened", "utc_now"]


@contextmanager
def opened(
    settings: Settings,
    *needed: str,
    clock: Clock = utc_now,
    only_reads: bool = False,
    pool_size: int = 1,
    tries: int = TRIES,
) -> Iterator[Warehouse]:
    """The warehouse at DATABASE_URL, or else in the embedded Postgres, which runs while at least one process uses it.

    `only_reads`: what the log says of it; it keeps nobody from writing. `pool_size`, `tries`: of the Warehouse.
    Raises SettingsError if one of the `needed` settings is missing, EmbeddedError if the embedded Postgres fails.
    """
    settings.need(*needed)
    if line := settings.database_notice(only_reads=only_reads):
        log.info("%s", line)
    with ExitStack() as stack:
        if settings.database_url is None:
            # Imported here, so that a run with DATABASE_URL starts faster.
            from etl.embedded.postgres import embedded_server

            server = stack.enter_context(embedded_server(settings.embedded_folder))
            warehouse = Warehouse(
                server.url,
                clock,
                name=EMBEDDED,
                start_again=lambda: started_again(server),
                pool_size=pool_size,
                tries=tries,
            )
        else:
            url = settings.database_url.get_secret_value()
            warehouse = Warehouse(url, clock, pool_size=pool_size, tries=tries)
        stack.callback(warehouse.close)
        yield warehouse


def started_again(server: "EmbeddedServer") -> str:
    """Start the embedded Postgres unless it answers, as after a kill; its URL. Raises WarehouseError."""
    from etl.embedded.binaries import EmbeddedError

    try:
        server.start()
    except EmbeddedError as error:
        sentence = str(error)
    else:
        return server.url
    raise WarehouseError(sentence)
