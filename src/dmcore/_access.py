"""Returns what this person may see now, or the one error."""

from typing import TypeVar

from dmcore.domain.account import Account
from dmcore.domain.contact import Contact
from dmcore.domain.ids import ConversationId, Key, User, UserId
from dmcore.domain.pseudonyms import is_pseudonym, pseudonym_of
from dmcore.domain.restriction import check_reader
from dmcore.errors import AccessDenied, AccountErased, UnknownUser
from dmcore.ports.reading import Reading
from dmcore.ports.transactions import Transaction

Found = TypeVar("Found")


def opened(reading: Reading[Found], now_us: int) -> Found:
    """What a read found, if the switch and the reader's standing allow reading.

    Raises ``MessagingUnavailable`` and ``Suspended``.
    """
    reading.mode.check_read()
    check_reader(reading.suspended_until_us, now_us)
    return reading.found


def protected(reading: Reading[Found]) -> Found:
    """What a read found that protects its reader, which no moderator takes away (MOD-4).

    Raises ``MessagingUnavailable``.
    """
    reading.mode.check_read()
    return reading.found


def check_present(contact: Contact, now_us: int) -> None:
    """Whether the actor may use their view of a conversation.

    Raises ``MessagingUnavailable`` and ``Suspended``.
    """
    contact.mode.check_read()
    contact.actor.standing.check_reading(now_us)


def allowed(found: Found | None) -> Found:
    """What was found. Raises ``AccessDenied`` for nothing, whatever the cause (CONV-1)."""
    if found is None:
        raise AccessDenied
    return found


def check_is_somebody(contact: Contact) -> None:
    """Nothing is stored under an id that was erased, or it would be back. Raises ``UnknownUser``.

    What is left of such a user has another name, about which things may be said.
    """
    partner = contact.partner
    if partner.is_erased and not is_pseudonym(partner.user.id):
        raise UnknownUser


def check_can_be_listed(contact: Contact) -> None:
    """The same for a list of people, where the old name may still stand. Raises ``UnknownUser``.

    While somebody is being erased, their conversations get the new name one by one; listed under
    it before, they would be there twice.
    """
    check_is_somebody(contact)
    if contact.conversation is None and is_pseudonym(contact.partner.user.id):
        raise UnknownUser


def check_not_erased(tx: Transaction, user: User) -> None:
    """Whether somebody is still there to act or look. Raises ``AccountErased`` (GDPR-1).

    Asked of the ledger, which knows more than an account that an older backup brought back.
    """
    if tx.erasures.find(pseudonym_of(tx.namespace, user)) is not None:
        raise AccountErased


def named(tx: Transaction, somebody: User) -> UserId:
    """Somebody as they may be named: who was erased by what is left of them (GDPR-1)."""
    gone = pseudonym_of(tx.namespace, somebody)
    return somebody.id if tx.erasures.find(gone) is None else gone.id


def held_account(tx: Transaction, user: User) -> Account:
    """Hold the account of who acts. Raises ``AccountErased``, or the id would be back."""
    account = tx.mailboxes.hold(user)
    check_not_erased(tx, user)
    return account


def held_conversation(
    tx: Transaction, actor: User, conversation: ConversationId, key: Key | None = None
) -> Contact:
    """Hold a conversation that ``actor`` has. Raises ``AccessDenied``."""
    return allowed(tx.contacts.hold_conversation(conversation, actor=actor, key=key))
