"""Login with Spotify: OAuth's authorization code flow, with state and PKCE (RFC 6749, RFC 7636)."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import Connection

from etl import __version__
from etl.auth.encryption import Keys
from etl.auth.logins import has_player_scope, keep_login
from etl.clock import Clock, utc_now
from etl.settings import Settings
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import PLAYBACK_STATE, PermissionMissing
from etl.spotify.http import RetryBudget
from etl.spotify.profile import parse_account
from etl.values import fingerprint
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ME, recorded_account
from etl.warehouse.statements import run

SCOPES = {
    "user-read-recently-played": "to ask what you played last, which is what the hourly run records",
    PLAYBACK_STATE: "to ask what plays now, for the recorder, if you run one",
}
REQUIRED_SCOPE = "user-read-recently-played"  # without it nothing can be recorded
PORT = 8888  # of the redirect URI that the README has you enter in Spotify's dashboard


class LoginError(Exception):
    """The login failed. The message says why and what to do, and contains no authorization code."""


@dataclass(frozen=True)
class AuthorizationRequest:
    """A login that has begun: the address where the listener agrees, and what the redirect is checked against."""

    address: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class CompletedLogin:
    """A login that was tried and saved. `token` is the refresh token."""

    token: str = field(repr=False)
    listener_name: str = field(repr=False)
    consented_at: datetime


def redirect_uri(port: int = PORT) -> str:
    return f"http://127.0.0.1:{port}/callback"


def begin_login(settings: Settings, redirect_uri: str) -> AuthorizationRequest:
    """Make an authorization request that redirects to `redirect_uri`, which has to be in the app's dashboard."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    assert settings.spotify_client_id is not None
    query = {
        "client_id": settings.spotify_client_id.get_secret_value(),
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
        "show_dialog": "true",  # so that another account can be chosen
    }
    address = f"{settings.spotify_accounts_url}/authorize?{urlencode(query)}"
    return AuthorizationRequest(address, redirect_uri, state, verifier)


def fully_encoded(address: str) -> str:
    """The same address with every character of its query values percent-encoded.

    GitHub's runner masks the text of secrets with three stars, on summary pages too. The client ID is one of the
    repository's secrets, and others may contain the redirect URI or the scope. Browsers and Spotify treat both forms
    alike.
    """
    start, _, query = address.partition("?")
    pairs = (f"{name}={''.join(f'%{octet:02X}' for octet in value.encode())}" for name, value in parse_qsl(query))
    return f"{start}?{'&'.join(pairs)}"


def complete_login(
    settings: Settings, warehouse: Warehouse, request: AuthorizationRequest, answer: str, clock: Clock = utc_now
) -> CompletedLogin:
    """Exchange the code in `answer`, the address that the browser was redirected to, for a login; try it; save it
    encrypted.

    Raises LoginError for a wrong address or another account, CodeRefused, PermissionMissing and other SpotifyErrors,
    WarehouseError, WrongClock.
    """
    code = code_in(answer, request.state)
    accounts = Accounts.from_settings(settings, RetryBudget())
    tokens = accounts.exchange(code, request.verifier, request.redirect_uri)
    token, scope = tokens.get("refresh_token"), tokens.get("scope")
    if not isinstance(token, str) or not token:
        raise LoginError("Spotify accepted the code but returned no refresh token. Start the login again.")
    if isinstance(scope, str) and REQUIRED_SCOPE not in scope.split():
        raise PermissionMissing
    accounts.check_clock(clock())
    account = parse_account(
        Api(settings.spotify_api_url, lambda: str(tokens["access_token"]), accounts.retry_budget).me()
    )
    now = clock()
    warehouse.migrate(now, __version__, views_may_wait=True, plays_may_wait=True)

    def keep(connection: Connection) -> None:
        stand_ins = [one for one in (account.listener_id, account.user_id, ME) if one]
        if run(connection, "ops/listeners/logged_in_otherwise", listener_ids=stand_ins):
            raise LoginError(
                "That is not the Spotify account whose listening is recorded here. Nothing was changed. Log out of"
                " Spotify in that browser, or use a private window, and start the login again with the right account."
            )
        recorded = recorded_account(
            connection, account.listener_id, account.user_id, account.listener_name, settings.time_zone, now
        )
        keep_login(connection, token, recorded.listener_key, Keys(settings), now, has_player_scope(tokens))

    warehouse.transaction(keep)
    return CompletedLogin(token, account.listener_name or account.user_id or account.listener_id, now)


def code_in(answer: str, state: str) -> str:
    """The authorization code in the address that the browser was redirected to.

    Raises LoginError for an address with another state, with an error, or without a code.
    """
    query = query_of(answer)
    if not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
        raise LoginError(
            "That address belongs to another login: its state differs. Copy the whole address of the page that follows"
            " after you have agreed, or start the login again."
        )
    if query.get("error") == "access_denied":
        raise LoginError("You did not agree, so nothing was changed. To log in after all, start the login again.")
    if not query.get("code"):
        raise LoginError("That address contains no code: Spotify ended the login with an error. Start the login again.")
    return str(query["code"])


def query_of(answer: str) -> dict[str, str]:
    """The query parameters of an address; {} for a text that is none."""
    try:
        return dict(parse_qsl(urlsplit(answer.strip()).query))
    except ValueError:  # not an address
        return {}


def code_challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def save_request(connection: Connection, request: AuthorizationRequest, keys: Keys, now: datetime) -> None:
    """Save a request, its verifier encrypted, so that another run can complete it within an hour."""
    run(
        connection,
        "ops/logins/consent_asked",
        state_fingerprint=fingerprint(request.state),
        verifier_encrypted=keys.encrypt(request.verifier),
        redirect_uri=request.redirect_uri,
        asked_at=now,
    )


def load_request(connection: Connection, answer: str, keys: Keys, now: datetime) -> AuthorizationRequest:
    """Load the saved request that `answer` belongs to, and delete it. Raises LoginError when there is none."""
    state = query_of(answer).get("state", "")
    rows = run(connection, "ops/logins/consent_answered", state_fingerprint=fingerprint(state), now=now)
    if not rows:
        raise LoginError(
            "That address belongs to no login that was started here in the last hour, or it was used before. Copy the"
            " whole address of the page that follows after you have agreed, or start again without an address."
        )
    return AuthorizationRequest("", rows[0].redirect_uri, state, keys.decrypt(rows[0].verifier_encrypted))
