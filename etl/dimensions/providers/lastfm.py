"""Last.fm: the top tags of an artist, by MBID or else by name, one a call; needs LASTFM_API_KEY.

Errors come with status 200 and an `error`: 6 is an unknown artist, 10 a wrong key, 29 too many calls.
https://www.last.fm/api/show/artist.getTopTags
"""

from collections.abc import Sequence

from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import genres, mapping, mappings, number

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
            code = answer["error"]
            if code == UNKNOWN_ARTIST:
                continue
            reason = "it does not accept LASTFM_API_KEY" if code == WRONG_KEY else f"error {number(code)}"
            raise ProviderError(reason, is_busy=code == TOO_MANY)
        if "toptags" not in answer:
            raise ProviderError("an answer of another shape")
        tags = mappings(mapping(answer["toptags"]).get("tag"))
        names = [tag.get("name") for tag in tags if (number(tag.get("count")) or 0) >= LEAST_WEIGHT]
        lower = [name.strip().lower() for name in names if isinstance(name, str)]
        found = genres([name for name in lower if name not in NO_GENRES][:MOST_GENRES])
        if found:
            told.genres[item.key] = found
            told.matches[item.key] = "id" if item.mbid else "name"
    return told


LASTFM = Provider(
    "lastfm",
    budget=50,
    pause_s=0.25,
    steps=(Step("artist", "genres", 1, top_tags),),
    needs_key=True,
)
