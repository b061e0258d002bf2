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


def test_each_reason_of_the_ledger_has_words():
    schema = (ROOT / "sql/schema/009_unattended.sql").read_text("utf-8")
    [comment] = re.findall(r"comment on column ops.coverage.reason is '(.*)'", schema)
    assert set(re.findall(r"(\w+):", comment)) == set(WHY_LOST) - {None}
