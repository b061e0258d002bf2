"""The documents tell the truth: every command, setting, table and folder is in them, and nothing that is not there."""

import importlib.util
import re
from types import ModuleType

import pytest
from support import ROOT

from etl.cli.app import app
from etl.settings import Settings

README = (ROOT / "README.md").read_text(encoding="utf-8")
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


def test_the_readme_lists_every_setting_and_no_other():
    settings = {name.upper() for name in Settings.model_fields} - SET_BY_GITHUB
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", README, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"[A-Z_]+", row)} == settings


def test_every_setting_says_what_it_is_for():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    "page",
    [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("**/*.md")
        if not {".venv", "node_modules"} & set(path.parts)
    ],
)
def test_every_link_to_a_file_leads_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target.replace("\\", "")).exists(), target


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


def test_the_queries_of_the_readme_run(database, ask):
    statements = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    assert statements
    for statement in statements:
        assert ask(statement.replace("%", "%%")) == []
