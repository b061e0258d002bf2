"""The errors that Spotify's responses stand for."""

PLAYBACK_STATE = "user-read-playback-state"  # the permission to ask what plays


class SpotifyError(Exception):
    """A request to Spotify failed. The message is meant for a person and contains no token and no title."""


class Unavailable(SpotifyError):
    """Every try failed: time-outs, broken connections, 5xx, truncated or malformed responses."""


class RateLimited(SpotifyError):
    """429, and the retry budget does not allow the wait. `wait_s`: seconds until Spotify takes requests again."""

    def __init__(self, reason: str, wait_s: float) -> None:
        self.reason = reason
        self.wait_s = wait_s
        super().__init__(f"Spotify takes no more requests for {wait_s:.0f} s ({reason}).")


class LoginRefused(SpotifyError):
    """The refresh token is expired (after six months), revoked or was never valid. Only a new login helps."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"Spotify no longer accepts the login ({reason}). Nothing recorded is lost. Log in again: on GitHub with"
            " the workflow connect, elsewhere with 'brapped login'. It takes a minute and lasts six months."
        )


class CodeRefused(SpotifyError):
    """The authorization code is expired, was used before, or belongs to another authorization request."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Spotify does not accept the code in that address ({reason}). A code is valid for ten minutes and works"
            " once. Nothing was changed. Start the login again."
        )


class AppRefused(SpotifyError):
    """Client id or client secret are wrong."""


class PermissionMissing(SpotifyError):
    """The login lacks a scope that the request needs."""

    def __init__(self) -> None:
        super().__init__(
            "The login lacks a permission that this job needs (user-read-recently-played). Log in again and grant it."
        )


class Forbidden(SpotifyError):
    """403: this app or this listener may not do that; retrying does not help.

    `is_about_the_endpoint`: Spotify gives no reason, as for endpoints that are closed to newer apps.
    """

    def __init__(self, message: str) -> None:
        self.is_about_the_endpoint = message.lower() in ("", "forbidden")
        super().__init__(f"Spotify refuses the request: {sentence(message or 'Forbidden')}{advice(message)}")


class Refused(SpotifyError):
    """Any other 4xx: this request is wrong, for example because of a malformed id."""


class NotFound(Refused):
    """404 for one id: it is unknown or was removed."""


def advice(message: str) -> str:
    """What a person can do about a 403 with this message; "" where there is nothing."""
    if "premium" in message.lower():
        return " The owner of the app needs Spotify Premium."
    if "registered" in message.lower():
        return " The app's owner has to add this listener under 'User Management' in Spotify's developer dashboard."
    return ""


def sentence(*words: str) -> str:
    """Join the words that are not empty, and end them with one full stop."""
    joined = " ".join(filter(None, words))
    return joined if joined.endswith((".", "…")) else f"{joined}."
