"""What is around every page: policy headers, the host's frame, files, what the module reads."""

import re
from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
from tests.web.browsing import Browser, tree_of
from tests.web.conftest import MakeHost
from tests.web.hosts import ROOT, Host

from dmcore import Policy
from dmcore.adapters.web import Document, Person, Site, Viewer, _errors
from dmcore.adapters.web._site import DEFAULT_CSP
from dmcore.adapters.web._words import heading_of, notice_before, notice_of
from dmcore.errors import DmcoreError
from dmcore.mailbox import Permission

PATHS = ("/", "/requests", "/archived", "/blocked", "/settings", "/nothing", "/t/bad")
FRAGMENTS = ("/fragments/list", "/fragments/badge")


def test_every_answer_carries_the_policy_and_is_kept_by_nobody(host: Host) -> None:
    thread = host.dm.mailbox("bob").start("ann", "hello").conversation
    for path in (*PATHS, *FRAGMENTS, f"/t/{thread}", f"/fragments/thread/{thread}"):
        for user in ("ann", "eve", None):
            headers = host.client.request("GET", path, user=user).headers
            assert headers["content-security-policy"] == DEFAULT_CSP
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("csp", [None, "default-src 'self'"])
def test_a_site_may_have_another_policy_or_send_its_own(
    make_host: MakeHost, csp: str | None
) -> None:
    host = make_host(site=Site(csp=csp))
    headers = host.client.request("GET", "/", user="ann").headers
    assert headers.get("content-security-policy") == csp


def test_a_host_puts_its_own_frame_around_every_page(make_host: MakeHost) -> None:
    seen: list[object] = []

    def layout(document: Document, native: object) -> str:
        seen.append(native)
        assert document.title == "Messages"
        return (
            f"<!doctype html><html><head><title>{document.title}</title>{document.head}</head>"
            f"<body><main>{document.body}</main></body></html>"
        )

    host = make_host(site=Site(layout=layout))
    for user, status in (("ann", 200), (None, 401)):
        page = Browser.of(host, user).get("/")
        assert page.status == status
        assert len(list(page.tree.all("main"))) == 1
        assert len(list(page.tree.one("head").all("script"))) == 1
    assert len(seen) == 2
    assert None not in seen


def test_the_files_are_for_everybody_and_kept_until_they_change(host: Host) -> None:
    tree = Browser.of(host, "ann").get("/").tree
    links = [tree.one("link").attributes["href"], tree.one("script").attributes["src"]]
    kinds = {"dmcore.css": "text/css", "dmcore.js": "text/javascript"}
    for link, (name, kind) in zip(links, kinds.items(), strict=True):
        path = link.removeprefix(ROOT)
        assert re.fullmatch(rf"/static/{re.escape(name)}\?v=[0-9a-f]{{16}}", path)
        answer = host.client.request("GET", path, user=None)
        content = files("dmcore.adapters.web.pages").joinpath("static", name).read_bytes()
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        for query in ("", "?v=older"):
            again = host.client.request("GET", f"/static/{name}{query}", user="ann")
            assert (again.body, again.headers["cache-control"]) == (content, "no-cache")


def test_nothing_else_is_a_file(host: Host) -> None:
    for path in ("/static/", "/static/nothing.css", "/static/__init__.py", "/dmcore.css"):
        assert host.client.request("GET", path, user="ann").status == 404
    assert host.client.request("POST", "/static/dmcore.css", user="ann", form={}).status == 404


def test_the_stylesheet_leaves_the_rest_of_a_page_alone() -> None:
    sheet = files("dmcore.adapters.web.pages").joinpath("static", "dmcore.css").read_text("utf-8")
    text = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    selectors = [each for each in re.findall(r"([^{};]+)\{", text) if not each.startswith("@")]
    assert len(selectors) > 100
    for selector in selectors:
        # Commas part selectors where they do not stand in brackets.
        for each in re.split(r",(?![^(]*\))", selector):
            assert ".dm" in each, each
    assert "@import" not in text
    assert "url(" not in text
    assert "@property" not in text


