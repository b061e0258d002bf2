"""Encrypt refresh tokens with keys that can be rotated."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from etl.settings import Settings


class TokenKeyError(Exception):
    """The stored token was encrypted with a key that is not configured."""

    def __init__(self) -> None:
        super().__init__(
            "The login in the database was encrypted with another key: TOKEN_KEY, or SPOTIFY_CLIENT_SECRET if there is"
            " no TOKEN_KEY, has changed since. Add the old key after the new one in TOKEN_KEY, separated by a comma, or"
            " log in again."
        )


class Keys:
    """The encryption keys: those of TOKEN_KEY in order, then the client secret. The first encrypts, all decrypt.

    So TOKEN_KEY can be set for the first time, or given a new first key, at any time. After the client secret has been
    replaced, put the old secret behind a new key in TOKEN_KEY, or the stored logins can't be decrypted.
    """

    def __init__(self, settings: Settings) -> None:
        secrets = settings.token_key.get_secret_value().replace(",", " ").split() if settings.token_key else []
        if settings.spotify_client_secret:
            secrets.append(settings.spotify_client_secret.get_secret_value())
        self._keys = [fernet(secret) for secret in secrets]

    def __repr__(self) -> str:
        return "Keys(…)"

    def encrypt(self, text: str) -> str:
        """Authenticated ciphertext (Fernet: AES-128-CBC and HMAC-SHA256), in URL-safe base64."""
        return MultiFernet(self._keys).encrypt(text.encode()).decode()

    def decrypt(self, ciphertext: str) -> str:
        """The plain text. Raises TokenKeyError if none of the keys fits."""
        try:
            return MultiFernet(self._keys).decrypt(ciphertext.encode()).decode()
        except InvalidToken:
            pass
        raise TokenKeyError

    def is_first(self, ciphertext: str) -> bool:
        """Whether the first key encrypted it. If not, the caller encrypts it again, so the old key can be removed."""
        try:
            self._keys[0].decrypt(ciphertext.encode())
        except InvalidToken:
            return False
        return True


def fernet(key: str) -> Fernet:
    # The key is already long and random; HKDF only adapts its length and binds it to this purpose.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"brapped refresh token").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
