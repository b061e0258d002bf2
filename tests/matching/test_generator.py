"""The generator of test data is sane: its truth is believable, its sources keep their promises, nothing is ambiguous."""

import json
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from support.answer_shapes import differences, recorded_shape, shape_of
from support.export_files import write_folder, write_zip
from support.truth import CATALOGUE, SYSTEMS_CHANGED, made_up_truth, special_moments
from support.truth_sources import (
    MARKS,
    Generation,
    Sources,
    account_export,
    api_pages,
    expected,
    extended_export,
    made_up_sources,
    moment,
)

SEEDS = (1, 2, 3)
EXTENDED_KEYS = {
    "ts", "username", "platform", "ms_played", "conn_country", "user_agent_decrypted", "master_metadata_track_name",
    "master_metadata_album_artist_name", "master_metadata_album_album_name", "spotify_track_uri", "episode_name",
    "episode_show_name", "spotify_episode_uri", "reason_start", "reason_end", "shuffle", "skipped", "offline",
    "offline_timestamp", "incognito_mode",
}  # fmt: skip
AUDIOBOOK_KEYS = {"audiobook_title", "audiobook_uri", "audiobook_chapter_uri", "audiobook_chapter_title"}
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ALL_SETS = [
    {"api"}, {"extended"}, {"account"}, {"api", "extended"}, {"api", "account"}, {"extended", "account"},
    {"api", "extended", "account"},
]  # fmt: skip


@pytest.fixture(scope="module", params=SEEDS, ids="seed {}".format)
def sources(request) -> Sources:
    return made_up_sources(request.param)


def rows_of(export) -> list[dict]:
    return [row for rows in export.files.values() for row in rows]


def distinct(rows: list[dict]) -> set[str]:
    return {json.dumps(row, sort_keys=True) for row in rows}


def told_by_api(sources: Sources) -> dict[int, list[list[dict]]]:
    """By listen: what each page that shows it says of it, in order of the pages."""
    told = defaultdict(list)
    for page in sources.pages:
        items = defaultdict(list)
        for item, number in zip(page.items, page.numbers, strict=True):
            items[number].append(item)
        for number, both in items.items():
            told[number].append(both)
    return told


# The truth.


def test_the_same_seed_always_makes_the_same_and_another_makes_another() -> None:
    assert made_up_sources(1) == made_up_sources(1)
    assert made_up_truth(1) != made_up_truth(2)


def test_nobody_listens_to_two_things_at_once_or_for_longer_than_it_took(sources: Sources) -> None:
    truth = sources.truth
    assert [listen.number for listen in truth] == list(range(len(truth)))
    assert [(one, next) for one, next in pairwise(truth) if next.started_at < one.ended_at] == []
    assert [one for one in truth if timedelta(milliseconds=one.ms_played) > one.ended_at - one.started_at] == []
    assert [one for one in truth if not 0 <= one.ms_played <= one.track.duration_ms] == []
    assert {at.microsecond % 1000 for one in truth for at in (one.started_at, one.ended_at)} == {0}
    assert {at.tzinfo for one in truth for at in (one.started_at, one.ended_at)} == {UTC}


def test_a_day_has_some_forty_listens() -> None:
    assert 25 <= len(made_up_truth(1, days=1)) <= 75
    assert 350 <= len(made_up_truth(1, days=10)) <= 550


