"""`brapped demo`: the whole main job in one command, and the numbers it shows counted by other means."""

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support import ROOT, asked

from etl import demo as story
from etl.embedded.postgres import embedded_postgres
from etl.simulator.catalogue import catalogue
from etl.simulator.listener import TIME_ZONE
from etl.simulator.providers import made_up_providers


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="brapped-demo-"))
    folder.chmod(0o711)
    yield folder / "demo"
    shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program beside `folder`, which is where the demo runs when nobody names another."""
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder.parent)}
    return subprocess.run(
        command, env={**known, "BRAPPED_HOME": str(folder.parent), **environment},
        cwd=folder.parent, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip


def run_demo(folder: Path) -> str:
    ran = run(folder, sys.executable, "-m", "etl", "demo")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    return run_demo(folder)


def plays_that_the_windows_held() -> set:
    """By hand: at each run the fifty newest plays that had arrived."""
    [listener] = story.world().listeners
    evenings = [story.TODAY - timedelta(days=ago) + timedelta(hours=23, minutes=17) for ago in range(story.DAYS, 0, -1)]
    hours = [story.TODAY + timedelta(hours=hour, minutes=17) for hour in story.HOURS]
    held = set()
    for at in [*evenings, *hours]:
        arrived = [play for play in listener.plays if (play.arrives_at or play.played_at) <= at]
        held |= {(play.track_id, play.played_at) for play in sorted(arrived, key=lambda play: play.played_at)[-50:]}
    return held


def test_the_demo_ends_in_a_report_of_exactly_what_the_windows_held(printed, folder):
    held = plays_that_the_windows_held()
    [listener] = story.world().listeners
    day = [(track, at) for track, at in held if at.astimezone(ZoneInfo(TIME_ZONE)).date() == story.TODAY.date()]
    assert re.search(rf"^this day +{len(day)} .* {len({track for track, _ in day})}\b", printed, re.MULTILINE)
    with embedded_postgres(folder / "demo-postgres") as url:
        recorded = asked(
            url,
            "select count(*), count(distinct track_id) from listening.fact_play join listening.dim_track using (track_key)",
        )
        assert recorded == [(len(held), len({track for track, _ in held}))]
        # one binge lost some, and only that
        first = min(at for _, at in held)
        lost = [play for play in listener.plays if play.played_at >= first and (play.track_id, play.played_at) not in held
                and play.played_at <= story.TODAY + timedelta(hours=20, minutes=17)]  # fmt: skip
        [(starts_at, ends_at)] = asked(url, "select starts_at, ends_at from ops.coverage where state = 'gap'")
        assert lost and all(starts_at < play.played_at < ends_at for play in lost)


def test_the_demo_leaves_a_page_of_the_year_of_exactly_what_the_windows_held(printed, folder):
    """How long a play was is estimated by hand: as long as the track, or as there was time; thirty seconds make a play."""
    page = folder / "wrapped-2026.html"
    assert f"The year as a page, for any browser: {page}" in printed
    held = sorted((at, track) for track, at in plays_that_the_windows_held())
    tracks = catalogue().tracks
    lengths = []
    for number, (at, track) in enumerate(held):
        gap = (at - held[number - 1][0]) / timedelta(milliseconds=1) if number else math.inf
        length = tracks[track].duration_ms
        lengths.append(length if gap >= length - 12_000 else gap)
    played = [length for length in lengths if length >= 30_000]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))
    assert f"{round(sum(played) / 60_000):,} minutes {len(played):,} plays" in text


def test_the_demo_holds_the_features_and_genres_that_its_providers_know(printed, folder):
    """Of the tracks that were played, and from the providers' own lists."""
    knows = made_up_providers(catalogue())
    played = {track for track, _ in plays_that_the_windows_held()}
    by_id = {one.track_id: one.features for one in knows.recordings if one.features and not one.is_by_isrc}
    with embedded_postgres(folder / "demo-postgres") as url:
        rows = asked(
            url,
            "select track_id, energy::text, provider from listening.chosen_feature"
            " join listening.dim_track using (track_key) where matched_by = 'id'",
        )
        named = asked(url, "select distinct provider from listening.chosen_genre")
    assert {track: float(energy) for track, energy, _ in rows} == {
        track: features["energy"] for track, features in by_id.items() if track in played
    }
    assert {provider for _, _, provider in rows} == {"reccobeats"}
    assert {("spotify",), ("listenbrainz",), ("wikidata",)} <= set(named)


