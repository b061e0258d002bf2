"""What the player recorder makes of a sequence of answers: the collected cases, and each rule by itself."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import REAL_DATA, real_data

from etl.clock import parse_date_header
from etl.sources.player.answer import ERROR, Answer, Device, read_answer
from etl.sources.player.asking import Density, Habits, density_of, hour_of, hours_of_day, listening_shares, next_ask
from etl.sources.player.moments import Reading, Timeline, place
from etl.sources.player.observation import Observation, moment_of, unix_ms
from etl.sources.player.saved import restored, saved
from etl.sources.player.session import Moment, step
from etl.sources.player.state import State, load, save

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
LENGTHS = {"A": 200, "B": 180, "C": 30, "E": 3600, "L": 210}
NOTHING = Answer("nothing")


def item(letter: str, seconds: float) -> dict[str, Any]:
    kind = {"E": "episode", "L": "local"}.get(letter, "track")
    return {
        "id": None if kind == "local" else letter * 22,
        "uri": f"spotify:{kind}:{letter * 22}",
        "type": "episode" if kind == "episode" else "track",
        "name": f"Song {letter}",
        "duration_ms": round(seconds * 1000),
        "artists": [{"id": "a" * 22, "name": "Ada's band"}],
    }


def body(letter: str | None, progress_s: float, playing: bool = True, **more: Any) -> dict[str, Any]:
    """An answer of /me/player. `device`: a name; None: a speaker without an id."""
    device = more.pop("device", "phone")
    is_private = more.pop("private", False)
    return {
        "device": {
            "id": device and device * 4,
            "name": device or "Kitchen",
            "type": "Smartphone" if device else "Speaker",
            "is_private_session": is_private,
        },
        "shuffle_state": False,
        "smart_shuffle": False,
        "repeat_state": "off",
        "timestamp": 0,
        "context": {"type": "album", "uri": "spotify:album:" + "b" * 22},
        "progress_ms": round(progress_s * 1000),
        "item": None if letter is None else item(letter, LENGTHS[letter]),
        "currently_playing_type": "track",
        "is_playing": playing,
        **more,
    }


def sight(letter: str, progress_s: float, playing: bool = True, **more: Any) -> Answer:
    return read_answer(200, body(letter, progress_s, playing, **more))


def after(*answers: tuple[float, Answer]) -> tuple[State, list[Observation]]:
    """The state and the observations after answers at these seconds; the state is saved and loaded in between."""
    state, observations = State(), []
    for seconds, answer in answers:
        state = load(json.loads(json.dumps(save(state))))
        state, finished = step(state, Moment(START + timedelta(seconds=seconds)), answer)
        observations += finished
    return state, observations


def told(observations: Iterable[Observation]) -> list[tuple[Any, ...]]:
    """(item, start, end, heard, complete) of each, in seconds from START."""
    return [
        (
            one.uri[-1],
            (one.started_at - START).total_seconds(),
            (one.ended_at - START).total_seconds(),
            one.ms_played / 1000,
            one.is_complete,
        )
        for one in observations
    ]


# The collected cases (BRAPPED_REAL_DATA).

CASES_FILE = REAL_DATA / "player" / "cases.json"
COLLECTED = json.loads(CASES_FILE.read_text("utf-8")) if CASES_FILE.is_file() else {"cases": []}


def answer_of(told: Any, case: str) -> Answer:
    if told is None:
        return read_answer(204, None)
    if isinstance(told, str):  # 429:30, 502, timeout
        status = told.split(":")[0]
        return read_answer(int(status), {}) if status.isdigit() else ERROR
    kinds = {"E": "episode", "L": "local"}
    letter = told["i"]
    answer = body(None, told["p"], told["on"], private=told.get("priv", False), device=told.get("dev", "phone"))
    answer["currently_playing_type"] = told.get("typ", kinds.get(letter, "track"))
    answer["timestamp"] = 1_700_000_000_000 if "same timestamp" in case else 0
    if letter is not None:
        answer["item"] = item(letter, COLLECTED["durations_s"][letter])
    return read_answer(200, answer)


@pytest.mark.parametrize("case", COLLECTED["cases"], ids=lambda case: f"{case['n']} {case['name']}")
def test_a_collected_case_gives_the_right_plays(case):
    answers = []
    for poll in case["polls"]:
        if isinstance(poll["answer"], dict) and poll["answer"].get("unseen"):
            answers.append((poll["t"] - 1, NOTHING))  # the recorder watched, and saw nothing play
        answers.append((poll["t"], answer_of(poll["answer"], case["name"])))
    _, observations = after(*answers)
    got, within = told(observations), COLLECTED["tolerance_s"]
    assert [(letter, whole) for letter, *_, whole in got] == [(one["item"], one["complete"]) for one in case["plays"]]
    for (_, start, end, heard, _), right in zip(got, case["plays"], strict=True):
        assert start == pytest.approx(right["start"], abs=within)
        assert end == pytest.approx(right["end"], abs=within)
        assert heard == pytest.approx(right["ms"] / 1000, abs=within)


def test_all_collected_cases_were_there():
    if not COLLECTED["cases"]:
        pytest.skip("the real data is not here (player/cases.json; set BRAPPED_REAL_DATA)")
    assert [case["n"] for case in COLLECTED["cases"]] == list(range(1, 35))


# The rules, each by a case of our own.

CASES: dict[str, tuple[list[tuple[float, Answer]], list[tuple[Any, ...]]]] = {
    "one after the other": (
        [(0, NOTHING), (20, sight("A", 20)), (201, sight("B", 1)), (382, NOTHING)],
        [("A", 0, 200, 200, True), ("B", 200, 380, 180, True)],
    ),
    "skipped": (
        [(0, NOTHING), (20, sight("A", 20)), (50, sight("B", 10)), (60, sight("A", 5))],
        [("A", 0, 40, 40, False), ("B", 40, 55, 15, False)],
    ),
    "a pause is not listening": (
        [(0, sight("A", 0)), (30, sight("A", 20, playing=False)), (60, sight("A", 30)), (231, sight("B", 1))],
        [("A", 0, 230, 200, True)],
    ),
    "a seek forward is not listening": (
        [(0, sight("A", 0)), (30, sight("A", 130)), (101, sight("B", 1))],
        [("A", 0, 100, 100, True)],
    ),
    "what is heard twice counts twice": (
        [(0, sight("A", 0)), (100, sight("A", 100)), (110, sight("A", 60)), (251, sight("B", 1))],
        [("A", 0, 250, 250, True)],
    ),
    "a repeat is another play": (
        [(0, sight("A", 0)), (170, sight("A", 170)), (210, sight("A", 10)), (401, sight("B", 1))],
        [("A", 0, 200, 200, True), ("A", 200, 400, 200, True)],
    ),
    "repeat of one track, past where it was": (
        [(0, sight("A", 10)), (220, sight("A", 30, repeat_state="track")), (391, sight("B", 1))],
        [("A", -10, 190, 200, True), ("A", 190, 390, 200, True)],
    ),
    "the queue has ended, and the last track waits at its beginning": (
        [(0, sight("A", 170)), (31, sight("A", 0, playing=False)), (61, sight("A", 0, playing=False)), (150, NOTHING)],
        [("A", -170, 30, 200, True)],
    ),
    "a pause of hours": (
        [(0, sight("A", 0)), (30, sight("A", 30)), (35, sight("A", 32, playing=False))]
        + [(hour * 3600.0, sight("A", 32, playing=False)) for hour in range(1, 8)]
        + [(30_000, sight("A", 40)), (30_161, sight("B", 1))],
        [("A", 0, 30_160, 200, True)],
    ),
    "taken up again after nothing was shown": (
        [
            (0, sight("A", 0)),
            (60, sight("A", 50, playing=False)),
            (300, NOTHING),
            (590, NOTHING),
            (610, sight("A", 55)),
            (756, sight("B", 1)),
        ],
        [("A", 0, 50, 50, False), ("A", 605, 755, 150, True)],
    ),
    "an ad ends a track and is no play": (
        [(0, sight("A", 190)), (15, read_answer(200, body(None, 5, currently_playing_type="ad"))), (30, sight("B", 0))],
        [("A", -190, 10, 200, True)],
    ),
    "a private session ends a track and is no play": (
        [
            (0, sight("A", 0)),
            (30, sight("A", 30)),
            (45, sight("A", 45, private=True)),
            (75, sight("A", 75, private=True)),
        ],
        [("A", 0, 45, 45, False)],
    ),
    "a track that went on in a private session counts from where it was seen again": (
        [
            (0, sight("A", 0)),
            (30, sight("A", 30)),
            (31, sight("A", 30, playing=False)),
            (45, sight("A", 30, private=True)),
            (75, sight("A", 30, private=True)),
            (100, sight("A", 55)),
            (246, sight("B", 1)),
        ],
        [("A", 0, 30, 30, False), ("A", 100, 245, 145, True)],
    ),
    "paused before anybody watched, and never resumed": (
        [(0, sight("A", 50, playing=False)), (30, sight("A", 50, playing=False)), (60, NOTHING)],
        [],
    ),
    "killed and started 20 s later, the same item playing on (35)": (
        [(0, sight("A", 0)), (30, sight("A", 30)), (80, sight("A", 80)), (201, sight("B", 1))],
        [("A", 0, 200, 200, True)],
    ),
    "killed, started two hours later, something else plays (36)": (
        [(0, sight("A", 0)), (30, sight("A", 30)), (7230, sight("B", 10))],
        [("A", 0, 30, 30, False)],
    ),
    "the clock is set back an hour (40)": (
        [(3600, sight("A", 0)), (3630, sight("A", 30)), (60, sight("A", 60)), (201, sight("B", 1)), (382, NOTHING)],
        [("A", 0, 200, 200, True), ("B", 200, 380, 180, True)],
    ),
    "the computer sleeps for 40 min in the middle of a track (41)": (
        [
            (0, sight("A", 0)),
            (30, sight("A", 30)),
            (2430, sight("A", 60)),
            (2460, sight("A", 90)),
            (2571, sight("B", 1)),
        ],
        [("A", 0, 30, 30, False), ("A", 2400, 2570, 170, True)],
    ),
    "nothing all day (49)": ([(300 * number, NOTHING) for number in range(288)], []),
    "the same answer a hundred times (50)": (
        [(0, NOTHING), *((60 + 30 * number, sight("A", 50)) for number in range(100))],
        [("A", 10, 60, 50, False)],
    ),
    "it stands still, and plays on": (
        [
            (0, NOTHING),
            *((60 + 30 * number, sight("A", 50)) for number in range(8)),
            (300, sight("A", 60)),
            (441, sight("B", 1)),
        ],
        [("A", 10, 60, 50, False), ("A", 290, 440, 150, True)],
    ),
    "a length that nobody knows": (
        [(0, sight("A", 0, item={**item("A", 0), "duration_ms": None})), (30, sight("B", 10))],
        [("A", 0, 20, 20, None)],
    ),
    "too short to keep": ([(0, sight("A", 0)), (10, sight("B", 9.6))], []),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_become_these_plays(case):
    answers, plays = CASES[case]
    assert told(after(*answers)[1]) == plays


def test_an_observation_says_all_that_the_answers_said():
    first: dict[str, Any] = {"shuffle_state": True, "smart_shuffle": True, "repeat_state": "context"}
    _, [one] = after(
        (0, NOTHING),
        (10, sight("A", 10, **first)),
        (40, sight("A", 20, playing=False, context=None)),
        (70, sight("A", 30, device=None)),
        (100, sight("A", 100, device="laptop")),
        (130, sight("B", 10)),
    )
    assert one == Observation(
        uri="spotify:track:" + "A" * 22,
        item={**item("A", 200), "external_ids": {}, "artists": [{"id": "a" * 22, "name": "Ada's band"}]},
        started_ms=unix_ms(START),
        ended_ms=unix_ms(START) + 120_000,
        ms_played=80_000,
        start_basis="seen",
        end_basis="next",
        start_within_ms=2_500,
        end_within_ms=2_500,
        ms_within=7_500,
        is_complete=False,
        progress_ms=120_000,
        duration_ms=200_000,
        pause_count=1,
        seek_count=1,
        device_change_count=2,
        device=Device("phone" * 4, "phone", "Smartphone"),
        context_uri="spotify:album:" + "b" * 22,
        context_type="album",
        is_shuffle=True,
        is_smart_shuffle=True,
        repeat="context",
        is_private=False,
    )
    assert restored(Observation, json.loads(json.dumps(saved(one)))) == one
    assert "Song" not in repr(one) and "phonephone" not in repr(one) and one.uri not in repr(one)


BASES = {
    "seen, next": ([(0, NOTHING), (10, sight("A", 10)), (30, sight("B", 10))], ("seen", "next", 2_500, 2_500, 5_000)),
    "nobody watched the start": (
        [(0, sight("A", 10)), (195, sight("B", 5))],
        ("progress", "length", None, 2_500, None),
    ),
    "gone at the next answer": (
        [(0, NOTHING), (10, sight("A", 10)), (40, NOTHING)],
        ("seen", "stopped", 2_500, 32_500, 35_000),
    ),
    "errors in between": (
        [(0, NOTHING), (10, sight("A", 10)), (40, ERROR), (230, sight("B", 30))],
        ("seen", "bounded", 2_500, 192_500, 195_000),
    ),
    "no answer for long": (
        [(0, NOTHING), (10, sight("A", 10)), (30, sight("A", 30)), (9_000, sight("B", 5))],
        ("seen", "bounded", 2_500, 172_500, 175_000),
    ),
    "taken up in the middle of the interval": (
        [(0, NOTHING), (60, sight("A", 100)), (161, sight("B", 1))],
        ("resumed", "length", 62_500, 2_500, 65_000),
    ),
    "the answer says when it was taken up": (
        [(0, NOTHING), (60, sight("A", 100, timestamp=unix_ms(START) + 40_000)), (161, sight("B", 1))],
        ("changed", "length", 2_500, 2_500, 5_000),
    ),
}


@pytest.mark.parametrize("case", BASES)
def test_an_observation_says_how_its_ends_are_known(case):
    answers, right = BASES[case]
    one = after(*answers)[1][0]
    assert (one.start_basis, one.end_basis, one.start_within_ms, one.end_within_ms, one.ms_within) == right


def test_half_of_the_time_for_an_answer_counts_as_uncertain():
    state, _ = step(State(), Moment(START), NOTHING)
    state, _ = step(state, Moment(START + timedelta(seconds=10), 400), sight("A", 10))
    _, [one] = step(state, Moment(START + timedelta(seconds=30), 100), sight("B", 5))
    assert (one.start_within_ms, one.end_within_ms) == (2_900, 2_600)


@pytest.mark.parametrize(
    ("answers", "since"),
    [
        ([(0, NOTHING), (300, NOTHING), (600, NOTHING)], 0),
        ([(0, NOTHING), (600, NOTHING), (1210, NOTHING), (1825, ERROR), (1855, NOTHING)], 0),
        ([(0, NOTHING), (300, NOTHING), (1000, NOTHING)], 1000),
        ([(0, sight("A", 0)), (30, sight("A", 30)), (60, ERROR), (110, sight("A", 110))], 0),
        ([(0, sight("A", 0)), (30, ERROR), (60, ERROR), (150, ERROR), (330, sight("B", 50))], 330),
        ([(3600, NOTHING), (60, NOTHING)], 60),
    ],
)
def test_the_watched_span_has_no_hole(answers, since):
    state, _ = after(*answers)
    assert state.watched == (START + timedelta(seconds=since), START + timedelta(seconds=answers[-1][0]))


def test_an_error_leaves_everything_as_it_was():
    state, _ = after((0, sight("A", 0)), (30, sight("A", 30)))
    changed, finished = step(state, Moment(START + timedelta(seconds=60)), ERROR)
    assert finished == [] and changed == replace(state, is_interrupted=True)


# Answers are hostile until checked.


REAL_ANSWERS = {  # by project and file: the kind, and of an item the URI's beginning, progress and length
    "currently_playing_ad.json": ("ad", None),
    "FoxxMD__multi-scrobbler/spotifyCurrentPlaybackState.json": ("item", ("spotify:track:0dYov", 78_823, 213_539)),
    "joostlek__python-spotify/playback_1.json": ("item", ("spotify:track:1FyXb", 225_564, 268_525)),
    "joostlek__python-spotify/playback_4.json": ("item", ("spotify:local:Four+", 22_215, 5_432_000)),
    "joostlek__python-spotify/playback_episode_1.json": ("item", ("spotify:episode:3o0", 5_410, 3_690_161)),
    "joostlek__python-spotify/playback_audiobook_1.json": ("item", ("spotify:episode:3NW", 15_611, 249_652)),
    "zmb3__spotify/player_state.txt": ("item", ("spotify:track:1lkvp", 102_509, 196_226)),
    "JMPerez__spotify-web-api-js/current_playback.json": ("error", None),  # of 2017: the item is {"track": null}
}


@pytest.mark.parametrize("name", REAL_ANSWERS)
def test_a_real_answer_is_understood(name):
    path = real_data("api") / "shapes" / name
    answer = read_answer(200, json.loads(path.read_text("utf-8")))
    seen = answer.sight and (answer.sight.uri[:19], answer.sight.progress_ms, answer.sight.duration_ms)
    assert (answer.kind, seen) == REAL_ANSWERS[name]


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        (204, None, "nothing"),
        (200, None, "error"),
        (200, [], "error"),
        (200, "playing", "error"),
        (429, body("A", 10), "error"),
        (502, "<html>", "error"),
        (401, {"error": {"status": 401, "message": "Permissions missing"}}, "error"),
        (200, {"timestamp": 1, "is_playing": True}, "error"),
        (200, body(None, 5, currently_playing_type="ad"), "ad"),
        (200, body("A", 5, currently_playing_type="ad"), "ad"),
        (200, body(None, 0, currently_playing_type="unknown"), "unknown"),
        (200, body(None, 30, currently_playing_type="episode"), "unknown"),
        (200, body("A", 5, private=True), "private"),
        (200, body("A", 5, progress_ms=None), "error"),
        (200, body("A", 5, progress_ms="44272"), "error"),
        (200, body("A", 5, progress_ms=True), "error"),
        (200, body("A", 5, progress_ms=-1), "error"),
        (200, body("A", 5, progress_ms=float("nan")), "error"),
        (200, body("A", 5, is_playing="yes"), "error"),
        (200, body("A", 5, item={"track": None}), "error"),
        (200, body("A", 5, item=[]), "error"),
        (200, body("A", 5, item=7), "error"),
        (200, body("A", 5, device=None), "item"),
        (200, body("L", 5), "item"),
        (200, body("E", 5, currently_playing_type="something new"), "item"),
    ],
)
def test_each_answer_is_of_one_kind(status, told, kind):
    answer = read_answer(status, told)
    assert answer.kind == kind and (answer.sight is not None) == (kind == "item")


def test_of_a_private_session_nothing_is_kept():
    assert read_answer(200, body("A", 5, private=True)) == Answer("private")


def test_a_device_of_another_type_is_unknown():
    answer = body("A", 5)
    answer["device"] = "phone"
    read = read_answer(200, answer).sight
    assert read is not None and read.device is None and read.is_private is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.just("spotify:track:x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "uri", "name", "type"]), inner),
    max_leaves=5,
)
KEYS = sorted({*body("A", 0)} - {"item"})
HOSTILE = st.builds(
    lambda changes, odd, dropped: {
        key: value
        for key, value in {**body("A", 5), **changes, "item": {**item("A", 200), **odd}}.items()
        if key not in dropped
    },
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    st.dictionaries(st.sampled_from(sorted(item("A", 0))), JSON, max_size=3),
    st.sets(st.sampled_from([*KEYS, "item"]), max_size=2),
)


@given(st.lists(st.tuples(st.integers(-100, 700), HOSTILE | JSON | st.just(None)), max_size=12))
def test_no_answer_stops_the_recorder_or_spoils_what_it_saves(answers):
    state, at, observations = State(), START, []
    for seconds, told in answers:
        at += timedelta(seconds=seconds)
        state, finished = step(state, Moment(at), read_answer(200, told))
        assert load(json.loads(json.dumps(save(state)))) == state or "NaN" in json.dumps(save(state))
        assert 0 < next_ask(state, at, 120) <= 120
        observations += finished
    assert all(500 <= one.ms_played <= one.ended_ms - one.started_ms for one in observations)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": None},
        {"seen_ms": "now"},
        {"seen_ms": True},
        {"play": {}},
        {"play": []},
        {"more": 1},
    ],
)
def test_a_state_that_this_version_did_not_save_is_refused(change):
    state, _ = after((0, sight("A", 0)))
    with pytest.raises(ValueError, match="version") as error:
        load({**save(state), **change})
    assert "Song" not in str(error.value)
    with pytest.raises(ValueError, match="version"):
        load(None)


# When an answer was true.


def reading(seconds: float, wall_off_s: float = 0, asleep_s: float = 0) -> Reading:
    return Reading(START + timedelta(seconds=seconds + wall_off_s), 50 + seconds - asleep_s)


def header(seconds: float) -> datetime | None:
    return parse_date_header((START + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT"))


def placed(*answers: tuple[float, dict[str, float], bool]) -> list[float]:
    """The moments of answers in seconds from START: (when, what the clocks had, whether with a Date header)."""
    timeline, moments = Timeline(), []
    for seconds, clocks, is_dated in answers:
        server_at = header(seconds) if is_dated else None
        timeline, moment = place(
            timeline, reading(seconds - 0.2, **clocks), reading(seconds + 0.2, **clocks), server_at
        )
        assert moment.within_ms == 200
        moments.append((moment.at - START).total_seconds())
    return moments


@pytest.mark.parametrize(
    ("answers", "right"),
    [
        ([(0, {}, True), (30, {}, True)], [0, 30]),
        ([(0, {}, True), (30, {"wall_off_s": -3600}, True), (60, {"wall_off_s": 7200}, True)], [0, 30, 60]),
        ([(0, {}, False), (30, {"wall_off_s": -3600}, False)], [0, 30]),
        ([(0, {}, False), (2430, {"asleep_s": 2400}, False), (2460, {"asleep_s": 2400}, False)], [0, 2430, 2460]),
        ([(0, {}, True), (2430, {"asleep_s": 2400}, True)], [0, 2430]),
        ([(0, {}, True), (2430, {}, True)], [0, 2430]),
        ([(0, {"wall_off_s": -9e6}, True), (30, {"wall_off_s": -9e6}, True)], [0.5, 30.5]),
        ([(0, {"wall_off_s": -9e6}, True), (30, {}, True)], [0.5, 30.5]),
    ],
)
def test_clocks_that_are_set_or_stand_still_move_no_answer(answers, right):
    assert placed(*answers) == right


# When to ask next.


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ([(0, NOTHING)], 120),
        ([(0, sight("A", 10))], 30),
        ([(0, sight("A", 188))], 13),
        ([(0, sight("A", 200))], 1),
        ([(0, sight("A", 200)), (1, sight("A", 200)), (2, sight("A", 200)), (3, sight("A", 200))], 30),
        ([(0, sight("A", 10)), (20, sight("A", 15, playing=False))], 30),
        ([(0, sight("A", 10)), (20, sight("A", 15, playing=False)), (400, sight("A", 15, playing=False))], 120),
        ([(0, sight("A", 10, item={**item("A", 0)}))], 30),
        ([(0, read_answer(200, body(None, 5, currently_playing_type="ad")))], 30),
        ([(0, read_answer(200, body(None, 0, currently_playing_type="unknown")))], 120),
        ([(0, sight("A", 10, private=True))], 120),
        ([(0, sight("A", 50, playing=False))], 120),
        ([(60 * number, sight("A", 50)) for number in range(10)], 120),
    ],
)
def test_the_next_question_comes_when_something_can_have_changed(answers, seconds):
    state, _ = after(*answers)
    assert next_ask(state, START + timedelta(seconds=answers[-1][0]), 120) == seconds


def a_day(share_at, *, played_today):
    """The questions of a day in which nothing plays, hour by hour, for a listener with these shares."""
    habits = Habits({(kind, hour): share_at(hour) for kind in (False, True) for hour in range(24)})
    waits = [habits.idle_s((False, hour), played_today=played_today) for hour in range(24)]
    return waits, sum(3600 / wait for wait in waits)


EVENING = {20: 0.9, 21: 0.9, 22: 0.5}


@pytest.mark.parametrize("share_at", [lambda hour: EVENING.get(hour, 0.0), lambda hour: 0.0, lambda hour: hour / 24])
def test_a_day_of_idling_takes_as_many_questions_as_planned(share_at):
    assert a_day(share_at, played_today=False)[1] == pytest.approx(285, abs=0.1)
    assert a_day(share_at, played_today=True)[1] == pytest.approx(1_000, abs=0.1)


def test_an_hour_in_which_something_often_plays_is_watched_more_closely():
    waits, _ = a_day(lambda hour: EVENING.get(hour, 0.0), played_today=True)
    assert waits[20] < waits[22] < waits[0] == waits[19]
    # one over the square root of the share, and of a little that is added to it
    assert waits[0] / waits[20] == pytest.approx((0.97 / 0.07) ** 0.5, rel=1e-3)


def test_no_wait_is_longer_than_ten_minutes_or_shorter_than_half_a_minute():
    waits, _ = a_day(lambda hour: float(hour >= 18), played_today=False)
    assert max(waits) <= 600
    closely, _ = a_day(lambda hour: float(hour == 20), played_today=True)
    assert min(closely) >= 30


@pytest.mark.parametrize("shares", [{}, {(True, hour): 0.5 for hour in range(24)}])
def test_while_the_hours_of_such_days_are_unknown_every_five_minutes_will_do(shares):
    assert Habits(shares).idle_s((False, 20), played_today=True) == 300


@pytest.mark.parametrize(
    ("budget", "listeners", "density"),
    [
        (1_500, 1, Density(285, 1_000)),
        (1_500, 2, Density(144, 450)),
        (1_500, 3, Density(144, 200)),
        (1_500, 9, Density(144, 144)),
        (6_000, 3, Density(144, 1_000)),
        (500, 1, Density(200, 200)),
    ],
)
def test_listeners_of_one_app_share_its_questions_while_nothing_plays(budget, listeners, density):
    assert density_of(budget, listeners) == density
    habits = Habits({(kind, hour): EVENING.get(hour, 0.0) for kind in (False, True) for hour in range(24)})
    for played_today, calls in ((False, density.silent), (True, density.played)):
        waits = [habits.idle_s((False, hour), played_today=played_today, density=density) for hour in range(24)]
        assert sum(3600 / wait for wait in waits) == pytest.approx(max(calls, 144), abs=1)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "Europe/Berlin", "UTC"])
def test_a_silent_day_by_utc_stays_cheap_where_its_two_local_days_are_of_different_kinds(zone):
    # afternoons of weekdays, mornings of weekends
    habits = Habits({(kind, hour): 0.9 * ((hour >= 12) != kind) for kind in (False, True) for hour in range(24)})
    for number in range(7):
        at = midnight = datetime(2026, 11, 16 + number, tzinfo=UTC)
        questions = 0
        while at < midnight + timedelta(days=1):
            hour, day = hour_of(at.astimezone(ZoneInfo(zone))), hours_of_day(at, ZoneInfo(zone))
            at += timedelta(seconds=habits.idle_s(hour, played_today=False, day=day))
            questions += 1
        assert 275 <= questions < 300


def test_shares_count_days_not_plays():
    monday = date(2026, 3, 2)
    evenings = [datetime(2026, 3, day, 20, minute, tzinfo=UTC) for day in (2, 3, 7) for minute in (0, 10, 50)]
    outside = [datetime(2026, 2, 27, 20, tzinfo=UTC)]
    shares = listening_shares([*evenings, *outside], monday, monday + timedelta(days=6))
    assert {hour: share for hour, share in shares.items() if share} == {(False, 20): 0.4, (True, 20): 0.5}
    assert len(shares) == 48 and hour_of(evenings[-1]) == (True, 20)
    assert listening_shares([], monday, monday + timedelta(days=1)).keys() == {(False, hour) for hour in range(24)}


@pytest.mark.parametrize("share", [None, 0.0, 0.4])
def test_a_silent_day_takes_at_most_300_questions(share):
    shares = {} if share is None else {(kind, hour): share for kind in (False, True) for hour in range(24)}
    state, at, questions = State(), START, 0
    while at < START + timedelta(days=1):
        state, finished = step(state, Moment(at), NOTHING)
        assert finished == []
        at += timedelta(seconds=next_ask(state, at, Habits(shares).idle_s(hour_of(at), played_today=False)))
        questions += 1
    assert 280 <= questions <= 300


def test_moments_keep_their_milliseconds():
    assert moment_of(unix_ms(START + timedelta(milliseconds=7))) == START + timedelta(milliseconds=7)
