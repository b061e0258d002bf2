"""The JSON API: its numbers against SQL by hand and the command's reports, and how it speaks HTTP."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from support.household import ADA, Household
from support.served import serving
from support.wire_count import counted

COUNTED = "listening.counted_plays('30s', '-infinity', 'infinity')"


@pytest.fixture(scope="module", autouse=True)
def _without_rules(home: Household) -> None:
    """Nobody leaves anything out, unless a test says so."""
    home.ask("delete from listening.exclusion")


def report(home: Household, *arguments: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of each section of the command's report."""
    ran = home.brapped("report", *arguments, "--listener", ADA, "--format", "json")
    return {section["name"]: section["rows"] for section in json.loads(ran.stdout)["sections"]}


# Numbers.


def test_me_says_who_asks_and_how_far_the_record_goes(home: Household) -> None:
    me = home.get("/me").json()
    assert me["listener"] == {
        "listener_id": ADA, "listener_key": 1, "listener_name": "Ada", "time_zone": "UTC",
    }  # fmt: skip
    [(plays, first, last)] = home.ask(
        "select count(*), min(played_at), max(played_at) from listening.fact_play where listener_key = 1"
    )
    assert (me["listen_count"], moment(me["first_played_at"]), moment(me["last_played_at"])) == (plays, first, last)
    assert me["can_change"] and not home.get("/me", "ada reads").json()["can_change"]


def moment(told: str) -> datetime:
    assert told.endswith("Z")
    return datetime.fromisoformat(told)


def test_plays_are_followed_to_the_end_each_once_and_newest_first(home: Household) -> None:
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor is not None or not found:
        page = home.get("/plays", params={"limit": 111} | ({"cursor": cursor} if cursor else {})).json()
        assert 0 < len(page["plays"]) <= 111
        found += page["plays"]
        cursor = page["next_cursor"]
    rows = home.ask(
        "select play_key, played_at, ms_played, track_uri from listening.fact_play join listening.dim_track using (track_key)"
        " where listener_key = 1 order by played_at desc, play_key desc"
    )
    assert [(one["play_key"], moment(one["played_at"]), one["listened_ms"], one["track_uri"]) for one in found] == rows
    assert {one["ms_basis"] for one in found} == {"reported"}
    assert {tuple(one["sources"]) for one in found} == {("extended_export",)}


@pytest.mark.parametrize(
    ("parameters", "condition"),
    [
        ({"year": "2025"}, "played_at between '2025-01-01' and '2025-12-31 23:59:59'"),
        ({"month": "2026-03"}, "played_at between '2026-03-01' and '2026-03-31 23:59:59'"),
        ({"since": "2026-01-05", "until": "2026-01-07"}, "played_at between '2026-01-05' and '2026-01-07 23:59:59'"),
        ({"year": "2026", "until": "2026-02-01"}, "played_at between '2026-01-01' and '2026-02-01 23:59:59'"),
        ({"counts_as": "30s"}, "ms_played >= 30000"),
        ({"source": "extended_export"}, "true"),
        ({"source": "recently_played"}, "false"),
        ({"track": "{recording}"}, "track_key in (select track_key from listening.dim_track where"
                                   " coalesce(recording_key, track_key) = {recording})"),
        ({"album": "{album}"}, "track_key in (select track_key from listening.dim_track where album_key = {album})"),
        ({"artist": "{artist}"}, "track_key in (select track_key from listening.bridge_track_artist where artist_key = {artist})"),
    ],
)  # fmt: skip
def test_plays_are_filtered(home: Household, parameters: dict[str, str], condition: str) -> None:
    keys = {
        "recording": home.get("/tops/tracks").json()["tops"][3]["recording_key"],
        "album": home.get("/tops/albums").json()["tops"][1]["album_key"],
        "artist": home.get("/tops/artists").json()["tops"][1]["artist_key"],
    }
    asked_for = {name: value.format(**keys) for name, value in parameters.items()} | {"limit": "500"}
    page = home.get("/plays", params=asked_for).json()
    wanted = home.ask(
        f"select play_key from listening.fact_play where listener_key = 1 and {condition.format(**keys)}"
        " order by played_at desc, play_key desc limit 500"
    )
    assert [(one["play_key"],) for one in page["plays"]] == wanted
    assert bool(wanted) or condition == "false"


