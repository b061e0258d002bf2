"""Links that show one page: made, opened by whoever has them, revoked; and what they never show."""

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image
from support import asked, change_world
from support.served import Browser, Served, serving

from etl.simulator.server import SimulatedSpotify
from etl.web.badge import badge
from etl.web.cards import SIZES, Card, Ranking, drawn
from etl.web.sharing import SharedPage, ShareError

ADA = "account-of-ada"
HOSTILE = ("<script>alert(1)</script>", "\u202eright to left", "x" * 300, "日本の歌", "a\x00b\x1b[31m")


@pytest.fixture
def served(recorded: str, start: Callable, spotify: SimulatedSpotify) -> Served:
    app = replace(spotify.world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"}))
    change_world(spotify, app=app)
    return serving(start)


@pytest.fixture
def ada(served: Served) -> Browser:
    browser = served.visitor()
    browser.log_in(ADA)
    return browser


def made_address(browser: Browser, **form: str) -> str:
    answer = browser.post("/settings/sharing", data=form)
    assert answer.status_code == 200, answer.text
    found = re.search(rf'href="{re.escape(browser.url)}(/shared/[^"]+)"', answer.text)
    assert found
    return found[1]


def test_a_link_shows_its_page_to_anybody_until_it_is_revoked(served: Served, ada: Browser, ask: Callable) -> None:
    path = made_address(ada, page="top", kind="artists", year="2026", life="week")
    stranger = served.visitor()
    page = stranger.get(path)
    [(name, count)] = ask(
        "select dim_artist.artist_name, count(*) from listening.play_detail"
        " join listening.bridge_track_artist using (track_key) join listening.dim_artist using (artist_key)"
        " where play_detail.is_30s group by 1 order by 2 desc limit 1"
    )
    assert page.status_code == 200 and name in page.text and str(count) in page.text
    assert page.headers["X-Robots-Tag"] == "noindex" and page.headers["Referrer-Policy"] == "no-referrer"
    assert 'property="og:image"' in page.text and "/settings" not in page.text
    token = path.rpartition("/")[2]
    [(kept, opened)] = ask("select token_hash, opened_count from ops.shared_link")
    assert bytes(kept) == hashlib.sha256(token.encode()).digest() and opened == 1
    number = ask("select shared_link_key from ops.shared_link")[0][0]
    assert ada.post(f"/settings/sharing/{number}/revoke").status_code == 303
    for address in (path, f"{path}/card.png", f"{path}/story.png", f"{path}/now.svg"):
        assert stranger.get(address).status_code == 404, address


def test_a_link_opens_nothing_else(served: Served, ada: Browser) -> None:
    path = made_address(ada, page="now")
    stranger = served.visitor()
    assert stranger.get(path).headers["Content-Type"] == "image/svg+xml"
    token = path.split("/")[2]
    assert stranger.get(f"/shared/{token}").status_code == 404
    assert stranger.get(f"/shared/{token}/card.png").status_code == 404
    for address in ("/", "/settings", "/settings/sharing", "/compare"):
        assert stranger.get(address, params={"token": token}).headers["Location"] == "/welcome"


def test_a_link_ends(served: Served, ada: Browser, database: str) -> None:
    path = made_address(ada, page="top", kind="tracks", year="", life="week")
    assert served.visitor().get(path).status_code == 200
    asked(database, "update ops.shared_link set ends_at = now() - interval '1 second'")
    assert served.visitor().get(path).status_code == 404


def test_the_pictures_have_the_sizes_that_social_media_ask_for(served: Served, ada: Browser) -> None:
    path = made_address(ada, page="top", kind="artists", year="2026")
    for shape, size in SIZES.items():
        answer = served.visitor().get(f"{path}/{shape}.png")
        assert answer.headers["Content-Type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).size == size


@pytest.mark.parametrize(
    "form",
    [
        {"page": "history"}, {"page": "top", "kind": "secrets"}, {"page": "wrapped", "year": "12"},
        {"page": "wrapped", "year": "x"}, {"page": "top", "by": "luck"}, {"page": "now", "life": "ever"},
    ],
)  # fmt: skip
def test_what_can_not_be_shared_is_refused_in_words(ada: Browser, ask: Callable, form: dict[str, str]) -> None:
    answer = ada.post("/settings/sharing", data=form)
    assert answer.status_code == 400 and "Not shared" in answer.text
    assert ask("select count(*) from ops.shared_link") == [(0,)]


def test_a_page_keeps_its_parameters_through_the_table() -> None:
    import json

    for page in (
        SharedPage("wrapped", 2025),
        SharedPage("wrapped"),
        SharedPage("top", None, "albums", "time"),
        SharedPage("now"),
    ):
        assert SharedPage.of(page.name, json.loads(page.as_json())) == page
    with pytest.raises(ShareError):
        SharedPage.of("wrapped", {"year": 1})


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_and_escaped(name: str) -> None:
    playing = {"is_fresh": True, "is_playing": True, "track_name": name, "artist_names": [name, None]}
    image = badge(playing)
    assert "<script" not in image and "\x00" not in image and "\x1b" not in image and "\u202e" not in image
    assert len(drawn(Card(name, name, "1,234", "minutes", [Ranking("Top", [name] * 9)]), "card")) > 1000


def test_a_badge_says_when_nothing_is_known() -> None:
    assert "Not known now" in badge(None)
    stopped = {"is_fresh": False, "is_playing": True, "track_name": "Secret", "artist_names": []}
    assert "Secret" not in badge(stopped)
    assert "Nothing plays" in badge({**stopped, "is_fresh": True, "is_playing": False})
