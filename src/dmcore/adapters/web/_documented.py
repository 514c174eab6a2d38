"""An endpoint in the words of FastAPI, for the OpenAPI document of a site that includes it.

What is sent and refused is written out where it is used: FastAPI alone decides what a component is
called, for a site may have models of the same name.
"""

from typing import Any, Final

from dmcore.adapters.web import wire
from dmcore.adapters.web.wire._endpoint import Endpoint

_DOCUMENT: Final = wire.openapi("")
_SCHEMAS: Final[dict[str, Any]] = _DOCUMENT["components"]["schemas"]
_REFERENCE: Final = "#/components/schemas/"


def documented(endpoint: Endpoint) -> dict[str, Any]:
    """Keyword arguments for ``add_api_route``."""
    operation = _DOCUMENT["paths"][endpoint.pattern][endpoint.method.lower()]
    kept = {"parameters", "requestBody"} & operation.keys()
    responses = {
        int(status): _without_content(described)
        if status == str(endpoint.status.value)
        else _refusal(described, endpoint, int(status))
        for status, described in operation["responses"].items()
    }
    return {
        "name": f"dmcore_{endpoint.name}",
        "operation_id": f"dmcore_{endpoint.name}",
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "status_code": endpoint.status.value,
        "response_model": endpoint.answers,
        "responses": responses,
        "openapi_extra": {name: written_out(operation[name], _SCHEMAS) for name in kept},
    }


def written_out(part: Any, schemas: dict[str, Any]) -> Any:
    """A part of a document with the components that it refers to in the place of references."""
    if isinstance(part, list):
        return [written_out(each, schemas) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return written_out(schemas[part["$ref"].removeprefix(_REFERENCE)], schemas)
    return {name: written_out(value, schemas) for name, value in part.items()}


def _without_content(described: dict[str, Any]) -> dict[str, Any]:
    """What FastAPI does not know from the model of the answer."""
    return {name: value for name, value in described.items() if name != "content"}


def _refusal(described: dict[str, Any], endpoint: Endpoint, status: int) -> dict[str, Any]:
    """All refusals with one status: the document of their own tells what each has besides."""
    codes = [kind.code for kind in endpoint.refused_by if kind.http_status == status]
    problem = _SCHEMAS["Problem"]
    fields = {
        **problem["properties"],
        "status": {"const": status},
        "code": {"enum": codes},
    }
    content = {name: {"schema": {**problem, "properties": fields}} for name in described["content"]}
    return {**described, "content": content}
