"""The browser trip: where a listener agrees, and what becomes of the answer. Authorization code flow with state and PKCE."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import Connection

from etl import __version__
from etl.auth.encryption import Keys
from etl.auth.logins import keep_login
from etl.clock import Clock, utc_now
from etl.settings import Settings
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import PermissionMissing
from etl.spotify.http import Patience
from etl.spotify.profile import who_is
from etl.values import fingerprint
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ME, recorded_account
from etl.warehouse.statements import run

SCOPES = {"user-read-recently-played": "to ask what you played last, which is all that is recorded"}
PORT = 8888  # of the redirect address that the README has you type into Spotify's dashboard


class LoginError(Exception):
    """The trip did not end in a login. The message says why and what to do, and holds no code."""


@dataclass(frozen=True)
class Trip:
    """A login under way: the address where the listener agrees, and what the answer is checked against."""

    address: str = field(repr=False)
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Agreed:
    """A login that works and is kept."""

    token: str = field(repr=False)
    listener_name: str = field(repr=False)
    consented_at: datetime


def redirect_uri(port: int = PORT) -> str:
    return f"http://127.0.0.1:{port}/callback"


def begun(settings: Settings, redirect_uri: str) -> Trip:
    """A new trip that leads back to `redirect_uri`, one of those in the app's dashboard."""
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    assert settings.spotify_client_id is not None
    asked = {
        "client_id": settings.spotify_client_id.get_secret_value(),
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        "show_dialog": "true",  # so that another account can be picked
    }
    address = f"{settings.spotify_accounts_url}/authorize?{urlencode(asked)}"
    return Trip(address, redirect_uri, state, verifier)


def shown_on_github(address: str) -> str:
    """The same address with every character of its query's values percent-encoded.

    GitHub's runner replaces whatever is a secret's text by three stars, on summary pages too. The client ID is one of the
    repository's secrets, and others may hold the redirect URI or the scope. A browser and Spotify read both forms alike.
    """
    start, _, query = address.partition("?")
    pairs = (f"{name}={''.join(f'%{octet:02X}' for octet in value.encode())}" for name, value in parse_qsl(query))
    return f"{start}?{'&'.join(pairs)}"


def finished(settings: Settings, warehouse: Warehouse, trip: Trip, answer: str, clock: Clock = utc_now) -> Agreed:
    """The login that comes of `answer`, the address that the browser was led back to: tried, and kept encrypted.

    Raises LoginError for an answer that is none, CodeRefused, PermissionMissing and other SpotifyErrors, WarehouseError, WrongClock.
    """
    code = code_of(answer, trip.state)
    assert settings.spotify_client_id and settings.spotify_client_secret
    accounts = Accounts(
        settings.spotify_accounts_url,
        settings.spotify_client_id.get_secret_value(),
        settings.spotify_client_secret.get_secret_value(),
        Patience(),
    )
    got = accounts.exchange(code, trip.verifier, trip.redirect_uri)
    token, scope = got.get("refresh_token"), got.get("scope")
    if not isinstance(token, str) or not token:
        raise LoginError("Spotify gave no login for this code. Begin again.")
    if isinstance(scope, str) and not set(SCOPES) <= set(scope.split()):
        raise PermissionMissing
    accounts.must_agree(clock())
    account = who_is(Api(settings.spotify_api_url, lambda: str(got["access_token"]), accounts.patience).me())
    now = clock()
    warehouse.migrate(now, __version__, views_may_wait=True)

    def keep(connection: Connection) -> None:
        stand_ins = [one for one in (account.listener_id, account.user_id, ME) if one]
        if run(connection, "ops/listeners/logged_in_otherwise", listener_ids=stand_ins):
            raise LoginError(
                "That was another Spotify account than the one whose listening is recorded here. Nothing was changed. Log"
                " out of Spotify in that browser (or use a private window), and begin again with the right account."
            )
        listener_key = recorded_account(
            connection, account.listener_id, account.user_id, account.listener_name, settings.time_zone, now
        )
        keep_login(connection, token, listener_key, Keys(settings), now)

    warehouse.transaction(keep)
    return Agreed(token, account.listener_name or account.user_id or account.listener_id, now)


def code_of(answer: str, state: str) -> str:
    """The code in the address that the browser was led back to; raises LoginError when there is none for this trip."""
    said = told_in(answer)
    if not secrets.compare_digest(said.get("state", "").encode(), state.encode()):
        raise LoginError(
            "That address is not of this login: its state is another. Copy the address of the page that comes after you have"
            " agreed, the whole of it; or begin again."
        )
    if said.get("error") == "access_denied":
        raise LoginError("You did not agree, so nothing was changed. To log in after all, begin again.")
    if not said.get("code"):
        raise LoginError("That address has no code in it: Spotify ended the login with an error. Begin again.")
    return str(said["code"])


def told_in(answer: str) -> dict[str, str]:
    """What an address says behind its question mark."""
    try:
        return dict(parse_qsl(urlsplit(answer.strip()).query))
    except ValueError:  # no address at all
        return {}


def challenge(verifier: str) -> str:
    """What of a verifier may be seen on the way (RFC 7636, S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def remember(connection: Connection, trip: Trip, keys: Keys, now: datetime) -> None:
    """Keeps a trip for another run to finish: an hour at most."""
    run(
        connection,
        "ops/logins/consent_asked",
        state_fingerprint=fingerprint(trip.state),
        verifier_encrypted=keys.encrypt(trip.verifier),
        redirect_uri=trip.redirect_uri,
        asked_at=now,
    )


def remembered(connection: Connection, answer: str, keys: Keys, now: datetime) -> Trip:
    """The trip that this answer belongs to; it serves once. Raises LoginError when there is none."""
    state = told_in(answer).get("state", "")
    rows = run(connection, "ops/logins/consent_answered", state_fingerprint=fingerprint(state), now=now)
    if not rows:
        raise LoginError(
            "That address belongs to no login begun here in the last hour, or it was used already. Copy the address of the"
            " page that comes after you have agreed, the whole of it; or begin again without an address."
        )
    return Trip("", rows[0].redirect_uri, state, keys.decrypt(rows[0].verifier_encrypted))
