"""ListenBrainz: genres of artists by MBID, which MusicBrainz has told.

Of the tags of an artist those with a `genre_mbid` are genres. https://listenbrainz.readthedocs.io/en/latest/users/api/
"""

from collections.abc import Sequence

from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import Json, genres, mapping, mappings, number

MOST_ARTISTS = 50  # some 2,000 characters of address
MOST_GENRES = 5  # those with the most votes


def genres_by_mbid(caller: Caller, items: Sequence[Item]) -> Told:
    """Genres of artists. One without a tag that is a genre is a miss: tags are still to come."""
    mbids = sorted({item.mbid for item in items if item.mbid})
    answer = caller.ask("/1/metadata/artist/", [("artist_mbids", ",".join(mbids)), ("inc", "tag")])
    if not isinstance(answer, list):
        raise ProviderError("an answer of another shape")
    readable = {row["artist_mbid"]: row for row in mappings(answer) if is_readable(row)}
    named = {mbid: genre_names(row) for mbid, row in readable.items()}
    return Told(
        genres={item.key: found for item in items if (found := named.get(item.mbid or ""))},
        is_whole=len(readable) == len(answer),
    )


def is_readable(row: Json) -> bool:
    """Whether a row says whose it is, and has its tags where they belong. One that nobody has tagged has none."""
    tags = mapping(row.get("tag", {})).get("artist", [])
    return isinstance(row.get("artist_mbid"), str) and isinstance(tags, list) and isinstance(row.get("tag", {}), dict)


def genre_names(row: Json) -> list[str] | None:
    """The genres of an artist, the one with the most votes first."""
    tags = [tag for tag in mappings(mapping(row.get("tag")).get("artist")) if tag.get("genre_mbid")]
    tags.sort(key=lambda tag: (-(number(tag.get("count")) or 0), str(tag.get("tag"))))
    return genres([tag.get("tag") for tag in tags if number(tag.get("count"))][:MOST_GENRES])


LISTENBRAINZ = Provider(
    "listenbrainz",
    budget=10,
    pause_s=0.5,
    steps=(Step("artist", "genres", MOST_ARTISTS, genres_by_mbid, by_mbid=True),),
)
