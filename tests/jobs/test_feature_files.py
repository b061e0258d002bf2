"""Files of Spotify's own audio features: every spelling of them, and what is kept of each row."""

import csv
import json
from pathlib import Path

import pytest
from support import NOW
from support.cases import Song, exported
from support.export_files import write_folder

from etl.dimensions.features import RANGES, features_of
from etl.jobs.imports import import_exports
from etl.sources.spotify_archive import holds_features, rows_in

ONE, TWO, OTHER = (f"{letter * 22}" for letter in "ABZ")
SAID = {
    "danceability": 0.366, "energy": 0.963, "key": 11, "loudness": -5.301, "mode": 0, "speechiness": 0.142,
    "acousticness": 0.000273, "instrumentalness": 0.0122, "liveness": 0.115, "valence": 0.211, "tempo": 137.114,
    "duration_ms": 366213, "time_signature": 4,
}  # fmt: skip
EXPORTIFY = {"duration_ms": "Duration (ms)", "time_signature": "Time Signature"}


@pytest.fixture
def recorded_tracks(settings, warehouse, tmp_path):
    """Two tracks in the catalogue, by the ids ONE and TWO."""
    rows = [exported(-400, Song("A", "Song A")), exported(-900, Song("B", "Song B"))]
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)


def written(path: Path, form: str, rows: list[dict]) -> Path:
    """The same rows as each kind of file."""
    if form == "csv":
        with path.with_suffix(".csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path.with_suffix(".csv")
    if form == "exportify":
        heads = {name: EXPORTIFY.get(name, name.capitalize()) for name in rows[0] if name != "id"}
        lines = ["\ufeff" + ";".join(["Track URI", "Track Name", *heads.values()])]
        lines += [
            ";".join([f"spotify:track:{row['id']}", '"A; B"', *(str(row[name]) for name in heads)]) for row in rows
        ]
        path.with_suffix(".csv").write_text("\n".join(lines), encoding="utf-8")
        return path.with_suffix(".csv")
    text = {
        "list": lambda: json.dumps([None, *rows]),
        "answer": lambda: json.dumps({"audio_features": rows}, indent=1),
        "by id": lambda: json.dumps({row["id"]: {**row, "id": None} for row in rows}),
        "lines": lambda: "\n".join(map(json.dumps, rows)),
        "tracks": lambda: json.dumps(
            [{"id": row["id"], "name": "x", "audio_features": {**row, "id": None}} for row in rows]
        ),
        "address": lambda: json.dumps(
            [{**row, "id": None, "track_href": f"https://api.spotify.com/v1/tracks/{row['id']}"} for row in rows]
        ),
        "link": lambda: json.dumps([{**row, "id": f"https://open.spotify.com/track/{row['id']}?si=x"} for row in rows]),
    }[form]()
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path.with_suffix(".json")


@pytest.mark.parametrize("form", ["csv", "exportify", "list", "answer", "by id", "lines", "tracks", "address", "link"])
def test_every_spelling_is_read(tmp_path, form):
    path = written(tmp_path / "file", form, [{"id": ONE, **SAID}, {"id": TWO, **SAID, "energy": 0.5}])
    assert holds_features(path)
    rows = [row for row in rows_in(path) if row.track_id]
    assert [row.track_id for row in rows] == [ONE, TWO]
    assert [row.features for row in rows] == [
        {**SAID, "out_of_range_count": 0},
        {**SAID, "energy": 0.5, "out_of_range_count": 0},
    ]


def test_a_history_is_no_file_of_features(tmp_path):
    history = tmp_path / "Streaming_History_Audio_2026.json"
    history.write_text(json.dumps([exported(-400, Song("A", "danceability"))]))
    (tmp_path / "list.csv").write_text("name,energy\nx,1\n")
    assert not holds_features(history) and not holds_features(tmp_path) and not holds_features(tmp_path / "list.csv")


def test_what_spotify_once_told_is_imported_and_comes_before_others(recorded_tracks, brapped, tmp_path, ask):
    rows = [
        {"id": ONE, **SAID, "energy": 0.1},
        {"id": ONE, **SAID},
        {"id": TWO, **SAID, "valence": 3, "key": -1, "time_signature": 0},
        {"id": OTHER, **SAID},
        {"id": "", **SAID},
    ]
    path = written(tmp_path / "features", "csv", rows)
    ask(
        "insert into listening.track_feature (track_key, energy, valence, danceability, tempo, provider, fetched_at,"
        " matched_by) select track_key, 0.9, 0.9, 0.9, 99, 'reccobeats', now(), 'id' from listening.dim_track"
        " where track_id is not null"
    )
    ran = brapped("import", str(path), "--dry-run", "--json")
    told = json.loads(ran.stdout)
    assert (told["new_count"], told["is_dry_run"]) == (2, True)
    assert ask("select count(*) from listening.track_feature where provider = 'spotify_archive'") == [(0,)]

    ran = brapped("import", str(path))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "Audio features from 1 file: 5 rows",
        "          2  tracks got features",
        "          1  tracks are not in this record and were left out: import again once they are",
        "          1  rows were followed by another one of the same track",
        "          1  rows name no track, or no feature that can be read",
        "          1  values were outside of their documented range, and count as unknown",
    ]
    columns = ", ".join(f"{name}::text" for name in SAID)
    first, second = ask(f"select {columns} from listening.track_features order by track_uri")
    assert [float(value) for value in first] == list(SAID.values())
    expected: dict = {**SAID, "valence": None, "key": None, "time_signature": None}
    # A row that lacks its valence stands behind a whole one of another provider.
    assert ask("select provider from listening.chosen_feature order by track_key") == [
        ("spotify_archive",),
        ("reccobeats",),
    ]
    ask("delete from listening.track_feature where provider = 'reccobeats'")
    [_, second] = ask(f"select {columns} from listening.track_features order by track_uri")
    assert [value and float(value) for value in second] == list(expected.values())

    again = json.loads(brapped("import", str(path), "--json").stdout)
    assert (again["new_count"], again["known_count"]) == (0, 2)
    assert ask("select count(*) from listening.track_feature") == [(2,)]


