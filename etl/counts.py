"""A count with its noun: 1 row, 2 rows. Pure."""


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """1 row, 1,234 rows. `nouns`: the plural, where it takes more than an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"
