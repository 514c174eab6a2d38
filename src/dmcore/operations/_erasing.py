"""Erasing a user: one step after the other, each whole, until nothing under the old id is left.

Where an erasure stands is read from what is stored, never remembered: whoever calls again goes on.
First the user is closed and the ledger says so; then the texts go, conversation by conversation;
then the name, everywhere else; the account last (GDPR-1).

A table that holds ids of users is named to each store's ``Erasures.rename``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, TypeVar

import attrs

from dmcore._access import allowed, check_not_erased, held_account
from dmcore._rules import Rules
from dmcore.domain.account import Account
from dmcore.domain.erasure import (
    Erased,
    Erasure,
    ErasurePreview,
    after_shredding,
    closed,
    place_in,
)
from dmcore.domain.events import Action, Fact
from dmcore.domain.ids import ConversationId, User, UserId
from dmcore.domain.paging import CursorScope, Page
from dmcore.domain.pseudonyms import pseudonym_of
from dmcore.domain.restriction import UNRESTRICTED
from dmcore.errors import NotYourself
from dmcore.ports.transactions import Transaction

AT_ONCE: Final = 500
"""How many lines, or accounts, are looked at together: nothing here holds a whole ledger."""

Thing = TypeVar("Thing")


@attrs.frozen
class Recorded:
    """How many lines the ledger did not have; ``own`` is the operator's, which is taken in last."""

    new: int
    own: Erasure | None


def preview(tx: Transaction, rules: Rules, *, operator: User, user: User) -> ErasurePreview:
    """Count what an erasure would reach. That somebody asked is written down."""
    check_is_somebody_else(operator, user)
    gone = pseudonym_of(tx.namespace, user)
    line = tx.erasures.find(gone)
    found = ErasurePreview(
        pseudonym=gone.id,
        scope=tx.erasures.scope(user),
        began_at_us=None if line is None else line.began_at_us,
        finished_at_us=None if line is None else line.finished_at_us,
    )
    account = held_account(tx, operator)
    _note(tx, Action.ERASURE_PREVIEWED, account, gone.id, rules.now_us())
    return found


def check_is_somebody_else(operator: User, user: User) -> None:
    """Nobody erases themselves, and the journal with it. Raises ``NotYourself``."""
    if user == operator:
        raise NotYourself


def begin(tx: Transaction, rules: Rules, *, operator: User, user: User) -> bool:
    """Close the user, once; return whether that was just done or not finished before."""
    check_is_somebody_else(operator, user)
    held = {it: tx.mailboxes.hold(it) for it in sorted({operator, user}, key=_place)}
    check_not_erased(tx, operator)
    gone = pseudonym_of(tx.namespace, user)
    line = tx.erasures.find(gone)
    account = held[user]
    is_finished = line is not None and line.finished_at_us is not None
    # Whoever has an account all the same came back with an older backup.
    is_back = is_finished and (account.position > 0 or not account.is_erased)
    if line is not None and account.is_erased and not is_back:
        return not is_finished
    now_us = rules.now_us()
    if line is None:
        tx.erasures.add(Erasure(tenant=gone.tenant, pseudonym=gone.id, began_at_us=now_us))
    elif is_back:
        tx.erasures.save(attrs.evolve(line, finished_at_us=None))
    if not account.is_erased:
        tx.mailboxes.save(_close(tx, account, gone, operator=held[operator], now_us=now_us))
    return True


def _close(
    tx: Transaction, account: Account, gone: User, *, operator: Account, now_us: int
) -> Account:
    """Close a user's account, in the name of an operator; return that one's, to be saved."""
    fact = Fact(
        action=Action.ERASURE_BEGUN,
        actor=operator.user.id,
        other=gone.id,
        at_us=now_us,
    )
    tx.devices.forget(account.user)
    noted, entries = operator.noted(fact)
    after, told = closed(account).noted(fact)
    tx.mailboxes.save(after)
    tx.journal.record(entries + told)
    return noted


def settle(tx: Transaction) -> None:
    """Wait for whoever may not know of it yet, and may be sealing a text."""
    tx.erasures.settle()


