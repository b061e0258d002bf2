"""The locks and the extras: each lock holds what pyproject.toml asks for, and each job runs on its own lock."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.locks import LOCKS, ROOT, entries

from etl.extras import EXTRAS, NEEDED_FOR, advice, missing_extra

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OPTIONAL = {
    name: [text for text in texts if not text.startswith("brapped[")]
    for name, texts in PROJECT["project"]["optional-dependencies"].items()
}
each_lock = pytest.mark.parametrize("lock", LOCKS)


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def test_every_lock_is_in_the_table_and_in_the_makefile() -> None:
    assert {path.name for path in ROOT.glob("requirements*.txt")} == set(LOCKS)
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\nlock:")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"--output-file (\S+)", recipe)) == sorted(LOCKS)


LOCK_OF_TESTS = "requirements-dev.txt"


@each_lock
def test_a_lock_names_no_index_and_no_address(lock: str) -> None:
    text = re.sub(r"--hash=sha256:\w+", "", (ROOT / lock).read_text("utf-8"))
    assert re.findall(r"--\S+|^\s*-.*|.*://.*|.* @ .*", text, re.MULTILINE) == []


@each_lock
def test_each_requirement_of_a_lock_is_one_version_with_its_hashes(lock: str) -> None:
    for requirement, hashes in entries(lock):
        assert [specifier.operator for specifier in requirement.specifier] == ["=="], requirement
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


@each_lock
def test_a_lock_holds_what_pyproject_asks_for(lock: str) -> None:
    asked = PROJECT["project"]["dependencies"] + [text for extra in LOCKS[lock] for text in OPTIONAL[extra]]
    if lock == "requirements-dev.txt":
        asked += PROJECT["dependency-groups"]["dev"]
    held = [requirement for requirement, _ in entries(lock)]
    for wanted in map(Requirement, asked):
        pins = [pin for pin in held if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
        assert pins and all(next(iter(pin.specifier)).version in wanted.specifier for pin in pins), wanted


@each_lock
def test_a_lock_holds_nothing_of_an_extra_that_is_not_its_own(lock: str) -> None:
    others = {name for extra, texts in OPTIONAL.items() if extra not in LOCKS[lock] for name in names(texts)}
    assert {canonicalize_name(pin.name) for pin, _ in entries(lock)} & others == set()


@each_lock
def test_the_tests_run_on_the_very_versions_that_the_program_runs_on(lock: str) -> None:
    """A package may be for more systems in the lock of the tests; what is installed is the same."""
    locked = ({f"{pin.name}{pin.specifier}": hashes for pin, hashes in entries(one)} for one in (lock, LOCK_OF_TESTS))
    ours, dev = locked
    assert ours.items() <= dev.items()


# What an installation lacks.


def test_all_is_every_extra() -> None:
    [text] = PROJECT["project"]["optional-dependencies"]["all"]
    assert Requirement(text).extras == set(OPTIONAL) - {"all"}


def test_a_package_of_an_extra_is_named_with_the_extra_that_brings_it() -> None:
    direct = {(name, extra) for extra, texts in OPTIONAL.items() for name in names(texts)}
    named = {(package.replace("_", "-").replace("PIL", "pillow"), extra) for package, extra in EXTRAS.items()}
    assert named == direct
    assert set(NEEDED_FOR) == set(EXTRAS.values())


def test_only_an_import_of_a_missing_extra_becomes_advice() -> None:
    sentence = advice("numpy")
    assert sentence.startswith("The package numpy is not installed.") and "pip install '.[import]'" in sentence
    assert missing_extra(ModuleNotFoundError("No module", name="numpy.linalg")) == sentence
    assert missing_extra(ModuleNotFoundError("No module", name="etl.nothing")) is None
    assert missing_extra(ImportError("cannot import name", name="numpy")) is None  # installed, but broken
    assert missing_extra(ValueError("numpy")) is None
