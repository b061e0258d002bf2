"""The spans that addresses ask for: their days, what lies before them, and the sentences for those that are none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.web.spans import EARLIEST, LATEST, PRESETS, SpanError, span_of

SUNDAY = date(2026, 11, 29)


def days(asked: dict[str, str], today: date = SUNDAY) -> tuple[date | None, date | None]:
    span = span_of(asked, today)
    return span.since, span.until


def days_before(asked: dict[str, str], today: date = SUNDAY) -> tuple[date | None, date | None]:
    before = span_of(asked, today).before(today)
    assert before is not None
    return before.since, before.until


@pytest.mark.parametrize(
    ("asked", "first", "last", "first_before", "last_before"),
    [
        ({}, "2026-10-31", "2026-11-29", "2026-10-01", "2026-10-30"),
        ({"span": "90d"}, "2026-09-01", "2026-11-29", "2026-06-03", "2026-08-31"),
        ({"span": "week"}, "2026-11-23", "2026-11-29", "2026-11-16", "2026-11-22"),
        ({"span": "month"}, "2026-11-01", "2026-11-30", "2026-10-01", "2026-10-29"),  # up to the same day
        ({"span": "year"}, "2026-01-01", "2026-12-31", "2025-01-01", "2025-11-29"),
        ({"year": "2024"}, "2024-01-01", "2024-12-31", "2023-01-01", "2023-12-31"),
        ({"month": "2024-03"}, "2024-03-01", "2024-03-31", "2024-02-01", "2024-02-29"),
        ({"month": "2024-02"}, "2024-02-01", "2024-02-29", "2024-01-01", "2024-01-31"),  # whole months
        ({"month": "2024-01", "year": " "}, "2024-01-01", "2024-01-31", "2023-12-01", "2023-12-31"),
        ({"since": "2024-02-27", "until": "2024-03-01"}, "2024-02-27", "2024-03-01", "2024-02-23", "2024-02-26"),
        ({"since": "2026-11-28", "until": "2026-12-24"}, "2026-11-28", "2026-12-24", "2026-11-26", "2026-11-27"),
    ],
)
def test_days_of_a_span_and_of_the_one_before(
    asked: dict[str, str], first: str, last: str, first_before: str, last_before: str
) -> None:
    assert days(asked) == (date.fromisoformat(first), date.fromisoformat(last))
    assert days_before(asked) == (date.fromisoformat(first_before), date.fromisoformat(last_before))


@pytest.mark.parametrize("asked", [{"span": "all"}, {"since": "2024-01-01"}, {"until": "2024-01-01"}, {"year": "2027"}])
def test_nothing_is_before_what_is_open_or_to_come(asked: dict[str, str]) -> None:
    assert span_of(asked, SUNDAY).before(SUNDAY) is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"span": "decade"}, "no span 'decade'"),
        ({"year": "24"}, "'24' is no year"),
        ({"year": "²024"}, "is no year"),
        ({"year": "99999999999"}, "is no year"),
        ({"month": "2024-13"}, "'2024-13' is no month"),
        ({"month": "202401"}, "is no month"),
        ({"since": "1.5.2024"}, "'1.5.2024' is no day"),
        ({"since": "2024-W05-1"}, "is no day"),
        ({"until": "0001-01-01"}, "is no day"),
        ({"since": "2024-05-02", "until": "2024-05-01"}, "before the first"),
        ({"year": "2024", "since": "2024-05-02"}, "two spans"),
    ],
)
def test_what_is_no_span_is_told_in_a_sentence(asked: dict[str, str], said: str) -> None:
    with pytest.raises(SpanError, match=said):
        span_of(asked, SUNDAY)


@given(
    st.dates(date(1995, 1, 1), date(2090, 1, 1)),
    st.one_of(
        st.sampled_from(list(PRESETS)).map(lambda name: {"span": name}),
        st.integers(1991, 2100).map(lambda year: {"year": str(year)}),
        st.dates(date(1991, 1, 1), LATEST).map(lambda day: {"month": f"{day:%Y-%m}"}),
    ),
)
def test_the_address_of_a_span_asks_for_it_and_the_one_before_ends_where_it_begins(
    today: date, asked: dict[str, str]
) -> None:
    span = span_of(asked, today)
    assert span_of(span.value, today) == span
    before = span.before(today)
    if before is not None:
        assert before.since and before.until and span.since and span.until
        assert EARLIEST <= before.since <= before.until < span.since
        length = min(span.until, today) - span.since
        assert abs((before.until - before.since) - length) <= timedelta(days=3)


@given(st.dictionaries(st.sampled_from(["span", "year", "month", "since", "until"]), st.text(max_size=12)))
def test_any_text_is_a_span_or_a_sentence(asked: dict[str, str]) -> None:
    try:
        span_of(asked, SUNDAY)
    except SpanError as error:
        assert str(error).endswith(".")
