"""The shape of an answer: its keys, their types, and how two shapes differ.

A recorded shape, of our own writing, is a file of `shapes/`: an object and its keys. `"isrc?"` may be absent,
`"popularity (until 2026)"` is one that new apps no longer get; a value is `str`, `int`, `bool`, `null` or the
name of another file.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHAPES = Path(__file__).parent / "shapes"


@dataclass
class Shape:
    """By path (`items[].track.id`): the types seen, and whether the key is in every object of its kind."""

    types: dict[str, set[str]] = field(default_factory=dict)
    always: set[str] = field(default_factory=set)

    def see(self, path: str, kind: str) -> None:
        self.types.setdefault(path, set()).add(kind)


def shape_of(documents: Iterable[Any]) -> Shape:
    shape = Shape()
    objects_at: dict[str, int] = {}
    keys_at: dict[str, int] = {}

    def walk(value: Any, path: str) -> None:
        kind = {dict: "object", list: "list", type(None): "null"}.get(type(value), type(value).__name__)
        shape.see(path, kind)
        if isinstance(value, dict):
            objects_at[path] = objects_at.get(path, 0) + 1
            for key, inner in value.items():
                keys_at[f"{path}.{key}"] = keys_at.get(f"{path}.{key}", 0) + 1
                walk(inner, f"{path}.{key}")
        if isinstance(value, list):
            for inner in value:
                walk(inner, f"{path}[]")

    for document in documents:
        walk(document, "")
    shape.always = {path for path, many in keys_at.items() if many == objects_at[path.rpartition(".")[0]]}
    return shape


def recorded_shape(name: str, generation: str) -> Shape:
    shape = Shape()

    def read(value: Any, path: str) -> None:
        if isinstance(value, list):
            shape.see(path, "list")
            read(value[0], f"{path}[]")
        elif isinstance(value, dict):
            shape.see(path, "object")
            for key, inner in value.items():
                key, is_old = re.subn(r" \(until 2026\)$", "", key)
                if not (is_old and generation == "2026"):
                    if not key.endswith("?"):
                        shape.always.add(f"{path}.{key}")
                    read(inner, f"{path}.{key.removesuffix('?')}")
        else:
            for kind in value.split(" | "):
                if kind in ("str", "int", "bool", "null"):
                    shape.see(path, kind)
                else:
                    read(json.loads((SHAPES / f"{kind}.json").read_text()), path)

    read(name, "")
    return shape


def differences(ours: Shape, reference: Shape) -> list[str]:
    """What we say that the reference does not, and what it always says and we do not."""
    unheard = {
        f"{path} is {kind}" for path, kinds in ours.types.items() for kind in kinds - reference.types.get(path, set())
    }
    unsaid = {
        f"{path} is missing"
        for path in reference.always - ours.always
        if "object" in ours.types.get(path.rpartition(".")[0], set())
    }
    return sorted(unheard | unsaid)