def test_features_and_histories_are_imported_apart(recorded_tracks, brapped, tmp_path):
    path = written(tmp_path / "features", "list", [{"id": ONE, **SAID}])
    ran = brapped("import", str(path), str(tmp_path / "mine"))
    assert ran.returncode == 2 and "imported apart" in " ".join(ran.stderr.split())


def test_a_file_that_is_cut_short_changes_nothing(recorded_tracks, brapped, tmp_path, ask):
    path = written(tmp_path / "features", "list", [{"id": ONE, **SAID}])
    path.write_text(path.read_text()[:-30])
    ran = brapped("import", str(path))
    assert (ran.returncode, ran.stderr) == (
        1, "brapped: features.json is not JSON: it may be cut short. Nothing was changed.\n",
    )  # fmt: skip
    assert ask("select count(*) from listening.track_feature") == [(0,)]


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_each_range_are_in_it_and_what_is_beyond_is_not(name):
    least, most = RANGES[name]
    step = 1.0 if name in ("key", "mode", "time_signature", "duration_ms") else 0.001
    for value in (least, most):
        if not (name == "tempo" and value == 0):
            told = features_of({"danceability": 0.5, name: value})
            assert told is not None and (told[name], told["out_of_range_count"]) == (value, 0)
    beyond: list[object] = [most + step, float("nan"), float("inf"), "x", True, [1]]
    if name not in ("key", "tempo", "duration_ms"):
        beyond.append(least - step)
    for wrong in beyond:
        told = features_of({"danceability": 0.5, "energy": 0.5, name: wrong})
        assert told is not None and (told[name], told["out_of_range_count"]) == (None, 1), wrong
