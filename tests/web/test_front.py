"""What every request passes, and the pages of everybody."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from support import ROOT
from support.served import Served, serving

from etl.web.rendering import static_files
from etl.web.security import LARGEST_BODY, Rates

HTMX = "etl/web/static/htmx.min.js"


@pytest.fixture
def served(start: Callable) -> Served:
    return serving(start)


def test_each_answer_forbids_what_the_page_does_not_need(served: Served) -> None:
    for path in ("/welcome", "/nothing", "/login", "/health", "/static/x/web.css"):
        headers = served.visitor().get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"]
        assert "server" not in {name.lower() for name in headers}
    assert "Strict-Transport-Security" not in headers, "this is no TLS"


def test_pages_have_no_script_or_style_of_their_own(served: Served) -> None:
    text = served.visitor().get("/welcome").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|https?://(?!open\.spotify)", text)


def test_a_body_that_is_too_large_is_refused_with_or_without_its_length(served: Served) -> None:
    here = {"Sec-Fetch-Site": "same-origin"}
    big = b"x" * (LARGEST_BODY + 1)
    assert requests.post(f"{served.url}/logout", data=big, headers=here, timeout=30).status_code == 413
    chunked = requests.post(f"{served.url}/logout", data=iter([big[:40_000], big[:40_000]]), headers=here, timeout=30)
    assert chunked.status_code in (401, 413)
    assert requests.post(f"{served.url}/logout", data=b"x", headers=here, timeout=30).status_code == 401


def test_logins_are_slowed_down_far_earlier_than_pages(served: Served) -> None:
    browser = served.visitor()
    seen = [browser.get("/login").status_code for _ in range(12)]
    assert seen[:10] == [303] * 10 and seen[-1] == 429
    assert int(browser.get("/login").headers["Retry-After"]) >= 1
    assert {browser.get("/welcome").status_code for _ in range(50)} == {200}


def test_a_rate_fills_up_again_and_remembers_only_so_many() -> None:
    rates = Rates(count=2, span_s=0.2, most=3)
    assert [rates.wait_s("one") for _ in range(2)] == [0, 0]
    assert 0 < rates.wait_s("one") <= 0.1
    for name in ("two", "three", "four"):
        rates.wait_s(name)
    assert len(rates._buckets) == 3
    assert not any(b"one" in key for key in rates._buckets), "kept under a hash"


def test_counts_are_for_this_computer_alone(served: Served) -> None:
    served.visitor().get("/welcome")
    served.visitor().get("/nothing-of-that-name")
    counts = requests.get(f"{served.url}/metrics", timeout=30)
    assert 'route="/welcome",status="200"' in counts.text and "nothing-of-that-name" not in counts.text
    through = requests.get(f"{served.url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"}, timeout=30)
    assert through.status_code == 404


def test_static_files_are_kept_for_ever_under_an_address_of_their_content(served: Served) -> None:
    for name, file in static_files().items():
        answer = served.visitor().get(f"/static/{file.version}/{name}")
        assert answer.content == file.content and "immutable" in answer.headers["Cache-Control"]
    assert served.visitor().get("/static/x/..%2Fweb.py").status_code == 404


def test_what_is_carried_along_is_what_its_table_says() -> None:
    table = (ROOT / "etl/web/static/README.md").read_text("utf-8")
    hashes = dict(re.findall(r"^\| `([\w.]+)` .*`([0-9a-f]{64})` \|$", table, re.MULTILINE))
    found = {Path(HTMX).name: hashlib.sha256((ROOT / HTMX).read_bytes()).hexdigest()}
    assert hashes == found


def test_a_database_that_is_gone_is_said_in_words(served: Served, database: str) -> None:
    from support import in_cluster

    browser = served.visitor()
    browser.session.cookies.set("brapped-session", "x", domain="127.0.0.1")
    assert browser.get("/").status_code == 303
    name = database.rpartition("/")[2].partition("?")[0]
    in_cluster(database.replace(name, "postgres", 1), f"alter database {name} with allow_connections false")
    in_cluster(
        database.replace(name, "postgres", 1),
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    )
    answer = browser.get("/")
    assert answer.status_code == 503 and "database" in answer.text.lower()
    assert served.visitor().get("/health").status_code == 200
    in_cluster(database.replace(name, "postgres", 1), f"alter database {name} with allow_connections true")


def test_the_server_ends_in_good_order(served: Served) -> None:
    served.program.send_signal(15)
    assert served.program.wait(30) in (0, 143, -15)
    assert "Traceback" not in served.program.communicate()[1]
