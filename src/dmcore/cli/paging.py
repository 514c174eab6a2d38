"""Lists that come in pages, read to their end."""

from collections.abc import Iterator
from typing import Final, Protocol, TypeVar

from dmcore.domain.paging import Page

Item = TypeVar("Item")

_AT_ONCE: Final = 100


class Pages(Protocol[Item]):
    """A list of a facade: what stands behind a cursor, so many at most."""

    def __call__(self, *, limit: int, cursor: str | None) -> Page[Item]: ...


def every(pages: Pages[Item]) -> Iterator[Item]:
    """Everything in a list, asked for a page at a time, as it is read."""
    page = pages(limit=_AT_ONCE, cursor=None)
    yield from page.items
    while page.next is not None:
        page = pages(limit=_AT_ONCE, cursor=page.next)
        yield from page.items
