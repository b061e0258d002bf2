"""The dependencies of routes: the site, and the listener who is logged in."""

from typing import Annotated, Any, cast

from fastapi import Depends, Request

from etl.web.sessions import Visitor, find_visitor
from etl.web.site import Site

LOGIN_COOKIE_S = 600  # as long as Spotify's code is valid


class LoginNeeded(Exception):
    """The route is for listeners, and nobody is logged in."""


def site_in(request: Request) -> Site:
    """The site that the application serves."""
    return cast(Site, request.app.state.site)


def cookie_name(site: Site, kind: str = "session") -> str:
    """The name of a cookie. With TLS its prefix makes browsers refuse one that another host, or no TLS, has set."""
    return f"__Host-brapped-{kind}" if site.is_https else f"brapped-{kind}"


def cookie_options(site: Site) -> dict[str, Any]:
    """For `set_cookie` and `delete_cookie`. Lax, not strict, or the way back from Spotify would lose it."""
    return {"path": "/", "httponly": True, "secure": site.is_https, "samesite": "lax"}


def visitor_in(request: Request) -> Visitor | None:
    """The listener who is logged in; None if nobody is. Raises WarehouseError."""
    site = site_in(request)
    token = request.cookies.get(cookie_name(site))
    if not token:
        return None
    return site.records.change(lambda connection: find_visitor(connection, token, site.clock()))


def needed_visitor(visitor: Annotated[Visitor | None, Depends(visitor_in)]) -> Visitor:
    """The listener who is logged in. Raises LoginNeeded."""
    if visitor is None:
        raise LoginNeeded
    return visitor


SomeVisitor = Annotated[Visitor | None, Depends(visitor_in)]
TheVisitor = Annotated[Visitor, Depends(needed_visitor)]
TheSite = Annotated[Site, Depends(site_in)]
