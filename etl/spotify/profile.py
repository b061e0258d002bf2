"""Whose login it is, by /v1/me. Pure."""

from dataclasses import dataclass

from etl.spotify.errors import SpotifyError
from etl.values import Json, account, name


@dataclass(frozen=True)
class Account:
    """Who a login belongs to, as Spotify says."""

    listener_id: str
    user_id: str | None
    listener_name: str | None

    def __repr__(self) -> str:
        return "Account(…)"


def who_is(me: Json) -> Account:
    """The account that /v1/me names: by the immutable account_id; by the user id where an answer has none.

    Raises SpotifyError when it names none, or has an account_id that can't be one: the user id would be another listener.
    """
    user_id, told = account(me.get("id")), me.get("account_id")
    listener_id = user_id if told in (None, "") else account(told)
    if listener_id is None:
        raise SpotifyError("Spotify does not say whose login this is: /v1/me held no usable id or account_id.")
    return Account(listener_id, user_id, name(me.get("display_name")))
