"""A count with its noun: 1 row, 2 rows. Pure."""


def many(count: int, one: str, more: str | None = None) -> str:
    """1 play, 1,234 plays. `more`: the plural, where it takes more than an s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
