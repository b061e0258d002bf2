"""Brapped: everything you play on Spotify, as a star schema in a Postgres of your own.

The map. Arrows point down: a file imports only what stands below it.

    cli            the commands, a few lines each            __main__: `python -m etl` is `brapped`
    demo/          a simulated Spotify, a listener, the story that `brapped demo` tells
    jobs           extract → transform → load, one function a job: record_plays, fill_dimensions
    catalogue      asking Spotify's catalogue within a budget        tokens   keeping logins
    reports        rows of sql/reports/ to what a person reads       progress a bar on a terminal
    plays          PURE  recently-played JSON → plays
    dimensions     PURE  track, album, artist JSON → rows of the dimensions and the bridge
    spotify        Spotify over HTTP: tokens, waiting, errors        settings the reader of the environment
    warehouse      Postgres: connect, migrate, stage, merge
    embedded       the Postgres that pip installed: who uses it; cluster its server; programs what that runs

How a play gets in: `spotify.Api.recently_played` → `plays.read_page` (frames whose columns are those of the staging
tables) → `warehouse.stage` (one COPY each) → `warehouse.merge_catalogue` and `merge_plays` (the files of sql/load/) →
commit. One transaction, one way in. What "the same listen" means stands once, in sql/load/same_listen.sql.
"""

__version__ = "0.1.0"
