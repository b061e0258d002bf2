"""How long and how large anything may get, each with its reason. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a transaction may take, in seconds. `name` is its application_name: what other sessions see of it."""

    name: str
    statement_s: float  # of one statement, ended by the server; by the client when the server says nothing either
    lock_s: float  # waiting for a row or a table; less than statement_s, or the wait would end without its sentence
    turn_s: float  # waiting for another run's turn at the same record to end: an advisory lock
    idle_s: float  # between two statements: a laptop that falls asleep must not keep its locks for days


# The database: one transaction. An hourly run is done in a second, on a small host that wakes up in ten. It waits half a
# minute for an import, not for its end: what it can't record now, the next run records. Between two statements it asks
# Spotify at most, and a run as a whole has ten minutes (RUN_S).
SHORT = Limits("brapped", statement_s=45, lock_s=30, turn_s=30, idle_s=660)
# Reading years of plays takes seconds, and minutes on the smallest host. The daily report's workflow ends after ten.
READING = Limits("brapped report", statement_s=300, lock_s=30, turn_s=30, idle_s=1800)
# A million rows merge in two minutes on two cores, in twenty on the smallest host. The files to import are read between
# two statements.
IMPORTING = Limits("brapped import", statement_s=3600, lock_s=120, turn_s=600, idle_s=3600)
# One statement of a copy moves, counts or compares a table of ten million rows at most, maybe over a slow line; the
# source waits between two of its own while the target builds its indexes. Whoever reads the target has a minute to finish.
COPYING = Limits("brapped migrate", statement_s=3600, lock_s=60, turn_s=120, idle_s=7200)
# The connection that keeps other copies away does nothing else until the copy ends. A copy that was killed lets go within
# moments; one that is at work may take hours, and is not waited for.
HOLDING = Limits("brapped migrate", statement_s=45, lock_s=30, turn_s=10, idle_s=7 * 86_400)
# A schema file may rewrite ten million rows. It waits five seconds for each table or view, because everybody who comes
# later waits behind it; then it lets them through, and tries again.
MIGRATING = Limits("brapped migrate", statement_s=3600, lock_s=5, turn_s=120, idle_s=300)
MIGRATION_TRIES = 3
MIGRATION_PAUSE_S = 3
# Statements that take longer than the transaction that they are part of. A new time zone dates every play anew, a million in
# twenty seconds. A run of plays has five minutes in all; what takes longer is left to migrate.py.
STATEMENTS_S = {"dimensions/listener_time_zone": 180.0}

# The database: one connection.
CONNECT_S = 15  # for each of a host's addresses; a database that sleeps wakes up within ten
GRACE_S = 10  # after the server's own limit, before the client gives a silent connection up
KEEPALIVE_S = 30  # without traffic, before the other end is asked whether it is still there
KEEPALIVE_PAUSE_S = 10
KEEPALIVE_TRIES = 3
UNACKNOWLEDGED_S = 60  # what was sent and not confirmed for so long went nowhere (Linux)
ANOTHER_TRY_S = 60  # no try of a transaction begins later than this after its first: a run has other things to say

# The network: Spotify.
SILENCE_S = (10, 30)  # to connect, and between two bytes: Spotify answers in well under a second or not at all
CALL_S = 45  # a whole call, from looking the host up to the last byte: an answer that drips is never silent for long
ANSWER_MB = 16  # an answer, decompressed: the largest honest ones, fifty tracks or twenty albums, are some 2 MB
TRIES = 4  # of a call that fails as calls fail in an incident
PATIENCE_S = 60  # Spotify may ask for a day; a run waits a minute in all and leaves the rest to the next
LONGEST_PAUSE_S = 86_400  # quotas are counted over a day: a header that asks for more is a fault, not a wish
SAID_LENGTH = 240  # characters of Spotify's own words in a message: its longest refusal known has 160

# The network: webhook and PING_URL, whose answers are not read.
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
RUN_GRACE_S = 45  # to come to an end after that; a run that hangs where nothing can interrupt it is ended then
FAREWELL_S = 10  # to write down that it was ended, if the database can still be asked
