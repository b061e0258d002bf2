"""What a person decides about recordings stands above all that is derived, whatever comes later, and can be taken back."""

from collections.abc import Callable, Iterator
from itertools import combinations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support import NOW, fresh_database, observed, whole_facts
from support.cases import Described, Others, Record, Song, described, exported, minuted, told

from etl.warehouse.connection import Warehouse
from etl.warehouse.recordings import RecordingError, decide, lock_recordings, take_back

QUICK = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each example takes some seconds, so a smaller one is not looked for
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
RECORDINGS = "select track_uri, coalesce(recording_key, track_key) from listening.dim_track where track_key > 0"
CHAINS = (
    "select count(*) from listening.dim_track as track join listening.dim_track as standing"
    " on standing.track_key = track.recording_key where standing.recording_key is distinct from standing.track_key"
)
DECISIONS = (
    "select decision_key, track_uri, other_track_uri, is_same from listening.recording_decision order by decision_key"
)
Ask = Callable[..., list[tuple]]


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def record(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    warehouse = Warehouse(database)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


@pytest.fixture(autouse=True)
def forgotten(record: Record) -> None:
    forget(record)


def forget(record: Record) -> None:
    record.forget()
    with record.warehouse.engine.begin() as connection:
        connection.exec_driver_sql("delete from listening.recording_decision")


def decided(record: Record, one: str | None, other: str | None, *, is_same: bool) -> int:
    assert one and other
    uris = one, other

    def work(connection):
        lock_recordings(connection)
        return decide(connection, uris, is_same=is_same, note=None, now=NOW)[0]

    return record.warehouse.transaction(work)


def undone(record: Record, key: int) -> None:
    def work(connection):
        lock_recordings(connection)
        take_back(connection, key, NOW)

    record.warehouse.transaction(work)


def partition(ask: Ask) -> set[frozenset[str]]:
    by_key: dict[int, set[str]] = {}
    for uri, key in ask(RECORDINGS):
        by_key.setdefault(key, set()).add(uri)
    return {frozenset(uris) for uris in by_key.values()}


def together(ask: Ask, *songs: Song) -> bool:
    return any({song.uri for song in songs} <= uris for uris in partition(ask))


A = Song("A", "Song", isrc="QZ0000000001")
B = Song("B", "Song - Live", isrc="QZ0000000002", duration_ms=260_000)
C = Song("C", "Song", isrc="QZ0000000001")
D = Song("D", "Song - Live", isrc="QZ0000000002", duration_ms=260_000)


def test_a_merge_joins_both_recordings_and_taken_back_parts_them_again(record, ask):
    record.load([told(-900, A), told(-600, B), told(-300, C), told(0, D)])
    before = partition(ask), whole_facts(ask), observed(ask)
    assert together(ask, A, C) and together(ask, B, D) and not together(ask, A, B)
    key = decided(record, C.uri, D.uri, is_same=True)
    assert together(ask, A, B, C, D) and ask(CHAINS) == [(0,)]
    undone(record, key)
    assert (partition(ask), whole_facts(ask), observed(ask)) == before and ask(DECISIONS) == []


def test_a_merge_of_what_two_sources_name_differently_makes_one_play_of_two(record, ask):
    record.load([told(-600, A)], [exported(-602, B, 200_000)])
    plays = ask("select count(*) from listening.fact_play")
    before = whole_facts(ask), observed(ask)
    assert plays == [(2,)]
    key = decided(record, A.uri, B.uri, is_same=True)
    assert ask("select count(*), min(ms_played) from listening.fact_play") == [(1, 200_000)]
    undone(record, key)
    assert (whole_facts(ask), observed(ask)) == before


def test_a_decision_matches_the_plays_of_every_listener_again(record, ask):
    record.load(
        [told(-600, A)],
        [exported(-602, B, 200_000)],
        Others([told(-6_000, A)]),
        Others([exported(-6_002, B, 200_000)]),
    )
    plays = "select listener_id, count(*) from listening.fact_play join listening.dim_listener using (listener_key) group by 1"
    before = whole_facts(ask)
    key = decided(record, A.uri, B.uri, is_same=True)
    assert sorted(ask(plays)) == [("one", 1), ("other", 1)]
    undone(record, key)
    assert sorted(ask(plays)) == [("one", 2), ("other", 2)] and whole_facts(ask) == before


def test_plays_keep_their_own_track_and_album(record, ask):
    record.load([told(-600, A), told(0, B)])
    tracks = ask("select played_at, track_key from listening.fact_play order by 1")
    decided(record, A.uri, B.uri, is_same=True)
    assert ask("select played_at, track_key from listening.fact_play order by 1") == tracks
    assert len(ask("select distinct recording_key from listening.counted_plays('all', '-infinity', 'infinity')")) == 1


def test_a_split_parts_what_has_one_isrc_and_the_rest_goes_to_the_likelier_side(record, ask):
    live = Song("B", "Song - Live", isrc=A.isrc, duration_ms=201_000)
    late = Song("D", "Song - Live", isrc=A.isrc, duration_ms=201_500)
    record.load([told(-900, A), told(-600, live), told(-300, C)])
    assert together(ask, A, live, C)
    decided(record, A.uri, live.uri, is_same=False)
    assert together(ask, A, C) and not together(ask, A, live)
    record.load([told(0, late)])  # it looks like both: the name decides
    assert together(ask, live, late) and not together(ask, A, live)
    record.rebuild()
    assert together(ask, live, late) and together(ask, A, C) and not together(ask, A, live)


def test_a_track_of_equal_likeness_joins_one_side_only_the_one_nearest_in_length(record, ask):
    one, other = Song("A", "Song", duration_ms=200_000), Song("B", "Song", duration_ms=201_800)
    record.load([told(-900, one), told(-600, other)])
    assert together(ask, one, other)
    decided(record, one.uri, other.uri, is_same=False)
    between = Song("C", "Song", duration_ms=201_000)
    record.load([told(-300, between)])
    assert together(ask, between, other) and not together(ask, between, one)
    nearer = Song("D", "Song", duration_ms=200_400)
    record.load([told(0, nearer)])
    assert together(ask, nearer, one) and together(ask, between, other) and not together(ask, one, other)


def test_a_merge_beside_a_split_does_not_join_its_sides_by_what_belongs_to_them(record, ask):
    """A and C are one by ISRC. A is split from B, C is merged with B: the link by ISRC gives way."""
    record.load([told(-900, A), told(-600, B), told(-300, C)])
    decided(record, A.uri, B.uri, is_same=False)
    decided(record, B.uri, C.uri, is_same=True)
    assert together(ask, B, C) and not together(ask, A, B) and not together(ask, A, C)


def test_a_merge_that_a_split_contradicts_is_refused_and_changes_nothing(record, ask):
    record.load([told(-900, A), told(-600, B), told(-300, Song("E", "Other"))])
    decided(record, A.uri, B.uri, is_same=True)
    decided(record, B.uri, "spotify:track:" + "E" * 22, is_same=True)
    before = ask(DECISIONS), partition(ask), whole_facts(ask)
    with pytest.raises(RecordingError, match=r"contradicts .* recordings undo \d+"):
        decided(record, A.uri, "spotify:track:" + "E" * 22, is_same=False)
    assert (ask(DECISIONS), partition(ask), whole_facts(ask)) == before


def test_a_second_decision_about_a_pair_takes_the_place_of_the_first(record, ask):
    record.load([told(-900, A), told(-600, B)])
    decided(record, A.uri, B.uri, is_same=True)
    decided(record, B.uri, A.uri, is_same=False)
    assert [row[1:] for row in ask(DECISIONS)] == [(A.uri, B.uri, False)] and not together(ask, A, B)
    with pytest.raises(RecordingError, match="decided already"):
        decided(record, A.uri, B.uri, is_same=False)


def test_a_decision_about_a_track_that_comes_later_waits_for_it(record, ask):
    record.load([told(-900, A)])
    decided(record, A.uri, C.uri, is_same=False)
    record.load([told(-300, C)])
    assert not together(ask, A, C)


def test_a_track_known_by_name_alone_can_be_decided_about(record, ask):
    record.load([minuted(-10, A)], [told(0, B)])
    named = "select track_uri from listening.dim_track where track_uri like 'name:%'"
    [(uri,)] = ask(named)
    decided(record, uri, B.uri, is_same=True)
    assert any({uri, B.uri} <= uris for uris in partition(ask))
    record.load([told(-3_000, A)])  # the track of that name: what the person said still holds
    assert any({uri, B.uri} <= uris for uris in partition(ask)) and ask(CHAINS) == [(0,)]


EVIDENCE = "select track_uri, evidence from listening.recording_evidence join listening.dim_track using (track_key)"


@pytest.mark.parametrize(
    ("batches", "evidence"),
    [
        ([[told(-900, A), told(-600, C)]], "same ISRC and name"),
        (
            [[told(-900, A), told(-600, Song("B", "Canción", ("Bo",), 201_999, A.isrc))]],
            "same ISRC and length",
        ),
        (
            [[told(-900, Song("A", "Song")), told(-600, Song("B", "Song", duration_ms=202_000))]],
            "same name, artist and length",
        ),
        ([[told(-900, A), told(-600, Song("B", "Song"))]], "same name, artist and length"),
    ],
)
def test_each_automatic_recording_says_why_it_stands(record, ask, batches, evidence):
    record.load(*batches)
    assert [why for _, why in ask(EVIDENCE)] == [evidence] * 2


def test_of_an_id_and_a_name_it_says_which_is_known_by_name_alone(record, ask):
    record.load([told(-900, A)], [minuted(-100, A)])
    found = dict(ask(EVIDENCE))
    assert found.pop(A.uri) == "same name as one known by name alone"
    assert list(found.values()) == ["known by name alone"]


def test_what_a_person_decided_is_the_evidence_and_what_came_along_keeps_its_own(record, ask):
    record.load([told(-900, A), told(-600, B), told(-300, C)])
    decided(record, A.uri, B.uri, is_same=True)
    assert dict(ask(EVIDENCE)) == {
        A.uri: "decided by a person",
        B.uri: "decided by a person",
        C.uri: "same ISRC and name",
    }


def test_an_isrc_is_one_however_it_is_written(record, ask):
    odd = Song("C", "Canción", ("Bo",), 200_000, "qz-000-00 00001")
    record.load([told(-900, A)], Described([described(odd)]))
    assert together(ask, A, odd)
    assert ask("select distinct isrc from listening.dim_track where track_key > 0") == [(A.isrc,)]


@pytest.mark.parametrize(
    ("title", "base"),
    [
        ("Song - Remastered 2011", "song"),
        ("Song - 2011 Remaster", "song"),
        ("Song (feat. Bob) [Live at Home]", "song"),
        ("Song - Radio Edit", "song"),
        ("Söng (Ann's Version)", "song"),
        ("Song - Part 2", "song - part 2"),
        ("Song (Part 2)", "song (part 2)"),
        ("Live and Let Die", "live and let die"),
        ("Alive - Delivered", "alive - delivered"),
        ("(With) You", "(with) you"),
    ],
)
def test_a_title_without_its_ending_is_that_of_the_song(ask, title, base):
    assert ask("select listening.base_title(%s)", title) == [(base,)]


# Any songs, any order.


TITLES = ("Song", "Song - Live", "Tune")
songs = st.builds(
    lambda title, ms, isrc: (title, ms, isrc),
    st.sampled_from(TITLES),
    st.sampled_from([200_000, 200_900, 201_800, 240_000]),
    st.sampled_from([None, "QZ0000000001", "QZ0000000002"]),
)
LETTERS = "ABCDEFG"


def linked(uris: list[str], facts: dict[str, tuple], automatic: set[frozenset[str]], rows: list[tuple]) -> set:
    """The recordings by the rule in words, in plain Python: links one by one, never across a split."""
    groups = {uri: {uri} for uri in uris}
    apart = [{one, other} for _, one, other, is_same in rows if not is_same]
    links = [(one, other) for _, one, other, is_same in rows if is_same and one in groups and other in groups]
    pairs = [pair for uris in automatic for pair in combinations(sorted(uris), 2)]

    def unlikeness(pair: tuple[str, str]) -> tuple:
        (title, ms, isrc), (other_title, other_ms, other_isrc) = facts[pair[0]], facts[pair[1]]
        is_to_split = any(uri in pair for uris in apart for uri in uris)
        distance_ms = abs(ms - other_ms) if ms and other_ms else float("inf")
        return not is_to_split, isrc is None or isrc != other_isrc, title != other_title, distance_ms, pair

    for one, other in links + sorted(pairs, key=unlikeness):
        whole = groups[one] | groups[other]
        if not any(pair <= whole for pair in apart):
            groups |= dict.fromkeys(whole, whole)
    return {frozenset(group) for group in groups.values()}


@QUICK
@given(
    told_songs=st.lists(songs, min_size=7, max_size=7),
    decisions=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(list(combinations(range(10), 2))), st.booleans()),
        min_size=2,
        max_size=7,
    ),
    order=st.permutations(range(5)),
)
def test_a_split_survives_everything_and_all_taken_back_is_as_if_never_decided(
    record, ask, told_songs, decisions, order
):
    forget(record)
    all_songs = [
        Song(letter, title, duration_ms=ms, isrc=isrc)
        for letter, (title, ms, isrc) in zip(LETTERS, told_songs, strict=True)
    ]
    all_songs += [Song(None, title) for title in TITLES]  # as the account data names them, without an id
    facts = {str(song.uri): (song.name, song.duration_ms if song.letter else None, song.isrc) for song in all_songs}
    pieces = [
        [told(-300 * number, song) for number, song in enumerate(all_songs[:4])],
        [told(-5_000 - 300 * number, song) for number, song in enumerate(all_songs[4:7])],
        # another id, a few seconds off: one play or two, as the recordings are
        [exported(-300 * number + 3, all_songs[(number + 1) % 7]) for number in range(7)],
        [minuted(-5 * number, song, 199_000) for number, song in enumerate(all_songs[7:])],
        Described([described(song) for song in all_songs[:7]]),
    ]
    steps: list[tuple[int, object]] = [(2 * place + 1, pieces[number]) for place, number in enumerate(order)]
    steps += [(2 * when, (pair, is_same)) for when, pair, is_same in decisions]
    steps += [(5, "rebuild"), (20, "rebuild")]
    accepted: list[tuple[str, str, bool]] = []
    for _, step in sorted(steps, key=lambda one: one[0]):
        if step == "rebuild":
            record.rebuild()
        elif isinstance(step, tuple):
            (one, other), is_same = step
            try:
                decided(record, all_songs[one].uri, all_songs[other].uri, is_same=is_same)
            except RecordingError:
                continue
        else:
            record.load(step)
        rows = ask(DECISIONS)
        known = partition(ask)
        for _, one_uri, other_uri, is_same in rows:
            if not is_same:
                assert not any({one_uri, other_uri} <= uris for uris in known)
        assert ask(CHAINS) == [(0,)]
    accepted = [(one, other, is_same) for _, one, other, is_same in ask(DECISIONS)]
    for one_uri, other_uri, is_same in accepted:
        assert any({one_uri, other_uri} <= uris for uris in partition(ask)) == is_same
    rows, with_decisions = ask(DECISIONS), (partition(ask), whole_facts(ask), observed(ask))
    assert_sums(ask)
    for key, *_ in rows:
        undone(record, key)
    as_never_decided = partition(ask), whole_facts(ask), observed(ask)
    assert with_decisions[0] == linked(sorted(facts), facts, as_never_decided[0], rows)
    # the same pieces, and nothing decided
    forget(record)
    for piece in pieces:
        record.load(piece)
    assert (partition(ask), whole_facts(ask), observed(ask)) == as_never_decided
    # and decided in the end, in another order
    for one_uri, other_uri, is_same in accepted:
        decided(record, one_uri, other_uri, is_same=is_same)
    assert (partition(ask), whole_facts(ask), observed(ask)) == with_decisions


def assert_sums(ask: Ask) -> None:
    """Every play is counted in one recording, one track and one album."""
    plays = "listening.counted_plays('all', '-infinity', 'infinity')"
    [total] = ask("select count(*), coalesce(sum(listened_ms), 0) from " + plays)
    assert total[0] == ask("select count(*) from listening.fact_play")[0][0]
    for column in ("recording_key", "track_key", "album_key"):
        groups = ask(f"select {column}, count(*), coalesce(sum(listened_ms), 0) from {plays} group by 1")
        assert (sum(row[1] for row in groups), sum(row[2] for row in groups)) == total
