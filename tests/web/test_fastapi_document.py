"""The OpenAPI document of a FastAPI site tells what the document of the interface itself tells."""

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from tests.web.asgi_hosts import identify_request
from tests.web.desks import ROLES

from dmcore import DirectMessages
from dmcore.adapters import memory
from dmcore.adapters.web import fastapi, wire
from dmcore.adapters.web._documented import written_out


@pytest.fixture
def dm() -> DirectMessages:
    """Messaging as it was opened: nothing here asks it."""
    return memory.open_sync()


class Message(BaseModel):
    """A model of the site that has the name of one of ours."""

    colour: str


def described(dm: DirectMessages) -> dict[str, Any]:
    app = FastAPI()

    @app.get("/colour")
    def colour() -> Message:
        return Message(colour="red")

    messages = fastapi.Messages(dm, identify=identify_request, site=ROLES)
    app.include_router(messages.router, prefix="/messages")
    document: dict[str, Any] = app.openapi()
    return document


def without_nulls(part: Any) -> Any:
    """As FastAPI writes a document: a default of null is not told."""
    if isinstance(part, list):
        return [without_nulls(each) for each in part]
    if isinstance(part, dict):
        return {name: without_nulls(it) for name, it in part.items() if it is not None}
    return part


def answered(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, object]:
    """What an operation answers where it does not refuse, as far as both documents tell it."""
    schemas = document["components"]["schemas"]
    return {
        status: {
            kind: written_out(content["schema"], schemas) if kind == "application/json" else ...
            for kind, content in answer.get("content", {}).items()
        }
        for status, answer in operation["responses"].items()
        if status < "300"
    }


def refused(operation: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """How an operation refuses: status, words and kinds of content."""
    return {
        status: (answer["description"], list(answer["content"]))
        for status, answer in operation["responses"].items()
        if status >= "300"
    }


def test_the_document_of_the_site_tells_what_ours_tells(dm: DirectMessages) -> None:
    ours, theirs = wire.openapi("/messages/api"), described(dm)
    found = {
        path.removeprefix("/messages/api"): operations
        for path, operations in theirs["paths"].items()
        if path != "/colour"
    }
    assert found.keys() == ours["paths"].keys()
    schemas = ours["components"]["schemas"]
    for path, operations in ours["paths"].items():
        assert found[path].keys() == operations.keys(), path
        for method, operation in operations.items():
            same = found[path][method]
            assert same["operationId"] == f"dmcore_{operation['operationId']}"
            for name in ("summary", "tags"):
                assert same[name] == operation[name]
            assert same.get("description", "") == operation.get("description", "")
            assert same.get("parameters", []) == operation["parameters"]
            taken = written_out(operation.get("requestBody"), schemas)
            assert same.get("requestBody") == without_nulls(taken)
            assert answered(same, theirs) == answered(operation, ours)
            assert refused(same) == refused(operation)
            for status, answer in operation["responses"].items():
                assert same["responses"][status].get("headers") == answer.get("headers")


def test_the_codes_of_a_refusal_stand_in_the_document_of_the_site(dm: DirectMessages) -> None:
    operation = described(dm)["paths"]["/messages/api/threads"]["post"]
    content = operation["responses"]["409"]["content"]["application/problem+json"]
    assert content["schema"]["properties"]["status"] == {"const": 409}
    codes = content["schema"]["properties"]["code"]["enum"]
    plain = ["key_conflict", "not_accepted_yet", "you_blocked_them"]
    sealed = ["keys_changed", "no_device", "sealed_only", "sealing_not_offered"]
    assert codes == sorted([*plain, *sealed])


def test_a_model_of_the_site_keeps_its_own_schema(dm: DirectMessages) -> None:
    document = described(dm)
    schemas = document["components"]["schemas"]
    answer = document["paths"]["/colour"]["get"]["responses"]["200"]
    found = written_out(answer["content"]["application/json"]["schema"], schemas)
    assert list(found["properties"]) == ["colour"]
