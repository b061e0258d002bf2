"""Delete one's record: what would go, the name typed to confirm it, and then everything of the listener."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from etl.jobs.listeners import Deleted, delete_listener
from etl.web import rendering
from etl.web.sessions import Visitor
from etl.web.visitors import SomeVisitor, TheSite, TheVisitor, cookie_name, cookie_options

router = APIRouter(include_in_schema=False)

THINGS = {  # tables in the words of a listener; all others are counted as the program's notes
    "listening.fact_play": "plays",
    "listening.observation": "observations, from which plays are derived",
    "listening.exclusion": "rules of what is left out",
    "ops.import_file": "files that were imported",
    "ops.coverage": "spans that are covered or have gaps",
    "ops.login": "logins with Spotify",
    "ops.web_session": "browsers that are logged in",
    "ops.api_key": "keys",
    "ops.shared_link": "shared links",
    "ops.app": "apps of your own",
}
REST = "notes of the program about your record"


def deleted_of(visitor: Visitor, site: TheSite, *, dry_run: bool) -> Deleted:
    return delete_listener(
        site.records.warehouse, visitor.listener.listener_id, dry_run=dry_run, is_public=False, clock=site.clock
    )


@router.get("/data/delete")
def ask(visitor: TheVisitor, site: TheSite) -> Response:
    """What would go, in counts."""
    site.imports.must_be_idle(visitor.listener_key)
    return form(visitor, site)


def form(visitor: Visitor, site: TheSite, problem: str = "") -> Response:
    counts = deleted_of(visitor, site, dry_run=True).row_counts
    things = [(words, counts[table]) for table, words in THINGS.items() if counts.get(table)]
    rest = sum(count for table, count in counts.items() if table not in THINGS)
    return rendering.page(
        "delete.html",
        status=400 if problem else 200,
        visitor=visitor,
        path="/data",
        things=[*things, (REST, rest)] if rest else things,
        problem=problem,
    )


@router.post("/data/delete")
def delete(visitor: TheVisitor, site: TheSite, typed: Annotated[str, Form()] = "") -> Response:
    """Delete everything of the listener who typed their name, and log them out everywhere."""
    if typed.strip() != visitor.name.strip():
        return form(visitor, site, "This is not the name that stands above. Nothing was deleted.")
    site.imports.leave(visitor.listener_key)
    try:
        deleted_of(visitor, site, dry_run=False)
    except BaseException:
        site.imports.stay(visitor.listener_key)
        raise
    response = RedirectResponse("/goodbye", 303)
    response.delete_cookie(cookie_name(site), **cookie_options(site))
    return response


@router.get("/goodbye")
def goodbye(visitor: SomeVisitor) -> Response:
    """What stands there afterwards."""
    if visitor is not None:
        return RedirectResponse("/", 303)
    return rendering.message(
        "Your record is deleted",
        "Nothing of it is left here, and you are logged out everywhere.",
        "Spotify still lists this app under 'Manage apps' of your account, until you remove it there.",
        status=200,
        again=("/welcome", "To the beginning"),
    )
