"""Odd answers of Spotify: whatever stands in one item, the others are recorded, every item is accounted for, and the run says it."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import NOW, ROOT, ago, asked, settings_of
from support.noise import noise

from etl.dimensions.answers import Answers, MemberId, save_members
from etl.dimensions.fetch import NothingRecorded
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.simulator import objects
from etl.simulator.catalogue import catalogue
from etl.simulator.routes import Fault, Play
from etl.simulator.world import Listener, world_of
from etl.sources.recently_played import read_page
from etl.spotify.accounts import Accounts
from etl.spotify.errors import SpotifyError
from etl.spotify.http import Response, json_object
from etl.spotify.profile import parse_account
from etl.warehouse.errors import ValuesRefused, WarehouseError
from etl.warehouse.listeners import recorded_account
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays

PAGE = "/v1/me/player/recently-played"
FACTS = (
    "select played_at, track_uri, track_name from listening.fact_play join listening.dim_track using (track_key)"
    " order by played_at desc"
)

pytestmark = pytest.mark.usefixtures("no_pauses")


def keep_account(connection, account):
    return recorded_account(
        connection, account.listener_id, account.user_id, account.listener_name, None, NOW
    ).listener_key


# Whatever a field may hold.

HOSTILE = [
    None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, 10**40, -(10**40), 1e300, float("inf"), float("nan"), float("-inf"),
    "", " ", "\x00", "a\x00b", "a\ud800b", "\udc00", "a\rb", "a\nb", "\\.", "\\N", "\r\n\\.\r\n", '"', "\u202eevil", "\x1b[31m", "NaN", "5",
    "9999999999", "0000-00-00", "2023-02-30", "10000-01-01", "0001-01-01", "0044-03-15 BC", "2020-01", "spotify:local:", "../me", "a,b", "%00",
    [], {}, [[]], [None], [5, "a", None], ["a\x00", "\ud800"], {"a": {"a": {}}}, [{}] * 300, [{"id": None, "name": None}],
    [{"name": "Ann"}, {"name": "Ann"}, {"name": "Bob"}], [{"id": "A" * 22, "name": "\x00"}] * 2,
    [{"url": 5}, {"url": "x", "width": "5"}, {"url": "y", "width": 1e400}], [{"name": f"A{number}"} for number in range(40_000)],
    *(noise(alphabet, count) for alphabet in ("ascii", "four bytes each", "of an id") for count in (70, 700, 10_000)),
]  # fmt: skip
values = st.sampled_from(HOSTILE) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "uri", "total"]), inner),
    max_leaves=4,
)
SONGS = catalogue()
WORLD = world_of(SONGS, Listener("account-of-ada", "ada", "Ada"), "AQ-token", NOW)
TRACK = objects.full_track(WORLD, next(iter(SONGS.tracks.values())))
ALBUM = objects.full_album(WORLD, next(iter(SONGS.albums.values())))
ARTIST = objects.full_artist(WORLD, next(iter(SONGS.artists.values())))
EPISODE = objects.full_episode(WORLD, next(iter(SONGS.episodes.values())))
LOCAL = {
    "album": {"id": None, "name": "Tape", "album_type": None, "artists": [], "images": [], "release_date": None, "uri": None},
    "artists": [{"id": None, "name": "Ann", "type": "artist", "uri": None, "external_urls": {}}],
    "disc_number": 0, "duration_ms": 200_000, "explicit": False, "external_ids": {}, "id": None, "is_local": True, "name": "Mine",
    "popularity": 0, "track_number": 0, "type": "track", "uri": "spotify:local:Ann:Tape:Mine:200",
}  # fmt: skip
ME = objects.profile(WORLD, WORLD.listeners[0], frozenset())


def places(found: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in an answer: the keys and numbers that lead to each of its values."""
    inner = found.items() if isinstance(found, dict) else enumerate(found[:3]) if isinstance(found, list) else ()
    for key, value in inner:
        if key not in ("available_markets", "href", "external_urls"):
            yield (*so_far, key)
            yield from places(value, (*so_far, key))


@st.composite
def spoiled(draw: st.DrawFn, *whole: Any) -> Any:
    """One of these answers with one to three of its values replaced or missing."""
    answer = copy.deepcopy(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(answer)) or [("id",)]))
        inner = answer
        for key in path:
            inner = inner[key]
        if draw(st.booleans()) or isinstance(inner, list):
            inner[last] = copy.deepcopy(draw(values))  # which another of them may spoil, too
        else:
            inner.pop(last, None)
    return answer


