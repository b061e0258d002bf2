"""Dataclasses to JSON and back, with every type checked. Pure."""

import types
from collections.abc import Hashable, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Kept = TypeVar("Kept")


def saved(value: Any) -> dict[str, Any]:
    """A dataclass of plain values, and of such dataclasses, as a JSON object."""
    return asdict(value)


def restored(kind: type[Kept], value: object) -> Kept:
    """The dataclass of this kind that `saved` made the JSON object of.

    Raises ValueError, which quotes no content, if it has other fields or values of another type.
    """
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]  # kind is a dataclass
    if not isinstance(value, Mapping) or sorted(map(str, value)) != sorted(names):
        raise ValueError(f"{kind.__name__}: other fields than this version saves")
    hashable: object = kind  # mypy takes a class with type parameters for none
    hints = types_of(hashable)
    return kind(**{name: checked(hints[name], value[name], f"{kind.__name__}.{name}") for name in names})


@cache
def types_of(kind: Hashable) -> dict[str, Any]:
    """The annotations of a dataclass: they are texts until they are looked up, which takes long."""
    return get_type_hints(kind)


def checked(hint: Any, value: object, where: str) -> Any:
    """The value, if its type is that of the annotation."""
    choices = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for choice in choices:
        plain: type[Any] = get_origin(choice) or choice
        if is_dataclass(plain):
            if isinstance(value, Mapping):
                return restored(plain, value)
        elif isinstance(value, plain) and (plain is bool or not isinstance(value, bool)):
            return value
    raise ValueError(f"{where}: not of the type that this version saves")
