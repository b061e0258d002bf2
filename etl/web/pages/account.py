"""The way out: log out here, or everywhere."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from etl.web.sessions import end_session
from etl.web.visitors import TheSite, TheVisitor, cookie_name, cookie_options

router = APIRouter(include_in_schema=False)


@router.post("/logout")
def logout(visitor: TheVisitor, site: TheSite, everywhere: Annotated[str, Form()] = "") -> Response:
    """Log out here, or everywhere."""
    session_hash = None if everywhere == "true" else visitor.session_hash
    site.records.change(lambda connection: end_session(connection, visitor.listener_key, session_hash))
    response = RedirectResponse("/welcome", 303)
    response.delete_cookie(cookie_name(site), **cookie_options(site))
    return response
