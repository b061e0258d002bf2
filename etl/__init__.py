"""Brapped: everything you play on Spotify, as a star schema in a Postgres of your own.

The map. Arrows point down: a file imports only what stands below it.

    cli            the commands, a few lines each; report_cli those that show what was recorded; login_cli the login
                   quick how they start; saying what they say; __main__: `python -m etl` is `brapped`
    demo/          a simulated Spotify, a listener, the story that `brapped demo` tells
    watch          a run of a job, and who is told of it
    alerts         telling: one issue a cause; webhook the webhook   health_text   how the record stands, for a terminal
    health         how the record stands                             loopback      the page that a browser is led back to
    login          the browser trip
    asking         from the words of a command to a report, and from that to a terminal or a file
    text_report    a report as text and Markdown      data_report as JSON and CSV      history the whole of it, page by page
    pages          a report as a page, from templates/; charts its pictures
    sentences      the parts of a report that are no tables       wording values in words, and which of them a person sees
    reports        what was asked, and what the files of sql/reports/ answer
    moves          from one database to another      backups as a file and back      legacy tables of older projects → plays
    sides          the two databases of a copy; contents what is in them, to compare; pipes from one COPY into another
    imports        the import job, exports → plays                  receipts what became of every row of them
    jobs           extract → transform → load, one function a job: record_plays, fill_dimensions
    catalogue      asking Spotify's catalogue within a budget; answers what it said
                   tokens   keeping logins; keys what they are encrypted with
    quarantine     saving a batch without what is odd in it
    listeners      whose record it is, of those who are recorded here
    findings       what needs a person, in words
    progress       a bar on a terminal
    plays          PURE  recently-played JSON → plays
    exports        an export's files → plays: archives finds and opens them, export_rows reads their rows, export_names
                   makes members of the names in them
    dimensions     PURE  track, album, artist JSON → rows of the dimensions and the bridge
    fields         PURE  what fits a column, for whatever Spotify and its exports say
    spotify        Spotify over HTTP: its calls, and what the answers mean; wire sending and waiting
    settings       the reader of the environment
    merges         the files of sql/load/ in their order
    opening        how every command begins: the warehouse of its settings, and the time
    warehouse      Postgres: connect, migrate, stage, ask
    embedded       the Postgres that pip installed: who uses it; cluster its server; programs what that runs

How a play gets in: `spotify.Api.recently_played` → `plays.read_page` (frames whose columns are those of the staging
tables) → `warehouse.stage` (one COPY each) → `merges.merge_catalogue` and `merge_plays` (the files of sql/load/) →
commit. One transaction, one way in, for exports as for pages. What "the same listen" means stands once, in
sql/load/same_listen.sql; docs/one-listen.md tells it in words.
"""

__version__ = "0.1.0"
