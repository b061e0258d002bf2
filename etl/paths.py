"""Paths of the program's own files: `sql/` and `migrate.py` are beside the package in a clone, and inside it once
installed.
"""

from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
TEMPLATES = PACKAGE / "templates"


@cache
def sql_folder() -> Path:
    """The folder `sql/`."""
    return _beside_or_inside("sql")


def migrate_program() -> Path:
    """The file `migrate.py`."""
    return _beside_or_inside("migrate.py")


def _beside_or_inside(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name
