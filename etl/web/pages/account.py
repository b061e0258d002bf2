"""The settings of a listener: where they are logged in, and the way out."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from etl.web import rendering
from etl.web.sessions import end_session, sessions_of
from etl.web.visitors import TheSite, TheVisitor, cookie_name, cookie_options

router = APIRouter(include_in_schema=False)


@router.get("/settings")
def settings(visitor: TheVisitor, site: TheSite) -> Response:
    """What the listener set, and where they are logged in."""
    sessions = site.records.change(lambda connection: sessions_of(connection, visitor.listener_key, site.clock()))
    return rendering.page("settings.html", visitor=visitor, path="/settings", sessions=sessions)


@router.post("/logout")
def logout(visitor: TheVisitor, site: TheSite, everywhere: Annotated[bool, Form()] = False) -> Response:
    """Log out here, or everywhere."""
    session_hash = None if everywhere else visitor.session_hash
    site.records.change(lambda connection: end_session(connection, visitor.listener_key, session_hash))
    response = RedirectResponse("/welcome", 303)
    response.delete_cookie(cookie_name(site), **cookie_options(site))
    return response
