"""The one place where texts are sealed before they are stored, and opened after (CRYPT-1, ADR 9).

Sealed as well is what a guess of a text could be tried on: its fingerprint and its tag (ADR 52).
Without encryption texts pass through as they are. A text that cannot be opened is shown as
``UNREADABLE``: a damaged row costs one text and not the page around it.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final
from uuid import UUID

import attrs

from dmcore.adapters.sql._schema import SealedText
from dmcore.domain.body import UNREADABLE, Body
from dmcore.domain.franking import TAG_SIZE
from dmcore.domain.ids import ReportId, TenantId, User
from dmcore.domain.message import Message, Posting
from dmcore.domain.reports import EvidenceItem
from dmcore.errors import EncryptionRequired, UnreadableText, WrongKeyring
from dmcore.ports.keyring import Encryption, Place, Shelf

FINGERPRINT_SIZE: Final = 4
_LOGGER: Final = logging.getLogger("dmcore.sql")

Ask = Callable[[Callable[[], None]], None]


def ask_here(question: Callable[[], None]) -> None:
    """Ask the keyring in this thread, which waits."""
    question()


class Texts:
    """Texts on their way in and out of one unit of work.

    ``ask`` is how a keyring is asked that blocks: a runner that awaits does it in a thread.
    """

    def __init__(self, encryption: Encryption | None = None, ask: Ask = ask_here) -> None:
        self._encryption = encryption
        self._ask = ask

    @property
    def are_sealed(self) -> bool:
        """Whether texts are sealed before they are stored."""
        return self._encryption is not None

    def check(self, keyring: bytes | None) -> None:
        """Raise where the database says by now that it needs another keyring, or one at all.

        Read with the facts that each writer holds: from the moment that encryption is turned on,
        nobody who does not know of it writes another text.
        """
        check_keyring(keyring, self._encryption)

    # Reading ----------------------------------------------------------------------------------

    def seen(self, messages: Iterable[Message], reader: User) -> list[Message]:
        """Messages as ``reader`` sees them, with their texts opened."""
        found = list(messages)
        sealed = [it for it in found if type(it.body) is SealedText]
        if not sealed:
            return found
        encryption = self._prepare({User(reader.tenant, it.sender) for it in sealed})
        return [self._seen(message, reader, encryption) for message in found]

    def _seen(self, message: Message, reader: User, encryption: Encryption) -> Message:
        if type(message.body) is not SealedText:
            return message
        # Its sender may see another text of it than the partner; nobody else may be shown that.
        shelves = (Shelf.BODY, Shelf.OWN_BODY)[: 2 if message.sender == reader.id else 1]
        owner = User(reader.tenant, message.sender)
        places = [_place(owner, message.conversation, message.id, shelf) for shelf in shelves]
        return _with_body(message, _opened(message.body, places, encryption), owner, encryption)

    def posting(self, stored: Posting, tenant: TenantId) -> Posting:
        """A message as it is stored, with its texts opened."""
        message, own_edit, fingerprint = stored.message, stored.own_edit, stored.fingerprint
        if not _is_sealed(stored):
            return stored
        owner = User(tenant, message.sender)
        encryption = self._prepare({owner})

        def at(shelf: Shelf) -> Sequence[Place]:
            return [_place(owner, message.conversation, message.id, shelf)]

        if message.body is not None:
            body = _opened(message.body, at(Shelf.BODY), encryption)
            message = _with_body(message, body, owner, encryption)
        if own_edit is not None:
            body = _opened(own_edit.body, at(Shelf.OWN_BODY), encryption)
            own_edit = attrs.evolve(own_edit, body=body)
        if fingerprint is not None and len(fingerprint) != FINGERPRINT_SIZE:
            fingerprint = _opened_bytes(fingerprint, at(Shelf.FINGERPRINT), encryption) or b""
        return attrs.evolve(stored, message=message, own_edit=own_edit, fingerprint=fingerprint)

    def evidence(
        self, items: Iterable[EvidenceItem], report: ReportId, tenant: TenantId
    ) -> list[EvidenceItem]:
        """The copies of a report, with their texts opened."""
        found = list(items)
        sealed = [it for it in found if type(it.body) is SealedText]
        if not sealed:
            return found
        encryption = self._prepare({User(tenant, it.sender) for it in sealed})

        def opened(item: EvidenceItem) -> EvidenceItem:
            if item.body is None:
                return item
            place = _place(User(tenant, item.sender), report, item.message, Shelf.EVIDENCE)
            return attrs.evolve(item, body=_opened(item.body, [place], encryption))

        return [opened(item) for item in found]

    # Writing ----------------------------------------------------------------------------------

    def new_posting(self, posting: Posting, tenant: TenantId) -> Posting:
        """A message as it is to be stored for the first time."""
        return self.changed_posting(posting, tenant, read=None, stored=None)

    def changed_posting(
        self, posting: Posting, tenant: TenantId, *, read: Posting | None, stored: Posting | None
    ) -> Posting:
        """A message as it is to be stored; what is as it was ``read`` stays as ``stored``."""
        if self._encryption is None:
            return posting
        message, own_edit, fingerprint = posting.message, posting.own_edit, posting.fingerprint
        owner = User(tenant, message.sender)

        def at(shelf: Shelf) -> Place:
            return _place(owner, message.conversation, message.id, shelf)

        body = message.body
        if read is not None and stored is not None and body is read.message.body:
            body = stored.message.body
        elif body is not None:
            body = self._sealed(body, at(Shelf.BODY))
        if own_edit is not None:
            if read is not None and stored is not None and own_edit is read.own_edit:
                own_edit = stored.own_edit
            else:
                sealed = self._sealed(own_edit.body, at(Shelf.OWN_BODY))
                own_edit = attrs.evolve(own_edit, body=sealed)
        if read is not None and stored is not None and fingerprint is read.fingerprint:
            fingerprint = stored.fingerprint
        elif fingerprint is not None:
            fingerprint = self._sealed_bytes(fingerprint, at(Shelf.FINGERPRINT))
        tag = message.franking
        is_same = read is not None and tag == read.message.franking
        # One that could not be read stays with its text, and goes with it.
        if stored is not None and is_same and body is not None:
            tag = stored.message.franking
        elif tag is not None:
            tag = self._sealed_bytes(tag, at(Shelf.FRANKING))
        return attrs.evolve(
            posting,
            message=attrs.evolve(message, body=body, franking=tag),
            own_edit=own_edit,
            fingerprint=fingerprint,
        )

    def new_evidence(self, item: EvidenceItem, report: ReportId, tenant: TenantId) -> EvidenceItem:
        """A copy as it is to be stored, bound to its report, under the key of who wrote it."""
        if self._encryption is None or item.body is None:
            return item
        place = _place(User(tenant, item.sender), report, item.message, Shelf.EVIDENCE)
        return attrs.evolve(item, body=self._sealed(item.body, place))

    # Inside -----------------------------------------------------------------------------------

    def _prepare(self, owners: Collection[User], writer: User | None = None) -> Encryption:
        """Have the keys in memory, all of them with one question."""
        encryption = self._encryption
        if encryption is None:
            raise EncryptionRequired
        if not encryption.is_ready(owners, writer=writer):
            self._ask(lambda: encryption.prepare(owners, writer=writer))
        return encryption

    def _sealed(self, body: Body, place: Place) -> Body:
        return SealedText.of(self._sealed_bytes(body.text.encode(), place))

    def _sealed_bytes(self, content: bytes, place: Place) -> bytes:
        return self._prepare((), writer=place.owner).seal(content, place)


def _with_body(message: Message, body: Body, owner: User, encryption: Encryption) -> Message:
    """The message with its text, and with the tag that proves it, as far as there is one."""
    tag = message.franking
    if tag is not None and len(tag) != TAG_SIZE:
        place = _place(owner, message.conversation, message.id, Shelf.FRANKING)
        tag = None if body is UNREADABLE else _opened_bytes(tag, [place], encryption)
    return attrs.evolve(message, body=body, franking=tag)


def _opened(body: Body, places: Sequence[Place], encryption: Encryption) -> Body:
    if not isinstance(body, SealedText):
        return body
    opened = _opened_bytes(body.sealed, places, encryption)
    return UNREADABLE if opened is None else Body(opened.decode())


def _opened_bytes(sealed: bytes, places: Sequence[Place], encryption: Encryption) -> bytes | None:
    for place in places:
        try:
            return encryption.open(sealed, place)
        except UnreadableText:
            continue
    _LOGGER.warning("a stored text cannot be opened: %s of %s", places[0].message, places[0].scope)
    return None


def check_keyring(marked: bytes | None, encryption: Encryption | None) -> None:
    """Raise where a database and what it was opened with do not belong together."""
    if marked is None:
        return
    if encryption is None:
        raise EncryptionRequired
    if bytes(marked) != encryption.identity:
        raise WrongKeyring("the texts of this database were sealed with another keyring")


def _is_sealed(stored: Posting) -> bool:
    own_body = None if stored.own_edit is None else stored.own_edit.body
    fingerprint = stored.fingerprint
    return (
        type(stored.message.body) is SealedText
        or type(own_body) is SealedText
        or (fingerprint is not None and len(fingerprint) != FINGERPRINT_SIZE)
    )


def _place(owner: User, scope: UUID, message: UUID, shelf: Shelf) -> Place:
    return Place(owner=owner, scope=scope, message=message, shelf=shelf)
