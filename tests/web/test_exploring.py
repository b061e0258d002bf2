"""The pages that explore: their numbers, checked against the rows of the export by hand, their links, their refusals."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import html5lib
import pytest
from support.cli_process import ForkServer
from support.explored import ARABIC, ARTISTS, GENRE, LONG, NASTY, ONLY_BEN, SHARED, Explored, Row, explored

XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def site(cluster: str, template: str, forkserver: ForkServer, tmp_path_factory: Any) -> Iterator[Explored]:
    yield from explored(cluster, template, forkserver, tmp_path_factory.mktemp("explored"))


def page(site: Explored, address: str, who: str = "ada", status: int = 200) -> Any:
    """A page as the tree that a browser makes of it."""
    answer = site.browser(who).get(address)
    assert answer.status_code == status, (address, answer.status_code, answer.text[:500])
    return html5lib.parse(answer.text)


def words(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())


def find_all(node: Any, tag: str, **attributes: str) -> list[Any]:
    return [
        one
        for one in node.iter(f"{XHTML}{tag}")
        if all(
            value in (one.get(name.rstrip("_").replace("_", "-")) or "").split() for name, value in attributes.items()
        )
    ]


def ranking(tree: Any, number: int = 0) -> list[tuple[str, int]]:
    """Name and plays of each row of a ranking."""
    table = find_all(tree, "table", class_="ranked")[number]
    found = []
    for row in find_all(table, "tr"):
        cells = {cell.get("data-column"): cell for cell in find_all(row, "td")}
        name = next((cell for column, cell in cells.items() if (column or "").endswith("_name")), None)
        if name is not None:
            found.append((words(find_all(name, "bdi")[0]), int(words(cells["play_count"]).replace(",", ""))))
    return found


def totals(tree: Any) -> dict[str, tuple[str, str]]:
    """Of each total: the number, and that of the span before."""
    [listed] = find_all(tree, "dl", class_="totals")
    found = {}
    for one in find_all(listed, "div"):
        before = find_all(one, "span", class_="before")
        found[words(find_all(one, "dt")[0])] = (words(find_all(one, "strong")[0]), words(before[0]) if before else "")
    return found


def ranked(rows: list[Row], by: str) -> list[tuple[str, int]]:
    return sorted(Counter(getattr(row, by) for row in rows).items(), key=lambda pair: (-pair[1], pair[0]))


def by_count(found: list[tuple[str, int]]) -> list[int]:
    return [count for _, count in found]


# The overview.


def test_the_overview_counts_a_year_and_the_year_before(site: Explored) -> None:
    tree = page(site, "/overview?year=2024")
    shown = totals(tree)
    for year, place in ((2024, 0), (2023, 1)):
        rows = site.counted(year)
        expected = {
            "Plays": len(rows),
            "Tracks": len({(row.artist, row.track) for row in rows}),
            "Artists": len({row.artist for row in rows}),
            "Days": len({row.local.date() for row in rows}),
        }
        told = {name: int(shown[name][place].removeprefix("before: ")) for name in expected}
        assert told == expected, year
    minutes = round(sum(row.ms for row in site.counted(2024)) / 60_000)
    assert shown["Time"][0] == f"{minutes // 60} h {minutes % 60:02} min"
    assert ranking(tree) == ranked(site.counted(2024), "artist")[:5]


def test_a_day_at_the_edge_of_the_span_belongs_to_the_listeners_clock(site: Explored) -> None:
    """The local day decides; both ends are included."""
    busy = Counter(row.local.date() for row in site.counted())
    day = max(busy, key=lambda one: min(busy[one], busy[one + timedelta(days=1)]))
    assert busy[day] and busy[day + timedelta(days=1)]
    tree = page(site, f"/overview?since={day}&until={day + timedelta(days=1)}")
    assert totals(tree)["Plays"][0] == str(busy[day] + busy[day + timedelta(days=1)])


def test_without_a_span_before_there_is_nothing_beside(site: Explored) -> None:
    everything = page(site, "/overview?span=all")
    assert totals(everything)["Plays"] == (str(len(site.counted())), "")
    assert find_all(everything, "span", class_="moved") == []
    assert all(before == "" for _, before in totals(page(site, "/overview?year=2023")).values()), "2022 is not recorded"


def test_the_lower_half_has_the_calendar_only_of_spans_that_can_be_seen(site: Explored) -> None:
    tree = page(site, "/overview/times?month=2024-05")
    headings = [words(one) for one in find_all(tree, "h2")]
    assert headings[:2] == ["Day by day", "When in the day"] and "Month by month" not in headings
    days = sum(date(2024, 5, 1) <= row.local.date() <= date(2024, 5, 31) for row in site.counted())
    [calendar] = find_all(tree, "section", class_="plays_by_day")
    shown = [words(cell) for cell in find_all(calendar, "td", data_column="play_count")]
    assert sum(map(int, shown)) == days > 0
    year = page(site, "/overview/times?year=2024")
    assert {"Day by day", "When in the day", "Month by month"} <= {words(one) for one in find_all(year, "h2")}


# Rankings.


@pytest.mark.parametrize(("kind", "by"), [("artists", "artist"), ("tracks", "track"), ("albums", "album")])
def test_a_ranking_is_the_same_by_hand_page_after_page(site: Explored, kind: str, by: str) -> None:
    expected = ranked(site.counted(2024), by)
    found, address = [], f"/top/{kind}?year=2024"
    while address:
        tree = page(site, address)
        found += ranking(tree)
        following = find_all(tree, "a", rel="next")
        address = following[0].get("href") if following else ""
    assert dict(found) == dict(expected) and len(found) == len(expected)
    assert by_count(found) == by_count(expected), "the most played first"
    assert f"{len(expected)} in all" in words(find_all(tree, "h2")[0])


def test_by_time_the_longest_comes_first(site: Explored) -> None:
    time: Counter[str] = Counter()
    for row in site.counted(2023):
        time[row.artist] += row.ms
    shown = [name for name, _ in ranking(page(site, "/top/artists?year=2023&by=time"))]
    assert shown == [name for name, _ in time.most_common()]


def test_each_place_shows_how_it_moved_since_the_span_before(site: Explored) -> None:
    before = [name for name, _ in ranked(site.counted(2023), "artist")]
    counts = Counter(row.artist for row in site.counted(2023))
    tree = page(site, "/top/artists?year=2024")
    for number, ((name, _), moved) in enumerate(
        zip(ranking(tree), find_all(tree, "span", class_="moved"), strict=True), 1
    ):
        assert len(set(counts.values())) == len(counts), "no ties in these rows"
        steps = before.index(name) + 1 - number
        expected = "as before" if steps == 0 else f"{'up' if steps > 0 else 'down'} by {abs(steps)}"
        assert words(find_all(moved, "span", class_="heard")[0]) == expected, name


def test_what_was_not_played_before_is_new(site: Explored) -> None:
    ties = ranked(site.counted(2024), "track")
    tree = page(site, "/top/tracks?year=2024")
    known = {row.track for row in site.counted(2023)}
    moves = [words(find_all(one, "span", class_="heard")[0]) for one in find_all(tree, "span", class_="moved")]
    for (name, _), move in zip(ranking(tree), moves, strict=True):
        assert (move == "new here") == (name not in known), name
    assert len(ties) > 50, "more than a page, so that the next one is there"


def test_genres_and_the_way_to_them(site: Explored) -> None:
    count = sum(row.artist in (NASTY, SHARED) for row in site.counted(2024))
    tree = page(site, "/top/genres?year=2024")
    assert ranking(tree) == [(GENRE, count)]
    [link] = [one.get("href") for one in find_all(tree, "a") if (one.get("href") or "").startswith("/genres/")]
    assert totals(page(site, link))["Plays"][0] == str(sum(row.artist in (NASTY, SHARED) for row in site.counted()))


# The history.


def history(site: Explored, query: str = "") -> list[tuple[str, str, str]]:
    """Day, time and name of each play, over all pages."""
    found, address = [], f"/history?{query}"
    while address:
        tree = page(site, address)
        for body in find_all(tree, "tbody"):
            day = words(find_all(body, "th")[0])
            for row in find_all(body, "tr")[1:]:
                cells = find_all(row, "td")
                found.append((day, words(cells[0]), words(find_all(cells[1], "bdi")[0])))
        following = find_all(tree, "a", rel="next")
        address = following[0].get("href") if following else ""
    return found


def as_history(rows: list[Row]) -> list[tuple[str, str, str]]:
    newest_first = sorted(rows, key=lambda row: row.at, reverse=True)
    return [
        (f"{row.local:%A}, {row.local.day} {row.local:%b %Y}", f"{row.local:%H:%M}", row.track) for row in newest_first
    ]


def test_the_history_has_every_play_once_newest_first(site: Explored) -> None:
    assert history(site) == as_history(site.rows["ada"])


def test_each_filter_leaves_what_it_says(site: Explored) -> None:
    ada = site.rows["ada"]
    artist = site.key("artist", "artist_name", ARABIC)
    album = site.key("album", "album_name", f"Album 1 of {SHARED}")
    track = site.key("track", "track_name", f"Song 3 of {NASTY}")
    context = site.key("context", "context_type", "playlist")
    for query, kept in (
        (f"artist={artist}", lambda row: row.artist == ARABIC),
        (f"album={album}", lambda row: row.album == f"Album 1 of {SHARED}"),
        (f"track={track}", lambda row: row.track == f"Song 3 of {NASTY}"),
        (f"context={context}", lambda row: row.local.hour >= 18),
        ("skipped=yes", lambda row: row.is_skipped),
        ("q=EMILE+song+1", lambda row: row.artist == SHARED and "1" in row.track + row.album),
        ("q=%25", lambda row: False),
        ("month=2024-03", lambda row: (row.local.year, row.local.month) == (2024, 3)),
        (f"artist={artist}&skipped=yes&year=2023", lambda row: row.artist == ARABIC and row.is_skipped and row.local.year == 2023),
        ("source=extended_export&year=2023", lambda row: row.local.year == 2023),
        ("source=player", lambda row: False),
    ):  # fmt: skip
        assert history(site, query) == as_history([row for row in ada if kept(row)]), query


def test_the_next_page_begins_where_the_last_ended_whatever_was_played_meanwhile(site: Explored) -> None:
    first = page(site, "/history")
    older = find_all(first, "a", rel="next")[0].get("href")
    before = words(page(site, older))
    [(row,)] = site.ask(
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key,"
        " play_profile_key, ms_played, time_key)"
        " select played_at + interval '1 minute', listener_key, track_key, date_key, context_key, device_key,"
        " play_profile_key, ms_played, time_key from listening.fact_play where listener_key = (select listener_key"
        " from listening.dim_listener where listener_id = 'ada') order by played_at desc limit 1 returning play_key"
    )
    try:
        assert words(page(site, older)) == before
        assert len(history(site)) == len(site.rows["ada"]) + 1
    finally:
        site.ask("delete from listening.fact_play where play_key = %s", row)


def test_a_download_has_the_same_plays_as_the_page(site: Explored) -> None:
    artist = site.key("artist", "artist_name", NASTY)
    expected = [row for row in reversed(site.rows["ada"]) if row.artist == NASTY]
    answer = site.browser().get(f"/history.csv?artist={artist}")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="brapped-history.csv"'
    told = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(one["played_at"], one["track_name"], one["artist_names"], one["listened_ms"]) for one in told] == [
        (f"{row.at:%Y-%m-%dT%H:%M:%SZ}", row.track, NASTY, str(row.ms)) for row in expected
    ]
    rows = json.loads(site.browser().get(f"/history.json?artist={artist}").content)["sections"][0]["rows"]
    assert [row["track_name"] for row in rows] == [row.track for row in expected]
    assert not [name for row in rows for name in row if name.endswith("_key")]


def test_a_play_tells_what_each_source_said(site: Explored) -> None:
    [(key, at, ms)] = site.ask(
        "select play_key, played_at, ms_played from listening.fact_play join listening.dim_track using (track_key)"
        " where track_name = %s order by played_at limit 1", f"Song 3 of {NASTY}",
    )  # fmt: skip
    told = words(page(site, f"/plays/{key}"))
    assert (
        f"Song 3 of {NASTY}" in told and f"{at.astimezone(site.rows['ada'][0].local.tzinfo):%Y-%m-%d %H:%M:%S}" in told
    )
    assert "extended export ended" in told and ms is not None


# One thing through the years.


def test_an_artist_through_the_years(site: Explored) -> None:
    key = site.key("artist", "artist_name", SHARED)
    tree = page(site, f"/artists/{key}")
    rows = [row for row in site.counted() if row.artist == SHARED]
    assert totals(tree)["Plays"][0] == str(len(rows))
    [by_year] = find_all(tree, "section", class_="artist_by_year")
    told = [[words(cell) for cell in find_all(row, "td")][:3] for row in find_all(by_year, "tr")[1:]]
    expected = []
    for year in (2023, 2024):
        counts = Counter(row.artist for row in site.counted(year))
        rank = 1 + sum(count > counts[SHARED] for count in counts.values())
        expected.append([str(year), str(rank), str(counts[SHARED])])
    assert told == expected
    tracks = ranking(tree)
    assert sorted(tracks) == sorted(ranked(rows, "track")[:20]) or by_count(tracks) == by_count(
        ranked(rows, "track")[:20]
    )


@pytest.mark.parametrize("kind", ["album", "track"])
def test_an_album_and_a_track_through_the_years(site: Explored, kind: str) -> None:
    name = f"Album 2 of {SHARED}" if kind == "album" else f"Song 2 of {SHARED}"
    tree = page(site, f"/{kind}s/{site.key(kind, f'{kind}_name', name)}")
    rows = [row for row in site.counted() if getattr(row, kind) == name]
    assert totals(tree)["Plays"][0] == str(len(rows))
    [by_year] = find_all(tree, "section", class_=f"{kind}_by_year")
    told = [[words(cell) for cell in find_all(row, "td")][:3] for row in find_all(by_year, "tr")[1:]]
    expected = []
    for year in sorted({row.local.year for row in rows}):
        counts = Counter(getattr(row, kind) for row in site.counted(year))
        expected.append([str(year), str(1 + sum(count > counts[name] for count in counts.values())), str(counts[name])])
    assert told == expected


def test_a_playlist_counts_what_was_played_from_it(site: Explored) -> None:
    tree = page(site, f"/contexts/{site.key('context', 'context_type', 'playlist')}")
    assert totals(tree)["Plays"][0] == str(sum(row.local.hour >= 18 for row in site.counted()))
    assert "A playlist (000000…)" in words(find_all(tree, "h1")[0])


def test_what_only_rules_leave_out_still_has_its_page(site: Explored) -> None:
    key = site.key("artist", "artist_name", ARABIC)
    site.ask(
        "insert into listening.exclusion (listener_key, created_at, artist_key)"
        " select listener_key, now(), %s from listening.dim_listener where listener_id = 'ada'", key,
    )  # fmt: skip
    try:
        tree = page(site, f"/artists/{key}")
        assert totals(tree)["Plays"][0] == str(sum(row.artist == ARABIC for row in site.counted()))
        assert "otherwise left out by a rule" in words(tree)
        assert ARABIC not in dict(ranking(page(site, "/top/artists?year=2024")))
        marked = page(site, f"/history?artist={key}")
        assert len(find_all(marked, "tr", class_="excluded")) == min(
            50, sum(row.artist == ARABIC for row in site.rows["ada"])
        )
    finally:
        site.ask("delete from listening.exclusion")


def test_pages_of_what_one_never_played_are_not_there_whoever_else_did(site: Explored) -> None:
    [(listener,)] = site.ask("select listener_key from listening.dim_listener where listener_id = 'ben'")
    artist = site.key("artist", "artist_name", ONLY_BEN)
    [(album, track, play)] = site.ask(
        "select album_key, track_key, play_key from listening.fact_play join listening.dim_track using (track_key)"
        " join listening.dim_album using (album_key) where listener_key = %s and album_name = %s limit 1",
        listener, f"Ben's album of {ONLY_BEN}",
    )  # fmt: skip
    context = site.key("context", "context_type", "playlist")
    for address in (
        f"/artists/{artist}", f"/albums/{album}", f"/tracks/{track}", f"/plays/{play}",
        f"/history?artist={artist}", f"/history?album={album}", f"/history?track={track}", f"/history.csv?artist={artist}",
    ):  # fmt: skip
        assert "Ben" not in words(page(site, address, status=404)).replace("Brapped", ""), address
        page(site, address, "ben")
    page(site, f"/contexts/{context}", "ben", 404)
    assert ONLY_BEN not in words(page(site, "/search?q=nobody"))
    assert ONLY_BEN in words(page(site, "/search?q=nobody", "ben"))


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/overview?year=24", 400),
        ("/overview?since=2024-02-30", 400),
        ("/overview?span=month&year=2024", 400),
        ("/top/songs", 404),
        ("/top/tracks?by=love", 400),
        ("/top/tracks?page=0", 400),
        ("/top/tracks?page=1e3", 400),
        ("/top/tracks?page=99999&year=2024", 404),
        ("/history?before=yesterday", 400),
        ("/history?before=2024-01-01~5", 400),
        ("/history?before=2024-01-01T00:00:00Z~-5", 400),
        ("/history?artist=x", 400),
        ("/history?artist=2147483648", 400),
        ("/history?q=%00", 400),
        (f"/history?q={'a' * 201}", 400),
        ("/history?source=';--", 400),
        ("/history.xml", 404),
        ("/plays/9223372036854775808", 404),
        ("/plays/1x", 404),
        ("/artists/0", 404),
        ("/artists/-1", 404),
        ("/artists/1.5", 404),
        ("/artists/2147483647", 404),
        ("/albums/99999999999999999999", 404),
        ("/genres/none", 404),
        ("/genres/%00", 404),
        ("/wrapped/0", 404),
        ("/wrapped/99999", 404),
        ("/wrapped/every", 404),
        ("/years/2023/x", 404),
        ("/search?q=%07", 400),
    ],
)
def test_a_wrong_address_is_answered_by_a_page_with_a_sentence(site: Explored, address: str, status: int) -> None:
    tree = page(site, address, status=status)
    sentence = words(find_all(tree, "section", class_="message")[0])
    assert sentence.rstrip().endswith(("Start", "Back")) and "." in sentence and "detail" not in sentence


# Years, search, names.


def test_a_wrapped_is_that_of_the_command_and_leads_to_others(site: Explored) -> None:
    newest = site.browser().get("/wrapped")
    assert newest.headers["Location"] == "/wrapped/2024"
    tree = page(site, "/wrapped/2023")
    assert ranking(tree) == ranked(site.counted(2023), "artist")[:10]
    minutes = round(sum(row.ms for row in site.counted(2023)) / 60_000)
    assert f"{minutes:,} minutes" in words(tree)
    everything = page(site, "/wrapped/all")
    assert f"{len(site.counted()):,} plays" in words(everything) and "All years, wrapped" in words(everything)


def test_a_year_against_another(site: Explored) -> None:
    tree = page(site, "/years/2023/2024")
    told = {words(find_all(row, "th")[0]): [words(cell) for cell in find_all(row, "td")] for row in find_all(find_all(tree, "table")[0], "tr")[1:]}  # fmt: skip
    assert told["Plays"] == [str(len(site.counted(2023))), str(len(site.counted(2024)))]
    assert (ranking(tree, 0), ranking(tree, 1)) == tuple(
        ranked(site.counted(year), "artist")[:5] for year in (2023, 2024)
    )
    assert "Nothing of 2011 is recorded" in words(page(site, "/years/2011/2024"))


def test_search_finds_artists_albums_and_tracks_and_leads_to_them(site: Explored) -> None:
    tree = page(site, "/search?q=emile")
    assert [words(one) for one in find_all(tree, "h2")] == ["Artists", "Albums", "Tracks"]
    links = {one.get("href") for one in find_all(tree, "a")}
    assert f"/artists/{site.key('artist', 'artist_name', SHARED)}" in links
    assert any(link and re.fullmatch(r"/albums/\d+", link) for link in links)
    assert "Nothing that you played" in words(page(site, "/search?q=zzzzqqq"))


@pytest.mark.parametrize(
    "address",
    ["/overview?year=2024", "/top/artists?year=2024", "/top/tracks?year=2024", "/history", "/wrapped/2024", "/search?q=bold",
     "/years/2023/2024"],
)  # fmt: skip
def test_names_from_outside_are_text_and_nothing_else(site: Explored, address: str) -> None:
    tree = page(site, address)
    assert [one for one in tree.iter() if any(str(name).startswith("on") for name in one.attrib)] == []
    assert find_all(tree, "b") == [] and NASTY in words(tree)
    holders = [one for one in tree.iter() if any(name in (one.text or "") for name in (NASTY, ARABIC, LONG))]
    assert {one.tag for one in holders} <= {f"{XHTML}bdi", f"{XHTML}title", "{http://www.w3.org/2000/svg}title", "{http://www.w3.org/2000/svg}text"}  # fmt: skip


def test_each_link_of_a_page_leads_somewhere(site: Explored) -> None:
    """One of each kind of address that the pages link."""
    seen: dict[str, str] = {}
    for address in (
        "/overview?year=2024",
        "/top/albums?year=2024",
        "/top/genres",
        "/history",
        "/wrapped/2023",
        "/search?q=song",
    ):
        for one in find_all(page(site, address), "a"):
            link = one.get("href") or ""
            if link.startswith("/") and not link.startswith(("/compare", "/data", "/settings")):
                seen.setdefault(re.sub(r"\d+", "0", link), link)
    assert len(seen) > 30
    for link in list(seen.values())[:60]:
        assert site.browser().get(link).status_code in (200, 303), link


def test_who_is_not_logged_in_sees_none_of_it(site: Explored) -> None:
    for address in ("/overview", "/overview/times", "/top", "/top/tracks", "/history", "/history.csv", "/plays/1", "/artists/1",
                    "/albums/1", "/tracks/1", "/genres/x", "/contexts/1", "/wrapped", "/wrapped/all", "/years/2023/2024",
                    "/search?q=x"):  # fmt: skip
        answer = site.served.visitor().get(address)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/welcome"), address


def test_all_artists_have_their_pages(site: Explored) -> None:
    for name in ARTISTS:
        tree = page(site, f"/artists/{site.key('artist', 'artist_name', name)}")
        assert words(find_all(tree, "h1")[0]) == name


def test_a_year_that_is_to_come_says_so(site: Explored) -> None:
    assert "Not recorded yet" in words(page(site, "/overview?year=2099"))
