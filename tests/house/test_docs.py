"""The documents tell the truth: every command, setting, table and folder is in them, and nothing that is not there."""

import ast
import importlib.util
import os
import re
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from support import ROOT

from etl import __version__
from etl.cli.app import app
from etl.settings import Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
NOT_OURS = {".git", ".venv", "node_modules", "build", "dist"}


def files_of_ours() -> list[str]:
    """Every file of the clone, as `etl/clock.py`, without what commands leave behind."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith("_cache")]
        found += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
    return sorted(found)


FILES = files_of_ours()
PAGES = [name for name in FILES if name.endswith(".md")]
LONGEST_LINE = 120
LONGEST_ROW = 180  # of a table, which can't be broken, without the targets of its links
LARGEST_PICTURE = 150_000  # bytes
SET_BY_GITHUB = {
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_OUTPUT",
    "GITHUB_EVENT_PATH",
    "GITHUB_REPOSITORY_ID",
    "GITHUB_RUN_NUMBER",
}


def dictionary() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dictionary", ROOT / "docs" / "dictionary.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_tables_is_that_of_the_database(warehouse):
    page = warehouse.transaction(dictionary().page)
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == page, (
        "run: python docs/dictionary.py > docs/tables.md"
    )


def test_the_readme_lists_every_command_and_no_other():
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    assert set(re.findall(r"^\| `brapped (\w+)", README, re.MULTILINE)) == commands


def test_the_setup_page_lists_every_setting_and_no_other():
    settings = {name.upper() for name in Settings.model_fields} - SET_BY_GITHUB
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", SETUP, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"[A-Z_]+", row)} == settings


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())


each_page = pytest.mark.parametrize("page", PAGES)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_link_to_a_file_leads_somewhere(page):
    text = without_code(text_of(page))
    targets = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'(?:href|src)="([^"]+)"', text)]
    for target in targets:
        if not target.startswith(("http://", "https://")):
            name, _, anchor = target.replace("\\", "").partition("#")
            leads_to = (ROOT / page).parent / name if name else ROOT / page
            assert leads_to.exists(), target
            assert not anchor or anchor in anchors(leads_to), target


SUFFIXES = "css|html|md|py|sh|sql|toml|txt|yml"
THIS_FILE = Path(__file__).relative_to(ROOT).as_posix()
NOT_IN_A_CLONE = {"etl/migrate.py", ".github/workflows/called.yml"}  # in a wheel; made up for the emulator's tests
# Back-quoted names that users write themselves.
WRITTEN_BY_USERS = {"daily-report.html"}


def missing_files(page: str) -> list[str]:
    """Back-quoted files and folders that are not in the repository: `etl/gone.py`, `gone.yml`. A `*` stands for any name.

    A path may begin at the top or at the page's folder; a bare name may be that of any file.
    """
    text = without_code(text_of(page))
    named = set(re.findall(rf"`([\w./*-]+\.(?:{SUFFIXES}))`", text))
    named |= set(re.findall(r"`((?:etl|sql|docs|tests|benchmarks|\.github|\.ci)/[\w./*-]*)`", text))
    here = Path(page).parent
    return sorted(
        name
        for name in named - WRITTEN_BY_USERS
        if not any(fnmatch(file, pattern) for file in FILES for pattern in patterns(name, here))
    )


def patterns(name: str, here: Path) -> list[str]:
    """Which files `name` may stand for: itself, all of a folder, or a file of that name anywhere."""
    whole = name + "*" if name.endswith("/") else name
    return [whole, (here / whole).as_posix(), *([] if "/" in whole else [f"*/{whole}"])]


@each_page
def test_a_page_names_only_files_that_are_there(page):
    assert missing_files(page) == []


def test_code_names_only_documents_and_files_that_are_there():
    """In comments, docstrings and messages: README.md, docs/moving.md, etl/limits.py."""
    missing = {}
    for file in FILES:
        if not file.endswith((".py", ".sql", ".sh", ".yml", ".toml", "Makefile", ".ci/run")) or file == THIS_FILE:
            continue
        text = text_of(file)
        named = set(re.findall(r"(?<![\w/.-])[A-Z_]{3,}\.md\b", text)) | set(re.findall(r"\bdocs/[\w./-]+\.\w+", text))
        named |= set(re.findall(rf"(?<![\w/.-])(?:etl|sql|tests|\.github)/[\w./-]+\.(?:{SUFFIXES})\b", text))
        if gone := [name for name in named if name not in FILES and name not in NOT_IN_A_CLONE]:
            missing[file] = sorted(gone)
    assert missing == {}


def long_lines(page: str) -> list[str]:
    """Lines that are too long to read side by side. A single address can't be broken, and neither can a row of a table."""
    found = []
    for line in text_of(page).splitlines():
        is_row = line.startswith("| ")
        visible = re.sub(r"\]\([^)]*\)", "]", line) if is_row else line
        is_one_address = re.fullmatch(r"\s*\S*https?://\S+", line)
        if len(visible) > (LONGEST_ROW if is_row else LONGEST_LINE) and not is_one_address:
            found.append(line)
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/tables.md"])  # made from the database
def test_no_line_of_a_page_is_too_long(page):
    assert long_lines(page) == []


