"""Reporting over HTTP: once for each key, only what one may, and nobody else learns of it."""

from datetime import timedelta

import pytest
from tests.web.conftest import MakeHost
from tests.web.described import Api
from tests.web.desks import NEIGHBOUR, SECRET, SHOWING, on_two_sites
from tests.web.hosts import Host

from dmcore import Policy, RateLimit


@pytest.fixture
def api(make_host: MakeHost) -> Api:
    return Api(make_host(policy=SHOWING))


@pytest.fixture
def sent(api: Api) -> dict[str, str]:
    message: dict[str, str] = api.start("ann", SECRET, user="bob")
    api.start("ann", NEIGHBOUR, user="bob")
    return message


def queue(host: Host) -> list[object]:
    return list(host.dm.moderation("mod").reports().items)


@pytest.mark.promise("MOD-1")
def test_a_report_says_what_was_noted_and_only_moderators_learn_of_it(
    api: Api, sent: dict[str, str]
) -> None:
    before = api.get("/changes", user="bob")
    content = {"thread": sent["thread"], "messages": [sent["id"]], "reason": "threat"}
    answer = api.ask("POST", "/reports", json=content)
    assert answer.status == 201
    receipt = answer.json()
    told = (receipt["reported"], receipt["thread"], receipt["messages"], receipt["reason"])
    assert told == ("bob", sent["thread"], 1, "threat")
    assert "zebra" not in answer.text
    assert api.get("/changes", user="bob") == before
    assert len(queue(api.host)) == 1


@pytest.mark.promise("MOD-1")
def test_a_key_makes_one_report_of_many_attempts(api: Api, sent: dict[str, str]) -> None:
    headers = {"idempotency-key": '"once"'}
    content = {"thread": sent["thread"], "reason": "spam"}
    first, again = (api.ask("POST", "/reports", json=content, headers=headers) for _ in range(2))
    assert first.body == again.body
    assert len(queue(api.host)) == 1
    other = {**content, "reason": "other"}
    refused = api.ask("POST", "/reports", json=other, headers=headers)
    assert refused.json()["code"] == "key_conflict"
    assert len(queue(api.host)) == 1


@on_two_sites
@pytest.mark.promise("MOD-1", "CONV-2")
def test_what_is_not_ones_own_to_report_is_refused_and_nothing_is_stored(
    api: Api, sent: dict[str, str]
) -> None:
    thread, message = sent["thread"], sent["id"]
    elsewhere = api.start("dan", "hello", user="cyd")
    for user, content, refusal in (
        ("cyd", {"thread": thread, "reason": "spam"}, "403 access_denied"),
        (
            "cyd",
            {"thread": elsewhere["thread"], "messages": [message], "reason": "spam"},
            "403 access_denied",
        ),
        ("ann", {"reason": "spam"}, "422 invalid_report"),
        ("ann", {"user": "bob", "reason": "boredom"}, "422 invalid_report"),
        ("ann", {"user": "bob", "messages": [message], "reason": "spam"}, "422 invalid_report"),
        (
            "ann",
            {"thread": thread, "messages": [message] * 21, "reason": "spam"},
            "422 invalid_report",
        ),
        ("ann", {"user": "ann", "reason": "spam"}, "422 cannot_message_yourself"),
        ("ann", {"thread": thread, "messages": message, "reason": "spam"}, "422 malformed_request"),
        ("ann", {"thread": thread, "messages": [7], "reason": "spam"}, "422 malformed_request"),
        ("ann", {"thread": "no id", "reason": "spam"}, "422 invalid_id"),
    ):
        assert api.refusal("POST", "/reports", user=user, json=content) == refusal
    assert queue(api.host) == []


@on_two_sites
def test_a_list_that_is_none_is_said_to_be_none(api: Api, sent: dict[str, str]) -> None:
    content = {"thread": sent["thread"], "messages": "all", "reason": "spam"}
    problem = api.ask("POST", "/reports", json=content).json()
    assert (problem["where"], problem["reason"]) == ("messages", "it must be a list")


@on_two_sites
def test_who_reports_too_often_is_told_when_to_go_on(make_host: MakeHost) -> None:
    api = Api(make_host(policy=Policy(reports=RateLimit(1, timedelta(hours=1)))))
    content = {"user": "bob", "reason": "spam"}
    assert api.ask("POST", "/reports", json=content).status == 201
    answer = api.ask("POST", "/reports", json=content)
    assert (answer.status, answer.headers["retry-after"]) == (429, "3600")
    assert len(queue(api.host)) == 1
