"""The description of the interface is complete, and valid OpenAPI 3.1."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import ROLES
from tests.web.hosts import Host

from dmcore.adapters.web import Site, wire
from dmcore.adapters.web._routing import Audience
from dmcore.adapters.web.wire._endpoint import Endpoint
from dmcore.adapters.web.wire._examples import EXAMPLES
from dmcore.adapters.web.wire._parameters import LONGEST_WAIT_S
from dmcore.domain.paging import LARGEST_PAGE

DOCUMENT = wire.openapi("/messages/api")
# The endpoints that Residents asks for, below whatever prefix (specification, section 8).
RESIDENTS = {
    ("GET", "/threads"),
    ("POST", "/threads"),
    ("GET", "/threads/{thread}"),
    ("POST", "/threads/{thread}/messages"),
    ("POST", "/threads/{thread}/read"),
    ("POST", "/users/{user}/block"),
    ("DELETE", "/users/{user}/block"),
    ("GET", "/users/blocked"),
    ("GET", "/unread-count"),
}


def operation(endpoint: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][endpoint.pattern][endpoint.method.lower()]
    return found


def parts(value: object) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from parts(each)


def test_the_endpoints_of_residents_are_there() -> None:
    assert {(endpoint.method, endpoint.pattern) for endpoint in wire.ENDPOINTS} >= RESIDENTS


def test_every_endpoint_is_described_and_leads_to_a_handler() -> None:
    assert len(wire.ROUTES) == len(wire.EVERY)
    described = {
        (method.upper(), pattern)
        for pattern, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    assert described == {(route.method, route.pattern) for route in wire.ROUTES}
    assert all(operation(endpoint)["summary"] for endpoint in wire.EVERY)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation(endpoint)["operationId"] for endpoint in wire.EVERY]
    assert len(set(names)) == len(names)


def test_every_part_of_a_path_is_a_parameter() -> None:
    for endpoint in wire.EVERY:
        named = re.findall(r"\{(\w+)\}", endpoint.pattern)
        given = [each for each in operation(endpoint)["parameters"] if each["in"] == "path"]
        assert [each["name"] for each in given] == named
        assert all(each["required"] for each in given)


@pytest.mark.promise("PAGE-1")
def test_numbers_in_the_query_have_their_bounds() -> None:
    bounds = {
        each["name"]: (each["schema"]["minimum"], each["schema"]["maximum"])
        for endpoint in wire.EVERY
        for each in operation(endpoint)["parameters"]
        if each["schema"]["type"] == "integer"
    }
    assert bounds == {"limit": (1, LARGEST_PAGE), "wait": (0, LONGEST_WAIT_S)}


def test_every_refusal_has_a_body_and_every_body_an_example_that_fits() -> None:
    for kind, example in EXAMPLES.items():
        schema = DOCUMENT["components"]["schemas"][kind.__name__]
        (shown,) = schema["examples"]
        assert (shown["code"], shown["detail"]) == (kind.code, str(example))
        whole = {"components": DOCUMENT["components"], **schema}
        check = jsonschema_rs.Draft202012Validator(whole)
        assert check.is_valid(shown)
        assert not check.is_valid({**shown, "code": "something_else"})
        assert not check.is_valid({**shown, "status": 200})


@pytest.mark.parametrize("endpoint", wire.EVERY, ids=lambda endpoint: endpoint.name)
def test_the_responses_of_an_endpoint_are_its_answer_and_its_refusals(endpoint: Endpoint) -> None:
    responses = operation(endpoint)["responses"]
    statuses = {kind.http_status for kind in endpoint.refused_by}
    assert set(responses) == {str(status) for status in (endpoint.status, *statuses)}
    for status in statuses:
        told = responses[str(status)]
        codes = sorted(kind.code for kind in endpoint.refused_by if kind.http_status == status)
        assert sorted(re.findall(r"`(\w+)`", told["description"])) == codes
        assert ("Retry-After" in told.get("headers", ())) == (status in {429, 503})
        (schema,) = (content["schema"] for content in told["content"].values())
        assert len(schema["anyOf"]) == len(codes)


def test_everything_can_be_refused_to_another_site_and_what_is_not_for_all_to_nobody() -> None:
    for endpoint in wire.EVERY:
        codes = {kind.code for kind in endpoint.refused_by}
        assert "cross_site" in codes
        assert ("not_signed_in" in codes) == (endpoint.audience is not Audience.ANYONE)


def test_a_list_has_a_link_a_new_message_a_place_and_an_attempt_a_key() -> None:
    for endpoint in wire.EVERY:
        taken = {each.name for each in endpoint.parameters}
        assert ("Idempotency-Key" in taken) == (endpoint.status == 201)
        # Whoever reports cannot look at the report: it has no place for them.
        has_place = endpoint.status == 201 and endpoint.name != "make_report"
        assert ("Location" in endpoint.headers) == has_place
        is_list = bool({"cursor", "before", "after"} & taken) and endpoint.answers is not None
        assert ("Link" in endpoint.headers) == is_list


def test_the_stream_is_a_stream() -> None:
    responses = DOCUMENT["paths"]["/stream"]["get"]["responses"]
    assert list(responses["200"]["content"]) == ["text/event-stream"]


def test_nothing_refers_to_what_is_not_there_and_nothing_is_there_for_nobody() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    referred = {part["$ref"] for part in parts(DOCUMENT) if isinstance(part.get("$ref"), str)}
    assert referred == {f"#/components/schemas/{name}" for name in schemas}


def test_every_schema_is_a_valid_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        assert jsonschema_rs.meta.is_valid(schema)


def test_the_interface_is_said_to_begin_where_it_does() -> None:
    assert DOCUMENT["servers"] == [{"url": "/messages/api"}]
    assert wire.openapi("")["servers"] == [{"url": "/"}]


def test_a_site_serves_the_description_of_its_own_place(host: Host) -> None:
    api = Api(host)
    there = wire.endpoints_of(Site())
    assert api.get("/openapi.json") == wire.openapi("/messages/api", there)


def test_a_site_with_roles_describes_them_all(make_host: MakeHost) -> None:
    assert Api(make_host(site=ROLES)).get("/openapi.json") == DOCUMENT


def test_the_description_is_for_those_who_are_signed_in(host: Host) -> None:
    api = Api(host)
    assert api.refusal("GET", "/openapi.json", user=None) == "401 not_signed_in"
