"""The Makefile, run in a scratch folder with stand-ins for Python."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = ["requirements.txt", "requirements-dev.txt"]

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    for name in ("Makefile", "pyproject.toml", *INSTALLED):
        if not (folder / name).exists():
            shutil.copy(ROOT / name, folder)
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    return subprocess.run(["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)


def python(folder: Path, text: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"PYTHON={path}"


@needs_make
@pytest.mark.parametrize(
    ("stand_in", "sentence"),
    [
        ("exit 127", "needs Python 3.11 or newer, and "),
        ('case "$2$1" in *version_info*) exit 1;; -V) echo Python 3.9.2;; esac', "is Python 3.9.2. Name a newer"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "apt install python3-venv"),
    ],
    ids=["absent", "old", "without venv"],
)
@pytest.mark.parametrize("goal", ["demo", "test"])
def test_make_says_in_one_line_what_python_it_needs(goal: str, stand_in: str, sentence: str, tmp_path: Path) -> None:
    done = make(tmp_path, goal, python(tmp_path, stand_in))
    [message, failed] = done.stderr.splitlines()
    assert sentence in message
    assert failed.startswith("make: ***") and done.returncode != 0
    assert not (tmp_path / ".venv").exists()


FAKE_VENV = """
case "$*" in "-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; esac
echo "$@" >> calls
"""


@needs_make
def test_make_installs_once_and_again_when_a_lock_has_changed(tmp_path: Path) -> None:
    def installed(*arguments: str) -> list[str]:
        (tmp_path / "calls").unlink(missing_ok=True)
        done = make(tmp_path, *arguments, python(tmp_path, FAKE_VENV))
        assert done.returncode == 0, done.stderr
        lines = (tmp_path / "calls").read_text().splitlines()
        return [line.rpartition(" ")[2] for line in lines if " install " in line] + [lines[-1]]

    def change(lock: str) -> None:
        stamps = [".venv/.installed-run", ".venv/.installed-dev"]
        for name in (".venv/bin/python", "pyproject.toml", *INSTALLED, *stamps):
            moment = 3000 if name == lock else 2000 if name in stamps else 1000
            os.utime(tmp_path / name, (moment, moment))

    tests = "-m pytest --quiet --numprocesses auto --maxprocesses 4 --dist worksteal"
    assert installed("demo") == ["requirements.txt", "-m etl demo"]
    assert installed("demo") == ["-m etl demo"]
    assert installed("-j4", "test") == ["requirements-dev.txt", ".", tests]
    assert installed("test") == [tests]
    change("requirements-dev.txt")
    assert installed("demo") == ["-m etl demo"]
    assert installed("test") == ["requirements-dev.txt", ".", tests]
    change("requirements.txt")
    assert installed("test") == ["requirements.txt", "requirements-dev.txt", ".", tests]
    assert installed("test") == [tests]


@needs_make
def test_make_sets_up_anew_when_the_python_of_its_environment_is_gone(tmp_path: Path) -> None:
    assert make(tmp_path, "demo", python(tmp_path, FAKE_VENV)).returncode == 0
    (tmp_path / ".venv/bin/python").unlink()
    (tmp_path / "calls").unlink()
    assert make(tmp_path, "demo", python(tmp_path, FAKE_VENV)).returncode == 0
    done = (tmp_path / "calls").read_text()
    assert "-m venv --clear .venv\n" in done and "--requirement requirements.txt\n" in done


@needs_make
def test_make_alone_lists_what_it_can_do(tmp_path: Path) -> None:
    listed = re.findall(r"^make (\w+)\t\S", make(tmp_path).stdout, re.MULTILINE)
    [phony] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert listed == phony.split()
    assert {"demo", "test"} <= set(listed)


@needs_make
def test_make_check_leaves_out_the_slow_tests_and_make_test_does_not(tmp_path: Path) -> None:
    """Both lint first, and share the work out as it is left over."""
    commands = {}
    for goal in ("check", "test"):
        (tmp_path / "calls").unlink(missing_ok=True)
        assert make(tmp_path, goal, python(tmp_path, FAKE_VENV)).returncode == 0
        commands[goal] = [line for line in (tmp_path / "calls").read_text().splitlines() if "install" not in line][-5:]
    assert sorted(commands["check"][:4]) == sorted(commands["test"][:4])  # two of them run at once
    for called in commands.values():
        assert sorted(line.split()[1] for line in called[:4]) == ["mypy", "ruff", "ruff", "sqlfluff"]
        assert called[4].split()[1] == "pytest"
    assert commands["check"][4] == f"{commands['test'][4]} -m not slow"


@needs_make
@pytest.mark.parametrize("failing", ["ruff check", "ruff format", "mypy", "sqlfluff"])
def test_make_lint_fails_if_one_part_does_and_shows_what_each_says(failing: str, tmp_path: Path) -> None:
    says = f'case "$*" in "-m {failing}"*) echo "{failing} is unhappy"; exit 1;; "-m sqlfluff"*) echo finished;; esac'
    done = make(tmp_path, "test", python(tmp_path, FAKE_VENV + says))
    assert done.returncode != 0
    said = (done.stdout + done.stderr).splitlines()
    assert f"{failing} is unhappy" in said and ("finished" in said) == (failing != "sqlfluff")
    calls = (tmp_path / "calls").read_text().splitlines()
    assert sorted(call.split()[1] for call in calls[-4:]) == ["mypy", "ruff", "ruff", "sqlfluff"]  # and no test ran