def test_the_catalogue_has_all_that_is_awkward() -> None:
    by_isrc, by_name = defaultdict(set), defaultdict(set)
    for track in CATALOGUE:
        by_isrc[track.isrc or track.uri].add((track.title, track.artists, track.duration_ms, track.uri))
        by_name[track.title, track.artists].add((track.isrc, track.duration_ms))
    twins = [tracks for tracks in by_isrc.values() if len(tracks) > 1]
    assert [(len(one), len({track[:3] for track in one})) for one in twins] == [(2, 1)]  # two ids, else the same
    versions = [tracks for name, tracks in by_name.items() if len(tracks) > 1]
    assert [len({isrc for isrc, _ in one}) for one in versions] == [2]
    assert [len({ms for _, ms in one}) for one in versions] == [2]
    assert len({track.uri for track in CATALOGUE}) == len(CATALOGUE) >= 40
    titles = {track.title for track in CATALOGUE}
    assert {"NaN", "null", "None", "\\N", "1979", "shouting", "SHOUTING"} <= titles
    assert any('"' in title and "'" in title for title in titles) and max(map(len, titles)) > 200
    assert Counter(track.kind for track in CATALOGUE if track.kind != "track") == {
        "local": 1,
        "episode": 2,
        "chapter": 1,
    }
    assert any(track.album_artist not in track.artists for track in CATALOGUE)
    assert any(len(track.artists) > 1 for track in CATALOGUE)
    assert {
        "name:track:Various%20Artists:On%20a%20Sampler",
        "name:track:Odd%20Artist%202:100%25%20%2F%20Off%3F%20%231%20%26%20More",
        "name:track:My%20Own%20Band:Demo%20Tape%3A%20Side%20B",
        "name:episode:The%20Kitchen%20Hour:Why%20Kettles%20Sing",
        "name:chapter:The%20Reluctant%20Otter:Chapter%203%3A%20The%20Ferry",
    } <= {track.name_uri for track in CATALOGUE}


SPECIAL = {
    "the clock goes forward": (date(2023, 3, 23), "Europe/Berlin", {"2023-03-26 01:00"}),
    "the clock goes back": (date(2023, 10, 26), "Europe/Berlin", {"2023-10-29 01:00"}),
    "New Year in Berlin": (date(2022, 12, 29), "Europe/Berlin", {"2022-12-31 23:00", "2023-01-01 00:00"}),
    "New Year in New York": (date(2022, 12, 29), "America/New_York", {"2023-01-01 00:00", "2023-01-01 05:00"}),
    "New Year in Kathmandu": (date(2022, 12, 29), "Asia/Kathmandu", {"2022-12-31 18:15", "2023-01-01 00:00"}),
    "half an hour back on Lord Howe": (date(2023, 3, 30), "Australia/Lord_Howe", {"2023-04-01 15:00"}),
    "local midnight": (date(2022, 9, 26), "Europe/Berlin", {"2022-09-26 22:00", "2022-09-28 22:00"}),
}


@pytest.mark.parametrize("case", SPECIAL)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_play_straddles_every_special_moment(seed: int, case: str) -> None:
    begin, zone, asked = SPECIAL[case]
    moments = special_moments(begin, 6, ZoneInfo(zone))
    assert asked <= {at.strftime("%Y-%m-%d %H:%M") for at in moments}
    truth = made_up_truth(seed, begin, 6, zone)
    assert [at for at in moments if not any(one.started_at < at < one.ended_at for one in truth)] == []


