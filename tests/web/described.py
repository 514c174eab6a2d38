"""Asks the interface, and holds every answer against the description of the interface itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
from tests.web.hosts import ROOT, Answer, Host

from dmcore.adapters.web import wire
from dmcore.adapters.web._routing import Found, find

ROUTES = wire.ROUTES
DOCUMENT = wire.openapi(f"{ROOT}/api")


def valid(schema: Mapping[str, Any], value: object) -> None:
    """The value fits a schema of the description."""
    whole = {"components": DOCUMENT["components"], **schema}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def as_described(method: str, path: str, answer: Answer) -> None:
    """The answer is one that the description announces for such a request."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = find(ROUTES, method, unquote(path.partition("?")[0]))
    if not isinstance(found, Found):
        assert answer.status in {403, 404, 405, 413}
        valid({"$ref": "#/components/schemas/Problem"}, answer.json())
        return
    operation = DOCUMENT["paths"][found.route.pattern][method.lower()]
    announced = operation["responses"][str(answer.status)]
    if answer.status in {429, 503}:
        assert int(answer.headers["retry-after"]) >= 1
    if "content" not in announced:
        assert answer.body == b""
        return
    media_type = answer.headers["content-type"]
    is_lines = media_type == "application/jsonl"
    for value in map(json.loads, answer.body.splitlines() if is_lines else [answer.body]):
        valid(announced["content"][media_type]["schema"], value)
    if answer.status >= 400:
        assert media_type == "application/problem+json"
        assert answer.json()["status"] == answer.status


class Api:
    """The interface of one site, as Ann asks it unless somebody else is named."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def ask(self, method: str, path: str, *, user: str | None = "ann", **given: Any) -> Answer:
        answer = self.host.client.request(method, f"/api{path}", user=user, **given)
        as_described(method, path, answer)
        return answer

    def get(self, path: str, *, user: str | None = "ann", **given: Any) -> Any:
        """What is answered, where something is."""
        answer = self.ask("GET", path, user=user, **given)
        assert answer.status == 200, answer.text
        return answer.json()

    def do(self, method: str, path: str, *, user: str | None = "ann", **given: Any) -> None:
        """Something that is done, and nothing said."""
        answer = self.ask(method, path, user=user, **given)
        assert answer.status == 204, answer.text

    def refusal(self, method: str, path: str, *, user: str | None = "ann", **given: Any) -> str:
        """Status and code of a refusal."""
        answer = self.ask(method, path, user=user, **given)
        assert answer.status >= 400, answer.text
        return f"{answer.status} {answer.json()['code']}"

    def start(self, other: str, body: str, *, user: str = "ann", key: str | None = None) -> Any:
        headers = None if key is None else {"idempotency-key": key}
        given = {"user": other, "body": body}
        answer = self.ask("POST", "/threads", user=user, json=given, headers=headers)
        assert answer.status == 201, answer.text
        return answer.json()

    def send(self, thread: str, body: str, *, user: str = "ann", **given: Any) -> Any:
        path = f"/threads/{thread}/messages"
        answer = self.ask("POST", path, user=user, json={"body": body, **given})
        assert answer.status == 201, answer.text
        return answer.json()

    def walk(self, path: str, *, user: str = "ann") -> Iterator[Any]:
        """Every page of a list, by the links alone."""
        following: str | None = path
        while following is not None:
            answer = self.ask("GET", following, user=user)
            assert answer.status == 200, answer.text
            yield answer.json()
            following = next_of(answer)


def next_of(answer: Answer) -> str | None:
    """Where the list goes on, below the interface."""
    link = answer.headers.get("link")
    if link is None:
        return None
    target, _, relation = link.partition("; ")
    assert relation == 'rel="next"'
    assert target.startswith(f"<{ROOT}/api/")
    return target[1:-1].removeprefix(f"{ROOT}/api")
