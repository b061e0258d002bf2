"""The simulated Spotify's consent page, and the authorization codes that it issues. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from urllib.parse import urlencode, urlsplit

from etl.simulator.world import Answer, Grant, Request, World

CODE_LIFE = timedelta(minutes=10)
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Code:
    """What an authorization code was issued for, until it is exchanged or expires."""

    account_id: str
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str | None
    expires_at: datetime


class CodeRefused(Exception):
    """A code is not accepted; the message is Spotify's."""


def consent_page(world: World, request: Request) -> Answer:
    """`GET /authorize`: a page with a button for each listener of this world, and one to cancel."""
    if fault := _fault(world, request.query):
        return Answer(400, {"Content-Type": "text/plain; charset=utf-8"}, fault.encode())
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in request.query.items()
    )
    buttons = "".join(
        f'<button name="as" value="{escape(one.account_id)}">Agree as {escape(one.display_name)}</button> '
        for one in world.listeners
    )
    page = (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Simulated Spotify: log in</title>'
        f"<h1>An app asks for: {escape(request.query.get('scope', '')) or 'nothing'}</h1>"
        f'<form method="post" action="/authorize">{hidden}{buttons}<button name="as" value="">Cancel</button>'
        "</form></html>"
    )
    return Answer(200, HTML, page.encode())


def submit_consent(world: World, request: Request) -> tuple[Answer, World]:
    """`POST /authorize`, from that page: redirect to the app with a code, or with an error on Cancel."""
    form = request.form
    if fault := _fault(world, form):
        return Answer(400, {"Content-Type": "text/plain; charset=utf-8"}, fault.encode()), world
    state = {"state": form["state"]} if "state" in form else {}
    if world.listener(form.get("as")) is None:
        return _redirect(form["redirect_uri"], {"error": "access_denied", **state}), world
    text = "AQ" + _token_text(f"{sorted(form.items())} {request.at} {len(world.codes)}")
    code = Code(
        account_id=form["as"],
        redirect_uri=form["redirect_uri"],
        scopes=frozenset(form.get("scope", "").split()),
        challenge=form.get("code_challenge"),
        expires_at=request.at + CODE_LIFE,
    )
    return _redirect(form["redirect_uri"], {"code": text, **state}), replace(world, codes={**world.codes, text: code})


def redeem_code(world: World, request: Request) -> tuple[str, Grant, World]:
    """Exchange the code of a request: returns the new refresh token, its grant, and the world without the code.

    Raises CodeRefused. After a wrong verifier, too, the login has to be started again, as with Spotify.
    """
    text = request.form.get("code", "")
    code = world.codes.get(text)
    if code is None:
        raise CodeRefused("Invalid authorization code")
    if request.at >= code.expires_at:
        raise CodeRefused("Authorization code expired")
    if request.form.get("redirect_uri") != code.redirect_uri:
        raise CodeRefused("Invalid redirect URI")
    if code.challenge is not None and code.challenge != challenge_of(request.form.get("code_verifier", "")):
        raise CodeRefused("code_verifier was incorrect")
    token = "AQ" + _token_text(f"the refresh token of {text}")
    grant = Grant(code.account_id, request.at, code.scopes)
    codes = {other: code for other, code in world.codes.items() if other != text}
    return token, grant, replace(world, codes=codes, refresh_tokens={**world.refresh_tokens, token: grant})


def challenge_of(verifier: str) -> str:
    """The S256 challenge of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _fault(world: World, query: Mapping[str, str]) -> str | None:
    """What is wrong with an authorization request, in Spotify's words; None if nothing is."""
    if query.get("client_id") != world.app.client_id:
        return "INVALID_CLIENT: Invalid client"
    if not _is_registered(world, query.get("redirect_uri", "")):
        return "INVALID_CLIENT: Invalid redirect URI"
    if query.get("response_type") != "code":
        return "response_type must be code"
    if "code_challenge" in query and query.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256"
    return None


def _is_registered(world: World, uri: str) -> bool:
    """Whether the dashboard has this redirect URI. A loopback URI without a port matches every port."""
    parts = urlsplit(uri)
    without_port = re.sub(r"^http://127\.0\.0\.1:\d+(?=/)", "http://127.0.0.1", uri)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1"))
    return is_safe and bool({uri, without_port} & world.app.redirect_uris)


def _redirect(redirect_uri: str, query: Mapping[str, str]) -> Answer:
    return Answer(302, {"Location": f"{redirect_uri}?{urlencode(query)}"})


def _token_text(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.blake2b(text.encode(), digest_size=48).digest()).decode().rstrip("=")
