"""`brapped record` and `brapped now`: the player, all day long and at this moment."""

import json
from typing import Annotated

import typer

from etl.cli.fast_imports import quick_imports


def record(
    listener: Annotated[
        str | None, typer.Option("--listener", help="Id or name of the listener. Default: everybody who is logged in.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Ask once, record what that says, and end.")] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on for a recorder on another computer, which is gone.")
    ] = False,
) -> None:
    """Record what plays, all day long: every play with how long it was. Runs until you end it; docs/recorder.md.

    Example: brapped record
    """
    with quick_imports():
        from etl.jobs.recorder.record import record as record_job
        from etl.jobs.recorder.service import Service
        from etl.jobs.run import APP_SETTINGS
        from etl.settings import ServiceManager, read_settings
        from etl.warehouse.open import opened

    settings = read_settings()
    service = Service(ServiceManager().notify_socket)
    with opened(settings, *APP_SETTINGS) as warehouse:
        record_job(
            settings,
            warehouse,
            listener=listener,
            once=once,
            is_takeover=take_over,
            service=service,
            notify=lambda sentence: typer.echo(sentence, err=True),
        )


def now(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show what plays now and since when, as the recorder on this computer knows it.

    Example: brapped now
    """
    with quick_imports():
        from etl.cli.output import harmless
        from etl.clock import utc_now
        from etl.jobs.recorder.playing import playing_now, sentence
        from etl.settings import read_settings

    at = utc_now()
    playing = playing_now(read_settings(), at)
    if as_json:
        typer.echo(json.dumps(playing, default=str, indent=2))
    else:
        for one in playing:
            typer.echo(harmless(sentence(one, at)))
    if not playing:
        typer.echo("The recorder has had no answer yet. 'brapped status' says how it stands.", err=True)
        raise typer.Exit(1)
