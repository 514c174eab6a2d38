"""The description of the interface in OpenAPI 3.1, made from the table of endpoints."""

import inspect
import re
from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dmcore.adapters.web.wire._contents import ID_SCHEMA, MEDIA_TYPE, USER_SCHEMA
from dmcore.adapters.web.wire._endpoint import Endpoint, Parameter
from dmcore.adapters.web.wire._examples import EXAMPLES
from dmcore.adapters.web.wire._problems import PROBLEM_TYPE, TRY_AGAIN, Problem, problem
from dmcore.domain.restriction import RestrictionKind
from dmcore.errors import DmcoreError

_DESCRIPTION: Final = """\
Private messages between two people. Who asks is known to the site by its own sign-in. Ids are \
text, instants ISO 8601 in UTC with microseconds, cursors opaque. Nothing is marked as read by \
looking. Every refusal is a problem of RFC 9457; programs go by its `code`."""

_HEADERS: Final = {
    "Link": 'Where the list goes on, `rel="next"`; absent at its end.',
    "Location": "The message.",
    "Retry-After": "Seconds after which it makes sense to try again.",
    "Allow": "The methods that this path has.",
}
_PATH_SCHEMAS: Final = {
    "thread": ID_SCHEMA,
    "message": ID_SCHEMA,
    "report": ID_SCHEMA,
    "device": ID_SCHEMA,
    "kind": {"type": "string", "enum": [*RestrictionKind]},
    "user": USER_SCHEMA,
}
_PATH_WORDS: Final = {
    "thread": "The conversation.",
    "message": "A message of the conversation.",
    "report": "The report.",
    "device": "An own device, by the name that it made up for itself.",
    "kind": "Which kind of restriction.",
    "user": "Somebody else, percent-encoded.",
}
_JSON_TYPES: Final = {str: "string", int: "integer", float: "number"}

Schema = dict[str, Any]


def document(endpoints: Sequence[Endpoint], root: str) -> Schema:
    """The whole description, for an interface that begins at ``root``."""
    paths: Schema = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.pattern, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Private messages", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": root or "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(each.tag for each in endpoints)],
        "paths": paths,
        "components": {"schemas": _schemas(endpoints)},
    }


def _operation(endpoint: Endpoint) -> Schema:
    operation: Schema = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "parameters": [
            *(_path_parameter(name) for name in re.findall(r"\{(\w+)\}", endpoint.pattern)),
            *(_parameter(each) for each in endpoint.parameters),
        ],
        "responses": {str(endpoint.status.value): _answer(endpoint), **_refusals(endpoint)},
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {MEDIA_TYPE: {"schema": _reference(endpoint.takes)}},
        }
    return operation


def _path_parameter(name: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PATH_WORDS[name],
        "schema": _PATH_SCHEMAS[name],
    }


def _parameter(parameter: Parameter) -> Schema:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_needed,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _answer(endpoint: Endpoint) -> Schema:
    answer = {"description": endpoint.status.phrase, **_headers(endpoint.headers)}
    if endpoint.status is not HTTPStatus.NO_CONTENT:
        model = endpoint.answers
        answer["content"] = {
            endpoint.media_type: {"schema": {} if model is None else _reference(model)}
        }
    return answer


def _refusals(endpoint: Endpoint) -> Schema:
    """One response for each status, which any of several errors may have."""
    responses: Schema = {}
    for status, kinds in groupby(endpoint.refused_by, key=lambda kind: kind.http_status):
        refusals = list(kinds)
        names = ["Retry-After"] if status in TRY_AGAIN else []
        names += ["Allow"] if status == HTTPStatus.METHOD_NOT_ALLOWED else []
        schemas = [_reference(kind) for kind in refusals]
        responses[str(status)] = {
            "description": ", ".join(f"`{kind.code}`" for kind in refusals),
            **_headers(names),
            "content": {PROBLEM_TYPE: {"schema": {"anyOf": schemas}}},
        }
    return responses


def _headers(names: Sequence[str]) -> Schema:
    described = {
        name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names
    }
    return {"headers": described} if described else {}


def _reference(kind: type[BaseModel] | type[DmcoreError]) -> Schema:
    return {"$ref": f"#/components/schemas/{_name(kind)}"}


def _schemas(endpoints: Sequence[Endpoint]) -> Schema:
    """The schemas of everything that is sent, answered or refused."""
    sent = {each.takes for each in endpoints if each.takes is not None}
    answered = {each.answers for each in endpoints if each.answers is not None} - sent
    _, schemas = models_json_schema(
        [
            (Problem, "validation"),
            *((model, "validation") for model in sorted(sent, key=_name)),
            *((model, "serialization") for model in sorted(answered, key=_name)),
        ],
        ref_template="#/components/schemas/{model}",
    )
    refusals = {kind for each in endpoints for kind in each.refused_by}
    problems = {_name(kind): _problem_schema(kind) for kind in sorted(refusals, key=_name)}
    return {**schemas["$defs"], **problems}


def _name(kind: type) -> str:
    return kind.__name__


def _problem_schema(kind: type[DmcoreError]) -> Schema:
    example = EXAMPLES[kind]
    details = {name: {"type": _JSON_TYPES[type(it)]} for name, it in example.details.items()}
    fixed = {"code": {"const": kind.code}, "status": {"const": kind.http_status}}
    return {
        "title": problem(example)["title"],
        "description": " ".join((inspect.getdoc(kind) or "").replace("``", "`").split()),
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {**details, **fixed}},
        ],
        "examples": [problem(example)],
    }
