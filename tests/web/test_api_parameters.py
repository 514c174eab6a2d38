"""Parameters: those that are known are read strictly, in every host alike."""

import pytest
from tests.web.described import Api
from tests.web.hosts import Host

from dmcore.adapters.web._errors import MalformedRequest
from dmcore.adapters.web._values import Request
from dmcore.adapters.web.wire import _parameters
from dmcore.errors import InvalidKey

PAGED = ("/threads", "/users/blocked", "/snapshot", "/changes", "/threads/{thread}")


@pytest.fixture
def api(host: Host) -> Api:
    return Api(host)


def asked(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="POST", root="", path="/", headers=named)


@pytest.mark.promise("PAGE-1")
def test_a_page_holds_one_to_a_hundred_items_and_the_parameter_is_a_number(api: Api) -> None:
    thread = api.start("bob", "x")["thread"]
    malformed = ("abc", "", "1e1", "1.0", "-1", "%2B1", "%201", "1_0", "0x1", "%D9%A3", "9" * 5000)
    for path in (each.format(thread=thread) for each in PAGED):
        for limit in ("1", "100", "007"):
            api.get(f"{path}?limit={limit}")
        for limit in ("0", "101", "999999999"):
            assert api.refusal("GET", f"{path}?limit={limit}") == "422 invalid_page_size"
        for limit in malformed:
            assert api.refusal("GET", f"{path}?limit={limit}") == "422 malformed_request"


def test_what_is_wrong_with_a_parameter_is_told_without_its_value(api: Api) -> None:
    problem = api.ask("GET", "/threads?limit=zebrax").json()
    assert (problem["where"], problem["reason"]) == ("limit", "it must be a whole number")
    assert "zebra" not in str(problem)


def test_of_a_repeated_parameter_the_last_counts(api: Api) -> None:
    for user in ("ann", "bob"):
        api.start("cyd", "x", user=user)
    assert len(api.get("/threads?limit=1&limit=2", user="cyd")["items"]) == 2
    assert len(api.get("/threads?limit=abc&limit=1", user="cyd")["items"]) == 1
    refused = api.refusal("GET", "/threads?limit=1&limit=abc", user="cyd")
    assert refused == "422 malformed_request"


def test_a_parameter_that_nobody_knows_is_left_alone(api: Api) -> None:
    assert api.get("/threads?utm_source=mail&Limit=0") == api.get("/threads")


def test_a_folder_is_one_of_three(api: Api) -> None:
    for folder in ("", "Inbox", "spam", "inbox%20"):
        assert api.refusal("GET", f"/threads?folder={folder}") == "422 malformed_request"


def test_whom_one_looks_for_must_be_said(api: Api) -> None:
    assert api.refusal("GET", "/threads/with") == "422 malformed_request"
    assert api.refusal("GET", "/threads/with?user=") == "422 invalid_id"
    assert api.refusal("GET", "/threads/with?user=%00") == "422 invalid_id"


def test_nobody_waits_longer_than_a_proxy_would(api: Api) -> None:
    for wait in ("26", "999999999", "-1", "x", "", "0.5"):
        assert api.refusal("GET", f"/changes?wait={wait}") == "422 malformed_request"


@pytest.mark.promise("PAGE-1")
def test_a_cursor_of_another_list_another_user_or_nobody_is_refused(api: Api) -> None:
    for name in ("bob", "cyd"):
        thread = api.start(name, "x")["thread"]
    inbox = api.get("/threads?limit=1")["next"]
    feed = api.get("/snapshot")["cursor"]
    newer = api.get(f"/threads/{thread}")["newer"]
    for path in (
        f"/threads?cursor={feed}",
        f"/threads?folder=archived&cursor={inbox}",
        "/threads?cursor=",
        f"/users/blocked?cursor={inbox}",
        f"/changes?after={newer}",
        "/changes?after=%F0%9F%98%80",
        f"/threads/{thread}?before={inbox}",
        f"/threads/{thread}?before={newer}&after={newer}",
    ):
        assert api.refusal("GET", path) == "422 invalid_cursor", path
    assert api.refusal("GET", f"/threads?cursor={inbox}", user="bob") == "422 invalid_cursor"


@pytest.mark.promise("MSG-3")
@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("plain", "plain"),
        (" plain ", "plain"),
        ('"quoted"', "quoted"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("it's 5\" long", "it's 5\" long"),
        ('""', ""),
        ("", ""),
    ],
)
def test_a_key_is_the_bare_value_or_what_stands_in_the_quotes(value: str, key: str) -> None:
    assert _parameters.idempotency_key(asked(idempotency_key=value)) == key


@pytest.mark.parametrize("value", ['"open', '"', '"a"b"', r'"a\b"', '"a\\"', '"schön"', '"a\tb"'])
def test_a_quoted_key_is_a_whole_string_of_the_standard(value: str) -> None:
    with pytest.raises(InvalidKey):
        _parameters.idempotency_key(asked(idempotency_key=value))


def test_digits_of_another_script_are_no_number_here() -> None:
    for digits in ("٣", "３", "²", "１０"):
        with pytest.raises(MalformedRequest):
            _parameters.limit(Request(method="GET", root="", path="/", query={"limit": digits}), 20)
