"""The text of an export's file, decoded strictly: UTF-8, UTF-16, UTF-32, or Windows-1252 where it is no other. Pure."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass

WELL_FORMED = re.compile(  # characters of UTF-8 beyond ASCII
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
BEYOND_ASCII = bytes(range(0x80, 0x100))
RUN = re.compile(
    rb"[\x80-\xff]{3,}"
)  # Cyrillic, Greek, Japanese: most of these bytes stand beside others, in the West alone
WINDOWS_1252 = "read as Windows-1252: it is not UTF-8"
DAMAGED = "not UTF-8 throughout: a row with a broken byte in what was played is bad"


class NotText(ValueError):
    """Bytes of no encoding that is read. The message is for the person, as the reason why a file could not be read."""


@dataclass(frozen=True)
class Decoded:
    """The text, and what is to be said of how it was read."""

    text: str
    note: str | None = None
    is_damaged: bool = False  # bytes that are no UTF-8 are left in it, as surrogateescape does


def to_utf8(content: bytes) -> bytes:
    """The same in UTF-8, without a byte order mark, where it is UTF-16 or UTF-32; other bytes as they are.

    Half an emoji stays half an emoji, as JSON may have it too. Raises NotText.
    """
    encoding = json.detect_encoding(content)
    if encoding == "utf-8":
        return content
    if encoding == "utf-8-sig":
        return content[len(b"\xef\xbb\xbf") :]
    with suppress(UnicodeDecodeError):
        return content.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    raise NotText(f"it begins like {encoding[:6].upper()}, but is not: save it as UTF-8")


def decode(content: bytes) -> Decoded:
    """Bytes that are UTF-8, or at least no other Unicode. Nothing is replaced. Raises NotText.

    Where most of what is beyond ASCII is UTF-8, the file is damaged UTF-8 and no Windows-1252.
    """
    with suppress(UnicodeDecodeError):
        return Decoded(content.decode("utf-8"))
    with suppress(UnicodeDecodeError):  # old programs write an emoji as two halves of three bytes each
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
