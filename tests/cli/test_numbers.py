"""A number that no table can hold is answered with a sentence, in every command that takes a number."""

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import typer

from etl.cli.app import app

LARGEST = 2**31 - 1  # an integer of Postgres
TOO_LARGE = "99999999999999999999"
BY_ITSELF = {("import", "undo")}  # answers with the numbers that there are


def commands(group: typer.Typer, path: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{path} {command.name or command.callback.__name__.strip('_')}".strip(), command.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{path} {inner.name or inner.typer_instance.info.name}".strip())


def numbers() -> Iterator[tuple[str, str, Any]]:
    """Each option and argument that is a whole number: its command, its name, and what typer knows of it."""
    for path, callback in commands(app):
        hints = get_type_hints(callback, include_extras=True)
        for name in inspect.signature(callback).parameters:
            kind, *extras = get_args(hints[name]) if get_origin(hints[name]) is Annotated else (hints[name],)
            if kind is int or int in get_args(kind):
                yield path, name, next(iter(extras), None)


def test_every_number_has_a_largest_one() -> None:
    found = list(numbers())
    assert {("import", "undo"), ("exclude remove", "number"), ("login", "port")} <= {
        (path, name) for path, name, _ in found
    }
    unlimited = {
        (path, name)
        for path, name, info in found
        if info is None or info.max is None or info.max > LARGEST or info.min is None or info.min < 0
    }
    assert unlimited == BY_ITSELF


@pytest.mark.parametrize(
    "number", [TOO_LARGE, "9223372036854775808", "9223372036854775807", "0", "-1", "-" + TOO_LARGE]
)
def test_an_import_of_a_number_that_cannot_be(number, brapped, database) -> None:
    ran = brapped("import", "--undo", number, "--yes")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"brapped: No import has the number {number}. Nothing was imported yet;")


@pytest.mark.parametrize("command", [("exclude", "remove"), ("recordings", "undo"), ("search", "x", "--limit")])
def test_a_number_beyond_all_is_refused_before_the_database_is_asked(command, brapped) -> None:
    ran = brapped(*command, TOO_LARGE, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "it has to be at most" in ran.stderr
