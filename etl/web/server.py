"""Serve the web application until it is ended: uvicorn, and connections that are given back when nobody reads."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from etl.clock import utc_now
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.web.app import app_of
from etl.web.imports_under_way import ImportsUnderWay
from etl.web.records import Records, prepare_role
from etl.web.site import site_of

log = logging.getLogger(__name__)

CONNECTIONS = 8  # to Postgres at most; more requests at once wait for one
TRIES = 3  # of a transaction: a suspended database wakes up meanwhile, and nobody waits longer for a page
IDLE_S = 60.0  # without a request, after which the connections are closed, so that a database can sleep
GRACE_S = 20  # for requests under way when the server is ended


class Idle:
    """Closes the connections to the database when nobody has asked for anything for IDLE_S."""

    def __init__(self, app: ASGIApp, warehouse: Warehouse) -> None:
        self.app = app
        self.warehouse = warehouse
        self.asked_s = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked_s = time.monotonic()
        await self.app(scope, receive, send)

    async def watch(self) -> None:
        """Look again and again, for ever."""
        is_closed = False
        while True:
            await asyncio.sleep(IDLE_S / 4)
            is_idle = time.monotonic() - self.asked_s > IDLE_S
            if is_idle and not is_closed:
                self.warehouse.engine.dispose()
            is_closed = is_idle


def serve(
    settings: Settings,
    warehouse: Warehouse,
    *,
    host: str,
    port: int,
    trusted_proxies: str | None,
    ready: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished. `ready` gets the address.

    trusted_proxies: addresses of proxies whose X-Forwarded headers count, after commas; None: no proxy.
    Raises RoleError, WarehouseError, OSError for a port that is taken.
    """
    prepare_role(warehouse)
    site = site_of(settings, Records(warehouse), utc_now, port)
    idle = Idle(app_of(site), warehouse)
    config = uvicorn.Config(
        idle,
        host=host,
        port=port,
        access_log=False,  # addresses and paths are nobody's business
        log_config=None,
        server_header=False,
        proxy_headers=trusted_proxies is not None,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=GRACE_S,
    )

    async def watch() -> None:
        await asyncio.gather(idle.watch(), forget_uploads(site.imports))

    asyncio.run(run(uvicorn.Server(config), watch, lambda: ready(site.url)))


async def forget_uploads(imports: ImportsUnderWay) -> None:
    """Delete again and again, for ever, the uploads that nobody answers."""
    while True:
        await asyncio.sleep(IDLE_S)
        await asyncio.to_thread(imports.expire)


async def run(server: uvicorn.Server, watch: Callable[[], Awaitable[None]], ready: Callable[[], None]) -> None:
    """Run the server beside its watch, and say when it takes requests."""

    async def announce() -> None:
        while not server.started:
            await asyncio.sleep(0.02)
        ready()
        await watch()

    beside = asyncio.ensure_future(announce())
    try:
        await server.serve()
    finally:
        beside.cancel()
        with suppress(asyncio.CancelledError):
            await beside