def as_answered(body: Any) -> Any:
    """The same by way of JSON, as the program reads it off the wire."""
    return json_object(Response(200, {}, json.dumps(body).encode()))


fuzzed = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@pytest.fixture
def in_vain(warehouse) -> Callable[..., Any]:
    """Does something in a transaction of the warehouse, and takes it back."""

    def do(work: Callable[..., Any]) -> Any:
        with warehouse.engine.connect() as connection, connection.begin() as transaction:
            done = work(connection)
            transaction.rollback()
            return done

    return do


@pytest.fixture
def known(settings, warehouse, play) -> None:
    """The three that are to be spoiled, recorded before as they are."""
    play(*(Play(None, ago(number + 1), item=one) for number, one in enumerate((TRACK, EPISODE, LOCAL))))
    record_plays(settings, warehouse, lambda: NOW)


def listener_of(connection, account):
    return recorded_account(
        connection, account.listener_id, account.user_id, account.listener_name, None, NOW
    ).listener_key


@fuzzed
@given(items=st.lists(spoiled(*({"track": one, "context": {"uri": "spotify:album:x", "type": "album"}} for one in (TRACK, EPISODE, LOCAL))), min_size=1, max_size=8))  # fmt: skip
def test_every_item_of_a_page_is_recorded_whatever_stands_in_it(items, in_vain, known):
    good = [{"track": {**TRACK, "id": f"{number:022}", "uri": f"spotify:track:{number:022}"}} for number in range(2)]
    told = [
        {**item, "played_at": f"{ago(5 * number + 5):%Y-%m-%dT%H:%M:%SZ}"}
        for number, item in enumerate([good[0], *items, good[1]])
    ]
    page = read_page(as_answered({"items": told}), NOW)
    assert (page.item_count, page.unreadable_count) == (len(told), 0)

    def record(connection):
        account = keep_account(connection, parse_account(ME))
        stage(connection, page.tables)
        merge_catalogue(connection)
        new_count = merge_plays(connection, listener_key=account, now=NOW)
        return new_count, connection.exec_driver_sql(FACTS).all()

    new_count, facts = in_vain(record)
    assert new_count == len(facts) - 3 == len(told)
    facts = facts[3:]
    assert [facts[0][1:], facts[-1][1:]] == [(one["track"]["uri"], TRACK["name"]) for one in good]


@fuzzed
@given(
    artists=st.lists(spoiled(ARTIST), max_size=4),
    tracks=st.lists(spoiled(TRACK), max_size=4),
    albums=st.lists(spoiled(ALBUM), max_size=4),
    episodes=st.lists(spoiled(EPISODE), max_size=2),
)
def test_every_member_is_described_or_set_aside_whatever_stands_in_it(artists, tracks, albums, episodes, in_vain):
    told = {"artist": [ARTIST, *artists], "track": [TRACK, *tracks], "album": [ALBUM, *albums], "episode": [EPISODE, *episodes]}  # fmt: skip
    answers = Answers()
    for kind, members in told.items():
        for number, member in enumerate(members):
            answers.take(MemberId(kind, f"{number:022}"), as_answered(member))
    assert len(answers.asked) == sum(map(len, told.values()))

    def record(connection):
        save_members(connection, answers, list(answers.members), NOW)
        return connection.exec_driver_sql(
            "select 'artist', artist_id from listening.dim_artist where fetched_at is not null and artist_id is not null"
            " union select 'album', album_id from listening.dim_album where fetched_at is not null and album_id is not null"
            " union select content_type, track_id from listening.dim_track where fetched_at is not null"
        ).all()

    described = {(kind, spotify_id) for kind, spotify_id in in_vain(record)}
    for wanted in answers.members:
        kinds = (wanted.kind,) if wanted.kind in ("artist", "album") else {kind for kind, _ in described}
        assert any((kind, wanted.spotify_id) in described for kind in kinds)
    assert {(kind, "0" * 22) for kind in told} <= described


@fuzzed
@given(me=spoiled(ME))
def test_an_account_is_recorded_or_refused_with_a_sentence(me, in_vain):
    with suppress(SpotifyError):  # its sentence
        account = parse_account(as_answered(me))
        in_vain(lambda connection: keep_account(connection, account))


