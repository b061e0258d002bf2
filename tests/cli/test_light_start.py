"""What a command imports: pandas, numpy, templates and what sends requests only where it needs them."""

import subprocess
import sys

import pytest
from support import ROOT, ago

from etl.simulator.routes import Play

HEAVY = {"pandas", "numpy", "jinja2", "msgspec"}
LISTED = """
import sys
from etl.cli.app import main
try:
    main()
finally:
    print("imported:", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def imported(environment: dict[str, str], *arguments: str) -> set[str]:
    """The top-level modules that a command has imported when it ends well."""
    ran = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return set(ran.stderr.splitlines()[-1].split()[1:])


@pytest.fixture
def one_play(brapped, play, songs) -> None:
    play(Play(next(iter(songs.tracks)), ago(5)))
    brapped("plays")


def test_a_command_that_only_carries_rows_starts_without_frames_and_charts(environment, one_play):
    commands = (
        "plays",
        "dimensions",
        "status",
        "search a",
        "report daily",
        "report daily --format markdown",
        "report wrapped",
        "report history",
    )
    modules = {command: imported(environment, *command.split()) for command in commands}
    assert all("sqlalchemy" in names for names in modules.values())
    assert {command: names & HEAVY for command, names in modules.items()} == {command: set() for command in commands}


def test_data_is_written_without_what_draws_tables(environment, one_play):
    for form in ("json", "csv"):
        assert not {"rich", "filelock", *HEAVY} & imported(environment, "report", "daily", "--format", form)


def test_a_page_with_charts_needs_templates_alone(environment, one_play):
    assert imported(environment, "report", "wrapped", "--format", "html") & HEAVY == {"jinja2"}


def test_a_command_that_asks_the_database_alone_starts_without_what_sends_requests(environment, one_play):
    for command in ("status", "report daily", "search a"):
        assert "requests" not in imported(environment, *command.split()), command
