"""What is secret in the database: encrypted under keys that can be changed, and fingerprints that lead nowhere."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from etl.settings import Settings


class TokenKeyError(Exception):
    """What is stored was encrypted under a key that is not among ours."""

    def __init__(self) -> None:
        super().__init__(
            "The login in the database was encrypted with another key: TOKEN_KEY, or without one SPOTIFY_CLIENT_SECRET, has"
            " changed since. Put the old key behind the new one in TOKEN_KEY, with a comma between them, or log in again."
        )


class Keys:
    """The keys of these settings: those of TOKEN_KEY in their order, and the client secret. The first one encrypts, all decrypt.

    So TOKEN_KEY may be brought in, or a new key put before an old one, at any time; a client secret that has been replaced
    still decrypts when it stands in TOKEN_KEY behind a new key.
    """

    def __init__(self, settings: Settings) -> None:
        told = settings.token_key.get_secret_value().replace(",", " ").split() if settings.token_key else []
        if settings.spotify_client_secret:
            told.append(settings.spotify_client_secret.get_secret_value())
        self._keys = [fernet(key) for key in told]

    def __repr__(self) -> str:
        return "Keys(…)"

    def encrypt(self, text: str) -> str:
        """The text as authenticated ciphertext (Fernet: AES-128-CBC and HMAC-SHA256)."""
        return MultiFernet(self._keys).encrypt(text.encode()).decode()

    def decrypt(self, ciphertext: str) -> str:
        """The text again. Raises TokenKeyError when none of the keys is the one it was encrypted with."""
        try:
            return MultiFernet(self._keys).decrypt(ciphertext.encode()).decode()
        except InvalidToken:
            pass
        raise TokenKeyError

    def is_first(self, ciphertext: str) -> bool:
        """Whether the first key encrypted it: what another one did is encrypted anew, so that that one may go."""
        try:
            self._keys[0].decrypt(ciphertext.encode())
        except InvalidToken:
            return False
        return True


def fernet(key: str) -> Fernet:
    # The key is long and random already: HKDF only gives it the length and the purpose.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"brapped refresh token").derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
