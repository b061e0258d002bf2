"""Histories of other services, taken back, and deleted with their listener: as if they had never been imported."""

from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jobs.test_undo import DAY, PAGE, A, B, Imports, S, T, U, imports, kept, shared  # noqa: F401
from support import NOW
from support.cases import exported
from support.scrobbled import Sent, as_koito, as_listens, as_maloja, as_minutes, as_pages, as_seconds
from support.truth_sources import made_up_sources

from etl.jobs.imports import import_exports
from etl.jobs.listeners import delete_listener

SONGS = {song.letter: song for song in (S, T, U)}
AUDIO = "Streaming_History_Audio_2026.json"


def sent(seconds: int, letter: str = "S") -> Sent:
    """A scrobble that began so many seconds from NOW."""
    song = SONGS[letter]
    return Sent(round(NOW.timestamp() * 1000) + seconds * 1000, song.by[0], song.name or "", "Album", song.uri or "")


def written(folder: Path, kind: str, told: list[Sent]) -> Path:
    """A folder with the history as the service writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "listens":
        for name, content in as_listens(told):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder
    form, name = {
        "seconds": (as_seconds, "scrobbles.csv"),
        "minutes": (as_minutes, "lastfm.csv"),
        "pages": (as_pages, "lastfm.json"),
        "maloja": (as_maloja, "maloja_export.json"),
        "koito": (as_koito, "koito_export.json"),
    }[kind]
    (folder / name).write_bytes(form(told))
    return folder


def take(imports: Imports, kind: str, told: list[Sent], listener: str = "one") -> int:  # noqa: F811
    """Import a history; its number."""
    imports.count += 1
    folder = written(imports.record.folder / f"history{imports.count}", kind, told)
    record = imports.record
    receipt = import_exports(record.settings, record.warehouse, [folder], listener=listener, clock=lambda: NOW)
    assert receipt.is_good and receipt.total.row_count == len(told)
    [(number,)] = imports.ask("select max(run_key) from ops.run where job = 'import'")
    return number


# S is the list's and A's, T the list's and that of both exports; U at -9 000 s both exports', the rest the service's alone.
HEARD = [sent(-510), sent(-1_100, "T"), sent(-9_200, "U"), sent(-40_000, "U"), sent(-41_000, "T")]
OVERLAP = [sent(-1_100, "T"), sent(-41_000, "T"), sent(-60_000)]


@pytest.mark.parametrize("kind", ["seconds", "minutes", "pages", "listens", "maloja", "koito"])
def test_a_history_taken_back_leaves_what_the_others_report(imports: Imports, kind: str) -> None:  # noqa: F811
    chance = Random(kind)
    for order in chance.sample(list(permutations("HOABp")), 3):
        imports.forget()
        numbers = {}
        for name in order:
            if name == "p":
                imports.page(PAGE)
            elif name in "AB":
                imports.bring({"A": A, "B": B}[name])
            else:
                numbers[name] = take(imports, kind, {"H": HEARD, "O": OVERLAP}[name])
        whole = imports.state()
        preview = imports.undo(numbers["H"], dry_run=True)
        done = imports.undo(numbers["H"])
        # two are the other history's, too; of the three others two are plays that Spotify reports
        assert (done.gone_count, done.kept_count) == (preview.gone_count, preview.kept_count) == (3, 2)
        assert done.removed_count == preview.removed_count == 1
        left = imports.state()
        take(imports, kind, HEARD)
        assert imports.state() == whole
        imports.forget()
        for name in order:
            if name == "p":
                imports.page(PAGE)
            elif name in "AB":
                imports.bring({"A": A, "B": B}[name])
            elif name == "O":
                take(imports, kind, OVERLAP)
        assert imports.state() == left


def test_an_export_taken_back_leaves_the_scrobbles_of_its_plays(imports: Imports) -> None:  # noqa: F811
    take(imports, "seconds", HEARD)
    take(imports, "maloja", OVERLAP)
    before = imports.state()
    number, _ = imports.bring({AUDIO: [exported(-310, S), exported(-900, T), exported(-30 * DAY, U)]})
    assert imports.state() != before
    done = imports.undo(number)
    assert (done.gone_count, done.removed_count, done.staying_count) == (3, 1, 2)
    assert imports.state() == before


@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each example takes some seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10_000))
def test_of_a_made_up_truth_it_is_the_same(kept: Imports, seed: int) -> None:  # noqa: F811
    """Histories of two services and an export of the same days, in any order; one or two of them taken back."""
    chance = Random(seed)
    made = made_up_sources(seed, days=2)
    files = {name: rows for name, rows in made.extended.files.items() if "Audio" in name}
    heard = [
        Sent(
            round(NOW.timestamp() * 1000) - 400 * DAY * 1000 + place * 171_000 + chance.randrange(90_000),
            row["master_metadata_album_artist_name"],
            row["master_metadata_track_name"],
            "Album",
            row["spotify_track_uri"],
        )
        for place, row in enumerate(row for rows in files.values() for row in rows if row["master_metadata_track_name"])
    ]
    # what the export has as the service would have dated it, and some that only the service knows
    steps: list[tuple[str, str, Any]] = [("export", "", files)]
    for number, kind in enumerate(("seconds", "listens", "maloja")):
        part = [one for one in of_export(files, chance) if chance.random() < 0.7]
        steps.append((f"history{number}", kind, part + [one for one in heard if chance.random() < 0.1]))
    chance.shuffle(steps)
    gone = chance.sample([name for name, _, _ in steps], chance.choice((1, 2)))

    def load(without: list[str]) -> dict[str, int]:
        kept.forget()
        numbers = {}
        for name, kind, what in steps:
            if name in without:
                continue
            numbers[name] = take(kept, kind, what) if kind else kept.bring(what)[0]
        return numbers

    numbers = load([])
    for name in gone:
        preview = kept.undo(numbers[name], dry_run=True)
        done = kept.undo(numbers[name])
        assert (preview.gone_count, preview.removed_count) == (done.gone_count, done.removed_count)
    left = kept.state()
    load(gone)
    assert kept.state() == left


def of_export(files: dict[str, list[dict[str, Any]]], chance: Random) -> list[Sent]:
    """The plays of an export of which a minute was heard, by their start, a few seconds off."""
    from datetime import datetime

    found = []
    for row in (row for rows in files.values() for row in rows):
        if row["ms_played"] < 60_000 or not row["master_metadata_track_name"]:
            continue
        end = datetime.fromisoformat(row["ts"].replace("Z", "+00:00")).timestamp()
        at = round(end * 1000) - row["ms_played"] + chance.randrange(-3, 4) * 1000
        artist, title = row["master_metadata_album_artist_name"], row["master_metadata_track_name"]
        found.append(Sent(at // 1000 * 1000, artist, title, "Album", row["spotify_track_uri"]))
    return found


def test_deleted_with_their_listener_others_are_as_they_were(imports: Imports) -> None:  # noqa: F811
    take(imports, "seconds", HEARD)
    imports.bring(A)
    before = imports.state()
    imports.record.listener_keys["third"] = imports.record.listener("third")
    for kind in ("seconds", "listens"):
        take(imports, kind, HEARD, "third")
    imports.bring(B, listener="third")
    done = delete_listener(imports.record.warehouse, "third", dry_run=False, is_public=False, clock=lambda: NOW)
    assert done.row_counts["listening.observation"] == 2 * len(HEARD) + 3  # B says one thing twice
    assert imports.state() == before
