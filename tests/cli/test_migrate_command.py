"""`brapped migrate` is `migrate.py`."""

import subprocess
import sys

import pytest
from support import ROOT


@pytest.mark.parametrize("arguments", [("--check",), (), ("--check", "--dry-run"), ("--nonsense",), ("--backup", ".")])
def test_brapped_migrate_is_migrate_py(arguments, brapped, environment, tmp_path):
    script = subprocess.run(
        [sys.executable, ROOT / "migrate.py", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    command = brapped("migrate", *arguments)
    assert (command.returncode, command.stdout) == (script.returncode, script.stdout)
    assert command.stderr == script.stderr.replace("python migrate.py", "brapped migrate")


def test_its_help_is_its_own(brapped):
    shown = brapped("migrate", "--help")
    assert shown.returncode == 0 and shown.stdout.startswith("usage: brapped migrate ")
    assert "brapped migrate --backup brapped.zip" in shown.stdout and "python migrate.py" not in shown.stdout


def test_debug_shows_where_a_migration_failed(brapped, tmp_path):
    nothing = str(tmp_path / "nothing.zip")
    plain, debug = brapped("migrate", "--restore", nothing), brapped("--debug", "migrate", "--restore", nothing)
    assert (plain.returncode, debug.returncode) == (1, 1)
    assert plain.stderr.startswith("migrate: ") and "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr and "open_backup" in debug.stderr
