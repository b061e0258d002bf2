"""What Spotify's answers can mean that is no answer."""


class SpotifyError(Exception):
    """Spotify did not give what was asked for. The message is for the person, and holds no token and no title."""


class Unavailable(SpotifyError):
    """Spotify, or the way to it, failed again and again: time-outs, 5xx, cut or senseless answers."""


class LockedOut(SpotifyError):
    """429 beyond a run's patience: come back after `wait_s` seconds."""

    def __init__(self, reason: str, wait_s: float) -> None:
        self.reason = reason
        self.wait_s = wait_s
        super().__init__(f"Spotify wants no more calls for {wait_s:.0f} s ({reason}).")


class LoginRefused(SpotifyError):
    """The refresh token is dead (expired after six months, revoked, or never valid): only a new login helps."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"Spotify no longer accepts the login ({reason}). Nothing recorded is lost. Log in again: on GitHub with the"
            " workflow connect, elsewhere with 'brapped login'. It takes a minute; a login lasts six months."
        )


class CodeRefused(SpotifyError):
    """What a listener came back with buys nothing: it is too old, was used before, or belongs to another trip."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Spotify does not take the code in that address ({reason}). It lives ten minutes and serves once. Begin"
            " again from the start; nothing was changed."
        )


class AppRefused(SpotifyError):
    """Client id or secret are wrong."""


class PermissionMissing(SpotifyError):
    """The login does not include a scope that the call needs."""

    def __init__(self) -> None:
        super().__init__(
            "The login lacks a permission that this job needs (user-read-recently-played). Log in again, granting it."
        )


class Forbidden(SpotifyError):
    """403: not for this app or this person, however often it is asked."""

    def __init__(self, said: str) -> None:
        self.is_about_the_endpoint = said.lower() in ("", "forbidden")
        super().__init__(f"Spotify refuses the call: {sentence(said or 'Forbidden')}{advice(said)}")


class Refused(SpotifyError):
    """Another 4xx: this very call is wrong, as with something that is no id."""


class NotFound(Refused):
    """404 to a question about one id: it is unknown or was removed."""


def advice(said: str) -> str:
    """What a person can do about a 403."""
    if "premium" in said.lower():
        return " The owner of the app needs Spotify Premium."
    if "registered" in said.lower():
        return " The app's owner has to add this listener under 'User Management' in Spotify's developer dashboard."
    return ""


def sentence(*words: str) -> str:
    """The words that there are, ended by one full stop."""
    said = " ".join(filter(None, words))
    return said if said.endswith((".", "…")) else f"{said}."
