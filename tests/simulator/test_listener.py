"""The made-up catalogue and listener: always the same, and as awkward and as regular as real ones."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from etl.simulator.catalogue import Catalogue, Track, catalogue
from etl.simulator.listener import BINGE_PLAYS, TIME_ZONE, binge_day, made_up_listener, made_up_plays
from etl.simulator.words import SPECIAL_TITLES

CATALOGUE = catalogue()
UNTIL = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
LISTENS = list(made_up_plays(CATALOGUE, UNTIL))


def sizes(made: Catalogue) -> tuple[int, ...]:
    return tuple(map(len, (made.artists, made.albums, made.tracks, made.shows, made.episodes)))


def isrcs(tracks: Iterable[Track]) -> Counter[str]:
    return Counter(track.isrc for track in tracks if track.isrc)


def test_the_catalogue_is_always_the_same_and_another_seed_makes_another() -> None:
    again, other = catalogue(), catalogue(seed=2)
    assert again == CATALOGUE
    assert (len(other.artists), other.tracks.keys() & again.tracks.keys()) == (81, set())
    assert sizes(CATALOGUE) == (81, 141, 637, 2, 7)


def test_everything_in_the_catalogue_leads_to_something_that_is_there() -> None:
    artists, albums, tracks = CATALOGUE.artists, CATALOGUE.albums, CATALOGUE.tracks
    assert [track for track in tracks.values() if track.id not in albums[track.album_id].track_ids] == []
    assert sum(len(album.track_ids) for album in albums.values()) == len(tracks)
    named = [*(one.artist_ids for one in tracks.values()), *(one.artist_ids for one in albums.values())]
    assert {id for ids in named for id in ids} == artists.keys()
    listed_ids = {id for show in CATALOGUE.shows.values() for id in show.episode_ids}
    assert listed_ids == CATALOGUE.episodes.keys()


def test_the_catalogue_has_all_that_is_awkward() -> None:
    tracks, albums = list(CATALOGUE.tracks.values()), list(CATALOGUE.albums.values())
    artists = list(CATALOGUE.artists.values())
    names = [track.name.partition(" (feat. ")[0] for track in tracks]
    assert set(SPECIAL_TITLES) <= set(names)
    assert max(map(len, names)) > 200
    assert {album.album_type for album in albums} == {"album", "single", "compilation"}
    assert {album.release_date_precision for album in albums} == {"day", "month", "year"}
    assert [artist.name for artist in artists if not artist.genres].count("Various Artists") == 1
    assert sum(not artist.genres for artist in artists) > 5
    assert sum(artist.image is None for artist in artists) > 3
    assert 0 < sum(track.isrc is None for track in tracks) < 100
    assert sum(many == 2 for many in isrcs(tracks).values()) > 30
    assert sum("(feat. " in track.name and len(track.artist_ids) == 2 for track in tracks) > 40
    assert 0 < sum(track.explicit for track in tracks) < 150
    assert all(90_000 <= track.duration_ms <= 420_000 for track in tracks)


def test_the_listener_is_always_the_same() -> None:
    one, other = (made_up_listener(CATALOGUE, UNTIL, seed=seed) for seed in (1, 2))
    assert made_up_listener(CATALOGUE, UNTIL) == one
    assert one.account_id != other.account_id
    assert [(play.track_id, play.played_at, play.context_uri) for play in one.plays] == [
        (listen.track_id, listen.ended_at, listen.context_uri) for listen in LISTENS
    ]


def test_listening_on_adds_to_what_was_and_changes_nothing() -> None:
    later = list(made_up_plays(CATALOGUE, UNTIL + timedelta(hours=9)))
    assert later[: len(LISTENS)] == LISTENS
    assert 0 < len(later) - len(LISTENS) < 48


def test_nobody_listens_to_two_songs_at_once_or_for_longer_than_they_last() -> None:
    assert [(one, next) for one, next in pairwise(LISTENS) if next.started_at < one.ended_at] == []
    slack = timedelta(milliseconds=1)
    assert [
        listen
        for listen in LISTENS
        if not timedelta()
        < listen.ended_at - listen.started_at
        <= timedelta(milliseconds=CATALOGUE.tracks[listen.track_id].duration_ms) + slack
    ] == []


def days(zone: str) -> Counter[date]:
    return Counter(listen.ended_at.astimezone(ZoneInfo(zone)).date() for listen in LISTENS)


def test_a_day_has_some_thirty_five_plays_but_for_the_binge() -> None:
    for zone in (TIME_ZONE, "UTC"):
        counted = days(zone)
        assert counted.pop(binge_day(UNTIL)) == BINGE_PLAYS
        today = counted.pop(UNTIL.date())
        assert len(counted) == 119
        assert (today < 48, min(counted.values()) >= 25, max(counted.values()) <= 48) == (True, True, True)


def test_a_few_songs_are_played_very_often_and_many_now_and_then() -> None:
    counts = sorted(Counter(listen.track_id for listen in LISTENS).values(), reverse=True)
    assert len(counts) > 300
    assert 0.3 < sum(counts[:20]) / len(LISTENS) < 0.6
    assert sum(count <= 3 for count in counts) > 80


def test_plays_have_habits_skips_repeats_and_contexts() -> None:
    local = [listen.ended_at.astimezone(ZoneInfo(TIME_ZONE)) for listen in LISTENS]
    weekday, weekend = (
        Counter(at.hour for at in local if (at.weekday() >= 5) is is_weekend) for is_weekend in (False, True)
    )
    assert (weekday[7] > 500, weekend[7], weekday[10], weekend[10] > 150) == (True, 0, 0, True)
    lengths = [listen.ended_at - listen.started_at for listen in LISTENS]
    skips = sum(length < timedelta(seconds=67) for length in lengths)
    repeats = sum(one.track_id == next.track_id for one, next in pairwise(LISTENS))
    whole_seconds = sum(listen.ended_at.microsecond == 0 for listen in LISTENS)
    assert (0.04 < skips / len(LISTENS) < 0.12, repeats > 80, whole_seconds > 40) == (True, True, True)
    assert min(lengths) >= timedelta(seconds=30)  # Spotify's list shows no shorter plays
    assert {(listen.context_uri or "::none").split(":")[1] for listen in LISTENS} == {
        "album", "artist", "playlist", "user", "",
    }  # fmt: skip
