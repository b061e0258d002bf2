"""The token endpoint of the simulated Spotify, and its encrypted access tokens. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from etl.simulator.consent import CodeRefused, redeem_code
from etl.simulator.world import Grant, Request, World

CONSENT_LASTS_MONTHS = 6


@dataclass(frozen=True)
class AccessToken:
    """The contents of an access token. `account_id` is None for client credentials, which are no listener's."""

    account_id: str | None
    scopes: frozenset[str]
    expires_at: datetime


class TokenError(Exception):
    """An error of the token endpoint, whose JSON is flat; always status 400."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


def exchange(world: World, request: Request) -> tuple[Mapping[str, object], World]:
    """`POST /api/token`: returns the body of the response and the world after it. Raises TokenError."""
    _check_client(world, request.headers.get("authorization", ""))
    match request.form.get("grant_type"):
        case "client_credentials":
            return _token_body(world, request.at, None, frozenset()), world
        case "refresh_token":
            return _refresh(world, request)
        case "authorization_code":
            return _exchange_code(world, request)
        case None | "":
            raise TokenError("unsupported_grant_type", "grant_type parameter is missing")
    raise TokenError(
        "unsupported_grant_type",
        "grant_type must be client_credentials, authorization_code or refresh_token",
    )


def _check_client(world: World, authorization: str) -> None:
    kind, _, coded = authorization.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id = secret = ""
    if kind.lower() != "basic" or client_id != world.app.client_id:
        raise TokenError("invalid_client", "Invalid client")
    if secret != world.app.client_secret:
        raise TokenError("invalid_client", "Invalid client secret")


def _refresh(world: World, request: Request) -> tuple[Mapping[str, object], World]:
    token = request.form.get("refresh_token", "")
    if not token:
        raise TokenError("invalid_request", "refresh_token must be supplied")
    grant = world.refresh_tokens.get(token)
    if grant is None:
        raise TokenError("invalid_grant", "Invalid refresh token")
    if grant.is_revoked:
        raise TokenError("invalid_grant", "Refresh token revoked")
    if request.at >= expires_at(grant):
        raise TokenError("invalid_grant", "Refresh token expired")
    body = {
        **_token_body(world, request.at, grant.account_id, grant.scopes),
        "scope": " ".join(sorted(grant.scopes)),
    }
    if not world.rotate_refresh_tokens:
        return body, world
    fresh = "AQ" + _text(hashlib.blake2b(f"{token} {request.at}".encode(), digest_size=48).digest())
    tokens = {**world.refresh_tokens, token: replace(grant, is_revoked=True), fresh: grant}
    return {**body, "refresh_token": fresh}, replace(world, refresh_tokens=tokens)


def _exchange_code(world: World, request: Request) -> tuple[Mapping[str, object], World]:
    try:
        token, grant, world = redeem_code(world, request)
    except CodeRefused as refused:
        raise TokenError("invalid_grant", str(refused)) from None
    body = _token_body(world, request.at, grant.account_id, grant.scopes)
    return {**body, "refresh_token": token, "scope": " ".join(sorted(grant.scopes))}, world


def expires_at(grant: Grant) -> datetime:
    """The end of a login: six calendar months after consent, by the 28th of a month; refreshing does not extend it."""
    months = grant.consent_at.month - 1 + CONSENT_LASTS_MONTHS
    return grant.consent_at.replace(
        year=grant.consent_at.year + months // 12,
        month=months % 12 + 1,
        day=min(grant.consent_at.day, 28),
    )


def _token_body(world: World, at: datetime, account_id: str | None, scopes: frozenset[str]) -> Mapping[str, object]:
    token = AccessToken(account_id, scopes, at + world.access_token_life)
    return {
        "access_token": seal(world, token),
        "token_type": "Bearer",
        "expires_in": int(world.access_token_life.total_seconds()),
    }


def seal(world: World, token: AccessToken) -> str:
    """Encrypt and sign an access token; equal tokens give equal texts."""
    claims = [token.account_id, sorted(token.scopes), token.expires_at.isoformat()]
    plain = json.dumps(claims).encode()
    key = world.app.client_secret.encode()
    signature = hmac.digest(key, plain, "sha256")
    return "BQ" + _text(signature + _xor_keystream(plain, signature + key))


def unseal(world: World, text: str) -> AccessToken | None:
    """Decrypt an access token of `seal`; None for any other text."""
    try:
        sealed = base64.urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4))
    except (binascii.Error, ValueError):
        return None
    key = world.app.client_secret.encode()
    signature, plain = sealed[:32], _xor_keystream(sealed[32:], sealed[:32] + key)
    if not text.startswith("BQ") or not hmac.compare_digest(signature, hmac.digest(key, plain, "sha256")):
        return None
    account_id, scopes, expires_at = json.loads(plain)
    return AccessToken(account_id, frozenset(scopes), datetime.fromisoformat(expires_at))


def _xor_keystream(data: bytes, key: bytes) -> bytes:
    """Encrypt, or decrypt what this has encrypted with the same key. Good enough for a simulation."""
    stream = hashlib.shake_256(key).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
