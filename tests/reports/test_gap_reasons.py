"""The reason of a gap is worded the same wherever a person reads it: reports, status, alerts, warnings of a run."""

import pytest
from support import NOW, ago

from etl.health.checks import gap_findings
from etl.jobs.plays import plays_warnings, record_plays
from etl.notices import WHY_LOST, why_lost
from etl.simulator.routes import Play
from etl.sources.recently_played import Page
from etl.warehouse.merge import Gap, Reach

FROM, TO = ago(600), ago(500)


@pytest.fixture
def lose(settings, warehouse, play, songs, ask):
    """Plants a gap of today with this reason."""

    def planted(reason: str | None) -> None:
        play(Play(next(iter(songs.tracks)), ago(60)))
        record_plays(settings, warehouse, lambda: NOW)
        ask(
            "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at, reason)"
            " select max(listener_key), 'recently_played', 'gap', %s, %s, %s, %s from listening.dim_listener",
            FROM,
            TO,
            NOW,
            reason,
        )

    return planted


def reasons_of_schema(ask) -> set[str]:
    [(definition,)] = ask(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = 'ops.coverage'::regclass and contype = 'c'"
    )
    return set(definition.split("'")[1::2])


def test_the_ledger_takes_no_reason_that_has_no_words(lose, ask):
    assert reasons_of_schema(ask) == set(WHY_LOST) - {None}
    with pytest.raises(Exception, match="coverage_reason_check"):
        lose("a whim")


@pytest.mark.parametrize("reason", list(WHY_LOST))
def test_everything_that_a_person_reads_gives_the_reason_of_the_ledger(reason, lose, brapped, ask):
    lose(reason)
    day, year = f"{FROM:%Y-%m-%d}", f"{FROM:%Y}"
    pages = [
        ["report", *words, "--format", form]
        for words in (["daily", "--date", day], ["wrapped", year])
        for form in ("text", "markdown", "html")
    ]
    said = {" ".join(words): brapped(*words).stdout for words in [*pages, ["status"]]}
    said["alert"] = "".join(
        finding.text
        for finding in gap_findings(
            [{"state": "gap", "closed_at": None, "starts_at": FROM, "ends_at": TO, "found_at": NOW, "reason": reason}]
        )
    )
    page = Page(tables={}, item_count=50, unreadable_count=0)
    said["run"] = "".join(plays_warnings(page, Reach(watermark=TO, gap=Gap(FROM, TO, reason))))
    for surface, text in said.items():
        plain = " ".join(text.replace("&#39;", "'").replace("\\", "").split())
        found = {one for one in WHY_LOST if why_lost(one) in plain}
        assert found == {reason}, surface
