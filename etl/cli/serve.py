"""`brapped serve` and `brapped invite`: the web application, and who may register with it."""

from typing import Annotated

import typer

from etl.cli.fast_imports import quick_imports
from etl.extras import must_be_installed


def serve(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at. Others than 127.0.0.1 need a proxy with TLS in front.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen at.")] = 8000,
    trusted_proxies: Annotated[
        str | None,
        typer.Option(
            "--proxy-headers",
            metavar="ADDRESSES",
            help="Behind a proxy: its addresses, after commas, whose X-Forwarded headers count.",
        ),
    ] = None,
) -> None:
    """Serve the web application. Runs until you end it; docs/web.md.

    Example: brapped serve
    """
    for package in ("fastapi", "uvicorn", "python_multipart", "PIL", "prometheus_client"):
        must_be_installed(package)
    with quick_imports():
        from etl import __version__
        from etl.clock import utc_now
        from etl.jobs.run import APP_SETTINGS
        from etl.settings import read_settings
        from etl.warehouse.open import opened
        from etl.web import server

    settings = read_settings()
    with opened(settings, *APP_SETTINGS, pool_size=server.CONNECTIONS, tries=server.TRIES) as warehouse:
        warehouse.migrate(utc_now(), __version__)
        server.serve(
            settings,
            warehouse,
            host=host,
            port=port,
            trusted_proxies=trusted_proxies,
            ready=lambda url: typer.echo(f"Brapped is at {url} . Ctrl-C ends it.", err=True),
        )


def invite(
    note: Annotated[str | None, typer.Argument(help="For whom it is, for your own list.")] = None,
    is_list: Annotated[bool, typer.Option("--list", help="List all invitations.")] = False,
    revoke: Annotated[
        int | None, typer.Option("--revoke", metavar="N", min=1, max=2_147_483_647, help="Take invitation N back.")
    ] = None,
) -> None:
    """Make an address with which one person may register with the web application, within 14 days.

    Example: brapped invite "Ann from work"
    """
    with quick_imports():
        from etl import __version__
        from etl.cli.output import harmless
        from etl.clock import utc_now
        from etl.notices import moment
        from etl.settings import read_settings
        from etl.warehouse.open import opened
        from etl.web import invitations

    settings, now = read_settings(), utc_now()
    with opened(settings) as warehouse:
        warehouse.migrate(now, __version__)
        if is_list:
            rows = warehouse.transaction(invitations.invitations)
            for row in rows:
                state = (
                    f"used {moment(row.used_at)}"
                    if row.used_at
                    else f"ended {moment(row.ends_at)}"
                    if row.ends_at <= now
                    else f"works until {moment(row.ends_at)}"
                )
                typer.echo(harmless(f"{row.invitation_key}  {state}  {row.note or ''}".rstrip()))
            if not rows:
                typer.echo("There is no invitation. 'brapped invite' makes one.", err=True)
        elif revoke is not None:
            warehouse.transaction(lambda connection: invitations.revoke(connection, revoke))
            typer.echo(f"Invitation {revoke} is taken back.", err=True)
        else:
            number, token = warehouse.transaction(lambda connection: invitations.invite(connection, note, now))
            typer.echo(f"Invitation {number}. It works once, within two weeks:", err=True)
            typer.echo(f"{settings.web_url or 'http://127.0.0.1:8000'}/invitation/{token}")
