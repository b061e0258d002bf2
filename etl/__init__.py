"""Brapped: everything you play on Spotify, as a star schema in a Postgres of your own.

The map. Arrows point down: a file imports only what stands below it.

    cli            the commands, a few lines each; report_cli those that show what was recorded (choices: their options); login_cli the
                   login
                   quick how they start; saying what they say; __main__: `python -m etl` is `brapped`
                   migrating the way to migrate.py
    demo/          a simulated Spotify, a listener, the story that `brapped demo` tells
    watch          a run of a job, and who is told of it
    alerts         telling: one issue a cause; webhook the webhook   health_text   how the record stands, for a terminal
    health         how the record stands                             loopback      the page that a browser is led back to
    login          the browser trip
    asking         from the words of a command to a report, and from that to a terminal or a file
    text_report    a report as text and Markdown      data_report as JSON and CSV      history the whole of it, page by page
    pages          a report as a page, from templates/; charts its pictures; drawing what those are made of
    sentences      the parts of a report that are no tables       wording values in words, and which of them a person sees
    reading        reading a warehouse without changing it
    reports        what was asked, and what the files of sql/reports/ answer
    columns        PURE  the columns of each report's CSV
    recorded       PURE  which days are recorded, and which of a span are not
    moves          from one database to another      backups as a file and back      legacy tables of older projects → plays
    legacy_tables  those tables, found and read
    manifests      what a backup says of itself, and what of it is believed          whole_file written whole or not at all
    sides          the two databases of a copy       layout  their tables as the schema makes them, and as they are elsewhere
    ties           references and numbering, taken away and put back
    contents       what is in a table, to compare    pipes   from one COPY into another
    imports        the import job, exports → plays                  receipts what became of every row of them
    whose          whose record an import goes into, and whether the export is somebody else's
    jobs           extract → transform → load, one function a job: record_plays, fill_dimensions; outcomes what they say of it
    quiet          silence that is longer than usual
    unrecorded     runs that failed while the database could not be reached
    catalogue      asking Spotify's catalogue within a budget; answers what it said
                   tokens   keeping logins; keys what they are encrypted with
    quarantine     saving a batch without what is odd in it
    listeners      whose record it is, of those who are recorded here
    progress       a bar on a terminal
    plays          PURE  recently-played JSON → plays
    exports        an export's files → plays: archives finds and opens them, export_text decodes them, export_rows reads
                   their rows, export_values the values in these, export_names makes members of the names, export_owner
                   compares user names
    dimensions     PURE  track, album, artist JSON → rows of the dimensions and the bridge
    counts         PURE  1 row, 2 rows              refused_values PURE  why a value was refused
    fields         PURE  what fits a column, for whatever Spotify and its exports say
    spotify        Spotify over HTTP: its calls, and what the answers mean; wire sending and waiting
    deadline       time limits for a call and for a run      limits   all numbers of that kind, with their reasons
    settings       the reader of the environment            env_file finding the .env, and reading it
    merges         the files of sql/load/ in their order
    zones          time zones: their names, and which of them local dates go by
    findings       what needs a person, in words
    opening        how every command begins: the warehouse of its settings, and the time
    warehouse      Postgres: connect, migrate, stage, ask
    locks          between runs, and who holds one       connections that never wait for ever
    database_errors what is wrong with the database, in words
    limits         PURE  how long and how large anything may get
    versions       PURE  which of two programs is the newer one
    clocks         PURE  this computer's clock and those of servers
    embedded       the Postgres that pip installed: who uses it; cluster its server; programs what that runs
    interrupts     Ctrl-C

How a play gets in: `spotify.Api.recently_played` → `plays.read_page` (frames whose columns are those of the staging
tables) → `warehouse.stage` (one COPY each) → `merges.merge_catalogue` and `merge_plays` (the files of sql/load/) →
commit. One transaction, one way in, for exports as for pages. What "the same listen" means stands once, in
sql/load/same_listen.sql; docs/one-listen.md tells it in words.
"""

__version__ = "0.1.0"
