"""How long and how large anything may get, each with its reason."""

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
GRACE_S = 45  # to come to an end after that; a run that hangs where nothing can interrupt it is ended then
FAREWELL_S = 10  # to write down that it was ended, if the database can still be asked
