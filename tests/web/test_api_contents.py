"""What is sent is read strictly, and what is refused is never repeated."""

import logging
from typing import Any

import pytest
from tests.web.described import Api
from tests.web.hosts import Host

from dmcore import BodyReason
from dmcore.adapters.web._errors import MalformedRequest, UnsupportedMediaType
from dmcore.adapters.web._values import LARGEST_BODY_BYTES, MOST_BODY_BYTES, Request
from dmcore.adapters.web.wire import _contents, _models
from dmcore.errors import DmcoreError

SECRET = "the door code is zebra"
JSON = {"content-type": "application/json"}


def sent(body: bytes, kind: str = "application/json") -> Request:
    return Request(method="POST", root="", path="/", headers={"content-type": kind}, body=body)


def refused(body: bytes, model: type[_contents.Content] = _contents.NewText) -> DmcoreError:
    with pytest.raises(DmcoreError) as caught:
        _contents.content(sent(body), model)
    return caught.value


HOSTILE = {
    "no JSON": b'{"body": "' + SECRET.encode(),
    "nothing": b"",
    "text after it": b'{"body": "%s"} x' % SECRET.encode(),
    "a list": b'["%s"]' % SECRET.encode(),
    "a text": b'"%s"' % SECRET.encode(),
    "null": b"null",
    "a name twice": b'{"body": "a", "body": "%s"}' % SECRET.encode(),
    "a name twice further down": b'{"body": {"a": 1, "a": "%s"}}' % SECRET.encode(),
    "no number": b'{"body": NaN, "x": "%s"}' % SECRET.encode(),
    "infinity": b'{"body": -Infinity, "x": "%s"}' % SECRET.encode(),
    "a number without end": b'{"body": %s}' % (b"9" * 5000),
    "depth": b'{"body": ' + b"[" * 100_000,
    "closed depth": b'{"body": %s1%s}' % (b"[" * 50_000, b"]" * 50_000),
    "no UTF-8": b'{"body": "%s\xff"}' % SECRET.encode(),
    "UTF-16": '{"body": "x"}'.encode("utf-16"),
    "a mark in front": b'\xef\xbb\xbf{"body": "%s"}' % SECRET.encode(),
    "a bare control character": b'{"body": "%s\x00"}' % SECRET.encode(),
    "another type": b'{"body": {"text": "%s"}}' % SECRET.encode(),
    "another name": b'{"body": "x", "%s": 1}' % SECRET.encode(),
    "a name of half a character": b'{"body": "x", "\\ud800": "%s"}' % SECRET.encode(),
    "no name": b'{"": "%s"}' % SECRET.encode(),
}


@pytest.mark.promise("LEAK-1")
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_refusal_of_content_holds_nothing_of_it_and_has_no_chain(body: bytes) -> None:
    error = refused(body)
    assert isinstance(error, MalformedRequest)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert set(error.details) == {"where", "reason"}
    told = f"{error!r} {error.details} {vars(error)}"
    assert "zebra" not in told
    assert "999" not in told


@pytest.mark.promise("LEAK-1")
def test_hostile_content_is_answered_with_a_problem_and_stores_nothing(host: Host) -> None:
    api = Api(host)
    for kind, body in HOSTILE.items():
        answer = api.ask("POST", "/threads", body=body, headers=JSON)
        assert (answer.status, answer.json()["code"]) == (422, "malformed_request"), kind
        assert b"zebra" not in answer.body, kind
    assert api.get("/threads")["items"] == []
    assert api.get("/changes")["items"] == []


