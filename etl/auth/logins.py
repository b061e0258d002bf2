"""Choose the login to use, exchange its refresh token, and store the newest token encrypted."""

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from etl.auth.encryption import Keys, TokenKeyError
from etl.clock import WrongClock
from etl.notices import Warned
from etl.spotify.errors import PLAYBACK_STATE, LoginRefused, SpotifyError
from etl.values import Json, fingerprint
from etl.warehouse.connection import Warehouse
from etl.warehouse.locks import LOGIN_LOCK, run_locked
from etl.warehouse.statements import run

if TYPE_CHECKING:  # it brings requests along, which brapped status does not need
    from etl.spotify.accounts import Accounts

QUESTIONS = ("ops/logins/of_setting", "ops/logins/current")  # parameter: the fingerprint of SPOTIFY_REFRESH_TOKEN
DAY_S, SHORTEST_S = 86_400, 600.0  # how long an access token can last; and for how long one without a time is trusted
LIFE_MONTHS = 6  # of a refresh token, from consent; using it does not extend it


class NotLoggedIn(SpotifyError):
    """There is no login, neither in SPOTIFY_REFRESH_TOKEN nor in the database."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody is logged in yet. On GitHub run the workflow connect; elsewhere run 'brapped login' or set"
            " SPOTIFY_REFRESH_TOKEN. The README explains it under 'Record your own listening'."
        )


@dataclass(frozen=True)
class Grant:
    """What Spotify granted for a refresh token. `was_replaced`: whether it gave a new refresh token with it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)  # the newest
    expires_in_s: float
    was_replaced: bool

    @classmethod
    def of(cls, answer: Json, refresh_token: str) -> "Grant":
        """From the accounts service's JSON. `refresh_token`, which was sent, counts where the answer brings none."""
        new, lasts_s = answer.get("refresh_token"), answer.get("expires_in")
        newest = new if isinstance(new, str) and new else refresh_token
        expires_in_s = float(lasts_s) if isinstance(lasts_s, int | float) and 0 < lasts_s <= DAY_S else SHORTEST_S
        return cls(str(answer["access_token"]), newest, expires_in_s, newest != refresh_token)