@pytest.mark.parametrize("kind", ["tracks", "artists", "albums", "genres", "shows"])
@pytest.mark.parametrize("by", ["plays", "time"])
def test_tops_are_those_of_the_command(home: Household, kind: str, by: str) -> None:
    rows = report(home, "top", kind, "--by", by, "--limit", "1000", "--year", "2026")[f"top_{kind}"]
    told = home.get(f"/tops/{kind}", params={"by": by, "year": 2026, "limit": 500}).json()
    assert told["total_count"] == len(rows) and (kind in ("genres", "shows") or rows)
    assert [one["rank"] for one in told["tops"]] == list(range(1, len(rows) + 1))
    for row, top in zip(rows, told["tops"], strict=True):
        shared = row.keys() & top.keys()
        assert {"play_count", "listened_ms"} <= shared
        assert {name: row[name] for name in shared} == {name: top[name] for name in shared}
    part = home.get(f"/tops/{kind}", params={"by": by, "year": 2026, "limit": 3, "offset": 2}).json()
    assert part["tops"] == told["tops"][2:5]


def test_tops_lead_to_what_they_name(home: Household) -> None:
    for kind, key in (("artists", "artist_key"), ("tracks", "recording_key"), ("albums", "album_key")):
        for top in home.get(f"/tops/{kind}").json()["tops"]:
            thing = home.get(f"/{kind}/{top[key]}").json()
            assert (thing["play_count"], thing["listened_ms"]) == (top["play_count"], top["listened_ms"])
            assert sum(year["play_count"] for year in thing["by_year"]) == top["play_count"]
            assert sum(month["play_count"] or 0 for month in thing["by_month"]) == top["play_count"]
            part = home.get(f"/{kind}/{top[key]}", params={"year": 2026}).json()
            assert part["play_count"] == sum(one["play_count"] for one in thing["by_year"] if one["year"] == 2026)


def test_an_artist_is_that_of_the_command(home: Household) -> None:
    top = home.get("/tops/artists").json()["tops"][0]
    sections = report(home, "artist", top["artist_name"])
    told = home.get(f"/artists/{top['artist_key']}").json()
    [numbers] = sections["artist_in_numbers"]
    assert {name: told[name] for name in numbers} == numbers
    ranks = [
        {name: year[name] for name in ("year", "year_rank", "play_count", "listened_ms")} for year in told["by_year"]
    ]
    assert ranks == [{name: row[name] for name in ranks[0]} for row in sections["artist_by_year"]]
    names = [(track["track_name"], track["play_count"]) for track in told["tracks"]]
    assert names[:10] == [(row["track_name"], row["play_count"]) for row in sections["artist_tracks"][:10]]


@pytest.mark.parametrize("period", ["day", "week", "month", "year"])
@pytest.mark.parametrize("is_with_rule", [False, True])
def test_totals_are_those_of_the_views(home: Household, period: str, is_with_rule: bool) -> None:
    if is_with_rule:
        home.ask("insert into listening.exclusion (listener_key, created_at, weekdays) values (1, now(), '{2}')")
    try:
        told = home.get("/totals", params={"by": period}).json()["totals"]
        columns = list(told[0])
        rows = home.ask(f"select {', '.join(columns)} from listening.{period}_total where listener_key = 1 order by 1")
        assert [dict(zip(columns, (rows_[0].isoformat(), *rows_[1:]), strict=True)) for rows_ in rows] == told
        assert len(told) >= 2 and any(one["play_count"] for one in told)
    finally:
        home.ask("delete from listening.exclusion")


def test_totals_of_a_span_are_whole_periods(home: Household) -> None:
    whole = home.get("/totals", params={"by": "month"}).json()["totals"]
    part = home.get("/totals", params={"by": "month", "since": "2026-02-17", "until": "2026-04-02"}).json()["totals"]
    assert [one["period_start"] for one in part] == ["2026-02-01", "2026-03-01", "2026-04-01"]
    assert all(one in whole for one in part)


