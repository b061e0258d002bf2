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
            groups.setdefault(operation["tags"][0], []).append(told(described, path, method, operation))
    return rendering.page("api.html", visitor=visitor, described=described, groups=groups, address=site.url)


def told(described: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """An operation as the template needs it: its parameters, and the fields of its body and answers, in a flat table."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = {
        status: answer.get("content", {}).get("application/json", {}).get("schema")
        for status, answer in operation["responses"].items()
        if status < "3"
    }
    whole = next((schema for schema in answers.values() if schema), None)
    parameters = [
        {
            "name": one["name"],
            "place": one["in"],
            "words": one.get("description", ""),
            "type": type_of(one["schema"]),
            "is_needed": one.get("required", False),
        }
        for one in operation.get("parameters", ())
    ]
    summary, _, more = operation.get("description", operation["summary"]).partition("\n\n")
    return {
        "anchor": f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""),
        "method": method.upper(),
        "path": "/api" + path,
        "summary": summary,
        "more": more,
        "parameters": parameters,
        "body": fields_of(described, body),
        "answers": [(schema_name, fields_of(described, one)) for schema_name, one in models_of(described, whole)],
        "refusals": [
            (status, answer["description"]) for status, answer in operation["responses"].items() if status >= "3"
        ],
    }


def models_of(described: dict[str, Any], schema: Any) -> list[tuple[str, Any]]:
    """The models of an answer, and those inside them, each once, by name."""
    found: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            if name := one.get("$ref", "").rpartition("/")[2]:
                if name not in found:
                    found[name] = {"$ref": one["$ref"]}
                    waiting.append(described["components"]["schemas"][name])
                continue
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return list(found.items())


def fields_of(described: dict[str, Any], schema: Any) -> list[dict[str, Any]]:
    """The fields of a model: name, type, words."""
    if not schema:
        return []
    name = schema.get("$ref", "").rpartition("/")[2]
    model = described["components"]["schemas"].get(name, schema)
    return [
        {"name": field, "type": type_of(one), "words": words_of(one)}
        for field, one in model.get("properties", {}).items()
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
