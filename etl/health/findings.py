"""What needs a person, each under the cause that it is told under once: in words to act on, with no title and no secret."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    cause: what it is told under; there is one alert a cause. state: changes when there is something new to tell of it.
    title, text: for people who do not know the program by heart. is_alert: worth a message; else only shown by `status`.
    is_failure: something does not work now, as against what is going to come, or what has been lost.
    """

    cause: str
    state: str
    title: str
    text: str
    is_alert: bool = True
    is_failure: bool = False


# What a run can fail of: the cause, the title, and what to do besides what the error itself says.
RENEW = "On GitHub: Actions → connect → Run workflow. On a computer of your own: `brapped login`. It takes a minute."
TITLES = {
    "login": "The Spotify login can't be used: nothing is being recorded",
    "token-key": "The stored Spotify login can't be decrypted",
    "app": "Spotify refuses the app",
    "spotify": "Spotify can't be asked",
    "answers": "Spotify's answers could not be read in full",
    "database": "The database can't be used",
    "time-zone": "The database's host does not know your time zone",
    "settings": "Settings are missing or wrong",
    "time-limit": "A run took too long and was stopped",
    "clock": "The clock is wrong: nothing is being recorded",
}
ADVICE = {
    "login": RENEW,
    "token-key": "Or log in again. " + RENEW,
    "app": "Look at the app in Spotify's developer dashboard, and at the secrets SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET.",
    "spotify": "Mostly this passes by itself, and the next good run closes this. What is played meanwhile is kept by Spotify,"
    " but only the last fifty plays of it.",
    "answers": "The program may be older than what Spotify says now: update it (Sync fork).",
    "database": "Look at the database's host: is it up, is its plan used up, is DATABASE_URL still right?",
    "time-limit": "Mostly this passes by itself, and the next good run closes this. If it comes again, look whether Spotify and"
    " the database's host are up.",
    "time-zone": "Set TIME_ZONE to a zone with the same clock, or move to a host with a newer Postgres: docs/moving.md.",
    "settings": "Set them under Settings → Secrets and variables → Actions.",
    "clock": "Let the clock be set by the network (NTP), on this computer and on the database's host.",
    "program": "The log of the run says more. If it comes again, update the program (Sync fork), or report it to the project.",
}


def of_program(job: str) -> tuple[str, str]:
    """Cause and title of an error of the program: it is one of that job's."""
    return f"program-{job}", f"A run of {job} ended with an error of the program"


def failed(cause: str, said: str, job: str = "") -> Finding:
    """A run that failed of that; `said` is its sentence for the log. `job`: whose error of the program it is."""
    name, title = of_program(job) if cause == "program" else (cause, TITLES[cause])
    return Finding(name, "failing", title, f"{said}\n\n{ADVICE[cause]}", is_failure=True)
