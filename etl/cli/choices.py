"""The values that options of a report accept. Pure."""

from enum import StrEnum


class CountsAs(StrEnum):
    """The minimum of a counted play, as defined in sql/functions/is_counted.sql."""

    AT_LEAST_30S = "30s"
    HALF = "half"
    FULL = "full"
    ALL = "all"


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    CSV = "csv"


class HistoryFormat(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    CSV = "csv"
    EXTENDED = "extended"


class Top(StrEnum):
    TRACKS = "tracks"
    ARTISTS = "artists"
    ALBUMS = "albums"
    GENRES = "genres"
    SHOWS = "shows"


class By(StrEnum):
    PLAYS = "plays"
    TIME = "time"
