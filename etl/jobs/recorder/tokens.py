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
STORED_AGAIN, LONGEST_STORED_AGAIN = timedelta(minutes=1), timedelta(minutes=15)  # after a try that failed; it doubles


class AccessTokens:
    """A valid access token whenever one is asked for.

    A refresh token that Spotify replaces is kept in the spool at once, and `store` brings it to the database. Where the
    last renewal brought a new token, the next one may too. Another job may use the same login, so that one is made
    behind the lock in the database, while that answers: else one of two could send a token that the other has used up.
    Where it brought none, the database is not needed, and one that sleeps is not woken.

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
        self._unstored_count = 0  # how often that could not be stored, in a row
        self._store_at: datetime | None = None  # when to try again
        if kept is not None:
            self._login, self._grant, self._is_unstored = kept

    def token(self, now: datetime) -> str:
        """Raises LoginRefused when only a new login helps, and what `find_login` and `Login.grant` raise."""
        if self._grant is None or self._ends_at is None or now >= self._ends_at - EARLY:
            self._grant = self._renewed()
            assert self._login is not None
            self._keep(self._login, self._grant, self._is_unstored)  # first: the old refresh token may be void by now
            self._ends_at = now + timedelta(seconds=self._grant.expires_in_s)
        return self._grant.access_token

    def store(self, now: datetime, *, is_last: bool = False) -> None:
        """Store a refresh token that Spotify replaced, if there is one: not before a question, which it would delay.

        While the database is away the spool has it, and it is tried again after STORED_AGAIN, then ever later.
        `is_last`: try now, whatever was tried before.
        """
        if not self._is_unstored or (self._store_at is not None and now < self._store_at and not is_last):
            return
        assert self._login is not None and self._grant is not None
        try:
            self._login.store(self._grant)
        except WarehouseError as error:
            self._unstored_count += 1
            wait = STORED_AGAIN * (1 << min(self._unstored_count - 1, 10))
            self._store_at = now + min(wait, LONGEST_STORED_AGAIN)
            if self._unstored_count == 1:
                log.warning("%s The new login is kept in the spool until the database answers.", error)
        else:
            self._stored()
            self._keep(self._login, self._grant, False)

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
        self._login = login
        self._stored()
        return grant

    def _stored(self) -> None:
        self._is_unstored, self._unstored_count, self._store_at = False, 0, None
