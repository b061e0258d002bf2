"""Read a listener's numbers with the files of sql/reports/, in two round trips after the one that says who asks.

The first confines the transaction to the listener, and turns days into moments. The second makes the temporary tables
that a report's sections share, and selects the sections.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from etl.reports.query import ABOUT, LEFT_OUT_OF
from etl.web.api.readers import Reader
from etl.web.records import Records, Sections

Rows = list[dict[str, Any]]
SPAN, RECORD = "reports/shared/report_span", "reports/shared/report_record"


@dataclass(frozen=True)
class Question:
    """What of the record is asked for. Days are local, both included; None is open. `counts_as`: of counted plays.

    header: a file that finds what the question is about, as `key`; nothing more is asked if it finds nothing. The
    values of its row are parameters of the sections, and its key is the one that is named in `about`. shared: files that make temporary tables. sections: files of selects.
    """

    sections: Sequence[str]
    since_date: date | None = None
    until_date: date | None = None
    counts_as: str = "30s"
    with_excluded: bool = False
    header: str | None = None
    about: str | None = None
    needs_record: bool = False
    shared: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)


def with_rules(shared: Sequence[str]) -> list[str]:
    """These files, and behind each of them the one that takes away what rules leave out. Pure."""
    found = []
    for name in shared:
        found.append(name)
        if part := LEFT_OUT_OF.get(name.rpartition("/")[2]):
            found.append(f"reports/shared/left_out{part}")
    return found


def answers(site: Any, reader: Reader, question: Question) -> dict[str, Rows]:
    """The rows of each section and of the header, by the name of its file. Raises WarehouseError.

    Without a row of the header, the sections are empty.
    """
    scripts = ["reports/shared/report_session"]
    if question.with_excluded:
        scripts.append("reports/shared/with_excluded")
    first = [SPAN, *([RECORD] if question.needs_record else []), *([question.header] if question.header else [])]
    nothing: dict[str, Rows] = {name: [] for name in question.sections}

    def then(told: dict[str, Rows]) -> Sections | None:
        if question.header and not told[question.header]:
            return None
        found = {name: value for one in told.values() for name, value in one[0].items()}
        if question.about:
            found[question.about] = found["key"]
        return Sections(question.sections, with_rules(question.shared), found)

    given = {
        **ABOUT,
        "with_excluded": question.with_excluded,
        "row_limit": None,
        "row_offset": 0,
        "by": "plays",
        "since_date": question.since_date,
        "until_date": question.until_date,
        "counts_as": question.counts_as,
        "now": site.clock(),
        **question.parameters,
    }
    records: Records = site.records
    told, answer = records.read_sections(reader.listener_key, Sections(first, scripts), then, **given)
    return nothing | told | answer