def test_everything_that_the_story_promises_happens(printed):
    for promise in ("probably lost", "arrive late", "changed the date", "429", "401", "0 missing", "README"):
        assert promise in re.sub(r"\s+", " ", printed), promise
    assert len(re.findall(r"^  20 Nov \d\d:17 ", printed, re.MULTILINE)) == 12


def test_the_report_fits_eighty_columns_and_holds_no_colour_in_a_pipe(printed):
    assert "\x1b" not in printed
    assert max(len(line) for line in printed.splitlines() if "/" not in line) <= 80


def test_a_second_demo_in_the_same_folder_is_refused_and_a_real_record_beside_it_left_alone(printed, folder):
    with story.only_demo(folder):
        ran = subprocess.run(
            [sys.executable, "-m", "etl", "demo", "--folder", str(folder)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder.parent)},
            cwd=folder.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, f"brapped: Another demo is running in {folder}.\n")
    assert not (folder / "postgres").exists()


def printed_commands(printed: str) -> list[str]:
    return re.findall(r"^  (.* --demo .*)$", printed, re.MULTILINE)


@pytest.fixture
def elsewhere(folder) -> Iterator[None]:
    """A `.env` and an environment that name a database which `--demo` has to leave alone."""
    env_file = folder.parent / ".env"
    env_file.write_text("DATABASE_URL=nonsense\nTIME_ZONE=nowhere\n")
    yield
    env_file.unlink()


def test_the_commands_that_the_demo_ends_with_work_as_printed_beside_a_real_record(printed, folder, elsewhere):
    commands = printed_commands(printed)
    assert [command.partition(" --demo ")[2] for command in commands] == [
        "report daily", "report top artists", "report features", "search love", "status",
    ]  # fmt: skip
    nobody = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "TIME_ZONE": "nowhere"}
    daily, top, features, search, status = (run(folder, *shlex.split(command), **nobody) for command in commands)
    assert [ran.stderr for ran in (daily, top, features, search, status)] == [""] * 5
    assert [ran.returncode for ran in (daily, top, features, search)] == [0] * 4
    assert daily.stdout.strip() and daily.stdout.strip() in printed
    assert top.stdout.startswith("Top artists by plays\n") and "Artists" in search.stdout
    assert "Most typical" in features.stdout and "ReccoBeats" in features.stdout
    # The binge of the story is a gap, and nothing else needs anybody.
    assert status.returncode == 1
    [_, needed] = status.stdout.split("Somebody should look:")
    assert re.findall(r"^  ([A-Z].*)$", needed, re.MULTILINE)[0] == "Plays were probably lost"
    assert "clock" not in needed and "stopped" not in needed


def test_the_commands_for_a_record_of_ones_own_can_be_typed_as_printed(printed, folder):
    [steps] = re.findall(r"It takes an evening\. Then:\n\n((?:  .+\n)+)", printed)
    commands = [re.split(" {3,}", line.strip())[0] for line in steps.splitlines()]
    assert [shlex.split(command)[-1] for command in commands] == ["plays", "dimensions", "daily", "--help"]
    for command in commands:
        ran = run(folder, *shlex.split(command), "--help")
        assert (ran.returncode, ran.stderr) == (0, "") and "Usage: " in ran.stdout


@pytest.mark.parametrize("command", ["plays", "dimensions", "import x.zip", "login", "migrate", "demo"])
def test_a_command_that_writes_refuses_to_do_so_in_the_demo(command, tmp_path):
    ran = run(tmp_path / "demo", sys.executable, "-m", "etl", "--demo", *command.split())
    assert (ran.returncode, ran.stdout) == (2, "")
    assert (
        f"--demo only reads, with report, search or status; leave it out of 'brapped {command.split()[0]}'"
        in ran.stderr
    )
    assert list(tmp_path.iterdir()) == []


def test_without_a_demo_there_is_nothing_to_read(tmp_path):
    ran = run(tmp_path / "demo", sys.executable, "-m", "etl", "--demo", "status")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert (
        ran.stderr == f"brapped: There is no demo in {tmp_path / 'demo'}: run 'brapped demo' first, without --folder.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_second_demo_prints_the_same_to_the_letter(printed, folder):
    assert run_demo(folder) == printed