def sentences_of_the_program() -> str:
    """All text of the program, with a gap where a value goes in."""
    found = [text_of(".github/check-secrets.sh")]
    for file in FILES:
        if file.startswith("etl/") and file.endswith(".py"):
            for node in ast.walk(ast.parse(text_of(file))):
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
                    found.append("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return "\n".join(found)


def test_every_message_in_troubleshooting_is_one_of_the_program():
    """Messages are in italics, at the beginning of a row; … stands for a value or for words left out."""
    sentences = sentences_of_the_program()
    quoted = re.findall(r"^\| \*([^*]+)\*", text_of("docs/troubleshooting.md"), re.MULTILINE)
    assert len(quoted) > 10
    parts = [part for message in quoted for part in re.split(r"\s*…\s*|; ", message) if part]
    assert [part for part in parts if part not in sentences] == []


def test_the_readme_is_short():
    assert README.count("\n") <= 180


def test_the_pictures_of_the_readme_are_small():
    pictures = re.findall(r'src="([^"]+)"', README)
    assert len(pictures) == 2
    assert [name for name in pictures if (ROOT / name).stat().st_size > LARGEST_PICTURE] == []


def test_every_page_of_the_documentation_is_in_its_index():
    for folder in (ROOT / "docs", ROOT / "docs" / "decisions"):
        linked = set(re.findall(r"\]\(([\w.-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
        assert linked == {path.name for path in folder.glob("*.md")} - {"README.md"}


def test_decisions_are_numbered_without_a_hole():
    paths = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    for number, path in enumerate(paths, 1):
        assert path.name.startswith(f"{number:04}-")
        assert path.read_text(encoding="utf-8").startswith(f"# {number}. ")


def test_the_version_has_a_section_in_the_changelog():
    assert f"\n## [{__version__}] - 2" in text_of("CHANGELOG.md")


def test_pre_commit_runs_the_ruff_of_the_lock():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    [version] = [hook["rev"] for hook in hooks if hook["repo"].endswith("/ruff-pre-commit")]
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert re.findall(r"^ruff==(\S+)", lock, re.MULTILINE) == [version.removeprefix("v")]


def test_every_folder_of_tests_is_in_the_map_of_the_tests():
    tests = ROOT / "tests"
    listed = re.findall(r"^\| `(\w+)/` \|", (tests / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted({path.parent.name for path in tests.glob("*/*.py")})
    assert [path.name for path in tests.glob("test_*.py")] == []


def test_every_module_of_the_ground_floor_and_every_package_is_in_the_map_of_the_program():
    import etl

    for path in (ROOT / "etl").iterdir():
        if (path.suffix == ".py" and not path.name.startswith("__")) or (path / "__init__.py").exists():
            assert re.search(rf"\b{path.stem}\b", etl.__doc__ or ""), path.name


@pytest.mark.parametrize("page", ["README.md", "docs/bi.md", "docs/one-listen.md"])
def test_the_queries_of_a_page_run(page, database, ask):
    """What makes a role is tried in tests/reports/test_bi_role.py."""
    blocks = re.findall(r"```sql\n(.*?)```", text_of(page), re.DOTALL)
    queries = [query for block in blocks if "create role" not in block for query in block.strip().split(";\n")]
    assert len(queries) >= 2
    for query in queries:
        assert isinstance(ask(query.strip().rstrip(";").replace("%", "%%")), list)
