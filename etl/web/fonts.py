"""Fonts for pictures: the first of this computer's that has a text's characters."""

from functools import cache
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

# Where systems keep fonts, and the fonts that are looked for: the plain one, then those for other scripts.
FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
WANTED = (
    ("DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "Arial Bold.ttf", "arialbd.ttf"),
    ("NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "Hiragino Sans GB.ttc", "msyh.ttc"),
    ("NotoSansArabic-Bold.ttf", "NotoSansHebrew-Bold.ttf", "NotoSansThai-Bold.ttf", "NotoSansDevanagari-Bold.ttf"),
)
MISSING = "\U0010ffff"  # no font has it: what is drawn in its place shows what a missing character looks like


@cache
def paths() -> tuple[Path, ...]:
    """The files of the wanted fonts that are here, in their order."""
    names = [name for names in WANTED for name in names]
    found: dict[str, Path] = {}
    for folder in map(Path, FOLDERS):
        if folder.is_dir():
            for path in sorted(folder.rglob("*.tt[fc]")):
                found.setdefault(path.name, path)
    return tuple(found[name] for name in names if name in found)


@cache
def fonts(size: int) -> tuple[Font, ...]:
    """The fonts at this size in pixels, the plain one first; Pillow's own where this computer has none."""
    made = [ImageFont.truetype(path, size) for path in paths()]
    if not made:
        own = ImageFont.load_default(size)
        assert isinstance(own, Font)
        made = [own]
    return tuple(made)


def font_for(text: str, size: int) -> Font:
    """The first font that has all characters of the text; else the one that has the most."""
    return max(fonts(size), key=lambda font: sum(has(font, letter) for letter in text))


@cache
def has(font: Font, letter: str) -> bool:
    """Whether a font has a character."""
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask(MISSING))


def shortened(text: str, size: int, width: int) -> str:
    """The text, or as much of its beginning as fits this width in pixels, with an ellipsis."""
    text = text[:200]
    if font_for(text, size).getlength(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if font_for(text, size).getlength(text[:middle].rstrip() + "…") <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def fitting(text: str, size: int, width: int) -> int:
    """The largest size up to this one at which the text is no wider than `width` pixels."""
    return min(size, int(size * width / max(1.0, font_for(text, size).getlength(text))))
