"""An id or a cursor counts inside its own conversation and list only."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import pytest

from dmcore import Mailbox
from dmcore.errors import AccessDenied, InvalidCursor
from dmcore.testing.world import ABSORBING, MakeWorld, World, anatomy, text_of, texts, thread_of


class Still:
    """Entropy that never moves: ids of different conversations become equal."""

    def draw(self) -> int:
        return 5


def foreign_messages(world: World) -> tuple[UUID, dict[str, UUID]]:
    """A conversation of Ann and Bob, and message ids that mean nothing to Ann in it."""
    ours = world.bob.start("ann", "ours")
    mine_elsewhere = world.ann.start("cyd", "elsewhere")
    of_others = world.bob.start("cyd", "of others")
    north = world.dm.mailbox("bob", tenant="north").start("ann", "north")
    world.ann.block("bob")
    absorbed = world.bob.send(ours.conversation, "never arrives")
    world.ann.unblock("bob")
    return ours.conversation, {
        "of nowhere": UUID("0191d2b0-0000-7000-8000-000000000000"),
        "of another conversation of hers": mine_elsewhere.id,
        "of two others": of_others.id,
        "of the same two elsewhere": north.id,
        "that she was never to see": absorbed.id,
        "that is a conversation": ours.conversation,
    }


# Cursors ----------------------------------------------------------------------------------------


class Place(NamedTuple):
    """A list: who reads it, and how it is continued by a cursor."""

    name: str
    read: Callable[[str], object]


def cursors_and_places(world: World) -> tuple[dict[str, str], dict[str, list[Place]]]:
    """One real cursor for each list, under the name of the list; and the lists."""
    bob_box, ann = world.bob, world.ann
    conversations = {}
    for other in ("bob", "cyd", "dan"):
        for number in range(3):
            world.tick()
            conversations[other] = ann.start(other, str(number)).conversation
            world.dm.mailbox(other).start("ann", str(number))
    north = world.dm.mailbox("ann", tenant="north")
    for other in ("bob", "cyd", "dan"):
        world.tick()
        conversations[f"north {other}"] = north.start(other, "x").conversation
        north.start(other, "y")
    for box in (ann, bob_box, north):
        for other in ("fay", "gus"):
            box.block(other)
    bob_box.start("eve", "x")

    def inbox(box: Mailbox) -> Callable[[str], object]:
        return lambda cursor: box.inbox(limit=1, cursor=cursor)

    def blocked(box: Mailbox) -> Callable[[str], object]:
        return lambda cursor: box.blocked(limit=1, cursor=cursor)

    def thread(box: Mailbox, conversation: UUID) -> list[Place]:
        return [
            Place("before", lambda cursor: box.thread(conversation, limit=1, before=cursor)),
            Place("after", lambda cursor: box.thread(conversation, limit=1, after=cursor)),
        ]

    def audit(desk: str, user: str, tenant: str) -> Callable[[str], object]:
        operations = world.dm.operations(desk)
        return lambda cursor: operations.audit(user, tenant=tenant, limit=1, cursor=cursor)

    def newest(box: Mailbox, conversation: UUID) -> str | None:
        return box.thread(conversation, limit=1).older

    made = {
        "inbox of ann": ann.inbox(limit=1).next,
        "inbox of bob": bob_box.inbox(limit=1).next,
        "inbox of ann in the north": north.inbox(limit=1).next,
        "blocked by ann": ann.blocked(limit=1).next,
        "blocked by bob": bob_box.blocked(limit=1).next,
        "blocked by ann in the north": north.blocked(limit=1).next,
        "ann's thread with bob": newest(ann, conversations["bob"]),
        "ann's thread with cyd": newest(ann, conversations["cyd"]),
        "bob's thread with ann": newest(bob_box, conversations["bob"]),
        "ann's thread in the north": newest(north, conversations["north bob"]),
        "olga's audit of ann": world.olga.audit("ann", limit=1).next,
        "olga's audit of bob": world.olga.audit("bob", limit=1).next,
        "olga's audit of ann in the north": world.olga.audit("ann", tenant="north", limit=1).next,
        "another's audit of ann": world.dm.operations("otto").audit("ann", limit=1).next,
    }
    places = {
        "inbox of ann": [Place("inbox", inbox(ann))],
        "inbox of bob": [Place("inbox", inbox(bob_box))],
        "inbox of ann in the north": [Place("inbox", inbox(north))],
        "blocked by ann": [Place("blocked", blocked(ann))],
        "blocked by bob": [Place("blocked", blocked(bob_box))],
        "blocked by ann in the north": [Place("blocked", blocked(north))],
        "ann's thread with bob": thread(ann, conversations["bob"]),
        "ann's thread with cyd": thread(ann, conversations["cyd"]),
        "bob's thread with ann": thread(bob_box, conversations["bob"]),
        "ann's thread in the north": thread(north, conversations["north bob"]),
        "olga's audit of ann": [Place("audit", audit("olga", "ann", ""))],
        "olga's audit of bob": [Place("audit", audit("olga", "bob", ""))],
        "olga's audit of ann in the north": [Place("audit", audit("olga", "ann", "north"))],
        "another's audit of ann": [Place("audit", audit("otto", "ann", ""))],
    }
    cursors = {name: cursor for name, cursor in made.items() if cursor is not None}
    assert cursors.keys() == made.keys()
    return cursors, places


class TestOwnConversation:
    """An id or a cursor counts inside its own conversation and list only."""

    @pytest.mark.promise("CONV-2")
    def test_a_foreign_message_marks_nothing_read(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        conversation, messages = foreign_messages(world)
        seen = set()
        with world.unchanged():
            for message in messages.values():
                with pytest.raises(AccessDenied) as caught:
                    world.ann.mark_read(conversation, through=message)
                seen.add(repr(anatomy(caught.value)))
        assert len(seen) == 1
        assert world.ann.unread() == 1

    @pytest.mark.promise("CONV-2", "BLOCK-1")
    def test_while_ann_blocks_bob_his_messages_are_foreign_to_her(self, world: World) -> None:
        theirs = world.bob.start("ann", "one")
        mine = world.ann.send(theirs.conversation, "two")
        newest = world.bob.send(theirs.conversation, "three")
        world.ann.block("bob")
        with world.unchanged():
            for message in (theirs, newest):
                with pytest.raises(AccessDenied):
                    world.ann.mark_read(theirs.conversation, through=message.id)

        world.ann.mark_read(theirs.conversation, through=mine.id)
        world.ann.unblock("bob")
        assert world.ann.unread() == 1

    @pytest.mark.promise("CONV-2")
    def test_equal_message_ids_in_two_conversations_do_not_mix(self, make_world: MakeWorld) -> None:
        world = make_world(entropy=Still())
        with_bob = world.ann.start("bob", "to bob")
        with_cyd = world.ann.start("cyd", "to cyd")
        assert with_bob.id == with_cyd.id

        world.bob.send(with_bob.conversation, "from bob")
        world.cyd.send(with_cyd.conversation, "from cyd")
        previews = {
            entry.other: text_of(entry.preview) if entry.preview else None
            for entry in world.ann.inbox().items
        }
        assert previews == {"bob": "from bob", "cyd": "from cyd"}

        world.ann.mark_read(with_bob.conversation, through=world.ann.inbox().items[0].newest)
        assert {entry.other: entry.unread for entry in world.ann.inbox().items} == {
            "bob": 0,
            "cyd": 1,
        }
        assert texts(thread_of(world.ann, with_cyd.conversation)) == ["to cyd", "from cyd"]
        assert world.is_sound()

    @pytest.mark.promise("CONV-2", "PAGE-1")
    def test_a_cursor_continues_its_own_list_and_no_other(self, world: World) -> None:
        """Another list, another user, another conversation, another tenant: each is refused."""
        cursors, places = cursors_and_places(world)
        for origin, cursor in cursors.items():
            for name, readers in places.items():
                for place in readers:
                    if name == origin:
                        place.read(cursor)
                        continue
                    with pytest.raises(InvalidCursor):
                        place.read(cursor)

    @pytest.mark.promise("CONV-2", "PAGE-1")
    def test_a_damaged_cursor_is_refused(self, world: World) -> None:
        cursors, places = cursors_and_places(world)
        for name, cursor in cursors.items():
            damaged: tuple[object, ...] = (
                "",
                "x",
                "ü",
                "\ud800",
                cursor[:-2],
                cursor + "AAAA",
                "A" + cursor[1:] if cursor[0] != "A" else "B" + cursor[1:],
                f" {cursor}",
                cursor.encode(),
                7,
            )
            for wrong in damaged:
                for place in places[name]:
                    with pytest.raises(InvalidCursor):
                        place.read(wrong)  # type: ignore[arg-type]

    @pytest.mark.promise("PAGE-1")
    def test_a_thread_is_read_in_one_direction_at_a_time(self, world: World) -> None:
        sent = world.ann.start("bob", "one")
        newer = world.ann.thread(sent.conversation).newer
        with pytest.raises(InvalidCursor):
            world.ann.thread(sent.conversation, before=newer, after=newer)

    @pytest.mark.promise("CONV-1", "CONV-2")
    def test_a_cursor_of_a_conversation_opens_it_for_nobody_else(self, world: World) -> None:
        """Smuggling works neither by cursor nor by conversation: access is asked on every page."""
        sent = world.ann.start("bob", "one")
        newer = world.ann.thread(sent.conversation).newer
        with pytest.raises(InvalidCursor):
            world.cyd.thread(sent.conversation, after=newer)
        with pytest.raises(AccessDenied):
            world.cyd.thread(sent.conversation)
