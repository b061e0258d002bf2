"""How routes describe themselves in the OpenAPI: what they answer, and how they refuse."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from etl.web.api.problems import MEDIA_TYPE, TITLES
from etl.web.api.readers import ApiRoute

REFUSAL = {"$ref": "#/components/schemas/Problem"}
ALWAYS = (400, 401, 429, 500, 503)
HEADERS = {
    401: {"WWW-Authenticate": "Bearer: how to send a key."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
ETAG = {"ETag": {"description": "Of the body; send it as If-None-Match.", "schema": {"type": "string"}}}
Responses = dict[int | str, dict[str, Any]]
Route = Callable[..., Any]


def router_of(tag: str) -> APIRouter:
    """A router whose routes know who asks."""
    return APIRouter(route_class=ApiRoute, tags=[tag])


def refusals(*statuses: int) -> Responses:
    """How a route may refuse: always by ALWAYS, and by these."""
    return {
        status: {
            "description": f"{TITLES[status]}.",
            "content": {MEDIA_TYPE: {"schema": REFUSAL}},
            **(
                {
                    "headers": {
                        name: {"description": words, "required": True, "schema": {"type": "string"}}
                        for name, words in HEADERS[status].items()
                    }
                }
                if status in HEADERS
                else {}
            ),
        }
        for status in (*ALWAYS, *statuses)
    }


def told(model: Any, *statuses: int) -> dict[str, Any]:
    """The options of a GET route that answers with this model, and may refuse by these statuses."""
    return {
        "response_model": model,
        "responses": {
            200: {"headers": ETAG},
            304: {"description": "The body with the ETag of If-None-Match is still right."},
            **refusals(*statuses),
        },
    }


def answer(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The model as JSON. It was checked when it was made, so FastAPI need not do it again."""
    return Response(model.model_dump_json(), status, headers, "application/json")
