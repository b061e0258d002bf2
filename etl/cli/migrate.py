"""Finds migrate.py, which lies beside the package in a clone, and within it where pip has installed it (as `sql/` does)."""

import importlib.util
from collections.abc import Callable
from typing import cast

from etl.paths import migrate_program

Main = Callable[[list[str], str], int]


def main_of_migrate() -> Main:
    """Its `main`: takes arguments and what the program is called, does the work, and returns the exit status."""
    spec = importlib.util.spec_from_file_location("migrate", migrate_program())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Main, module.main)
