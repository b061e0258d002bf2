"""What a person has to read on GitHub survives the masking of secrets: the login link above all."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from support import ROOT
from support.runner_masks import STARS, Masks
from workflows.test_workflows import LINK, connected, in_bash, run_for_real

from etl.auth.oauth import begin_login, fully_encoded, redirect_uri
from etl.simulator.routes import Play

CALLBACK = "http://127.0.0.1:8888/callback"
# What people have as secrets beside those that the program asks for, most of it from an older project of this kind.
NEIGHBOURS = {
    "SPOTIFY_REDIRECT_URI": CALLBACK,
    "SPOTIPY_REDIRECT_URI": quote(CALLBACK, safe=""),
    "SPOTIFY_SCOPE": "user-read-recently-played",
    "RESPONSE_TYPE": "code",
    "METHOD": "S256",
}
# Written as hosts hand them out; the runner also hides what stands behind the last ampersand.
USUAL = {
    "DATABASE_URL": "postgresql://owner:npg_pass@ep-x-pooler.eu.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
    "OLD_URL": "postgresql://u:p@db.example.com/postgres?channel_binding=prefer&sslmode=verify-full",
    "ALERT_WEBHOOK_URL": "https://ntfy.sh/brapped",
    "PING_URL": "https://hc-ping.com/0af1a7ad-0000-4000-8000-6c5e5a6a4f00",
}


@in_bash
def test_a_browser_can_follow_the_link_that_github_shows(environment, spotify, browser, ask) -> None:
    spotify.clock = lambda: datetime.now(UTC)
    first = connected(environment)
    assert first.conclusion == "success" and STARS not in first.summary + first.log
    [link] = LINK.findall(first.summary)

    ended_at = []
    window = browser.new_page()
    window.on("request", lambda request: ended_at.append(request.url) if request.url.startswith(CALLBACK) else None)
    window.set_content(f'<a href="{link}">Open Spotify and agree</a>')
    window.click("a")
    window.wait_for_selector("h1")
    assert "client_id=%" in window.url and spotify.world.app.client_id not in window.url
    window.click("text=Agree as Ada", no_wait_after=True)
    for _ in range(500):
        if ended_at:
            break
        window.wait_for_timeout(20)
    window.close()

    second = connected(environment, ended_at[0])
    assert second.conclusion == "success" and STARS not in second.summary + second.log, second.log
    assert ask("select count(*) from ops.login where refresh_token_encrypted is not null") == [(1,)]


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_no_other_secret_breaks_the_link_either(name: str, settings) -> None:
    trip = begin_login(settings, redirect_uri())
    secrets = {
        "SPOTIFY_CLIENT_ID": settings.spotify_client_id.get_secret_value(),
        "SPOTIFY_CLIENT_SECRET": settings.spotify_client_secret.get_secret_value(),
        name: NEIGHBOURS[name],
    }
    link = fully_encoded(trip.address)
    masks = Masks(secrets.items())
    assert masks.hides_part_of(trip.address)
    # Names of parameters are not in the secrets of anybody; values are what counts.
    shown = [masks.masked(part) for part in re.findall(r"=([^&]*)", link)]
    assert STARS not in str(shown)
    assert parse_qsl(urlsplit(link).query) == parse_qsl(urlsplit(trip.address).query)


@in_bash
def test_what_the_jobs_say_about_themselves_is_not_masked(environment, play, songs, spotify) -> None:
    play(Play(next(iter(songs.tracks)), datetime.now(UTC)))
    for job in ("plays", "dimensions"):
        run = run_for_real(job, environment)
        assert run.conclusion == "success" and run.dropped == []
        assert STARS not in run.log + run.summary


SAID = sorted([*(ROOT / "etl").rglob("*.py"), *(ROOT / ".github").glob("*.sh"), ROOT / "migrate.py"])


@pytest.mark.parametrize("path", SAID, ids=lambda path: path.name)
def test_no_sentence_of_the_program_holds_what_the_runner_takes_for_a_part_of_a_usual_secret(path: Path) -> None:
    """Behind the last `&` of an address it is: `channel_binding=require` would be read as ***."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        constants = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
        text = "\n".join(value for value in constants if isinstance(value, str))
    masks = Masks(USUAL.items())
    assert [line for line in text.splitlines() if masks.hides_part_of(line)] == []
