"""A page as HTML: links that lead somewhere, code in colours, nothing that is not ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import attrs
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]
from tools.website.pages import READER, Page, address_of, resolved, way

IMAGES = {".png", ".svg"}
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@attrs.define
class Links:
    """Where the links of all pages lead; what is wrong with them is collected."""

    root: Path
    pages: Mapping[PurePosixPath, Page]
    faults: list[str] = attrs.field(factory=list)
    images: set[PurePosixPath] = attrs.field(factory=set)
    sources: set[PurePosixPath] = attrs.field(factory=set)

    def of(self, page: Page, target: str) -> str:
        """What a link becomes on the site."""
        if _OUTSIDE.match(target):
            return target
        path, _, anchor = unquote(target).partition("#")
        source = resolved(page.source, path) if path else page.source
        if source in self.pages:
            if anchor and anchor not in {it.anchor for it in self.pages[source].headings}:
                self.faults.append(f"{page.source}: {target} has no such heading")
            return way(page.address, address_of(source)) + (f"#{anchor}" if anchor else "")
        if source.parts[:1] == ("..",) or not (self.root / source).is_file():
            self.faults.append(f"{page.source}: {target} does not exist")
            return target
        if source.suffix in IMAGES:
            self.images.add(source)
            return way(page.address, PurePosixPath("files", source))
        self.sources.add(source)
        return way(page.address, shown_at(source))


def shown_at(source: PurePosixPath) -> PurePosixPath:
    """Where a file that is no page is shown."""
    return PurePosixPath("source", f"{source}.html")


def article(page: Page, links: Links) -> str:
    """The body of a page."""
    headings = iter(page.headings)
    tokens = []
    for token in page.tokens:
        if token.type == "html_block" or any(
            child.type == "html_inline" for child in token.children or ()
        ):
            if not re.fullmatch(r"(<!--.*?-->\s*)+", token.content, re.DOTALL):
                links.faults.append(f"{page.source}: HTML of its own: {token.content.strip()}")
            continue
        if token.type == "heading_open":
            token.attrSet("id", next(headings).anchor)
        for child in token.children or ():
            _lead(child, page, links)
        tokens.append(token)
    return str(_Renderer().render(tokens, READER.options, {}))


def _lead(child: Token, page: Page, links: Links) -> None:
    if child.type == "link_open":
        child.attrSet("href", links.of(page, str(child.attrGet("href"))))
    elif child.type == "image":
        target = str(child.attrGet("src"))
        if _OUTSIDE.match(target):
            links.faults.append(f"{page.source}: {target} would be fetched from elsewhere")
        child.attrSet("src", links.of(page, target))
        child.attrSet("loading", "lazy")


class _Renderer(RendererHTML):
    """Code with its file's name and its colours; tables that a narrow screen can push aside."""

    def fence(self, tokens: Sequence[Token], idx: int, *_more: Any) -> str:
        language, _, name = tokens[idx].info.strip().partition(" ")
        kind = "code output" if name == "output" else "code"
        caption = f"<p>{escape(name)}</p>" if name not in {"", "output"} else ""
        return f'<div class="{kind}">{caption}{coloured(tokens[idx].content, language)}</div>\n'

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        inside = self.renderToken(tokens, idx, options, env)
        return f'<div class="wide" role="region" aria-label="Table" tabindex="0">{inside}'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"{self.renderToken(tokens, idx, options, env)}</div>\n"


def coloured(text: str, language: str) -> str:
    """Code, with a class for each kind of word where the language is known."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return f'<pre tabindex="0">{escape(text)}</pre>'
    inside = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return f'<pre tabindex="0">{inside}</pre>'


def source_lines(text: str) -> str:
    """A file to be read as it is; each function can be led to by its name."""
    named = re.compile(r"^(\s*)(?:async )?(?:def|class) (\w+)")
    lines = []
    for line in text.splitlines():
        found = named.match(line)
        shown = escape(line)
        lines.append(f'<span id="{found[2]}">{shown}</span>' if found else shown)
    return '<div class="code"><pre tabindex="0">' + "\n".join(lines) + "</pre></div>"
