"""With two scrobblers beside all other sources, in whatever order they come, and rebuilt in between: each true listen once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching.test_orders import (  # noqa: F401
    QUICK,
    database,
    deliver_all,
    known,
    record,
    remaining,
    right,
    with_diary,
)
from support.hard_truth import hard_truth


@QUICK
@given(seed=st.integers(1, 1_000), shuffled=st.randoms(use_true_random=False))
def test_any_order_twice_and_rebuilt_in_between(record, ask, seed, shuffled):  # noqa: F811
    truth = hard_truth(seed, is_scrobbled=True)
    deliver_all(record, truth, sorted(truth.told))
    assert remaining(ask) == right(truth)
    before = known(ask)

    order = [*truth.told, *truth.told, "rebuild", "rebuild"]
    shuffled.shuffle(order)
    deliver_all(record, truth, order)
    assert known(ask) == before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_spotify_each_service_alone_gives_each_scrobble_once(record, ask, seed):  # noqa: F811
    """What the other tells then changes who reported a play, and adds what only it has."""
    truth = hard_truth(seed, is_scrobbled=True)
    deliver_all(record, truth, ["lastfm"])
    alone = sum("lastfm" in play.sources for play in truth.plays)
    assert len(remaining(ask)) == alone > 0
    deliver_all(record, truth, ["lastfm", "listenbrainz"])
    forth = known(ask)
    assert len(remaining(ask)) == sum(bool({"lastfm", "listenbrainz"} & set(play.sources)) for play in truth.plays)
    deliver_all(record, truth, ["listenbrainz", "lastfm", "rebuild"])
    assert known(ask) == forth
