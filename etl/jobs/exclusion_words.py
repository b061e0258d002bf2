"""The conditions of a rule of what is left out, in words."""

from typing import Any

from sqlalchemy import Row

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def in_words(row: Row[Any]) -> str:
    """The conditions of a rule: artist Ann, from 22:00 to 06:00, on Sat and Sun. Pure."""
    words = []
    if row.artist_name:
        words.append(f"artist {row.artist_name}")
    if row.track_name:
        words.append(f"track {row.track_name}{f' by {row.track_artist_names}' if row.track_artist_names else ''}")
    if row.album_name:
        words.append(f"{'show' if row.is_show else 'album'} {row.album_name}")
    if row.context_name:
        words.append(f"from {row.context_name}")
    if row.device_name:
        words.append(f"on {row.device_name}")
    if row.genre_name:
        words.append(f"genre {row.genre_name}")
    if row.from_minute is not None:
        words.append(f"between {clock_time(row.from_minute)} and {clock_time(row.until_minute)}")
    if row.weekdays:
        words.append(f"on {' and '.join(WEEKDAYS[day - 1] for day in row.weekdays)}")
    if row.since_date and row.until_date == row.since_date:
        words.append(f"on {row.since_date}")
    else:
        words += [f"since {row.since_date}"] if row.since_date else []
        words += [f"until {row.until_date}"] if row.until_date else []
    return ", ".join(words)


def clock_time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
