"""The rule for "the same listen" between sources, as a table of cases: batches of all kinds, in every order and told twice, and
the plays that remain."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random

import psycopg2
import pytest
from support import NOW, fresh_database, libpq, whole_facts
from support.at_once import short
from support.cases import NOTHING, Others, Record, Song, exported, minuted, told

from etl.warehouse.connection import Warehouse

MANY = 1  # orders of a case, drawn for each, are tried besides the natural one; test_known_truth.py tries many

# One recording under one id, and another.
A = Song("A", "Song", isrc="QZ0000000001")
B = Song("B", "Tune", ("Bob",), 180_000, "QZ0000000002")
# Other ids: of the same ISRC, and as long or not; of the same name and artist, as long or not.
SAME_ISRC = Song("C", "Song - Remastered", duration_ms=202_000, isrc="QZ0000000001")
ONLY_ISRC = Song("C", "Song - Remastered", duration_ms=202_001, isrc="QZ0000000001")
NO_ISRC = Song("D", "Song")
AS_LONG = Song("E", "Song", duration_ms=202_000)
NOT_AS_LONG = Song("F", "Song", duration_ms=202_001)
MUCH_LONGER = Song("G", "Song", duration_ms=210_000)
# Other names: what the account export tells has no id.
A_NAMED = Song(None, "Song")
OF_BOB = replace(A_NAMED, by=("Bob",))
LIVE = replace(A_NAMED, name="Song (Live)")
FRENCH = Song("N", "Où Çela", ("Bjørk Ünder",))
FLAT = Song(None, "OU ÇELA", ("bjørk ｕｎｄｅｒ",))  # noqa: RUF001  full width
A_LIVE = replace(A, name="Song (Live)")
DUET = replace(A, by=("Ann", "Bob"))
NOT_BY_ANN = replace(NO_ISRC, by=("Bob",))
EPISODE = Song("H", "Talk", ("Show",), 3_600_000, kind="episode")
PLAYLIST = "spotify:playlist:" + "p" * 22
SOURCES = ["account_export", "extended_export", "recently_played"]

L, E, M = "list", "extended", "account"
LE, LM, EM, LEM = f"{L} {E}", f"{L} {M}", f"{E} {M}", f"{L} {E} {M}"

# Batches, and the plays that remain: seconds from NOW, what, ms_played, context, sources.
# fmt: off
CASES: dict[str, tuple[list, list]] = {
    # The list and the extended export.
    "told alike": (
        [[told(0, A, PLAYLIST)], [exported(0, A)]],
        [(0, A, 200_000, PLAYLIST, LE)],
    ),
    "the export cuts the fraction off": (
        [[told(0.772, A)], [exported(0, A)]],
        [(0.772, A, 200_000, None, LE)],
    ),
    "2 s apart, either way, and 31 s, not yet moved": (
        [[told(2, A), told(598, A), told(1231.2, A)], [exported(0, A), exported(600, A), exported(1200, A)]],
        [(2, A, 200_000, None, LE), (598, A, 200_000, None, LE), (1231.2, A, 200_000, None, LE)],
    ),
    "45 s apart": (
        [[told(45, A), told(555, A)], [exported(0, A), exported(600, A)]],
        [(45, A, 200_000, None, LE), (555, A, 200_000, None, LE)],
    ),
    "more than 45 s apart": (
        [[told(45.5, A), told(554.5, A)], [exported(0, A), exported(600, A)]],
        [(0, A, 200_000, None, E), (45.5, A, None, None, L), (554.5, A, None, None, L), (600, A, 200_000, None, E)],
    ),
    "another track at the same time": (
        [[told(0, A)], [exported(0, B)]],
        [(0, A, None, None, L), (0, B, 180_000, None, E)],
    ),
    "two tracks at one time, each its own": (
        [[told(0, A), told(0, B, PLAYLIST)], [exported(0, B), exported(0, A)]],
        [(0, A, 200_000, None, LE), (0, B, 180_000, PLAYLIST, LE)],
    ),
    "two repeats 40 s apart": (
        [[told(0.7, A, PLAYLIST), told(40.2, A)], [exported(0, A, 40_001), exported(40, A, 40_002)]],
        [(0.7, A, 40_001, PLAYLIST, LE), (40.2, A, 40_002, None, LE)],
    ),
    "two repeats 40 s apart, not yet moved": (
        [[told(19, A), told(59, A)], [exported(0, A, 40_001), exported(40, A, 40_002)]],
        [(19, A, 40_001, None, LE), (59, A, 40_002, None, LE)],
    ),
    "short skips that only the export tells": (
        [[told(0.5, A), told(600.5, A)],
         [exported(-10, A, 3_000), exported(0, A), exported(600, A), exported(606, A, 3_000)]],
        [(-10, A, 3_000, None, E), (0.5, A, 200_000, None, LE), (600.5, A, 200_000, None, LE), (606, A, 3_000, None, E)],
    ),
    "short skips that only the export tells, each with its start": (
        [[told(0.5, A), told(600.5, A)],
         [exported(-10, A, 3_000, start=-13), exported(0, A, start=-200),
          exported(600, A, start=400), exported(606, A, 3_000, start=603)]],
        [(-10, A, 3_000, None, E), (0.5, A, 200_000, None, LE), (600.5, A, 200_000, None, LE), (606, A, 3_000, None, E)],
    ),
    "short skips, and 0 ms, dated as the play": (
        [[told(0.5, A), told(600.5, A)],
         [exported(0, A, 3_000), exported(0, A), exported(600, A), exported(600, A, 0)]],
        [(0, A, 3_000, None, E), (0.5, A, 200_000, None, LE), (600, A, 0, None, E), (600.5, A, 200_000, None, LE)],
    ),
    "0 ms a second nearer than the play": (
        [[told(1.5, A)], [exported(0, A), exported(1, A, 0)]],
        [(1, A, 0, None, E), (1.5, A, 200_000, None, LE)],
    ),
    "a play with a pause in it": (
        [[told(0.3, A)], [exported(0, A, start=-3600)]],
        [(0.3, A, 200_000, None, LE)],
    ),
    "dated half an hour late, but begun as long before as was played": (
        [[told(0.4, A)], [exported(1800, A, start=-200)]],
        [(0.4, A, 200_000, None, LE)],
    ),
    "dated hours late, after a crash": (
        [[told(0.4, A)], [exported(80_000, A, start=-200, reason_end="unexpected-exit")]],
        [(0.4, A, 200_000, None, LE)],
    ),
    "dated hours late, after a crash, and all is known of the track": (
        [[told(-9000, A)], [exported(7200, A, start=-200, reason_end="unexpected-exit")], [told(0.4, A)]],
        [(-9000, A, None, None, L), (0.4, A, 200_000, None, LE)],
    ),
    "dated late, and what was played ended 45 s off": (
        [[told(45, A), told(2955, A)], [exported(600, A, start=-200), exported(3600, A, start=2800)]],
        [(45, A, 200_000, None, LE), (2955, A, 200_000, None, LE)],
    ),
    "dated late, and what was played ended more than 45 s off": (
        [[told(45.5, A), told(2954.5, A)], [exported(600, A, start=-200), exported(3600, A, start=2800)]],
        [(45.5, A, None, None, L), (600, A, 200_000, None, E), (2954.5, A, None, None, L), (3600, A, 200_000, None, E)],
    ),
    "dated late, beside a play that is dated well": (
        [[told(0, A), told(600, A)], [exported(590, A, 150_000, start=-150), exported(600, A, start=400)]],
        [(0, A, 150_000, None, LE), (600, A, 200_000, None, LE)],
    ),
    "dated late, beside a short skip": (
        [[told(0.4, A)], [exported(20, A, 3_000, start=17), exported(1800, A, start=-200)]],
        [(0.4, A, 200_000, None, LE), (20, A, 3_000, None, E)],
    ),
    "a repeat that a page lists twice": (
        [[told(0.934, A), told(44.270, A, PLAYLIST), told(44.316, A)], [exported(0, A), exported(44, A, 42_679)],
         [told(0.960, A), told(44.270, A, PLAYLIST)]],
        [(0.934, A, 200_000, None, LE), (44.270, A, 42_679, PLAYLIST, LE)],
    ),
    "moved after the export": (
        [[told(0, A)], [exported(-31, A)], [told(-31, A)]],
        [(-31, A, 200_000, None, LE)],
    ),
    "moved towards the export, which was too far from the first date": (
        [[told(40, A)], [exported(-30, A)], [told(0, A)]],
        [(0, A, 200_000, None, LE)],
    ),
    "moved away from what the exports say": (
        [[told(40, A), told(640, A), told(1240, A), told(1840, A)],
         [exported(60, A), exported(642, NO_ISRC), exported(1241, NOTHING, 5_000), minuted(31, A)],
         [told(0, A), told(600, A), told(1200, A), told(1800, A)]],
        [(0, A, 200_000, None, LE), (600, NO_ISRC, 200_000, None, LE), (1200, A, 5_000, None, LE),
         (1800, A, 200_000, None, LM)],
    ),
    "two repeats moved by nearly as much as they are apart, and the export": (
        [[told(0, A), told(40, A)], [exported(-31, A, 40_001), exported(9, A, 40_002)], [told(-31, A), told(9, A)]],
        [(-31, A, 40_001, None, LE), (9, A, 40_002, None, LE)],
    ),
    "a repeat that only the export tells from a play dated anew": (
        # no page holds both dates, so they are one play of the list; a full page is no proof, in whatever order pages come
        [[told(0, A)], [exported(0, A, 40_001), exported(40, A, 40_002)], [told(40, A), told(300, B)]],
        [(0, A, 40_001, None, LE), (40, A, 40_002, None, E), (300, B, None, None, L)],
    ),
    "a repeat that the list does not tell": (
        [[told(40.5, A)], [exported(0, A, 40_001), exported(40, A, 40_002)]],
        [(0, A, 40_001, None, E), (40.5, A, 40_002, None, LE)],
    ),
    "podcasts and private sessions are only in the export": (
        [[told(0, B)], [exported(0, EPISODE), exported(0, A, incognito_mode=True)]],
        [(0, A, 200_000, None, E), (0, B, None, None, L), (0, EPISODE, 3_600_000, None, E)],
    ),

    # The list and an export that names nothing.
    "rows without a name, up to 2 s off": (
        [[told(2, A), told(598, B)], [exported(0, NOTHING, 5_000), exported(600, NOTHING, 5_000)]],
        [(2, A, 5_000, None, LE), (598, B, 5_000, None, LE)],
    ),
    "rows without a name, more than 2 s off": (
        [[told(2.5, A), told(597.5, B)], [exported(0, NOTHING, 5_000), exported(600, NOTHING, 5_000)]],
        [(0, NOTHING, 5_000, None, E), (2.5, A, None, None, L), (597.5, B, None, None, L), (600, NOTHING, 5_000, None, E)],
    ),
    "named by neither": (
        [[told(0.4, NOTHING), told(630, NOTHING)], [exported(0, NOTHING, 5_000), exported(600, NOTHING, 5_000)]],
        [(0.4, NOTHING, 5_000, None, LE), (600, NOTHING, 5_000, None, E), (630, NOTHING, None, None, L)],
    ),
    "a row without a name, and one further off with it": (
        [[told(0, A)], [exported(0, NOTHING, 5_000), exported(30, A)]],
        [(0, A, 200_000, None, LE), (0, NOTHING, 5_000, None, E)],
    ),
    "a row without a name, and one further off with another id": (
        [[told(0, A)], [exported(0, NOTHING, 5_000), exported(4, NO_ISRC)]],
        [(0, NO_ISRC, 200_000, None, LE), (0, NOTHING, 5_000, None, E)],
    ),

    # The list and the account export.
    "in the minute, and just past its edge": (
        [[told(20, A, PLAYLIST), told(660.4, A)], [minuted(0, A), minuted(10, A)]],
        [(20, A, 200_000, PLAYLIST, LM), (660.4, A, 200_000, None, LM)],
    ),
    "45 s from the minute": (
        [[told(105, A), told(555, A)], [minuted(0, A), minuted(10, A)]],
        [(105, A, 200_000, None, LM), (555, A, 200_000, None, LM)],
    ),
    "more than 45 s from the minute": (
        [[told(105.5, A), told(554.5, A)], [minuted(0, A), minuted(10, A)]],
        [(0, A_NAMED, 200_000, None, M), (105.5, A, None, None, L),
         (554.5, A, None, None, L), (600, A_NAMED, 200_000, None, M)],
    ),
    "written in capitals, without accents, in full width": (
        [[told(20, FRENCH)], [minuted(0, FLAT, 200_000)]],
        [(20, FRENCH, 200_000, None, LM)],
    ),
    "another artist's song of that title, another song of that artist": (
        [[told(20, A)], [minuted(0, OF_BOB), minuted(0, LIVE)]],
        [(0, OF_BOB, 200_000, None, M), (0, LIVE, 200_000, None, M), (20, A, None, None, L)],
    ),
    "named by the featured artist": (
        [[told(20, DUET)], [minuted(0, OF_BOB)]],
        [(20, A, 200_000, None, LM)],
    ),
    "named by the featured artist, of whom only a later page tells": (
        [[told(20, A)], [minuted(0, OF_BOB)], [told(9000, DUET)]],
        [(20, A, 200_000, None, LM), (9000, A, None, None, L)],
    ),
    "named by one artist in one account export, by another in the next": (
        [[told(20, DUET)], [minuted(0, A)], [minuted(0, OF_BOB)]],
        [(20, A, 200_000, None, LM)],
    ),
    "two rows of the account for one play": (
        [[told(70, A), told(650, A)], [minuted(0, A, 3_000), minuted(1, A), minuted(10, A), minuted(11, A, 3_000)]],
        [(0, A_NAMED, 3_000, None, M), (70, A, 200_000, None, LM),
         (650, A, 200_000, None, LM), (660, A_NAMED, 3_000, None, M)],
    ),
    "two plays for one row of the account": (
        [[told(20, A), told(70, A)], [minuted(1, A)]],
        [(20, A, None, None, L), (70, A, 200_000, None, LM)],
    ),
    "short skips in the minute, that only the account tells": (
        [[told(20, A), told(620, A)], [minuted(0, A, 3_000), minuted(0, A), minuted(10, A), minuted(10, A, 3_000)]],
        [(0, A_NAMED, 3_000, None, M), (20, A, 200_000, None, LM),
         (600, A_NAMED, 3_000, None, M), (620, A, 200_000, None, LM)],
    ),

    # Both exports.
    "the extended one cut to the minute": (
        [[exported(0, A), exported(659, A), exported(1234, EPISODE)], [minuted(0, A), minuted(10, A), minuted(20, EPISODE)]],
        [(0, A, 200_000, None, EM), (659, A, 200_000, None, EM), (1234, EPISODE, 3_600_000, None, EM)],
    ),
    "both exports in one import": (
        [[exported(34, A), minuted(0, A), exported(600, B), minuted(10, B)]],
        [(34, A, 200_000, None, EM), (600, B, 180_000, None, EM)],
    ),
    "other milliseconds": (
        [[exported(34, A)], [minuted(0, A, 200_001)]],
        [(0, A_NAMED, 200_001, None, M), (34, A, 200_000, None, E)],
    ),
    "up to 10 s outside of the minute": (
        # before October 2022 the two exports disagreed about the end by some seconds
        [[exported(70, A), exported(590, A)], [minuted(0, A), minuted(10, A)]],
        [(70, A, 200_000, None, EM), (590, A, 200_000, None, EM)],
    ),
    "more than 10 s outside of the minute": (
        [[exported(71, A), exported(589, A)], [minuted(0, A), minuted(10, A)]],
        [(0, A_NAMED, 200_000, None, M), (71, A, 200_000, None, E),
         (589, A, 200_000, None, E), (600, A_NAMED, 200_000, None, M)],
    ),
    "another title in that minute": (
        # of the same artist and as many milliseconds: Spotify renamed it between the two packages
        [[exported(34, A)], [minuted(0, LIVE)]],
        [(34, A, 200_000, None, EM)],
    ),
    "another artist in that minute": (
        [[exported(34, A)], [minuted(0, OF_BOB)]],
        [(0, OF_BOB, 200_000, None, M), (34, A, 200_000, None, E)],
    ),
    "one row of the account for two plays": (
        [[exported(0, A, 5_000), exported(30, A, 5_000)], [minuted(0, A, 5_000), minuted(0, A, 5_000)]],
        [(0, A, 5_000, None, EM), (30, A, 5_000, None, E)],
    ),
    "two tracks of one minute and length, each in an account of its own": (
        [[minuted(0, A)], [minuted(0, LIVE)]],
        [(0, A_NAMED, 200_000, None, M), (0, LIVE, 200_000, None, M)],
    ),
    "a row of the account twice": (
        [[minuted(0, A), minuted(0, A)], [minuted(0, A), minuted(0, A, 5_000)]],
        [(0, A_NAMED, 5_000, None, M), (0, A_NAMED, 200_000, None, M)],
    ),
    "the account knows no ids": (
        [[exported(34, NO_ISRC)], [minuted(0, A)]],
        [(34, NO_ISRC, 200_000, None, EM)],
    ),
    "named by one of the exports, or by neither": (
        [[exported(34, NOTHING, 5_000), exported(634, NOTHING, 5_000), exported(1234, A, 5_000)],
         [minuted(0, NOTHING, 5_000), minuted(10, A, 5_000), minuted(20, NOTHING, 5_000)]],
        [(34, NOTHING, 5_000, None, EM), (634, A_NAMED, 5_000, None, EM), (1234, A, 5_000, None, EM)],
    ),
    "of two rows the one that has the name": (
        [[exported(10, NOTHING, 5_000), exported(40, A, 5_000)], [minuted(0, A, 5_000)]],
        [(10, NOTHING, 5_000, None, E), (40, A, 5_000, None, EM)],
    ),

    # Extended exports.
    "whole rows twice, and one date with other milliseconds": (
        [[exported(0, A), exported(0, A), exported(0, A, 3_000)], [exported(0, A, 5_000)]],
        [(0, A, 3_000, None, E), (0, A, 5_000, None, E), (0, A, 200_000, None, E)],
    ),
    "a newer export with one year more": (
        [[exported(0, A), exported(300, B)], [exported(0, A), exported(300, B), exported(600, A)]],
        [(0, A, 200_000, None, E), (300, B, 180_000, None, E), (600, A, 200_000, None, E)],
    ),
    "begun in one millisecond and told again: an hour later in one file, with less, with more, on the same date": (
        [[exported(0, A, start=-200.123), exported(3600, A, start=-200.123), exported(400, A, start=200.123),
          exported(800, A, 70_000, start=600.123), exported(1200, A, start=1000.123)],
         [exported(80_000, A, 70_000, start=200.123), exported(830, A, start=600.123),
          exported(1200, A, 70_000, start=1000.123)]],
        [(0, A, 200_000, None, E), (400, A, 200_000, None, E), (800, A, 200_000, None, E), (1200, A, 200_000, None, E)],
    ),
    "told three times, by three exports": (
        [[exported(0, A, start=-200.123)], [exported(5, A, start=-200.123)], [exported(9, A, start=-200.123)]],
        [(0, A, 200_000, None, E)],
    ),
    "begun in one second, a second apart, or another track": (
        # nothing of a second and more is played twice in one second, so the first is one play, told again
        [[exported(0, A, start=-200), exported(400, A, start=200.123), exported(800, A, start=600.123)],
         [exported(3600, A, start=-200), exported(4000, B, start=200.123), exported(4800, A, start=601.123)]],
        [(0, A, 200_000, None, E), (400, A, 200_000, None, E), (800, A, 200_000, None, E),
         (4000, B, 180_000, None, E), (4800, A, 200_000, None, E)],
    ),
    "told again, and the list": (
        [[told(0.4, A)], [exported(0, A, start=-200.123), exported(1800, A, start=-200.123)]],
        [(0.4, A, 200_000, None, LE)],
    ),
    "told again, and the list tells it between the two": (
        [[told(1200, A)], [exported(0, A, start=-200.123)], [exported(1800, A, start=-200.123)]],
        [(0, A, 200_000, None, E), (1200, A, None, None, L)],
    ),
    "rows of an older export": (
        [[exported(0, A, skipped=None, start=-200.5), exported(600, A)],
         [exported(0, A, skipped=False, start=-201), exported(600, A, start=400)]],
        [(0, A, 200_000, None, E), (600, A, 200_000, None, E)],
    ),
    "rows of an older export, which names players otherwise": (
        [[exported(0, A, platform="iOS 15.1 (iPhone13,2)")], [exported(0, A)]],
        [(0, A, 200_000, None, E)],
    ),
    "named by another export": (
        [[exported(0, NOTHING, 5_000)], [exported(0, A, 5_000)]],
        [(0, A, 5_000, None, E)],
    ),
    "not named by another export: 0 ms, other milliseconds, another second": (
        [[exported(0, NOTHING, 0), exported(300, NOTHING, 5_000), exported(600, NOTHING, 5_000)],
         [exported(0, A, 0), exported(300, A, 5_001), exported(601, A, 5_000)]],
        [(0, A, 0, None, E), (0, NOTHING, 0, None, E), (300, NOTHING, 5_000, None, E), (300, A, 5_001, None, E),
         (600, NOTHING, 5_000, None, E), (601, A, 5_000, None, E)],
    ),

    # Ids of one recording: the list says what exports don't.
    "the same ISRC": (
        [[told(30, A)], [exported(0, SAME_ISRC)], [told(9000, SAME_ISRC)]],
        [(30, SAME_ISRC, 202_000, None, LE), (9000, SAME_ISRC, None, None, L)],
    ),
    "the same ISRC, another title and more than 2 s longer": (
        [[told(30, A)], [exported(0, ONLY_ISRC)], [told(9000, ONLY_ISRC)]],
        [(0, ONLY_ISRC, 202_001, None, E), (30, A, None, None, L), (9000, ONLY_ISRC, None, None, L)],
    ),
    "the same name and artist, and 2 s longer": (
        [[told(30, NO_ISRC)], [exported(0, AS_LONG)], [told(9000, AS_LONG)]],
        [(30, AS_LONG, 202_000, None, LE), (9000, AS_LONG, None, None, L)],
    ),
    "the same name and artist, and more than 2 s longer": (
        [[told(1, NO_ISRC), told(600, NO_ISRC)], [exported(0, NOT_AS_LONG), exported(600, MUCH_LONGER)],
         [told(9000, NOT_AS_LONG), told(9900, MUCH_LONGER)]],
        [(0, NOT_AS_LONG, 202_001, None, E), (1, NO_ISRC, None, None, L), (600, NO_ISRC, None, None, L),
         (600, MUCH_LONGER, 210_000, None, E), (9000, NOT_AS_LONG, None, None, L), (9900, MUCH_LONGER, None, None, L)],
    ),
    "as long, and of another artist": (
        [[told(1, A)], [exported(0, NOT_BY_ANN)], [told(9000, NOT_BY_ANN)]],
        [(0, NO_ISRC, 200_000, None, E), (1, A, None, None, L), (9000, NO_ISRC, None, None, L)],
    ),
    "two ids in two pages": (
        [[told(0, A)], [told(0.02, SAME_ISRC)]],
        [(0, A, None, None, L)],
    ),
    "an id that only the export has, 5 s off": (
        [[told(5, A), told(595, A)], [exported(0, NO_ISRC), exported(600, NO_ISRC)]],
        [(5, NO_ISRC, 200_000, None, LE), (595, NO_ISRC, 200_000, None, LE)],
    ),
    "an id that only the export has, more than 5 s off": (
        [[told(5.5, A), told(594.5, A)], [exported(0, NO_ISRC), exported(600, NO_ISRC)]],
        [(0, NO_ISRC, 200_000, None, E), (5.5, A, None, None, L), (594.5, A, None, None, L), (600, NO_ISRC, 200_000, None, E)],
    ),
    "a name without an id in the export": (
        [[told(1, A)], [exported(0, A_NAMED)]],
        [(1, A, 200_000, None, LE)],
    ),
    "an id that only the export has, of another name": (
        [[told(1, A)], [exported(0, replace(NO_ISRC, name="Tune"))]],
        [(0, NO_ISRC, 200_000, None, E), (1, A, None, None, L)],
    ),
    "the same id before one that only the export has": (
        [[told(0, A)], [exported(0, NO_ISRC, 70_000), exported(30, A)]],
        [(0, A, 200_000, None, LE), (0, NO_ISRC, 70_000, None, E)],
    ),

    # All three.
    "one listen, over the minute's edge": (
        [[told(60.7, A, PLAYLIST)], [exported(59, A)], [minuted(0, A)]],
        [(60.7, A, 200_000, PLAYLIST, LEM)],
    ),
    "two listens in a minute": (
        [[told(10.3, A, PLAYLIST), told(50.3, A)], [exported(10, A, 41_000), exported(50, A, 40_000)],
         [minuted(0, A, 40_000), minuted(0, A, 41_000)]],
        [(10.3, A, 41_000, PLAYLIST, LEM), (50.3, A, 40_000, None, LEM)],
    ),
    "a skip that the list does not tell": (
        [[told(34.7, A)], [exported(20, A, 3_000), exported(34, A)], [minuted(0, A, 3_000), minuted(0, A)]],
        [(20, A, 3_000, None, EM), (34.7, A, 200_000, None, LEM)],
    ),
    "the account's row is the play that the list does not tell": (
        [[told(70, A)], [exported(30, A, 3_000), exported(69, A)], [minuted(0, A, 3_000)]],
        [(30, A, 3_000, None, EM), (70, A, 200_000, None, LE)],
    ),
    "the account's row is neither's": (
        [[told(34.7, A)], [exported(34, A)], [minuted(0, A, 3_000)]],
        [(0, A_NAMED, 3_000, None, M), (34.7, A, 200_000, None, LE)],
    ),
    "the account's row names the extended export's play and not the list's": (
        [[told(80, A)], [exported(30, NOTHING, 5_000)], [minuted(0, A, 5_000)]],
        [(30, A_NAMED, 5_000, None, EM), (80, A, None, None, L)],
    ),
    "the extended export names nothing": (
        [[told(34.7, A), told(670, A)], [exported(34, NOTHING, 5_000), exported(630, NOTHING, 6_000)],
         [minuted(0, A, 5_000), minuted(10, A, 6_000)]],
        [(34.7, A, 5_000, None, LEM), (670, A, 6_000, None, LEM)],
    ),
    "one extended export names nothing, another does": (
        [[minuted(0, A, 5_000)], [exported(34, NOTHING, 5_000)], [exported(34, A, 5_000)]],
        [(34, A, 5_000, None, EM)],
    ),
    "moved in between": (
        [[told(50, A)], [exported(19, A)], [minuted(0, A)], [told(19.4, A)]],
        [(19.4, A, 200_000, None, LEM)],
    ),
    "the account's name for it is the extended export's": (
        [[told(34.7, A)], [minuted(0, LIVE)], [exported(34, A_LIVE)]],
        [(34.7, A, 200_000, None, LEM)],
    ),
    "the list and the account are half an hour apart, and the extended export dates it late": (
        [[told(0.4, A)], [minuted(30, A)], [exported(1830, A, start=-200)]],
        [(0.4, A, 200_000, None, LEM)],
    ),

    # Listeners.
    "two listeners at once": (
        [[told(0, A)], Others([told(0.5, A)]), [exported(0, A)]],
        [(0, A, 200_000, None, LE), (0.5, A, None, None, "other: list")],
    ),
    "exports of another listener": (
        [[told(0, A)], Others([exported(0, A), minuted(0, A)])],
        [(0, A, None, None, L), (0, A, 200_000, None, "other: extended account")],
    ),
    "another listener's page tells that two ids are one recording": (
        [[told(30, A)], [exported(0, SAME_ISRC)], Others([told(9000, SAME_ISRC)])],
        [(30, SAME_ISRC, 202_000, None, LE), (9000, SAME_ISRC, None, None, "other: list")],
    ),
    "dates told apart by another listener's page": (
        [[told(0, A)], [told(40, A)], Others([told(0, A), told(40, A)])],
        [(0, A, None, None, L), (0, A, None, None, "other: list"), (40, A, None, None, "other: list")],
    ),
}
# fmt: on


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    """One for all cases: making one takes as long as three of them."""
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def record(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    warehouse = Warehouse(database)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


@pytest.fixture(scope="module")
def ask(database: str) -> Iterator[Callable[..., list[tuple]]]:
    """Asks by one connection for all cases, which is not the program's."""
    with closing(psycopg2.connect(libpq(database))) as connection:
        connection.autocommit = True

        def asked(statement: str, *values: object) -> list[tuple]:
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall()

        yield asked


