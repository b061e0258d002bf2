"""What other providers have told of the played tracks and artists, line by line for `brapped status`. Pure."""

from collections.abc import Iterator
from typing import Any

from etl.counts import many


def provider_lines(providers: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """A name and a line for each provider that has told something or was asked. providers: rows of health/provider."""
    for one in providers:
        tracks, artists = one["track_count"], one["artist_count"]
        parts = []
        if one["feature_count"]:
            parts.append(f"features known for {one['feature_count']:,} of {many(tracks, 'track')}")
        if one["genre_count"]:
            parts.append(f"genres for {one['genre_count']:,} of {many(artists, 'artist')}")
        if one["identity_count"]:
            parts.append(f"{one['identity_count']:,} of {many(artists, 'artist')} identified")
        if one["miss_count"]:
            parts.append(f"{one['miss_count']:,} unknown to it")
        if one["out_of_range_count"]:
            parts.append(f"{many(one['out_of_range_count'], 'value')} out of range")
        yield one["provider_name"], ", ".join(parts)