@pytest.mark.parametrize(
    ("body", "where", "reason"),
    [
        (b"{}", "body", "it is missing"),
        (b'{"body": 7}', "body", "it must be text"),
        (b'{"body": null}', "body", "it must be text"),
        (b'{"body": "x", "envelope": "{}"}', "envelope", "there is a text as well"),
        (b'{"body": null, "envelope": null}', "body", "it must be text"),
        (b'{"envelope": 7}', "envelope", "it must be text"),
        (b'{"body": "x", "reply_to": 7}', "reply_to", "it must be text"),
        (b'{"body": "x", "to": "bob"}', "content", "it holds a name that is not known"),
        (b"[]", "content", "it is no object"),
        (b'{"body": "x", "body": "x"}', "content", "a name stands twice in one object"),
        (b'{"body": "x', "content", "it is not JSON in UTF-8"),
        (b"[" * 100_000, "content", "it is nested too deeply"),
    ],
)
def test_a_refusal_says_where_and_what_is_wrong(body: bytes, where: str, reason: str) -> None:
    error = refused(body, _contents.NewMessage)
    assert error.details == {"where": where, "reason": reason}
    assert str(error) == f"{where}: {reason}"


@pytest.mark.parametrize("wrong", ['"sometimes"', "1", "null"])
def test_preferences_take_nothing_for_something_else(wrong: str) -> None:
    chosen = f'{{"open_to": {wrong}, "receipts": true, "typing": true, "presence": true}}'
    error = refused(chosen.encode(), _contents.Preferences)
    assert error.details == {"where": "open_to", "reason": "it is none of the choices"}
    chosen = f'{{"open_to": "nobody", "receipts": {wrong}, "typing": true, "presence": true}}'
    error = refused(chosen.encode(), _contents.Preferences)
    assert error.details == {"where": "receipts", "reason": "it must be true or false"}


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"]
)
def test_json_may_be_named_in_every_way_that_http_knows(kind: str) -> None:
    read = _contents.content(sent('{"body": "schön"}'.encode(), kind), _contents.NewText)
    assert read.body == "schön"


FOREIGN = ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.mark.parametrize("kind", FOREIGN)
def test_content_of_another_kind_is_refused_unread(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        _contents.content(sent(b'{"body": "x"}', kind), _contents.NewText)


def test_an_act_without_content_takes_none_or_an_empty_object() -> None:
    for body, kind in ((b"", ""), (b"", "application/json"), (b"{}", "application/json")):
        _contents.nothing(sent(body, kind))
    for body in (b'{"body": "x"}', b"[]", b"x"):
        with pytest.raises(MalformedRequest):
            _contents.nothing(sent(body))


@pytest.mark.parametrize("kind", FOREIGN[1:])
@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_act_without_content_is_not_for_forms(body: bytes, kind: str) -> None:
    """A form of another site can send an empty body, and no content type of ours."""
    with pytest.raises(UnsupportedMediaType):
        _contents.nothing(sent(body, kind))


@pytest.mark.promise("LEAK-1")
def test_what_holds_a_text_does_not_show_it() -> None:
    read = _contents.content(sent(b'{"body": "%s"}' % SECRET.encode()), _contents.NewMessage)
    assert read.body == SECRET
    assert repr(read) == str(read) == f"{read}" == "<NewMessage>"
    shown = _models.ConversationWith(thread=None)
    assert repr(shown) == str(shown) == "<ConversationWith>"


# In messaging itself ----------------------------------------------------------------------------

TEXTS: dict[str, tuple[str, BodyReason]] = {
    "empty": ("", BodyReason.EMPTY),
    "invisible": (" \u200b\n", BodyReason.INVISIBLE),
    "half a character": (f"{SECRET} \ud800", BodyReason.LONE_SURROGATE),
    "halves the wrong way round": (f"{SECRET} \udc00\ud800", BodyReason.LONE_SURROGATE),
    "NUL": (f"{SECRET} \0", BodyReason.NUL),
    "long": (SECRET * 200, BodyReason.TOO_LONG),
}


@pytest.mark.promise("MSG-1", "LEAK-1")
def test_a_text_that_messaging_refuses_is_told_by_its_reason_and_not_repeated(host: Host) -> None:
    api = Api(host)
    first = api.start("bob", "hello")
    thread = first["thread"]
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/threads", {"user": "bob"}),
        ("POST", f"/threads/{thread}/messages", {}),
        ("PATCH", f"/threads/{thread}/messages/{first['id']}", {}),
    ]
    before = api.get(f"/threads/{thread}")
    for text, reason in TEXTS.values():
        for method, path, content in tries:
            answer = api.ask(method, path, json={**content, "body": text})
            told = answer.json()
            assert (answer.status, told["code"], told["reason"]) == (422, "invalid_body", reason)
            assert b"zebra" not in answer.body
    assert api.get(f"/threads/{thread}") == before