def cases(sources: Sources) -> Counter[str]:
    """How often each promised case is in the data."""
    truth, found = sources.truth, Counter()
    extended = [(row, truth[number]) for row, number in sources.extended.told]
    for one in truth:
        found["full play"] += one.ms_played == one.track.duration_ms
        found["skip under 30 s"] += 0 < one.ms_played < 30_000
        found["0 ms"] += one.ms_played == 0
        found["paused"] += one.ended_at - one.started_at > timedelta(milliseconds=one.ms_played)
        found["private"] += one.is_private
        found["offline"] += one.is_offline
        found["offline, in the API"] += one.is_offline and one.in_api
        found[one.track.kind] += 1
        found[f"named by {one.named_by}"] += 1
        found["ends on a whole second, in the API"] += one.in_api and one.ended_at.microsecond == 0
        found["of a sampler, in the API"] += one.in_api and one.track.album_artist == "Various Artists"
        found["country"] += one.country != "DE"
    for one, next in pairwise(truth):
        is_close = next.ended_at - one.ended_at < 45 * SECOND and one.in_api and next.in_api
        is_one_track = one.track == next.track
        found["repeat in full"] += is_one_track and next.ms_played == next.track.duration_ms
        found["repeat cut at 33 to 44 s"] += is_close and is_one_track
        found["two ids within 45 s"] += is_close and not is_one_track and one.track.isrc == next.track.isrc
        found["two versions or namesakes within 45 s"] += (
            is_close and one.track.title == next.track.title and one.track.isrc != next.track.isrc
        )
    for one, _, again in zip(truth, truth[1:], truth[2:], strict=False):
        if one.track == again.track and again.ended_at - one.ended_at < 10 * SECOND:
            is_one_second = one.ended_at.replace(microsecond=0) == again.ended_at.replace(microsecond=0)
            found["two of one second, other ms"] += is_one_second and one.ms_played != again.ms_played
            found["two of one minute, same ms"] += not is_one_second and one.ms_played == again.ms_played
    for number, told in told_by_api(sources).items():
        dates = {item["played_at"] for items in told for item in items}
        late = max(map(moment, dates)) - truth[number].ended_at
        is_twice = any(len(items) == 2 for items in told)
        contexts = {bool(item["context"]) for items in told for item in items}
        found["re-dated by up to 3 s"] += timedelta() < late <= 3 * SECOND and not is_twice
        found["re-dated by 3 to 31 s"] += late > 3 * SECOND
        found["told twice in one page"] += is_twice
        found["told with a context and without"] += not is_twice and len(contexts) == 2
    seen = set()
    for page in sources.pages:
        newest = max((truth[number].ended_at for number in seen), default=page.fetched_at)
        late_ones = {number for number in page.numbers if number not in seen and truth[number].ended_at < newest}
        found["late in the API"] += len(late_ones)
        seen |= set(page.numbers)
    copies = Counter(json.dumps(row) for row, _ in extended)
    starts = defaultdict(set)
    for row, one in extended:
        starts[one.number].add(row["ts"])
        is_other = row["spotify_track_uri"] not in (None, one.track.uri)
        found["the other id, and in the API"] += is_other and one.in_api
        found["no offline_timestamp"] += row["offline_timestamp"] in (0, 1, None)
        found["offline_timestamp in ms"] += (row["offline_timestamp"] or 0) > 10**12
        found["offline_timestamp in s"] += 10**9 < (row["offline_timestamp"] or 0) < 10**10
        found["skipped is null"] += row["skipped"] is None
        found["skipped is true"] += row["skipped"] is True
        found["reason is empty"] += row["reason_end"] == ""
        found["reason is null"] += row["reason_end"] is None
    found["whole row twice"] = sum(many - 1 for many in copies.values())
    found["told again under a later ts"] = sum(len(moments) == 2 for moments in starts.values())
    found["ts a second off"] = sum(
        moments != {f"{truth[number].ended_at:%Y-%m-%dT%H:%M:%SZ}"}
        for number, moments in starts.items()
        if len(moments) == 1
    )
    found["video"] = sum(len(rows) for name, rows in sources.extended.files.items() if "Video" in name)
    found["out of order"] = sum(
        one["ts"] > next["ts"] for rows in sources.extended.files.values() for one, next in pairwise(rows)
    )
    names = [(row["artistName"], row["trackName"]) for row in rows_of(sources.account) if "artistName" in row]
    found["Unknown Artist in the account export"] = names.count(("Unknown Artist", "Unknown Track"))
    found["account row of two listens"] = len(truth) - len(distinct(rows_of(sources.account)))
    return found


def test_every_promised_case_is_in_the_data(sources: Sources) -> None:
    found = cases(sources)
    assert {case for case, many in found.items() if many == 0} == set()
    assert len(found) == 43  # none left out of the count


def test_rows_of_one_year_stand_in_the_file_of_another() -> None:
    export = made_up_sources(1, date(2022, 12, 27)).extended
    copies = Counter(number for _, number in export.told)
    strays = [
        row
        for name, rows in export.files.items()
        for row, number in zip(rows, export.numbers[name], strict=True)
        if "Audio" in name and copies[number] == 1 and row["ts"][:4] not in name.split("_")[3]
    ]
    assert len(strays) >= 1
    assert {row["ts"][:4] for row, _ in export.told} == {"2022", "2023"}


