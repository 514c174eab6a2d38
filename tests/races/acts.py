"""What one member of the crew does in a race. It answers with words and ids, never with errors."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import attrs
from tests.races.crew import Place

from dmcore import DmcoreError, InboxEntry, Mailbox, Message
from dmcore.adapters import sql
from dmcore.adapters.clock import SystemClock
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.errors import LimitReached
from dmcore.ports.transactions import Transaction, reading

Outcome = tuple[str, str]
"""``"sent"`` and the message's id, or an error's code and what it names."""


@attrs.frozen(kw_only=True)
class Attempt:
    """One send as its caller lived through it: when, and the id or how long to wait."""

    key: str
    began_us: int
    ended_us: int
    id: str | None
    wait: timedelta | None


def outcome(write: Callable[..., Message], *given: str, key: str | None = None) -> Outcome:
    """Try to write."""
    try:
        message = write(*given, key=key)
    except DmcoreError as error:
        return error.code, str(error.details.get("limit", error.details.get("reason", "")))
    return "sent", str(message.id)


def sets_up(_place: Place, *, url: str) -> bool:
    """Make the tables; whether it was this member who made them."""
    return sql.initialise(url)


def sends(place: Place, *, user: str, conversation: str, count: int) -> list[Outcome]:
    """One user writes into one conversation."""
    box = place.dm.mailbox(user)
    return [outcome(box.send, conversation, f"{place.number}.{it}") for it in range(count)]


def starts(place: Place, *, user: str, others: Iterable[str]) -> list[Outcome]:
    """One user writes to one after the other."""
    box = place.dm.mailbox(user)
    return [outcome(box.start, other, f"from {place.number}") for other in others]


def conversations(place: Place, *, pairs: Iterable[tuple[str, str]]) -> list[str]:
    """For each pair the first writes to the second; which conversation it was."""
    return [
        str(place.dm.mailbox(one).start(other, f"from {place.number}").conversation)
        for one, other in pairs
    ]


def same_key(place: Place, *, user: str, other: str, key: str) -> tuple[str, str, str, int]:
    """One message under one key; everything in its acknowledgement."""
    message = place.dm.mailbox(user).start(other, "the same", key=key)
    return str(message.id), str(message.conversation), message.sender, message.sent_at_us


def other_text(place: Place, *, user: str, other: str, key: str) -> Outcome:
    """A text of one's own under a key that all share."""
    return outcome(place.dm.mailbox(user).start, other, f"from {place.number}", key=key)


def until_everybody_is_told(
    place: Place, *, user: str, conversation: str, count: int
) -> tuple[list[Outcome], list[Outcome]]:
    """What was sent while somebody turned something off, and what was sent afterwards."""
    box = place.dm.mailbox(user)
    during = [outcome(box.send, conversation, f"during {place.number}") for _ in range(count)]
    place.meet()
    after = [outcome(box.send, conversation, f"after {place.number}") for _ in range(count)]
    return during, after


def blocks(place: Place, *, user: str, other: str) -> None:
    """Block somebody; everybody meets when it is done."""
    place.dm.mailbox(user).block(other)
    place.meet()


def turns_off(place: Place, *, operator: str) -> None:
    """Turn messaging off; everybody meets when it is done."""
    place.dm.operations(operator).set_mode("off")
    place.meet()


def turns_the_switch(place: Place, *, count: int) -> None:
    """Several operators turn it, each in an order of their own."""
    operations = place.dm.operations(f"olga{place.number % 3}")
    modes = ("off", "read_only", "replies_only", "on")
    for it in range(count):
        operations.set_mode(modes[(place.number + it) % len(modes)])


def marks_read(place: Place, *, user: str, conversation: str, until: int) -> list[int]:
    """Mark whatever is newest, until everything that was sent has been marked."""
    box = place.dm.mailbox(user)
    counts = [box.unread()]
    seen = 0
    while seen < until:
        seen += _mark_newest(box, conversation, seen)
        counts.append(box.unread())
    return counts


def _mark_newest(box: Mailbox, conversation: str, seen: int) -> int:
    page = box.thread(conversation, limit=100)
    box.mark_read(conversation, through=page.items[-1].id)
    return len(page.items) - seen