def test_an_account_id_that_cannot_be_one_does_not_make_the_login_that_of_another_listener():
    assert parse_account({"id": "ada", "account_id": None}).listener_id == "ada"
    for odd in ("A" * 10_000, "ada\x00", "ada\ud800", 5, ["ada"]):
        with pytest.raises(SpotifyError, match="whose login"):
            parse_account({"id": "ada", "account_id": odd})


# What stands in JSON before it is a value.


@pytest.fixture
def record(settings, warehouse):
    return lambda: record_plays(settings, warehouse, lambda: NOW)


@pytest.fixture
def told(spotify):
    """Lets the recently-played list be these items, each a text of JSON: a track, and how many minutes ago."""

    def tell(*tracks: str) -> None:
        items = ",".join(
            f'{{"track": {track}, "context": null, "played_at": "{ago(number + 1):%Y-%m-%dT%H:%M:%SZ}"}}'
            for number, track in enumerate(tracks)
        )
        spotify.change(
            lambda world: replace(
                world, faults=(Fault(PAGE, times=99, status=200, body=f'{{"items": [{items}]}}'.encode()),)
            )
        )

    return tell


@pytest.mark.parametrize(
    "odd",
    [
        "NaN", "-Infinity", "1e400", "-1e400", "9" * 5000, "-" + "9" * 5000, "[" * 20_000 + "]" * 20_000, '{"a":' * 20_000 + "1" + "}" * 20_000,
        '"\\ud800"', '"\\u0000"', '1, "duration_ms": 2', '["]", "\\"[[{"]',
    ],
    ids=lambda value: value[:12],
)  # fmt: skip
def test_no_value_of_json_loses_the_rest_of_the_page(odd, record, told, ask):
    told(json.dumps(TRACK), f'{{"uri": "spotify:track:odd", "name": "Odd", "duration_ms": {odd}}}', json.dumps(LOCAL))
    assert record().line.startswith("3 of 3 plays are new")
    assert [row[1] for row in ask(FACTS)] == [TRACK["uri"], "spotify:track:odd", LOCAL["uri"]]


@pytest.mark.parametrize("title", ["a\rb", "\r", "a\r\nb\n\\.\nc"], ids=repr)
def test_a_carriage_return_in_a_title_breaks_neither_page_nor_export(
    title, record, told, settings, warehouse, ask, tmp_path
):
    told(json.dumps({**TRACK, "name": title, "artists": [{"name": title}]}))
    record()
    rows = [{"ts": "2024-01-01T10:00:00Z", "ms_played": 1000, "master_metadata_track_name": title, "master_metadata_album_artist_name": "Ann"}]  # fmt: skip
    (tmp_path / "endsong_0.json").write_text(json.dumps(rows), encoding="utf-8")
    import_exports(settings, warehouse, [tmp_path], clock=lambda: NOW)
    assert [row[2] for row in ask(FACTS)] == [title, title]


def test_a_track_of_more_artists_than_can_be_counted_keeps_the_first_of_them(record, told, ask):
    told(json.dumps({**TRACK, "artists": [{"id": f"{number:022}", "name": "A"} for number in range(40_000)]}))
    record()
    [(count, weight)] = ask("select count(*), sum(weight) from listening.bridge_track_artist")
    assert count == 200 and weight == pytest.approx(1)


@pytest.mark.parametrize(
    "token", ["", None, 5, ["AT"], "a\nb", "a\ud800b", "é", "A" * 10_000], ids=lambda value: repr(value)[:12]
)
def test_a_token_that_no_header_can_carry_is_no_token(token, spotify, settings):
    body = json.dumps({"access_token": token, "expires_in": "soon"}).encode()
    spotify.change(lambda world: replace(world, faults=(Fault("/api/token", times=9, status=200, body=body),)))
    with pytest.raises(SpotifyError, match="no usable access token"):
        Accounts(settings.spotify_accounts_url, "id", "secret").client_credentials()


@pytest.mark.parametrize("token", ["", None, 5, "a\nb", "a\ud800b", "A" * 10_000], ids=lambda value: repr(value)[:12])
def test_a_new_refresh_token_that_cannot_be_one_does_not_take_the_place_of_the_one_that_works(
    token, spotify, record, play, ask
):
    grant = json.loads(requests.post(f"{spotify.accounts_url}/api/token").content or "{}")
    assert "error" in grant  # the endpoint is there
    play(Play(None, ago(5)))
    record()
    before = ask("select refresh_token_encrypted from ops.login")
    good = requests.post(
        f"{spotify.accounts_url}/api/token",
        data={"grant_type": "refresh_token", "refresh_token": "AQ-the-refresh-token-of-the-tests"},
        auth=(spotify.world.app.client_id, spotify.world.app.client_secret),
    ).json()
    body = json.dumps({**good, "refresh_token": token, "expires_in": 1e400}).encode()
    spotify.change(lambda world: replace(world, faults=(Fault("/api/token", status=200, body=body),)))
    record()
    assert ask("select refresh_token_encrypted from ops.login") == before


