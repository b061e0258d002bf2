"""What a listener sets: time zone, what counts as a play, name, comparison, sessions, an app of their own."""

import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from pydantic import SecretStr
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from etl.auth.encryption import Keys
from etl.jobs.listeners import LONGEST_NAME, rename_listener
from etl.reports.model import COUNTS_AS
from etl.warehouse.listeners import ListenerError
from etl.warehouse.statements import run
from etl.warehouse.time_zones import update_time_zone
from etl.web import rendering
from etl.web.sessions import Visitor, end_session, sessions_of
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

SETTINGS = "/settings"
CREDENTIAL = re.compile(r"[0-9a-f]{32}")  # client ids and secrets as Spotify's dashboard shows them


def shown(visitor: Visitor, site: TheSite, problem: str = "", status: int = 200) -> Response:
    """The page of settings. `problem`: a sentence about what was not changed."""

    def work(connection: Connection) -> tuple[list[str], bool, list[object], object]:
        [own] = run(connection, "ops/listeners/listed", listener_key=visitor.listener_key)
        apps = run(connection, "ops/web/own_app", listener_key=visitor.listener_key)
        sessions = sessions_of(connection, visitor.listener_key, site.clock())
        return zones_of(connection), own.is_renamed, list(sessions), apps[0].added_at if apps else None

    zones, is_renamed, sessions, app_added_at = site.records.change(work)
    own_zone = visitor.listener.time_zone.key
    return rendering.page(
        "settings.html",
        status=status,
        visitor=visitor,
        path=SETTINGS,
        problem=problem,
        zones=zones if own_zone in zones else [own_zone, *zones],
        zone_of_settings=site.settings.time_zone,
        counts=COUNTS_AS,
        is_renamed=is_renamed,
        longest_name=LONGEST_NAME,
        sessions=sessions,
        handle=handle_of,
        app_added_at=app_added_at,
    )


ZONES: list[list[str]] = []  # once known, the same for as long as the program runs


def zones_of(connection: Connection) -> list[str]:
    """The names of time zones that both this computer and Postgres know."""
    if not ZONES:
        known = {row.time_zone for row in run(connection, "ops/web/time_zones")}
        ZONES.append(sorted(known & names_here()))
    return ZONES[0]


@cache
def names_here() -> frozenset[str]:
    """The IANA names that this computer knows."""
    return frozenset(available_timezones())


@router.get(SETTINGS)
def settings(visitor: TheVisitor, site: TheSite) -> Response:
    """What the listener set, and where they are logged in."""
    return shown(visitor, site)


@router.post(f"{SETTINGS}/time-zone")
def set_time_zone(visitor: TheVisitor, site: TheSite, time_zone: Annotated[str, Form()] = "") -> Response:
    """Set the zone, and derive the local days of all plays again."""

    def work(connection: Connection) -> str | None:
        if time_zone not in zones_of(connection):
            return "There is no such time zone here. Nothing was changed."
        return update_time_zone(connection, visitor.listener_key, time_zone)

    problem = site.records.change(work)
    return shown(visitor, site, f"{problem[0].upper()}{problem[1:]}", 400) if problem else back()


@router.post(f"{SETTINGS}/counting")
def set_counting(visitor: TheVisitor, site: TheSite, counts_as: Annotated[str, Form()] = "") -> Response:
    """Set what counts as a play."""
    if counts_as not in COUNTS_AS:
        return shown(visitor, site, "That is no way to count plays. Nothing was changed.", 400)
    save(visitor, site, counts_as=counts_as)
    return back()


@router.post(f"{SETTINGS}/comparison")
def set_comparison(visitor: TheVisitor, site: TheSite, is_open: Annotated[str, Form()] = "") -> Response:
    """Agree to comparison with others who agree too, or no longer."""
    save(visitor, site, is_open_to_comparison=is_open == "yes")
    return back()


def save(
    visitor: Visitor, site: TheSite, *, counts_as: str | None = None, is_open_to_comparison: bool | None = None
) -> None:
    """Keep a setting; what is None stays as it was."""
    site.records.change(
        lambda connection: run(
            connection,
            "ops/web/setting_saved",
            listener_key=visitor.listener_key,
            counts_as=counts_as,
            is_open_to_comparison=is_open_to_comparison,
        )
    )


@router.post(f"{SETTINGS}/name")
def set_name(
    visitor: TheVisitor, site: TheSite, name: Annotated[str, Form()] = "", of_spotify: Annotated[str, Form()] = ""
) -> Response:
    """Set the name that is shown, or go back to the one that Spotify tells."""
    chosen = None if of_spotify == "yes" else name.strip()
    try:
        rename_listener(
            site.records.warehouse,
            visitor.listener.listener_id,
            chosen,
            dry_run=False,
            is_public=False,
            clock=site.clock,
        )
    except ListenerError as error:
        return shown(visitor, site, f"{error} Nothing was changed.", 400)
    return back()


def handle_of(session_hash: bytes) -> str:
    """By what a page names a session: the beginning of its hash, with which nobody can log in."""
    return bytes(session_hash).hex()[:16]


@router.post(f"{SETTINGS}/sessions/end")
def end_one(visitor: TheVisitor, site: TheSite, session: Annotated[str, Form()] = "") -> Response:
    """Log out one browser. Raises HTTPException (404) for a session that is not the listener's."""

    def work(connection: Connection) -> bytes | None:
        for one in sessions_of(connection, visitor.listener_key, site.clock()):
            if handle_of(one.session_hash) == session:
                end_session(connection, visitor.listener_key, bytes(one.session_hash))
                return bytes(one.session_hash)
        return None

    ended = site.records.change(work)
    if ended is None:
        raise HTTPException(404, "You are not logged in there, or no longer.")
    return RedirectResponse("/welcome", 303) if ended == bytes(visitor.session_hash) else back()


@router.post(f"{SETTINGS}/app")
def set_app(
    visitor: TheVisitor,
    site: TheSite,
    client_id: Annotated[SecretStr, Form()] = SecretStr(""),  # noqa: B008  nothing changes it
    client_secret: Annotated[SecretStr, Form()] = SecretStr(""),  # noqa: B008
) -> Response:
    """Keep an app of the listener's own, encrypted."""
    told = [one.get_secret_value().strip() for one in (client_id, client_secret)]
    if not all(map(CREDENTIAL.fullmatch, told)):
        return shown(
            visitor,
            site,
            "Client id and client secret have 32 characters each, 0 to 9 and a to f: copy both again from Spotify's"
            " developer dashboard. Nothing was changed.",
            400,
        )
    keys = Keys(site.settings)
    site.records.change(
        lambda connection: run(
            connection,
            "ops/web/own_app_saved",
            listener_key=visitor.listener_key,
            client_id_encrypted=keys.encrypt(told[0]),
            client_secret_encrypted=keys.encrypt(told[1]),
            now=site.clock(),
        )
    )
    return back()


@router.post(f"{SETTINGS}/app/remove")
def remove_app(visitor: TheVisitor, site: TheSite) -> Response:
    """Forget the app of the listener's own."""
    site.records.change(
        lambda connection: run(connection, "ops/web/own_app_removed", listener_key=visitor.listener_key)
    )
    return back()


def back() -> Response:
    return RedirectResponse(SETTINGS, 303)
