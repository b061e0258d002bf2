"""Words that jobs, health and reports share: how long ago, the reason of a gap."""

import re
from datetime import timedelta

import pytest
from support import NOW, ROOT

from etl.notices import WHY_LOST, ago


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(minutes=-5), "0 minutes ago"),  # a clock that is behind
        (timedelta(seconds=70), "1 minute ago"),
        (timedelta(minutes=119), "119 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=2), "2 days ago"),
    ],
)
def test_a_moment_was_so_long_ago(span, words):
    assert ago(NOW - span, NOW) == words


def test_each_reason_that_the_ledger_may_give_has_words_of_its_own():
    schema = (ROOT / "sql/schema/013_gaps_and_names.sql").read_text("utf-8")
    [reasons] = re.findall(r"add check \(reason in \((.*)\)\)", schema)
    assert set(re.findall(r"'(\w+)'", reasons)) == set(WHY_LOST) - {None}
    assert len(set(WHY_LOST.values())) == len(WHY_LOST)
