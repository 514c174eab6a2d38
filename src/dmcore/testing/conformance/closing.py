"""A handle that was closed, and a clock that shows no instant."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from dmcore import DirectMessages
from dmcore.errors import InvalidSetting, StoreUnavailable
from dmcore.testing.world import World

ACTS: Final[dict[str, Callable[[DirectMessages], object]]] = {
    "read": lambda dm: dm.mailbox("ann").inbox(),
    "snapshot": lambda dm: dm.operations("olga").verify(),
    "write": lambda dm: dm.mailbox("ann").start("bob", "x"),
}


class TestClosing:
    """A handle that was closed, and a clock that shows no instant."""

    @pytest.mark.parametrize("act", ACTS)
    def test_a_closed_handle_stays_closed(self, world: World, act: str) -> None:
        """It opens no connection that nobody would release again."""
        dm = world.open()
        dm.mailbox("ann").start("bob", "hello")
        dm.close()
        dm.close()
        with world.unchanged(), pytest.raises(StoreUnavailable) as caught:
            ACTS[act](dm)
        assert caught.value.details == {"reason": "it was closed"}
        assert world.bob.unread() == 1

    @pytest.mark.promise("LIMIT-2", "MSG-2")
    @pytest.mark.parametrize(
        "reading",
        [253_402_300_800_000_000, -62_135_596_800_000_001, 1 << 70, 1.5, "noon", None, True],
    )
    def test_a_clock_that_shows_no_instant_is_refused_before_anything_is_stored(
        self, world: World, reading: Any
    ) -> None:
        """Years 1 to 9999, so that every stored instant can be shown as a date."""
        first = world.ann.start("bob", "hello")
        world.clock.set_us(reading)
        acts: tuple[Callable[[], object], ...] = (
            lambda: world.ann.start("bob", "x"),
            lambda: world.bob.send(first.conversation, "x"),
            lambda: world.bob.mark_read(first.conversation, through=first.id),
            lambda: world.ann.block("bob"),
            lambda: world.olga.set_mode("off"),
        )
        for act in acts:
            with world.unchanged(), pytest.raises(InvalidSetting) as caught:
                act()
            assert caught.value.details["setting"] == "clock"

    @pytest.mark.promise("MSG-2")
    @pytest.mark.parametrize("reading", [253_402_300_799_999_999, -62_135_596_800_000_000])
    def test_the_first_and_the_last_instant_can_be_stored(self, world: World, reading: int) -> None:
        world.clock.set_us(reading)
        message = world.ann.start("bob", "hello")
        assert message.sent_at.year in (1, 9999)
        assert world.bob.thread(message.conversation).items == (message,)
        assert world.is_sound()
