"""What belongs to translating between a framework and messaging, the same in every framework."""

import asyncio
import http.client
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from tests.web.conftest import MakeHost
from tests.web.hosts import PATIENCE_S, ROOT, Host, Stream

from dmcore.adapters.web import Document, Person, Site, Viewer
from dmcore.adapters.web._values import LARGEST_BODY_BYTES
from dmcore.errors import InvalidSetting

ODD_USERS = (
    "ada/lovelace",
    "/slash first",
    "slash last/",
    "two//slashes",
    "größe",
    "名前 ✉",
    "50%",
    "%2F",
    "a+b c",
    "?who#what&how=why;so",
    "api/threads",
)


def blocked(host: Host, user: str) -> list[str]:
    return [block.blocked for block in host.dm.mailbox(user).blocked().items]


# Who asks ---------------------------------------------------------------------------------------


@pytest.mark.promise("CONV-1")
def test_nobody_is_told_to_sign_in(host: Host) -> None:
    for path in ("/api/threads", "/"):
        assert host.client.request("GET", path, user=None).status == 401
    answer = host.client.request("PUT", "/api/users/bob/block", user=None)
    answers = [answer, host.client.request("POST", "/api/users/bob/block", user=None)]
    assert [answer.status for answer in answers] == [405, 401]


def test_a_user_of_another_tenant_is_somebody_else(host: Host) -> None:
    elsewhere = {"x-tenant": "north"}
    started = host.client.request(
        "POST",
        "/api/threads",
        user="ada",
        json={"user": "bob", "body": "hello"},
        headers=elsewhere,
    )
    assert started.status == 201

    def unread(headers: Mapping[str, str]) -> int:
        answer = host.client.request("GET", "/api/unread-count", user="bob", headers=headers)
        found: int = answer.json()["unread"]
        return found

    assert (unread(elsewhere), unread({})) == (1, 0)


def test_the_viewer_is_whom_the_host_names(host: Host) -> None:
    for number, user in enumerate(ODD_USERS):
        host.dm.mailbox(f"writer {number}").start(user, "hello")
        assert host.client.request("GET", "/api/unread-count", user=user).json() == {"unread": 1}


# What is asked ----------------------------------------------------------------------------------


def test_an_id_in_the_path_arrives_as_it_is(host: Host) -> None:
    for user in ODD_USERS:
        path = f"/api/users/{quote(user, safe='')}/block"
        assert host.client.request("POST", path, user="ada").status == 204
        assert blocked(host, "ada") == [user]
        assert host.client.request("DELETE", path, user="ada").status == 204
        assert blocked(host, "ada") == []


def test_an_act_without_content_arrives_through_a_real_server(host: Host) -> None:
    """Some servers make up a content type where the client named none."""
    thread = host.dm.mailbox("ada").start("bob", "x").conversation
    assert host.client.address
    path = f"/api/threads/{thread}/mute"
    headers = {"sec-fetch-site": "same-origin"}
    for method in ("PUT", "DELETE"):
        assert host.client.request(method, path, user="ada", headers=headers).status == 204
    assert host.client.request("PUT", path, user="ada", headers=headers).status == 204
    assert host.dm.mailbox("ada").conversation(thread).is_muted


def test_an_id_in_the_path_arrives_through_a_real_server(host: Host) -> None:
    assert host.client.address
    for user in ODD_USERS:
        path = f"/api/users/{quote(user, safe='')}/block"
        assert host.client.request("POST", path, user="ada").status == 204
    assert set(blocked(host, "ada")) == set(ODD_USERS)


def test_an_id_in_the_query_arrives_as_it_is_and_the_last_counts(host: Host) -> None:
    for number, user in enumerate(ODD_USERS):
        writer = f"writer {number}"
        host.dm.mailbox(writer).start(user, "hello")
        path = f"/api/threads/with?user=nobody&user={quote(user, safe='')}"
        found = host.client.request("GET", path, user=writer).json()["thread"]
        assert found is not None
        assert found["other"] == user


def test_text_arrives_as_it_was_sent(host: Host) -> None:
    text = "Grüße 👩‍👩‍👧 \u202e العربية\n\t<b>&amp;</b>"
    sent = {"user": "bob", "body": text}
    host.client.request("POST", "/api/threads", user="ada", json=sent)
    (entry,) = host.dm.mailbox("bob").inbox().items
    assert entry.preview is not None
    assert entry.preview.body is not None
    assert entry.preview.body.text == text


def test_a_form_arrives(host: Host) -> None:
    form = {"user": "größe & co", "body": "a+b=c\r\n100 %", "key": "k"}
    answer = host.client.request("POST", "/start", user="ada", form=form)
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"{ROOT}/t/")
    assert host.dm.mailbox("größe & co").unread() == 1


