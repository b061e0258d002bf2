"""The rules of the house that a machine can check: explanations, arrows, SQL, the package."""

import ast
import graphlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCSTRING_FILES = ["__init__.py", "__main__.py", "conftest.py"]


def files_in(*folders: str, suffix: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob(f"*{suffix}"))
        if "__pycache__" not in path.parts
    ]


PROGRAM = files_in("etl", suffix=".py")
MODULES = [*ROOT.glob("*.py"), *files_in("etl", "tests", "benchmarks", suffix=".py")]
SQL = files_in("sql", suffix=".sql")


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


each_module = pytest.mark.parametrize("path", MODULES, ids=shown)
each_sql_file = pytest.mark.parametrize("path", SQL, ids=shown)


# Everything explains itself.


@each_module
def test_a_module_opens_with_what_it_is(path: Path) -> None:
    assert docstring(path).split("\n\n")[0].endswith((".", ":"))  # a sentence, or one that an example ends


@pytest.mark.parametrize("path", PROGRAM, ids=shown)
def test_a_module_of_the_program_has_one_noun_in_it(path: Path) -> None:
    lines = path.read_text("utf-8").count("\n")
    assert lines <= 330  # past some 300 it has two


CODE_FOLDERS = sorted({path.parent for path in MODULES if path.parent != ROOT} | {path.parent for path in SQL})


@pytest.mark.parametrize("folder", [*CODE_FOLDERS, ROOT / ".github/workflows"], ids=shown)
def test_a_folder_explains_itself(folder: Path) -> None:
    """In a README.md, in the docstring of its package, or by name in the README.md of a folder above."""
    above = [path / "README.md" for path in folder.parents if path.is_relative_to(ROOT) and path != ROOT]
    explained = (
        (folder / "README.md").exists()
        or any(docstring(folder / name) for name in DOCSTRING_FILES if (folder / name).exists())
        or any(re.search(rf"\b{folder.name}[/`]", path.read_text("utf-8")) for path in above if path.exists())
    )
    assert explained, f"{shown(folder)}/README.md is missing, or a word on it in the README.md of a folder above"


# Arrows point one way (docs/architecture.md).


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_name(path): path for path in PROGRAM}


