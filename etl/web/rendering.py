"""Pages from templates: what every template knows, and the static files with their versions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from etl.paths import TEMPLATES
from etl.reports import labels
from etl.reports.formats.html import environment_of
from etl.web.spans import PRESETS

HERE = Path(__file__).resolve().parent
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
NAVIGATION = (
    ("/", "Now"),
    ("/overview", "Overview"),
    ("/top", "Top"),
    ("/history", "History"),
    ("/wrapped", "Wrapped"),
    ("/compare", "Compare"),
    ("/data", "Data"),
    ("/settings", "Settings"),
)


@dataclass(frozen=True)
class StaticFile:
    """A file that browsers may keep for ever, because its address changes with its content."""

    content: bytes
    media_type: str
    version: str


@cache
def static_files() -> Mapping[str, StaticFile]:
    """The static files by name: those of this package, and the style of reports."""
    paths = [*(HERE / "static").iterdir(), TEMPLATES / "page.css"]
    found = {}
    for path in paths:
        if media_type := TYPES.get(path.suffix):
            content = path.read_bytes()
            found[path.name] = StaticFile(content, media_type, hashlib.sha256(content).hexdigest()[:16])
    return found


def asset(name: str) -> str:
    """The address of a static file. Raises KeyError for an unknown one."""
    return f"/static/{static_files()[name].version}/{name}"


@cache
def environment() -> Environment:
    """Templates of this package and of reports, with the filters of reports."""
    made = environment_of((HERE / "templates", TEMPLATES))
    made.globals |= {"asset": asset, "navigation": NAVIGATION, "pages": True, "presets": PRESETS}
    made.filters["counted"] = lambda value, column: labels.shown(column, value, None)
    return made


def page(template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> HTMLResponse:
    """A page. `visitor` is None where nobody is logged in; `path` marks where one is in the navigation."""
    known = {"visitor": None, "path": "", **values}
    return HTMLResponse(environment().get_template(template).render(known), status, headers)


def message(title: str, *sentences: str, status: int, again: tuple[str, str] | None = None) -> HTMLResponse:
    """A page that says something in a few sentences. `again`: address and words of a link on."""
    return page("message.html", status=status, title=title, sentences=sentences, again=again)
