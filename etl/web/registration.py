"""Log in with Spotify from a browser: the authorization code flow with state and PKCE, bound to that browser.

A listener who is recorded here may always log in. Others register: with an invitation, or where registration is open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from etl.auth.encryption import Keys
from etl.auth.logins import has_player_scope, keep_login
from etl.auth.oauth import REQUIRED_SCOPE, AuthorizationRequest, LoginError, begin_login, code_in, query_of
from etl.settings import Settings
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import Forbidden, PermissionMissing
from etl.spotify.http import RetryBudget
from etl.spotify.profile import Account, parse_account
from etl.values import fingerprint
from etl.warehouse.listeners import RecordedAccount, recorded_account
from etl.warehouse.statements import run
from etl.web.records import Records
from etl.web.sessions import begin_session
from etl.web.tokens import digest, new_token


class NotAllowed(LoginError):
    """This account may not register here. The message says why and what to do."""


class UnknownToApp(LoginError):
    """Spotify's app does not know this account: its owner has to add it."""

    def __init__(self) -> None:
        super().__init__(
            "Spotify lets only accounts use this app that its owner has added, five at most. Give the owner your name"
            " and the e-mail address of your Spotify account. They add both in Spotify's developer dashboard, under"
            " 'User Management' of the app. Then log in again."
        )


@dataclass(frozen=True)
class StartedLogin:
    """A login that has begun: where to send the browser, and what its cookie has to hold until it comes back."""

    address: str = field(repr=False)
    browser_token: str = field(repr=False)


@dataclass(frozen=True)
class Returned:
    """A login that came back from Spotify, before its code is exchanged."""

    request: AuthorizationRequest
    invitation_key: int | None


class Registration:
    """Logs listeners in by Spotify. `redirect_uri` has to be in the app's dashboard, to the letter."""

    def __init__(self, settings: Settings, records: Records, redirect_uri: str, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.records = records
        self.redirect_uri = redirect_uri
        self.clock = clock
        self.keys = Keys(settings)

    def start(self, invitation: str | None) -> StartedLogin:
        """Begin a login. `invitation`: the token of one that the browser came with.

        Raises NotAllowed for an invitation that does not work, and WarehouseError.
        """
        request = begin_login(self.settings, self.redirect_uri)
        browser_token, now = new_token(), self.clock()

        def work(connection: Connection) -> None:
            run(
                connection,
                "ops/web/login_started",
                state_fingerprint=fingerprint(request.state),
                verifier_encrypted=self.keys.encrypt(request.verifier),
                redirect_uri=request.redirect_uri,
                asked_at=now,
                browser_hash=digest(browser_token),
                invitation_key=invitation_key(connection, invitation, now) if invitation else None,
                app_key=None,
            )

        self.records.change(work)
        return StartedLogin(request.address, browser_token)

    def finish(self, address: str, browser_token: str, user_agent: str) -> str:
        """Complete the login with the address that Spotify redirected to; the token of the new session.

        `browser_token`: from the cookie that `start` gave. Nothing is kept of an account that may not register. Raises
        LoginError, NotAllowed, UnknownToApp, CodeRefused, PermissionMissing and other SpotifyErrors, WarehouseError.
        """
        returned = self._returned(address, browser_token)
        code = code_in(address, returned.request.state)
        accounts = Accounts.from_settings(self.settings, RetryBudget())
        answer = accounts.exchange(code, returned.request.verifier, returned.request.redirect_uri)
        token, scope = answer.get("refresh_token"), answer.get("scope")
        if not isinstance(token, str) or not token:
            raise LoginError("Spotify accepted the code but returned no refresh token. Start the login again.")
        if isinstance(scope, str) and REQUIRED_SCOPE not in scope.split():
            raise PermissionMissing
        accounts.check_clock(self.clock())
        account = self._account(str(answer["access_token"]), accounts.retry_budget)
        now = self.clock()

        def work(connection: Connection) -> str:
            admitted = self._admitted(connection, account, returned.invitation_key, now)
            keep_login(connection, token, admitted.listener_key, self.keys, now, has_player_scope(answer))
            return begin_session(connection, admitted.record_key, user_agent, now)

        return self.records.change(work)

    def _returned(self, address: str, browser_token: str) -> Returned:
        state = query_of(address).get("state", "")
        rows = self.records.change(
            lambda connection: run(
                connection,
                "ops/web/login_returned",
                state_fingerprint=fingerprint(state),
                browser_hash=digest(browser_token),
                now=self.clock(),
            )
        )
        if not rows:
            raise LoginError(
                "This browser started no such login in the last ten minutes, or it was used before. Start it again."
            )
        [row] = rows
        verifier = self.keys.decrypt(row.verifier_encrypted)
        return Returned(AuthorizationRequest("", row.redirect_uri, state, verifier), row.invitation_key)

    def _account(self, access_token: str, budget: RetryBudget) -> Account:
        try:
            return parse_account(Api(self.settings.spotify_api_url, lambda: access_token, budget).me())
        except Forbidden as error:
            if "registered" not in str(error).lower():
                raise
        raise UnknownToApp

    def _admitted(
        self, connection: Connection, account: Account, invitation: int | None, now: datetime
    ) -> RecordedAccount:
        """The account as a listener, registered if need be. Raises NotAllowed."""
        ids = [one for one in (account.listener_id, account.user_id) if one]
        [known] = run(connection, "ops/web/known_account", listener_ids=ids)
        if known.listener_key is None:
            self._must_be_let_in(invitation, is_anybody=known.is_anybody)
        recorded = recorded_account(
            connection, account.listener_id, account.user_id, account.listener_name, self.settings.time_zone, now
        )
        if known.listener_key is None and invitation is not None:
            used = run(
                connection,
                "ops/web/invitation_used",
                invitation_key=invitation,
                listener_key=recorded.listener_key,
                now=now,
            )
            if not used:
                raise NotAllowed("This invitation was used by somebody else. Ask for another one.")
        return recorded

    def _must_be_let_in(self, invitation: int | None, *, is_anybody: bool) -> None:
        kind = self.settings.web_registration
        is_own_computer = self.redirect_uri.startswith("http://") and not is_anybody
        if kind == "open" or is_own_computer or (kind == "invitation" and invitation is not None):
            return
        how = "Ask its owner for an invitation." if kind == "invitation" else "Its owner has closed the registration."
        raise NotAllowed(f"Nobody with this Spotify account is recorded here. {how} Nothing was kept of the login.")


def invitation_key(connection: Connection, token: str, now: datetime) -> int:
    """The number of the invitation with this token. Raises NotAllowed if it does not work (any longer)."""
    rows = run(connection, "ops/web/invitation", token_hash=digest(token), now=now)
    if not rows:
        raise NotAllowed("This invitation does not work: it was used, has ended, or was taken back. Ask for another.")
    return int(rows[0].invitation_key)
