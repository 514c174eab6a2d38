"""Every writing use case as one act of one user in a scene, and the scenes."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import attrs

from dmcore import DirectMessages, Mailbox, Preferences
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId
from dmcore.domain.pair import Pair
from dmcore.operations._mending import mend_conversation
from dmcore.operations._pruning import remove_from
from dmcore.ports.transactions import Transaction, writing

_NOBODY: Final = UUID("01890000-0000-7000-8000-000000000000")


@attrs.frozen(kw_only=True)
class Scene:
    """What two people have of each other before they act: ids by whose they are."""

    tenant: str
    conversation: UUID
    own: Mapping[str, UUID]
    theirs: Mapping[str, UUID]

    def partner_of(self, user: str) -> str:
        return "bob" if user == "ann" else "ann"


Setting = Callable[[Mailbox, Mailbox], dict[str, UUID]]
"""Lets ann and bob come to a state; the newest message of each."""


def _strangers(_ann: Mailbox, _bob: Mailbox) -> dict[str, UUID]:
    return {}


def _friends(ann: Mailbox, bob: Mailbox) -> dict[str, UUID]:
    conversation = ann.start("bob", "hello").conversation
    bob.send(conversation, "hello yourself")
    newest_of_ann = ann.send(conversation, "how are you?")
    return {"ann": newest_of_ann.id, "bob": bob.send(conversation, "fine").id}


def _request(_ann: Mailbox, bob: Mailbox) -> dict[str, UUID]:
    asked = bob.start("ann", "may I?").id
    return {"ann": asked, "bob": asked}


def _blocked(ann: Mailbox, bob: Mailbox) -> dict[str, UUID]:
    newest = _friends(ann, bob)
    ann.block("bob")
    return newest


def _miscounted(ann: Mailbox, bob: Mailbox) -> dict[str, UUID]:
    """As friends, but of what bob has not read one message is not counted."""
    newest = _friends(ann, bob)
    pair = Pair.of(ann.user.tenant, ann.user.id, bob.user.id)

    def miscount(tx: Transaction) -> None:
        contact = tx.contacts.hold(pair, actor=ann.user.id)
        found, owner = contact.conversation, contact.partner
        assert found is not None
        side = found.side_of(bob.user.id)
        wrong = attrs.evolve(side, unread=side.unread - 1)
        tx.conversations.save(found.with_side(bob.user.id, wrong))
        tx.mailboxes.save(attrs.evolve(owner, unread=owner.unread - 1))

    ann._transactions.run(writing(miscount))
    return newest


SETTINGS: Final[Mapping[str, Setting]] = {
    "strangers": _strangers,
    "friends": _friends,
    "request": _request,
    "blocked": _blocked,
    "miscounted": _miscounted,
}


def set_scene(dm: DirectMessages, namespace: bytes, setting: str, tenant: str) -> Scene:
    """Everything as it is before the two act, in a tenant of its own."""
    dm.operations("stagehand").set_mode("on")
    newest = SETTINGS[setting](*(dm.mailbox(it, tenant=tenant) for it in ("ann", "bob")))
    pair = Pair.of(TenantId(tenant), UserId("ann"), UserId("bob"))
    return Scene(
        tenant=tenant,
        conversation=pair.conversation_id(namespace),
        own={user: newest.get(user, _NOBODY) for user in ("ann", "bob")},
        theirs={"ann": newest.get("bob", _NOBODY), "bob": newest.get("ann", _NOBODY)},
    )


@attrs.frozen
class Act:
    """A use case: the setting in which it does the most, and how it is called."""

    setting: str
    call: Callable[[DirectMessages, Scene, str], object]


def _of(setting: str, call: Callable[[Mailbox, Scene, str], object]) -> Act:
    return Act(setting, lambda dm, scene, me: call(dm.mailbox(me, tenant=scene.tenant), scene, me))


def _prune(dm: DirectMessages, scene: Scene, me: str) -> None:
    """Only the use case: the method runs one transaction for each user, and more around them."""
    olga = dm.operations("olga", tenant=scene.tenant)
    for oldest in olga.audit(scene.partner_of(me), tenant=scene.tenant, limit=1).items:
        olga._transactions.run(olga._calls.shorten(oldest))


def _remove(dm: DirectMessages, scene: Scene, me: str) -> None:
    """Only the step that removes, in this scene: by itself it looks for the oldest of the store."""
    olga = dm.operations("olga", tenant=scene.tenant)
    ann = User(TenantId(scene.tenant), UserId("ann"))
    here, below = ConversationId(scene.conversation), MessageId(scene.theirs[me])
    olga._transactions.run(writing(remove_from, here, ann, below=below, most=10))


def _mend(dm: DirectMessages, scene: Scene, me: str) -> None:
    """Only the step that mends, in this scene: a whole repair looks through the store."""
    olga = dm.operations("olga", tenant=scene.tenant)
    owner = User(TenantId(scene.tenant), UserId(me))
    here = ConversationId(scene.conversation)
    olga._transactions.run(writing(mend_conversation, conversation=here, user=owner))


MENDING: Final = Act("miscounted", _mend)
"""What makes a conversation anew of its messages; against those that read it and wait."""

ACTS: Final[Mapping[str, Act]] = {
    "start": _of("strangers", lambda box, it, me: box.start(it.partner_of(me), "start")),
    "start under a key": _of(
        "strangers", lambda box, it, me: box.start(it.partner_of(me), "keyed", key="key")
    ),
    "send": _of("friends", lambda box, it, _: box.send(it.conversation, "send")),
    "send under a key": _of(
        "friends", lambda box, it, _: box.send(it.conversation, "keyed", key="key")
    ),
    "send in answer": _of(
        "friends",
        lambda box, it, me: box.send(it.conversation, "answer", reply_to=it.theirs[me]),
    ),
    "edit": _of("friends", lambda box, it, me: box.edit(it.conversation, it.own[me], "edited")),
    "delete": _of("friends", lambda box, it, me: box.delete(it.conversation, it.own[me])),
    "hide": _of("friends", lambda box, it, me: box.hide(it.conversation, it.theirs[me])),
    "mark_read": _of(
        "friends", lambda box, it, me: box.mark_read(it.conversation, through=it.theirs[me])
    ),
    "clear": _of("friends", lambda box, it, _: box.clear(it.conversation)),
    "archive": _of("friends", lambda box, it, _: box.archive(it.conversation)),
    "accept": _of("request", lambda box, it, _: box.accept(it.conversation)),
    "decline": _of("request", lambda box, it, _: box.decline(it.conversation)),
    "block": _of("friends", lambda box, it, me: box.block(it.partner_of(me))),
    "unblock": _of("blocked", lambda box, it, me: box.unblock(it.partner_of(me))),
    "set_preferences": _of(
        "friends",
        lambda box, _, __: box.set_preferences(Preferences(open_to="nobody", receipts=False)),
    ),
    "set_mode": Act(
        "strangers",
        lambda dm, scene, _: dm.operations("olga", tenant=scene.tenant).set_mode("read_only"),
    ),
    "prune_journals": Act("friends", _prune),
    "prune": Act("friends", _remove),
}

REPRESENTED: Final = {"mute": "archive", "unmute": "archive", "unarchive": "archive"}
"""Methods that run the same use case as an act, with another change of the same side."""

RACED: Final = {
    *("report", "seal", "prune_evidence", "note_key_work"),
    *("erase", "preview_erasure", "record_erasures"),
    *("add_consumer", "forget_consumer", "retry"),
}
"""What is raced by processes (``tests.races``) or held to be whole by the conformance suite.

The id of a report is one of the whole store, so two rounds of the ring would meet in it. An erasure
is many transactions and may be met between any two of them: it has no one moment at which it is.
Consumers of events belong to the store and not to two people: they are raced in ``tests.relay``.
"""
