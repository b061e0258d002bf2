"""The keys of a listener to the JSON API: make one, which is shown once, and delete one."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from etl.web import rendering
from etl.web.api_keys import ApiKeyError, delete_key, keys_of, make_key
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

PAGE = "/settings/keys"
LARGEST_NUMBER = 2**31 - 1


@router.get(PAGE)
def keys(visitor: TheVisitor, site: TheSite) -> Response:
    """The keys, and the form for a new one."""
    return shown(visitor, site)


def shown(visitor: TheVisitor, site: TheSite, status: int = 200, **values: Any) -> Response:
    """The page, with what became of a form."""
    known = site.records.change(lambda connection: keys_of(connection, visitor.listener_key))
    form = {"made": None, "refusal": None, "name": "", "may": "read"} | values
    return rendering.page(
        "keys.html", status=status, visitor=visitor, path="/settings", keys=known, address=site.url, **form
    )


@router.post(PAGE)
def make(
    visitor: TheVisitor,
    site: TheSite,
    name: Annotated[str, Form()] = "",
    may: Annotated[str, Form()] = "read",
) -> Response:
    """Make a key. The answer shows it, and is the only place that ever does, so there is no redirect.

    Sent again, it makes no second key: the name is taken.
    """
    try:
        key = site.records.change(
            lambda connection: make_key(
                connection, visitor.listener_key, name, site.clock(), is_read_only=may != "write"
            )
        )
    except ApiKeyError as error:
        return shown(visitor, site, 400, refusal=str(error), name=name, may=may)
    return shown(visitor, site, made=key)


@router.get(PAGE + "/{number}/delete")
def ask(visitor: TheVisitor, site: TheSite, number: str) -> Response:
    """What deleting this key does, and the button."""
    known = site.records.change(lambda connection: keys_of(connection, visitor.listener_key))
    key = next((one for one in known if str(one.api_key_key) == number), None)
    if key is None:
        return no_such_key()
    return rendering.page("key_deleted.html", visitor=visitor, path="/settings", key=key)


@router.post(PAGE + "/{number}/delete")
def delete(visitor: TheVisitor, site: TheSite, number: str) -> Response:
    """Delete it: whatever uses it is refused from here on."""
    is_number = number.isascii() and number.isdecimal() and len(number) < 11 and int(number) <= LARGEST_NUMBER
    if not is_number or not site.records.change(
        lambda connection: delete_key(connection, visitor.listener_key, int(number))
    ):
        return no_such_key()
    return RedirectResponse(PAGE, 303)


def no_such_key() -> Response:
    return rendering.message("There is no such key", "It may have been deleted.", status=404, again=(PAGE, "Keys"))
