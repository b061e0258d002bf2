"""Natural keys made of several texts: no two different ones look alike, whatever characters are in them."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cases import Song, exported, minuted

from etl.sources.exports.reader import name_uri

PARTS = ["a", "a\nb", "b\nc", "c", "\x1a", "", '"', ",", "a,b", "\\", "(", ")", "a b", "\t", None]
PROFILES = """
    select reason_start, reason_end, platform
    from listening.fact_play
    join listening.dim_play_profile using (play_profile_key)
    join listening.dim_device using (device_key)
    order by played_at
"""


def test_profiles_with_line_breaks_and_marks_do_not_collide(record, ask):
    pairs = list(itertools.product(PARTS, PARTS))
    listed = [
        exported(-10 * number, Song("A", "Song"), 1_000 + number, reason_start=start, reason_end=end, platform=start)
        for number, (start, end) in reversed(list(enumerate(pairs)))
    ]
    for _ in range(2):  # a profile that is known is found again
        record.load(listed)
        found = ask(PROFILES)
        assert found == [(start or None, end or None, start or None) for start, end in reversed(pairs)]
    assert ask("select count(*) from listening.fact_play") == [(len(pairs),)]


@pytest.mark.parametrize(("one", "other"), [(("a\nb", "c"), ("a", "b\nc")), (("a b", "c"), ("a", "b c"))])
def test_names_with_line_breaks_are_not_the_same_names(record, ask, one, other):
    """Artist and title, by which the account data and the list find each other: two songs of one minute stay two."""
    record.load([minuted(-5, Song(None, title, (artist,)), 60_000) for artist, title in (one, other)])
    assert ask("select count(*) from listening.fact_play") == [(2,)]
    assert ask("select count(distinct name_hash) from listening.track_alias") == [(2,)]


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(*[st.tuples(st.text(max_size=6), st.text(max_size=6))] * 2)
def test_a_uri_made_of_names_is_of_these_names(one, other):
    clean = [tuple(part.replace("\x00", "") for part in pair) for pair in (one, other)]
    assert (name_uri("track", *one) == name_uri("track", *other)) == (clean[0] == clean[1])
