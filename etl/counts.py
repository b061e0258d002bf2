"""A count with its noun, 1 row, 2 rows, and a duration in words, 2 h 27 min. Pure."""


def many(count: int, one: str, more: str | None = None) -> str:
    """1 play, 1,234 plays. `more`: the plural, where it takes more than an s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def duration(ms: int) -> str:
    """A duration from milliseconds: 2 h 27 min, 38 min, 45 s."""
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(ms / 60_000)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"
