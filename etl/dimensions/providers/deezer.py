"""Deezer: the tempo of a track by ISRC, one a call.

Errors come with status 200 and an `error`: 800 is "no data", 4 is a used-up quota of 50 calls in 5 seconds. A tempo of
0 is an unknown one. https://developers.deezer.com/api/track

One of another length is another recording with the same ISRC, and one of unknown length may be.
"""

from collections.abc import Sequence

from etl.dimensions.features import features_of
from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import mapping, whole

NO_DATA, QUOTA = 800, 4
LENGTH_WITHIN_MS = 3_500  # it tells whole seconds


def tempo(caller: Caller, items: Sequence[Item]) -> Told:
    """The tempo of one track of our length. Raises ProviderError, and what Caller.ask raises."""
    told = Told(matched_by="isrc")
    for item in items:
        answer = mapping(caller.ask(f"/track/isrc:{item.isrc}"))
        if answer.get("error"):
            code = whole(mapping(answer["error"]).get("code"))
            if code == NO_DATA:
                continue
            raise ProviderError(f"error {code}", is_busy=code == QUOTA)
        if answer.get("id") is None or isinstance(answer.get("bpm"), list | dict | bool):
            raise ProviderError("an answer of another shape")
        seconds = whole(answer.get("duration"))
        if not seconds or not item.duration_ms or abs(seconds * 1000 - item.duration_ms) > LENGTH_WITHIN_MS:
            continue
        features = features_of({"tempo": answer.get("bpm")})
        if features is not None:
            told.features[item.key] = features
    return told


DEEZER = Provider(
    "deezer",
    budget=100,
    pause_s=0.11,
    steps=(Step("track_isrc", "features", 1, tempo, is_tempo=True),),
)