@pytest.mark.promise("MSG-1")
def test_a_text_comes_back_exactly_as_it_was_sent(host: Host) -> None:
    api = Api(host)
    for text in (
        " leading and trailing \n",
        "line\r\nbreaks\u2028of all\u0085kinds",
        "<script>alert('&amp;')</script> \\u0041 \\ \" /",
        "אבג \u202e right to left \u202c",
        "e\u0301 ≠ é",
        "👩‍👩‍👧 \U0010ffff \ufeff \ufffe",
        "a" + "\u0301" * 3000,
    ):
        message = api.start("bob", text)
        assert message["body"] == text
        shown = api.get(f"/threads/{message['thread']}", user="bob")["messages"][-1]
        assert shown["body"] == text


def test_text_goes_out_as_utf_8_and_not_as_escapes(host: Host) -> None:
    answer = Api(host).ask("POST", "/threads", json={"user": "bob", "body": "schön 😀"})
    assert answer.headers["content-type"] == "application/json"
    assert "schön 😀".encode() in answer.body


def test_a_user_who_cannot_be_is_an_invalid_id(host: Host) -> None:
    for user in ("", "a\0b", "a\nb", "\ud800", "x" * 256):
        given = {"user": user, "body": "x"}
        assert Api(host).refusal("POST", "/threads", json=given) == "422 invalid_id"


def test_a_user_who_cannot_be_is_one_nowhere_in_a_path(host: Host) -> None:
    api = Api(host)
    for user in ("%00", "%7F", "%C2%85", "a%09b", "x" * 256):
        assert api.refusal("GET", f"/users/{user}/can-message") == "422 invalid_id"
        assert api.refusal("POST", f"/users/{user}/block") == "422 invalid_id"
    assert api.get("/users/blocked")["items"] == []


@pytest.mark.promise("LEAK-1")
def test_no_log_tells_a_text_or_a_key(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever listens, at the lowest level: what is accepted, refused, malformed and read."""
    caplog.set_level(logging.DEBUG)
    api = Api(host)
    sent = api.start("bob", SECRET, key="key zebra")
    path = f"/threads/{sent['thread']}/messages"
    for content in ({"body": f"{SECRET}\0"}, {"body": SECRET, "zebra": 1}, {"text": SECRET}):
        assert api.ask("POST", path, json=content).status == 422
    assert api.ask("POST", path, body=f'{{"{SECRET}'.encode(), headers=JSON).status == 422
    again = {"idempotency-key": "key zebra"}
    assert api.ask("POST", path, json={"body": "zebra"}, headers=again).status == 409
    assert api.get(f"/threads/{sent['thread']}")["messages"][0]["body"] == SECRET
    assert "zebra" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", "/threads", LARGEST_BODY_BYTES),
        ("PATCH", "/threads/x/messages/x", LARGEST_BODY_BYTES),
        ("PUT", "/preferences", MOST_BODY_BYTES),
        ("POST", "/reports", MOST_BODY_BYTES),
        ("POST", "/nowhere", MOST_BODY_BYTES),
    ],
)
def test_a_request_holds_so_many_bytes_and_not_one_more(
    host: Host, method: str, path: str, most: int
) -> None:
    """More only where what is sent can be sealed."""
    api = Api(host)
    frame = len(b'{"user":"bob","body":"x","more":""}')
    for size in (most, most + 1):
        body = b'{"user":"bob","body":"x","more":"%s"}' % (b"y" * (size - frame))
        assert len(body) == size
        answer = api.ask(method, path, body=body, headers=JSON)
        assert (answer.status == 413) == (size > most)
        assert answer.status < 413 or answer.status == 422 or answer.json()["most"] == most
    assert api.get("/threads")["items"] == []
