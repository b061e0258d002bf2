"""Sharing: the links of a listener, and what whoever has such a link may see."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from etl.reports.formats.html import values_of, who
from etl.reports.model import Report
from etl.web import rendering
from etl.web.badge import badge
from etl.web.cards import SIZES, drawn
from etl.web.playing import playing_of
from etl.web.shared_pages import card_of, report_of
from etl.web.sharing import LIVES, Link, SharedPage, ShareError, links_of, opened_link, revoke, share
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

# Whoever has the link sees the page: search engines must not keep it, and other sites must not learn the address.
HEADERS = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
A_WHILE = {**HEADERS, "Cache-Control": "private, max-age=300"}
PICTURE = {**A_WHILE, "Cross-Origin-Resource-Policy": "cross-origin"}  # shown on other sites' pages
BADGE = {**PICTURE, "Cache-Control": "no-cache, max-age=0"}


@router.get("/settings/sharing")
def links(visitor: TheVisitor, site: TheSite) -> Response:
    """The links that the listener shares, and a form for another."""
    return links_page(visitor, site)


@router.post("/settings/sharing")
def make(
    visitor: TheVisitor,
    site: TheSite,
    page: Annotated[str, Form()],
    year: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "artists",
    by: Annotated[str, Form()] = "plays",
    life: Annotated[str, Form()] = "month",
) -> Response:
    """Make a link, and show it once."""
    try:
        shared = SharedPage.of(page, {"year": year, "kind": kind, "by": by})
        token = site.records.change(
            lambda connection: share(connection, visitor.listener_key, shared, life, site.clock())
        )
    except ShareError as error:
        return rendering.message("Not shared", str(error), status=400, again=("/settings/sharing", "Back"))
    address = f"{site.url}/shared/{token}" + ("/now.svg" if shared.name == "now" else "")
    return links_page(visitor, site, made=(shared, address))


@router.post("/settings/sharing/{number}/revoke")
def end(number: int, visitor: TheVisitor, site: TheSite) -> Response:
    """Revoke a link: its address shows nothing from now on."""
    if not site.records.change(lambda connection: revoke(connection, visitor.listener_key, number)):
        return rendering.message("There is no such link", "Nothing was changed.", status=404)
    return RedirectResponse("/settings/sharing", 303)


def links_page(visitor: TheVisitor, site: TheSite, made: tuple[SharedPage, str] | None = None) -> Response:
    now = site.clock()
    shared = site.records.change(lambda connection: links_of(connection, visitor.listener_key, now))
    return rendering.page(
        "sharing.html",
        visitor=visitor,
        path="/settings",
        links=shared,
        made=made,
        lives=LIVES,
        this_year=now.astimezone(visitor.listener.time_zone).year,
    )


@router.get("/shared/{token}")
def shared(token: str, site: TheSite) -> Response:
    """The page of a link. Only what the link names is read."""
    link = link_of(site, token, is_opened=True)
    if link is None or link.page.name == "now":
        return gone()
    report = report_for(site, link)
    card = f"{site.url}/shared/{token}/card.png"
    return rendering.page(
        "shared_wrapped.html" if link.page.name == "wrapped" else "shared.html",
        headers=HEADERS,
        card=card,
        address=f"{site.url}/shared/{token}",
        of_what="the year" if link.page.year else "all years",
        **values_of(report),
    )


@router.get("/shared/{token}/{shape}.png")
def picture(token: str, shape: str, site: TheSite) -> Response:
    """The page of a link as a picture: card (1200 x 630) or story (1080 x 1920)."""
    link = link_of(site, token) if shape in SIZES else None
    if link is None or link.page.name == "now":
        return gone()
    report = report_for(site, link)
    return Response(drawn(card_of(report, link.page, who(report)), shape), media_type="image/png", headers=PICTURE)


@router.get("/shared/{token}/now.svg")
def now_playing(token: str, site: TheSite) -> Response:
    """What plays now, as the recorder on this computer knows it."""
    link = link_of(site, token)
    if link is None or link.page.name != "now":
        return gone()
    image = badge(playing_of(site, link.listener.listener_key))
    return Response(image, media_type="image/svg+xml", headers=BADGE)


def link_of(site: TheSite, token: str, *, is_opened: bool = False) -> Link | None:
    found: Link | None = site.records.change(
        lambda connection: opened_link(connection, token, site.clock(), is_opened=is_opened)
    )
    return found


def report_for(site: TheSite, link: Link) -> Report:
    made: Report = site.records.read(
        link.listener.listener_key, lambda connection: report_of(connection, link, site.clock())
    )
    return made


def gone() -> Response:
    return rendering.message("This link shows nothing", "It has ended, was revoked, or was never made.", status=404)
