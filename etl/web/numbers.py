"""Numbers and names in addresses and forms, as people and programs may write them. Pure."""

MOST = 2_147_483_647  # of an integer in Postgres


def number_in(told: str) -> int | None:
    """A number from 1 on; None for anything else."""
    if not (told.isascii() and told.isdecimal() and len(told) <= 10):
        return None
    return int(told) if 0 < int(told) <= MOST else None


def line_of(told: str, longest: int) -> str | None:
    """A line of a form without the spaces around it; None if it is empty, too long, or not printable."""
    text = told.strip()
    return text if text and len(text) <= longest and text.isprintable() else None