def test_a_browser_that_cannot_choose_between_light_and_dark_shows_what_is_light() -> None:
    """It forgets a declaration that it does not know: white words would stand on white."""
    sheet = files("dmcore.adapters.web.pages").joinpath("static", "dmcore.css").read_text("utf-8")
    plain = re.sub(r"@supports[^{]*\{(?:[^{}]*\{[^{}]*\})*\}", "", sheet)
    assert "light-dark" in sheet
    assert "light-dark" not in plain
    used = set(re.findall(r"var\((--dm-[a-z-]+)", plain))
    assert len(used) > 10
    assert used <= set(re.findall(r"(--dm-[a-z-]+):", plain))


@pytest.mark.parametrize(
    ("site", "live", "poll_ms"),
    [
        (Site(), "stream", "5000"),
        (Site(live="poll", poll_every=timedelta(seconds=2)), "poll", "2000"),
    ],
)
def test_the_module_finds_what_it_needs(
    make_host: MakeHost, site: Site, live: str, poll_ms: str
) -> None:
    host = make_host(site=site)
    thread = str(host.dm.mailbox("bob").start("ann", "hello").conversation)
    tree = Browser.of(host, "ann").get(f"/t/{thread}").tree
    root = tree.one(data_dm=None).attributes
    assert (root["data-dm-root"], root["data-dm-api"]) == (ROOT, f"{ROOT}/api")
    assert (root["data-dm-me"], root["data-dm-live"]) == ("ann", live)
    assert root["data-dm-poll-ms"] == poll_ms
    box = host.dm.mailbox("ann")
    assert box.changes(after=root["data-dm-cursor"]).items == ()
    section = tree.one("section", data_dm_thread=thread)
    messages = section.one("ol", data_dm_messages=None).attributes
    host.dm.mailbox("bob").send(thread, "next")
    (following,) = box.thread(thread, after=messages["data-dm-newer"]).items
    assert following.body is not None
    assert "data-dm-older" not in messages
    form = section.one("form", data_dm_composer=None)
    assert form.one("textarea", name="body").text == ""
    assert form.one("input", name="key").attributes["value"]
    pending = section.one("template", data_dm_pending=None)
    assert pending.one(data_dm_text=None).text == ""
    assert pending.one(data_dm_state=None).text == "Sending …"
    for name in ("data_dm_typing", "data_dm_presence", "data_dm_jump"):
        assert "hidden" in section.one(**{name: None}).attributes
    status = section.one(data_dm_status=None).attributes
    assert (status["role"], status["aria-live"]) == ("status", "polite")


def test_the_pieces_that_the_module_asks_for_are_those_of_the_page(host: Host) -> None:
    thread = str(host.dm.mailbox("bob").start("ann", "hello").conversation)
    box = host.dm.mailbox("ann")
    box.mark_read(thread, through=box.thread(thread).items[0].id)
    page = Browser.of(host, "ann").get(f"/t/{thread}").tree

    def fragment(path: str) -> str:
        return host.client.request("GET", f"/fragments/{path}", user="ann").text

    messages = tree_of(fragment(f"thread/{thread}"))
    assert messages.one("ol", data_dm_messages=None) == page.one("ol", data_dm_messages=None)
    entries = tree_of(fragment(f"list?thread={thread}"))
    assert entries.one("ol", data_dm_list=None) == page.one("ol", data_dm_list=None)
    badge = tree_of(fragment("badge"))
    assert badge.one("span", data_dm_badge=None) == page.one("span", data_dm_badge=None)
    assert "bob" not in fragment("list?folder=archived")


