"""Decode the files of an export strictly: UTF-8, UTF-16, UTF-32, or else Windows-1252. Pure."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass

WELL_FORMED = re.compile(  # UTF-8 characters beyond ASCII
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
BEYOND_ASCII = bytes(range(0x80, 0x100))
# Runs of bytes beyond ASCII, as in Cyrillic, Greek or Japanese; in Western languages such bytes stand alone.
RUN = re.compile(rb"[\x80-\xff]{3,}")
WINDOWS_1252 = "read as Windows-1252: it is not UTF-8"
DAMAGED = "not valid UTF-8 throughout: a row with a broken byte in the names of what was played is bad"


class NotText(ValueError):
    """Bytes in no supported encoding. The message completes "could not be read: " for a person."""


@dataclass(frozen=True)
class Decoded:
    """The text of a file, and a note for the receipt if it was not plain UTF-8."""

    text: str
    note: str | None = None
    is_damaged: bool = False  # contains invalid bytes as lone surrogates (surrogateescape)


def to_utf8(content: bytes) -> bytes:
    """Convert UTF-16 and UTF-32 to UTF-8 and remove a byte order mark; other bytes are returned unchanged.

    Lone surrogates are kept, because JSON may have them, too. Raises NotText.
    """
    encoding = json.detect_encoding(content)
    if encoding == "utf-8":
        return content
    if encoding == "utf-8-sig":
        return content[len(b"\xef\xbb\xbf") :]
    with suppress(UnicodeDecodeError):
        return content.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    raise NotText(f"it starts like {encoding[:6].upper()} but is not valid: save it as UTF-8")


def decode(content: bytes) -> Decoded:
    """Decode UTF-8, valid or damaged, or Windows-1252, without replacing anything. Raises NotText.

    Where most of what is beyond ASCII is valid UTF-8, the file is damaged UTF-8 rather than Windows-1252.
    """
    with suppress(UnicodeDecodeError):
        return Decoded(content.decode("utf-8"))
    with suppress(UnicodeDecodeError):  # CESU-8: old programs write an emoji as two surrogates of three bytes each
        halves = content.decode("utf-8", "surrogatepass")
        return Decoded(halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass"))
    rest = WELL_FORMED.sub(b"", content)
    odd_count = len(rest) - len(rest.translate(None, BEYOND_ASCII))
    if len(WELL_FORMED.findall(content)) >= odd_count:
        return Decoded(content.decode("utf-8", "surrogateescape"), DAMAGED, is_damaged=True)
    if 2 * sum(map(len, RUN.findall(content))) <= odd_count:
        with suppress(UnicodeDecodeError):
            return Decoded(content.decode("cp1252"), WINDOWS_1252)
    raise NotText("its text is neither UTF-8, UTF-16 nor Windows-1252: save it as UTF-8")
