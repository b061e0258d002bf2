"""The report `features` and genres by name of provider, against numbers computed by hand."""

import json
import statistics
from datetime import timedelta

import pytest
from support import NOW, settings_of
from support.cases import Song, exported
from support.export_files import write_folder

from etl.jobs.imports import import_exports

SONGS = [Song(letter, f"Song {letter}") for letter in "ABCDEF"]
# energy, valence, danceability, acousticness, tempo of each
FEATURES = {
    "A": (0.5, 0.5, 0.5, 0.5, 120.0),
    "B": (0.52, 0.5, 0.5, 0.48, 121.0),
    "C": (0.4, 0.6, 0.5, 0.6, 110.0),
    "D": (0.99, 0.01, 0.1, 0.01, 200.0),
    "E": (0.45, 0.55, 0.6, 0.5, 118.0),
}
TIMES = {"A": 4, "B": 2, "C": 1, "D": 1, "E": 1, "F": 2}


@pytest.fixture
def plays(settings, warehouse, tmp_path, ask):
    """Songs played so many times in November, A once in October too; F has no features."""
    rows, second = [], 0
    for song in SONGS:
        for _ in range(TIMES[str(song.name)[-1]]):
            second -= 400
            rows.append(exported(second, song))
    rows.append(exported(-30 * 86_400, SONGS[0]))
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    for letter, values in FEATURES.items():
        ask(
            "insert into listening.track_feature (track_key, energy, valence, danceability, acousticness, tempo, provider,"
            " fetched_at, matched_by) select track_key, %s, %s, %s, %s, %s, 'reccobeats', now(), 'id'"
            " from listening.dim_track where track_name = %s",
            *values,
            f"Song {letter}",
        )


def told(brapped, *arguments: str) -> dict[str, list[dict]]:
    ran = brapped("report", *arguments, "--format", "json")
    assert ran.returncode == 0, ran.stderr
    return {part["name"]: part["rows"] for part in json.loads(ran.stdout)["sections"]}


def test_a_years_moods_are_those_computed_by_hand(plays, brapped):
    found = told(brapped, "features", f"{NOW:%Y}")
    earlier, later = found["features_by_month"]
    assert (earlier["month_date"][:7], later["month_date"][:7]) == (f"{NOW - timedelta(days=30):%Y-%m}", f"{NOW:%Y-%m}")
    assert (earlier["energy"], earlier["tempo"], earlier["known_play_share"]) == (0.5, 120.0, 1.0)
    heard = [FEATURES[letter] for letter, times in TIMES.items() if letter in FEATURES for _ in range(times)]
    assert later["energy"] == pytest.approx(statistics.mean(one[0] for one in heard), abs=0.006)
    assert later["valence"] == pytest.approx(statistics.mean(one[1] for one in heard), abs=0.006)
    assert later["tempo"] == pytest.approx(statistics.mean(one[4] for one in heard), abs=0.06)
    assert (later["play_count"], later["known_play_share"]) == (11, pytest.approx(9 / 11))
    assert found["features_unusual"][0]["track_name"] == "Song D"
    assert found["features_unusual"][0]["distance"] == pytest.approx(distance("D"), abs=0.002)
    in_order = sorted(FEATURES, key=distance)
    assert [row["track_name"][-1] for row in found["features_typical"]] == in_order
    [coverage] = found["features_coverage"]
    assert (coverage["provider_name"], coverage["known_track_count"], coverage["all_track_count"]) == (
        "ReccoBeats",
        5,
        6,
    )


def distance(letter: str) -> float:
    """From the average of the plays, in spreads of the songs."""
    total = 0.0
    for place in range(5):
        plays_of = {one: TIMES[one] + (one == "A") for one in FEATURES}
        mean = sum(FEATURES[one][place] * times for one, times in plays_of.items()) / sum(plays_of.values())
        total += ((FEATURES[letter][place] - mean) / statistics.pstdev(one[place] for one in FEATURES.values())) ** 2
    return total**0.5


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_the_report_is_there_in_every_form(plays, brapped, form):
    ran = brapped("report", "features", f"{NOW:%Y}", "--format", form)
    assert ran.returncode == 0, ran.stderr
    for part in ("Month by month", "Most typical", "Least typical", "Song D", "5 of 6 tracks", "ReccoBeats", "Valence"):
        assert part in ran.stdout, part
    if form == "text":
        assert max(map(len, ran.stdout.splitlines())) <= 80


def test_without_features_the_report_says_so(settings, warehouse, tmp_path, brapped):
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": [exported(-400, SONGS[0])]})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    ran = brapped("report", "features", f"{NOW:%Y}")
    assert "Features are known for 0 of 1 track," in ran.stdout and "docs/reports.md" in ran.stdout


def test_genres_name_who_told_them_and_count_once(plays, brapped, ask):
    """Ann has Spotify's own genres, so what ListenBrainz says of her counts nowhere."""
    [(artist,)] = ask("select artist_key from listening.dim_artist where artist_name = 'Ann'")
    ask(
        "insert into listening.artist_genre values (%s, 'listenbrainz', '{jazz,folk}', now(), 'id'),"
        " (%s, 'lastfm', '{noise}', now(), 'name')",
        artist,
        artist,
    )
    for name in ("top", "wrapped"):
        arguments = ("top", "genres", "--year", f"{NOW:%Y}") if name == "top" else ("wrapped", f"{NOW:%Y}")
        rows = told(brapped, *arguments)["top_genres"]
        assert [(row["genre_name"], row["play_count"], row["provider_names"]) for row in rows] == [
            ("folk", 12, "ListenBrainz"),
            ("jazz", 12, "ListenBrainz"),
        ]
    ask("update listening.dim_artist set genres = '{own}' where artist_key = %s", artist)
    [row] = told(brapped, "top", "genres")["top_genres"]
    assert (row["genre_name"], row["provider_names"]) == ("own", "Spotify")


def test_status_says_how_much_each_provider_has_told(plays, brapped, ask, database, spotify):
    ask("update listening.track_feature set out_of_range_count = 2 where tempo = 200")
    said = brapped("status").stdout
    assert "ReccoBeats" in said and "features known for 5 of 6 tracks, 2 values out of range" in " ".join(said.split())
    found = json.loads(brapped("status", "--json").stdout)
    assert [(one["provider"], one["feature_count"], one["track_count"]) for one in found["providers"]] == [
        ("reccobeats", 5, 6)
    ]
    ask("insert into ops.pause values ('provider deezer', now() + interval '1 hour', 'busy, status 429', now())")
    assert "deezer paused" in brapped("status").stdout
    assert settings_of(database, spotify).providers == ()
