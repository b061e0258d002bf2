"""Put the API together: an application of its own below /api, so that its errors and its OpenAPI are its own."""

import re
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from etl import __version__
from etl.warehouse.errors import WarehouseError
from etl.web.api import exclusions, names, plays, problems, record
from etl.web.api.answers import Answers
from etl.web.api.readers import REQUESTS, SPAN_S
from etl.web.security import Rates

ABOUT = (
    "What you play on Spotify, as this server has recorded it: the numbers of its pages and reports. Moments are UTC,"
    " days are yours, _ms is milliseconds, and what is unknown is null. Every GET has an ETag; HEAD works."
    f" A key may ask {REQUESTS} times in {SPAN_S} seconds. Refusals are application/problem+json (RFC 9457)."
)
PROBLEM = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, and what to do."},
        "errors": {
            "type": "array",
            "description": "A sentence for each parameter or field at fault.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
KEY = {"type": "http", "scheme": "bearer", "description": "A key from the settings, under Keys: brapped_…"}


def api_of(site: Any) -> FastAPI:
    """The API of a site, to be mounted at /api."""
    api = FastAPI(
        title="Brapped",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        servers=[{"url": "/api"}],
        root_path_in_servers=False,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        middleware=[Middleware(Answers)],
    )
    for router in (record.router, plays.router, names.router, exclusions.router):
        api.include_router(router, prefix="/v1")
    described = description_of(api)
    api.state.site = site
    api.state.rates = Rates(REQUESTS, SPAN_S)
    api.state.described = described
    api.state.addresses = [
        (compile_path(path)[0], {method.upper() for method in methods}) for path, methods in described["paths"].items()
    ] + [(re.compile("^/openapi.json$"), {"GET"})]

    @api.get("/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        """The description of the API for programs: OpenAPI 3.1."""
        return JSONResponse(described)

    for kind, handler in (
        (problems.Problem, problems.refused),
        (RequestValidationError, problems.unread),
        (HTTPException, problems.answered_otherwise),
        (WarehouseError, problems.database_away),
    ):
        api.add_exception_handler(kind, handler)
    return api


def description_of(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI, with the problems and the key that FastAPI does not know of."""
    described = api.openapi()
    schemas = described["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    described["components"]["securitySchemes"] = {"key": KEY}
    described["security"] = [{"key": []}]
    for operations in described["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = without_null(parameter["schema"])
            refusal = operation["responses"].get("422")
            if refusal and "application/json" in refusal["content"]:
                del operation["responses"]["422"]
    return described


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter: one that may be left out is not null."""
    kinds: list[dict[str, Any]] = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return kinds[0] | {name: value for name, value in schema.items() if name != "anyOf"}