def test_headers_arrive(host: Host) -> None:
    for _ in range(2):
        host.client.request(
            "POST",
            "/api/threads",
            user="ada",
            json={"user": "bob", "body": "once"},
            headers={"Idempotency-Key": "k-1"},
        )
    assert host.dm.mailbox("bob").unread() == 1


def test_a_body_in_pieces_of_unknown_length_arrives(host: Host) -> None:
    if host.kind == "django":
        pytest.skip("wsgiref, which serves it here, takes no chunked body")
    asked = host.client.asked("POST", "/api/threads", user="ada", headers={"Idempotency-Key": "k"})
    connection = http.client.HTTPConnection(*host.client.address, timeout=PATIENCE_S)
    pieces = iter([b'{"user": "bob", ', b'"body": "in pieces"}'])
    connection.request(
        "POST", asked.target, body=pieces, headers=dict(asked.headers), encode_chunked=True
    )
    assert connection.getresponse().status == 201
    connection.close()
    assert host.dm.mailbox("bob").unread() == 1


# What is answered -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/threads", "/api/nothing", "/nothing"])
def test_head_answers_as_get_does_without_the_content(host: Host, path: str) -> None:
    got = host.client.request("GET", path, user="ada")
    found = host.client.request("HEAD", path, user="ada")
    assert (found.status, found.body) == (got.status, b"")
    assert set(found.headers) == set(got.headers)
    assert got.headers["content-length"] == str(len(got.body))
    assert found.headers["content-type"] == got.headers["content-type"]


def test_head_of_a_stream_takes_no_place(make_host: MakeHost) -> None:
    host = make_host(site=Site(most_streams=1))
    assert host.client.request("HEAD", "/api/stream", user="ada").status == 200
    with host.client.open_stream("/api/stream", "ada") as stream:
        assert stream.status == 200


def test_what_is_not_there_and_what_cannot_be_asked_are_told_apart(host: Host) -> None:
    def asked(method: str, path: str) -> tuple[int, str | None]:
        answer = host.client.request(method, path, user="ada")
        return answer.status, answer.headers.get("allow")

    assert asked("GET", "/api/nothing") == (404, None)
    assert asked("GET", "/nothing") == (404, None)
    assert asked("DELETE", "/api/threads") == (405, "GET, HEAD, POST")
    assert asked("OPTIONS", "/api/unread-count") == (405, "GET, HEAD")
    assert asked("PATCH", "/requests") == (405, "GET, HEAD")


def test_an_answer_without_content_has_no_kind(host: Host) -> None:
    answer = host.client.request("POST", "/api/users/bob/block", user="ada")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers


def test_a_refusal_is_a_problem_in_the_interface_and_a_page_outside(host: Host) -> None:
    kinds = [
        host.client.request("GET", path, user="ada").headers["content-type"]
        for path in ("/api/nothing", "/nothing")
    ]
    assert kinds == ["application/problem+json", "text/html; charset=utf-8"]


def test_the_stylesheet_is_anybodys(host: Host) -> None:
    page = host.client.request("GET", "/", user="ada").text
    _, _, after = page.partition(f'href="{ROOT}/static/')
    name, _, _ = after.partition('"')
    answer = host.client.request("GET", f"/static/{name}", user=None)
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.promise("LEAK-1")
def test_an_error_of_the_site_is_the_sites_and_names_no_text(make_host: MakeHost) -> None:
    class Broken(Exception):
        pass

    def people(_viewer: Viewer, _ids: Sequence[str]) -> Mapping[str, Person]:
        raise Broken("the directory of the site")

    host = make_host(site=Site(people=people))
    host.dm.mailbox("ada").start("bob", "secret text")
    with pytest.raises(Broken, match="the directory of the site") as raised:
        host.client.request("GET", "/", user="bob")
    error: BaseException | None = raised.value
    while error is not None:
        assert "secret text" not in repr(error)
        error = error.__cause__ or error.__context__


# Long bodies ------------------------------------------------------------------------------------


def test_a_body_that_is_too_long_is_refused(host: Host) -> None:
    answer = host.client.request(
        "POST", "/api/threads", user="ada", body=b"x" * (LARGEST_BODY_BYTES + 1)
    )
    assert answer.status == 413
    longest = host.client.request(
        "POST", "/api/threads", user="ada", body=b" " * LARGEST_BODY_BYTES
    )
    assert longest.status == 422


