"""The commands: each is a few lines around a job, and imports its modules when it runs."""

import io
import json
import logging
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from etl import __version__, interrupts
from etl.cli import exclude as exclude_cli
from etl.cli import imports as import_cli
from etl.cli import listener as listener_cli
from etl.cli import login as login_cli
from etl.cli import rebuild as rebuild_cli
from etl.cli import record as record_cli
from etl.cli import recordings as recordings_cli
from etl.cli import report as report_cli
from etl.cli import serve as serve_cli
from etl.cli.fast_imports import quick_imports
from etl.cli.once import once
from etl.cli.output import harmless, on_summary, show_outcome
from etl.extras import missing_extra
from etl.refused_values import in_plain_words


class Commands(TyperGroup):
    """The commands as a group: Ctrl-C ends each the same way, a refused value is explained in plain words, and an option of
    one value is not taken twice."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return once(super().get_command(ctx, cmd_name))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("Stopped. Nothing is left half done.", err=True)
            raise typer.Exit(interrupts.STATUS) from None
        except typer.BadParameter as error:
            error.message = in_plain_words(error.message)
            raise


app = typer.Typer(
    name="brapped",
    cls=Commands,
    help="Everything you play on Spotify, as a star schema in a Postgres of your own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


app.add_typer(report_cli.report, name="report")
app.add_typer(recordings_cli.recordings, name="recordings")
app.add_typer(listener_cli.listener, name="listener")
app.command()(report_cli.search)
app.command("import")(import_cli.import_)
app.add_typer(exclude_cli.exclude, name="exclude")
app.command()(login_cli.login)
app.command()(rebuild_cli.rebuild)
app.command()(record_cli.record)
app.command()(record_cli.now)
app.command()(serve_cli.serve)
app.command()(serve_cli.invite)


@app.callback(invoke_without_command=True)
def brapped(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback when a command fails.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Read the warehouse that 'brapped demo' made. Only for report, search and status."),
    ] = False,
) -> None:
    context.obj |= {"debug": debug, "demo": demo}
    if version:
        typer.echo(f"brapped {__version__}")
        raise typer.Exit
    if demo and context.invoked_subcommand not in (None, *READING):
        raise typer.BadParameter(
            f"--demo only reads, with report, search or status; leave it out of 'brapped {context.invoked_subcommand}'"
        )


READING = ("report", "search", "status")  # the commands that change nothing


@app.command()
def plays(
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing unless something is new or wrong; for cron.")
    ] = False,
) -> None:
    """Record what you played since the last run. Fetches your last 50 plays from Spotify; run it every hour.

    Example: brapped plays
    """
    with quick_imports():
        from etl.jobs.monitored import run_monitored
        from etl.jobs.plays import record_plays
        from etl.jobs.run import APP_SETTINGS
        from etl.jobs.workflow_files import write_output

    if quiet:
        logging.getLogger("etl").setLevel(logging.WARNING)  # where it records is no news
    outcome, settings = run_monitored("plays", APP_SETTINGS, record_plays)
    show_outcome(outcome, settings, quiet=quiet)
    write_output(settings, "report_due", str(outcome.is_report_due).lower())


@app.command()
def dimensions() -> None:
    """Fetch details of tracks, artists and albums. The most played first, within a daily budget of calls.

    Example: CATALOGUE_DAILY_BUDGET=100 brapped dimensions
    """
    with quick_imports():
        from etl.jobs.dimensions import fill_dimensions
        from etl.jobs.monitored import run_monitored
        from etl.jobs.run import APP_SETTINGS
        from etl.terminal import bar

    with bar("dimensions") as progress:
        outcome, settings = run_monitored("dimensions", APP_SETTINGS, partial(fill_dimensions, progress=progress))
    show_outcome(outcome, settings)


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show how fresh, complete and healthy the record is. Exits with 1 when something needs you.

    Example: brapped status
    """
    with quick_imports():
        from etl import limits
        from etl.cli.reading import opened_to_read
        from etl.health import checks as health
        from etl.health import text as health_text
        from etl.health.public import nameless
        from etl.jobs.recorder.standing import local_recorder
        from etl.terminal import plain, terminal
        from etl.warehouse.readable import must_see_bookkeeping

    with opened_to_read(context) as (settings, warehouse, clock):
        warehouse.transaction(must_see_bookkeeping)
        warehouse.must_be_current()
        local = None if context.obj["demo"] else local_recorder(settings, clock())
        found = warehouse.transaction(
            lambda connection: health.inspect_all(connection, settings, clock(), local), limits.READING
        )
    if context.obj["demo"]:  # the demo's clock is fixed
        found = replace(found, clock_skew_s=0.0, findings=tuple(one for one in found.findings if one.cause != "clock"))
    if settings.github_actions:
        found = nameless(found)
    if as_json:
        typer.echo(json.dumps(health.as_json(found), indent=2, default=datetime.isoformat))
    elif (console := terminal()).is_terminal:
        console.print(health_text.as_renderable(found))
    else:
        typer.echo(plain(health_text.as_renderable(found)), nl=False)
    if found.findings:
        raise typer.Exit(1)


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Folder for the demo's own Postgres, which is emptied first.")
    ] = None,
) -> None:
    """Run the jobs on a simulated Spotify. The Postgres is the demo's own; no account, no network.

    Read the result with: brapped --demo report daily

    Example: brapped demo
    """
    with quick_imports():
        from etl.demo import demo_folder, run_demo

    run_demo(folder or demo_folder())


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    options_metavar="[OPTIONS, see --help]",
)
def migrate(context: typer.Context) -> None:
    """Update, move, back up or restore the database. The options are those of migrate.py.

    Example: brapped migrate --backup brapped.zip
    """
    with quick_imports():
        from etl.cli.migrate import main_of_migrate

        main = main_of_migrate()
    raise typer.Exit(main(context.args, "brapped migrate", context.obj["debug"]))


class Log(logging.Handler):
    """Writes the log to the present sys.stderr, so that a progress bar there stays below it."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{harmless(self.format(record))}\n")


def main() -> NoReturn:
    """Run the command line and exit.

    Status: 0 for success; 1 for failure, with one plain line on stderr; 2 for a wrong command line; 130 after Ctrl-C.
    """
    interrupts.exit_on_interrupt()
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[Log()])
    logging.getLogger("etl").setLevel(logging.INFO)
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if number := getattr(signal, name, None):
            # SystemExit unwinds the stack, which stops the embedded Postgres and other children
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # the encoding of a pipe on Windows may lack box-drawing characters
    state = {"debug": False, "demo": False}
    try:
        app(obj=state)
    except Exception as error:
        if state["debug"]:
            raise
        failure = error
    finally:
        interrupts.ignore_interrupts()
    # Printed outside the handler, so that no chained exception reaches the log.
    is_ours = type(failure).__module__.startswith("etl.")
    unexpected = f"an unexpected {type(failure).__name__}; 'brapped --debug …' shows where"
    line = harmless(f"brapped: {missing_extra(failure) or (failure if is_ours else unexpected)}")
    typer.echo(line, err=True)
    with suppress(OSError):  # failing to write the summary must not hide the failure itself
        on_summary(line)
    sys.exit(1)
