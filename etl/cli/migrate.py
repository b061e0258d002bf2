"""Load migrate.py, which is beside the package in a clone, and inside it where pip installed it, like `sql/`."""

import importlib.util
from collections.abc import Callable
from typing import cast

from etl.paths import migrate_program

Main = Callable[[list[str], str], int]


def main_of_migrate() -> Main:
    """The `main` of migrate.py: it takes the arguments and the name of the program, and returns the exit status."""
    spec = importlib.util.spec_from_file_location("migrate", migrate_program())
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Main, module.main)