def test_a_body_that_is_too_long_is_not_read_to_its_end(host: Host) -> None:
    """The rest of it is never sent here: who waited for it would wait for ever."""
    if host.kind == "django-async":
        pytest.skip("Django itself reads a whole body before it asks a view that awaits")
    asked = host.client.asked("POST", "/api/threads", user="ada")
    headers = {**asked.headers, "content-length": str(100 * LARGEST_BODY_BYTES)}
    lines = [f"POST {asked.target} HTTP/1.1", *(f"{name}: {it}" for name, it in headers.items())]
    with socket.create_connection(host.client.address, timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        connection.sendall(b"x" * (LARGEST_BODY_BYTES + 1))
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == 413
        response.close()


# Where it is ------------------------------------------------------------------------------------


def test_the_interface_can_be_mounted_alone(host: Host) -> None:
    host.client.root = "/json"
    sent = {"user": "bob", "body": "hello"}
    started = host.client.request("POST", "/threads", user="ada", json=sent)
    assert started.status == 201
    assert started.headers["location"].startswith("/json/threads/")
    assert host.client.request("GET", "/unread-count", user="bob").json() == {"unread": 1}
    described = host.client.request("GET", "/openapi.json", user="ada").json()
    assert described["servers"] == [{"url": "/json"}]
    for path in ("/", "/api/threads", "/static/dmcore.css"):
        answer = host.client.request("GET", path, user="ada")
        assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


PATHS: dict[str, Any] = {
    "asgi": lambda scope: scope["path"],
    "asgi-blocking": lambda scope: scope["path"],
    "fastapi": lambda request: request.url.path,
    "flask": lambda request: request.path,
    "django": lambda request: request.path,
    "django-async": lambda request: request.path,
}


def test_the_sites_own_frame_is_around_every_page(make_host: MakeHost, host_kind: str) -> None:
    def layout(document: Document, native: object) -> str:
        path = PATHS[host_kind](native)
        return f"<!doctype html><title>{document.title}</title><nav>{path}</nav>{document.body}"

    host = make_host(site=Site(layout=layout))
    for path in ("/", "/settings", "/nothing"):
        text = host.client.request("GET", path, user="ada").text
        assert text.startswith("<!doctype html><title>")
        assert f"<nav>{ROOT}{path}</nav>" in text


def test_a_frame_may_be_awaited_where_something_awaits_it(
    make_host: MakeHost, host_kind: str
) -> None:
    """A navigation shows what only a coroutine can ask, such as the badge."""

    async def layout(document: Document, native: object) -> str:
        await asyncio.sleep(0)
        return f"<!doctype html><nav>{PATHS[host_kind](native)}</nav>{document.body}"

    site = Site(layout=layout)
    if host_kind in {"flask", "django"}:
        with pytest.raises(InvalidSetting):
            make_host(site=site)
        return
    host = make_host(site=site)
    for path, user, status in (("/", "ada", 200), ("/nothing", "ada", 404), ("/", None, 401)):
        answer = host.client.request("GET", path, user=user)
        assert answer.status == status
        assert answer.text.startswith(f"<!doctype html><nav>{ROOT}{path}</nav>")


# Streams ----------------------------------------------------------------------------------------


def test_an_event_comes_while_the_stream_goes_on(host: Host) -> None:
    with host.client.open_stream("/api/stream", "bob") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.event()["event"] == "hello"
        host.dm.mailbox("ada").start("bob", "hello")
        assert stream.event()["event"] == "changes"


def test_the_place_of_a_client_that_left_is_free_again(make_host: MakeHost) -> None:
    """Where each stream has a thread, it is noticed when something is written to the client."""
    host = make_host(site=Site(most_streams=1))
    stream = host.client.open_stream("/api/stream", "bob")
    assert stream.event()["event"] == "hello"
    second = host.client.open_stream("/api/stream", "bob")
    assert second.status == 429
    stream.close()
    given_up_at = time.monotonic() + PATIENCE_S
    while second.status == 429:
        assert time.monotonic() < given_up_at, "the place is still taken"
        if host.kind in {"flask", "django"}:
            host.client.request(
                "POST", "/api/threads", user="ada", json={"user": "bob", "body": "are you there?"}
            )
        second = host.client.open_stream("/api/stream", "bob")
    assert second.event()["event"] == "hello"


def ends(stream: Stream) -> bool:
    """Whether the stream ends; one that does not fails by running out of patience."""
    stream.read()
    return True


def test_logging_out_ends_the_streams_of_that_sign_in(host: Host) -> None:
    streams = {
        name: host.client.open_stream("/api/stream", "ada", {"x-session": name})
        for name in ("phone", "desk")
    }
    for stream in streams.values():
        assert stream.event()["event"] == "hello"
    host.messages.disconnect("ada", session="phone")
    assert ends(streams["phone"])
    host.dm.mailbox("bob").start("ada", "still there?")
    assert streams["desk"].event()["event"] == "changes"
    host.messages.disconnect("ada")
    assert ends(streams["desk"])


def test_closing_ends_every_stream_and_leaves_messaging_open(host: Host) -> None:
    stream = host.client.open_stream("/api/stream", "ada")
    assert stream.event()["event"] == "hello"
    host.messages.close()
    assert ends(stream)
    assert host.client.request("GET", "/api/unread-count", user="ada").json() == {"unread": 0}
