"""Brapped: everything you play on Spotify, as a star schema in a Postgres of your own.

The packages, from the top down. Each imports only what stands below it; a table in the tests says what.

    cli          the commands, a few lines each
    web          the web application and its JSON API
    demo         the story that `brapped demo` runs
    jobs         one file a job, and what every run of a job has in common
    alerts       GitHub issues, webhook, watchdog; standard library only
    health       checks, the findings that need a person, their text
    reports      questions to the warehouse; formats: text, Markdown, HTML, JSON, CSV
    transfer     to another host, to a backup and back
    sources      one reader a source: recently played, exports, older projects' tables
    dimensions   catalogue metadata: fetched within a budget, turned into rows
    auth         logins: OAuth, callback server, tokens, encryption
    warehouse    Postgres: connections, schema, statements, locks, merges. Knows no Spotify
    embedded     the Postgres that pip installed
    spotify      Spotify over HTTP
    simulator    a simulated Spotify, for the demo and the tests

The ground floor, which everything may import:

    settings     the only reader of the environment; env_file, provider_settings, web_settings and
                 refused_values serve it
    clock        the time, and how far this computer's clock is off
    limits       how long and how large anything may get; deadline keeps a run within it
    values       parsing: what fits a column
    staging      the columns of a batch, the same for every source
    notices      words that jobs, health and reports share
    terminal     the terminal and its progress bar; counts: "1 row", "2 rows"
    extras       which extra of the package is missing, and how to install it
    whole_file   files written whole or not at all; paths: where the program's own files are; interrupts: Ctrl-C
    json_text    JSON that is harmless on a terminal; links: ids, URIs and links as a person pastes them

How a play gets in: `spotify.api.Api.recently_played` fetches the page, `sources.recently_played.read_page` turns it
into rows of the staging tables, `warehouse.load.stage` copies them, `warehouse.merge` runs the files of sql/matching/
in their order, and the transaction commits. Exports go the same way. docs/one-listen.md explains how plays are matched.
"""

__version__ = "0.2.0"
