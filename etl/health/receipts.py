"""The latest imports, line by line for `brapped status`. Pure."""

from collections.abc import Iterator
from typing import Any

from etl.counts import many


def receipt_lines(receipts: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """A number and a line for each of the latest receipts, and how to see all. receipts: rows of health/receipt.

    No file and no listener is named.
    """
    for one in receipts:
        text = (
            f"{one['started_at']:%Y-%m-%d}: {many(one['file_count'], 'file')}, {many(one['row_count'], 'row')},"
            f" {many(one['new_count'], 'new play')}"
        )
        if one["undone_at"]:
            text += f"; taken back on {one['undone_at']:%Y-%m-%d}"
        yield f"import {one['receipt']}", text
    if receipts:
        before = receipts[0]["import_count"] - len(receipts)
        yield "", f"{f'{before:,} before; ' if before else ''}'brapped import --receipts' lists all"
