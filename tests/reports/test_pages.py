"""Reports as HTML pages, looked at in a real browser: what stands there, what is asked of the network, what runs."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import html5lib
import pytest

from etl.reports.formats.drawing import sectors_of
from etl.reports.formats.html import as_html
from etl.reports.model import Report, ReportFilter, Section
from etl.reports.query import nothing_recorded
from etl.warehouse.listeners import RecordedListener

NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
ADA = RecordedListener(1, "ada", "Ada", ZoneInfo("Europe/Berlin"))
MINUTE = 60_000  # ms
COVER = "https://i.scdn.co/image/"
NASTY = [
    "<script>document.title='pwned'</script>",
    "\"Quotes\" & 'apostrophes' </table></svg></style>",
    'x" onload="document.title=\'pwned\'" y="',
    "🎷🏳️‍🌈 Émile & 長い夜",
    "مقهى الغيوم (ليلة)",
    "W" * 300,
    'Plain, but for class="named" role="img" {{ 7 * 7 }}',
]


# Reports by hand, in the shape of the columns of sql/reports/.


def section(name: str, title: str, *records: dict[str, Any]) -> Section:
    columns = tuple(records[0]) if records else ()
    return Section(name, title, columns, tuple(tuple(record.values()) for record in records))


def report(name: str, title: str, *sections: Section, note: str = "", year: int = 2024, **asked: Any) -> Report:
    asked = {"since_date": date(year, 1, 1), "until_date": date(year, 12, 31), **asked}
    return Report(name, title, NOW, ReportFilter(ADA, **asked), sections, note)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def address(kind: str, number: int) -> str:
    return f"https://open.spotify.com/{kind}/{number:022}"


def played(number: int) -> dict[str, Any]:
    return {"play_count": 1400 - 100 * number, "listened_ms": (3000 - 65 * number) * MINUTE}


def tracks(names: list[str]) -> Section:
    return section(
        "top_tracks",
        "Tracks",
        *(
            {
                "track_name": name,
                "artist_names": f"by {name}",
                **played(number),
                "first_played_at": at("2024-01-01T10:00"),
                "last_played_at": at("2024-06-01T10:00"),
                "track_url": address("track", number),
                "image_url": None if number == 1 else f"{COVER}track{number}",
            }
            for number, name in enumerate(names)
        ),
    )


def artists(names: list[str]) -> Section:
    return section(
        "top_artists",
        "Artists",
        *(
            {
                "artist_name": name,
                "play_count": played(number)["play_count"],
                "featured_play_count": number % 3,
                "listened_ms": played(number)["listened_ms"],
                "track_count": 40 + number,
                "genres": ["damp wave"],
                "artist_url": None if number == 1 else address("artist", number),
                "image_url": f"{COVER}artist{number}",
            }
            for number, name in enumerate(names)
        ),
    )


def albums(names: list[str]) -> Section:
    return section(
        "top_albums",
        "Albums",
        *(
            {"album_name": name, "artist_names": "Various", **played(number), "album_url": address("album", number)}
            for number, name in enumerate(names)
        ),
    )


def shows(names: list[str]) -> Section:
    return section(
        "top_shows",
        "Podcasts and audiobooks",
        *(
            {"show_name": name, **played(number), "episode_count": number + 1, "show_url": address("show", number)}
            for number, name in enumerate(names)
        ),
    )


def days(year: int) -> Section:
    """Every third day has plays, on the others nothing was played; 16 July has most, two more than the next."""
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    counts = {first + timedelta(days=number): 1 + number % 97 for number in range(0, 365, 3)}
    counts[date(year, 7, 16)] = 99
    return section(
        "plays_by_day",
        "Day by day",
        *(
            {
                "local_date": day,
                "play_count": counts.get(day, 0),
                "listened_ms": counts.get(day, 0) * 3 * MINUTE,
                "coverage": "covered",
            }
            for day in (first + timedelta(days=number) for number in range(length))
        ),
    )


def hours(busiest: int = 17) -> Section:
    return section(
        "plays_by_hour",
        "When in the day",
        *(
            {"hour": hour, "play_count": count, "listened_ms": count * 3 * MINUTE}
            for hour, count in ((hour, 0 if hour < 6 else 400 if hour == busiest else 10 * hour) for hour in range(24))
        ),
    )


def months(names: list[str]) -> Section:
    return section(
        "plays_by_month",
        "Month by month",
        *(
            {"month_date": date(2024, number, 1), "play_count": 50 * number, "listened_ms": 200 * number * MINUTE,
             "artist_name": names[number % len(names)], "artist_url": None, "artist_play_count": 9 * number,
             "coverage": "covered"}
            for number in range(1, 13)
        ),
    )  # fmt: skip


def wrapped(names: list[str] | None = None, year: int = 2024, title: str = "2024, wrapped", **asked: Any) -> Report:
    named = names or ["Friday, Again", "Trombone No. 17", "23 Archivists"]
    return report(
        "wrapped",
        title,
        section(
            "span_totals",
            "In numbers",
            {"play_count": 14_276, "listened_ms": 51_204 * MINUTE, "track_count": 868, "artist_count": 160,
             "day_count": 319, "podcast_share": 0.035, "estimated_share": 0.0},
        ),
        tracks(named),
        artists(named),
        albums(named),
        section("top_genres", "Genres", {"genre_name": named[0], **played(0), "track_count": 3}),
        shows(named),
        hours(),
        days(year),
        months(named),
        section(
            "discovered",
            "Discovered",
            {"artist_name": named[0], **played(3), "first_played_at": at("2024-01-15T16:45"),
             "artist_url": address("artist", 7), "image_url": None, "new_artist_count": 88, "new_track_count": 500},
        ),
        section(
            "longest_streak",
            "The most days in a row",
            {"day_count": 79, "first_date": date(2024, 3, 19), "last_date": date(2024, 6, 5), "play_count": 4226,
             "is_open_ended": False},
        ),
        section(
            "longest_session",
            "The longest session",
            {"listened_ms": 503 * MINUTE, "started_at": at("2024-02-18T17:01"), "ended_at": at("2024-02-19T01:47")},
        ),
        section(
            "most_repeated",
            "Most plays of one track in one day",
            {"track_name": named[-1], "artist_names": named[0], "local_date": date(2024, 1, 16), "play_count": 7,
             "track_url": address("track", 99), "image_url": f"{COVER}repeated"},
        ),
        section(
            "skips",
            "Skipped most",
            {"track_name": named[0], "artist_names": named[-1], "skip_count": 75, "listen_count": 97,
             "all_skip_share": 0.4745, "track_url": address("track", 0)},
        ),
        section(
            "beyond_wrapped",
            "What Wrapped does not tell you",
            {"listen_count": 25_344, "listened_ms": 51_894 * MINUTE, "short_count": 11_068, "short_ms": 691 * MINUTE,
             "late_count": 0, "late_ms": 0, "private_count": 0, "private_ms": 0, "offline_count": 63, "unnamed_count": 0},
        ),
        section("gaps", "Spans in which plays were probably lost"),
        year=year,
        **asked,
    )  # fmt: skip


def artist(names: list[str] | None = None) -> Report:
    named = names or ["Good Days", "Broken Clocks"]
    return report(
        "artist",
        named[0],
        section(
            "artist_in_numbers",
            "In numbers",
            {"play_count": 1308, "main_play_count": 1300, "featured_play_count": 8, "listened_ms": 4286 * MINUTE,
             "track_count": 40, "day_count": 564, "first_played_at": NOW, "last_played_at": NOW},
        ),
        section(
            "artist_by_year",
            "Year by year",
            {"year": 2023, "year_rank": 4, "play_count": 1200, "main_play_count": 1195, "featured_play_count": 5,
             "listened_ms": 4000 * MINUTE},
            {"year": 2024, "year_rank": 11, "play_count": 108, "main_play_count": 105, "featured_play_count": 3,
             "listened_ms": 286 * MINUTE},
        ),
        section(
            "artist_by_month",
            "Month by month",
            *({"month_date": date(2010 + number // 12, number % 12 + 1, 1), "play_count": number % 7,
               "listened_ms": number % 7 * MINUTE} for number in range(180)),
        ),
        section(
            "artist_tracks",
            "Most played tracks",
            *({"track_name": name, "artist_role": "main", **played(number), "last_played_at": at("2024-07-05T21:02"),
               "track_url": address("track", number)} for number, name in enumerate(named)),
        ),
        note=f"Also found: {named[-1]}.",
    )  # fmt: skip


# The browser.


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Opens a report in a window, once; `asked` is what that window has asked of the network. A test that changes
    what stands in a window takes one of its own."""
    folder = tmp_path_factory.mktemp("pages")
    windows: dict[tuple[Any, ...], Any] = {}

    def open_page(
        shown: Report, width: int = 1280, scheme: str = "light", covers: bool = True, own: bool = False
    ) -> Any:
        key = (id(shown), width, scheme, covers)
        if key not in windows or own:
            file = folder / f"{len(list(folder.iterdir()))}.html"
            file.write_text(html_of(shown), "utf-8")
            window = window_of(browser, file, width, scheme, covers)
            if own:
                return window
            windows[key] = window
        return windows[key]

    return open_page