# What nobody thought of: here the database refuses what no rule keeps out.


@pytest.fixture
def refusing(database) -> Callable[[str, str], object]:
    """Makes a table refuse rows, as it does with a value of which the program knows nothing."""
    return lambda table, check: asked(database, f"alter table {table} add constraint unforeseen check ({check}) not valid")  # fmt: skip


def track(number: int, **changes: Any) -> dict[str, Any]:
    artists = [{"id": f"{number:022}", "name": f"Artist {number}"}]
    named = {"id": f"{number:022}", "uri": f"spotify:track:{number:022}", "name": f"Song {number}", "type": "track"}
    return {**named, "duration_ms": 200_000, "artists": artists, "album": None, **changes}


@pytest.mark.parametrize(
    ("table", "check", "left", "said"),
    [
        ("listening.dim_track", "track_name <> 'Song 7'", [f"spotify:track:{7:022}", None], "1 of 12 items contained values"),
        ("listening.dim_artist", "artist_name <> 'Artist 7'", [f"spotify:track:{7:022}", None], "1 of 12 items contained values"),
        ("listening.dim_context", "context_uri not like '%7'", [f"spotify:track:{7:022}", None], "1 of 12 items contained values"),
        ("listening.dim_track", "track_uri not like '%7'", [None, None], "1 of 12 items contained values"),
        ("listening.fact_play", f"played_at <> '{ago(8)}'", [], "1 of 12 items could not be recorded"),
    ],
    ids=["title", "artist", "context", "uri", "moment"],
)  # fmt: skip
def test_one_item_that_the_database_refuses_costs_no_other(table, check, left, said, record, play, refusing, ask):
    play(
        *(
            Play(None, ago(number + 1), item=track(number), context_uri=f"spotify:playlist:{number}")
            for number in range(12)
        )
    )
    refusing(table, check)
    outcome = record()

    facts = ask(FACTS)
    others = [one for one in facts if one[0] != ago(8)]
    assert [one[1:] for one in others] == [(f"spotify:track:{n:022}", f"Song {n}") for n in range(12) if n != 7]
    assert [one[1] for one in facts if one[0] == ago(8)] == left[:1]
    assert outcome.line.startswith(f"{len(facts)} of 12 plays are new")
    assert [(warned.cause, said in warned) for warned in outcome.warnings] == [("answers", True)]
    assert ask("select outcome, received_count, recorded_count from ops.run") == [("done", 12, len(facts))]
    record()
    assert ask(FACTS) == facts


def test_several_odd_items_of_a_full_page_are_found(record, play, refusing, ask):
    odd = {0, 1, 17, 18, 33, 49}
    play(
        *(
            Play(None, ago(number + 1), item=track(number, name="Odd" if number in odd else "Song"))
            for number in range(50)
        )
    )
    refusing("listening.dim_track", "track_name <> 'Odd'")
    outcome = record()
    assert outcome.line.startswith("50 of 50 plays are new") and "6 of 50 items contained" in outcome.warnings[-1]
    assert ask("select count(*) from listening.dim_track where track_name = 'Song'") == [(44,)]


def test_what_no_item_is_to_blame_for_fails_as_it_is(record, play, refusing, ask):
    play(*(Play(None, ago(number + 1), item=track(number)) for number in range(50)))
    refusing("ops.run", "job <> 'plays'")
    with pytest.raises(ValuesRefused, match="SQLSTATE 23514"):
        record()
    assert ask("select count(*) from listening.fact_play") == [(0,)]
    assert ask("select last_value from ops.run_run_key_seq") == [
        (3,)
    ]  # with all the items, with none, and the failed run; no more


def test_a_play_of_which_only_the_moment_was_kept_is_completed_not_doubled(record, play, refusing, ask):
    play(*(Play(None, ago(number + 1), item=track(number)) for number in range(12)))
    refusing("listening.dim_track", "track_uri not like '%7'")
    record()
    assert [one[1] for one in ask(FACTS) if one[0] == ago(8)] == [None]
    keys = ask("select play_key from listening.fact_play order by 1")
    ask("alter table listening.dim_track drop constraint unforeseen")
    assert record().line.startswith("0 of 12 plays are new")  # what names it is the same play, which keeps its key
    assert ask("select play_key from listening.fact_play order by 1") == keys
    facts = ask(FACTS)
    assert len(facts) == 12 and [one[1] for one in facts if one[0] == ago(8)] == [f"spotify:track:{7:022}"]
    assert record().line.startswith("0 of 12 plays are new") and ask(FACTS) == facts


