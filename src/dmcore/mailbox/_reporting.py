"""Reporting somebody: what a report names, and what of it is copied (MOD-1).

Whoever is reported is told nothing, and nothing of theirs is written.
"""

from collections.abc import Sequence

import attrs

from dmcore._access import allowed, check_is_somebody, held_conversation
from dmcore._rules import Rules
from dmcore.domain.contact import Contact
from dmcore.domain.events import Action, Fact
from dmcore.domain.franking import Disclosure, check_disclosure, is_as_franked, text_of
from dmcore.domain.ids import (
    ConversationId,
    Key,
    MessageId,
    ReportId,
    User,
    UserId,
    derive_report_id,
    new_report_id,
)
from dmcore.domain.message import Message
from dmcore.domain.pair import Pair
from dmcore.domain.reports import (
    EvidenceItem,
    EvidenceVerdict,
    Report,
    ReportReason,
    ReportReceipt,
    check_rate,
    copied,
    receipt_of,
)
from dmcore.errors import AccessDenied, KeyConflict
from dmcore.ports.transactions import Transaction


@attrs.frozen(kw_only=True)
class Complaint:
    """What somebody says in a report; ``messages`` are of ``conversation``, none of them twice.

    ``disclosed`` are those of them which the reporter shows themselves.
    """

    other: UserId | None
    conversation: ConversationId | None
    messages: tuple[MessageId, ...]
    reason: ReportReason
    disclosed: tuple[Disclosure, ...]
    key: Key | None = attrs.field(repr=False)


def report(tx: Transaction, rules: Rules, *, reporter: User, complaint: Complaint) -> ReportReceipt:
    """Report a user, a conversation, or messages of one."""
    contact = _contact(tx, reporter, complaint)
    contact.mode.check_read()
    reported = contact.partner.user.id
    earlier = _earlier(tx, reporter, reported, complaint)
    if earlier is not None:
        return earlier
    now_us = rules.now_us()
    since = rules.kept_since(now_us)
    shown = {it.message: _proven(tx, contact, it) for it in complaint.disclosed}
    copies = [
        shown.get(it) or _copied(tx, contact, _seen(tx, contact, it, since))
        for it in complaint.messages
    ]
    limit = rules.policy.reports
    if limit is not None:
        made_us = tx.reports.newest_by(reporter, limit=limit.count)
        check_rate(limit, made_us, now_us)
    made = Report(
        id=_id(tx, rules, reporter, complaint.key, now_us),
        tenant=reporter.tenant,
        reporter=reporter.id,
        reported=reported,
        conversation=complaint.conversation,
        chosen=len(copies),
        reason=complaint.reason,
        made_at_us=now_us,
        changed_at_us=now_us,
    )
    is_shown = rules.policy.evidence == "reporter_selected"
    tx.reports.add(
        made,
        chosen=complaint.messages,
        evidence=copies if is_shown else (),
    )
    fact = Fact(
        action=Action.REPORT_MADE,
        actor=reporter.id,
        other=reported,
        conversation=complaint.conversation,
        report=made.id,
        at_us=now_us,
    )
    account, entries = contact.actor.noted(fact)
    tx.mailboxes.save(account)
    tx.journal.record(entries)
    return receipt_of(made)


def _contact(tx: Transaction, reporter: User, complaint: Complaint) -> Contact:
    """Hold the two. Raises ``AccessDenied`` for a conversation that is not the reporter's.

    Nor is one theirs that they have with somebody else than they say.
    """
    if complaint.conversation is None:
        pair = Pair.of(reporter.tenant, reporter.id, allowed(complaint.other))
        contact = tx.contacts.hold(pair, actor=reporter.id)
        check_is_somebody(contact)
        return contact
    contact = held_conversation(tx, reporter, complaint.conversation)
    if complaint.other not in (None, contact.partner.user.id):
        raise AccessDenied
    return contact


def _earlier(
    tx: Transaction, reporter: User, reported: UserId, complaint: Complaint
) -> ReportReceipt | None:
    """What was reported under this key before. Raises ``KeyConflict`` where it was another."""
    if complaint.key is None:
        return None
    found = tx.reports.made_as(derive_report_id(tx.namespace, reporter, complaint.key))
    if found is None:
        return None
    made, chosen = found
    said = (made.reported, made.conversation, made.reason, tuple(chosen))
    if said != (reported, complaint.conversation, complaint.reason, complaint.messages):
        raise KeyConflict
    return receipt_of(made)


def _seen(
    tx: Transaction, contact: Contact, message: MessageId, since: MessageId | None
) -> Message:
    """A chosen message as the reporter sees it now. Raises ``AccessDenied``."""
    reporter = contact.actor.user
    found = tx.messages.find(contact.conversation_id, reader=reporter, message=message, since=since)
    return allowed(found).seen_by(reporter.id)


def _copied(tx: Transaction, contact: Contact, seen: Message) -> EvidenceItem:
    """The copy of what the reporter sees."""
    return copied(seen, is_as_franked=is_as_franked(seen, tx.namespace, contact.pair.tenant))


def _proven(tx: Transaction, contact: Contact, disclosure: Disclosure) -> EvidenceItem:
    """What the reporter kept, if the partner sent exactly that. Raises ``InvalidReport``."""
    partner = contact.partner.user
    check_disclosure(disclosure, tx.namespace, contact.conversation_id, partner)
    return EvidenceItem(
        message=disclosure.message,
        sender=partner.id,
        body=text_of(disclosure),
        sent_at_us=disclosure.sent_at_us,
        edited_at_us=disclosure.edited_at_us,
        verdict=EvidenceVerdict.PROVEN,
    )


def _id(tx: Transaction, rules: Rules, reporter: User, key: Key | None, now_us: int) -> ReportId:
    if key is None:
        return new_report_id(now_us, rules.draw())
    return derive_report_id(tx.namespace, reporter, key)


def sorted_once(messages: Sequence[MessageId]) -> tuple[MessageId, ...]:
    """The same messages in their order, each once."""
    return tuple(sorted(set(messages)))