def go_on(tx: Transaction, rules: Rules, *, operator: User, user: User, most: int) -> Erased:
    """The next step: at most ``most`` rows of it, or nothing where all is done but the end.

    The first of them comes behind the end of the user's keys: what they wrote is unreadable in
    older backups as well (CRYPT-1).
    """
    gone = pseudonym_of(tx.namespace, user)
    step = _outside_of_the_account(tx, rules, user=user, gone=gone, most=most)
    if step is None:
        held = _held(tx, operator, user, gone)
        step = _of_the_account(tx, held[user], held[gone], most=most)
    return Erased(pseudonym=gone.id) if step is None else step


def finish(tx: Transaction, rules: Rules, *, operator: User, user: User, most: int) -> Erased:
    """The end, or the next step where one has come up meanwhile.

    Behind the end of the user's keys once more: who kept a copy of a text meanwhile had it sealed
    as the user's, and by now no text of theirs is left to be kept.
    """
    gone = pseudonym_of(tx.namespace, user)
    step = _outside_of_the_account(tx, rules, user=user, gone=gone, most=most)
    if step is not None:
        return step
    held = _held(tx, operator, user, gone)
    # Who was still writing about them held one of these, and is through. A pair is not held now.
    left = tx.erasures.next_conversation(user)
    step = (
        (None if left is None else Erased(pseudonym=gone.id, has_changed=True))
        or _renamed(tx, user, gone, most=most)
        or _of_the_account(tx, held[user], held[gone], most=most)
    )
    if step is not None:
        return step
    line = tx.erasures.find(gone)
    was_there = tx.erasures.drop_account(user)
    if line is None or (line.finished_at_us is not None and not was_there):
        return Erased(pseudonym=gone.id, is_finished=True)
    now_us = rules.now_us()
    tx.erasures.save(attrs.evolve(line, finished_at_us=now_us))
    _note(tx, Action.ERASURE_FINISHED, held[operator], gone.id, now_us)
    return Erased(pseudonym=gone.id, has_changed=True, is_finished=True)


def _outside_of_the_account(
    tx: Transaction, rules: Rules, *, user: User, gone: User, most: int
) -> Erased | None:
    conversation = tx.erasures.next_conversation(user)
    if conversation is not None:
        return _in_conversation(tx, rules, conversation, user=user, gone=gone.id, most=most)
    return _renamed(tx, user, gone, most=most)


def _renamed(tx: Transaction, user: User, gone: User, *, most: int) -> Erased | None:
    """The next rows of others that name the user, under the new name."""
    renamed = tx.erasures.rename(user, gone.id, limit=most)
    if not renamed:
        return None
    return Erased(pseudonym=gone.id, other_rows=renamed, has_changed=True)


def _held(tx: Transaction, operator: User, *others: User) -> dict[User, Account]:
    held = {it: tx.mailboxes.hold(it) for it in sorted({operator, *others}, key=_place)}
    check_not_erased(tx, operator)
    return held


def _of_the_account(tx: Transaction, old: Account, new: Account, *, most: int) -> Erased | None:
    if old.position == old.pruned and not old.restrictions:
        return None
    moved = _move_journal(tx, old, new, most=most)
    return Erased(pseudonym=new.user.id, other_rows=moved, has_changed=True)


def _in_conversation(
    tx: Transaction,
    rules: Rules,
    conversation: ConversationId,
    *,
    user: User,
    gone: UserId,
    most: int,
) -> Erased:
    contact = tx.erasures.hold_conversation(conversation, user=user)
    step = tx.erasures.shred(
        conversation, writer=user.id, pseudonym=gone, after=place_in(contact), limit=most
    )
    after, entries = after_shredding(contact, step, pseudonym=gone, now_us=rules.now_us())
    if step.is_all:
        partner = contact.partner.user.id
        tx.erasures.rename_in_pair(conversation, user=user, partner=partner, pseudonym=gone)
    tx.conversations.save(allowed(after.conversation))
    for before, account in ((contact.actor, after.actor), (contact.partner, after.partner)):
        if account != before:
            tx.mailboxes.save(account)
    tx.journal.record(entries)
    return Erased(
        pseudonym=gone, conversations=int(step.is_all), messages=step.messages, has_changed=True
    )


