"""Compare two listeners by what each plays most. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Shared:
    """Something that both play: its name, and the plays and ranks (from 1) of either."""

    name: str = field(repr=False)
    below: str = field(repr=False)
    counts: tuple[int, int]
    ranks: tuple[int, int]

    @property
    def weight(self) -> float:
        """What both have in common of it: high where both play it much."""
        return math.sqrt(self.counts[0] * self.counts[1])


@dataclass(frozen=True)
class Comparison:
    """How alike two rankings are. `share`: 0 for nothing in common to 1 for the same plays of the same things."""

    share: float
    shared: Sequence[Shared]
    only: tuple[Sequence[str], Sequence[str]] = field(repr=False)


def compared(rows: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], name: str) -> Comparison:
    """Compare two rankings, the most played first. rows: of a top report; name: their column with the name.

    The share is the cosine of the two as vectors of play counts.
    """
    tables = tuple({identity(row, name): (rank, row) for rank, row in enumerate(one, 1)} for one in rows)
    common = [key for key in tables[0] if key in tables[1]]
    shared = []
    for key in common:
        (rank, row), (other_rank, other) = tables[0][key], tables[1][key]
        below = row.get("artist_names") or ""
        shared.append(Shared(row[name], below, (row["play_count"], other["play_count"]), (rank, other_rank)))
    shared.sort(key=lambda one: (-one.weight, one.ranks))
    lengths = [math.sqrt(sum(row["play_count"] ** 2 for row in one)) for one in rows]
    product = sum(one.counts[0] * one.counts[1] for one in shared)
    share = product / (lengths[0] * lengths[1]) if all(lengths) else 0.0
    first, second = ([row[name] for key, (_, row) in one.items() if key not in set(common)] for one in tables)
    return Comparison(min(1.0, share), shared, (first, second))


def identity(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    """By what a row is known again in the other ranking: its name, and who it is by."""
    return row[name] or "", row.get("artist_names") or ""