def test_a_year_is_that_of_the_command(home: Household) -> None:
    sections = report(home, "wrapped", "2026")
    told = home.get("/wrapped/2026").json()
    assert sections["span_totals"] == [told["totals"]]
    named = {
        "top_tracks": "tracks", "top_artists": "artists", "top_albums": "albums", "plays_by_hour": "by_hour",
        "plays_by_day": "by_day", "plays_by_month": "by_month", "discovered": "discovered", "skips": "skips",
        "most_repeated": "most_repeated", "gaps": "gaps",
    }  # fmt: skip
    for section, name in named.items():
        assert len(sections[section]) == len(told[name]), section
        for row, one in zip(sections[section], told[name], strict=True):
            assert {field: one[field] for field in one.keys() & row.keys()} == {
                field: row[field] for field in one.keys() & row.keys()
            }
    assert told["longest_streak"] == sections["longest_streak"][0]
    assert told["longest_session"] == sections["longest_session"][0]
    empty = home.get("/wrapped/2019").json()
    assert empty["tracks"] == [] and not empty["totals"]["play_count"]


def test_a_search_finds_names_with_a_slip(home: Household) -> None:
    top = home.get("/tops/artists").json()["tops"][0]
    found = home.get("/search", params={"q": top["artist_name"][:-1] + "x"}).json()
    assert found["artists"][0]["artist_key"] == top["artist_key"]
    album = home.get("/tops/albums").json()["tops"][0]
    assert home.get("/search", params={"q": album["album_name"]}).json()["albums"][0]["album_key"] == album["album_key"]


def test_coverage_tells_covered_from_not_recorded(home: Household) -> None:
    told = home.get("/coverage").json()
    [(first, last)] = home.ask(
        "select min(played_at)::date, max(played_at)::date from listening.fact_play where listener_key = 1"
    )
    assert told["days"][0] == {"first_date": f"{first}", "last_date": f"{last}", "coverage": "covered"}
    assert told["days"][1]["coverage"] == "not recorded"
    [span] = told["spans"]
    assert (span["source"], span["state"]) == ("extended_export", "covered")
    assert [one["coverage"] for one in home.get("/coverage?year=2019").json()["days"]] == ["not recorded"]


def test_what_the_classic_application_had(home: Household) -> None:
    tops = home.get("/tops/artists").json()["tops"]
    for name in ("me", "1", ADA):
        told = home.get(f"/listeners/{name}/artists", params={"limit": 4}).json()["artists"]
        assert [(one["artist_name"], one["play_count"]) for one in told] == [
            (one["artist_name"], one["play_count"]) for one in tops[:4]
        ]
    hours = home.get("/listeners/me/listening").json()["hours"]
    assert len(hours) == 7 * 24
    wanted = home.ask(
        "select extract(isodow from played_at), extract(hour from played_at), count(*), sum(listened_ms)"
        f" from {COUNTED} where listener_key = 1 group by 1, 2 order by 1, 2"
    )
    assert [tuple(one.values()) for one in hours if one["play_count"]] == wanted
    assert home.get("/listeners/someone/artists").status_code == 404


def test_the_range_is_the_days_up_to_today(home: Household) -> None:
    told = home.get("/listeners/me/artists", params={"range": "week"}).json()
    today = datetime.now(UTC).date()
    since, until = (datetime.fromisoformat(told[name]).date() for name in ("since_date", "until_date"))
    assert (today - until).days in (0, 1) and (until - since).days == 6


def test_now_has_the_last_play(home: Household) -> None:
    told = home.get("/now").json()
    assert told["last_play"] == home.get("/plays?limit=1").json()["plays"][0]


# Rules.


