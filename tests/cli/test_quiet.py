"""`--quiet`: a run that brings nothing new prints nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ago

from etl.simulator.routes import Play


def test_quiet_says_nothing_unless_something_is_new_or_wrong(brapped, play, songs):
    play(Play(next(iter(songs.tracks)), ago(5)))
    first, second = (brapped("plays", "--quiet") for _ in range(2))
    assert first.stdout.startswith("1 of 1 play is new") and first.returncode == 0
    assert (second.stdout, second.stderr, second.returncode) == ("", "", 0)
    assert brapped("plays").stdout.startswith("0 of 1 play")
    wrong = brapped("plays", "--quiet", SPOTIFY_CLIENT_SECRET="not-the-secret-of-this-app-000000")
    assert wrong.returncode == 1 and wrong.stderr


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder which the account of the embedded Postgres may enter."""
    folder = Path(tempfile.mkdtemp(prefix="test-brapped-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def test_quiet_says_nothing_of_the_database_of_its_own_either(brapped, home):
    place = {"DATABASE_URL": "", "BRAPPED_HOME": str(home)}
    loud = brapped("plays", **place)
    assert loud.returncode == 0 and "DATABASE_URL is not set: recording in " in loud.stderr
    quiet = brapped("plays", "--quiet", **place)
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == ("", "", 0)
