"""Last.fm: the top tags of an artist, by MBID or else by name, one a call; needs LASTFM_API_KEY.

Errors come with status 200 and an `error`: 6 is an unknown artist, 10 a wrong key, 29 too many calls. Its JSON is made
from XML: a list of one is the object alone, and numbers may be text.
https://www.last.fm/api/show/artist.getTopTags
"""

from collections.abc import Sequence

from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import Json, genres, mapping, mappings, whole

UNKNOWN_ARTIST, WRONG_KEY, TOO_MANY = 6, 10, 29
LEAST_WEIGHT = 10  # of 100: below that stand countries, jokes and single votes
MOST_GENRES = 5
NO_GENRES = {
    "seen live", "favorites", "favourites", "favorite", "favourite", "all", "awesome", "love", "spotify", "albums i own",
    "under 2000 listeners", "female vocalists", "male vocalists", "female vocalist", "male vocalist",
}  # fmt: skip


def top_tags(caller: Caller, items: Sequence[Item]) -> Told:
    """The tags of one artist that are likely genres. Raises ProviderError, and what Caller.ask raises."""
    told = Told(matched_by="name")
    for item in items:
        who = ("mbid", item.mbid) if item.mbid else ("artist", item.artist_name or "")
        answer = mapping(
            caller.ask(
                "/2.0/",
                [("method", "artist.gettoptags"), who, ("api_key", caller.api_key or ""), ("format", "json")],
            )
        )
        if "error" in answer:
            code = whole(answer["error"])
            if code == UNKNOWN_ARTIST:
                continue
            reason = "it does not accept LASTFM_API_KEY" if code == WRONG_KEY else f"error {code}"
            raise ProviderError(reason, is_busy=code == TOO_MANY)
        tags = tags_of(answer)
        names = [name.strip().lower() for name, weight in tags if weight >= LEAST_WEIGHT]
        found = genres([name for name in names if name not in NO_GENRES][:MOST_GENRES])
        if found:
            told.genres[item.key] = found
            told.matches[item.key] = "id" if item.mbid else "name"
    return told


def tags_of(answer: Json) -> list[tuple[str, int]]:
    """Names and weights of the tags. Raises ProviderError for an answer of another shape."""
    top = answer.get("toptags")
    told = top.get("tag", []) if isinstance(top, dict) else None
    rows = [told] if isinstance(told, dict) else told
    if not isinstance(rows, list):
        raise ProviderError("an answer of another shape")
    tags = [
        (row["name"], weight)
        for row in mappings(rows)
        if isinstance(row.get("name"), str) and (weight := whole(row.get("count"))) is not None
    ]
    if rows and not tags:
        raise ProviderError("an answer of another shape")
    return tags


LASTFM = Provider(
    "lastfm",
    budget=50,
    pause_s=0.25,
    steps=(Step("artist", "genres", 1, top_tags),),
    needs_key=True,
)