def test_a_rule_is_tried_made_seen_and_removed(home: Household) -> None:
    name = home.get("/tops/artists").json()["tops"][0]["artist_name"]
    body = {"artist": name, "weekdays": [1, 2, 3], "note": "a try"}
    before = home.get("/tops/artists").json()
    tried = home.send("POST", "/exclusions?dry_run=true", json=body)
    assert tried.status_code == 200 and tried.json()["play_count"] > 0
    assert home.get("/exclusions").json() == {"exclusions": []} and home.get("/tops/artists").json() == before
    made = home.send("POST", "/exclusions", json=body)
    assert made.status_code == 201 and made.json()["play_count"] == tried.json()["play_count"]
    place = made.headers["Location"].removeprefix("/api/v1")
    assert home.get(place).json() == made.json()
    left = home.get("/tops/artists").json()["tops"]
    was = {one["artist_name"]: one["play_count"] for one in before["tops"]}
    now = {one["artist_name"]: one["play_count"] for one in left}
    assert was[name] - now.get(name, 0) == made.json()["play_count"]
    assert home.get("/tops/artists", params={"with_excluded": "true"}).json() == before
    again = home.send("POST", "/exclusions", json=body)
    assert again.status_code == 409 and "nothing was changed" in again.json()["detail"]
    spared = home.send("DELETE", f"{place}?dry_run=true")
    assert spared.status_code == 200 and home.get(place).status_code == 200
    assert home.send("DELETE", place).json() == made.json()
    assert home.send("DELETE", place).status_code == 404 == home.get(place).status_code
    assert home.get("/tops/artists").json() == before


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "needs a condition"),
        ({"from_time": "22:00"}, 422, "belong together"),
        ({"from_time": "22:00", "until_time": "22:00"}, 422, "the same"),
        ({"since_date": "2026-02-01", "until_date": "2026-01-01"}, 422, "before"),
        ({"album": "a", "show": "b"}, 422, "not both"),
        ({"artist": "Nobody At All"}, 409, "name like this"),
        ({"artist": 3}, 400, "body artist"),
        ({"weekdays": [0]}, 400, "body weekdays"),
        ({"weekdays": ["1"]}, 400, "1 for Monday"),
        ({"since_date": "2026-02-30"}, 400, "a day that exists"),
        ({"who": "me"}, 400, "body who: This name is unknown here."),
        ([], 400, "body"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_sentence(
    home: Household, body: Any, status: int, words: str
) -> None:
    refused = home.send("POST", "/exclusions", json=body)
    assert (refused.status_code, refused.headers["Content-Type"]) == (status, "application/problem+json")
    assert words in refused.json()["detail"]
    assert home.ask("select count(*) from listening.exclusion") == [(0,)]


# HTTP.


def test_an_answer_has_an_etag_and_is_not_sent_twice(home: Household) -> None:
    first = home.get("/tops/tracks")
    assert first.headers["Cache-Control"] == "private, no-cache" and first.headers["Vary"] == "Authorization, Cookie"
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    for told in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        again = home.get("/tops/tracks", headers={"If-None-Match": told})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert home.get("/tops/tracks", headers={"If-None-Match": '"x"'}).status_code == 200
    assert home.get("/tops/albums").headers["ETag"] != etag


def test_head_is_get_without_the_body(home: Household) -> None:
    whole, head = home.get("/me"), home.send("HEAD", "/me")
    assert head.status_code == 200 and head.content == b""
    for name in ("ETag", "Content-Length", "Content-Type"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "/api lists them all"),
        ("DELETE", "/me", 405, "GET, HEAD"),
        ("PUT", "/exclusions", 405, "GET, HEAD, POST"),
        ("GET", "/me?x=1", 400, "query x: This name is unknown here."),
        ("GET", "/plays?x=1", 400, "query x: This name is unknown here."),
        ("GET", "/plays?limit=1&limit=2", 400, "query limit: This is given twice."),
        ("GET", "/plays?limit=0", 400, "greater than or equal to 1"),
        ("GET", "/plays?limit=501", 400, "less than or equal to 500"),
        ("GET", "/plays?limit=1.0", 400, "whole number"),
        ("GET", "/plays?cursor=x", 400, "query cursor"),
        ("GET", "/plays?since=2026-02-30", 400, "a day that exists"),
        ("GET", "/plays?year=2026&month=2025-01", 422, "No day is in all of"),
        ("GET", "/tops/songs", 400, "path kind"),
        ("GET", "/artists/x", 400, "whole number"),
        ("GET", "/artists/99999999999", 400, "path key"),
        ("GET", "/artists/2147483647", 404, "no such artist"),
        ("GET", "/search", 400, "query q: This is missing."),
        ("GET", "/search?q=%00", 400, "query q"),
        ("GET", "/wrapped/2150", 422, "not begun"),
    ],
)
def test_what_is_refused_is_a_problem_with_a_sentence(
    home: Household, method: str, path: str, status: int, words: str
) -> None:
    refused = home.send(method, path)
    told = refused.json()
    assert (refused.status_code, told["status"], told["type"]) == (status, status, "about:blank")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert words in told["detail"] and told["detail"].endswith(".")
    if status == 405:
        assert refused.headers["Allow"] == words


