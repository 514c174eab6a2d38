"""Lists and threads read by small pages: nothing twice, nothing left out, every page full."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from tests.oracle.history import Person
from tests.oracle.machine.store import Store

from dmcore import Page


def walked(fetch: Callable[[str | None], Page[Any]], size: int) -> list[Any]:
    """Every item of a list, page by page; each page but the last is full."""
    found: list[Any] = []
    cursor = None
    while True:
        page = fetch(cursor)
        found += page.items
        if not page.has_more:
            assert len(page.items) <= size
            assert page.items or not found
            return found
        assert len(page.items) == size
        cursor = page.next


def check_thread(
    store: Store,
    person: Person,
    other: Person,
    size: int,
    expected: list[Any],
    *,
    root: UUID | None = None,
) -> None:
    """Back to the beginning and forth to the end, by small pages."""
    box, conversation = store.box(person), store.conversation(person, other)
    back: list[Any] = []
    page = box.thread(conversation, root=root, limit=size)
    while True:
        back = [store.told(message) for message in page.items] + back
        assert page.has_more == (page.older is not None)
        if page.older is None:
            break
        assert len(page.items) == size
        page = box.thread(conversation, root=root, limit=size, before=page.older)
        assert page.items
    assert back == expected
    forth = [store.told(message) for message in page.items]
    is_promised = len(forth) < len(expected)
    while is_promised:
        page = box.thread(conversation, root=root, limit=size, after=page.newer)
        forth += [store.told(message) for message in page.items]
        is_promised = page.has_more
        assert page.items
        assert len(page.items) == size or not is_promised
    assert forth == expected
    assert box.thread(conversation, root=root, limit=size, after=page.newer).items == ()