# The API.


def test_the_api_tells_of_every_play_it_shows_and_of_no_other(sources: Sources) -> None:
    told = told_by_api(sources)
    assert set(told) == {one.number for one in sources.truth if one.in_api}
    for number in told:
        one = sources.truth[number]
        assert (one.track.kind, one.is_private, one.ms_played >= 30_000, one.named_by) == ("track", False, True, "all")


def test_a_page_is_newest_first_and_tells_of_nothing_that_is_still_to_come(sources: Sources) -> None:
    for page in sources.pages:
        moments = [moment(item["played_at"]) for item in page.items]
        assert moments == sorted(moments, reverse=True)
        assert 0 < len(moments) <= 50 and moments[0] <= page.fetched_at
    assert [(one, next) for one, next in pairwise(sources.pages) if next.fetched_at <= one.fetched_at] == []
    assert max(len(page.items) for page in sources.pages) == 50


@pytest.mark.parametrize("hours", [1, 30])
@pytest.mark.parametrize("seed", range(1, 13))
def test_neighbours_in_the_list_stand_together_in_some_page(seed: int, hours: int) -> None:
    truth = made_up_truth(seed)
    pages = api_pages(truth, seed, every=timedelta(hours=hours))
    shown = [one.number for one in truth if one.in_api]
    together = [set(page.numbers) for page in pages]
    assert [pair for pair in pairwise(shown) if not any(set(pair) <= numbers for numbers in together)] == []
    assert set().union(*together) == set(shown)
    new = [len(next - one) for one, next in pairwise(together)]
    assert max(new) <= 18 + 6  # a phone that was offline tells of six more at most


def test_dates_go_back_never_forward_and_the_last_is_true(sources: Sources) -> None:
    for number, told in told_by_api(sources).items():
        dates = [sorted({moment(item["played_at"]) for item in items}) for items in told]
        truth = sources.truth[number].ended_at
        assert dates[-1] == [truth]
        assert len({at for both in dates for at in both}) <= 2
        assert dates == sorted(dates, key=max, reverse=True)
        assert [both for both in dates if max(both) - truth > timedelta(seconds=31)] == []


def test_a_play_told_twice_is_so_20_to_50_ms_apart_and_once_without_context(sources: Sources) -> None:
    for number, told in told_by_api(sources).items():
        for late, early in [items for items in told if len(items) > 1]:
            gap = moment(late["played_at"]) - moment(early["played_at"])
            assert timedelta(milliseconds=20) <= gap <= timedelta(milliseconds=50)
            contexts = {item["context"]["uri"] if item["context"] else None for item in (late, early)}
            assert contexts == {None, sources.truth[number].context}


def test_a_play_has_one_context_at_most_and_it_is_told(sources: Sources) -> None:
    for number, told in told_by_api(sources).items():
        contexts = {item["context"]["uri"] for items in told for item in items if item["context"]}
        assert contexts == {sources.truth[number].context} - {None}


def test_an_answer_has_the_shape_of_spotifys(sources: Sources) -> None:
    ours = shape_of(page.body for page in sources.pages)
    assert differences(ours, recorded_shape("recently_played", "full")) == []
    dates = {item["played_at"] for page in sources.pages for item in page.items}
    assert {len(date) for date in dates} == {len("2022-09-26T05:32:10Z"), len("2022-09-26T05:32:10.485Z")}


# The exports.


@pytest.mark.parametrize(
    ("generation", "keys"), [("old", {"ip_addr_decrypted"}), ("new", {"ip_addr"} | AUDIOBOOK_KEYS)]
)
def test_an_extended_row_has_the_real_keys_and_the_marks_of_its_person(generation: Generation, keys: set[str]) -> None:
    rows = rows_of(made_up_sources(1, generation=generation).extended)
    assert {frozenset(row) for row in rows} == {frozenset(EXTENDED_KEYS | keys)}
    marks = [
        {row["username"], row["user_agent_decrypted"], row.get("ip_addr", row.get("ip_addr_decrypted"))} for row in rows
    ]
    assert {frozenset(mark) for mark in marks} == {frozenset(MARKS.values())}