@pytest.fixture
def remaining(ask):
    """The plays as (seconds, URI, ms_played, context, sources) in order."""

    def told() -> list[tuple]:
        rows = ask(
            "select played_at, track_uri, ms_played, context_uri, listener_id, sources"
            " from listening.fact_play"
            " join listening.dim_listener using (listener_key)"
            " join listening.dim_track using (track_key)"
            " join listening.dim_context using (context_key)"
            " join listening.dim_play_profile using (play_profile_key)"
        )
        return in_order(
            [
                ((at - NOW).total_seconds(), *others, "other: " * (who == "other") + short(sources))
                for at, *others, who, sources in rows
            ]
        )

    return told


def in_order(plays: list[tuple]) -> list[tuple]:
    return sorted(plays, key=lambda play: (play[0], play[1] or "~", play[2] or 0, play[4]))


def orders(batches: list) -> Iterator[list]:
    """The natural one first."""
    every = [list(order) for order in permutations(batches)]
    some = every[1:]
    yield every[0]
    yield from some if len(some) < MANY else Random(len(repr(batches))).sample(some, MANY)


@pytest.mark.parametrize("case", CASES)
def test_the_same_listen_in_whatever_order_it_is_told(case, record, remaining, ask):
    batches, plays = CASES[case]
    expected = in_order([(seconds, song.uri, *others) for seconds, song, *others in plays])
    natural, *others = orders(batches)
    record.forget()
    record.load(*natural)
    assert remaining() == expected
    whole = whole_facts(ask)
    record.load(*natural)
    assert whole_facts(ask) == whole
    for order in others:
        record.forget()
        record.load(*order)
        assert whole_facts(ask) == whole


