"""What real listeners' data showed, case by case: what must be one play and what must stay two, in every order of arrival."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from pprint import pformat
from random import Random
from typing import Any

import pytest
from support import NOW, asked, facts_as_they_are, fresh_database, misspaced, observed, real_data, whole_facts
from support.at_once import Case, D, E, L, M, P, Remains, load_piece
from support.cases import Others, Record, Song, exported, minuted, told

from etl.jobs.imports import import_exports
from etl.warehouse.connection import Warehouse

A = Song("A", "Song", isrc="QZNNN0000001")
B = Song("B", "Tune", ("Bob",), 180_000, "QZNNN0000002")
A_NAMED = replace(A, letter=None)
LIVE = replace(A_NAMED, name="Song (Live)")
A_RENAMED = replace(A, name="Song - Remastered 2003")
OTHER_NAMES = replace(A, letter="D")
OTHER_ID = Song("C", "Song")  # another id of that name and artist, whose ISRC nobody says
EVENING = tuple(Song(letter, f"Song {letter}", duration_ms=200_000) for letter in "abcdefghijkl")
MANY = tuple(Song(chr(letter), f"Song {chr(letter)}") for letter in (*range(65, 91), *range(97, 121)))  # fifty
LISTEN, ACCOUNT, EXTENDED, BOTH = "list", "account", "extended", "extended account"
HOUR, DAY = 3600, 86_400
CRASH: dict[str, Any] = {"reason_end": "unexpected-exit-while-paused"}

# fmt: off
CASES: dict[str, Case] = {
    # Several plays that end together are of unknown length: each counts with that of its track.
    "a phone uploads an evening, which the list dates to one second": Case(
        [[L(number / 25, song) for number, song in enumerate(EVENING)]],
        [(number / 25, song, None, None, LISTEN) for number, song in enumerate(EVENING)],
        counted=[(number / 25, 200_000) for number in range(12)],
    ),
    "an evening of which two fit since the play before": Case(
        [[L(-410, B)], [L(number / 25, song) for number, song in enumerate(EVENING[:4])]],
        counted=[(-410, 180_000), (0.08, 200_000), (0.12, 200_000)],
    ),
    "an evening of which all fit since the play before": Case(
        [[L(-801, B)], [L(number / 25, song) for number, song in enumerate(EVENING[:4])]],
        counted=[(-801, 180_000), *((number / 25, 200_000) for number in range(4))],
    ),
    "two that end 29 s one after the other end together, 31 s do not": Case(
        [[L(0, A), L(29, B), L(2 * DAY, A), L(2 * DAY + 31, B)]],
        counted=[(0, 200_000), (29, 180_000), (2 * DAY, 200_000), (2 * DAY + 31, 31_000)],
    ),
    "two that end together after a known play: the earlier has what the later leaves": Case(
        [[L(0, A), L(0.04, EVENING[0])], [E(-300, B, 20_000)]],
        counted=[(0, 100_000), (0.04, 200_000)],
    ),
    "an evening that the export knows has its true ends and lengths": Case(
        [[L(2 * HOUR + number / 25, song) for number, song in enumerate(EVENING[:3])],
         [E(2 * HOUR, song, 190_000 + number, start=200 * number + 0.007, offline=True)
          for number, song in enumerate(EVENING[:3])]],
        [(200 * number + 190.007 + number / 1000, song, 190_000 + number, None, "list extended")
         for number, song in enumerate(EVENING[:3])],
        counted=[(200 * number + 190.007 + number / 1000, 190_000 + number) for number in range(3)],
    ),

    # Rows equal in date, item and milliseconds.
    "begun a length apart, two listens": Case(
        [[E(2 * HOUR, A, 240_000, start=0.465, offline=True)],
         [E(2 * HOUR, A, 240_000, start=251.412, offline=True, reason_start="backbtn")]],
        [(240.465, A, 240_000, None, EXTENDED), (491.412, A, 240_000, None, EXTENDED)],
    ),
    "each of two listens told twice, four days apart": Case(
        [[E(2 * HOUR, A, 240_000, start=start, offline=True) for start in (251.412, 0.465)],
         [E(4 * DAY, A, 240_000, start=start, offline=True) for start in (0.465, 251.412)]],
        [(240.465, A, 240_000, None, EXTENDED), (491.412, A, 240_000, None, EXTENDED)],
    ),
    "begun exactly a length apart, two listens": Case(
        [[E(HOUR, A, 240_000, start=0.5, offline=True)], [E(HOUR, A, 240_000, start=240.5, offline=True)]],
        [(240.5, A, 240_000, None, EXTENDED), (480.5, A, 240_000, None, EXTENDED)],
    ),
    "begun less than a length apart, one": Case(
        [[E(300, A, 240_000, start=30.5)], [E(300, A, 240_000, start=60.25)]],
        [(300, A, 240_000, None, EXTENDED)],
    ),
    "one of them without a start, one": Case(
        [[E(300, A, 240_000)], [E(300, A, 240_000, start=60.25)]],
        [(300, A, 240_000, None, EXTENDED)],
    ),
    "0 ms, begun at two moments, two": Case(
        [[E(100, A, 0, start=99.5)], [E(100, A, 0, start=99.8)]],
        [(100, A, 0, None, EXTENDED), (100, A, 0, None, EXTENDED)],
    ),
    "0 ms, begun at one moment, one": Case(
        [[E(100, A, 0, start=99.5)], [E(100, A, 0, start=99.5, reason_end="fwdbtn")]],
        [(100, A, 0, None, EXTENDED)],
    ),

    # A start in whole seconds, told again.
    "begun in one second, as long, hours later, one": Case(
        [[E(0, A, 16_006, start=-60, reason_end="logout")], [E(4 * HOUR, A, 16_006, start=-60, reason_end="logout")]],
        [(0, A, 16_006, None, EXTENDED)],
    ),
    "begun in one second, longer when told again, one of the longer": Case(
        [[E(0, A, 16_006, start=-60)], [E(4 * HOUR, A, 70_000, start=-60)]],
        [(0, A, 70_000, None, EXTENDED)],
    ),
    "begun in one second, both skipped within it, two": Case(
        [[E(0, A, 400, start=-1)], [E(1, A, 300, start=-1)], [E(1, A, 400, start=-1)]],
        [(0, A, 400, None, EXTENDED), (1, A, 300, None, EXTENDED), (1, A, 400, None, EXTENDED)],
    ),
    "begun in one second, skipped within it, told again an hour later, one": Case(
        [[E(0, A, 400, start=-1)], [E(HOUR, A, 400, start=-1)]],
        [(0, A, 400, None, EXTENDED)],
    ),
    "begun in one second, one skipped within it, two": Case(
        [[E(0, A, 2_000, start=-2)], [E(HOUR, A, 400, start=-2)]],
        [(0, A, 2_000, None, EXTENDED), (HOUR, A, 400, None, EXTENDED)],
    ),
    "begun in one second, another item, two": Case(
        [[E(0, A, 16_006, start=-60)], [E(4 * HOUR, B, 16_006, start=-60)]],
        [(0, A, 16_006, None, EXTENDED), (4 * HOUR, B, 16_006, None, EXTENDED)],
    ),

    # A member known by name alone, and the same song with an id.
    "known by name, and with an id": Case(
        [[L(0, A), L(-HOUR, A)], [M(-24 * 60, A_NAMED), M(-25 * 60, A_NAMED), M(-26 * 60, A_NAMED)]],
        [(0, A, None, None, LISTEN), (-HOUR, A, None, None, LISTEN),
         *((-hours * HOUR, A_NAMED, 200_000, None, ACCOUNT) for hours in (24, 25, 26))],
        one=[(A, A_NAMED)],
    ),
    "known by name in other letters": Case(
        [[L(0, Song("N", "Où Çela", ("Bjørk",)))], [M(-24 * 60, Song(None, "OU CELA", ("BJØRK",)))]],
        one=[(Song("N", "Où Çela", ("Bjørk",)), Song(None, "OU CELA", ("BJØRK",)))],
    ),
    "known by name, played 2 s longer than the song with an id": Case(
        [[L(0, A)], [M(-24 * 60, A_NAMED, 202_000)]], one=[(A, A_NAMED)],
    ),
    "known by name, played more than 2 s longer": Case(
        [[L(0, A)], [M(-24 * 60, A_NAMED, 202_001)]], apart=[(A, A_NAMED)],
    ),
    "known by name, played more than 2 s longer some day": Case(
        [[L(0, A)], [M(-24 * 60, A_NAMED, 100_000)], [M(-25 * 60, A_NAMED, 202_001)]], apart=[(A, A_NAMED)],
    ),
    "known by name, of the two lengths with an id the one that holds it": Case(
        [[L(0, A), L(-HOUR, Song("K", "Song", duration_ms=260_000, isrc="QZNNN0000003"))], [M(-24 * 60, A_NAMED, 230_000)]],
        one=[(A_NAMED, Song("K", "Song"))], apart=[(A, A_NAMED)],
    ),
    "known by name, of two lengths that hold it the smaller": Case(
        [[L(0, A), L(-HOUR, Song("K", "Song", duration_ms=260_000, isrc="QZNNN0000003"))], [M(-24 * 60, A_NAMED, 190_000)]],
        one=[(A_NAMED, A)], apart=[(A, Song("K", "Song"))],
    ),
    "known by name, and with an id of which nobody says the length": Case(
        [[E(0, OTHER_ID)], [M(-24 * 60, A_NAMED, 250_000)]], one=[(OTHER_ID, A_NAMED)],
    ),
    "known by name, another artist's or another title": Case(
        [[L(0, A)], [M(-24 * 60, replace(A_NAMED, by=("Bob",))), M(-25 * 60, LIVE)]],
        apart=[(A, replace(A_NAMED, by=("Bob",))), (A, LIVE)],
    ),

    # Account and extended data that disagree about the end.
    "the account has the minute before": Case(
        [[E(60, A, 155_661)], [M(0, A_NAMED, 155_661)]],
        [(60, A, 155_661, None, BOTH)],
    ),
    "10 s outside of the minute, either side": Case(
        [[E(70, A), E(590, B)], [M(0, A_NAMED), M(10, B)]],
        [(70, A, 200_000, None, BOTH), (590, B, 180_000, None, BOTH)],
    ),
    "more than 10 s outside of the minute": Case(
        [[E(71, A), E(589, B)], [M(0, A_NAMED), M(10, B)]],
        [(0, A_NAMED, 200_000, None, ACCOUNT), (71, A, 200_000, None, EXTENDED),
         (589, B, 180_000, None, EXTENDED), (600, replace(B, letter=None), 180_000, None, ACCOUNT)],
    ),
    "seconds outside of the minute, and other milliseconds": Case(
        [[E(60, A, 155_661)], [M(0, A_NAMED, 155_662)]],
        [(0, A_NAMED, 155_662, None, ACCOUNT), (60, A, 155_661, None, EXTENDED)],
    ),
    "seconds outside of the minute, and another name": Case(
        [[E(60, A, 155_661)], [M(0, replace(A_NAMED, by=("Bob",)), 155_661)]],
        [(0, replace(A_NAMED, by=("Bob",)), 155_661, None, ACCOUNT), (60, A, 155_661, None, EXTENDED)],
    ),
    "two of one length a minute apart, each its own": Case(
        [[E(5, A, 5_000), E(63, A, 5_000)], [M(0, A_NAMED, 5_000), M(1, A_NAMED, 5_000)]],
        [(5, A, 5_000, None, BOTH), (63, A, 5_000, None, BOTH)],
    ),
    "the account has the true end of a crash": Case(
        [[E(5_186, A, 57_127, start=-29.877, **CRASH)], [M(0, A_NAMED, 57_127)]],
        [(27.25, A, 57_127, None, BOTH)],
    ),
    "the account and the list have the true end of a crash": Case(
        [[E(5_186, A, 57_127, start=-29.877, **CRASH)], [M(0, A_NAMED, 57_127)], [L(27.9, A)]],
        [(27.9, A, 57_127, None, "list extended account")],
    ),
    "a crash of another length than the account's row": Case(
        [[E(5_186, A, 57_127, start=-29.877, **CRASH)], [M(0, A_NAMED, 57_126)]],
        [(0, A_NAMED, 57_126, None, ACCOUNT), (27.25, A, 57_127, None, EXTENDED)],
    ),
    "the account has the end that the start gives, of a play offline": Case(
        [[E(DAY, A, start=-180.5, offline=True)], [M(0, A_NAMED)]],
        [(19.5, A, 200_000, None, BOTH)],
    ),
    "the account has the end of a play that was never dated late": Case(
        [[E(DAY, A, start=-180.5, offline=True), E(2 * DAY, B, start=DAY)], [M(24 * 60, A_NAMED)]],
        [(19.5, A, 200_000, None, BOTH), (DAY + 180, B, 180_000, None, EXTENDED)],
    ),

    # A title that Spotify changed between two packages.
    "renamed between two packages": Case(
        [[E(26, A_RENAMED, 35_737)], [M(0, LIVE, 35_737)]],
        [(26, A, 35_737, None, BOTH)],
    ),
    "another title and other milliseconds, another minute, or another artist": Case(
        [[E(26, A_RENAMED, 35_737), E(600, A_RENAMED, 35_737), E(1226, A_RENAMED, 35_737)],
         [M(0, LIVE, 35_738), M(9, LIVE, 35_737), M(20, replace(LIVE, by=("Bob",)), 35_737)]],
        [(0, LIVE, 35_738, None, ACCOUNT), (26, A, 35_737, None, EXTENDED),
         (540, LIVE, 35_737, None, ACCOUNT), (600, A, 35_737, None, EXTENDED),
         (1200, replace(LIVE, by=("Bob",)), 35_737, None, ACCOUNT), (1226, A, 35_737, None, EXTENDED)],
    ),
    "two titles of one minute and length, each has its own": Case(
        [[E(20, A, 5_000), E(40, replace(OTHER_ID, name="Song (Live)"), 5_000)], [M(0, LIVE, 5_000), M(0, A_NAMED, 5_000)]],
        [(20, A, 5_000, None, BOTH), (40, OTHER_ID, 5_000, None, BOTH)],
    ),
    "another title, and the play has its own row": Case(
        [[E(20, A, 5_000)], [M(0, A_NAMED, 5_000)], [M(0, LIVE, 5_000)]],
        [(0, LIVE, 5_000, None, ACCOUNT), (20, A, 5_000, None, BOTH)],
    ),

    # Dated when it was uploaded: the end is the start and what was played.
    "an offline evening of one date": Case(
        [[E(3 * DAY, song, 200_000 + number, start=201 * number + 0.007, offline=True)
          for number, song in enumerate(EVENING[:3])]],
        [(201 * number + 200.007 + number / 1000, song, 200_000 + number, None, EXTENDED)
         for number, song in enumerate(EVENING[:3])],
    ),
    "two of one date, not offline": Case(
        [[E(2 * HOUR, A, start=0)], [E(2 * HOUR, B, start=300)]],
        [(200, A, 200_000, None, EXTENDED), (480, B, 180_000, None, EXTENDED)],
    ),
    "a date shared with a skip, or with a play of which the start is known a minute before": Case(
        [[E(2 * HOUR, A, start=0), E(10 * HOUR, A, start=10 * HOUR - 259)],
         [E(2 * HOUR, B, 29_999, start=2 * HOUR - 40), E(10 * HOUR, B, 30_000, start=10 * HOUR - 90)]],
        [(2 * HOUR, A, 200_000, None, EXTENDED), (2 * HOUR, B, 29_999, None, EXTENDED),
         (10 * HOUR, A, 200_000, None, EXTENDED), (10 * HOUR, B, 30_000, None, EXTENDED)],
    ),
    "a date shared with a play of 30 s, and a minute and more before": Case(
        [[E(10 * HOUR, A, start=10 * HOUR - 262)], [E(10 * HOUR, B, 30_000, start=10 * HOUR - 90)]],
        [(10 * HOUR - 62, A, 200_000, None, EXTENDED), (10 * HOUR, B, 30_000, None, EXTENDED)],
    ),
    "offline, and half an hour late": Case(
        [[E(1_800, A, start=-200, offline=True), E(10 * HOUR + 1_801, B, start=10 * HOUR - 180, offline=True)]],
        [(1_800, A, 200_000, None, EXTENDED), (10 * HOUR, B, 180_000, None, EXTENDED)],
    ),
    "paused for half a day, and for longer": Case(
        [[E(12 * HOUR, A, start=-200), E(5 * DAY + 12 * HOUR + 1, B, start=5 * DAY - 180)]],
        [(12 * HOUR, A, 200_000, None, EXTENDED), (5 * DAY, B, 180_000, None, EXTENDED)],
    ),
    "a pause of half an hour is a pause": Case(
        [[E(1_800, A, start=-200)], [L(1_800.4, A)], [M(30, A_NAMED)]],
        [(1_800.4, A, 200_000, None, "list extended account")],
    ),
    "a crash, a minute late and more": Case(
        [[E(60, A, start=-200, **CRASH), E(10 * HOUR + 61, B, start=10 * HOUR - 180, **CRASH)]],
        [(60, A, 200_000, None, EXTENDED), (10 * HOUR, B, 180_000, None, EXTENDED)],
    ),
    "the list dates an offline play to the upload, too": Case(
        [[E(3 * DAY, A, start=0.007, offline=True)], [L(3 * DAY + 0.4, A)]],
        [(200.007, A, 200_000, None, "list extended")],
    ),
    "the list dates an offline play to its end": Case(
        [[E(3 * DAY, A, start=0.007, offline=True)], [L(200.9, A)]],
        [(200.9, A, 200_000, None, "list extended")],
    ),
    "the list dates an offline play to its end, and then to the upload of another": Case(
        [[E(3 * DAY, A, start=0.007, offline=True)], [L(200.9, A)], [L(3 * DAY + 300, B)]],
        [(200.9, A, 200_000, None, "list extended"), (3 * DAY + 300, B, None, None, LISTEN)],
    ),
    "the list dates an offline play some seconds from its end": Case(
        [[E(3 * DAY, A, start=0.007, offline=True)], [L(160.5, A)]],
        [(160.5, A, 200_000, None, "list extended")],
    ),

    # Names.
    "one URI under an old and a new name": Case(
        [[E(-10 * DAY, replace(A, name="Song (feat. Guest)", by=("Ann & Cleo",)))], [E(0, A)]],
        [(-10 * DAY, A, 200_000, None, EXTENDED), (0, A, 200_000, None, EXTENDED)],
        names=[(A, "Song", "Ann")],
    ),
    "one URI under three names": Case(
        [[E(-10 * DAY, replace(A, name="Oldest"))], [E(0, replace(A, name="Newest"))], [E(-5 * DAY, replace(A, name="Old"))]],
        names=[(A, "Newest", "Ann")],
    ),
    "a name of the catalogue's before all": Case(
        [[E(0, replace(A, name="Newest", by=("Bob",)))], [L(-5 * DAY, A)], [E(-10 * DAY, replace(A, name="Oldest"))]],
        names=[(A, "Song", "Ann")],
    ),

    # ISRC is a hint.
    "two songs of one ISRC, 41 s apart in two pages": Case(
        [[L(0.1, replace(A, duration_ms=240_000))], [L(41.1, replace(B, duration_ms=40_000, isrc=A.isrc))]],
        [(0.1, A, None, None, LISTEN), (41.1, B, None, None, LISTEN)],
        apart=[(A, B)],
    ),
    "two songs of one ISRC, half a second apart in one page": Case(
        [[L(0.1, replace(A, duration_ms=240_000)), L(0.5, replace(B, duration_ms=40_000, isrc=A.isrc))]],
        [(0.1, A, None, None, LISTEN), (0.5, B, None, None, LISTEN)],
        apart=[(A, B)],
    ),
    "two movements of one ISRC": Case(
        [[L(0.1, replace(A, name="Suite: I", duration_ms=44_000))],
         [L(40.1, replace(A, letter="D", name="Suite: II", duration_ms=40_000))]],
        [(0.1, A, None, None, LISTEN), (40.1, replace(A, letter="D"), None, None, LISTEN)],
        apart=[(A, replace(A, letter="D"))],
    ),
    "one ISRC and as long, whatever the name": Case(
        [[L(0, A)], [L(20, replace(A_RENAMED, letter="D", duration_ms=202_000))]],
        [(0, A, None, None, LISTEN)],
        one=[(A, replace(A, letter="D"))],
    ),
    "one ISRC, another name, and more than 2 s longer": Case(
        [[L(0, A)], [L(20, replace(A_RENAMED, letter="D", duration_ms=202_001))]],
        [(0, A, None, None, LISTEN), (20, replace(A, letter="D"), None, None, LISTEN)],
        apart=[(A, replace(A, letter="D"))],
    ),
    "one ISRC and name, of another length": Case(
        [[L(0, A)], [L(20, replace(A, letter="D", duration_ms=230_000))]],
        [(0, A, None, None, LISTEN)],
        one=[(A, replace(A, letter="D"))],
    ),
    "an ISRC with hyphens, in lower case, with a blank": Case(
        [[L(0, replace(A, isrc="QZ-NNN-00-00001"))], [L(HOUR, replace(A, letter="D", duration_ms=230_000, isrc="qznnn0000001 "))],
         [L(2 * HOUR, replace(A, letter="G", duration_ms=260_000))]],
        one=[(A, replace(A, letter="D"), replace(A, letter="G"))],
    ),
    "no chain joins two ISRCs": Case(
        [[L(0, A)], [L(40, replace(A, letter="D", isrc="QZNNN0000009"))], [L(HOUR, OTHER_ID)]],
        [(0, A, None, None, LISTEN), (40, replace(A, letter="D"), None, None, LISTEN), (HOUR, OTHER_ID, None, None, LISTEN)],
        apart=[(A, replace(A, letter="D"))],
    ),
    "no chain stretches a length": Case(
        [[L(0, OTHER_ID)], [L(40, replace(OTHER_ID, letter="D", duration_ms=203_000))],
         [L(HOUR, replace(OTHER_ID, letter="G", duration_ms=201_500))]],
        [(0, OTHER_ID, None, None, LISTEN), (40, replace(OTHER_ID, letter="D"), None, None, LISTEN),
         (HOUR, replace(OTHER_ID, letter="G"), None, None, LISTEN)],
        apart=[(OTHER_ID, replace(OTHER_ID, letter="D"))],
    ),

    # What attacks found.
    "a relinked id that only the catalogue knows, of an offline play": Case(
        [[L(0, A)], [E(22 * HOUR, replace(A, letter="D"), start=-200, offline=True)], [D(replace(A, letter="D"))]],
        [(0, replace(A, letter="D"), 200_000, None, "list extended")],
        one=[(A, replace(A, letter="D"))],
    ),
    "a relinked id that the catalogue calls another recording": Case(
        [[L(0, A)], [E(22 * HOUR, replace(A, letter="D"), start=-200, offline=True)],
         [D(replace(A_RENAMED, letter="D", isrc="QZNNN0000009"))]],
        apart=[(A, replace(A, letter="D"))],
    ),
    "two ids in one page, which only the catalogue links": Case(
        [[L(0, replace(A, isrc=None)), L(40, replace(A_RENAMED, letter="D", isrc=None))], [D(A), D(replace(A_RENAMED, letter="D"))]],
        [(0, A, None, None, LISTEN), (40, replace(A, letter="D"), None, None, LISTEN)],
        one=[(A, replace(A, letter="D"))],
    ),
    "two ids in two pages, which only the catalogue links": Case(
        [[L(0, replace(A, isrc=None))], [L(40, replace(A_RENAMED, letter="D", isrc=None))], [D(A), D(replace(A_RENAMED, letter="D"))]],
        [(0, A, None, None, LISTEN)],
        one=[(A, replace(A, letter="D"))],
    ),
    "a name that a later page gives": Case(
        [[L(20.5, A)], [M(0, replace(A_NAMED, name="Song - Remastered 2003"))], [L(5 * HOUR, A_RENAMED)]],
        [(20.5, A, 200_000, None, "list account"), (5 * HOUR, A, None, None, LISTEN)],
    ),
    "a full page, of which the oldest play was dated 3 s before": Case(
        [[L(-100 - 200 * number - 3.2 * (number == 49), song) for number, song in enumerate(MANY)],
         [L(-100 - 200 * number, song) for number, song in enumerate(MANY)]],
        [(-100 - 200 * number - 3.2 * (number == 49), song, None, None, LISTEN) for number, song in enumerate(MANY)],
    ),

    # As before.
    "a clock that was moved back: two plays 40 s apart that no page holds together": Case(
        [[L(0, A)], [L(40, A)]],
        [(0, A, None, None, LISTEN)],
    ),
    "45 s repeats that one page holds": Case(
        [[L(0, A), L(40, A)], [L(0.5, A), L(40.5, A)]],
        [(0, A, None, None, LISTEN), (40, A, None, None, LISTEN)],
    ),
    "two tracks at one instant": Case(
        [[L(0, A), L(0, B)], [E(0, A), E(0, B)], [M(0, A_NAMED), M(0, B)]],
        [(0, A, 200_000, None, "list extended account"), (0, B, 180_000, None, "list extended account")],
    ),
    "a page that was dated anew": Case(
        [[L(2.1, A), L(300, B)], [L(0, A), L(299.9, B)], [E(0, A), E(299, B)]],
        [(0, A, 200_000, None, "list extended"), (299.9, B, 180_000, None, "list extended")],
    ),

    # The player.
    "the player's end stands before the export's, and after the list's": Case(
        [[P(3.25, A, 199_000)], [E(0, A)], [L(2.5, A)]],
        [(2.5, A, 200_000, None, "list extended player")],
    ),
    "the player alone": Case(
        [[P(3.25, A, 199_000), P(600.5, B, 20_000)]],
        [(3.25, A, 199_000, None, "player"), (600.5, B, 20_000, None, "player")],
    ),
    "the player and the export": Case(
        [[P(3.25, A, 199_000)], [E(0, A), E(600, A)]],
        [(3.25, A, 200_000, None, "extended player"), (600, A, 200_000, None, EXTENDED)],
    ),
}
# fmt: on
NUMBERS = {name: number for number, name in enumerate(CASES)}
PIECES = max(len(case.pieces) for case in CASES.values())
ORDERS = [*permutations(range(PIECES))]
NATURAL = ORDERS[0]


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def record(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    warehouse = Warehouse(database)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


@pytest.fixture(scope="module")
def module_ask(database: str) -> Callable[..., list[tuple]]:
    return lambda statement, *values: asked(database, statement, *values)


def load(record: Record, order: tuple[int, ...], only: str | None = None) -> None:
    for place in order:
        cases = CASES.items() if only is None else [(only, CASES[only])]
        load_piece(
            record,
            [(NUMBERS[name], case.pieces[place]) for name, case in cases if place < len(case.pieces)],
        )


@pytest.fixture(scope="module")
def after(record: Record, module_ask: Callable[..., list[tuple]]) -> Callable[[str], tuple]:
    """What remains of all cases: after an order of arrival, all of them twice, or a rebuild. Loaded once each."""
    known: dict[str, tuple] = {}

    def remains(what: str) -> tuple:
        if what not in known:
            record.forget()
            for order in ORDERS_OF[what]:
                load(record, order)
                if what == "rebuilt in between":
                    record.rebuild()
            known[what] = (
                Remains(module_ask),
                facts_as_they_are(module_ask),
                observed(module_ask),
                misspaced(module_ask),
            )
        return known[what]

    return remains


ORDERS_OF: dict[str, list[tuple[int, ...]]] = {
    **{" ".join(f"{place + 1}" for place in order): [order] for order in ORDERS},
    "all twice": [NATURAL, NATURAL[::-1]],
    "rebuilt in between": [(place,) for place in NATURAL[::-1]],
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_one_play_and_what_are_two_in_every_order_of_arrival(name, after):
    faults = {what: found for what in ORDERS_OF if (found := after(what)[0].faults(NUMBERS[name], CASES[name]))}
    assert not faults, pformat(faults)


@pytest.mark.parametrize("what", list(ORDERS_OF))
def test_every_order_gives_the_same_facts_row_for_row(what, after):
    remains, facts, observations, wrong = after(what)
    first, expected, said, _ = after("1 2 3")
    assert wrong == []
    assert different(facts, expected) == ([], [])
    assert different(observations, said) == ([], [])
    assert remains.partition() ^ first.partition() == set()


def different(found: list[tuple], expected: list[tuple]) -> tuple[list[tuple], list[tuple]]:
    """What is only in the one and only in the other, the first few."""
    more, less = sorted(found, key=repr), sorted(expected, key=repr)
    for row in list(more):
        if row in less:
            more.remove(row)
            less.remove(row)
    return more[:3], less[:3]


# Of two listeners.

NEXT_DAY = 24 * HOUR
OTHERS = {
    "a name that another listener's page brings": (
        [[told(20.5, A)], Others([told(NEXT_DAY, A_RENAMED)]), [minuted(0, replace(A_NAMED, name=A_RENAMED.name))]],
        [("one", 20.5, 200_000, ["account_export", "recently_played"]), ("other", NEXT_DAY, None, ["recently_played"])],
    ),
    "a title that another listener's page brings, of another artist": (
        [[told(20.5, A)], Others([told(NEXT_DAY, replace(A_RENAMED, letter="D", by=("Bob",)))]),
         [minuted(0, replace(A_NAMED, name=A_RENAMED.name))]],
        [("one", 0, 200_000, ["account_export"]), ("one", 20.5, None, ["recently_played"]),
         ("other", NEXT_DAY, None, ["recently_played"])],
    ),
    "a relinked id that another listener's page explains": (
        [[told(0, A)], Others([told(NEXT_DAY, replace(A, letter="D"))]), [exported(22 * HOUR, OTHER_NAMES, start=-200, offline=True)]],
        [("one", 0, 200_000, ["extended_export", "recently_played"]), ("other", NEXT_DAY, None, ["recently_played"])],
    ),
    "two listeners play the same at once": (
        [[told(0, A)], Others([told(0.5, A)]), [exported(0, A)], Others([minuted(0, A_NAMED)])],
        [("one", 0, 200_000, ["extended_export", "recently_played"]),
         ("other", 0.5, 200_000, ["account_export", "recently_played"])],
    ),
}  # fmt: skip
WHOSE = (
    "select listener_id, played_at, ms_played, sources from listening.fact_play"
    " join listening.dim_listener using (listener_key) join listening.dim_play_profile using (play_profile_key)"
    " order by 1, 2"
)


@pytest.mark.parametrize("case", OTHERS)
def test_what_another_listener_brings_is_looked_at_again_for_all(case, record, ask):
    batches, plays = OTHERS[case]
    facts = []
    every = list(permutations(batches))
    for order in every if len(every) < 7 else Random(case).sample(every, 6):
        record.forget()
        record.load(*order)
        found = [(who, (at - NOW).total_seconds(), *rest) for who, at, *rest in ask(WHOSE)]
        assert found == plays
        facts.append(whole_facts(ask))
    assert [one for one in facts if one != facts[0]] == []


# The cases of the real listeners, as they are kept beside the project.

JSON_PLAYS: dict[str, list[tuple[str, int | None]]] = {
    "account_minute_before": [("2022-06-14 08:52:00", 155_661)],
    "account_title_renamed": [("2025-07-14 17:35:26", 35_737)],
    "account_true_end_of_crash": [("2022-04-19 01:14:27.250", 57_127)],
    "name_by_order": [("2015-07-04 01:48:11", 236_120), ("2024-07-04 01:48:11", 236_120)],
    "offline_burst_page": [(f"2026-03-17 16:34:54.{number:03}", None) for number in range(0, 441, 40)],
    "offline_evening_dated_at_sync": [
        ("2021-08-24 20:03:20.007", 200_000), ("2021-08-24 20:06:41.008", 200_001), ("2021-08-24 20:10:02.009", 200_002),
    ],
    "offline_repeat_lost": [("2021-08-24 16:33:36.465", 240_000), ("2021-08-24 16:37:47.412", 240_000)],
    "reimport_adds_plays": [("2021-08-24 16:33:36.465", 240_000), ("2021-08-24 16:37:47.412", 240_000)],
    "song_in_two_rows": [
        *((f"2026-03-0{day} 12:00:00", 200_000) for day in (1, 2, 3)),
        ("2026-03-17 17:00:00", None), ("2026-03-17 18:00:00", None),
    ],
    "told_again_seconds": [("2026-05-30 12:56:42", 16_006)],
}  # fmt: skip
JSON_MORE: dict[str, tuple[str, list[tuple]]] = {
    "name_by_order": (
        "select track_name, artist_name from listening.dim_track join listening.bridge_track_artist using (track_key)"
        " join listening.dim_artist using (artist_key)",
        [("Song One (with Guest B)", "Artist A")],
    ),
    "offline_burst_page": (
        "select count(*), sum(listened_ms) from listening.counted_plays('30s', '-infinity', 'infinity')",
        [(12, 2_400_000)],
    ),
    "song_in_two_rows": (
        "select count(*), count(distinct recording_key) from listening.counted_plays('30s', '-infinity', 'infinity')",
        [(5, 1)],
    ),
}


@pytest.mark.parametrize("case", JSON_PLAYS)
def test_the_cases_kept_beside_the_project(case, record, ask, tmp_path):
    """By the page reader and the whole import: each file in an import of its own, in every order, and all again."""
    told = json.loads((real_data("cases") / f"{case}.json").read_text("utf-8"))
    batches: list[Path | list[dict]] = [told["page"]["items"]] if "page" in told else []
    for name, rows in told.get("files", {}).items():
        (tmp_path / name).write_text(json.dumps(rows), "utf-8")
        batches.append(tmp_path / name)
    right = [(moment(at), ms) for at, ms in JSON_PLAYS[case]]
    more, expected = JSON_MORE.get(case, ("select 1", [(1,)]))
    for order in permutations(batches):
        record.forget()
        for batch in (*order, *order):
            if isinstance(batch, Path):
                receipt = import_exports(
                    record.settings, record.warehouse, [batch], listener="one", again=True, clock=lambda: NOW
                )
                assert receipt.is_good
            else:
                record.merge_page(batch, record.listener_keys["one"])
            if batch is order[-1]:
                assert ask("select played_at, ms_played from listening.fact_play order by 1") == right
                assert ask(more) == expected


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_case_kept_beside_the_project_has_its_test():
    assert {path.stem for path in real_data("cases").glob("*.json")} == set(JSON_PLAYS)
