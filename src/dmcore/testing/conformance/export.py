"""The export: everything that one may see, each thing once, and nothing else."""

import base64
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import pytest

from dmcore import (
    Block,
    Body,
    ConversationView,
    Exported,
    Mailbox,
    Message,
    Mode,
    OwnAccount,
    OwnReport,
    Page,
    Policy,
    Request,
)
from dmcore.domain.preferences import DEFAULT_PREFERENCES, Preferences
from dmcore.errors import InvalidCursor, InvalidPageSize, MessagingUnavailable
from dmcore.testing.conformance.random_histories import POLICIES, USERS, Walk
from dmcore.testing.conformance.sights import NOWHERE, says
from dmcore.testing.screening import Censor
from dmcore.testing.world import (
    ABSORBING,
    UNLIMITED,
    MakeWorld,
    World,
    asking,
    busy,
    export_of,
    thread_of,
    walked,
)

STEPS: Final = 240
SEED: Final = 21
PEOPLE: Final = ("ann", "bob", "cyd", "dan", "eve", "Zoe", "\U0001f600", "\uffff")


def by_hand(box: Mailbox, people: Sequence[str]) -> list[Exported]:
    """What an export must hold, gathered by the ways in which a user looks at things."""
    found: list[Exported] = [OwnAccount(preferences=box.preferences())]
    for page in walked(lambda cursor: box.blocked(limit=100, cursor=cursor)):
        found += page.items
    met = (box.conversation_with(other) for other in people if other != box.user.id)
    for view in sorted((it for it in met if it is not None), key=lambda it: it.conversation):
        found += [view, *thread_of(box, view.conversation)]
    return found


def _what(thing: Exported) -> object:
    """Which thing of an export it is, whatever became of it."""
    if isinstance(thing, Message):
        return thing.id
    return thing.conversation if isinstance(thing, ConversationView) else type(thing)


def _blocks(box: Mailbox, limit: int) -> list[Page[Block]]:
    return walked(lambda cursor: box.blocked(limit=limit, cursor=cursor))


def said_in(things: Sequence[Exported]) -> list[str | None]:
    """What the messages of an export say, in its order."""
    return [says(thing) for thing in things if isinstance(thing, Message)]


def partners_in(things: Sequence[Exported]) -> list[str]:
    """With whom the conversations of an export are, in its order."""
    return [thing.other for thing in things if isinstance(thing, ConversationView)]


def crowd(world: World) -> None:
    """Ann blocks two, and has conversations with all: long ones, short ones, an empty one."""
    for number, other in enumerate(PEOPLE[1:]):
        sent = world.ann.start(other, f"to {other}")
        for turn in range(2 * number):
            world.tick()
            world.dm.mailbox(other).send(sent.conversation, f"{turn} by {other}")
        if number == 2:
            world.ann.clear(sent.conversation)
        if number in {1, 3}:
            world.ann.block(other)


