"""What a listener sets in the browser, and what each of it changes, for nobody else."""

from zoneinfo import available_timezones

import pytest
from support.two_listeners import ADA, BEN, HEBREW, House, brought_in, exported

from etl.auth.encryption import Keys
from etl.settings import Settings

MONTH = 30 * 24 * 60
DATES = (
    "select play_key, date_key, time_key, to_char(played_at at time zone %s, 'yyyymmdd')::integer from listening.fact_play"
    " where listener_key = %s order by 1"
)


@pytest.fixture(scope="module")
def filled(house: House) -> House:
    for browser in (house.ada, house.ben):
        brought_in(browser, *(exported(number, MONTH + 307 * number) for number in range(50)))
    return house


def test_the_time_zone_moves_the_days_of_ones_own_plays(filled: House) -> None:
    bens = filled.ask(DATES, "UTC", filled.key(BEN))
    assert filled.ada.post("/settings/time-zone", data={"time_zone": "Pacific/Auckland"}).status_code == 303
    dates = filled.ask(DATES, "Pacific/Auckland", filled.key(ADA))
    assert all(kept == derived for _, kept, _, derived in dates) and len(dates) == 50
    assert [one[:2] for one in dates] != [one[:2] for one in filled.ask(DATES, "UTC", filled.key(BEN))]
    assert filled.ask(DATES, "UTC", filled.key(BEN)) == bens
    assert "<strong>Pacific/Auckland</strong>" in filled.ada.get("/settings").text
    for wrong in ("Mars/Olympus", "", "utc'; drop table x", "posix/UTC"):
        answer = filled.ada.post("/settings/time-zone", data={"time_zone": wrong})
        assert answer.status_code == 400 and "There is no such time zone here" in answer.text
    assert filled.ask("select time_zone from listening.dim_listener where listener_id = %s", ADA) == [
        ("Pacific/Auckland",)
    ]


def test_all_zones_that_both_sides_know_can_be_chosen(filled: House) -> None:
    known = {name for (name,) in filled.ask("select name from pg_timezone_names")} & available_timezones()
    page = filled.ben.get("/settings").text
    assert page.count("<option") == len(known) > 300
    assert "<option>Asia/Kolkata</option>" in page and "<option selected>UTC</option>" in page


def test_what_counts_as_a_play_and_comparison_are_kept_apart(filled: House) -> None:
    row = "select counts_as, is_open_to_comparison from ops.web_setting where listener_key = %s"
    assert filled.ada.post("/settings/comparison", data={"is_open": "yes"}).status_code == 303
    assert filled.ask(row, filled.key(ADA)) == [("30s", True)]
    assert filled.ada.post("/settings/counting", data={"counts_as": "full"}).status_code == 303
    assert filled.ask(row, filled.key(ADA)) == [("full", True)]
    assert filled.ada.post("/settings/comparison", data={"is_open": "no"}).status_code == 303
    assert filled.ask(row, filled.key(ADA)) == [("full", False)]
    assert filled.ada.post("/settings/counting", data={"counts_as": "twice"}).status_code == 400
    assert filled.ada.post("/settings/counting").status_code == 400
    assert filled.ask(row, filled.key(ADA)) == [("full", False)] and filled.ask(row, filled.key(BEN)) == []
    assert "A play is played to its end" in filled.ada.get("/").text


def test_a_name_is_shown_kept_and_given_back(filled: House) -> None:
    name = f"<b>Ada</b> {HEBREW}"
    assert filled.ada.post("/settings/name", data={"name": f"  {name} "}).status_code == 303
    assert filled.ask("select listener_name from listening.dim_listener where listener_id = %s", ADA) == [(name,)]
    page = filled.ada.get("/settings").text
    assert "<b>Ada" not in page and "&lt;b&gt;Ada&lt;/b&gt;" in page
    for wrong in ("", "   ", "a\x00b", "x" * 201, "Ben", BEN):
        answer = filled.ada.post("/settings/name", data={"name": wrong})
        assert answer.status_code == 400 and "Nothing was changed" in answer.text, wrong
    assert filled.ada.post("/settings/name", data={"of_spotify": "yes", "name": "x"}).status_code == 303
    assert filled.ask("select listener_name from listening.dim_listener where listener_id = %s", ADA) == [("Ada",)]


def test_one_browser_is_logged_out_and_nobody_elses(filled: House) -> None:
    second = filled.served.visitor()
    second.log_in(ADA)
    handles = {
        bytes(kept).hex()[:16]: key
        for kept, key in filled.ask("select session_hash, listener_key from ops.web_session order by created_at")
    }
    [first, latest] = [handle for handle, key in handles.items() if key == filled.key(ADA)]
    assert first in filled.ada.get("/settings").text and latest in filled.ada.get("/settings").text
    for browser, handle in ((filled.ben, latest), (filled.ada, "0" * 16), (filled.ada, "")):
        assert browser.post("/settings/sessions/end", data={"session": handle}).status_code == 404
    assert second.get("/settings").status_code == 200
    assert filled.ada.post("/settings/sessions/end", data={"session": latest}).headers["Location"] == "/settings"
    assert second.get("/settings").headers["Location"] == "/welcome"
    assert filled.ada.get("/settings").status_code == 200


def test_an_app_of_ones_own_is_kept_encrypted_and_never_shown(filled: House) -> None:
    client_id, client_secret = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    for wrong in ({}, {"client_id": client_id}, {"client_id": client_id, "client_secret": client_secret.upper()},
                  {"client_id": client_id[:-1], "client_secret": client_secret}):  # fmt: skip
        answer = filled.ada.post("/settings/app", data=wrong)
        assert answer.status_code == 400 and client_id[:-1] not in answer.text and client_secret not in answer.text
    assert filled.ask("select count(*) from ops.app") == [(0,)]
    for second in (client_secret, client_secret[::-1]):
        sent = {"client_id": f" {client_id}\n", "client_secret": second}
        assert filled.ada.post("/settings/app", data=sent).status_code == 303
    [(owner, one, other)] = filled.ask("select listener_key, client_id_encrypted, client_secret_encrypted from ops.app")
    assert owner == filled.key(ADA) and client_id not in one and client_secret[::-1] not in other
    app = Settings(_env_file=None, spotify_client_secret=filled.client_secret)
    assert [Keys(app).decrypt(text) for text in (one, other)] == [client_id, client_secret[::-1]]
    page = filled.ada.get("/settings").text
    assert "You brought one" in page and client_id not in page and client_secret[::-1] not in page
    assert "You brought one" not in filled.ben.get("/settings").text
    filled.ben.post("/settings/app/remove")
    assert filled.ask("select count(*) from ops.app") == [(1,)]
    assert filled.ada.post("/settings/app/remove").status_code == 303
    assert filled.ask("select count(*) from ops.app") == [(0,)]


def test_nobody_sets_anything_without_a_session(filled: House) -> None:
    stranger = filled.served.visitor()
    for path in ("time-zone", "counting", "comparison", "name", "sessions/end", "app", "app/remove"):
        assert stranger.post(f"/settings/{path}").status_code == 401
    assert stranger.get("/settings").headers["Location"] == "/welcome"


def test_a_field_of_another_kind_is_refused_as_a_page(filled: House) -> None:
    answer = filled.ada.post("/settings/name", files=[("name", ("x.txt", b"x"))])
    assert answer.status_code == 400 and answer.headers["Content-Type"].startswith("text/html")
    assert "Nothing was changed" in answer.text
