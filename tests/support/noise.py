"""Texts that can't be compressed."""

import random

ALPHABETS = {
    "four bytes each": [chr(code) for code in range(0x20000, 0x2A000)],
    "ascii": [chr(code) for code in range(0x21, 0x7F)],
    "of an id": list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
}


def noise(alphabet: str, count: int = 12_000) -> str:
    """A text that can't be compressed: an index takes a much longer one of the other kind."""
    return "".join(random.Random(1).choices(ALPHABETS[alphabet], k=count))
