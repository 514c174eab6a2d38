"""Hostile text in every place where somebody else's words can stand: it stays text."""

from collections.abc import Iterator, Sequence

import pytest
from tests.web.browsing import Browser, Node, Page, tree_of
from tests.web.conftest import MakeHost
from tests.web.hosts import Host

from dmcore import Policy
from dmcore.adapters.web import Person, Site, Viewer
from dmcore.errors import InvalidSetting
from dmcore.testing.world import asking

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</textarea></title></template><svg/onload=alert(1)>",
    "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "&lt;b&gt; &amp;amp; &#x27;",
    "\u202etxt.exe\u202c \u2066isolated \u200f",
    "z" + "\u0300\u0301\u0302" * 300,
    "w" * 900,
    "javascript:alert(1)",
    "\nleading and trailing\n\n",
)

TITLES = {
    *("Messages", "Conversation", "New message", "Blocked people"),
    *("Report", "Reports", "Evidence", "Journal"),
}


def everybody(name: str, url: str | None = None) -> Site:
    def people(_viewer: Viewer, users: Sequence[str]) -> dict[str, Person]:
        return {user: Person(name=name, url=url) for user in users}

    return Site(people=people, is_moderator=lambda _: True, is_operator=lambda _: True)


def pages_of(host: Host, text: str) -> Iterator[Page]:
    """Every page with this text on it, as a body and as the id of a user."""
    other = text.strip()[:200].replace("\n", " ")
    ann, box, partner = Browser.of(host, "ann"), host.dm.mailbox("ann"), host.dm.mailbox(other)
    thread = partner.start("ann", text).conversation
    yield ann.get("/requests")
    yield ann.get(f"/t/{thread}")
    box.accept(thread)
    first = box.thread(thread).items[0].id
    mine = box.send(thread, text, reply_to=first).id
    for path in ("", f"?reply={first}", f"?edit={mine}"):
        yield ann.get(f"/t/{thread}{path}")
    yield ann.get("/")
    yield ann.post(f"/t/{thread}", {"body": (text * 400)[:4001], "key": text})
    yield ann.post("/open", {"user": f"{other}!"})
    yield ann.post("/start", {"user": f"{other}!", "body": (text * 400)[:4001], "key": "k"})
    box.archive(thread)
    yield ann.get("/archived")
    yield from desks_of(host, str(thread), str(first))
    box.block(other)
    yield ann.get("/blocked")


def desks_of(host: Host, thread: str, message: str) -> Iterator[Page]:
    """The same of those who report, moderate and operate."""
    ann, mod = Browser.of(host, "ann"), Browser.of(host, "mod")
    form = ann.get(f"/t/{thread}/report?message={message}")
    yield form
    yield ann.press(form, "Send the report", reason="spam")
    yield mod.get("/moderation?state=")
    (line,) = host.dm.moderation("mod").reports().items
    yield mod.post("/moderation/moves", {f"item-{line.id}": "on", "move": "take"})
    yield mod.get(f"/moderation/reports/{line.id}")
    yield mod.post(f"/moderation/reports/{line.id}/looks", {})
    yield mod.post("/operations/journal", {"user": line.reported})


def below(tree: Node, tag: str) -> list[Node]:
    return list(tree.all(tag))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_nothing_but_text_and_stands_apart_from_what_is_around_it(
    make_host: MakeHost, text: str
) -> None:
    policy = asking(messages=None, evidence="reporter_selected")
    host = make_host(policy=policy, site=everybody(text))
    found = list(pages_of(host, text))
    for page in found:
        stands_apart(page, text)
        tags = {node.tag for node in page.tree.all()}
        assert not tags & {"img", "svg", "b", "iframe", "object", "style"}
        scripts = below(page.tree, "script")
        assert [script.raw for script in scripts] == [""]
        for node in page.tree.all():
            assert not any(name.startswith("on") or name == "style" for name in node.attributes)
            for name in ("href", "src", "action", "formaction"):
                value = node.attributes.get(name, "#")
                assert value.startswith((f"{host.client.root}/", "#"))
                assert text.strip() not in value
        assert page.title in TITLES
    thread = found[1]
    assert thread.bodies == [text]
    assert found[4].typed == text
    shown = [name.raw for page in found for name in page.tree.classed("dm-name")]
    assert set(shown) == {text}
    (evidence,) = [page for page in found if page.title == "Evidence"]
    assert [it.raw for it in evidence.tree.classed("dm-quoted")] == [text]


