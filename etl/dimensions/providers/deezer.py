"""Deezer: the tempo of a track by ISRC, one a call.

Errors come with status 200 and an `error`: 800 is "no data", 4 is a used-up quota of 50 calls in 5 seconds. A tempo of
0 is an unknown one. https://developers.deezer.com/api/track
"""

from collections.abc import Sequence

from etl.dimensions.features import features_of
from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import mapping, number

NO_DATA, QUOTA = 800, 4
LENGTH_WITHIN_MS = 3_500  # it tells whole seconds


def tempo(caller: Caller, items: Sequence[Item]) -> Told:
    """The tempo of one track. One of another length is another recording with the same ISRC, so it is a miss."""
    told = Told(matched_by="isrc")
    for item in items:
        answer = mapping(caller.ask(f"/track/isrc:{item.isrc}"))
        error = mapping(answer.get("error"))
        if error:
            if error.get("code") == NO_DATA:
                continue
            raise ProviderError(f"error {number(error.get('code'))}", is_busy=error.get("code") == QUOTA)
        if "bpm" not in answer and "id" not in answer:
            raise ProviderError("an answer of another shape")
        seconds = number(answer.get("duration"))
        if seconds and item.duration_ms and abs(seconds * 1000 - item.duration_ms) > LENGTH_WITHIN_MS:
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
