"""How every command begins: the warehouse of its settings, opened, and the time."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from etl.clocks import Clock
from etl.embedded import embedded_postgres
from etl.settings import Settings
from etl.warehouse import Warehouse

log = logging.getLogger(__name__)

__all__ = ["Clock", "opened", "utc_now"]


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def opened(settings: Settings, *needed: str, clock: Clock = utc_now) -> Iterator[Warehouse]:
    """The warehouse of these settings, after a look whether all that is `needed` is set: the Postgres at DATABASE_URL,
    or else the program's own, which runs as long as somebody uses it. Raises SettingsError and EmbeddedError."""
    settings.need(*needed)
    with ExitStack() as stack:
        if settings.database_url is None:
            log.info("DATABASE_URL is not set: the record is in %s", settings.brapped_home / "postgres")
            url = stack.enter_context(embedded_postgres(settings.brapped_home / "postgres"))
        else:
            url = settings.database_url.get_secret_value()
        warehouse = Warehouse(url, clock)
        stack.callback(warehouse.close)
        yield warehouse
