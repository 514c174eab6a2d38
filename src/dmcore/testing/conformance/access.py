"""Only the two can read or write, and nobody learns what else there is."""

from collections.abc import Callable
from uuid import UUID

import pytest

from dmcore.errors import AccessDenied, DmcoreError, InvalidId
from dmcore.mailbox import Mailbox
from dmcore.testing.world import ABSORBING, MakeWorld, World, anatomy, inbox_of, texts, thread_of

NOWHERE = UUID("0b5e7d3c-7c31-8f0e-9d6a-3f2b1c0d9e8f")

USE_CASES: dict[str, Callable[[Mailbox, UUID, UUID], object]] = {
    "send": lambda box, conversation, _: box.send(conversation, "let me in"),
    "send with a key": lambda box, conversation, _: box.send(conversation, "hello", key="k"),
    "thread": lambda box, conversation, _: box.thread(conversation),
    "mark_read": lambda box, conversation, message: box.mark_read(conversation, through=message),
}


def forbidden_to_ann(world: World) -> dict[str, tuple[UUID, UUID]]:
    """Conversations that Ann has not, for every cause there is, each with a message in it."""
    between_others = world.bob.start("cyd", "hello", key="k")
    north = world.dm.mailbox("ann", tenant="north").start("bob", "hello", key="k")
    world.ann.block("dan")
    hidden = world.dan.start("ann", "hello", key="k")
    return {
        "it does not exist": (NOWHERE, between_others.id),
        "it is of two others": (between_others.conversation, between_others.id),
        "it is of another tenant": (north.conversation, north.id),
        "it exists for the partner only": (hidden.conversation, hidden.id),
    }


class TestAccess:
    """Only the two can read or write, and nobody learns what else there is."""

    @pytest.fixture
    def absorbing(self, make_world: MakeWorld) -> World:
        return make_world(ABSORBING)

    @pytest.mark.promise("CONV-1")
    @pytest.mark.parametrize("use_case", USE_CASES.values(), ids=USE_CASES)
    def test_every_cause_has_one_answer(
        self, absorbing: World, use_case: Callable[[Mailbox, UUID, UUID], object]
    ) -> None:
        """Class, text, arguments, details, chain: nothing tells one cause from another."""
        causes = forbidden_to_ann(absorbing)
        seen = set()
        with absorbing.unchanged():
            for conversation, message in causes.values():
                with pytest.raises(AccessDenied) as caught:
                    use_case(absorbing.ann, conversation, message)
                seen.add(repr(anatomy(caught.value)))
        assert len(seen) == 1

    @pytest.mark.promise("CONV-1")
    def test_an_error_names_nothing_that_was_asked_for(self, absorbing: World) -> None:
        (conversation, message) = forbidden_to_ann(absorbing)["it is of two others"]
        with pytest.raises(AccessDenied) as caught:
            absorbing.ann.mark_read(conversation, through=message)
        told = repr(anatomy(caught.value))
        for secret in ("bob", "cyd", "hello", str(conversation), str(message)):
            assert secret not in told
        assert caught.value.http_status == 403

    @pytest.mark.promise("CONV-1")
    def test_the_two_read_and_write_and_nobody_else_notices(self, world: World) -> None:
        sent = world.ann.start("bob", "between us")
        world.bob.send(sent.conversation, "yes")

        for box in (world.ann, world.bob):
            assert texts(thread_of(box, sent.conversation)) == ["between us", "yes"]
        for stranger in (world.cyd, world.dm.mailbox("ann", tenant="north")):
            assert inbox_of(stranger) == []
            assert stranger.unread() == 0
        assert world.journal("cyd") == []
        assert world.journal("ann", tenant="north") == []

    @pytest.mark.promise("CONV-1")
    def test_a_strangers_key_does_not_open_a_conversation(self, world: World) -> None:
        """A retry is answered before limits and blocks, but never before access."""
        sent = world.ann.start("bob", "hello", key="k")
        with world.unchanged(), pytest.raises(AccessDenied):
            world.cyd.send(sent.conversation, "hello", key="k")

    @pytest.mark.promise("CONV-1")
    def test_a_hidden_conversation_opens_for_ann_when_she_begins_it(self, absorbing: World) -> None:
        absorbing.ann.block("dan")
        hidden = absorbing.dan.start("ann", "hello")
        absorbing.ann.unblock("dan")
        with absorbing.unchanged(), pytest.raises(AccessDenied):
            absorbing.ann.thread(hidden.conversation)

        begun = absorbing.ann.start("dan", "hi")
        assert begun.conversation == hidden.conversation
        assert texts(thread_of(absorbing.ann, begun.conversation)) == ["hi"]
        assert texts(thread_of(absorbing.dan, begun.conversation)) == ["hello", "hi"]

    @pytest.mark.promise("CONV-1")
    @pytest.mark.parametrize("value", ["", "x", "0" * 36, f"{{{NOWHERE}}}", NOWHERE.hex, 7, None])
    def test_what_is_no_id_is_refused_before_anything_is_asked(
        self, world: World, value: object
    ) -> None:
        sent = world.ann.start("bob", "hello")
        calls: tuple[Callable[[], object], ...] = (
            lambda: world.ann.send(value, "x"),  # type: ignore[arg-type]
            lambda: world.ann.thread(value),  # type: ignore[arg-type]
            lambda: world.ann.mark_read(value, through=sent.id),  # type: ignore[arg-type]
            lambda: world.ann.mark_read(sent.conversation, through=value),  # type: ignore[arg-type]
        )
        with world.unchanged():
            for call in calls:
                with pytest.raises(InvalidId):
                    call()

    def test_an_id_may_be_given_as_text_in_either_case(self, world: World) -> None:
        sent = world.ann.start("bob", "hello")
        assert texts(world.bob.thread(str(sent.conversation).upper())) == ["hello"]
        world.bob.mark_read(str(sent.conversation), through=str(sent.id).upper())
        assert world.bob.unread() == 0

    @pytest.mark.promise("CONV-1")
    def test_the_refusal_is_one_of_the_errors_a_host_knows(self) -> None:
        assert issubclass(AccessDenied, DmcoreError)
        assert (AccessDenied.code, AccessDenied.http_status) == ("access_denied", 403)
