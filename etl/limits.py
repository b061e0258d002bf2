"""All limits of time and size, each with its reason. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Time limits of a transaction, in seconds. `name` is its application_name, which other sessions see."""

    name: str
    statement_s: float  # one statement; the server ends it, or the client if the server is silent
    lock_s: float  # waiting for a row or a table; less than statement_s, so that the error says what was waited for
    turn_s: float  # waiting for another run's advisory lock on the same listener or schema
    idle_s: float  # between two statements: a laptop that sleeps must not keep its locks for days


# The database: one transaction. An hourly run takes a second, or ten on a small host that has to wake up. It waits half
# a minute for an import and then gives up: the next run records what this one could not. Between two statements it
# sends requests to Spotify at most, and a run as a whole has ten minutes (RUN_S).
SHORT = Limits("brapped", statement_s=45, lock_s=30, turn_s=30, idle_s=660)
# Reading years of plays takes seconds, or minutes on the smallest host. The daily report's workflow ends after ten.
READING = Limits("brapped report", statement_s=300, lock_s=30, turn_s=30, idle_s=1800)
# A million rows merge in two minutes on two cores, in twenty on the smallest host. The files to import are read between
# two statements.
IMPORTING = Limits("brapped import", statement_s=3600, lock_s=120, turn_s=600, idle_s=3600)
# The same for plays that are derived anew; the hourly run gives way meanwhile.
REBUILDING = Limits("brapped rebuild", statement_s=3600, lock_s=120, turn_s=600, idle_s=300)
# A statement of a copy copies, counts or compares a table of up to ten million rows, maybe over a slow connection; the
# source is idle while the target builds its indexes. Readers of the target have a minute to finish.
COPYING = Limits("brapped migrate", statement_s=3600, lock_s=60, turn_s=120, idle_s=7200)
# The connection that holds the lock of a copy is idle until the copy ends. A copy that was killed releases the lock
# at once; one that is at work may take hours, and is not waited for.
HOLDING = Limits("brapped migrate", statement_s=45, lock_s=30, turn_s=10, idle_s=7 * 86_400)
# A schema file may rewrite ten million rows. It waits five seconds for each table or view, because later sessions queue
# behind it; then it lets them through, and tries again.
MIGRATING = Limits("brapped migrate", statement_s=3600, lock_s=5, turn_s=120, idle_s=300)
MIGRATION_TRIES = 3
MIGRATION_PAUSE_S = 3
# Statements that may take longer than the limit of their transaction. A new time zone re-dates every play, a million
# in twenty seconds. A run of plays has five minutes in all; what takes longer is left to migrate.py.
STATEMENTS_S = {"dimensions/listener_time_zone": 180.0}

# The database: one connection.
CONNECT_S = 15  # for each of a host's addresses; a database that sleeps wakes up within ten
GRACE_S = 10  # after the server's own limit, before the client gives a silent connection up
KEEPALIVE_S = 30  # without traffic, before the other end is probed
KEEPALIVE_PAUSE_S = 10
KEEPALIVE_TRIES = 3
UNACKNOWLEDGED_S = 60  # data that was sent and not acknowledged for so long is lost (Linux)
ANOTHER_TRY_S = 60  # no try of a transaction starts later than this after the first

# The network: Spotify.
SILENCE_S = (10, 30)  # to connect, and between two bytes; Spotify answers in well under a second or not at all
# A whole request, from the DNS lookup to the last byte, because a dripping response is never silent for long.
CALL_S = 45
PLAYER_CALL_S = 15  # a question about the player: a later answer would date nothing well
PLAYER_IDLE_S = 600.0  # at most between two questions about the player while nothing plays
PLAYER_FAILED_S, PLAYER_LONGEST_FAILED_S = 30.0, 120.0  # to the next one after a question that failed; it doubles
# So long after an answer the next one is late: one question between them may fail.
PLAYER_LATE_S = PLAYER_IDLE_S + PLAYER_FAILED_S + 2 * PLAYER_CALL_S
# So long after an answer the recorder stands still: three questions in a row have failed, and the fourth is out.
PLAYER_STILL_S = PLAYER_IDLE_S + 3 * PLAYER_FAILED_S + PLAYER_LONGEST_FAILED_S + 4 * PLAYER_CALL_S
ANSWER_MB = 16  # a response, decompressed: fifty tracks or twenty albums, the largest, have some 2 MB
TRIES = 4  # of a request that fails as in an outage
RETRY_BUDGET_S = 60  # Spotify may ask for a day; a run waits a minute in all and leaves the rest to the next
LONGEST_PAUSE_S = 86_400  # quotas are counted over a day, so a header that asks for more is wrong
MESSAGE_LENGTH = 240  # characters of Spotify's text in an error message; its longest known refusal has 160
WINDOW = 50  # plays in Spotify's recently-played list; also its largest page
SEARCH_PAGE = 10  # tracks a search may ask for in development mode

# The network: webhook and PING_URL, whose responses are not read.
NOTICE_SILENCE_S = 20  # to connect, and between two bytes
NOTICE_S = 30  # one message, with its redirects
REDIRECTS = 3  # within one host one does; more are a circle
DISCORD_LENGTH = 2_000  # characters that Discord takes

# The network: GitHub's program gh.
GH_S = 60  # one call of it takes a second or two

# A run as a whole. The steps of the workflows end a minute or more later (timeout-minutes), and their jobs after those.
RUN_S = {
    "plays": 300,  # it takes some seconds; in an incident the tries and pauses of three calls
    "dimensions": 600,  # a first run spends its share of the budget in some minutes; it saves what it has
}
# What a run keeps for its own work, or to end, when it derives plays anew after an update: plays has recorded before,
# dimensions fetches afterwards.
REBUILD_RESERVE_S = {"plays": 45, "dimensions": 180}
RUN_GRACE_S = 45  # to come to an end after that; a run that hangs where nothing can interrupt it is ended then
FAREWELL_S = 10  # to write down that it was ended, if the database can still be asked
