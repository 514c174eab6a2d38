"""Reporting what screening flagged: one report without content, beside the message (MOD-5).

Nobody is told: neither of the two finds a fact of it, and it counts against no limit of theirs.
"""

from dmcore.domain.contact import Contact
from dmcore.domain.ids import ReportId, derive_flag_id
from dmcore.domain.message import Posting
from dmcore.domain.reports import Report
from dmcore.domain.screening import Screening
from dmcore.ports.transactions import Transaction


def note_sent(
    tx: Transaction, contact: Contact, posting: Posting, screening: Screening, *, now_us: int
) -> None:
    """Report a message that is about to be stored, if it was flagged."""
    if screening.flags:
        _add(tx, contact, posting, screening, _id(tx, posting, screening), now_us=now_us)


def note_edited(
    tx: Transaction, contact: Contact, posting: Posting, screening: Screening, *, now_us: int
) -> None:
    """The same for another text. For the same reasons a message is reported once (no flood).

    The store is asked in any case, so that the sender cannot tell one text from another by that.
    """
    made = _id(tx, posting, screening)
    if not tx.reports.is_made(made) and screening.flags:
        _add(tx, contact, posting, screening, made, now_us=now_us)


def _id(tx: Transaction, posting: Posting, screening: Screening) -> ReportId:
    message = posting.message
    return derive_flag_id(tx.namespace, message.conversation, message.id, screening.flags)


def _add(
    tx: Transaction,
    contact: Contact,
    posting: Posting,
    screening: Screening,
    id_: ReportId,
    *,
    now_us: int,
) -> None:
    report = Report(
        id=id_,
        tenant=contact.pair.tenant,
        reporter=None,
        reported=contact.actor.user.id,
        conversation=contact.conversation_id,
        chosen=1,
        reason=None,
        flags=screening.flags,
        made_at_us=now_us,
        changed_at_us=now_us,
    )
    tx.reports.add(report, chosen=(posting.message.id,), evidence=())
