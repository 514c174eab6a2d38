"""Which pages there are, where each of them is on the site, and how they hang together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

import attrs
from markdown_it import MarkdownIt
from markdown_it.token import Token

FRONT = PurePosixPath("docs/README.md")
PATTERNS = ("*.md", "docs/**/*.md", "examples/**/*.md")
READER = MarkdownIt("commonmark").enable("table")


class Fault(Exception):
    """Something in a page leads nowhere."""


@attrs.frozen
class Heading:
    """A heading, and the anchor that leads to it."""

    level: int
    words: str
    anchor: str


@attrs.define
class Page:
    """One page: its place in the sources, ``docs/concepts.md``, and what stands in it."""

    source: PurePosixPath
    text: str = attrs.field(repr=False)

    @cached_property
    def tokens(self) -> list[Token]:
        return READER.parse(self.text)

    @cached_property
    def headings(self) -> list[Heading]:
        """Anchors are those that a forge makes of headings, so that links are good in both."""
        found: list[Heading] = []
        seen: dict[str, int] = {}
        for token, inside in zip(self.tokens, self.tokens[1:], strict=False):
            if token.type != "heading_open":
                continue
            anchor = slug(inside.content)
            number = seen.get(anchor, 0)
            seen[anchor] = number + 1
            anchor = f"{anchor}-{number}" if number else anchor
            found.append(Heading(int(token.tag[1]), plain(inside), anchor))
        return found

    @property
    def title(self) -> str:
        return self.headings[0].words if self.headings else self.source.stem

    @property
    def address(self) -> PurePosixPath:
        """Where it is on the site."""
        return address_of(self.source)


def slug(heading: str) -> str:
    """The anchor of a heading, as it stands in its page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def plain(inline: Token) -> str:
    """The words of a line without its marks."""
    kept = {"text", "code_inline"}
    return "".join(
        child.content if child.type in kept else " " if child.type == "softbreak" else ""
        for child in inline.children or ()
    )


def address_of(source: PurePosixPath) -> PurePosixPath:
    """``docs`` is the root of the site; what lies beside it goes into folders of its own."""
    parts = source.parts
    if len(parts) == 1:
        return PurePosixPath("project", source.stem.lower() + ".html")
    inside = PurePosixPath(*parts[1:]) if parts[0] == "docs" else source
    name = "index" if inside.stem == "README" else inside.stem
    return inside.with_name(f"{name}.html")


def way(one: PurePosixPath, other: PurePosixPath) -> str:
    """The relative address from one place of the site to another."""
    return PurePosixPath(os.path.relpath(other, one.parent)).as_posix()


def read(root: Path) -> dict[PurePosixPath, Page]:
    """Every page by its place in the sources."""
    files = sorted(file for pattern in PATTERNS for file in root.glob(pattern))
    sources = {PurePosixPath(file.relative_to(root).as_posix()): file for file in files}
    return {source: Page(source, file.read_text("utf-8")) for source, file in sources.items()}


@attrs.frozen
class Entry:
    """One line of the navigation."""

    words: str
    source: PurePosixPath


@attrs.frozen
class Group:
    """Lines under one word; without a word right under the section's own."""

    words: str
    entries: tuple[Entry, ...]


@attrs.frozen
class Section:
    """A part of the site, as the front page has it."""

    words: str
    groups: tuple[Group, ...]


def navigation(front: Page) -> tuple[Section, ...]:
    """The front page is the navigation: its headings, and the first link of each line below."""
    sections: list[tuple[str, list[tuple[str, list[Entry]]]]] = []
    word = ""
    for place, token in enumerate(front.tokens):
        inside = front.tokens[place + 1] if place + 1 < len(front.tokens) else token
        if token.type == "heading_open" and token.tag == "h2":
            sections.append((plain(inside), []))
            word = ""
        elif token.type == "paragraph_open" and token.level == 0:
            word = plain(inside)
        elif token.type == "bullet_list_open" and sections:
            sections[-1][1].append((word, []))
        elif token.type == "list_item_open" and sections:
            sections[-1][1][-1][1].append(_entry(front.tokens[place + 2], front.source))
    return tuple(
        Section(words, tuple(Group(group, tuple(entries)) for group, entries in groups))
        for words, groups in sections
    )


def _entry(inline: Token, source: PurePosixPath) -> Entry:
    children = inline.children or []
    for place, child in enumerate(children):
        if child.type == "link_open":
            target = str(child.attrGet("href")).partition("#")[0]
            return Entry(children[place + 1].content, resolved(source, target))
    raise Fault(f"{source}: a line without a link: {inline.content}")


def resolved(source: PurePosixPath, target: str) -> PurePosixPath:
    """What a link of a page leads to, as a place in the sources; may lead outside of them."""
    return PurePosixPath(os.path.normpath(source.parent / target))


def in_order(sections: Sequence[Section]) -> Iterator[Entry]:
    """Every page that the navigation names, once, from the first to the last."""
    seen = set()
    for section in sections:
        for group in section.groups:
            for entry in group.entries:
                if entry.source not in seen:
                    seen.add(entry.source)
                    yield entry