def test_an_extended_row_tells_its_listen_within_two_seconds(sources: Sources) -> None:
    first = {}
    for row, number in sources.extended.told:
        one, ts = sources.truth[number], moment(row["ts"])
        first[number] = min(ts, first.get(number, ts))
        assert (row["ms_played"], row["incognito_mode"]) == (one.ms_played, one.is_private)
        stamp = row["offline_timestamp"]
        if stamp and stamp > 1:
            exact = one.started_at.timestamp()
            assert stamp == (round(exact * 1000) if one.ended_at < SYSTEMS_CHANGED else int(exact))
        names = (row["master_metadata_track_name"], row["episode_name"], row["audiobook_chapter_title"])
        assert [name for name in names if name] == ([one.track.title] if one.named_by == "all" else [])
        assert (row["skipped"] is None) == (one.ended_at < SYSTEMS_CHANGED)
    assert set(first) == set(range(len(sources.truth)))
    assert [number for number, ts in first.items() if abs(ts - sources.truth[number].ended_at) >= 2 * SECOND] == []


def test_no_two_listens_have_one_extended_row(sources: Sources) -> None:
    uris = [
        (row["ts"], row["spotify_track_uri"] or row["spotify_episode_uri"] or row["audiobook_chapter_uri"], row["ms_played"])
        for row in map(json.loads, distinct(rows_of(sources.extended)))
    ]  # fmt: skip
    assert len(set(uris)) == len(uris)


@pytest.mark.parametrize("seed", range(1, 21))
def test_what_is_told_again_is_so_soon_in_the_same_file_and_only_before_october_2022(seed: int) -> None:
    export = extended_export(made_up_truth(seed), seed)
    told = defaultdict(set)
    files = defaultdict(set)
    for name, rows in export.files.items():
        for row, number in zip(rows, export.numbers[name], strict=True):
            told[number].add((moment(row["ts"]), row["offline_timestamp"], row["ms_played"]))
            files[number].add(name)
    again = {number: sorted(both) for number, both in told.items() if len(both) > 1}
    assert len(again) >= 2
    for number, both in again.items():
        [(early, *start), (late, *start_again)] = both
        assert SECOND <= late - early <= 62 * SECOND and start == start_again and early < SYSTEMS_CHANGED
        assert start[0] > 10**12 and len(files[number]) == 1


def test_nothing_is_told_again_since_october_2022() -> None:
    rows = {(row["ts"], number) for row, number in made_up_sources(1, date(2023, 3, 20)).extended.told}
    assert len(rows) == len({number for _, number in rows})


def test_the_account_export_is_the_extended_one_cut_to_the_minute_as_a_set(sources: Sources) -> None:
    def as_account(row: dict, number: int) -> tuple:
        one = sources.truth[number]
        names = (
            (one.track.album_artist, one.track.title)
            if one.named_by != "nobody"
            else ("Unknown Artist", "Unknown Track")
        )
        return (row["ts"][:16].replace("T", " "), *names, row["ms_played"])  # fmt: skip

    first = {}
    for row, number in sources.extended.told:
        first[number] = min(first.get(number, row), row, key=lambda row: row["ts"])
    keys = (
        "endTime",
        "artistName",
        "podcastName",
        "audiobookName",
        "trackName",
        "episodeName",
        "chapterName",
        "msPlayed",
    )
    told = [tuple(row[key] for key in keys if key in row) for row in rows_of(sources.account)]
    assert Counter(told) == Counter({as_account(row, number) for number, row in first.items()})
    kinds = {
        name: {"trackName", "episodeName", "chapterName"} & set().union(*rows)
        for name, rows in sources.account.files.items()
    }
    assert kinds == {
        "StreamingHistory_music_0.json": {"trackName"}, "StreamingHistory_music_1.json": {"trackName"},
        "StreamingHistory_podcast_0.json": {"episodeName"}, "StreamingHistory_audiobook_0.json": {"chapterName"},
    }  # fmt: skip


