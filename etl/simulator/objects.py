"""Make Spotify's JSON objects from the catalogue. Pure.

`href`, `uri` and `external_urls` name the real Spotify, whichever server answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etl.simulator.catalogue import Album, Artist, Catalogue, Episode, Show, Track
from etl.simulator.world import EMAIL, PRIVATE_PROFILE, Listener, World

Object = dict[str, Any]

API_URL = "https://api.spotify.com/v1"
OPEN_URL = "https://open.spotify.com"
MARKETS = ["AT", "CH", "DE", "FR", "GB", "IE", "NL", "PL", "SE", "US"]
COVER_SIZES = {640: "ab67616d0000b273", 300: "ab67616d00001e02", 64: "ab67616d00004851"}
PORTRAIT_SIZES = {640: "ab6761610000e5eb", 320: "ab67616100005174", 160: "ab6761610000f178"}


def common_fields(kind: str, id: str) -> Object:
    """The fields that objects of every kind have: id, type, and three addresses of the real Spotify."""
    return {
        "external_urls": {"spotify": f"{OPEN_URL}/{kind}/{id}"},
        "href": f"{API_URL}/{kind}s/{id}",
        "id": id,
        "type": kind,
        "uri": f"spotify:{kind}:{id}",
    }


def images(picture: str | None, sizes: Mapping[int, str]) -> list[Object]:
    if picture is None:
        return []
    return [
        {"url": f"https://i.scdn.co/image/{prefix}{picture}", "height": size, "width": size}
        for size, prefix in sizes.items()
    ]


def omit(names: frozenset[str], whole: Object) -> Object:
    """The object without these fields, at its top level."""
    return {key: value for key, value in whole.items() if key not in names}


def simple_artist(artist: Artist) -> Object:
    """An artist as it appears within other objects."""
    return {**common_fields("artist", artist.id), "name": artist.name}


def full_artist(world: World, artist: Artist) -> Object:
    """An artist as /v1/artists/{id} returns it."""
    return omit(
        world.omitted_fields,
        {
            **simple_artist(artist),
            "followers": {"href": None, "total": artist.followers},
            "genres": list(artist.genres),
            "images": images(artist.image, PORTRAIT_SIZES),
            "popularity": artist.popularity,
        },
    )


def _artists(catalogue: Catalogue, ids: tuple[str, ...]) -> list[Object]:
    return [simple_artist(catalogue.artists[id]) for id in ids]


def simple_album(world: World, album: Album) -> Object:
    """An album as it appears within a track."""
    return omit(
        world.omitted_fields,
        {
            **common_fields("album", album.id),
            "album_type": album.album_type,
            "artists": _artists(world.catalogue, album.artist_ids),
            "available_markets": MARKETS,
            "images": images(album.image, COVER_SIZES),
            "name": album.name,
            "release_date": album.release_date,
            "release_date_precision": album.release_date_precision,
            "total_tracks": len(album.track_ids),
        },
    )


def full_album(world: World, album: Album) -> Object:
    """An album with its first fifty tracks; `tracks.next` of a longer one is not served."""
    href = f"{API_URL}/albums/{album.id}/tracks"
    tracks = [simple_track(world, world.catalogue.tracks[id]) for id in album.track_ids[:50]]
    more = f"{href}?offset=50&limit=50" if len(album.track_ids) > 50 else None
    return omit(
        world.omitted_fields,
        {
            **simple_album(world, album),
            "copyrights": [{"text": f"{album.release_date[:4]} {album.label}", "type": "P"}],
            "external_ids": {"upc": album.upc},
            "genres": [],
            "label": album.label,
            "popularity": album.popularity,
            "tracks": {
                "href": f"{href}?offset=0&limit=50",
                "items": tracks,
                "limit": 50,
                "next": more,
                "offset": 0,
                "previous": None,
                "total": len(album.track_ids),
            },
        },
    )


def simple_track(world: World, track: Track) -> Object:
    """A track as it appears within an album."""
    return omit(
        world.omitted_fields,
        {
            **common_fields("track", track.id),
            "artists": _artists(world.catalogue, track.artist_ids),
            "available_markets": MARKETS,
            "disc_number": track.disc_number,
            "duration_ms": track.duration_ms,
            "explicit": track.explicit,
            "is_local": False,
            "name": track.name,
            "preview_url": None,
            "track_number": track.track_number,
        },
    )


def full_track(world: World, track: Track) -> Object:
    """A track as /v1/tracks/{id} returns it."""
    return omit(
        world.omitted_fields,
        {
            **simple_track(world, track),
            "album": simple_album(world, world.catalogue.albums[track.album_id]),
            "external_ids": {"isrc": track.isrc} if track.isrc else {},
            "popularity": track.popularity,
        },
    )


def simple_show(world: World, show: Show) -> Object:
    """A show as it appears within an episode."""
    return omit(
        world.omitted_fields,
        {
            **common_fields("show", show.id),
            "available_markets": MARKETS,
            "copyrights": [],
            "description": show.description,
            "explicit": False,
            "html_description": show.description,
            "images": images(show.image, COVER_SIZES),
            "is_externally_hosted": False,
            "languages": [show.language],
            "media_type": "audio",
            "name": show.name,
            "publisher": show.publisher,
            "total_episodes": len(show.episode_ids),
        },
    )


def full_episode(world: World, episode: Episode) -> Object:
    """An episode as /v1/episodes/{id} returns it."""
    return omit(
        world.omitted_fields,
        {
            **common_fields("episode", episode.id),
            "audio_preview_url": None,
            "description": episode.description,
            "duration_ms": episode.duration_ms,
            "explicit": episode.explicit,
            "html_description": episode.description,
            "images": images(episode.image, COVER_SIZES),
            "is_externally_hosted": False,
            "is_playable": True,
            "language": episode.language,
            "languages": [episode.language],
            "name": episode.name,
            "release_date": episode.release_date,
            "release_date_precision": "day",
            "resume_point": {"fully_played": False, "resume_position_ms": 0},
            "show": simple_show(world, world.catalogue.shows[episode.show_id]),
        },
    )


def context(uri: str | None) -> Object | None:
    """A play's context. It has no name; a collection is the listener's own liked songs."""
    if uri is None:
        return None
    if uri.endswith(":collection"):
        return {
            "type": "collection",
            "href": f"{API_URL}/me/tracks",
            "external_urls": {"spotify": f"{OPEN_URL}/collection/tracks"},
            "uri": uri,
        }
    kind, id = uri.split(":")[-2:]
    return omit(frozenset({"id"}), {**common_fields(kind, id), "uri": uri})


def profile(world: World, listener: Listener, scopes: frozenset[str]) -> Object:
    """/v1/me. `account_id` is the immutable identity; email, country and product are unreliable."""
    found: Object = {
        **common_fields("user", listener.user_id),
        "account_id": listener.account_id,
        "display_name": listener.display_name,
        "followers": {"href": None, "total": 0},
        "images": [],
    }
    if PRIVATE_PROFILE in scopes:
        found["country"] = listener.country
        found["explicit_content"] = {"filter_enabled": False, "filter_locked": False}
        found["product"] = "premium" if listener.premium else "free"
    if EMAIL in scopes:
        found["email"] = listener.email
    return omit(world.omitted_fields, found)