class TestExport:
    """The export: everything that one may see, each thing once, and nothing else."""

    @pytest.mark.promise("GDPR-1")
    def test_whoever_was_never_here_has_an_account_alone(self, world: World) -> None:
        busy(world)
        page = world.dan.export()
        assert page.items == (OwnAccount(preferences=DEFAULT_PREFERENCES),)
        assert page.next is None
        assert world.dm.mailbox("ann", tenant="north").export() == page

    @pytest.mark.promise("GDPR-1")
    def test_it_is_what_one_sees_by_looking_at_everything(self, world: World) -> None:
        busy(world)
        crowd(world)
        for user in PEOPLE:
            box = world.dm.mailbox(user)
            with world.unchanged():
                assert export_of(box) == by_hand(box, PEOPLE)

    @pytest.mark.promise("GDPR-1", "BLOCK-1", "REQ-1", "MSG-5")
    @pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
    def test_it_is_so_after_any_history(self, make_world: MakeWorld, policy: Policy) -> None:
        world = make_world(policy)
        walk = Walk(world, random.Random(SEED))
        for number in range(1, STEPS + 1):
            world.tick()
            walk.step()
            if number % 20 == 0:
                for user in USERS:
                    box = world.dm.mailbox(user)
                    assert export_of(box, limit=7) == by_hand(box, USERS)

    @pytest.mark.promise("GDPR-1", "PAGE-1")
    def test_pages_of_any_size_are_full_and_give_the_same_whole(self, world: World) -> None:
        crowd(world)
        whole = export_of(world.ann)
        assert len(whole) > 30
        for size in [*range(1, 12), len(whole) - 1, len(whole), len(whole) + 1]:
            pages = walked(
                lambda cursor, size=size: world.ann.export(limit=size, cursor=cursor)  # type: ignore[misc]
            )
            assert [thing for page in pages for thing in page.items] == whole
            assert all(len(page.items) == size for page in pages[:-1])
            assert pages[-1].items
        assert world.ann.export().items == tuple(whole[:100])

    @pytest.mark.promise("GDPR-1")
    @pytest.mark.parametrize("size", [1, 3, 7])
    def test_an_erasure_between_two_pages_moves_nothing_out_of_it(
        self, world: World, size: int
    ) -> None:
        """Whoever is erased gets another name, below some names and above others."""
        crowd(world)
        whole = export_of(world.ann)
        page = world.ann.export(limit=size)
        exported = [*page.items]
        others = [*PEOPLE[1:]]
        while page.next is not None:
            met = [it.other for it in exported if isinstance(it, ConversationView)]
            # The one whose conversation is just being read, where they are still who they were.
            if met and met[-1] in others:
                others.remove(met[-1])
                world.olga.erase(met[-1])
            page = world.ann.export(limit=size, cursor=page.next)
            exported += page.items
        assert len(others) < len(PEOPLE) - 2
        assert [_what(it) for it in exported] == [_what(it) for it in whole]

    @pytest.mark.promise("GDPR-1", "BLOCK-3")
    def test_an_erasure_moves_nothing_out_of_a_list_of_blocks(self, world: World) -> None:
        for other in PEOPLE[1:]:
            world.ann.block(other)
        whole = [it.position for page in _blocks(world.ann, 1) for it in page.items]
        for fetch, leaving in ((world.ann.blocked, PEOPLE[1::2]), (world.ann.export, PEOPLE[2::2])):
            page = fetch(limit=1)
            found = [*page.items]
            while page.next is not None:
                if isinstance(found[-1], Block) and found[-1].blocked in leaving:
                    world.olga.erase(found[-1].blocked)
                page = fetch(limit=1, cursor=page.next)
                found += page.items
            assert [it.position for it in found if isinstance(it, Block)] == whole

    @pytest.mark.promise("GDPR-1", "MOD-1")
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_what_one_reported_is_in_it_as_one_said_it(
        self, make_world: MakeWorld, limit: int
    ) -> None:
        """And nothing that came of it, nor what others reported, least of all about oneself."""
        world = make_world(attrs.evolve(UNLIMITED, evidence="reporter_selected"))
        first = world.bob.start("ann", "one")
        here = first.conversation
        second = world.bob.send(here, "two")
        world.ann.block("cyd")
        chosen = [second.id, first.id]
        receipts = [world.ann.report("cyd", reason="spam")]
        world.tick()
        receipts += [world.ann.report(conversation=here, messages=chosen, reason="threat")]
        receipts += [world.ann.report("bob", conversation=here, reason="other")]
        world.bob.report("ann", reason="harassment")
        world.dm.mailbox("ann", tenant="north").report("bob", reason="spam")
        whole = export_of(world.ann, limit=limit)
        assert whole == export_of(world.ann)
        found = [it for it in whole if isinstance(it, OwnReport)]
        assert found == [
            OwnReport(
                id=it.id,
                reported=it.reported,
                conversation=it.conversation,
                messages=tuple(sorted(chosen)) if it.messages else (),
                reason=it.reason,
                made_at_us=it.made_at_us,
            )
            for it in sorted(receipts, key=lambda it: (it.made_at_us, it.id))
        ]
        assert found[0].made_at == receipts[0].made_at
        kinds = [type(it) for it in whole]
        assert kinds == [OwnAccount, Block, *[OwnReport] * 3, ConversationView, *[Message] * 2]
        desk = world.dm.moderation("mod")
        desk.bulk([it.id for it in receipts], "take")
        desk.bulk([it.id for it in receipts[:2]], "resolve", outcome="restricted")
        world.bob.delete(here, second.id)
        world.tick()
        assert [it for it in export_of(world.ann) if isinstance(it, OwnReport)] == found
        assert [it.reported for it in export_of(world.bob) if isinstance(it, OwnReport)] == ["ann"]
        gone = world.olga.erase("bob").pseudonym
        after = [it for it in export_of(world.ann, limit=limit) if isinstance(it, OwnReport)]
        assert [it.reported for it in after] == ["cyd", gone, gone]

    @pytest.mark.promise("GDPR-1", "MOD-5")
    def test_what_screening_reports_is_in_nobodys(self, world: World) -> None:
        world.screeners = (Censor(),)
        dm = world.open()
        dm.mailbox("ann").start("bob", "flag zebra")
        assert world.dm.moderation("mod").reports().items
        for box in (world.ann, world.bob):
            assert [it for it in export_of(box) if isinstance(it, OwnReport)] == []

    @pytest.mark.promise("GDPR-1", "MSG-5")
    def test_what_one_hid_or_cleared_is_not_in_it_and_what_was_taken_back_is_a_gap(
        self, world: World
    ) -> None:
        sent = [world.ann.start("bob", "0")]
        sent += [world.ann.send(sent[0].conversation, str(number)) for number in range(1, 5)]
        it = sent[0].conversation
        world.bob.hide(it, sent[1].id)
        world.ann.hide(it, sent[2].id)
        world.ann.delete(it, sent[3].id)
        assert said_in(export_of(world.ann)) == ["0", "1", None, "4"]
        assert said_in(export_of(world.bob)) == ["0", "2", None, "4"]
        world.bob.clear(it)
        assert said_in(export_of(world.bob)) == []
        assert partners_in(export_of(world.bob)) == ["ann"]
        assert said_in(export_of(world.ann)) == ["0", "1", None, "4"]

    @pytest.mark.promise("GDPR-1", "REQ-1")
    def test_a_request_is_in_it_also_when_it_was_declined(self, make_world: MakeWorld) -> None:
        world = make_world(asking())
        it = world.ann.start("bob", "please").conversation
        for request in (Request.PENDING, Request.DECLINED):
            _, view, *messages = export_of(world.bob)
            assert isinstance(view, ConversationView)
            assert view.request is request
            assert said_in(messages) == ["please"]
            world.bob.decline(it)

    @pytest.mark.promise("GDPR-1", "BLOCK-1")
    def test_while_one_blocks_nothing_of_the_other_is_in_it(self, world: World) -> None:
        it = world.ann.start("bob", "mine").conversation
        world.bob.send(it, "theirs")
        world.ann.block("bob")
        _, _, view, *messages = export_of(world.ann)
        assert isinstance(view, ConversationView)
        assert (view.you_block, view.newest, view.unread) == (True, None, 0)
        assert said_in(messages) == ["mine"]
        assert said_in(export_of(world.bob)) == ["mine", "theirs"]
        world.ann.unblock("bob")
        assert said_in(export_of(world.ann)) == ["mine", "theirs"]

    @pytest.mark.promise("GDPR-1", "BLOCK-2")
    def test_what_only_its_sender_has_is_in_no_other_export(self, make_world: MakeWorld) -> None:
        world = make_world(ABSORBING)
        it = world.ann.start("bob", "before").conversation
        edited = world.ann.send(it, "as it was")
        world.bob.block("ann")
        world.ann.send(it, "absorbed")
        world.ann.edit(it, edited.id, "as it is")
        world.cyd.block("ann")
        world.ann.start("cyd", "into the void")
        world.bob.unblock("ann")
        said = sorted(said_in(export_of(world.ann)), key=str)
        assert said == ["absorbed", "as it is", "before", "into the void"]
        assert said_in(export_of(world.bob)) == ["before", "as it was"]
        assert partners_in(export_of(world.cyd)) == []

    @pytest.mark.promise("GDPR-1", "OPS-1")
    @pytest.mark.parametrize("mode", Mode)
    def test_it_works_in_every_mode(self, world: World, mode: Mode) -> None:
        crowd(world)
        whole = export_of(world.ann)
        world.olga.set_mode(mode)
        with world.unchanged():
            assert export_of(world.ann, limit=3) == whole
        if mode is Mode.OFF:
            with pytest.raises(MessagingUnavailable):
                world.ann.inbox()

    @pytest.mark.promise("GDPR-1")
    def test_what_comes_meanwhile_doubles_nothing_and_loses_nothing(self, world: World) -> None:
        crowd(world)
        world.ann.set_preferences(Preferences(typing=False))
        whole = export_of(world.ann)
        had = [it for it in whole if isinstance(it, ConversationView)]
        first = next(it.other for it in had if not it.you_block)
        page = world.ann.export(limit=1)
        pages = [page]
        while page.next is not None:
            if len(pages) <= len(PEOPLE):
                # In the conversation that comes first, and in one that nobody had.
                world.dm.mailbox(first).start("ann", f"late {len(pages)}")
                world.dm.mailbox(f"Late {len(pages)}").start("ann", "late")
            page = world.ann.export(limit=1, cursor=page.next)
            pages.append(page)
            assert len(pages) <= len(whole) * 3
        exported = [thing for page in pages for thing in page.items]
        ids = Counter(it.id for it in exported if isinstance(it, Message))
        assert max(ids.values()) == 1
        assert {it.id for it in whole if isinstance(it, Message)} <= ids.keys()
        kept = [it for it in whole if not isinstance(it, Message | ConversationView)]
        assert [it for it in exported if not isinstance(it, Message | ConversationView)] == kept
        partners = partners_in(exported)
        assert len(set(partners)) == len(partners)
        assert set(partners_in(whole)) <= set(partners)

    @pytest.mark.promise("GDPR-1")
    def test_blocks_made_and_lifted_meanwhile_are_not_doubled(self, world: World) -> None:
        for other in ("bob", "cyd", "dan"):
            world.ann.block(other)
        first = world.ann.export(limit=2)
        world.ann.unblock("dan")
        world.ann.block("dan")
        world.ann.unblock("bob")
        rest = world.ann.export(cursor=first.next)
        assert [getattr(it, "blocked", None) for it in first.items] == [None, "dan"]
        assert [getattr(it, "blocked", None) for it in rest.items] == ["cyd"]

    @pytest.mark.promise("GDPR-1", "PAGE-1")
    def test_a_cursor_of_another_list_or_user_or_none_at_all_is_refused(self, world: World) -> None:
        crowd(world)
        others: list[Callable[[], str | None]] = [
            lambda: world.ann.inbox(limit=1).next,
            lambda: world.ann.blocked(limit=1).next,
            lambda: world.bob.export(limit=1).next,
            lambda: world.dm.mailbox("ann", tenant="north").changes().next,
            lambda: "",
            lambda: "AAAA",
            lambda: "no cursor",
        ]
        cursors = [cursor() for cursor in others]
        for place in walked(lambda cursor: world.ann.export(limit=4, cursor=cursor))[:-1]:
            assert place.next is not None
            cursors += [place.next[:-1], f"{place.next}A", place.next[1:]]
        for cursor in cursors:
            with world.unchanged(), pytest.raises(InvalidCursor):
                world.ann.export(cursor=cursor or "?")
        for size in (0, 101):
            with pytest.raises(InvalidPageSize):
                world.ann.export(limit=size)

    @pytest.mark.promise("GDPR-1", "CONV-1")
    def test_a_forged_place_in_a_conversation_of_others_is_no_place(self, world: World) -> None:
        """A cursor is no secret, so somebody may make one up: it opens nothing."""
        world.ann.start("bob", "mine")
        theirs = world.cyd.start("dan", "secret")
        cursor = world.ann.export(limit=2).next
        assert cursor is not None
        mark = base64.urlsafe_b64decode(cursor + "==")[:8]
        for conversation in (theirs.conversation, NOWHERE):
            place = mark + conversation.bytes + bytes(16)
            forged = base64.urlsafe_b64encode(place).decode().rstrip("=")
            with pytest.raises(InvalidCursor):
                world.ann.export(cursor=forged)

    @pytest.mark.promise("GDPR-1", "TEN-1")
    def test_another_tenants_people_are_others(self, world: World) -> None:
        world.ann.start("bob", "here")
        away = world.dm.mailbox("ann", tenant="north")
        away.start("bob", "there")
        away.block("cyd")
        assert said_in(export_of(world.ann)) == ["here"]
        assert said_in(export_of(away)) == ["there"]
        assert len(export_of(world.ann)) == len(export_of(away)) - 1
        assert Body("there") not in [getattr(it, "body", None) for it in export_of(world.bob)]
