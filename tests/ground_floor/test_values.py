"""What fits a column: each rule against the schema, its types and the limits of its indexes."""

from contextlib import closing
from datetime import date

import psycopg2
import pytest
from psycopg2 import sql
from support import libpq
from support.noise import ALPHABETS, noise

from etl.sources.exports.rows import LONGEST_TEXT
from etl.staging import ALBUM_COLUMNS, ARTIST_COLUMNS, PLAY_COLUMNS, TRACK_ARTIST_COLUMNS, TRACK_COLUMNS
from etl.values import (
    BIGINT,
    INTEGER,
    LONGEST_URI,
    MOST_GENRES,
    RULES,
    SMALLINT,
    account,
    context,
    genres,
    isrc,
    name,
    number,
    release,
    spotify_id,
    text,
    uri,
    word,
)

OURS = {  # what the program says itself
    "fetched_at", "release_date", "release_date_precision", "role", "weight", "item_number", "source", "played_at",
    "named_at",
}  # fmt: skip
OF_EXPORTS = {"platform", "reason_start", "reason_end"}  # cut to LONGEST_TEXT in etl/sources/exports/rows.py
TABLES = ("dim_artist", "dim_album", "dim_track", "dim_context", "dim_listener", "dim_device", "dim_play_profile")
REQUIRED: dict[str, dict[str, object]] = {
    "dim_listener": {"time_zone": "UTC", "created_at": "2026-11-20"},
    "dim_play_profile": {"sources": ["player", "recently_played"]},
}  # fmt: skip


def longest(column: str, alphabet: str) -> object:
    """The longest text that the rule of a column lets through."""
    if column in OF_EXPORTS:
        return noise(alphabet)[:LONGEST_TEXT]
    whole = noise(alphabet)
    if column == "genres":
        return RULES[column]([whole[start:] for start in range(MOST_GENRES + 5)])
    return max((RULES[column](whole[:length]) or "" for length in range(0, len(whole) + 1, 10)), key=len) or None


def test_every_column_that_an_answer_fills_has_a_rule():
    filled = {*ARTIST_COLUMNS, *ALBUM_COLUMNS, *TRACK_COLUMNS, *TRACK_ARTIST_COLUMNS, *PLAY_COLUMNS}
    assert filled - OURS <= RULES.keys()


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_the_longest_texts_that_the_rules_let_through_go_into_the_tables_and_their_indexes(alphabet, database, ask):
    texts = ask(
        "select table_name, array_agg(column_name::text) from information_schema.columns where table_schema = 'listening'"
        " and table_name = any(%s) and data_type in ('text', 'ARRAY') and column_name = any(%s) group by table_name",
        list(TABLES),
        [*RULES, *OF_EXPORTS],
    )
    assert {table for table, _ in texts} == set(TABLES)
    for table, columns in texts:
        row = {**REQUIRED.get(table, {}), **{column: longest(column, alphabet) for column in columns}}
        if row.get("listener_id", "") is not None:
            try_to_insert(database, table, row)
        for column in columns:  # some indexes are only of rows without an id
            if column in ("artist_id", "album_id", "track_id"):
                try_to_insert(database, table, {**row, column: None})


def try_to_insert(database: str, table: str, row: dict[str, object]) -> None:
    statement = sql.SQL("insert into listening.{} ({}) values ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    connection = psycopg2.connect(libpq(database))
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement, tuple(row.values()))
        connection.rollback()


def test_the_largest_number_that_a_rule_lets_through_is_one_that_its_columns_hold(database, ask):
    most = {"smallint": SMALLINT, "integer": INTEGER, "bigint": BIGINT}
    tried = [-(10**40), -1, 0, 1, 100, 101, 1e18, float(2**63), float("inf"), float("nan"), 10**40]
    tried += [limit + more for limit in most.values() for more in (0, 1)]
    columns = ask(
        "select column_name, data_type from information_schema.columns where table_schema = 'listening'"
        " and data_type in ('smallint', 'integer', 'bigint')"
    )
    ruled = [(column, kind) for column, kind in columns if column in RULES]
    assert {column for column, _ in ruled} == {
        "disc_number", "duration_ms", "follower_count", "popularity", "position", "track_count", "track_number",
    }  # fmt: skip
    for column, kind in ruled:
        let_through = [taken for value in tried if (taken := RULES[column](value)) is not None]
        assert let_through and min(let_through) >= 0 and max(let_through) <= most[kind], column


@pytest.mark.parametrize(
    ("given", "released"),
    [
        ("2020", (date(2020, 1, 1), "year")),
        ("2020-05", (date(2020, 5, 1), "month")),
        ("2020-05-17", (date(2020, 5, 17), "day")),
        ("2020-5-7", (date(2020, 5, 7), "day")),
        *(
            (odd, (None, None))
            for odd in (
                "0000", "0000-00-00", "2023-02-30", "2020-13", "9999999999", "9" * 30, "9" * 5000, "10000-01-01", "-2020",
                "2020-", "2020-05-17T00:00:00Z", "\u0662\u0660\u0662\u0660", "0044-03-15 BC", "", "soon", "2020\n", 2020, None, ["2020"], True,
            )
        ),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_date_of_release_is_one_or_is_unknown(given, released):
    assert release(given) == released


@pytest.mark.parametrize("rule", [spotify_id, isrc, account, context, word], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(
    "odd",
    ["A" * 3000, "a\x00b", "a\ud800b", "", None, 5, True, ["a"], {"a": 1}],
    ids=lambda value: repr(value)[:20],
)
def test_what_identifies_something_is_refused_and_never_cut(rule, odd):
    assert rule("ABC") == "ABC"
    assert rule(odd) is None


@pytest.mark.parametrize("written", ["GBSMU4566095", "GB-SMU-45-66095", "gbsmu4566095", " gb smu 45 66095\t"])
def test_an_isrc_is_the_same_however_a_label_writes_it(written):
    assert isrc(written) == "GBSMU4566095"


def test_a_uri_that_no_index_holds_still_names_one_thing():
    long = "spotify:local:" + "A" * LONGEST_URI
    ways = [
        uri(long),
        uri(f"{long}x"),
        uri("spotify:track:a\x00b"),
        uri("spotify:track:ab"),
        uri("spotify:track:a\ud800b"),
    ]
    assert len(set(ways)) == len(ways)
    assert uri(long) == uri(long) and str(uri(long)).startswith("spotify:local:A")
    assert uri("spotify:track:ab") == "spotify:track:ab"


def test_names_are_cut_and_lose_what_postgres_cannot_hold():
    assert name("é" * 301) == "é" * 300
    assert text("a\x00b\ud83dc") == "abc"
    assert genres(["pop", "a\x00", "\udc00", "pop", 1, None, {"a": 1}]) == ["pop", "a"]
    assert genres([]) == [] and genres({"a": 1}) is None and genres(["\udc00", 5]) is None


@pytest.mark.parametrize("odd", [True, "5", None, -1, -0.5, float("nan"), float("inf"), 2**31, [5]], ids=repr)
def test_what_is_no_number_is_unknown(odd):
    assert number(odd) is None
