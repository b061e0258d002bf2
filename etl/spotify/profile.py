"""The account behind a login, as /v1/me describes it. Pure."""

from dataclasses import dataclass

from etl.spotify.errors import SpotifyError
from etl.values import Json, account, name


@dataclass(frozen=True)
class Account:
    """The account that a login belongs to. `listener_id` never changes; `user_id` and the name may."""

    listener_id: str
    user_id: str | None
    listener_name: str | None

    def __repr__(self) -> str:
        return "Account(…)"


def parse_account(me: Json) -> Account:
    """Parse /v1/me: the listener id is the immutable account_id, or the user id where Spotify sends no account_id.

    Raises SpotifyError when there is neither, or the account_id is malformed: falling back to the user id would then
    record the plays under another listener.
    """
    user_id, account_id = account(me.get("id")), me.get("account_id")
    listener_id = user_id if account_id in (None, "") else account(account_id)
    if listener_id is None:
        raise SpotifyError("Spotify does not say whose login this is: /v1/me held no usable id or account_id.")
    return Account(listener_id, user_id, name(me.get("display_name")))
