"""The JSON API: its numbers against SQL and the reports of the command, and how it speaks HTTP."""

from support.household import Household


def test_try(home: Household) -> None:
    for path in (
        "/me",
        "/plays?limit=2",
        "/tops/tracks?limit=2",
        "/tops/artists?limit=1",
        "/tops/albums?limit=1",
        "/tops/genres",
        "/tops/shows",
        "/totals?by=year",
        "/artists/1",
        "/artists/2",
        "/tracks/1",
        "/albums/1",
        "/albums/3",
        "/search?q=song",
        "/wrapped/2026",
        "/coverage",
        "/now",
        "/exclusions",
        "/listeners/me/artists?limit=2",
        "/listeners/me/listening",
    ):
        got = home.get(path)
        print(path, got.status_code, got.text[:600], "\n")
    assert 0