def imports(path: Path) -> set[str]:
    """The modules that this one imports, anywhere in it: full names, of ours always the module itself."""
    package = module_name(path).split(".")[: None if path.name == "__init__.py" else -1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            inner = {f"{source}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else source for name in inner}
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in ("etl", "migrate", "tests", "benchmarks")}


def needs(name: str) -> set[str]:
    """All that a module imports, directly or by way of others of ours."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        new = imports(NAMES[waiting.pop()]) - reached
        reached |= new
        waiting += new & NAMES.keys()
    return reached - NAMES.keys()


PURE = [name for name, path in NAMES.items() if "Pure." in docstring(path)]


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_needs_only_the_standard_library_and_numpy(name: str) -> None:
    allowed = sys.stdlib_module_names | {"numpy"}
    assert {other for other in needs(name) if other.split(".")[0] not in allowed} == set()


def test_what_turns_spotifys_answers_into_rows_is_pure() -> None:
    assert {"etl.sources.recently_played", "etl.dimensions.transform"} <= set(PURE)


# The packages, from the top down. Each may import those below it that stand behind it, and the ground floor.
GROUND_FLOOR = [
    "clock",
    "counts",
    "deadline",
    "env_file",
    "extras",
    "interrupts",
    "json_text",
    "limits",
    "links",
    "notices",
    "paths",
    "provider_settings",
    "refused_values",
    "settings",
    "staging",
    "terminal",
    "values",
    "web_settings",
    "whole_file",
]
MAY_IMPORT = {
    "__main__": "cli",
    "cli": "demo web jobs health reports reports.formats sources.exports auth warehouse",
    "web": "jobs sources.exports reports reports.formats auth warehouse spotify",
    "demo": "jobs reports reports.formats dimensions warehouse embedded simulator",
    "jobs": "alerts health transfer sources sources.exports sources.services dimensions auth warehouse embedded spotify",
    "alerts": "health",
    "health": "dimensions auth warehouse",
    "reports.formats": "reports warehouse",
    "reports": "warehouse",
    "transfer": "sources warehouse",
    "sources": "sources.exports dimensions",
    "sources.exports": "",
    "sources.services": "sources.exports",
    "dimensions": "warehouse spotify",
    "auth": "warehouse spotify",
    "warehouse": "embedded",
    "embedded": "",
    "spotify": "",
    "simulator": "",
}


def package_of(module: str) -> str:
    """The package that a module belongs to, without `etl.`: the longest in the table. Of the ground floor, its own name."""
    inside = module.removeprefix("etl.")
    homes = [name for name in MAY_IMPORT if within(inside, name)]
    return max(homes, key=len) if homes else inside


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def arrows() -> list[tuple[str, str]]:
    """Which module imports which, of ours; `from etl import __version__` is none."""
    return [(name, other) for name, path in NAMES.items() for other in ours(path) - {"etl"} if within(other, "etl")]


def test_a_package_imports_only_what_stands_below_it() -> None:
    wrong = [
        f"{name} imports {other}, but {package_of(name)} may not import {package_of(other)}"
        for name, other in arrows()
        if (home := package_of(name)) != package_of(other)
        and package_of(other) not in (*MAY_IMPORT.get(home, "").split(), *GROUND_FLOOR)
    ]
    assert wrong == []


def test_each_module_has_a_place_and_each_arrow_of_the_table_is_there() -> None:
    """A table that allows more than there is would not be noticed when something new begins to use it."""
    assert {package_of(name) for name in NAMES} - {"etl"} == {*MAY_IMPORT, *GROUND_FLOOR}
    drawn = {(package_of(name), package_of(other)) for name, other in arrows()}
    allowed = {(name, other) for name, others in MAY_IMPORT.items() for other in others.split()}
    assert allowed - drawn == set()


def test_the_table_of_packages_has_no_circle() -> None:
    graphlib.TopologicalSorter({name: others.split() for name, others in MAY_IMPORT.items()}).prepare()


def test_the_program_imports_neither_its_tests_nor_the_programs_that_stand_on_it() -> None:
    above = {(name, other) for name, path in NAMES.items() for other in ours(path) if not within(other, "etl")}
    assert above == set()


def test_no_two_modules_need_each_other() -> None:
    graphlib.TopologicalSorter({name: ours(path) - {name} for name, path in NAMES.items()}).prepare()


def test_alerts_need_only_the_standard_library() -> None:
    """A workflow runs `python3 -m etl.alerts` with the runner's own Python, where nothing may be installed."""
    assert {
        other for other in needs("etl.alerts.__main__") if other.split(".")[0] not in sys.stdlib_module_names
    } == set()


# SQL reads the same in every file.

KEYWORDS = re.compile(
    r"""\b(?:add|all|alter|analyze|and|any|array|as|asc|between|bigint|boolean|by|cascade|case|check|coalesce|column
    |comment|commit|constraint|create|cross|date|default|deferrable|delete|desc|distinct|do|drop|else|end|except|exists
    |false|filter|for|foreign|from|full|function|generated|group|having|identity|if|in|index|inner|insert|integer
    |intersect|interval|into|is|join|key|lateral|left|like|limit|materialized|merge|not|null|numeric|nulls|offset|on|or
    |order|outer|over|partition|primary|references|replace|returning|returns|right|row|rows|schema|select|sequence|set
    |smallint|table|temporary|text|then|timestamptz|to|true|truncate|union|unique|update|using|values|view|when|where
    |window|with)\b""",
    re.IGNORECASE | re.VERBOSE,
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
TEXT = re.compile(r"'(?:[^']|'')*'")
BOUND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")  # what SQLAlchemy takes for a parameter, in comments too


def code(path: Path) -> str:
    """The file without its texts and comments. Texts go first, one with two dashes in it is no comment."""
    text = path.read_text("utf-8")
    both = re.compile(f"{TEXT.pattern}|{COMMENT.pattern}", re.DOTALL)
    return both.sub(lambda found: "''" if found[0].startswith("'") else " ", text)


def comments(path: Path) -> list[str]:
    return COMMENT.findall(TEXT.sub("''", path.read_text("utf-8")))


@each_sql_file
def test_keywords_are_in_lower_case(path: Path) -> None:
    unquoted = re.sub(r'"[^"]*"', "", code(path))
    assert {word for word in KEYWORDS.findall(unquoted) if word != word.lower()} == set()


@each_sql_file
def test_columns_are_listed_never_starred(path: Path) -> None:
    """Only a step that the same file names, and so lists, may be taken on whole, or a temporary table: `spaced.*`."""
    steps = re.findall(r"\b(\w+)\s+as\s+(?:not\s+)?(?:materialized\s+)?\(|\)\s+as\s+(\w+)", code(path))
    temporary = re.findall(r"create temporary table (\w+)", "".join(code(file) for file in SQL))
    steps = sorted({*temporary, *(name for pair in steps for name in pair)})
    starred = re.findall(r"(?:\bselect|,)\s+(?:distinct\s+|all\s+)?(?:([\w.]+)\.)?\*", code(path))
    assert [source or "*" for source in starred if source not in steps] == []


@each_sql_file
def test_no_name_is_one_letter(path: Path) -> None:
    named = re.findall(r"\b(?:as|from\s+[\w.]+|join\s+[\w.]+|\))\s+([a-z])\b(?!\.)", code(path))
    assert named == []


@each_sql_file
def test_a_comment_holds_nothing_that_looks_like_a_parameter(path: Path) -> None:
    assert [found[0] for comment in comments(path) for found in BOUND.finditer(comment)] == []


@each_sql_file
def test_a_file_opens_with_what_it_is_and_ends_with_a_line(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("-- ") and text.endswith("\n") and not text.endswith("\n\n")
    assert "\t" not in text and "\r" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


RUNNERS = {"run", "run_with_columns", "stream", "run_script", "script"}


def named_files(path: Path) -> set[str]:
    """Names of SQL files that a module hands to the functions of etl/warehouse/statements.py."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    asked = [call.args for call in calls if isinstance(call.func, ast.Name) and call.func.id in RUNNERS]
    named = [one for arguments in asked for given in arguments[:2] for one in ast.walk(given)]
    return {one.value for one in named if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_every_sql_file_that_the_program_names_is_there() -> None:
    files = {path.relative_to(ROOT / "sql").with_suffix("").as_posix() for path in SQL}
    modules = [path for path in MODULES if path.is_relative_to(ROOT / "etl") and "embedded" not in path.parts]
    named = {name for path in modules for name in named_files(path)}
    folders = {name for name in named if name.endswith("/")}  # the beginning of an f-string
    assert named - folders - files == set() and len(named) > 80
    assert [name for name in folders if not (ROOT / "sql" / name).is_dir()] == []


def test_functions_and_views_have_names_of_their_own() -> None:
    names = [path.stem for path in SQL if path.parent.name in {"functions", "views"}]
    assert [name for name in names if names.count(name) > 1] == []


def test_schema_files_are_numbered_without_a_hole() -> None:
    names = sorted(path.name for path in (ROOT / "sql/schema").glob("*.sql"))
    assert [name for name in names if not re.fullmatch(r"\d{3}_[a-z0-9_]+\.sql", name)] == []
    assert [int(name[:3]) for name in names] == list(range(1, len(names) + 1))


# The package.


def test_an_installed_program_carries_its_sql_along(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        held = set(package.namelist())
    assert {f"etl/{shown(path)}" for path in SQL} == {name for name in held if name.endswith(".sql")}
    assert {shown(path) for path in PROGRAM} | {"etl/migrate.py"} <= held
    assert {shown(path) for path in (ROOT / "etl" / "templates").iterdir()} <= held
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} == {"etl"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in held)


def test_nothing_of_a_run_is_kept_in_the_repository() -> None:
    """Folders that commands leave behind are ignored, so that `git add .` after `make test` adds only sources."""
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert {".venv/", "__pycache__/", ".env", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/"} <= set(ignored)
