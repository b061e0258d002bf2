"""The pages of everybody: welcome, log in, come back from Spotify, invitations, static files, health."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from etl.auth.oauth import LoginError
from etl.clock import WrongClock
from etl.spotify.errors import SpotifyError
from etl.web import rendering
from etl.web.metrics import CONTENT_TYPE_LATEST
from etl.web.registration import NotAllowed
from etl.web.sessions import LIFE
from etl.web.visitors import LOGIN_COOKIE_S, SomeVisitor, TheSite, cookie_name, cookie_options

router = APIRouter(include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"
AGAIN = ("/welcome", "Back")


@router.get("/welcome")
def welcome(visitor: SomeVisitor) -> Response:
    """What this is, and the way in."""
    if visitor is not None:
        return RedirectResponse("/", 303)
    return rendering.page("welcome.html", invitation=None)


@router.get("/invitation/{token}")
def invited(token: str, visitor: SomeVisitor) -> Response:
    """The way in for somebody with an invitation; whether it works is checked at the login."""
    if visitor is not None:
        return RedirectResponse("/", 303)
    return rendering.page("welcome.html", invitation=token)


@router.get("/login")
def login(site: TheSite, invitation: str | None = None) -> Response:
    """Off to Spotify, with a cookie that binds the login to this browser."""
    try:
        started = site.registration.start(invitation)
    except NotAllowed as error:
        return rendering.message("Not logged in", str(error), status=403, again=AGAIN)
    response = RedirectResponse(started.address, 303)
    response.set_cookie(
        cookie_name(site, "login"), started.browser_token, max_age=LOGIN_COOKIE_S, **cookie_options(site)
    )
    return response


@router.get("/callback")
def callback(request: Request, site: TheSite) -> Response:
    """Back from Spotify: the session begins, or a sentence says why not."""
    try:
        token = site.registration.finish(
            str(request.url),
            request.cookies.get(cookie_name(site, "login"), ""),
            request.headers.get("user-agent", ""),
        )
    except (LoginError, SpotifyError, WrongClock) as error:
        status = 403 if isinstance(error, NotAllowed) else 400
        response: Response = rendering.message("Not logged in", str(error), status=status, again=AGAIN)
    else:
        response = RedirectResponse("/", 303)
        life_s = int(LIFE.total_seconds())
        response.set_cookie(cookie_name(site), token, max_age=life_s, **cookie_options(site))
    response.delete_cookie(cookie_name(site, "login"), **cookie_options(site))
    return response


@router.get("/static/{version}/{name}")
def static(version: str, name: str) -> Response:
    """A static file; under an old version, the newest."""
    file = rendering.static_files().get(name)
    if file is None:
        return Response(status_code=404)
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": FOR_EVER})


@router.get("/health")
def health() -> Response:
    """That the program runs. Asks no database, so a free one sleeps on."""
    return Response("ok\n", media_type="text/plain")


@router.get("/metrics")
def metrics(request: Request, site: TheSite) -> Response:
    """Counts for Prometheus, for programs on the same computer that ask past any proxy."""
    is_direct = not any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-proto"))
    if not (is_direct and request.client and request.client.host in ("127.0.0.1", "::1")):
        return Response(status_code=404)
    return Response(site.metrics.as_text(), media_type=CONTENT_TYPE_LATEST)