def marks_once_in_a_while(place: Place, *, user: str, conversation: str, count: int) -> None:
    """Mark the newest message or one in the middle, while others come in."""
    box = place.dm.mailbox(user)
    for it in range(count):
        items = box.thread(conversation, limit=100).items
        box.mark_read(conversation, through=items[-1 if it % 2 else len(items) // 2].id)


def reads_everything(place: Place, *, user: str, count: int) -> list[str]:
    """Read inbox, threads and total again and again; whatever looks wrong."""
    box = place.dm.mailbox(user)
    wrong = []
    for _ in range(count):
        entries = box.inbox(limit=100).items
        newest = [entry.newest for entry in entries]
        if newest != sorted(newest, reverse=True):
            wrong.append("the inbox is out of order")
        if len({entry.conversation for entry in entries}) != len(entries):
            wrong.append("a conversation is listed twice")
        if any(entry.preview is None or entry.preview.id != entry.newest for entry in entries):
            wrong.append("a preview is missing or another message")
        if box.unread() < 0 or any(entry.unread < 0 for entry in entries):
            wrong.append("a count is negative")
        for entry in entries:
            ids = [message.id for message in box.thread(entry.conversation).items]
            if ids != sorted(set(ids)) or ids[-1] < entry.newest:
                wrong.append("a thread is out of order or behind the inbox")
    return wrong


def follows_the_journal(place: Place, *, user: str, until: int) -> list[int]:
    """Poll the journal of one user; every position in the order in which it was read."""
    owner = User(TenantId(""), UserId(user))

    def entries(tx: Transaction, after: int) -> list[int]:
        return [it.position for it in tx.journal.entries_of(owner, after=after, limit=7)]

    read: list[int] = []
    while not read or read[-1] < until:
        read += place.dm._transactions.run(reading(entries, read[-1] if read else 0))
    return read


def change_something(box: Mailbox, entry: InboxEntry, number: int) -> None:
    """One of the things that can be done to a conversation and its newest message."""
    conversation, newest = entry.conversation, entry.newest
    changes: tuple[Callable[[], object], ...] = (
        lambda: box.hide(conversation, newest),
        lambda: box.archive(conversation),
        lambda: box.clear(conversation),
        lambda: box.delete(conversation, newest),
        lambda: box.edit(conversation, newest, f"changed {number}"),
        lambda: box.mute(conversation),
    )
    changes[number % len(changes)]()


def does_anything(place: Place, *, people: list[str], count: int) -> dict[str, int]:
    """Write, read, sort, change and block, each member by a pattern of its own; codes of errors."""
    codes: dict[str, int] = {}
    for it in range(count):
        step = place.number * 7 + it * 5
        me, other = people[step % len(people)], people[(step + 1 + it % 3) % len(people)]
        box = place.dm.mailbox(me)
        try:
            match (place.number + it) % 8:
                case 0:
                    box.block(other)
                case 1:
                    box.unblock(other)
                case 2:
                    for entry in box.inbox(limit=3).items:
                        box.mark_read(entry.conversation, through=entry.newest)
                case 3:
                    for entry in box.inbox(limit=2).items:
                        change_something(box, entry, it)
                case _:
                    box.start(other, f"{place.number}.{it}", key=f"{place.number}.{it // 2}")
        except DmcoreError as error:
            codes[error.code] = codes.get(error.code, 0) + 1
    return codes


def reports(place: Place, *, other: str, key: str | None, count: int) -> list[str]:
    """One user, who was never seen before, reports another; ids, or codes of errors."""
    box = place.dm.mailbox("ann")
    found = []
    for _ in range(count):
        try:
            found.append(str(box.report(other, reason="spam", key=key).id))
        except DmcoreError as error:
            found.append(error.code)
    return found


def moderates(place: Place, *, report: str, move: str, outcome: str | None = None) -> str | None:
    """A moderator of one's own moves one report; the code of the error, if any."""
    desk = place.dm.moderation(f"mod{place.number}")
    (answer,) = desk.bulk([report], move, outcome=outcome)
    return answer.error


def restricts(place: Place, *, user: str, kind: str) -> None:
    """Restrict somebody; everybody meets when it is done."""
    place.dm.moderation("mod").restrict(user, kind, reason="spam")
    place.meet()


def moderates_people(place: Place, *, user: str, count: int) -> list[int]:
    """Mute somebody again and again; the numbers that it got."""
    desk = place.dm.moderation(f"mod{place.number}")
    return [desk.restrict(user, "mute", reason="spam").number for _ in range(count)]


def attempts(place: Place, *, user: str, conversation: str, keys: Sequence[str]) -> list[Attempt]:
    """One message under each key, which is its text, as fast as it goes."""
    box = place.dm.mailbox(user)
    return [_attempt(box, conversation, key) for key in keys]


def _attempt(box: Mailbox, conversation: str, key: str) -> Attempt:
    began_us = SystemClock().now_us()
    try:
        id_, wait = str(box.send(conversation, key, key=key).id), None
    except LimitReached as refusal:
        id_, wait = None, refusal.retry_after
    return Attempt(key=key, began_us=began_us, ended_us=SystemClock().now_us(), id=id_, wait=wait)


def looks(place: Place, *, user: str, conversation: str, count: int) -> list[list[str]]:
    """What the newest page of a thread shows, again and again."""
    box = place.dm.mailbox(user)
    pages = (box.thread(conversation, limit=100).items for _ in range(count))
    return [[str(it.id) for it in items] for items in pages]
