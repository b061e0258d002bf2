"""The hourly job against a real Postgres and a simulated Spotify: what it records, and what it asks for."""

from support import NOW, ago

from etl.demo.spotify import Play
from etl.jobs import record_plays


def test_the_first_run_records_the_whole_window(settings, warehouse, spotify, songs, play, ask):
    ids = list(songs.tracks)[:3]
    play(*(Play(track_id, ago(10 * number + 1)) for number, track_id in enumerate(ids)))

    outcome = record_plays(settings, warehouse, lambda: NOW)

    assert outcome.line == "3 of 3 plays are new; recorded up to 2026-11-20 09:19 UTC"
    assert ask("select count(*) from listening.fact_play") == [(3,)]