class Login:
    """The login to use, with its newest token. The most recent login wins.

    A login through `brapped login` or connect.yml replaces an older SPOTIFY_REFRESH_TOKEN of the same listener;
    changing the setting replaces both. `listener_key`: into whose record its plays go, which is another listener's if
    its own (`account_key`) was merged into that one; None until Spotify has been asked whose login it is.
    `answers`: rows of QUESTIONS that were already read, by file name. Raises NotLoggedIn.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        accounts: "Accounts",
        setting: str | None,
        keys: Keys,
        clock: Callable[[], datetime],
        answers: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._accounts = accounts
        self._setting = setting
        self._keys = keys
        self._clock = clock
        self._is_new = False  # to this database
        if answers is None or (setting and not answers[QUESTIONS[0]]):
            current = current_login(warehouse.transaction(self._find))
        else:
            current = current_login(answers[QUESTIONS[1]])
        self.login_key: int = current["login_key"]
        self.listener_key: int | None = current["listener_key"]
        # a recorder knows the record alone
        self.account_key: int | None = current.get("account_key", self.listener_key)
        self.warnings: list[Warned] = []

    def __repr__(self) -> str:
        return f"Login({self.login_key})"

    def access_token(self) -> str:
        """Get a new access token: that of `grant`, whose errors it raises."""
        return self.grant().access_token

    def grant(self) -> "Grant":
        """Get a new grant. If Spotify returns a new refresh token, it is stored before anything else happens.

        Raises LoginRefused, and marks the login, if Spotify no longer accepts the refresh token; TokenKeyError if the
        stored token can't be decrypted and SPOTIFY_REFRESH_TOKEN can't replace it; WrongClock if this computer's clock
        differs too much from Spotify's.
        """
        answers: list[Json] = []  # at most one: a repeated transaction must not exchange the token again

        def exchange(connection: Connection) -> Grant:
            # One exchange at a time, or a second run could send a token that the first has just used up.
            [stored] = run_locked(connection, LOGIN_LOCK, self.login_key, "ops/logins/token", login_key=self.login_key)
            token = self._token_of(stored)
            if not answers:
                answers.append(self._accounts.refresh(token))
            [answer] = answers
            rotated = answer.get("refresh_token")
            newest = rotated if isinstance(rotated, str) and rotated else token
            ciphertext = stored.refresh_token_encrypted
            if newest != token:
                self._keep(connection, newest, self._accounts.dated_at or self._clock())
            elif ciphertext is not None and not self._keys.is_first(ciphertext):
                self._keep(connection, newest, stored.rotated_at)
            if (may := has_player_scope(answer)) not in (None, stored.has_player_scope):
                run(connection, "ops/logins/scope", login_key=self.login_key, has_player_scope=may)
            return Grant.of(answer, token)

        try:
            granted = self._warehouse.transaction(exchange)
        except LoginRefused as refusal:
            self._refused(refusal.reason)
            raise
        self._must_agree()  # only after the new token is stored
        return granted

    def renewed(self, granted: "Grant") -> "Grant":
        """Get a new access token without the database. If Spotify replaces the refresh token, `store` it.

        For a program that runs all day; others use `grant`, behind whose lock nobody else exchanges the token. Raises
        what the accounts service raises.
        """
        return Grant.of(self._accounts.refresh(granted.refresh_token), granted.refresh_token)

    def store(self, granted: "Grant") -> None:
        """Store the refresh token of a grant that `renewed` brought. Raises WarehouseError."""
        rotated_at = self._accounts.dated_at or self._clock()
        self._warehouse.transaction(lambda connection: self._keep(connection, granted.refresh_token, rotated_at))

    def _must_agree(self) -> None:
        """Raise WrongClock if this computer's clock is wrong, after correcting the date of a login first seen now."""
        try:
            self._accounts.check_clock(self._clock())
        except WrongClock as error:
            true_at = error.true_at
            if self._is_new:
                self._warehouse.transaction(
                    lambda connection: run(
                        connection, "ops/logins/seen_at", login_key=self.login_key, first_seen_at=true_at
                    )
                )
            raise

    def _find(self, connection: Connection) -> list[Mapping[str, Any]]:
        """The rows of ops/logins/current, after recording a SPOTIFY_REFRESH_TOKEN that is new to this database."""
        mark = fingerprint(self._setting) if self._setting else None
        if mark and not run(connection, "ops/logins/of_setting", setting_fingerprint=mark):
            self._is_new = True
            run(connection, "ops/logins/seen", setting_fingerprint=mark, first_seen_at=self._clock())
        return [dict(row._mapping) for row in run(connection, "ops/logins/current", setting_fingerprint=mark)]

    def _token_of(self, stored: Row[Any]) -> str:
        is_set = self._setting is not None and fingerprint(self._setting) == stored.setting_fingerprint
        if stored.refresh_token_encrypted is None:
            assert is_set and self._setting, "only the login of a setting has nothing stored"
            return self._setting
        try:
            return self._keys.decrypt(stored.refresh_token_encrypted)
        except TokenKeyError:
            if not is_set or not self._setting:
                raise
        # The setting may still work. If not, the error about Spotify's refusal says what to do.
        warning = Warned(
            "token-key",
            "The stored login was encrypted with another key (TOKEN_KEY or SPOTIFY_CLIENT_SECRET has changed); using"
            " SPOTIFY_REFRESH_TOKEN as set.",
        )
        if warning not in self.warnings:
            self.warnings.append(warning)
        return self._setting

    def _keep(self, connection: Connection, token: str, rotated_at: datetime | None) -> None:
        run(
            connection,
            "ops/logins/rotated",
            login_key=self.login_key,
            refresh_token_encrypted=self._keys.encrypt(token),
            rotated_at=rotated_at,
        )

    def _refused(self, reason: str) -> None:
        self._warehouse.transaction(
            lambda connection: run(
                connection,
                "ops/logins/refused",
                login_key=self.login_key,
                refused_at=self._clock(),
                refused_reason=reason,
            )
        )


def current_login(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The only row of ops/logins/current. Raises NotLoggedIn. Pure."""
    if not rows:
        raise NotLoggedIn
    [current] = rows
    return current


def ends_at(consented_at: datetime) -> datetime:
    """When Spotify stops accepting a login: LIFE_MONTHS calendar months after consent. Pure."""
    years, month = divmod(consented_at.month - 1 + LIFE_MONTHS, 12)
    year = consented_at.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return consented_at.replace(year=year, month=month + 1, day=min(consented_at.day, last))


def has_player_scope(answer: Json) -> bool | None:
    """Whether an answer of the token endpoint allows asking what plays; None if it does not say. Pure.

    `scope`: separated by spaces (RFC 6749, 5.1 and 6: it may be left out where it is the one asked for, or as before).
    """
    scope = answer.get("scope")
    return PLAYBACK_STATE in scope.split() if isinstance(scope, str) and scope else None


def keep_login(
    connection: Connection,
    token: str,
    listener_key: int,
    keys: Keys,
    consented_at: datetime,
    may_ask_player: bool | None = None,
) -> None:
    """Store the refresh token of a new consent, encrypted, as the login to use from now on."""
    run(
        connection,
        "ops/logins/agreed",
        setting_fingerprint=fingerprint(token),
        listener_key=listener_key,
        refresh_token_encrypted=keys.encrypt(token),
        consented_at=consented_at,
        has_player_scope=may_ask_player,
    )
