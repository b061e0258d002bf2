"""The history written to a file as the command writes it, and imported again."""

from pathlib import Path

from etl.jobs.imports import import_exports
from etl.reports.formats import history as formats
from etl.reports.formats.output import show
from etl.warehouse.connection import Warehouse
from support import NOW, asked, settings_of, whole_facts


def written(warehouse, settings, tmp_path, form, *, with_sources=False, **asked_for) -> Path:
    """The whole history in a file, as the command writes it."""

    def answer(ask):
        reporter = ask.reporter(**{"counts_as": "all", "row_limit": None, **asked_for})
        return formats.lines(reporter, form, *reporter.history_filters(None, None), with_sources=with_sources)

    output = tmp_path / f"history.{form}"
    show(warehouse, settings, "history", answer, None, form, output, clock=lambda: NOW)
    return output


def taken_back(path: Path, url: str, spotify, **changes) -> list[tuple]:
    """What a database that knows nothing holds after an import of the file."""
    warehouse = Warehouse(url)
    receipt = import_exports(settings_of(url, spotify, **changes), warehouse, [path], clock=lambda: NOW)
    warehouse.close()
    assert receipt.is_good
    return whole_facts(lambda statement, *values: asked(url, statement, *values))
