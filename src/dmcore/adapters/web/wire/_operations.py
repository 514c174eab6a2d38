"""The operator's interface: the switch, the health of the store, the journal of a user (OPS-1).

No answer here has anything that was written, and no count is of one person (OPS-3).
"""

from typing import Final, Literal, Self

from dmcore.adapters.web._desks import operations_of
from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import answer, next_link
from dmcore.domain import events
from dmcore.domain.mode import Mode
from dmcore.domain.paging import Page
from dmcore.ports.installation import StorageHealth, StoreStatus

USUAL_ENTRIES: Final = 50


class NewMode(_contents.Content):
    """What messaging shall allow from now on."""

    mode: Literal["off", "read_only", "replies_only", "on"]


class ModeChange(_models.Answer):
    """What messaging allows now, and what it allowed before."""

    mode: Mode
    before: Mode


class Status(_models.Answer):
    """Mode, versions, counts and health of the whole installation.

    `size_bytes` is what it takes, `free_bytes` what is left where it lies; null where that is not
    known.
    """

    mode: Mode
    schema_version: int
    store: str
    health: StorageHealth
    size_bytes: int | None
    free_bytes: int | None
    conversations: int
    messages: int
    users: int
    blocks: int
    journal_entries: int

    @classmethod
    def of(cls, found: StoreStatus) -> Self:
        """The same."""
        return cls(
            mode=found.mode,
            schema_version=found.schema_version,
            store=found.store,
            health=found.health,
            size_bytes=found.size_bytes,
            free_bytes=found.free_bytes,
            conversations=found.conversations,
            messages=found.messages,
            users=found.users,
            blocks=found.blocks,
            journal_entries=found.journal_entries,
        )


class JournalEntry(_models.Answer):
    """One fact in somebody's journal, and its place there."""

    position: int
    fact: _models.Fact


class Journal(_models.Answer):
    """A page of somebody's journal, oldest first: references, never content."""

    items: list[JournalEntry]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: Page[events.Entry]) -> Self:
        """The same."""
        items = [
            JournalEntry(position=entry.position, fact=_models.Fact.of(entry.fact))
            for entry in found.items
        ]
        return cls(items=items, next=found.next)


class Health(_models.Answer):
    """The store can be reached, and messaging allows this."""

    mode: Mode


async def read_status(visit: Visit) -> Response:
    """Mode, schema version, counts and health of the whole installation."""
    return answer(Status.of(await operations_of(visit).status()))


async def turn_switch(visit: Visit) -> Response:
    """Change what messaging allows, at once in every process."""
    new = _contents.content(visit.request, NewMode)
    desk = operations_of(visit)
    before = await desk.set_mode(new.mode)
    return answer(ModeChange(mode=await desk.mode(), before=before))


async def read_journal(visit: Visit) -> Response:
    """What was done by and to a user of one's own tenant, oldest first, without content."""
    limit = _parameters.limit(visit.request, USUAL_ENTRIES)
    page = await operations_of(visit).audit(
        visit.arguments["user"], limit=limit, cursor=visit.request.query.get("cursor")
    )
    onward = [next_link(visit, {"limit": limit, "cursor": page.next})] if page.has_more else []
    return answer(Journal.of(page), *onward)


async def read_health(visit: Visit) -> Response:
    """Whether messaging can be reached.

    For whoever watches a site: nobody need be signed in. It tells the mode, which every participant
    is told as well, and nothing else: no count and no version. Where the store cannot be reached
    it is a refusal with status 503.
    """
    heads = await visit.world.dm.heads(())
    return answer(Health(mode=heads.mode))
