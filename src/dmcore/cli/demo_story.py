"""The play of the demo: what its people do, and what each of them sees after every scene.

All persons and texts in it are invented here, which is why this is the one place of the command
line that reads messages. It refuses to know how the scenes are shown.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Final, Self
from uuid import UUID

import attrs

from dmcore.adapters.clock import ManualClock
from dmcore.cli.demo_scene import ACCEPTED, Act, InboxLine, Scene, Spoken, View
from dmcore.cli.failures import StoreNotEmpty
from dmcore.direct_messages import DirectMessages
from dmcore.domain.ids import ConversationId
from dmcore.domain.instants import to_us
from dmcore.domain.message import Message
from dmcore.domain.mode import Mode
from dmcore.errors import AccessDenied, DmcoreError, StoreError
from dmcore.mailbox import Mailbox
from dmcore.operations import Operations

BEGIN_US: Final = to_us(datetime(2026, 3, 2, 9, tzinfo=UTC))

# A thread is shown by its newest messages.
_SHOWN: Final = 3
_MADE_UP: Final = UUID("00000000-0000-8000-8000-000000000000")
_HELLO: Final = "Hi Bob, is the blue bike still for sale?"


@attrs.frozen(kw_only=True)
class Stage:
    """The people, the operator and the clock, which moves only when the play says so."""

    operations: Operations
    ann: Mailbox
    bob: Mailbox
    eve: Mailbox
    clock: ManualClock

    @classmethod
    def set_up(cls, dm: DirectMessages, operations: Operations, clock: ManualClock) -> Self:
        """Raises ``StoreNotEmpty`` for a store with messages that are not a demo's."""
        tenant = _own_tenant(operations)
        ann, bob, eve = (dm.mailbox(name, tenant=tenant) for name in ("ann", "bob", "eve"))
        return cls(operations=operations, ann=ann, bob=bob, eve=eve, clock=clock)

    def play(self) -> Iterator[Scene]:
        """The scenes in their order, each played when it is asked for."""
        if self.operations.mode() is not Mode.ON:
            yield self._the_switch()
        yield self._the_first_message()
        yield self._the_answer()
        yield self._the_stranger()
        yield self._the_limit()
        yield self._the_block()
        yield self._the_end_of_the_block()

    # Scenes -------------------------------------------------------------------------------------

    def _the_switch(self) -> Scene:
        return Scene(
            title="The switch",
            meaning="A new installation is off until an operator turns it on.",
            acts=(
                self._act("ann", "writes to bob", lambda: self.ann.start("bob", _HELLO), _HELLO),
                self._act(
                    "operator", "turns messaging on", lambda: self.operations.set_mode(Mode.ON)
                ),
            ),
            views=(),
        )

    def _the_first_message(self) -> Scene:
        self.clock.advance(seconds=60)

        def write() -> Message:
            return self.ann.start("bob", _HELLO, key="form-1")

        acts = (
            self._act("ann", "writes to bob", write, _HELLO),
            self._act("ann", "sends the same again", write, detail="it is still one message"),
        )
        return Scene(
            title="Ann writes to Bob",
            meaning="The first message opens the conversation. Ann's browser did not get the answer"
            " and sends again, with the same key: nothing is there twice.",
            acts=acts,
            views=self._what_ann_and_bob_see(),
        )

    def _the_answer(self) -> Scene:
        self.clock.advance(seconds=240)
        conversation = self._conversation()
        newest = self.bob.thread(conversation).items[-1].id
        answer = "Yes! Come and see it on Saturday."
        acts = (
            self._act(
                "bob", "marks it as read", lambda: self.bob.mark_read(conversation, through=newest)
            ),
            self._act("bob", "answers", lambda: self.bob.send(conversation, answer), answer),
        )
        return Scene(
            title="Bob reads and answers",
            meaning="Each side has its own count of unread messages.",
            acts=acts,
            views=self._what_ann_and_bob_see(),
        )

    def _the_stranger(self) -> Scene:
        self.clock.advance(seconds=60)
        conversation = self._conversation()
        acts = (
            self._act("eve", "opens their conversation", lambda: self.eve.thread(conversation)),
            self._act("eve", "opens an id that she made up", lambda: self.eve.thread(_MADE_UP)),
            self._act(
                "eve", "writes into theirs", lambda: self.eve.send(conversation, "Hi!"), "Hi!"
            ),
        )
        return Scene(
            title="A stranger tries",
            meaning="Eve has got hold of the conversation's id. What is not hers and what does not"
            " exist are one answer, so she learns nothing.",
            acts=acts,
            views=(self._view(self.eve),),
        )

    def _the_limit(self) -> Scene:
        self.clock.advance(seconds=240)
        conversation = self._conversation()
        newest = self.ann.thread(conversation).items[-1].id

        def burst() -> None:
            for number in range(1, 21):
                self.ann.send(conversation, f"And one more question ({number} of 20)")
                self.clock.advance(seconds=1)

        def one_more() -> Message:
            return self.ann.send(conversation, "And the last one: does it have lights?")

        acts = [
            self._act(
                "ann",
                "marks Bob's answer as read",
                lambda: self.ann.mark_read(conversation, through=newest),
            ),
            self._act("ann", "sends 20 messages in 20 seconds", burst, detail="all sent"),
            self._act("ann", "sends one more", one_more),
        ]
        self.clock.advance(seconds=40)
        acts.append(self._act("ann", "sends it 40 seconds later", one_more))
        return Scene(
            title="Ann writes too much",
            meaning="At most 20 messages in any 60 seconds. The refusal says exactly how long to"
            " wait, and costs nothing.",
            acts=tuple(acts),
            views=self._what_ann_and_bob_see(),
        )

    def _the_block(self) -> Scene:
        self.clock.advance(seconds=300)
        conversation = self._conversation()
        asks, shouts = "Bob? Are you there?", "Please stop."
        acts = (
            self._act("bob", "blocks ann", lambda: self.bob.block("ann")),
            self._act("ann", "writes", lambda: self.ann.send(conversation, asks), asks),
            self._act("bob", "writes", lambda: self.bob.send(conversation, shouts), shouts),
        )
        return Scene(
            title="Bob blocks Ann",
            meaning="For Bob, Ann is gone. Ann's screen is as before, and her refusal is the one"
            " for everybody who cannot be reached: she cannot tell that it is a block.",
            acts=acts,
            views=self._what_ann_and_bob_see(),
        )

    def _the_end_of_the_block(self) -> Scene:
        self.clock.advance(seconds=3600)
        conversation = self._conversation()
        sorry = "Sorry for all that! Saturday at ten?"
        acts = (
            self._act("bob", "unblocks ann", lambda: self.bob.unblock("ann")),
            self._act("ann", "writes", lambda: self.ann.send(conversation, sorry), sorry),
        )
        return Scene(
            title="Bob unblocks Ann",
            meaning="What came before the block is back. What was refused meanwhile never comes.",
            acts=acts,
            views=self._what_ann_and_bob_see(),
        )

    # What scenes are made of --------------------------------------------------------------------

    def _act(
        self,
        who: str,
        does: str,
        call: Callable[[], object],
        says: str | None = None,
        *,
        detail: str | None = None,
    ) -> Act:
        answer = ACCEPTED
        try:
            call()
        except StoreError:
            raise
        except DmcoreError as refusal:
            answer, detail = refusal.code, str(refusal)
        return Act(
            at_us=self.clock.now_us(), who=who, does=does, says=says, answer=answer, detail=detail
        )

    def _conversation(self) -> ConversationId:
        return self.ann.inbox().items[0].conversation

    def _what_ann_and_bob_see(self) -> tuple[View, View]:
        return self._view(self.ann), self._view(self.bob)

    def _view(self, mailbox: Mailbox) -> View:
        thread = self._thread(mailbox)
        return View(
            who=mailbox.user.id,
            unread=mailbox.unread(),
            inbox=tuple(
                InboxLine(
                    other=entry.other,
                    unread=entry.unread,
                    newest=Spoken.of(entry.preview) if entry.preview else None,
                )
                for entry in mailbox.inbox().items
            ),
            thread=thread[-_SHOWN:],
            earlier=max(len(thread) - _SHOWN, 0),
        )

    def _thread(self, mailbox: Mailbox) -> tuple[Spoken, ...]:
        try:
            messages = mailbox.thread(self._conversation()).items
        except AccessDenied:
            return ()
        return tuple(map(Spoken.of, messages))


def _own_tenant(operations: Operations) -> str:
    """A tenant in which no earlier demo has played, so that one store can see many."""
    tenants = (f"demo-{number}" for number in count(1))
    free = next(it for it in tenants if not operations.audit("ann", tenant=it, limit=1).items)
    if free == "demo-1" and operations.status().messages:
        raise StoreNotEmpty("the demo wants one of its own")
    return free