def test_a_spent_sequence_is_no_odd_item(record, play, ask):
    play(*(Play(None, ago(number + 1), item=track(number)) for number in range(3)))
    ask("alter sequence listening.dim_track_track_key_seq maxvalue 5 restart 5")
    ask("select nextval('listening.dim_track_track_key_seq')")
    with pytest.raises(WarehouseError, match="SQLSTATE 2200H"):
        record()
    assert ask(FACTS) == []


# The catalogue.


@pytest.fixture
def heard(record, play) -> list[str]:
    """Thirty artists to be described, the first the most played; their ids."""
    play(*(Play(None, ago(number + 1), item=track(number % 30)) for number in range(50)))
    record()
    return [f"{number:022}" for number in range(30)]


@pytest.fixture
def described(spotify):
    """What Spotify says of artists: `described({id: changes})`; of all others their name."""

    def tell(ids: list[str], changes: dict[str, dict[str, Any]]) -> None:
        faults = [
            Fault(f"/v1/artists/{one}", times=99, status=200, body=json.dumps({"id": one, "name": f"New {one}", "genres": ["pop"], **changes.get(one, {})}).encode())
            for one in ids
        ]  # fmt: skip
        spotify.change(lambda world: replace(world, faults=(*faults,)))

    return tell


@pytest.fixture
def fill(database, warehouse, spotify):
    def run(at=NOW, **changes):
        spotify.clock = lambda: at
        return fill_dimensions(settings_of(database, spotify, **changes), warehouse, spotify.clock)

    return run


DESCRIBED = "select count(*) from listening.dim_artist where fetched_at is not null and artist_key > 0"


@pytest.mark.parametrize(
    "odd",
    [
        {"genres": ["a\x00b"]}, {"genres": ["a\ud800b", "\udc00"]}, {"genres": {"a": 1}}, {"genres": [str(n) for n in range(100_000)]},
        {"name": noise("ascii")}, {"name": noise("four bytes each")}, {"followers": {"total": 10**40}}, {"popularity": float("nan")},
        {"images": [{"url": noise("ascii")}]}, {"id": noise("ascii")},
    ],
    ids=lambda value: repr(value)[:24],
)  # fmt: skip
def test_no_value_of_one_artist_keeps_the_others_from_being_described(odd, fill, heard, described, ask):
    described(heard, {heard[0]: odd})
    outcome = fill()
    assert outcome.line.startswith("30 artists, tracks, albums described, 0 missing") and outcome.warnings == ()
    assert ask(DESCRIBED) == [(30,)]


def test_a_member_that_the_database_refuses_is_set_aside_and_the_others_go_in(fill, heard, described, refusing, ask):
    odd = [heard[0], heard[5], heard[29]]
    described(heard, {one: {"name": "Unforeseen"} for one in odd})
    refusing("listening.dim_artist", "artist_name <> 'Unforeseen'")
    outcome = fill()

    assert ask(DESCRIBED) == [(27,)]
    assert outcome.line.startswith(
        "27 artists, tracks, albums described, 3 set aside, 3 missing; 31 calls, 269 left today"
    )
    assert [(warned.cause, "3 of 30 descriptions could not be recorded" in warned) for warned in outcome.warnings] == [
        ("answers", True)
    ]
    assert ask("select kind, spotify_id, miss_count from ops.catalogue_miss order by 2") == [
        ("artist", one, 0) for one in sorted(odd)
    ]
    assert ask("select sum(call_count) from ops.catalogue_call") == [(31,)]
    assert ask("select count(*) from ops.lease") == [(0,)]
    assert fill().line.startswith("0 artists, tracks, albums described, 3 missing; 0 calls")  # tomorrow again