def test_too_large_a_body_is_a_problem_whether_it_is_announced_or_not(home: Household) -> None:
    large = b'{"note": "' + b"x" * 70_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    announced = home.send("POST", "/exclusions", data=large, headers=headers)
    dripping = home.send("POST", "/exclusions", data=iter([large[:40_000], large[40_000:]]), headers=headers)
    for answer in (announced, dripping):
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_what_is_no_json_is_refused(home: Household) -> None:
    for data, kind in ((b"{", "application/json"), (b"\xff", "application/json"), (b"{}", "text/plain")):
        refused = home.send("POST", "/exclusions", data=data, headers={"Content-Type": kind})
        assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")


def test_a_table_that_is_locked_away_is_503_and_nothing_is_told(home: Household) -> None:
    home.ask("alter table listening.fact_play rename to away")
    try:
        refused = home.get("/me")
    finally:
        home.ask("alter table listening.away rename to fact_play")
    assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert refused.headers["Retry-After"] == "5"
    assert home.get("/me").status_code == 200


def test_the_openapi_is_whole(home: Household) -> None:
    described = requests.get(f"{home.served.url}/api/openapi.json", timeout=30).json()
    assert described["openapi"].startswith("3.1") and described["servers"] == [{"url": "/api"}]
    assert described["security"] == [{"key": []}] and "key" in described["components"]["securitySchemes"]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["description"].endswith("."), path
            assert {"200", "400", "401", "429", "500", "503"} <= operation["responses"].keys()
            for parameter in operation.get("parameters", ()):
                assert parameter.get("description"), (path, parameter["name"])
    text = json.dumps(described)
    assert "HTTPValidationError" not in text
    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in described["components"]["schemas"], name


# Speed.


def test_a_question_is_three_statements(home: Household) -> None:
    """Who asks; the confinement with what days mean; the numbers. Whatever the question."""
    top = {kind: home.get(f"/tops/{kind}").json()["tops"][0] for kind in ("artists", "tracks", "albums")}
    paths = [
        "/me", "/plays", "/tops/tracks", "/tops/artists?year=2026", "/tops/genres", "/totals?by=day", "/wrapped/2026",
        f"/artists/{top['artists']['artist_key']}", f"/tracks/{top['tracks']['recording_key']}",
        f"/albums/{top['albums']['album_key']}", "/search?q=song", "/coverage", "/now", "/exclusions",
        "/listeners/me/artists", "/listeners/me/listening",
    ]  # fmt: skip
    with counted(home.database) as wire:
        there = serving(home.start, DATABASE_URL=wire.url)
        for path in paths:
            wire.messages.clear()
            answer = requests.get(
                f"{there.url}/api/v1{path}", headers={"Authorization": f"Bearer {home.keys['ada']}"}, timeout=30
            )
            assert answer.status_code == 200, path
            sent = [one for one in wire.messages if not re.fullmatch(r"(?i)\s*(begin|commit|select 1|)\s*;?\s*", one)]
            assert len(sent) <= 3, (path, [one[:60] for one in sent])
        there.program.kill()
