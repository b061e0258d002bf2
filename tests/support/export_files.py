"""Packages as Spotify sends them, written to disk: a zip or a folder of JSON files."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def write_zip(path: Path, files: Mapping[str, Rows], folder_inside: str = "") -> Path:
    """One zip; `folder_inside` as in "Spotify Extended Streaming History" or "MyData"."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, rows in files.items():
            package.writestr(f"{folder_inside}/{name}".lstrip("/"), as_json(rows))
    return path


def write_folder(path: Path, files: Mapping[str, Rows]) -> Path:
    """One folder, made when it is not there."""
    path.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (path / name).write_bytes(as_json(rows))
    return path


def as_json(rows: Rows) -> bytes:
    """Minified UTF-8, as Spotify's files are."""
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