def window_of(browser: Any, file: Path, width: int, scheme: str, covers: bool) -> Any:
    window = browser.new_page()
    window.set_viewport_size({"width": width, "height": 800})
    window.emulate_media(color_scheme=scheme)
    window.asked = []

    def answer(route: Any) -> None:
        if route.request.url == file.as_uri():
            route.continue_()
            return
        window.asked.append(route.request.url)
        if covers:
            route.fulfill(content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>')
        else:
            route.abort()

    window.route("**/*", answer)
    window.goto(file.as_uri())
    return window


PAGES: dict[int, tuple[Report, str]] = {}


def html_of(shown: Report) -> str:
    """The page of a report; one report is written once."""
    if id(shown) not in PAGES:
        PAGES[id(shown)] = shown, as_html(shown)
    return PAGES[id(shown)][1]


@cache
def usual(name: str) -> Report:
    """The report that most of the claims are about."""
    return {"wrapped": wrapped, "artist": artist}[name]()


@cache
def nasty(name: str) -> Report:
    if name == "wrapped":
        return wrapped(NASTY, title=NASTY[0])
    return artist(NASTY)


def table_of(page: Any, part: str) -> list[list[str]]:
    """The cells of a part's table as they are read, the heads first, without place and cover."""
    rows = page.eval_on_selector_all(
        f".{part} tr",
        "rows => rows.map(row => [...row.cells].filter(cell => !cell.matches('.place, .cover, thead td, th:has(.heard)'))"
        ".map(cell => cell.textContent.trim().replace(/\\s+/g, ' ')))",
    )
    return list(rows)


def look_at_covers(page: Any) -> None:
    """Past all of them, and waits until each has come or failed."""
    page.evaluate(
        """async () => {
            for (const image of document.images) {
                image.scrollIntoView();
                await Promise.race([image.decode().catch(() => 0), new Promise(done => setTimeout(done, 2000))]);
            }
        }"""
    )


def in_hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


# What is asked of the network, and what runs.


@pytest.mark.parametrize("shown", ["wrapped", "artist"])
def test_a_page_asks_nothing_of_the_network_but_covers(opened: Any, shown: str) -> None:
    page = opened(usual(shown))
    look_at_covers(page)
    covers = {f"{COVER}{name}" for name in ("track0", "track2", "artist0", "artist1", "artist2", "repeated")}
    assert set(page.asked) == (covers if shown == "wrapped" else set())
    images = page.eval_on_selector_all("img", "all => all.map(one => [one.loading, one.referrerPolicy, one.alt])")
    assert {tuple(one) for one in images} <= {("lazy", "no-referrer", "")}


def test_a_page_stands_without_its_covers(opened: Any) -> None:
    boxes = "all => all.map(one => [one.getBoundingClientRect().width, one.getBoundingClientRect().height])"
    page = opened(usual("wrapped"))
    look_at_covers(page)
    with_covers = page.eval_on_selector_all("td, .art", boxes)
    page = opened(usual("wrapped"), covers=False)
    look_at_covers(page)
    assert page.eval_on_selector_all("td, .art", boxes) == with_covers
    assert page.inner_text("h1") == "2024, wrapped"


def test_the_policy_of_a_page_refuses_scripts_styles_and_other_hosts(opened: Any) -> None:
    """Whatever came into a page: the browser would refuse to run or to fetch it."""
    page = opened(usual("wrapped"), own=True)
    refused = page.evaluate(
        """async () => {
            const refused = [];
            document.addEventListener('securitypolicyviolation', event => refused.push(event.effectiveDirective));
            const add = (name, set) => document.body.append(Object.assign(document.createElement(name), set));
            add('script', {textContent: "document.title = 'pwned'"});
            add('style', {textContent: 'body { color: red }'});
            add('img', {src: 'https://example.org/pixel.png'});
            add('iframe', {src: 'https://example.org/'});
            await fetch('https://example.org/').catch(() => 0);
            for (let turn = 0; turn < 100 && new Set(refused).size < 5; turn++)
                await new Promise(done => setTimeout(done, 20));
            return refused;
        }"""
    )
    assert set(refused) == {"script-src-elem", "style-src-elem", "img-src", "frame-src", "connect-src"}
    assert "pwned" not in page.title()
    assert [url for url in page.asked if not url.startswith(COVER)] == []


def test_only_covers_of_spotifys_are_shown() -> None:
    albums = usual("wrapped").section("top_albums")
    rows = [(*row, url) for row, url in zip(albums.rows, ["http://i.scdn.co/a", "https://scdn.co.example.org/b", "javascript:1"], strict=True)]  # fmt: skip
    page = as_html(
        report("top", "Top", Section(albums.name, albums.title, (*albums.columns, "image_url"), tuple(rows)))
    )
    assert "<img" not in page and "example.org" not in page and "javascript:" not in page


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("shown", ["wrapped", "artist"])
def test_every_name_is_shown_as_it_is_and_none_runs_or_widens_the_page(opened: Any, shown: str, width: int) -> None:
    page = opened(nasty(shown), width)
    assert page.title() == f"{NASTY[0]} · Ada"
    assert page.query_selector_all("script") == []
    assert page.inner_text("h1") == NASTY[0]
    parts = {"wrapped": ["top_tracks", "top_artists", "top_albums", "top_shows"], "artist": ["artist_tracks"]}
    for part in parts[shown]:
        names = page.eval_on_selector_all(f".{part} td.name > :first-child", "all => all.map(one => one.textContent)")
        assert names == NASTY
    for one in page.query_selector_all("details"):
        one.evaluate("one => one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(
        "[...document.querySelectorAll('main > *, .card')].every(one => one.scrollWidth <= innerWidth)"
    )


def test_names_in_a_picture_are_shown_as_they_are(opened: Any) -> None:
    page = opened(nasty("wrapped"))
    drawn = page.eval_on_selector_all(".plays_by_month svg text", "all => all.map(one => one.textContent)")
    plain = [re.sub(r", [0-9,]+ times$", "", text).strip("\u2068\u2069") for text in drawn]
    for name in NASTY:
        assert name in plain or any(text.endswith("…") and name.startswith(text[:-1]) for text in plain), name


# What a person reads.


def test_the_year_in_numbers_opens_the_page(opened: Any) -> None:
    page = opened(usual("wrapped"))
    head = re.sub(r"\s+", " ", page.inner_text("header"))
    records = re.sub(r"\s+", " ", page.inner_text(".records"))
    said = page.inner_text("main")
    assert head.startswith("Ada 2024, wrapped 51,204 minutes 14,276 plays 868 tracks 160 artists 319 days")
    assert "79 days 19 Mar 2024 to 5 Jun 2024, 4,226 plays." in records
    assert "8 h 23 min From 18 Feb 2024 18:01 to 19 Feb 2024 02:47" in records  # by the listener's clock
    assert "7 times 23 Archivists by Friday, Again, on 16 Jan 2024." in records
    assert "47% of all music was skipped" in said
    assert "88 artists and 500 tracks heard for the first time." in said
    assert "25,344 listens, 864 h 54 min" in said


@pytest.mark.parametrize("width", [320, 1280])
def test_the_tables_of_a_page_hold_the_numbers_of_the_report(opened: Any, width: int) -> None:
    page = opened(usual("wrapped"), width)
    assert table_of(page, "top_tracks") == [
        ["Track", "Plays", "Time"],
        ["Friday, Againby Friday, Again", "1,400", "50 h 00 min"],
        ["Trombone No. 17by Trombone No. 17", "1,300", "48 h 55 min"],
        ["23 Archivistsby 23 Archivists", "1,200", "47 h 50 min"],
    ]
    assert table_of(page, "top_artists")[1:] == [
        ["Friday, Again", "1,400", "0", "50 h 00 min", "40"],
        ["Trombone No. 17", "1,300", "1", "48 h 55 min", "41"],
        ["23 Archivists", "1,200", "2", "47 h 50 min", "42"],
    ]
    assert table_of(page, "discovered")[1:] == [["Friday, Again", "1,100", "46 h 45 min", "15 Jan 2024 17:45"]]
    assert table_of(page, "skips")[1:] == [["Friday, Again23 Archivists", "75", "97"]]
    assert table_of(page, "plays_by_hour")[1:] == [
        [f"{row['hour']}\u2013{row['hour'] + 1}", str(row["play_count"]),
         in_hours(3 * row["play_count"]) if row["play_count"] else "0 s"]
        for row in hours().records()
    ]  # fmt: skip
    assert table_of(page, "plays_by_day")[1:] == [
        [f"{row['local_date']:%-d %b %Y}", str(row["play_count"]), in_hours(3 * row["play_count"])]
        for row in days(2024).records()
        if row["play_count"]
    ]
    page = opened(usual("artist"), width)
    assert table_of(page, "artist_by_year")[1:] == [
        ["2023", "4", "1,200", "1,195", "5", "66 h 40 min"],
        ["2024", "11", "108", "105", "3", "4 h 46 min"],
    ]


def test_bars_are_as_long_as_their_numbers(opened: Any) -> None:
    page = opened(usual("wrapped"))
    bars = page.eval_on_selector_all(
        ".top_tracks .bar",
        "all => all.map(one => one.firstChild.getBoundingClientRect().width / one.getBoundingClientRect().width)",
    )
    by_month = page.eval_on_selector_all(
        ".plays_by_month rect:has(title)", "all => all.map(one => one.getBoundingClientRect().width)"
    )
    whole = page.eval_on_selector(".plays_by_month svg", "one => one.getBoundingClientRect().width")
    assert by_month[-1] / whole == pytest.approx(302 / 340, abs=0.01)  # the longest goes to the edge, past the names
    assert bars == pytest.approx([1, 13 / 14, 12 / 14], abs=0.002)
    assert [width / by_month[-1] for width in by_month] == pytest.approx(
        [month / 12 for month in range(1, 13)], abs=0.01
    )


def test_a_report_by_time_measures_by_time(opened: Any) -> None:
    page = opened(wrapped(by="time"))
    bars = page.eval_on_selector_all(".top_tracks .bar rect", "all => all.map(one => one.getAttribute('width'))")
    assert bars == ["100.0%", "97.8%", "95.7%"]


@pytest.mark.parametrize(("shown", "count"), [("wrapped", 3 + 2 + 3 + 3 + 1 + 1 + 1), ("artist", 2)])
def test_every_name_with_an_address_links_there(opened: Any, shown: str, count: int) -> None:
    page = opened(usual(shown))
    links = page.eval_on_selector_all(
        "main a:not([aria-hidden])", "all => all.map(one => [one.textContent, one.getAttribute('href'), one.rel])"
    )
    expected = [
        (record[name], record[url])
        for part in usual(shown).sections
        for record in part.records()
        for name, url in [(f"{kind}_name", f"{kind}_url") for kind in ("track", "artist", "album", "show")]
        if record.get(name) and record.get(url)
    ]
    assert sorted((text, url) for text, url, _ in links) == sorted(expected) and len(links) == count
    assert {rel for _, _, rel in links} == {"noopener noreferrer"}


# The pictures.


@pytest.mark.parametrize(("year", "number"), [(2023, 365), (2024, 366)])
def test_the_calendar_has_a_square_a_day_and_the_day_with_most_is_the_strongest(
    opened: Any, year: int, number: int
) -> None:
    page = opened(usual("wrapped") if year == 2024 else wrapped(year=year))
    squares = page.eval_on_selector_all(
        ".plays_by_day rect:has(title)",
        """all => all.map(one => {
            const style = getComputedStyle(one), box = one.getBoundingClientRect();
            return [one.textContent, style.fill, Number(style.fillOpacity), Math.round(box.left), Math.round(box.top)];
        })""",
    )
    first = date(year, 1, 1)
    counts = {row["local_date"]: row["play_count"] for row in days(year).records() if row["play_count"]}
    expected = [first + timedelta(days=after) for after in range(number)]
    assert [label.partition(":")[0] for label, *_ in squares] == [f"{day:%A, %-d %b %Y}" for day in expected]
    strength = {day: opacity for day, (_, fill, opacity, *_) in zip(expected, squares, strict=True) if day in counts}
    assert sorted(strength, key=strength.__getitem__)[-1] == date(year, 7, 16)
    assert [counts[day] for day in sorted(strength, key=strength.__getitem__)] == sorted(counts.values())
    with_plays, without = ({one[1] for day, one in zip(expected, squares, strict=True) if (day in counts) is is_played} for is_played in (True, False))  # fmt: skip
    assert len(with_plays) == len(without) == 1 and with_plays != without
    tops = {day.weekday(): top for day, (*_, top) in zip(expected, squares, strict=True)}
    assert all(top == tops[day.weekday()] for day, (*_, top) in zip(expected, squares, strict=True))
    assert [tops[weekday] for weekday in range(7)] == sorted(set(tops.values()))  # seven rows, Monday on top
    assert [squares[0][3], squares[7][3]] == sorted([squares[0][3], squares[7][3]])


def test_the_clock_reaches_furthest_at_the_busiest_hour_and_turns_with_the_day(opened: Any) -> None:
    page = opened(usual("wrapped"))
    reach = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.plays_by_hour path:has(title)')].map(one => {
            const box = one.getBoundingClientRect(), whole = one.ownerSVGElement.getBoundingClientRect();
            const x = box.left + box.width / 2 - whole.left - whole.width / 2;
            const y = box.top + box.height / 2 - whole.top - whole.height / 2;
            return [one.textContent.split('\u2013')[0], [Math.hypot(x, y), (Math.atan2(x, -y) / Math.PI * 12 + 24) % 24]];
        }))"""
    )
    assert len(reach) == 24
    assert max(reach, key=lambda hour: reach[hour][0]) == "17"
    assert all(abs(turned - int(hour) - 0.5) < 0.3 for hour, (_, turned) in reach.items() if int(hour) >= 6)


def test_every_picture_has_a_name_and_what_only_decorates_is_kept_from_those_who_hear_the_page(opened: Any) -> None:
    page = opened(usual("wrapped"))
    named = page.eval_on_selector_all(
        "svg", "all => all.map(one => [one.getAttribute('role'), one.ariaLabel, one.ariaHidden])"
    )
    assert {tuple(one) for one in named} == {
        (None, None, "true"),
        ("img", "Most between 17 and 18: 400 plays, 20 h 00 min.", None),
        ("img", "Most on 16 Jul 2024: 99 plays, 4 h 57 min.", None),
        (
            "img",
            "Bars, and numbers on the right: all plays of the month. On the left the artist played most in it, and how often. Most in December 2024: 600 plays, 40 h 00 min.",
            None,
        ),
    }


# Colours and paper.

CONTRAST = """selectors => {
    const rgb = text => text.match(/[0-9.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = one => {
        for (; one; one = one.parentElement) {
            const found = rgb(getComputedStyle(one).backgroundColor);
            if (found.length == 3 || found[3] == 1) return found;
        }
        return [255, 255, 255];
    };
    return Object.fromEntries(selectors.map(([selector, property]) => {
        const one = document.querySelector(selector);
        const ratio = [light(rgb(getComputedStyle(one)[property])), light(behind(one.closest('svg')?.parentElement ?? one))];
        return [selector, (Math.max(...ratio) + 0.05) / (Math.min(...ratio) + 0.05)];
    }));
}"""
TEXTS = [
    *(
        (selector, "color")
        for selector in ("h1", ".whose", ".hero li", ".hero .by, .best span", "h2", "td.name a", ".by")
    ),
    *((selector, "color") for selector in (".number", ".big", "figcaption", "summary", "footer", "th.number")),
    *((f".{part} svg text", "fill") for part in ("plays_by_hour", "plays_by_day", "plays_by_month")),
]
MARKS = [(".bar rect", "fill"), (".plays_by_hour path:has(title)", "fill"), (".plays_by_month rect:has(title)", "fill")]


def test_light_and_dark_differ_and_both_can_be_read(opened: Any) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        page = opened(usual("wrapped"), scheme=scheme)
        texts, marks = page.evaluate(CONTRAST, TEXTS), page.evaluate(CONTRAST, MARKS)
        seen[scheme] = page.evaluate(
            "() => ['body', '.card', 'h2', '.hero'].map(one => getComputedStyle(document.querySelector(one)))"
            ".flatMap(style => [style.color, style.backgroundColor])"
        )
        assert {name: ratio for name, ratio in texts.items() if ratio < 4.5} == {}, scheme  # WCAG AA, for texts
        assert {name: ratio for name, ratio in marks.items() if ratio < 3} == {}, scheme  # and for what is drawn
    paper, dark_paper = (seen[scheme][1] for scheme in ("light", "dark"))
    assert paper != dark_paper and seen["light"] != seen["dark"]


def test_a_page_prints_on_white_with_the_colours_that_tell_something(opened: Any) -> None:
    page = opened(usual("wrapped"), scheme="dark", own=True)
    page.emulate_media(media="print", color_scheme="dark")
    style = page.evaluate(
        """() => Object.fromEntries(['body', '.hero', '.card', '.bar', 'figure svg', 'tr', 'details'].map(one => {
            const {backgroundColor, printColorAdjust, breakInside, display} = getComputedStyle(document.querySelector(one));
            return [one, {backgroundColor, printColorAdjust, breakInside, display}];
        }))"""
    )
    paper = page.pdf(format="A4", prefer_css_page_size=True)
    assert style["body"]["backgroundColor"] == style[".card"]["backgroundColor"] == "rgb(255, 255, 255)"  # fmt: skip
    assert style[".hero"]["backgroundColor"] == "rgba(0, 0, 0, 0)"
    assert style[".bar"]["printColorAdjust"] == style["figure svg"]["printColorAdjust"] == "exact"
    assert style[".card"]["breakInside"] == style["tr"]["breakInside"] == "avoid"
    assert style["details"]["display"] == "none"
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 3


# What there is nothing of.


def test_where_nobody_is_recorded_the_page_says_what_to_do(opened: Any) -> None:
    empty = nothing_recorded("wrapped", NOW)
    page = opened(empty, 320)
    assert page.inner_text("h1") == empty.title
    assert page.inner_text("main") == empty.note
    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("name", ["wrapped", "daily", "top", "search", "history"])
def test_a_report_of_nothing_says_so(name: str) -> None:
    nothing = section("top_tracks", "Tracks"), section("longest_streak", "The most days in a row")
    page = as_html(report(name, "Nothing at all", *nothing))
    of_these = {"search": "No match among the plays that are recorded.", "history": "No plays in these days."}
    said = of_these.get(name, "Nothing was played.")
    assert said in page and "<h2>" not in page and "<svg" not in page


def test_a_year_without_a_play_that_counts_says_so() -> None:
    zero = {"play_count": 0, "listened_ms": 0}
    page = as_html(
        report(
            "wrapped",
            "2024, wrapped",
            section("span_totals", "In numbers", {**zero, "track_count": 0, "artist_count": 0, "day_count": 0, "podcast_share": None, "estimated_share": None}),
            section("plays_by_hour", "When in the day", *({"hour": hour, **zero} for hour in range(24))),
            section("beyond_wrapped", "What Wrapped does not tell you", dict.fromkeys(wrapped().section("beyond_wrapped").columns, 0)),
        )
    )  # fmt: skip
    assert "Nothing was played." in page and "<h2>" not in page and "<svg" not in page


def test_a_part_without_rows_is_left_out_and_no_heading_stands_alone(opened: Any) -> None:
    whole = usual("wrapped")
    kept = [replaced for replaced in whole.sections if replaced.name in ("span_totals", "top_tracks", "plays_by_day")]
    rest = [section(one.name, one.title) for one in whole.sections if one not in kept]
    page = opened(report("wrapped", "2024, wrapped", *kept, *rest))
    assert page.eval_on_selector_all("h2", "all => all.map(one => one.textContent)") == ["Top tracks", "Day by day"]
    assert page.eval_on_selector_all("main > *", "all => all.filter(one => one.offsetHeight).length") == 2
    gaps = page.evaluate(
        "[...document.querySelectorAll('.card')].map(one => one.getBoundingClientRect()).map(({top, bottom}) => [top, bottom])"
    )
    assert gaps[1][0] - gaps[0][1] == 16  # what is left out leaves no hole


@pytest.mark.parametrize("shown", [usual("wrapped"), usual("artist"), nasty("wrapped"), nasty("artist")], ids=lambda one: f"{one.name} {len(one.title)}")  # fmt: skip
def test_a_page_is_valid_html(shown: Report) -> None:
    parser = html5lib.HTMLParser(strict=True)  # raises at the first stray tag
    parser.parse(html_of(shown))
    ids = re.findall(r' id="([^"]*)"', html_of(shown))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("turns", "is_large"), [(0.25, 0), (0.75, 1)])
def test_a_sector_goes_the_long_way_round_if_it_is_more_than_half_a_ring(turns, is_large):
    mark = {"start": 0, "end": turns * math.tau, "hub": 10, "rim": 20, "fill": "red"}
    assert f"A20,20,0,{is_large},1," in sectors_of([mark], 50)
