"""`brapped login`: one browser trip, from a terminal or in two runs of a workflow on GitHub."""

import json
import subprocess
import sys
import webbrowser
from shutil import which
from typing import TYPE_CHECKING, Annotated

import typer

from etl import limits
from etl.cli.fast_imports import quick_imports
from etl.cli.output import on_summary

if TYPE_CHECKING:
    from etl.auth.oauth import CompletedLogin
    from etl.settings import Settings
    from etl.warehouse.connection import Warehouse

SECRET = "SPOTIFY_REFRESH_TOKEN"  # noqa: S105  the name, not the value


def login(
    no_browser: Annotated[
        bool,
        typer.Option(
            "--no-browser", help="Print an address to open in any browser, and ask for the address it ends at."
        ),
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, help="Port of the redirect URI in Spotify's dashboard; 0: any free port."
        ),
    ] = 8888,
    github: Annotated[
        str | None,
        typer.Option(
            "--github",
            metavar="OWNER/REPO",
            help=f"Store the login as the secret {SECRET} of that repository, with the program gh.",
        ),
    ] = None,
    print_token: Annotated[
        bool, typer.Option("--print-token", help="Print the refresh token, for an installation with another database.")
    ] = False,
) -> None:
    """Log in to Spotify with one browser trip. The login is valid for six months and kept encrypted in the database.

    Example: brapped login
    """
    with quick_imports():
        from etl.auth import oauth as trips
        from etl.jobs.run import APP_SETTINGS
        from etl.reports.labels import in_a_line
        from etl.settings import read_settings
        from etl.warehouse.open import opened

    settings = read_settings()
    if github is not None:
        must_be_reachable(github)
    with opened(settings, *APP_SETTINGS) as warehouse:
        if settings.github_actions:
            if print_token:
                raise typer.BadParameter("--print-token is not for GitHub, where others may read the log")
            in_two_runs(settings, warehouse, port)
            return
        for scope, why in trips.SCOPES.items():
            typer.echo(f"Spotify will ask you to agree to {scope}: {why}.", err=True)
        agreed = by_hand(settings, warehouse, port) if no_browser else by_browser(settings, warehouse, port)
    typer.echo(lasting(agreed, f"Logged in as {in_a_line(agreed.listener_name)}."), err=True)
    typer.echo("It is kept, encrypted, in the database: 'brapped plays' there uses it from now on.", err=True)
    if print_token:
        typer.echo(f"For a place that records into another database, its {SECRET} is:", err=True)
        typer.echo(agreed.token)
    if github is not None:
        set_secret(github, agreed.token)
        typer.echo(f"The secret {SECRET} of {github} is set.", err=True)


def by_browser(settings: "Settings", warehouse: "Warehouse", port: int) -> "CompletedLogin":
    """Opens the browser and waits for Spotify to send it back."""
    from etl.auth import oauth as trips
    from etl.auth.callback_server import CallbackServer

    made: list[CompletedLogin] = []

    def answered(address: str) -> tuple[str, str]:
        made.append(trips.complete_login(settings, warehouse, trip, address))
        return "You are logged in", lasting(made[0], "You can close this page; the terminal goes on.")

    with CallbackServer(port) as loopback:
        trip = trips.begin_login(settings, loopback.redirect_uri)
        typer.echo(f"If no browser opens, open this address on this computer:\n\n{trip.address}\n", err=True)
        webbrowser.open(trip.address)
        loopback.wait(lambda address: trips.query_of(address).get("state") == trip.state, answered)
    return made[0]


def by_hand(settings: "Settings", warehouse: "Warehouse", port: int) -> "CompletedLogin":
    """Prints the address to open, and reads the one that the browser ended at from standard input."""
    from etl.auth import oauth as trips

    trip = trips.begin_login(settings, trips.redirect_uri(port))
    typer.echo(f"Open this address in any browser, and agree:\n\n{trip.address}\n", err=True)
    typer.echo(
        "It ends at a page that can't be reached (127.0.0.1). That is right: copy its whole address from the address"
        " bar.",
        err=True,
    )
    typer.echo("The address: ", nl=False, err=True)
    return trips.complete_login(settings, warehouse, trip, sys.stdin.readline())


