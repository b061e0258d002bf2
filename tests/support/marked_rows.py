"""Export rows whose title, names and personal fields are marks, so that a leak of any of them is found."""

from datetime import UTC, datetime, timedelta

from support.truth_sources import MARKS

MARK = "Qwertz-Title-That-Nobody-May-See"


def listen(minute: int, **changes: object) -> dict:
    """A row of the extended export, of a song that ended so many minutes after noon."""
    ended_at = datetime(2024, 8, 29, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return {
        "ts": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": 150_000,
        "spotify_track_uri": "spotify:track:" + "s" * 22,
        "master_metadata_track_name": MARK,
        "master_metadata_album_artist_name": MARK,
        "master_metadata_album_album_name": MARK,
        "incognito_mode": False,
        "username": MARKS["username"],
        "ip_addr": MARKS["ip"],
        "user_agent_decrypted": MARKS["agent"],
        **changes,
    }


GOOD = {"Streaming_History_Audio_2024.json": [listen(0), listen(10, episode_name=None), listen(0)]}
