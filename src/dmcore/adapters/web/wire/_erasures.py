"""Erasing a user over HTTP: what it would reach, doing it, and the ledger (GDPR-1)."""

from typing import Final, Self

from dmcore.adapters.web._desks import erased, operations_of, previewed
from dmcore.adapters.web._routing import Visit
from dmcore.adapters.web._values import Response
from dmcore.adapters.web.wire import _contents, _models, _parameters
from dmcore.adapters.web.wire._answering import answer, next_link
from dmcore.domain import erasure
from dmcore.domain.paging import Page

USUAL_ERASURES: Final = 50


class ErasurePreview(_models.Answer):
    """How much there is under an id: rows, and nothing of what they hold."""

    pseudonym: str
    """How the user will be named from then on."""
    conversations: int
    messages: int
    """The user's own."""
    receipts: int
    blocks: int
    reports: int
    journal_entries: int
    has_begun: bool
    is_finished: bool

    @classmethod
    def of(cls, found: erasure.ErasurePreview) -> Self:
        """The same."""
        scope = found.scope
        return cls(
            pseudonym=found.pseudonym,
            conversations=scope.conversations,
            messages=scope.messages,
            receipts=scope.receipts,
            blocks=scope.blocks,
            reports=scope.reports,
            journal_entries=scope.journal_entries,
            has_begun=found.began_at_us is not None,
            is_finished=found.finished_at_us is not None,
        )


class Erased(_models.Answer):
    """What an erasure did; nothing has changed where everything was erased already."""

    pseudonym: str
    conversations: int
    messages: int
    """How many texts were shredded."""
    other_rows: int
    has_changed: bool

    @classmethod
    def of(cls, found: erasure.Erased) -> Self:
        """The same."""
        return cls(
            pseudonym=found.pseudonym,
            conversations=found.conversations,
            messages=found.messages,
            other_rows=found.other_rows,
            has_changed=found.has_changed,
        )


class ErasureLine(_models.Answer):
    """One line of the ledger, which names nobody."""

    pseudonym: str
    began_at: _models.Instant
    finished_at: _models.Instant | None
    """Null while something under the old id may be left: erasing again goes on with it."""


class Erasures(_models.Answer):
    """A page of the ledger."""

    items: list[ErasureLine]
    next: str | None
    """The cursor of the following page; null at the end."""

    @classmethod
    def of(cls, found: Page[erasure.Erasure]) -> Self:
        """The same."""
        items = [
            ErasureLine(
                pseudonym=line.pseudonym, began_at=line.began_at, finished_at=line.finished_at
            )
            for line in found.items
        ]
        return cls(items=items, next=found.next)


async def preview_erasure(visit: Visit) -> Response:
    """Count what erasing a user of one's own tenant would reach; that is written down."""
    _contents.nothing(visit.request)
    return answer(ErasurePreview.of(await previewed(visit, visit.arguments["user"])))


async def erase_user(visit: Visit) -> Response:
    """Erase a user of one's own tenant, for good.

    What they wrote is shredded, and they are named by a pseudonym from then on. An erasure that was
    interrupted is gone on with by asking again; once finished, asking again changes nothing.
    """
    _contents.nothing(visit.request)
    return answer(Erased.of(await erased(visit, visit.arguments["user"])))


async def list_erasures(visit: Visit) -> Response:
    """The ledger of erasures, which names nobody."""
    limit = _parameters.limit(visit.request, USUAL_ERASURES)
    page = await operations_of(visit).erasures(
        limit=limit, cursor=visit.request.query.get("cursor")
    )
    onward = [next_link(visit, {"limit": limit, "cursor": page.next})] if page.has_more else []
    return answer(Erasures.of(page), *onward)
