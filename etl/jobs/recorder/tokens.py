"""The access tokens of one login. The database is asked for the login once; renewing a token does not need it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from etl.auth.logins import Grant, Login
from etl.spotify.errors import LoginRefused

EARLY = timedelta(minutes=2)  # before a token ends, so that no question meets its end


class AccessTokens:
    """A valid access token whenever one is asked for.

    A refresh token that Spotify replaces is stored at once. Since another job may use the same login, a login whose
    token was ever replaced is renewed behind the lock in the database only: else one of two could send a token that
    the other has used up.

    `kept`: a login with its grant as an earlier run of the recorder kept it, so that one starts while the database is
    away. `keep` is called with each new grant.
    """

    def __init__(
        self,
        find_login: Callable[[], Login],
        kept: tuple[Login, Grant] | None = None,
        keep: Callable[[Login, Grant], None] = lambda login, grant: None,
    ) -> None:
        self._find_login = find_login
        self._keep = keep
        self._login: Login | None = None
        self._grant: Grant | None = None
        self._ends_at: datetime | None = None
        if kept is not None:
            self._login, self._grant = kept

    def token(self, now: datetime) -> str:
        """Raises LoginRefused when only a new login helps, and what `find_login` and `Login.grant` raise."""
        if self._grant is None or self._ends_at is None or now >= self._ends_at - EARLY:
            self._grant = self._renewed()
            assert self._login is not None
            self._keep(self._login, self._grant)
            self._ends_at = now + timedelta(seconds=self._grant.expires_in_s)
        return self._grant.access_token

    def forget(self) -> None:
        """Spotify refused the access token: the next one is new."""
        self._ends_at = None

    def start_again(self) -> None:
        """Read the login from the database again: there may be a new one."""
        self._login = self._grant = self._ends_at = None

    def _renewed(self) -> Grant:
        if self._login is not None and self._grant is not None and not self._grant.was_replaced:
            with suppress(LoginRefused):  # another job may have renewed it meanwhile: the database has the newest
                return self._login.renewed(self._grant)
        self._login = self._find_login()
        return self._login.grant()
