"""Random tokens of cookies, links and keys, and the hashes by which they are known again. Pure."""

import hashlib
import secrets

BYTES = 32  # 256 bits: nobody guesses one, so a plain hash is enough


def new_token() -> str:
    """A random token for a cookie or an address: 43 characters of [A-Za-z0-9_-]."""
    return secrets.token_urlsafe(BYTES)


def digest(token: str) -> bytes:
    """What is stored in place of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