def test_the_account_export_reaches_as_far_as_asked(sources: Sources) -> None:
    since, until = datetime(2022, 9, 28, tzinfo=UTC), datetime(2022, 10, 1, tzinfo=UTC)
    some = account_export(sources.truth, SEEDS[0], since, until)
    ends = sorted(row["endTime"] for row in rows_of(some))
    assert "2022-09-28 00:00" <= ends[0] < ends[-1] < "2022-10-01 00:00"
    assert 90 < len(ends) < 220


# Nothing is ambiguous.


def test_plays_of_one_song_are_apart_or_in_two_minutes(sources: Sources) -> None:
    """So that nearest first, one to one, finds for each play its row of either export."""
    songs = defaultdict(list)
    for one in sources.truth:
        songs[one.track.song].append(one)
    for one, next in [pair for listens in songs.values() for pair in pairwise(listens)]:
        gap = next.ended_at - one.ended_at
        minutes = {at.replace(second=0, microsecond=0) for at in (one.ended_at, next.ended_at)}
        if one.in_api and next.in_api:
            assert gap > 33 * SECOND and len(minutes) == 2
        elif one.in_api or next.in_api:
            assert gap > 2 * MINUTE


def test_the_nearest_row_of_a_song_is_that_of_the_play(sources: Sources) -> None:
    """By every date that the API ever told, late by up to 31 s."""
    rows = defaultdict(list)
    for row, number in sources.extended.told:
        rows[sources.truth[number].track.song].append((moment(row["ts"]), number))
    for number, told in told_by_api(sources).items():
        for at in {moment(item["played_at"]) for items in told for item in items}:
            near = rows[sources.truth[number].track.song]
            assert min(near, key=lambda row: abs(row[0] - at))[1] == number


@pytest.mark.parametrize("generation", ["old", "new"])
def test_minute_and_ms_find_the_name_of_a_row_without_one(generation: Generation) -> None:
    made = made_up_sources(1, generation=generation)
    uris = ("spotify_track_uri", "spotify_episode_uri", "audiobook_chapter_uri")
    nameless = {number for row, number in made.extended.told if not any(row.get(key) for key in uris)}
    assert len(nameless) > (10 if generation == "old" else 5)
    keys = Counter((row["endTime"], row["msPlayed"]) for row in rows_of(made.account))
    own = [(row["endTime"], row["msPlayed"]) for row, number in made.account.told if number in nameless]
    assert len(own) == len(nameless)
    assert {keys[key] for key in own} == {1}


# What must come of it.


def test_the_extended_export_alone_makes_a_fact_of_each_distinct_row_told_once(sources: Sources) -> None:
    rows = [json.loads(row) for row in distinct(rows_of(sources.extended))]
    starts = defaultdict(list)
    for row in rows:
        uri = row["spotify_track_uri"] or row["spotify_episode_uri"] or row["audiobook_chapter_uri"]
        is_exact = (row["offline_timestamp"] or 0) > 10**12
        starts[uri, row["ms_played"], row["offline_timestamp"] if is_exact else row["ts"]].append((row["ts"], uri))
    facts = sources.expected({"extended"})
    assert len(facts) == len(sources.truth) == len(starts) < len(rows)
    assert Counter((fact.played_at, fact.track_uri, fact.ms_played) for fact in facts) == Counter(
        (moment(min(told)[0]), uri, ms) for (uri, ms, _), told in starts.items()
    )
    assert {(fact.context_uri, fact.sources) for fact in facts} == {(None, frozenset({"extended"}))}


