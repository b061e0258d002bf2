"""`brapped import` of other services' histories: receipts, known files, dry runs, refusals, and what they leave alone."""

import json
import tracemalloc
import zipfile
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas
import pytest
from support import NOW, asked, whole_facts
from support.export_files import write_folder
from support.history_files import taken_back
from support.history_files import written as history
from support.scrobbled import Sent, as_koito, as_listens, as_maloja, as_minutes, as_pages, as_seconds

from etl.jobs.imports import import_exports
from etl.jobs.receipts import Receipt
from etl.sources.exports.archives import JsonFile
from etl.sources.services.reader import HistoryReader
from etl.staging import Part

BEGIN = round(datetime.fromisoformat("2024-08-29T12:00:00Z").timestamp() * 1000)
SECRET = "Lullaby of my own"


def sent(count: int = 40, *, every_s: int = 240, names: int = 7) -> list[Sent]:
    """Scrobbles of made-up songs, four minutes after each other."""
    return [
        Sent(
            BEGIN + n * every_s * 1000,
            f"Artist {n % names}",
            f"Song {n % names}",
            "Album",
            f"spotify:track:{n % names:022}",
        )
        for n in range(count)
    ]


def exported(scrobble: Sent) -> dict:
    """The row of the extended export of the same play."""
    end = datetime.fromtimestamp((scrobble.at_ms + 200_000) / 1000).astimezone()
    return {
        "ts": pandas.Timestamp(end).tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ms_played": 200_000,
        "spotify_track_uri": scrobble.uri,
        "master_metadata_track_name": scrobble.title,
        "master_metadata_album_artist_name": scrobble.artist,
        "master_metadata_album_album_name": scrobble.album,
    }


@pytest.fixture
def take(settings, warehouse):
    def taken(*paths: Path, **options: Any) -> Receipt:
        return import_exports(settings, warehouse, list(paths), clock=lambda: NOW, **options)

    return taken


