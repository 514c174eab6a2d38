"""The two limits, exact to the microsecond, and free of charge when they refuse."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dmcore import Message, Policy, RateLimit
from dmcore.errors import (
    AccessDenied,
    DmcoreError,
    LimitReached,
    MessagingUnavailable,
    RecipientUnavailable,
    YouBlockedThem,
)
from dmcore.testing.world import (
    DAY_US,
    MINUTE_US,
    SECOND_US,
    MakeWorld,
    World,
    text_of,
    thread_of,
)

DEFAULT = Policy()
MICROSECOND = timedelta(microseconds=1)


def refusal(attempt: Callable[[], object]) -> LimitReached:
    with pytest.raises(LimitReached) as caught:
        attempt()
    return caught.value


def us(span: timedelta) -> int:
    return span // MICROSECOND


def spend(world: World, count: int, *, apart_us: int = 0) -> Message:
    """Ann sends that many messages to Bob, the first of which begins the conversation."""
    first = world.ann.start("bob", "0")
    for number in range(1, count):
        world.tick(seconds=0, us=apart_us)
        world.ann.send(first.conversation, str(number))
    return first


class TestLimits:
    """The two limits, exact to the microsecond, and free of charge when they refuse."""

    @pytest.fixture
    def limited(self, make_world: MakeWorld) -> World:
        return make_world(DEFAULT)

    @pytest.mark.promise("LIMIT-1")
    def test_twenty_messages_in_sixty_seconds_and_no_more(self, limited: World) -> None:
        first = spend(limited, 20)
        with limited.unchanged():
            error = refusal(lambda: limited.ann.send(first.conversation, "one too many"))
        assert error.limit == "messages"
        assert error.retry_after == timedelta(seconds=60)
        assert error.details == {"limit": "messages", "retry_after_s": 60.0}
        assert error.http_status == 429

    @pytest.mark.promise("LIMIT-1")
    def test_the_window_rolls_to_the_microsecond(self, limited: World) -> None:
        """Each message that leaves the window makes room for one, at its instant plus
        60 seconds.
        """
        began_us = limited.clock.now_us()
        first = spend(limited, 20, apart_us=1_234_567)
        sent_us = [began_us + number * 1_234_567 for number in range(20)]

        def attempt() -> Message:
            return limited.ann.send(first.conversation, "more")

        for earlier_us in sent_us:
            free_us = earlier_us + MINUTE_US
            with limited.unchanged():
                announced = refusal(attempt).retry_after
                assert limited.clock.now_us() + us(announced) == free_us
                limited.clock.set_us(free_us - 1)
                assert refusal(attempt).retry_after == MICROSECOND
            limited.clock.set_us(free_us)
            attempt()
        assert us(refusal(attempt).retry_after) == MINUTE_US - (sent_us[-1] - sent_us[0])

    @pytest.mark.promise("LIMIT-1")
    def test_five_starts_in_a_day_and_no_more(self, limited: World) -> None:
        began_us = limited.clock.now_us()
        for number in range(5):
            limited.ann.start(f"user {number}", "hello")
            limited.tick(seconds=3600)

        def attempt(name: str = "one too many") -> Message:
            return limited.ann.start(name, "hello")

        with limited.unchanged():
            error = refusal(attempt)
            assert error.limit == "starts"
            assert limited.clock.now_us() + us(error.retry_after) == began_us + DAY_US
            limited.clock.set_us(began_us + DAY_US - 1)
            assert refusal(attempt).retry_after == MICROSECOND
        limited.clock.set_us(began_us + DAY_US)
        attempt()
        assert us(refusal(lambda: attempt("yet another")).retry_after) == 3600 * SECOND_US

    @pytest.mark.promise("LIMIT-1")
    def test_refused_attempts_cost_nothing(self, limited: World) -> None:
        """However often one tries, the window opens when it would have opened."""
        first = spend(limited, 20)
        with limited.unchanged():
            for _ in range(30):
                limited.tick(seconds=1)
                refusal(lambda: limited.ann.send(first.conversation, "again"))
                refusal(lambda: limited.ann.start("cyd", "again"))
        limited.tick(seconds=30)
        for number in range(20):
            limited.ann.send(first.conversation, str(number))
        refusal(lambda: limited.ann.send(first.conversation, "one too many"))

    @pytest.mark.promise("LIMIT-1")
    @pytest.mark.parametrize(
        "cause",
        [MessagingUnavailable, YouBlockedThem, RecipientUnavailable],
        ids=lambda it: it.code,
    )
    def test_what_is_refused_for_another_cause_counts_nowhere(
        self, limited: World, cause: type[DmcoreError]
    ) -> None:
        if cause is MessagingUnavailable:
            limited.olga.set_mode("read_only")
        limited.eve.block("ann")
        limited.ann.block("dan")
        other = "dan" if cause is YouBlockedThem else "eve"
        for _ in range(30):
            with pytest.raises(cause):
                limited.ann.start(other, "hello")
        limited.olga.set_mode("on")
        spend(limited, 20)
        for number in range(4):
            limited.tick(seconds=60)
            limited.ann.start(f"user {number}", "hello")

    @pytest.mark.promise("LIMIT-1")
    def test_a_refusal_of_the_limits_comes_after_every_other(self, limited: World) -> None:
        """A block must not look like a limit that passes, and a limit must not hide a block."""
        spend(limited, 20)
        limited.eve.block("ann")
        limited.ann.block("dan")
        with pytest.raises(RecipientUnavailable):
            limited.ann.start("eve", "hello")
        with pytest.raises(YouBlockedThem):
            limited.ann.start("dan", "hello")
        limited.olga.set_mode("replies_only")
        with pytest.raises(MessagingUnavailable):
            limited.ann.start("cyd", "hello")

    @pytest.mark.promise("LIMIT-1")
    def test_replies_never_count_as_starts(self, limited: World) -> None:
        for number in range(10):
            name = f"user {number}"
            limited.dm.mailbox(name).start("ann", "hello")
            limited.ann.start(name, "hello back")
        for number in range(5):
            limited.ann.start(f"stranger {number}", "hello")
        assert refusal(lambda: limited.ann.start("stranger 5", "hello")).limit == "starts"
        limited.ann.start("user 3", "still here")

    @pytest.mark.promise("LIMIT-1")
    def test_a_start_in_an_existing_conversation_is_no_start(self, limited: World) -> None:
        for number in range(15):
            limited.ann.start("bob", str(number))
        for number in range(4):
            limited.ann.start(f"user {number}", "hello")
        assert refusal(lambda: limited.ann.start("user 4", "hello")).limit == "starts"

    @pytest.mark.promise("LIMIT-1")
    def test_a_start_counts_as_a_message_too(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(messages=RateLimit(3, timedelta(minutes=1)), starts=None))
        for number in range(3):
            world.ann.start(f"user {number}", "hello")
        assert refusal(lambda: world.ann.start("user 3", "hello")).limit == "messages"

    @pytest.mark.promise("LIMIT-1")
    def test_receiving_counts_nowhere(self, limited: World) -> None:
        for name in ("bob", "cyd"):
            limited.dm.mailbox(name).start("ann", "hello")
            for number in range(19):
                limited.dm.mailbox(name).start("ann", str(number))
        spend(limited, 20)

    @pytest.mark.promise("LIMIT-1")
    def test_everybody_has_their_own_limits(self, limited: World) -> None:
        first = spend(limited, 20)
        for number in range(20):
            limited.bob.send(first.conversation, str(number))
        north = limited.dm.mailbox("ann", tenant="north")
        for number in range(20):
            north.start("bob", str(number))
        refusal(lambda: limited.ann.send(first.conversation, "one too many"))

    @pytest.mark.promise("LIMIT-1")
    def test_every_process_counts_on_the_same_window(self, limited: World) -> None:
        first = spend(limited, 10)
        elsewhere = limited.open(DEFAULT).mailbox("ann")
        for number in range(10):
            elsewhere.send(first.conversation, str(number))
        for box in (elsewhere, limited.ann):
            refusal(lambda box=box: box.send(first.conversation, "one too many"))  # type: ignore[misc]

    @pytest.mark.promise("LIMIT-1")
    def test_where_both_refuse_the_start_limit_is_named(self, limited: World) -> None:
        for number in range(5):
            limited.ann.start(f"user {number}", "hello")
        for number in range(15):
            limited.ann.start("user 0", str(number))
        with limited.unchanged():
            assert refusal(lambda: limited.ann.start("user 0", "again")).limit == "messages"
            error = refusal(lambda: limited.ann.start("user 5", "hello"))
        assert error.limit == "starts"
        assert error.retry_after == timedelta(days=1)

    @pytest.mark.promise("LIMIT-1")
    @pytest.mark.parametrize("starts_s", [30, 60, 90])
    def test_the_wait_announced_satisfies_both_limits(
        self, make_world: MakeWorld, starts_s: int
    ) -> None:
        """Also where the limit named is not the one that waits longest."""
        world = make_world(
            Policy(
                messages=RateLimit(2, timedelta(seconds=60)),
                starts=RateLimit(1, timedelta(seconds=starts_s)),
            )
        )
        world.ann.start("bob", "one")
        world.tick(seconds=7)
        world.ann.start("bob", "two")
        began_us = world.clock.now_us() - 7 * SECOND_US
        error = refusal(lambda: world.ann.start("cyd", "hello"))
        assert error.limit == "starts"
        free_us = began_us + max(60, starts_s) * SECOND_US
        assert world.clock.now_us() + us(error.retry_after) == free_us
        world.clock.set_us(free_us - 1)
        last = refusal(lambda: world.ann.start("cyd", "hello"))
        assert last.retry_after == MICROSECOND
        assert last.limit == ("starts" if starts_s >= 60 else "messages")
        world.clock.set_us(free_us)
        world.ann.start("cyd", "hello")

    @pytest.mark.promise("LIMIT-1")
    def test_a_start_that_only_the_message_limit_refuses_names_that(self, limited: World) -> None:
        spend(limited, 20)
        error = refusal(lambda: limited.ann.start("cyd", "hello"))
        assert error.limit == "messages"
        assert error.retry_after == timedelta(seconds=60)
        limited.tick(seconds=60)
        limited.ann.start("cyd", "hello")

    @pytest.mark.promise("LIMIT-1")
    def test_limits_can_be_off(self, make_world: MakeWorld) -> None:
        no_starts = make_world(Policy(starts=None))
        for number in range(20):
            no_starts.ann.start(f"user {number}", "hello")
        assert refusal(lambda: no_starts.ann.start("bob", "hello")).limit == "messages"

        free = no_starts.open().mailbox("ann")
        for number in range(30):
            free.start(f"user {number}", "hello")

        no_messages = no_starts.open(Policy(messages=None)).mailbox("bob")
        for number in range(30):
            no_messages.start("ann", str(number))
        for number in range(4):
            no_messages.start(f"user {number}", "hello")
        assert refusal(lambda: no_messages.start("user 4", "hello")).limit == "starts"

    @pytest.mark.promise("LIMIT-1", "BLOCK-2")
    def test_an_absorbed_message_counts_for_its_sender(self, make_world: MakeWorld) -> None:
        """As to someone who never answers."""
        world = make_world(Policy(blocked="absorb"))
        for number in range(5):
            world.dm.mailbox(f"user {number}").block("ann")
            world.ann.start(f"user {number}", "hello")
        assert refusal(lambda: world.ann.start("bob", "hello")).limit == "starts"
        for number in range(15):
            world.ann.start("user 0", str(number))
        assert refusal(lambda: world.ann.start("user 0", "hello")).limit == "messages"

    @pytest.mark.promise("LIMIT-1")
    def test_nobody_gets_more_at_once_than_one_after_the_other(self, limited: World) -> None:
        """Neither over nor under: of 40 attempts at once exactly 20 are accepted."""
        limited.ann.start("bob", "hello")
        limited.tick(seconds=60)

        def attempt(number: int) -> bool:
            try:
                limited.ann.start("bob", str(number))
            except LimitReached:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(40))) == 20
        conversation = limited.ann.inbox().items[0].conversation
        assert len(thread_of(limited.bob, conversation)) == 21
        assert limited.is_sound()

    @pytest.mark.promise("MSG-5", "LIMIT-1")
    def test_changes_have_a_limit_of_their_own_and_take_no_message_from_anybody(
        self, make_world: MakeWorld
    ) -> None:
        """Each is told to the other. The same text is none, nor is one that is refused."""
        world = make_world(Policy(edits=RateLimit(3, timedelta(seconds=60))))
        sent = world.ann.start("bob", "0")
        here = sent.conversation

        def change(text: str) -> Message:
            return world.ann.edit(here, sent.id, text)

        for number in range(1, 4):
            change(str(number))
            change(str(number))
            world.tick()
        with world.unchanged():
            error = refusal(lambda: change("one too many"))
            assert (error.limit, error.retry_after) == ("edits", timedelta(seconds=57))
            with pytest.raises(AccessDenied):
                world.bob.edit(here, sent.id, "not theirs")
        assert len([it for it in world.journal("bob") if it.fact.actor == "ann"]) == 4
        # Messages go on to the last that is allowed, and taking back is nobody's limit.
        more = [world.ann.send(here, str(number)) for number in range(19)]
        assert refusal(lambda: world.ann.send(here, "one too many")).limit == "messages"
        for message in more:
            world.ann.delete(here, message.id)
        world.bob.edit(here, world.bob.send(here, "a").id, "b")
        world.tick(seconds=0, us=57 * SECOND_US - 1)
        assert refusal(lambda: change("too early")).retry_after == MICROSECOND
        world.tick(seconds=0, us=1)
        assert text_of(change("on time")) == "on time"
        assert world.is_sound()

    @pytest.mark.promise("BLOCK-2", "MOD-4")
    @pytest.mark.parametrize("is_banned", [True, False], ids=["banned", "absorbed"])
    def test_a_change_that_reaches_nobody_counts_as_any_other(
        self, make_world: MakeWorld, is_banned: bool
    ) -> None:
        world = make_world(Policy(blocked="absorb", edits=RateLimit(2, timedelta(seconds=60))))
        sent = world.ann.start("bob", "0")
        if is_banned:
            world.dm.moderation("mod").restrict("ann", "shadow_ban", reason="spam")
        else:
            world.bob.block("ann")
        for number in range(2):
            world.ann.edit(sent.conversation, sent.id, f"hidden {number}")
        error = refusal(lambda: world.ann.edit(sent.conversation, sent.id, "one too many"))
        assert error.limit == "edits"
        world.bob.unblock("ann")
        assert text_of(thread_of(world.bob, sent.conversation)[0]) == "0"

    @pytest.mark.promise("LIMIT-1")
    def test_nobody_changes_more_at_once_than_one_after_the_other(
        self, make_world: MakeWorld
    ) -> None:
        world = make_world(Policy(edits=RateLimit(5, timedelta(seconds=60))))
        sent = world.ann.start("bob", "0")

        def attempt(number: int) -> bool:
            try:
                world.ann.edit(sent.conversation, sent.id, f"at once {number}")
            except LimitReached:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(16))) == 5
        assert len(world.journal("bob")) == 6
        assert world.is_sound()