def test_the_account_export_alone_makes_a_fact_of_each_row(sources: Sources) -> None:
    facts, rows = sources.expected({"account"}), rows_of(sources.account)
    assert len(facts) == len(rows) == len(distinct(rows))
    assert Counter((f"{fact.played_at:%Y-%m-%d %H:%M}", fact.ms_played) for fact in facts) == Counter(
        (row["endTime"], row["msPlayed"]) for row in rows
    )
    assert {uri.split(":")[0:2][1] for uri in (fact.track_uri for fact in facts) if uri} == {
        "track",
        "episode",
        "chapter",
    }
    assert "name:track:Odd%20Artist%200:Don%27t%20Say%20%22Never%22" in {fact.track_uri for fact in facts}
    unnamed = [row for row in rows if row.get("artistName") == "Unknown Artist"]
    assert sum(fact.track_uri is None for fact in facts) == len(unnamed)


def test_the_api_alone_makes_a_fact_of_each_play_it_shows(sources: Sources) -> None:
    shown = [one for one in sources.truth if one.in_api]
    assert [
        (fact.number, fact.track_uri, fact.played_at, fact.ms_played, fact.context_uri)
        for fact in sources.expected({"api"})
    ] == [(one.number, one.track.uri, one.ended_at, None, one.context) for one in shown]


def test_together_they_make_a_fact_of_each_listen_with_the_best_of_each(sources: Sources) -> None:
    facts = sources.expected({"api", "extended", "account"})
    assert sorted(fact.number for fact in facts) == list(range(len(sources.truth)))
    for fact in facts:
        one = sources.truth[fact.number]
        assert fact.ms_played == one.ms_played
        assert (
            (fact.context_uri, fact.played_at) == (one.context, one.ended_at)
            if one.in_api
            else fact.context_uri is None
        )
        assert ("api" in fact.sources) == one.in_api
        if one.named_by == "account":
            assert fact.track_uri == one.track.name_uri
    alone = {fact.track_uri for fact in sources.expected({"extended"})}
    assert {fact.track_uri for fact in facts} - alone == {
        one.track.name_uri for one in sources.truth if one.named_by == "account"
    }


@pytest.mark.parametrize("names", ALL_SETS, ids=lambda names: "+".join(sorted(names)))
def test_a_fact_is_of_a_listen_that_some_source_tells_of(sources: Sources, names: set[str]) -> None:
    told = {
        "api": {number for page in sources.pages for number in page.numbers},
        "extended": {number for _, number in sources.extended.told},
        "account": {number for _, number in sources.account.told},
    }
    facts = sources.expected(names)
    assert [
        fact.number for fact in facts if fact.sources != {name for name in names if fact.number in told[name]}
    ] == []
    assert {fact.number for fact in facts} == set().union(*(told[name] for name in names))
    assert [fact.played_at for fact in facts] == sorted(fact.played_at for fact in facts)


def test_of_some_pages_come_the_facts_of_these(sources: Sources) -> None:
    some = sources.pages[5:9]
    facts = expected(sources.truth, some)
    assert {fact.number for fact in facts} == {number for page in some for number in page.numbers}
    earliest = {
        number: min(moment(item["played_at"]) for items in told for item in items)
        for number, told in told_by_api(Sources(sources.truth, some, sources.extended, sources.account)).items()
    }
    assert {fact.number: fact.played_at for fact in facts} == earliest


# On disk.


def test_a_package_on_disk_holds_its_rows(sources: Sources, tmp_path) -> None:
    files = sources.extended.files
    folder = write_folder(tmp_path / "MyData", files)
    assert {path.name: json.loads(path.read_text("utf-8")) for path in folder.iterdir()} == files
    with zipfile.ZipFile(write_zip(tmp_path / "my_spotify_data.zip", files, "Spotify Account Data")) as package:
        read = {name: json.loads(package.read(name)) for name in package.namelist()}
    assert read == {f"Spotify Account Data/{name}": rows for name, rows in files.items()}
    with zipfile.ZipFile(write_zip(tmp_path / "flat.zip", files)) as package:
        assert set(package.namelist()) == set(files)
