"""The JSON API as a page for people, made from its OpenAPI."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from etl.web import rendering
from etl.web.visitors import SomeVisitor, TheSite

router = APIRouter(include_in_schema=False)


@router.get("/api")
def api(request: Request, visitor: SomeVisitor, site: TheSite) -> Response:
    """Every address of the API: what it takes, what it answers, how it refuses."""
    described = request.app.state.api.state.described
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(told(path, method, operation))
    models = [
        (name, model.get("description", ""), fields_of(model))
        for name, model in sorted(described["components"]["schemas"].items())
        if "properties" in model
    ]
    return rendering.page(
        "api.html", visitor=visitor, described=described, groups=groups, models=models, address=site.url
    )


def told(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """An operation as the template needs it: its parameters, what it takes and answers, and how it refuses."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = {
        status: answer.get("content", {}).get("application/json", {}).get("schema")
        for status, answer in operation["responses"].items()
    }
    parameters = [
        {
            "name": one["name"],
            "type": type_of(one["schema"]),
            "words": one.get("description", "") + (" Needed." if one.get("required") else ""),
        }
        for one in operation.get("parameters", ())
    ]
    summary, _, more = operation.get("description", operation["summary"]).partition("\n\n")
    return {
        "method": method.upper(),
        "path": "/api" + path,
        "summary": summary,
        "more": more,
        "parameters": parameters,
        "body": sorted(models_in(body)),
        "answers": [(status, sorted(models_in(one))) for status, one in sorted(answers.items()) if one],
        "refusals": [
            (status, answer["description"])
            for status, answer in sorted(operation["responses"].items())
            if status >= "3"
        ],
    }


def models_in(schema: Any) -> set[str]:
    """The names of the models that a schema names, not of those inside them."""
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        inside = [models_in(one) for place, one in schema.items() if place in ("anyOf", "oneOf", "items")]
        return {name} if name else set().union(*inside)
    if isinstance(schema, list):
        return set().union(*map(models_in, schema))
    return set()


def fields_of(model: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a model: name, type, words; and which models they lead to."""
    return [
        {"name": field, "type": type_of(one), "words": words_of(one), "models": sorted(models_in(one))}
        for field, one in model["properties"].items()
    ]


def words_of(schema: dict[str, Any]) -> str:
    """Its description, or that of what it may be."""
    inside = next((one["description"] for one in schema.get("anyOf", ()) if "description" in one), "")
    return str(schema.get("description", inside))


def type_of(schema: dict[str, Any]) -> str:
    """A type in a word or two: integer, list of Play, text or null."""
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema['items'])}"
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "null"}
    named = {"date": "day", "date-time": "moment"}.get(schema.get("format", ""))
    return named or words.get(schema.get("type", ""), "anything")
