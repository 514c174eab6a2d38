"""A browser without scripts: reads pages, keeps cookies, fills in forms."""

from collections.abc import Iterator
from html.parser import HTMLParser
from http.cookies import Morsel, SimpleCookie
from typing import Self
from urllib.parse import urlsplit

import attrs
from tests.web.hosts import Answer, Host

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


@attrs.define
class Node:
    """One element with what is in it."""

    tag: str
    attributes: dict[str, str]
    content: "list[Node | str]" = attrs.field(factory=list)

    def all(self, tag: str | None = None, **wanted: str | None) -> "Iterator[Node]":
        """Every element below with this tag and these attributes; ``None``: with any value."""
        names = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        for each in self.content:
            if isinstance(each, Node):
                if tag in (None, each.tag) and all(
                    name in each.attributes and value in (None, each.attributes[name])
                    for name, value in names.items()
                ):
                    yield each
                yield from each.all(tag, **wanted)

    def one(self, tag: str | None = None, **wanted: str | None) -> "Node":
        (found,) = self.all(tag, **wanted)
        return found

    def classed(self, name: str) -> "list[Node]":
        return [each for each in self.all() if name in each.attributes.get("class", "").split()]

    @property
    def raw(self) -> str:
        """All its text as it stands there."""
        return "".join(each if isinstance(each, str) else each.raw for each in self.content)

    @property
    def text(self) -> str:
        """All its text with single blanks."""
        return " ".join(self.raw.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} has an attribute twice"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].content.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].content.append(data)

    def tree(self, text: str) -> Node:
        self.feed(text)
        self.close()
        assert self._open == [self.root], "an element was not closed"
        return self.root


def tree_of(html: str) -> Node:
    """The elements of a text in which everything that is opened is closed."""
    return _Reader().tree(html)


@attrs.frozen
class Page:
    """An answer that is a page; ``path`` is where it was found, below the mount."""

    path: str
    answer: Answer
    tree: Node

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def title(self) -> str:
        return self.tree.one("title").text

    @property
    def text(self) -> str:
        return self.tree.one("body").text

    @property
    def bodies(self) -> list[str]:
        """The texts of the bubbles, as they stand there; not of the pattern for new ones."""
        return [
            body.raw
            for message in self.tree.all("li", data_dm_message=None)
            for body in message.classed("dm-body")
        ]

    @property
    def names(self) -> list[str]:
        """Who is in the list."""
        return [
            name.text
            for entry in self.tree.all("li", data_dm_entry=None)
            for name in entry.classed("dm-name")
        ]

    @property
    def alert(self) -> str:
        return self.tree.one(role="alert").one("p", id="dm-error").text

    @property
    def buttons(self) -> list[str]:
        return [button.text for button in self.tree.all("button")]

    @property
    def typed(self) -> str:
        """What is in the field for a message: a parser drops the first line break."""
        return self.tree.one("textarea", name="body").raw.removeprefix("\n")

    def field(self, name: str) -> str:
        return next(self.tree.all("input", name=name)).attributes["value"]


@attrs.frozen
class Browser:
    """Somebody in front of the pages of a site."""

    host: Host
    user: str | None
    cookies: dict[str, Morsel[str]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, host: Host, user: str | None) -> Self:
        return cls(host, user)

    def get(self, path: str) -> Page:
        """The page at a path below the mount, or at an address of this site."""
        root = self.host.client.root
        below = path.partition("#")[0].removeprefix(root)
        return self._followed(below, self._asked("GET", below))

    def press(self, page: Page, button: str, nth: int = 0, **typed: str | None) -> Page:
        """Press a button of a form, with other values in its fields; look where it leads.

        A value of ``None`` unticks the box of that name.
        """
        forms = [
            (form, each)
            for form in page.tree.all("form")
            for each in form.all("button")
            if each.text == button
        ]
        form, pressed = forms[nth]
        assert form.attributes["method"] == "post"
        action = pressed.attributes.get("formaction", form.attributes["action"])
        sent = (
            {pressed.attributes["name"]: pressed.attributes["value"]}
            if "name" in pressed.attributes
            else {}
        )
        fields = {**fields_of(form), **sent, **typed}
        return self.post(
            action.removeprefix(self.host.client.root),
            {name: value for name, value in fields.items() if value is not None},
        )

    def post(self, path: str, fields: dict[str, str]) -> Page:
        """What a form leads to in the end."""
        return self._followed(path, self._asked("POST", path, fields))

    def _asked(self, method: str, path: str, form: dict[str, str] | None = None) -> Answer:
        client = self.host.client
        sent = [
            f"{name}={cookie.value}"
            for name, cookie in self.cookies.items()
            if f"{client.root}{path}".partition("?")[0] == cookie["path"]
        ]
        headers = {"cookie": "; ".join(["other=1", *sent])}
        answer = client.request(method, path, user=self.user, form=form, headers=headers)
        self.cookies.update(SimpleCookie(answer.headers.get("set-cookie", "")))
        return answer

    def _followed(self, path: str, answer: Answer) -> Page:
        if answer.status == 303:
            assert not urlsplit(answer.headers["location"]).netloc
            return self.get(answer.headers["location"])
        return self._page(path, answer)

    def _page(self, path: str, answer: Answer) -> Page:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return Page(path, answer, tree_of(answer.text))


def fields_of(form: Node) -> dict[str, str | None]:
    """What a form sends as it stands."""
    fields: dict[str, str | None] = {}
    for field in form.all("input"):
        kind = field.attributes.get("type", "text")
        if kind not in {"radio", "checkbox"} or "checked" in field.attributes:
            fields[field.attributes["name"]] = field.attributes.get("value", "on")
    for choice in form.all("select"):
        options = list(choice.all("option"))
        chosen = next((it for it in options if "selected" in it.attributes), options[0])
        fields[choice.attributes["name"]] = chosen.attributes["value"]
    for text in form.all("textarea"):
        fields[text.attributes["name"]] = text.raw.removeprefix("\n").replace("\n", "\r\n")
    return fields