def _move_journal(tx: Transaction, old: Account, new: Account, *, most: int) -> int:
    """Hand the user's own facts over, oldest first; both accounts are whole after each step.

    Facts that came after an erasure was finished have no place behind those that were moved: they
    go. It was somebody else's act, which is in the other's journal.
    """
    # Nothing was moved yet, or all of that was pruned since, and more.
    is_empty = new.position == new.pruned <= old.pruned
    through = min(old.position, old.pruned + most)
    if is_empty or new.position == old.pruned:
        tx.erasures.move_journal(old.user, new.user.id, through=through)
        # What moderators decided goes with the first of them.
        decided = old if old.restrictions else new
        after = attrs.evolve(
            old,
            user=new.user,
            position=through,
            pruned=old.pruned if is_empty else new.pruned,
            unread=0,
            standing=decided.standing,
            restrictions=decided.restrictions,
        )
        tx.mailboxes.save(after)
    else:
        tx.journal.prune(old.user, through=through)
    tx.mailboxes.save(attrs.evolve(old, pruned=through, standing=UNRESTRICTED, restrictions=0))
    return through - old.pruned


def ledger(
    tx: Transaction, *, scope: CursorScope, after: UserId | None, limit: int
) -> Page[Erasure]:
    """The ledger of erasures, which names nobody."""
    found = tx.erasures.ledger(after=after, limit=limit + 1)
    return Page.cut(found, limit, lambda line: scope.pseudonym(line.pseudonym))


def record(
    tx: Transaction, rules: Rules, *, operator: User, lines: Collection[Erasure]
) -> Recorded:
    """Take lines into the ledger that it does not have, but the operator's own.

    Whoever takes that in is at no desk any more: it waits until everybody else is closed.
    """
    account = held_account(tx, operator)
    known = tx.erasures.among([line.gone for line in lines])
    new = {line.gone: line for line in lines if line.gone not in known}
    own = new.pop(pseudonym_of(tx.namespace, operator), None)
    for line in new.values():
        tx.erasures.add(line)
    if new:
        _note(tx, Action.ERASURES_RECORDED, account, None, rules.now_us())
    return Recorded(new=len(new), own=own)


def record_own(tx: Transaction, rules: Rules, *, operator: User, line: Erasure) -> None:
    """Take in the line that means the operator, whose last act it is."""
    account = held_account(tx, operator)
    tx.erasures.add(line)
    _note(tx, Action.ERASURES_RECORDED, account, None, rules.now_us())


def close(tx: Transaction, rules: Rules, *, operator: User, user: User) -> None:
    """Close somebody whom the ledger means and who is there again; twice is once.

    They are not erased by that, but nobody writes to them until they are.
    """
    held = {it: tx.mailboxes.hold(it) for it in sorted({operator, user}, key=_place)}
    check_not_erased(tx, operator)
    account = held[user]
    if not account.is_erased:
        gone = pseudonym_of(tx.namespace, user)
        now_us = rules.now_us()
        after = _close(tx, account, gone, operator=held[operator], now_us=now_us)
        tx.mailboxes.save(after)


def to_reapply(tx: Transaction) -> tuple[User, ...]:
    """Whom the ledger knows and some row still names."""
    found: list[User] = []
    for some in in_parts(tx.erasures.people()):
        ledger = lines_about(tx, some)
        found += (it for it in some if pseudonym_of(tx.namespace, it) in ledger)
    return tuple(found)


def lines_about(tx: Transaction, users: Collection[User]) -> Mapping[User, Erasure]:
    """The lines about some people, under whichever of their names they are given."""
    return tx.erasures.among({*users, *(pseudonym_of(tx.namespace, it) for it in users)})


def in_parts(things: Iterable[Thing]) -> Iterator[tuple[Thing, ...]]:
    """The same, so many at a time."""
    rest = iter(things)
    while some := tuple(islice(rest, AT_ONCE)):
        yield some


def ledger_scope(operator: User) -> CursorScope:
    """Where cursors of the ledger are good."""
    return CursorScope("erasures", operator)


def export_scope(operator: User) -> CursorScope:
    """The same of the ledger as lines."""
    return CursorScope("erasures as lines", operator)


def _note(
    tx: Transaction, action: Action, operator: Account, gone: UserId | None, now_us: int
) -> None:
    fact = Fact(action=action, actor=operator.user.id, other=gone, at_us=now_us)
    account, entries = operator.noted(fact)
    tx.mailboxes.save(account)
    tx.journal.record(entries)


def _place(user: User) -> tuple[str, str]:
    return user.tenant, user.id