def stands_apart(page: Page, text: str) -> None:
    """So a word written from the right, or an override in it, turns nothing else around."""
    for name in page.tree.classed("dm-name"):
        assert name.tag == "bdi"
    for body in page.tree.all("p", data_dm_text=None):
        assert body.attributes["dir"] == "auto"
    for message in page.tree.all("li", data_dm_message=None):
        (body,) = message.classed("dm-body")
        assert body.attributes["dir"] == "auto"
    for preview in page.tree.classed("dm-preview"):
        assert preview.one("bdi").text == " ".join(text[:160].split())
    for quoted in page.tree.classed("dm-quoted"):
        assert quoted.attributes["dir"] == "auto"
    for field in page.tree.all("textarea"):
        assert field.attributes["dir"] == "auto"


@pytest.mark.parametrize("url", ["/people/7?tab=1#top", "https://example.org/7", None])
def test_a_profile_is_linked_to_where_there_is_one(make_host: MakeHost, url: str | None) -> None:
    host = make_host(site=everybody("Bob", url))
    thread = host.dm.mailbox("bob").start("ann", "hello").conversation
    heading = Browser.of(host, "ann").get(f"/t/{thread}").tree.one("h1")
    assert [link.attributes["href"] for link in heading.all("a")] == ([url] if url else [])
    assert heading.text == "Bob"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "/\njavascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
    ],
)
def test_a_link_that_runs_something_cannot_be_given(url: str) -> None:
    with pytest.raises(InvalidSetting):
        Person(name="Bob", url=url)


INITIALS = (
    ("bob", "B"),
    ("  'éva", "É"),
    ("e\u0301va", "É"),
    ("z" + "\u0300" * 5000, "Z"),
    ("\u202edrow", "D"),
    ("🎸 band", "🎸"),
    ("", ""),
    ("\u0300\u200f", ""),
    ("<b>", "<"),
    ("a\ud800", "A"),
)


def test_the_circle_holds_one_character_of_a_name(make_host: MakeHost) -> None:
    names = {f"{number}": name for number, (name, _) in enumerate(INITIALS)}

    def people(_viewer: Viewer, users: Sequence[str]) -> dict[str, Person]:
        return {user: Person(name=names[user]) for user in users}

    host = make_host(site=Site(people=people))
    for user in reversed(names):
        host.clock.advance(seconds=1)
        host.dm.mailbox(user).start("ann", "hello")
    page = Browser.of(host, "ann").get("/")
    shown = [circle.text for circle in page.tree.classed("dm-avatar")]
    assert shown == [initial for _, initial in INITIALS]


@pytest.mark.promise("LEAK-1")
def test_no_address_and_no_title_tells_who_or_what(make_host: MakeHost) -> None:
    host = make_host(policy=Policy(messages=None), site=everybody("Real Name"))
    box = host.dm.mailbox("secret-id")
    thread = box.start("ann", "secret-body").conversation
    for number in range(60):
        host.dm.mailbox(f"secret-{number}").start("ann", "secret-body")
        box.send(thread, "secret-body")
    ann = Browser.of(host, "ann")
    for path in ("/", f"/t/{thread}", "/blocked", "/settings"):
        page = ann.get(path)
        links = [
            node.attributes[name]
            for node in page.tree.all()
            for name in ("href", "action", "formaction")
            if name in node.attributes
        ]
        for text in (*links, page.title):
            assert "secret" not in text
            assert "Real" not in text
    form = {"user": "secret-other", "body": "", "key": "k"}
    for path in ("/open", "/start"):
        answer = host.client.request("POST", path, user="ann", form=form)
        assert "secret" not in answer.headers.get("location", "")
        assert all("secret" not in title.raw for title in tree_of(answer.text).all("title"))
