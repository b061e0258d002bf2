"""A listener deletes their record in the browser: nothing of it is left in any table, and others' rows are as before."""

import pytest
from support.two_listeners import ADA, BEN, House, brought_in, exported, upload

MONTH = 30 * 24 * 60
WITH_KEY = (
    "select table_schema || '.' || table_name from information_schema.columns join information_schema.tables"
    " using (table_schema, table_name) where table_schema in ('listening', 'ops') and table_type = 'BASE TABLE'"
    " and column_name = 'listener_key' order by 1"
)


@pytest.fixture
def filled(house: House) -> House:
    """Both with plays, a rule, an app, a setting, a key, a link, an invitation, and a login that each began with it."""
    for account, browser in ((ADA, house.ada), (BEN, house.ben)):
        key = house.key(account)
        brought_in(browser, *(exported(number, MONTH + 9 * number) for number in range(20)))
        browser.post("/data/exclusions/new", data={"artist": "Ann", "weekday1": "yes", "confirmed": "yes"})
        browser.post("/settings/app", data={"client_id": "a" * 32, "client_secret": "b" * 32})
        browser.post("/settings/comparison", data={"is_open": "yes"})
        house.ask("insert into ops.web_decision (decision_key, listener_key) values (%s, %s)", 1000 + key, key)
        house.ask(
            "insert into ops.api_key (key_hash, listener_key, key_name, is_read_only, created_at)"
            " values (%s, %s, 'k', true, now())", f"{key}".encode(), key,
        )  # fmt: skip
        house.ask(
            "insert into ops.shared_link (token_hash, listener_key, page_name, created_at) values (%s, %s, 'top', now())",
            f"{key}".encode(), key,
        )  # fmt: skip
        house.ask(
            "insert into ops.invitation (token_hash, created_at, ends_at, used_at, listener_key)"
            " values (%s, now(), now(), now(), %s)", f"{key}".encode(), key,
        )  # fmt: skip
        for column in ("app_key", "invitation_key"):
            table = column.removesuffix("_key")
            house.ask(
                f"insert into ops.consent (state_fingerprint, verifier_encrypted, redirect_uri, asked_at, {column})"
                f" select %s, 'x', 'x', now(), {column} from ops.{table} where listener_key = %s",
                f"{key} {column}", key,
            )  # fmt: skip
    return house


def rows_of_others(house: House, key: int) -> dict[str, list[tuple]]:
    tables = house.ask(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_schema in ('listening', 'ops') and table_type = 'BASE TABLE'"
    )
    whose = {name for (name,) in house.ask(WITH_KEY)}
    return {
        table: house.ask(
            f"select xmin::text, whole::text from {table} as whole"
            + (f" where listener_key is distinct from {key}" if table in whose else "")
            + " order by 2"
        )
        for (table,) in tables
    }


def test_the_name_is_asked_for_and_then_everything_goes(filled: House) -> None:
    ada = filled.key(ADA)
    before = rows_of_others(filled, ada)
    page = filled.ada.get("/data/delete").text
    assert "Ada" in page and ">20</td><td>plays" in page
    for wrong in ({}, {"typed": "ada"}, {"typed": "Ben"}, {"typed": BEN}):
        answer = filled.ada.post("/data/delete", data=wrong)
        assert answer.status_code == 400 and "Nothing was deleted" in answer.text
    assert filled.key(ADA) == ada and rows_of_others(filled, ada) == before
    upload(filled.ada, exported(99, 3 * MONTH))
    while "hx-get" in filled.ada.get("/data/import/progress").text:
        pass
    second = filled.served.visitor()
    second.log_in(ADA)
    before = rows_of_others(filled, ada)
    answer = filled.ada.post("/data/delete", data={"typed": " Ada "})
    assert answer.headers["Location"] == "/goodbye"
    assert "brapped-session" not in {one.name for one in filled.ada.session.cookies}
    assert "Your record is deleted" in filled.ada.get("/goodbye").text
    for (table,) in filled.ask(WITH_KEY):
        assert filled.ask(f"select count(*) from {table} where listener_key = %s", ada) == [(0,)], table
    after = rows_of_others(filled, ada)
    gone = {table: set(before[table]) - set(after[table]) for table in before if before[table] != after[table]}
    hanging = {
        "ops.consent",
        "ops.import_file",
        "ops.import_set_content",
        "ops.pause",
        "listening.track_alias",
    }  # on a run, an app, an invitation, an import that gave a name
    assert gone.keys() <= hanging | {"ops.import_content", "ops.import_set", "ops.import_span"}, gone.keys()
    shared = {"listening.track_alias"}  # a name that both gave keeps the other's imports
    assert all(set(after[table]) <= set(before[table]) for table in before.keys() - shared), "nothing was written"
    assert filled.ask("select state_fingerprint from ops.consent where state_fingerprint like '%% %%' order by 1") == [
        (f"{filled.key(BEN)} app_key",),
        (f"{filled.key(BEN)} invitation_key",),
    ]
    assert second.get("/data").headers["Location"] == "/welcome", "the other browser is logged out, too"
    assert not list(filled.folder.glob("brapped-uploads-*/*/*/*.json")), "what waited for an answer is deleted"
    assert ">20</td><td>plays" in filled.ben.get("/data/delete").text
    assert filled.ben.get("/goodbye").headers["Location"] == "/"
