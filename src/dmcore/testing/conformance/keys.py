"""A retry with the same key is the same message; another text under it is a conflict."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dmcore import Policy, RateLimit
from dmcore.errors import InvalidKey, KeyConflict, LimitReached, RecipientUnavailable
from dmcore.testing.world import ABSORBING, MakeWorld, World, text_of, texts, thread_of

TIGHT = Policy(messages=RateLimit(2, timedelta(minutes=1)), starts=RateLimit(1, timedelta(days=1)))


class TestKeys:
    """A retry with the same key is the same message; another text under it is a conflict."""

    @pytest.mark.promise("MSG-3", "MSG-4")
    def test_a_retry_returns_the_first_acknowledgement(self, world: World) -> None:
        first = world.ann.start("bob", "hello", key="k")
        world.tick(seconds=3600)
        with world.unchanged():
            assert world.ann.start("bob", "hello", key="k") == first
            assert world.ann.send(first.conversation, "hello", key="k") == first
            assert world.open().mailbox("ann").send(first.conversation, "hello", key="k") == first
        assert texts(thread_of(world.bob, first.conversation)) == ["hello"]

    @pytest.mark.promise("MSG-3")
    def test_a_retry_is_found_behind_any_number_of_messages(self, world: World) -> None:
        first = world.ann.start("bob", "hello", key="k")
        for number in range(30):
            world.ann.send(first.conversation, str(number), key=str(number))
            world.bob.send(first.conversation, "hello", key=f"k{number}")
        assert world.ann.send(first.conversation, "hello", key="k") == first

    @pytest.mark.promise("MSG-3")
    def test_the_same_key_with_another_text_stores_nothing(self, world: World) -> None:
        first = world.ann.start("bob", "hello", key="k")
        writes: tuple[tuple[Callable[..., object], str], ...] = (
            (world.ann.start, "bob"),
            (world.ann.send, str(first.conversation)),
        )
        with world.unchanged():
            for text in ("Hello", "hello ", "hello\u200b", "goodbye"):
                for write, target in writes:
                    with pytest.raises(KeyConflict) as caught:
                        write(target, text, key="k")
                    assert "hello" not in f"{caught.value!r} {caught.value.details}"

    @pytest.mark.promise("MSG-3")
    def test_composed_and_decomposed_are_two_texts(self, world: World) -> None:
        world.ann.start("bob", "\u00e9", key="k")
        with pytest.raises(KeyConflict):
            world.ann.start("bob", "e\u0301", key="k")

    @pytest.mark.promise("MSG-3")
    def test_a_retry_is_answered_before_the_limits(self, make_world: MakeWorld) -> None:
        world = make_world(TIGHT)
        first = world.ann.start("bob", "1", key="k1")
        second = world.ann.send(first.conversation, "2", key="k2")
        with world.unchanged():
            with pytest.raises(LimitReached):
                world.ann.send(first.conversation, "3", key="k3")
            assert world.ann.start("bob", "1", key="k1") == first
            assert world.ann.send(first.conversation, "2", key="k2") == second
            with pytest.raises(KeyConflict):
                world.ann.send(first.conversation, "3", key="k2")

    @pytest.mark.promise("MSG-3", "LIMIT-1")
    def test_a_retry_costs_no_limit(self, make_world: MakeWorld) -> None:
        world = make_world(TIGHT)
        first = world.ann.start("bob", "1", key="k1")
        for _ in range(5):
            world.ann.start("bob", "1", key="k1")
            with pytest.raises(KeyConflict):
                world.ann.start("bob", "other", key="k1")
        world.ann.send(first.conversation, "2")
        with pytest.raises(LimitReached):
            world.ann.send(first.conversation, "3")

    @pytest.mark.promise("MSG-3", "BLOCK-2")
    def test_a_retry_is_answered_before_blocks_of_either(self, world: World) -> None:
        first = world.bob.start("ann", "hello", key="k")
        world.ann.block("bob")
        world.bob.block("ann")
        with world.unchanged():
            assert world.bob.start("ann", "hello", key="k") == first
            assert world.bob.send(first.conversation, "hello", key="k") == first
            with pytest.raises(KeyConflict):
                world.bob.start("ann", "other", key="k")

    @pytest.mark.promise("MSG-3", "OPS-1")
    @pytest.mark.parametrize("mode", ["off", "read_only", "replies_only"])
    def test_a_retry_is_answered_before_the_switch(self, world: World, mode: str) -> None:
        first = world.ann.start("bob", "hello", key="k")
        world.olga.set_mode(mode)
        with world.unchanged():
            assert world.ann.start("bob", "hello", key="k") == first
            assert world.ann.send(first.conversation, "hello", key="k") == first
            with pytest.raises(KeyConflict):
                world.ann.start("bob", "other", key="k")

    @pytest.mark.promise("MSG-3")
    def test_a_key_belongs_to_its_sender(self, world: World) -> None:
        hers = world.ann.start("bob", "hello", key="k")
        his = world.bob.send(hers.conversation, "hello", key="k")
        also_his = world.bob.send(hers.conversation, "other", key="l")
        also_hers = world.ann.send(hers.conversation, "another", key="l")
        assert len({hers.id, his.id, also_his.id, also_hers.id}) == 4
        assert [it.sender for it in (hers, his)] == ["ann", "bob"]

    @pytest.mark.promise("MSG-3")
    def test_a_key_belongs_to_its_conversation(self, world: World) -> None:
        with_bob = world.ann.start("bob", "hello", key="k")
        with_cyd = world.ann.start("cyd", "hello", key="k")
        north = world.dm.mailbox("ann", tenant="north").start("bob", "hello", key="k")
        assert len({it.conversation for it in (with_bob, with_cyd, north)}) == 3
        assert len({it.id for it in (with_bob, with_cyd, north)}) == 3

    @pytest.mark.promise("MSG-3")
    def test_the_same_text_without_a_key_is_another_message(self, world: World) -> None:
        first = world.ann.start("bob", "hello", key="k")
        assert world.ann.start("bob", "hello").id > first.id
        assert world.ann.start("bob", "hello").id > first.id
        assert len(thread_of(world.bob, first.conversation)) == 3

    @pytest.mark.promise("MSG-3")
    def test_the_key_of_a_refused_attempt_is_still_free(self, make_world: MakeWorld) -> None:
        world = make_world(TIGHT)
        world.bob.block("cyd")
        with pytest.raises(RecipientUnavailable):
            world.cyd.start("bob", "first try", key="k")
        world.ann.start("bob", "1")
        world.ann.start("bob", "2")
        with pytest.raises(LimitReached):
            world.ann.start("bob", "first try", key="k")
        world.tick(seconds=60)
        assert text_of(world.ann.start("bob", "second try", key="k")) == "second try"

    @pytest.mark.promise("MSG-3", "BLOCK-2")
    def test_an_absorbed_message_answers_its_retry_like_any_other(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(ABSORBING)
        world.ann.block("bob")
        first = world.bob.start("ann", "hello", key="k")
        world.ann.unblock("bob")
        with world.unchanged():
            assert world.bob.start("ann", "hello", key="k") == first
            with pytest.raises(KeyConflict):
                world.bob.send(first.conversation, "again", key="k")
        assert world.ann.inbox().items == ()

    @pytest.mark.promise("MSG-3")
    def test_keys_are_compared_by_code_point(self, world: World) -> None:
        sent = {
            world.ann.start("bob", "hello", key=key).id
            for key in ("k", "K", "k ", "\u00e9", "e\u0301", "k" * 255)
        }
        assert len(sent) == 6

    @pytest.mark.promise("MSG-3")
    @pytest.mark.parametrize("key", ["", "x" * 256, "a\0", "a\n", "\ud800", 7, b"k"], ids=ascii)
    def test_what_is_no_key_is_refused(self, world: World, key: object) -> None:
        sent = world.ann.start("bob", "hello")
        with world.unchanged():
            with pytest.raises(InvalidKey):
                world.ann.start("bob", "hello", key=key)  # type: ignore[arg-type]
            with pytest.raises(InvalidKey):
                world.ann.send(sent.conversation, "hello", key=key)  # type: ignore[arg-type]

    @pytest.mark.promise("MSG-3", "MSG-4")
    def test_many_at_once_with_one_key_are_one_message(self, world: World) -> None:
        world.ann.start("bob", "first")
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: world.ann.start("bob", "hello", key="k"), range(16)))
        assert len(set(made)) == 1
        assert texts(thread_of(world.bob, made[0].conversation)) == ["first", "hello"]
        assert world.is_sound()

    @pytest.mark.promise("MSG-3", "PAIR-2")
    def test_many_first_messages_at_once_with_one_key_are_one_message(self, world: World) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: world.ann.start("bob", "hello", key="k"), range(16)))
        assert len(set(made)) == 1
        assert world.olga.status().messages == 1
        assert world.is_sound()
