"""Keeping tokens: a login known again by its fingerprint, and the newer token that Spotify gave for it, encrypted."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Row

from etl.spotify import Accounts, Json, LoginRefused
from etl.warehouse import Warehouse, lock, run

LOGIN_LOCK = 0x6272_6172  # first half of the lock that serialises the exchanges of one login's token


class TokenKeyError(Exception):
    """A stored token was encrypted with another key: the client secret has changed since."""


class Login:
    """The login that belongs to SPOTIFY_REFRESH_TOKEN: whose it is, and which token stands for it now.

    A token that Spotify gave in exchange wins over the setting, until the setting itself changes.
    `listener_key` is None until Spotify was asked whose login it is.
    """

    def __init__(
        self, warehouse: Warehouse, accounts: Accounts, setting: str, client_secret: str, clock: Callable[[], datetime]
    ) -> None:
        self._warehouse = warehouse
        self._accounts = accounts
        self._setting = setting
        self._client_secret = client_secret
        self._clock = clock
        found = warehouse.transaction(self._find)
        self.login_key: int = found.login_key
        self.listener_key: int | None = found.listener_key
        self.warnings: list[str] = []

    def __repr__(self) -> str:
        return f"Login({self.login_key})"

    def access_token(self) -> str:
        """A fresh access token. A new refresh token that comes with it is kept before anything else is done.

        Raises LoginRefused, and marks the login, when Spotify accepts the token no more.
        """
        answers: list[Json] = []  # at most one: a repeated transaction must not exchange the token again

        def exchange(connection: Connection) -> str:
            # One exchange at a time: a second run would otherwise come with a token that the first has just used up.
            lock(connection, LOGIN_LOCK, self.login_key)
            stored = self._stored(self._find(connection).refresh_token_encrypted)
            if not answers:
                answers.append(self._accounts.refresh(stored or self._setting))
            [answer] = answers
            rotated = answer.get("refresh_token")
            if isinstance(rotated, str) and rotated and rotated != (stored or self._setting):
                run(
                    connection,
                    "login_rotated",
                    login_key=self.login_key,
                    refresh_token_encrypted=encrypt(rotated, self._client_secret),
                    rotated_at=self._clock(),
                )
            return str(answer["access_token"])

        try:
            return self._warehouse.transaction(exchange)
        except LoginRefused as refusal:
            self._refused(refusal.reason)
            raise

    def _find(self, connection: Connection) -> Row[Any]:
        mark = fingerprint(self._setting)
        if not (rows := run(connection, "login", setting_fingerprint=mark)):
            # Two statements: what another run has just inserted is only seen by the next one.
            run(connection, "login_seen", setting_fingerprint=mark, first_seen_at=self._clock())
            rows = run(connection, "login", setting_fingerprint=mark)
        [found] = rows
        return found

    def _stored(self, ciphertext: str | None) -> str | None:
        if ciphertext is None:
            return None
        try:
            return decrypt(ciphertext, self._client_secret)
        except TokenKeyError:
            # The setting may well still work. If it does not, Spotify's refusal tells the person what to do.
            warning = "The stored login was encrypted under another SPOTIFY_CLIENT_SECRET; using SPOTIFY_REFRESH_TOKEN as set."
            if warning not in self.warnings:
                self.warnings.append(warning)
            return None

    def _refused(self, reason: str) -> None:
        self._warehouse.transaction(
            lambda connection: run(
                connection,
                "login_refused",
                login_key=self.login_key,
                refused_at=self._clock(),
                refused_reason=reason,
            )
        )


def fingerprint(secret: str) -> str:
    """A hash that tells whether a secret is the one seen before. Spotify's are long and random: no guess leads back."""
    return hmac.new(b"brapped fingerprint", secret.encode(), hashlib.sha256).hexdigest()


def encrypt(token: str, client_secret: str) -> str:
    """The token as authenticated ciphertext (Fernet), under a key derived from the client secret."""
    return _fernet(client_secret).encrypt(token.encode()).decode()


def decrypt(ciphertext: str, client_secret: str) -> str:
    """The token again; raises TokenKeyError when it was encrypted under another client secret."""
    try:
        return _fernet(client_secret).decrypt(ciphertext.encode()).decode()
    except InvalidToken:
        pass
    raise TokenKeyError


def _fernet(client_secret: str) -> Fernet:
    # The secret is random already: HKDF only gives it the length and purpose of this key.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"brapped refresh token").derive(
        client_secret.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))