def test_a_piece_goes_on_where_a_cursor_points(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(messages=None))
    thread = str(host.dm.mailbox("bob").start("ann", "0").conversation)
    for number in range(1, 120):
        host.dm.mailbox("bob").send(thread, str(number))

    def piece(query: str = "") -> tuple[list[str], dict[str, str]]:
        answer = host.client.request("GET", f"/fragments/thread/{thread}{query}", user="ann")
        tree = tree_of(answer.text)
        bodies = [body.text for body in tree.classed("dm-body")]
        return bodies, tree.one("ol").attributes

    newest, ends = piece()
    older, older_ends = piece(f"?before={ends['data-dm-older']}")
    oldest, oldest_ends = piece(f"?before={older_ends['data-dm-older']}")
    assert oldest + older + newest == [str(number) for number in range(120)]
    assert "data-dm-older" not in oldest_ends
    forward, forward_ends = piece(f"?after={oldest_ends['data-dm-newer']}")
    assert (forward, "data-dm-more" in forward_ends) == (older, True)
    last, last_ends = piece(f"?after={forward_ends['data-dm-newer']}")
    assert (last, "data-dm-more" in last_ends) == (newest, False)
    assert piece(f"?after={last_ends['data-dm-newer']}")[0] == []


# Words ------------------------------------------------------------------------------------------


def kinds(kind: type[DmcoreError]) -> list[type[DmcoreError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in kinds(child))]


# A person can do nothing about these, and is told no more.
NOT_FOR_PEOPLE = {
    *("error", "store_error", "invalid_setting", "invalid_page_size", "store_refused"),
    *("not_initialised", "wrong_schema", "too_many_streams", "streams_off"),
    *("encryption_required", "not_encrypted", "wrong_keyring", "unreadable_text", "wrong_role"),
    *("invalid_backup", "not_a_fresh_store", "missing_tool", "not_yourself"),
    *("unknown_consumer", "consumer_unavailable", "shared_database", "host_unavailable"),
    # What a device itself meets, which tells it in words of its own.
    *("untrusted_keys", "wrong_passphrase", "invalid_transcript"),
}


SHOWN = ("dmcore.errors", "dmcore.adapters.web")


def test_every_refusal_has_words_for_a_person() -> None:
    assert _errors.NotSignedIn in kinds(DmcoreError)
    plain = notice_of(DmcoreError("x")).text
    special = {"limit_reached", "invalid_body", "messaging_unavailable", "not_accepted_yet"}
    special |= {"muted", "suspended"}
    special |= {"message_refused"}
    for kind in kinds(DmcoreError):
        # Those of the command line are no page's to show.
        if kind.code in special or not kind.__module__.startswith(SHOWN):
            continue
        error = kind.__new__(kind)
        is_plain = notice_of(error).text == plain
        assert is_plain == (kind.code in NOT_FOR_PEOPLE), kind.code
        assert heading_of(error)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(microseconds=1), "1 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(seconds=120), "2 minutes"),
        (timedelta(seconds=121), "3 minutes"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=23, minutes=1), "24 hours"),
        (timedelta(hours=71), "71 hours"),
        (timedelta(hours=71, seconds=1), "3 days"),
    ],
)
def test_a_wait_is_never_announced_shorter_than_it_is(wait: timedelta, words: str) -> None:
    permission = Permission(is_allowed=False, reason="limit_reached", retry_after=wait)
    notice = notice_before(permission, is_start=False)
    assert notice is not None
    assert notice.text.endswith(f"Try again in {words}.")


def test_where_nothing_stands_in_the_way_nothing_is_said() -> None:
    assert notice_before(Permission(is_allowed=True), is_start=False) is None


def test_people_named_by_what_is_no_text_are_not_taken_for_deleted(make_host: MakeHost) -> None:
    def numbered(_viewer: Viewer, _users: Sequence[str]) -> Any:
        return {7: Person(name="Bob")}

    host = make_host(site=Site(people=numbered))
    host.dm.mailbox("bob").start("ann", "hello")
    page = Browser.of(host, "ann").get("/")
    assert page.status == 500
    assert "Deleted account" not in page.text