def test_a_batch_with_odd_members_is_recorded_without_them(fill, spotify, heard, refusing, ask):
    spotify.change(lambda world: replace(world, app=replace(world.app, batch_allowed=True)))
    members = [{"id": one, "name": "Unforeseen" if one in heard[3:5] else "New"} for one in sorted(heard)]
    by_id = {one["id"]: one for one in members}
    order = ask(
        "select artist_id from listening.dim_artist join listening.bridge_track_artist using (artist_key)"
        " join listening.fact_play using (track_key) group by artist_id order by count(*) desc, artist_id"
    )
    body = json.dumps({"artists": [by_id[one] for (one,) in order]}).encode()
    spotify.change(lambda world: replace(world, faults=(Fault("/v1/artists", status=200, body=body),)))
    refusing("listening.dim_artist", "artist_name <> 'Unforeseen'")
    assert fill().line.startswith("28 artists, tracks, albums described, 2 set aside, 2 missing; 1 call,")
    assert ask("select count(*) from listening.dim_artist where artist_name = 'New'") == [(28,)]


def test_a_slice_of_which_nothing_can_be_recorded_ends_the_run_with_a_sentence(
    fill, heard, described, refusing, spotify, brapped, database, ask
):
    described(heard, {one: {"name": "Unforeseen"} for one in heard[:20]})
    refusing("listening.dim_artist", "artist_name <> 'Unforeseen'")
    with pytest.raises(NothingRecorded, match="None of Spotify's 20 answers could be recorded"):
        fill()
    assert ask("select job, outcome from ops.run order by run_key desc limit 1") == [("dimensions", "failed")]
    assert ask("select sum(call_count) from ops.catalogue_call") == [(21,)]
    assert ask("select count(*) from ops.lease") == [(0,)]

    assert fill().line.startswith("10 artists, tracks, albums described, 20 missing")  # the others go first


def test_the_command_of_such_a_run_fails_and_the_next_one_is_not_kept_out(heard, described, refusing, brapped, ask):
    described(heard, {one: {"name": "Unforeseen"} for one in heard})
    refusing("listening.dim_artist", "artist_name <> 'Unforeseen'")
    ran = brapped("dimensions")
    assert ran.returncode == 1 and "None of Spotify's 20 answers could be recorded" in ran.stderr
    assert "Unforeseen" not in ran.stderr and "Traceback" not in ran.stderr
    ran = brapped("dimensions")
    assert ran.returncode == 1 and "None of Spotify's 10 answers could be recorded" in ran.stderr
    assert brapped("dimensions").returncode == 0


def test_the_lease_and_the_calls_are_given_back_however_a_run_ends(fill, heard, described, ask):
    described(heard, {})
    ask(
        "alter table ops.catalogue_miss add column needed integer; alter table ops.catalogue_miss rename column miss_count to counted"
    )
    with pytest.raises(WarehouseError):
        fill()
    assert ask("select count(*) from ops.lease") == [(0,)]
    ask("alter table ops.catalogue_miss rename column counted to miss_count")
    ask("alter table listening.track_alias rename to track_aliases")
    with pytest.raises(WarehouseError):
        fill()
    assert ask("select count(*) from ops.lease") == [(0,)]
    assert ask("select sum(call_count) from ops.catalogue_call") == [(21,)]  # 20 and a batch that was refused


def test_an_id_that_an_older_version_kept_and_that_is_none_is_not_asked_for(fill, database, spotify, ask):
    odd = ["../me", "a,b", "a b", "A" * 3_000, "é"]
    for one in odd:
        asked(database, "insert into listening.dim_artist (artist_id, artist_name) values (%s, 'Odd')", one)
    spotify.calls.clear()
    outcome = fill()
    assert "5 unknown to Spotify" in outcome.line and "0 calls" in outcome.line
    assert not [call for call in spotify.calls if call.path.startswith("/v1/")]


def test_a_local_file_whose_artists_change_is_recorded_with_all_of_them(record, told, ask):
    told(json.dumps(LOCAL))
    record()
    told(json.dumps({**LOCAL, "artists": [{"name": "Bob"}, {"name": "Cleo"}]}))
    assert record().warnings == ()
    assert ask(
        "select artist_name, position, weight from listening.bridge_track_artist join listening.dim_artist using (artist_key)"
        " order by position"
    ) == [("Bob", 1, 0.5), ("Cleo", 2, 0.5)]


def test_a_deep_answer_with_a_text_without_end_is_read_in_one_go():
    """In a process that is ended when it takes long: a search that begins anew at each character would take hours."""
    program = (
        "from etl.spotify.http import Response, json_object;"
        " body = b'[' * 100_000 + b'\\\"' * 200_000;"
        " assert json_object(Response(200, {}, body)) is None"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={"PYTHONPATH": str(ROOT)})
