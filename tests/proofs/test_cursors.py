"""A cursor is good in the one list of the one person that gave it, whatever lists there are.

The lists are found in the classes: one that is new and not in the table fails the build.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from uuid import UUID

import attrs
import pytest
from tests.support.stores import MemoryHarness

from dmcore import Mailbox, ModerationDesk, Operations, Policy
from dmcore.errors import InvalidCursor
from dmcore.testing.world import World

_POLICY: Final = Policy(messages=None, starts=None, reports=None)
_ASKING: Final = attrs.evolve(_POLICY, requests="ask")
_PLACES: Final = {"cursor", "after", "before"}

Fetch = Callable[[str | None], object]


@attrs.frozen
class Row:
    """One list as one person has it: ``fetch`` reads it from a cursor, or from its beginning."""

    name: str
    fetch: Fetch

    def cursor(self) -> str:
        """A cursor that it gives."""
        page = self.fetch(None)
        found = next(
            value for it in ("next", "older", "newer") if (value := getattr(page, it, None))
        )
        assert isinstance(found, str)
        return found


def _of_mailbox(box: Mailbox, one: UUID, other: UUID, root: UUID) -> Mapping[str, list[Fetch]]:
    def before(conversation: UUID, root: UUID | None = None) -> Fetch:
        return lambda it: box.thread(conversation, root=root, limit=1, before=it)

    return {
        "inbox": [lambda it: box.inbox(limit=1, cursor=it)],
        "requests": [lambda it: box.requests(limit=1, cursor=it)],
        "archived": [lambda it: box.archived(limit=1, cursor=it)],
        "blocked": [lambda it: box.blocked(limit=1, cursor=it)],
        "export": [lambda it: box.export(limit=1, cursor=it)],
        "changes": [lambda it: box.changes(limit=1, after=it)],
        "thread": [before(one), before(other), before(one, root)],
    }


def _of_operator(desk: Operations) -> Mapping[str, list[Fetch]]:
    def audit(user: str, tenant: str) -> Fetch:
        return lambda it: desk.audit(user, tenant=tenant, limit=1, cursor=it)

    return {
        "audit": [audit("ann", ""), audit("bob", ""), audit("ann", "north")],
        "erasures": [lambda it: desk.erasures(limit=1, cursor=it)],
        "export_erasures": [lambda it: desk.export_erasures(limit=1, cursor=it)],
    }


def _of_moderator(desk: ModerationDesk) -> Mapping[str, list[Fetch]]:
    def restrictions(user: str) -> Fetch:
        return lambda it: desk.restrictions(user, limit=1, cursor=it)

    def history(report: UUID) -> Fetch:
        return lambda it: desk.report_history(report, limit=1, cursor=it)

    return {
        "report_history": [history(it.id) for it in desk.reports(state="taken").items],
        "restrictions": [restrictions("cyd"), restrictions("dan")],
        "reports": [
            lambda it: desk.reports(limit=1, cursor=it),
            lambda it: desk.reports(limit=1, state="pending", cursor=it),
            lambda it: desk.reports(limit=1, reason="spam", cursor=it),
        ],
    }


@pytest.fixture
def world() -> Iterator[World]:
    """Ann and Bob, here and in the north, have at least two of everything."""
    made = World(MemoryHarness(), policy=_POLICY)
    for number in range(3):
        made.olga.erase(f"gone {number}")
    asking = made.open(_ASKING)
    for tenant in ("", "north"):
        for name in ("ann", "bob"):
            box = made.dm.mailbox(name, tenant=tenant)
            for number in range(3):
                box.start("cyd", f"{number}")
                box.start("dan", f"{number}")
                archived = box.start(f"away {number}", "x")
                box.archive(archived.conversation)
                asking.mailbox(f"asking {number}", tenant=tenant).start(name, "may I?")
                box.block(f"nuisance {number}")
                box.report(f"nuisance {number}", reason="spam")
        desk = made.dm.moderation("mia", tenant=tenant)
        for report in desk.reports(limit=2).items:
            for move in (desk.take, desk.release, desk.take):
                move(report.id)
        for name in ("cyd", "dan"):
            for _ in range(2):
                made.dm.moderation("olga", tenant=tenant).restrict(name, "mute", reason="spam")
    yield made
    made.dm.close()
    asking.close()


def _rows(world: World) -> Iterator[tuple[str, Row]]:
    """Each list under the operation that it is read by."""
    for tenant in ("", "north"):
        for name in ("ann", "bob"):
            box = world.dm.mailbox(name, tenant=tenant)
            first = box.start("cyd", "the root")
            box.send(first.conversation, "an answer", reply_to=first.id)
            one, other = first.conversation, box.start("dan", "another").conversation
            for operation, fetches in _of_mailbox(box, one, other, first.id).items():
                for number, fetch in enumerate(fetches):
                    yield f"Mailbox.{operation}", Row(f"{tenant}/{name} {number}", fetch)
        for name in ("olga", "otto"):
            operations = world.dm.operations(name, tenant=tenant)
            for operation, fetches in _of_operator(operations).items():
                for number, fetch in enumerate(fetches):
                    yield f"Operations.{operation}", Row(f"{tenant}/{name} {number}", fetch)
            desk = world.dm.moderation(name, tenant=tenant)
            for operation, fetches in _of_moderator(desk).items():
                for number, fetch in enumerate(fetches):
                    yield f"ModerationDesk.{operation}", Row(f"{tenant}/{name} {number}", fetch)


@pytest.mark.promise("PAGE-1")
def test_every_list_is_in_the_table(world: World) -> None:
    found = {
        f"{facade.__name__}.{name}"
        for facade in (Mailbox, Operations, ModerationDesk)
        for name, method in inspect.getmembers(facade, inspect.isfunction)
        for parameter in inspect.signature(method).parameters.values()
        if not name.startswith("_")
        if parameter.name in _PLACES and parameter.annotation == (str | None)
    }
    assert {operation for operation, _row in _rows(world)} == found


@pytest.mark.promise("PAGE-1", "CONV-2", "TEN-1")
def test_a_cursor_is_refused_by_every_list_but_its_own(world: World) -> None:
    rows = list(_rows(world))
    for operation, row in rows:
        cursor = row.cursor()
        row.fetch(cursor)
        for elsewhere, other in rows:
            if (elsewhere, other.name) != (operation, row.name):
                with pytest.raises(InvalidCursor):
                    other.fetch(cursor)
