"""The access tokens of one login. The database is asked for the login once; renewing a token does not need it."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from etl.auth.logins import Grant, Login
from etl.spotify.errors import LoginRefused
from etl.warehouse.errors import WarehouseError

log = logging.getLogger(__name__)

EARLY = timedelta(minutes=2)  # before a token ends, so that no question meets its end


class AccessTokens:
    """A valid access token whenever one is asked for.

    A refresh token that Spotify replaces is kept in the spool at once, and stored. Since another job may use the same login, a login whose
    token was ever replaced is renewed behind the lock in the database while that answers: else one of two could send a
    token that the other has used up.

    `kept`: a login with its grant as an earlier run of the recorder kept it, and whether the database lacks its token.
    `keep` is called with the same of each new grant.
    """

    def __init__(
        self,
        find_login: Callable[[], Login],
        kept: tuple[Login, Grant, bool] | None = None,
        keep: Callable[[Login, Grant, bool], None] = lambda login, grant, is_unstored: None,
    ) -> None:
        self._find_login = find_login
        self._keep = keep
        self._login: Login | None = None
        self._grant: Grant | None = None
        self._ends_at: datetime | None = None
        self._is_unstored = False  # a refresh token that the database does not have yet
        if kept is not None:
            self._login, self._grant, self._is_unstored = kept

    def token(self, now: datetime) -> str:
        """Raises LoginRefused when only a new login helps, and what `find_login` and `Login.grant` raise."""
        if self._grant is None or self._ends_at is None or now >= self._ends_at - EARLY:
            self._grant = self._renewed()
            assert self._login is not None
            self._keep(self._login, self._grant, self._is_unstored)  # first: the old refresh token may be void by now
            self._ends_at = now + timedelta(seconds=self._grant.expires_in_s)
        if self._is_unstored:
            self._store()
        return self._grant.access_token

    def forget(self) -> None:
        """Spotify refused the access token: the next one is new."""
        self._ends_at = None

    def start_again(self) -> None:
        """Read the login from the database again: there may be a new one."""
        if not self._is_unstored:
            self._login = self._grant = None
        self._ends_at = None

    def _renewed(self) -> Grant:
        if self._login is None or self._grant is None:
            return self._from_database()
        if self._grant.was_replaced and not self._is_unstored:
            try:
                return self._from_database()
            except WarehouseError as error:
                if error.is_reached:
                    raise
        with suppress(LoginRefused):  # another job may have renewed it meanwhile: the database has the newest
            new = self._login.renewed(self._grant)
            self._is_unstored = self._is_unstored or new.refresh_token != self._grant.refresh_token
            return new
        return self._from_database()

    def _from_database(self) -> Grant:
        login = self._find_login()
        grant = login.grant()
        self._login, self._is_unstored = login, False
        return grant

    def _store(self) -> None:
        """Store a refresh token that Spotify replaced. While the database is away, the spool has it."""
        assert self._login is not None and self._grant is not None
        try:
            self._login.store(self._grant)
        except WarehouseError as error:
            log.warning("%s The new login is kept in the spool until the database answers.", error)
        else:
            self._is_unstored = False
            self._keep(self._login, self._grant, False)
