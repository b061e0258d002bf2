"""Reports only read: with a reader's role, on a schema that is not this program's; and where their output goes."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from support import NOW, ROOT, asked, listener_known
from support.cases import Song, exported
from support.export_files import write_folder

from etl.cli.report_output import FORMATS_BY_SUFFIX
from etl.jobs.imports import import_exports
from etl.reports import sections
from etl.reports.request import ReportContext

A, B = Song("A", "Song"), Song("B", "Tune", ("Bob",))
DAY = f"{NOW:%F}"
REPORTS = {
    "daily": ("report", "daily", "--date", DAY),
    **{f"top {kind}": ("report", "top", kind) for kind in ("tracks", "artists", "albums", "genres", "shows")},
    "wrapped": ("report", "wrapped", f"{NOW:%Y}"),
    "features": ("report", "features", f"{NOW:%Y}"),
    "artist": ("report", "artist", "Ann"),
    "track": ("report", "track", "Song"),
    "history": ("report", "history"),
    "search": ("search", "song"),
}
OLDER = "This database is older than this program: brapped plays, or python migrate.py, brings it up to date."
ONLY_READ = "Reports only read; nothing was changed."


@pytest.fixture
def plays(settings, warehouse, tmp_path) -> None:
    rows = [exported(-400 * number, song) for number in range(1, 6) for song in (A, B)]
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)


@pytest.fixture
def reader(database, ask) -> Iterator[str]:
    """The address of the database for the role that docs/bi.md makes."""
    page = (ROOT / "docs" / "bi.md").read_text(encoding="utf-8")
    name = f"brapped_reader_{make_url(database).database}"  # roles are of the whole cluster
    make = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)[0]
    for statement in make.strip().split(";\n"):
        ask(statement.rstrip(";").replace("brapped_reader", name))
    yield make_url(database).set(username=name).render_as_string(hide_password=False)
    [away] = re.findall(r"`(grant brapped_reader to current_user;.*?)`", page)
    ask(away.replace("brapped_reader", name))


def but_for_the_moment(said: str) -> str:
    return re.sub(r'"made_at": "[^"]*"|Made [^<]* with|\d+ (minutes|hours|days) ago', "", said)


@pytest.mark.parametrize("name", REPORTS)
def test_the_reader_gets_every_report_that_the_owner_gets(name, plays, brapped, reader):
    for form in ("text", "json", "html"):
        owned = brapped(*REPORTS[name], "--format", form)
        ran = brapped(*REPORTS[name], "--format", form, DATABASE_URL=reader)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert but_for_the_moment(ran.stdout) == but_for_the_moment(owned.stdout)


def test_the_reader_exports_the_history_too(plays, brapped, reader):
    assert brapped("report", "history", "--format", "csv", DATABASE_URL=reader).stdout.count("\n") == 11
    assert brapped("report", "history", "--format", "extended", DATABASE_URL=reader).returncode == 0


def test_how_the_record_stands_is_for_the_owner(plays, brapped, reader):
    ran = brapped("status", DATABASE_URL=reader)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "brapped: brapped status reads schema ops, which the user in DATABASE_URL may not: run it as the owner of the"
        " database. Reports, search and history work with this user.\n"
    )


def test_a_role_without_rights_is_told_which_it_needs(plays, brapped, reader, ask):
    name = make_url(reader).username
    ask(f"revoke all on listening.dim_track from {name}")
    ran = brapped("report", "top", "tracks", DATABASE_URL=reader)
    assert ran.returncode == 1 and "docs/bi.md has the statements" in ran.stderr
    ask(f"revoke usage on schema listening from {name}")
    ran = brapped("report", "top", "tracks", DATABASE_URL=reader)
    assert ran.returncode == 1 and "docs/bi.md has the statements" in ran.stderr


def everything_of_the_schema(ask: Callable[..., list[tuple]]) -> list[tuple]:
    return ask("select file_name, checksum, applied_at from ops.schema_change order by file_name")


@pytest.mark.parametrize("is_reader", [False, True])
def test_a_pending_change_is_said_and_not_made(is_reader, plays, brapped, reader, ask):
    ask("update ops.schema_change set checksum = 'another' where file_name = 'views/month_total'")
    before = everything_of_the_schema(ask)
    changes = {"DATABASE_URL": reader} if is_reader else {}
    ran = brapped(*REPORTS["top tracks"], **changes)
    assert (ran.returncode, ran.stderr) == (0, f"{OLDER} {ONLY_READ}\n")
    assert "Song" in ran.stdout
    assert everything_of_the_schema(ask) == before


@pytest.mark.parametrize("is_reader", [False, True])
def test_a_report_that_needs_the_pending_change_says_so(is_reader, plays, brapped, reader, ask):
    ask("drop view listening.coverage_span cascade")
    ask("delete from ops.schema_change where file_name = 'views/coverage_span'")
    before = everything_of_the_schema(ask)
    ran = brapped(*REPORTS["daily"], **({"DATABASE_URL": reader} if is_reader else {}))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == (
        "brapped: This report can't be made, because the database is older than this program: brapped plays, or python"
        " migrate.py, brings it up to date.\n"
    )
    assert everything_of_the_schema(ask) == before


def test_a_database_of_a_newer_program_is_read_if_it_can_be(plays, brapped, ask):
    ask(
        "insert into ops.schema_change (file_name, checksum, applied_at, program_version)"
        " values ('schema/999_of_tomorrow', 'x', now(), '9')"
    )
    ran = brapped(*REPORTS["top tracks"])
    assert ran.returncode == 0 and "Song" in ran.stdout
    assert ran.stderr == f"This database was made by a newer Brapped: update the program. {ONLY_READ}\n"


def test_a_half_made_copy_is_no_record_to_report_from(plays, brapped, ask):
    ask("update ops.warehouse set copy_started_at = now()")
    ran = brapped(*REPORTS["top tracks"])
    assert ran.returncode == 1 and "A copy into this database is unfinished" in ran.stderr


def test_a_report_makes_no_table_in_an_empty_database(brapped, empty_database):
    ran = brapped("report", "daily", DATABASE_URL=empty_database)
    assert (ran.returncode, ran.stderr) == (0, "") and ran.stdout.startswith("Nothing is recorded yet")
    tables = "select count(*) from information_schema.tables where table_schema in ('listening', 'ops')"
    assert asked(empty_database, tables) == [(0,)]


def test_another_time_zone_is_said_and_does_not_date_anything_anew(plays, brapped, ask):
    dated = "select play_key, date_key, time_key from listening.fact_play order by play_key"
    before = ask(dated)
    ran = brapped(*REPORTS["daily"], TIME_ZONE="Pacific/Auckland")
    assert ran.returncode == 0 and "me · UTC" in ran.stdout
    assert ran.stderr == (
        "Days are those of UTC: TIME_ZONE (Pacific/Auckland) takes effect with the next brapped plays or import.\n"
    )
    assert ask(dated) == before and ask("select time_zone from listening.dim_listener") == [("UTC",)]


# Where it goes, and how much of it.


@pytest.mark.parametrize("ending", ["xlsx", "pdf", "jsn", "CSVX"])
def test_an_ending_that_is_no_format_is_refused(ending, plays, brapped, tmp_path):
    path = tmp_path / f"day.{ending}"
    for arguments in REPORTS.values():
        ran = brapped(*arguments, "--output", str(path))
        assert ran.returncode == 2 and not path.exists()
    said = re.sub(r"[│\s]+", " ", ran.stderr)
    assert (
        f"the ending .{ending.lower()} is no format. Use {', '.join(FORMATS_BY_SUFFIX)}, or name a format with --format."
        in said
    )
    assert brapped(*REPORTS["daily"], "--output", str(path), "--format", "csv").returncode == 0
    assert path.read_text().startswith("section,")


@pytest.mark.parametrize("name", ["daily", "history", "search"])
def test_a_dash_is_standard_output(name, plays, brapped, tmp_path):
    for form in (["--format", "csv"], []):
        ran = brapped(*REPORTS[name], *form, "--output", "-")
        expected = brapped(*REPORTS[name], *form)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert but_for_the_moment(ran.stdout) == but_for_the_moment(expected.stdout)


def test_a_limit_holds_in_every_format(plays, brapped):
    limited = brapped("report", "history", "--limit", "3", "--format", "csv").stdout
    assert limited == "".join(brapped("report", "history", "--format", "csv").stdout.splitlines(keepends=True)[:4])
    assert brapped("report", "history", "--limit", "3", "--format", "json").stdout.count('"played_at"') == 3
    assert "Older plays: page 2" in brapped("report", "history", "--limit", "3").stdout
    for arguments in (REPORTS["top tracks"], REPORTS["top artists"], REPORTS["artist"], REPORTS["search"]):
        rows = list(csv.DictReader(io.StringIO(brapped(*arguments, "--limit", "1", "--format", "csv").stdout)))
        parts = [
            row.get("section", "") for row in rows if row.get("section") in (None, "artist_tracks", "search_tracks")
        ]
        assert len(parts) == 1, arguments


def test_the_extended_layout_holds_everything_so_a_limit_is_refused(plays, brapped):
    ran = brapped("report", "history", "--format", "extended", "--limit", "3")
    assert ran.returncode == 2 and "leave out --limit" in re.sub(r"[│\s]+", " ", ran.stderr)


@pytest.mark.parametrize("name", REPORTS)
def test_an_empty_csv_has_the_head_of_a_full_one(name, brapped, settings, warehouse, tmp_path):
    empty = brapped(*REPORTS[name], "--format", "csv").stdout
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": [exported(-400, A)]})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    full = brapped(*REPORTS[name], "--format", "csv").stdout
    assert empty == full.splitlines()[0] + "\n"


def test_the_columns_that_are_written_down_are_those_of_the_reports(plays, warehouse):
    today = NOW.date()
    span = {"since_date": today, "until_date": today}
    made: dict[str, Callable[[ReportContext], Any]] = {
        "daily": lambda ask: ask.reporter(**span).daily(today),
        "wrapped": lambda ask: ask.reporter(**ask.span(None, None, NOW.year, None)).wrapped(NOW.year),
        "artist": lambda ask: ask.reporter().artist("Ann"),
        "track": lambda ask: ask.reporter().track("Song"),
        "search": lambda ask: ask.reporter().search("song"),
        **{
            f"top {kind}": lambda ask, kind=kind: ask.reporter().top(kind)  # type: ignore[misc]
            for kind in ("tracks", "artists", "albums", "genres", "shows")
        },
    }
    for name, answer in made.items():
        report = warehouse.transaction(
            lambda connection, answer=answer: answer(ReportContext(connection, listener_known(connection, None), NOW))
        )
        assert sections.REPORTS[name] == tuple(section.name for section in report.sections)
        assert {section.name: section.columns for section in report.sections} == {
            section: sections.SECTIONS[section].columns for section in sections.REPORTS[name]
        }


def test_each_section_has_its_sql_and_stands_in_a_report():
    files = {path.stem for path in (ROOT / "sql/reports").glob("*.sql")} - {
        "history_extended"
    }  # which people never see
    assert files == set(sections.SECTIONS) == {name for names in sections.REPORTS.values() for name in names}


@pytest.mark.parametrize("name", sections.SECTIONS)
def test_what_a_person_sees_of_a_section_are_columns_of_its_sql(name):
    spec = sections.SECTIONS[name]
    assert {*spec.table, *spec.unfolded, *spec.heads} - set(spec.columns) == set()
    assert spec.table or spec.narrative or spec.chart


def test_both_queries_of_the_readme_count_the_same_plays(plays, ask):
    """What has no milliseconds counts in both."""
    queries = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    ask(
        "update listening.fact_play set ms_played = null where play_key = (select min(play_key) from listening.fact_play)"
    )
    artists, years = (ask(query.rstrip().rstrip(";").replace("%", "%%")) for query in queries[:2])
    assert sum(count for _, count in artists) == years[0][2] == 10