def zipped(path: Path, told: list[Sent]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("user.json", '{"user_id": 1, "username": "ada"}\n')
        archive.writestr("feedback.jsonl", '{"recording_msid": "x", "score": 1}\n')
        for name, content in as_listens(told):
            archive.writestr(name, content)
    return path


FORMS = {
    "lastfm": lambda folder, told: written(folder / "a.csv", as_seconds(told)),
    "lastfm_minutes": lambda folder, told: written(folder / "export", as_minutes(told)),
    "listenbrainz": lambda folder, told: zipped(folder / "lb.zip", told),
    "maloja": lambda folder, told: written(folder / "m.json", as_maloja(told)),
    "koito": lambda folder, told: written(folder / "k.json", as_koito(told)),
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_history_is_imported_once_and_known_after_that(form, take, tmp_path, ask):
    path = FORMS[form](tmp_path, sent())
    first = take(path)
    assert (first.total.row_count, first.total.new_count, first.is_good) == (40, 40, True)
    assert {file.source for file in first.files} == {form}
    facts = whole_facts(ask)
    again = take(path)
    assert (again.total.known_count, again.unchanged_count) == (40, len(again.files))
    read_again = take(path, again=True)
    assert (read_again.total.known_count, read_again.unchanged_count) == (40, 0)
    assert whole_facts(ask) == facts and len(facts) == 40


def test_a_dry_run_changes_nothing(take, tmp_path, ask):
    receipt = take(FORMS["lastfm"](tmp_path, sent()), dry_run=True)
    assert (receipt.total.new_count, whole_facts(ask)) == (40, [])


def test_spotifys_export_and_services_in_one_call_are_the_same_plays(take, tmp_path, ask):
    """And every way of counting agrees: the receipt, the table, and pandas with the files themselves."""
    told = sent()
    write_folder(tmp_path / "spotify", {"Streaming_History_Audio_2024.json": [exported(one) for one in told]})
    (tmp_path / "b").mkdir()
    paths = [FORMS[form](tmp_path, told[n:]) for n, form in enumerate(FORMS)]
    receipt = take(tmp_path / "spotify", *paths)
    assert (receipt.total.new_count, receipt.total.merged_count) == (40, 40 + 39 + 38 + 37 + 36)
    reported = Counter(source for (sources,) in ask(
        "select sources from listening.fact_play join listening.dim_play_profile using (play_profile_key)"
    ) for source in sources)  # fmt: skip
    assert reported == {
        "extended_export": 40,
        "lastfm": 40,
        "lastfm_minutes": 39,
        "listenbrainz": 38,
        "maloja": 37,
        "koito": 36,
    }
    read = pandas.read_csv(tmp_path / "a.csv")
    songs = dict(ask(
        "select track_name, count(*) from listening.fact_play join listening.dim_track using (track_key) group by 1"
    ))  # fmt: skip
    assert songs == read.groupby("track").size().to_dict()


def test_pages_of_last_fm_leave_out_what_is_playing(take, tmp_path):
    receipt = take(written(tmp_path / "pages.json", as_pages(sent(450))))
    assert (receipt.total.row_count, receipt.total.new_count) == (450, 450)
    assert receipt.notes == (
        "pages.json: 1 row: was playing when the file was written, which is no play yet: left out",
    )


def test_a_file_of_our_own_brings_the_same_plays_back(
    take, tmp_path, ask, warehouse, settings, other_database, spotify
):
    """With sources: what each service said, its starts, and the milliseconds that only some rows of a service have."""
    old = Sent(round(datetime.fromisoformat("2003-02-01T10:00:00Z").timestamp() * 1000), "Ann", "Old", "", "")
    rows = json.loads(as_maloja([old, *sent()]))
    rows["scrobbles"][5]["duration"] = 150
    take(written(tmp_path / "m.json", json.dumps(rows).encode()), FORMS["listenbrainz"](tmp_path, sent()[3:]))
    facts = whole_facts(ask)
    path = history(warehouse, settings, tmp_path, "extended", with_sources=True).rename(tmp_path / "back.json")
    back = taken_back(path, other_database, spotify, time_zone=None)
    assert [row[1:] for row in back] == [row[1:] for row in facts]
    starts = "select observed_at, started_at, ms_played, source_name from listening.observation join listening.source using (source_key)"
    assert sorted(asked(other_database, starts), key=repr) == sorted(ask(starts), key=repr)


def test_bad_rows_are_listed_and_quoted_nowhere(brapped, tmp_path, ask):
    lines = [
        "uts,artist,track",
        f"1724932800,Ann,{SECRET}",
        f"0,Ann,{SECRET}",
        f"9999999999,Ann,{SECRET}",
        f"x,Ann,{SECRET}",
    ]
    ran = brapped("import", str(written(tmp_path / "a.csv", "\n".join(lines).encode())))
    assert ran.returncode == 1
    for row in (
        "row 2: its date is before 2002 or in the future",
        "row 3: its date",
        "row 4: its date is missing, or no time",
    ):
        assert row in ran.stdout
    assert SECRET not in ran.stdout + ran.stderr
    assert ask("select count(*) from listening.fact_play") == [(1,)]


def test_an_unknown_file_gets_a_sentence_and_a_known_one_beside_it_is_read(brapped, tmp_path):
    other = written(tmp_path / "b.csv", b"day,steps\n2024-01-01,5\n")
    ran = brapped("import", str(other))
    assert ran.returncode == 1
    assert (
        "Last.fm, ListenBrainz, Maloja and Koito" in " ".join((ran.stdout + ran.stderr).split())
        or "docs/importing.md" in ran.stdout
    )
    ran = brapped("import", str(other), str(FORMS["lastfm"](tmp_path, sent())))
    assert ran.returncode == 1 and "b.csv" in ran.stdout and "40" in ran.stdout


def test_a_folder_of_tables_of_other_kinds_holds_nothing_up(take, tmp_path):
    written(tmp_path / "steps.csv", b"day,steps\n2024-01-01,5\n")
    FORMS["lastfm"](tmp_path, sent())
    receipt = take(tmp_path)
    assert [(file.file_name, file.new_count) for file in receipt.files] == [("a.csv", 40)]


def test_a_history_that_joins_a_known_one_in_its_folder_is_read(take, tmp_path):
    FORMS["lastfm"](tmp_path, sent())
    take(tmp_path)
    FORMS["koito"](tmp_path, sent(50))
    assert take(tmp_path).total.new_count == 10


def test_it_covers_nothing_and_shows_in_coverage_by_its_name(take, tmp_path, ask):
    take(FORMS["maloja"](tmp_path, sent()))
    assert ask("select count(*) from ops.coverage") == [(0,)]
    assert ask("select sum((source_counts ->> 'maloja')::integer) from listening.coverage_day") == [(40,)]


@pytest.mark.parametrize("write", [as_seconds, as_pages, as_maloja])
def test_a_large_history_is_read_with_little_more_memory_than_its_file(write):
    """At its peak, beside the file itself: a few hundred bytes a row, whatever stands in the row."""
    content = write(sent(50_000, names=5_000))
    reader = HistoryReader(NOW)
    tracemalloc.start()
    part = reader.part(JsonFile("a", "a", len(content), Path("a"), None, True), content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(part, Part) and part.row_count == 50_000
    assert peak / 50_000 < 500
