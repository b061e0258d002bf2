"""Finds migrate.py, which lies beside the package in a clone, and within it where pip has installed it (as `sql/` does)."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import cast

Main = Callable[[list[str], str], int]


def main_of_migrate() -> Main:
    """Its `main`: takes arguments and what the program is called, does the work, and returns the exit status."""
    package = Path(__file__).parent
    inside = package / "migrate.py"
    path = inside if inside.is_file() else package.parent / "migrate.py"
    spec = importlib.util.spec_from_file_location("migrate", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Main, module.main)