def test_which_source_tells_what(record, ask):
    record.forget()
    row = exported(34, A, 150_000, start=-120, reason_end="endplay", skipped=True, conn_country="DE")
    record.load([told(34.7, A, PLAYLIST)], [row], [minuted(0, A, 150_000)])
    assert ask(
        "select ms_played, reason_start, reason_end, is_skipped, is_shuffle, country_code, platform, context_uri, sources"
        " from listening.fact_play join listening.dim_device using (device_key) join listening.dim_context using (context_key)"
        " join listening.dim_play_profile using (play_profile_key)"
    ) == [(150_000, "trackdone", "endplay", True, False, "DE", "ios", PLAYLIST, SOURCES)]
    second = timedelta(seconds=1)
    assert ask(
        "select source_name, observed_at, started_at, ms_played from listening.observation join listening.source using (source_key)"
        " order by 1"
    ) == [
        ("account_export", NOW, None, 150_000),
        ("extended_export", NOW + 34 * second, NOW - 120 * second, 150_000),
        ("recently_played", NOW + 34.7 * second, None, None),
    ]
    assert ask(
        "select source, first_reported_at, last_reported_at, track_key = 0 from listening.play_source order by 1"
    ) == [
        ("account_export", NOW, NOW, False),
        ("extended_export", NOW + 34 * second, NOW + 34 * second, False),
        ("recently_played", NOW + 34.7 * second, NOW + 34.7 * second, False),
    ]


def test_two_plays_that_turn_out_to_be_one_are_remembered(record, ask):
    record.forget()
    record.load([told(34.7, A)], [minuted(0, LIVE)])
    listed, minuted_only = [key for (key,) in ask("select play_key from listening.fact_play order by played_at desc")]
    record.load([exported(34, A_LIVE)])
    [(kept,)] = ask("select play_key from listening.fact_play")
    assert ask("select play_key, merged_into from ops.merged_play") == [(({listed, minuted_only} - {kept}).pop(), kept)]
