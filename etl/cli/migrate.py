"""Load migrate.py, which is beside the package in a clone, and inside it where pip installed it, like `sql/`."""

import importlib.util
from collections.abc import Callable
from typing import cast

from etl.paths import migrate_program

Main = Callable[[list[str], str, bool], int]


def main_of_migrate() -> Main:
    """The `main` of migrate.py: its arguments, the name of the program and whether to show tracebacks; the exit status."""
    spec = importlib.util.spec_from_file_location("migrate", migrate_program())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Main, module.main)