def in_two_runs(settings: "Settings", warehouse: "Warehouse", port: int) -> None:
    """On GitHub, where nobody can type: the first run shows the address, the second takes the one it ended at."""
    from etl import __version__
    from etl.auth import oauth as trips
    from etl.auth.encryption import Keys
    from etl.clock import utc_now

    now, keys = utc_now(), Keys(settings)
    warehouse.migrate(now, __version__, views_may_wait=True)
    answer = typed_in(settings)
    if answer:
        trip = warehouse.transaction(lambda connection: trips.load_request(connection, answer, keys, now))
        agreed = trips.complete_login(settings, warehouse, trip, answer)
        line = lasting(agreed, "Connected: the login is kept, encrypted, in the database.")
        typer.echo(line)
        on_summary(line, "Now start the workflow *plays*, or wait for its next hour.")
        return
    trip = trips.begin_login(settings, trips.redirect_uri(port))
    warehouse.transaction(lambda connection: trips.save_request(connection, trip, keys, now))
    typer.echo("The address to open stands on the summary page of this run.")
    on_summary(
        f"### 1. [Open Spotify and agree]({trips.fully_encoded(trip.address)})",
        *(f"It asks for `{scope}`: {why}." for scope, why in trips.SCOPES.items()),
        "### 2. Copy the address of the page it ends at",
        "That page **can't be reached** (`127.0.0.1`). That is right: its address is all that is needed. Copy the whole"
        " of it from the address bar.",
        "### 3. Run this workflow again with it",
        "*Actions → connect → Run workflow*, and paste the address. Within ten minutes, or Spotify forgets it; then"
        " begin again.",
    )


def typed_in(settings: "Settings") -> str:
    """The input of this run on GitHub, or "". Read from the event file: the log shows the environment of every step."""
    if settings.github_event_path is None:
        return ""
    event = json.loads(settings.github_event_path.read_text(encoding="utf-8"))
    return str((event.get("inputs") or {}).get("answer") or "").strip()


def lasting(agreed: "CompletedLogin", before: str) -> str:
    from etl.auth.logins import ends_at

    return f"{before} This login lasts until {ends_at(agreed.consented_at):%Y-%m-%d}; you will be reminded before."


def must_be_reachable(repository: str) -> None:
    """Raises BadParameter, before the browser opens, when gh could not set the secret."""
    if which("gh") is None:
        raise typer.BadParameter("--github needs GitHub's program gh (https://cli.github.com), which is not here")
    if repository.count("/") != 1 or repository.startswith(("-", "/")) or repository.endswith("/"):
        raise typer.BadParameter("--github wants the repository as OWNER/REPO")
    if why := complaint_of_gh("repo", "view", repository, "--json", "name"):
        raise typer.BadParameter(f"gh can't see {repository}: {why}")


def set_secret(repository: str, token: str) -> None:
    from etl.auth.oauth import LoginError

    if why := complaint_of_gh("secret", "set", SECRET, "--repo", repository, text=token):
        raise LoginError(
            f"gh could not set the secret: {why}. The login itself is kept; run 'brapped login --print-token' to see"
            " the token."
        )


def complaint_of_gh(*arguments: str, text: str = "") -> str:
    """Why gh failed, in a line; empty when it succeeded. `text` is its standard input."""
    try:
        done = subprocess.run(
            [str(which("gh")), *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=limits.GH_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {limits.GH_S} s"
    return first_line(done.stderr) if done.returncode else ""


def first_line(text: str) -> str:
    return (text.strip().splitlines() or ["it does not say why"])[0].rstrip(".")
