"""`brapped login`: authorization in a browser, from a terminal or in two runs of a workflow on GitHub."""

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
        typer.Option("--no-browser", help="Print an address to open in any browser, and read the address it ends at."),
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
    """Log in to Spotify in a browser. The login is valid for six months and kept encrypted in the database.

    Example: brapped login
    """
    with quick_imports():
        from etl.auth import oauth
        from etl.jobs.recorder.new_login import note_login
        from etl.jobs.run import APP_SETTINGS
        from etl.reports.labels import in_a_line
        from etl.settings import read_settings
        from etl.warehouse.open import opened

    settings = read_settings()
    if github is not None:
        check_repository(github)
    with opened(settings, *APP_SETTINGS) as warehouse:
        if settings.github_actions:
            if print_token:
                raise typer.BadParameter("--print-token is not for GitHub, where others may read the log")
            login_on_github(settings, warehouse, port)
            return
        for scope, why in oauth.SCOPES.items():
            typer.echo(f"Spotify will ask you to agree to {scope}: {why}.", err=True)
        log_in = login_without_browser if no_browser else login_with_browser
        agreed = log_in(settings, warehouse, port)
    note_login(settings)
    typer.echo(with_expiry(agreed, f"Logged in as {in_a_line(agreed.listener_name)}."), err=True)
    typer.echo("It is kept, encrypted, in the database: 'brapped plays' there uses it from now on.", err=True)
    if print_token:
        typer.echo(f"For a place that records into another database, its {SECRET} is:", err=True)
        typer.echo(agreed.token)
    if github is not None:
        set_secret(github, agreed.token)
        typer.echo(f"The secret {SECRET} of {github} is set.", err=True)


def login_with_browser(settings: "Settings", warehouse: "Warehouse", port: int) -> "CompletedLogin":
    """Open the browser and wait until Spotify redirects it to this computer. Raises LoginError."""
    from etl.auth import oauth
    from etl.auth.callback_server import CallbackServer

    made: list[CompletedLogin] = []

    def answered(address: str) -> tuple[str, str]:
        made.append(oauth.complete_login(settings, warehouse, request, address))
        return "You are logged in", with_expiry(made[0], "You can close this page; the terminal goes on.")

    with CallbackServer(port) as server:
        request = oauth.begin_login(settings, server.redirect_uri)
        typer.echo(f"If no browser opens, open this address on this computer:\n\n{request.address}\n", err=True)
        webbrowser.open(request.address)
        server.wait(lambda address: oauth.query_of(address).get("state") == request.state, answered)
    return made[0]


def login_without_browser(settings: "Settings", warehouse: "Warehouse", port: int) -> "CompletedLogin":
    """Print the address to open, and read the one that the browser ended at from standard input. Raises LoginError."""
    from etl.auth import oauth

    request = oauth.begin_login(settings, oauth.redirect_uri(port))
    typer.echo(f"Open this address in any browser, and agree:\n\n{request.address}\n", err=True)
    typer.echo(
        "The browser ends at a page that can't be reached (127.0.0.1). That is expected: copy the whole address from"
        " the address bar.",
        err=True,
    )
    typer.echo("The address: ", nl=False, err=True)
    return oauth.complete_login(settings, warehouse, request, sys.stdin.readline())


def login_on_github(settings: "Settings", warehouse: "Warehouse", port: int) -> None:
    """Log in from a workflow: the first run shows the address to open, the second gets the one it ended at.

    Raises LoginError and WarehouseError.
    """
    from etl import __version__
    from etl.auth import oauth
    from etl.auth.encryption import Keys
    from etl.clock import utc_now

    now, keys = utc_now(), Keys(settings)
    warehouse.migrate(now, __version__, views_may_wait=True, plays_may_wait=True)
    answer = pasted_address(settings)
    if answer:
        request = warehouse.transaction(lambda connection: oauth.load_request(connection, answer, keys, now))
        agreed = oauth.complete_login(settings, warehouse, request, answer)
        line = with_expiry(agreed, "Connected: the login is kept, encrypted, in the database.")
        typer.echo(line)
        on_summary(line, "Now start the workflow *plays*, or wait for its next hour.")
        return
    request = oauth.begin_login(settings, oauth.redirect_uri(port))
    warehouse.transaction(lambda connection: oauth.save_request(connection, request, keys, now))
    typer.echo("The address to open is on the summary page of this run.")
    on_summary(
        f"### 1. [Open Spotify and agree]({oauth.fully_encoded(request.address)})",
        *(f"Spotify asks you to agree to `{scope}`: {why}." for scope, why in oauth.SCOPES.items()),
        "### 2. Copy the address of the page it ends at",
        "That page **can't be reached** (`127.0.0.1`). That is expected: only its address is needed. Copy all of it"
        " from the address bar.",
        "### 3. Run this workflow again with it",
        "*Actions → connect → Run workflow*, and paste the address within ten minutes. After that it is no longer"
        " valid, and you begin again.",
    )


def pasted_address(settings: "Settings") -> str:
    """The input of this run on GitHub, or "". Read from the event file: the log shows the environment of every step."""
    if settings.github_event_path is None:
        return ""
    event = json.loads(settings.github_event_path.read_text(encoding="utf-8"))
    return str((event.get("inputs") or {}).get("answer") or "").strip()


def with_expiry(agreed: "CompletedLogin", before: str) -> str:
    """The sentence `before`, followed by the date on which the login ends."""
    from etl.auth.logins import ends_at

    return f"{before} This login lasts until {ends_at(agreed.consented_at):%Y-%m-%d}; you will be reminded before."


def check_repository(repository: str) -> None:
    """Raises BadParameter when gh could not set the secret; called before the browser opens."""
    if which("gh") is None:
        raise typer.BadParameter("--github needs GitHub's program gh (https://cli.github.com), which is not here")
    if repository.count("/") != 1 or repository.startswith(("-", "/")) or repository.endswith("/"):
        raise typer.BadParameter("write the repository of --github as OWNER/REPO")
    if why := gh_error("repo", "view", repository, "--json", "name"):
        raise typer.BadParameter(f"gh can't see {repository}: {why}")


def set_secret(repository: str, token: str) -> None:
    """Store the refresh token as a secret of the repository. Raises LoginError."""
    from etl.auth.oauth import LoginError

    if why := gh_error("secret", "set", SECRET, "--repo", repository, text=token):
        raise LoginError(
            f"gh could not set the secret: {why}. The login itself is kept; run"
            " 'brapped login --print-token' to see the token."
        )


def gh_error(*arguments: str, text: str = "") -> str:
    """Run gh and return the first line of its error; empty when it succeeded. `text` is its standard input."""
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
    return (text.strip().splitlines() or ["it gave no reason"])[0].rstrip(".")
