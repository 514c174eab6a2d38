"""The two places where handlers run."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Self

import pytest

from dmcore.adapters import memory
from dmcore.adapters.web._worlds import BlockingWorld, LoopWorld, Poured, finished
from dmcore.errors import InvalidSetting


async def _sum(*numbers: int) -> int:
    return sum(numbers)


def _product(first: int, second: int) -> int:
    return first * second


def test_what_never_suspends_is_finished_at_once() -> None:
    async def work() -> int:
        return await _sum(1, 2) + await _sum(3)

    assert finished(work()) == 6


def test_what_raises_raises() -> None:
    async def work() -> int:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        finished(work())


def test_what_suspends_is_undone_and_said() -> None:
    is_undone = False

    async def work() -> None:
        nonlocal is_undone
        try:
            await asyncio.sleep(0)
        finally:
            is_undone = True

    with pytest.raises(RuntimeError, match="suspend"):
        finished(work())
    assert is_undone


class Pieces:
    """Two pieces, and whether it was closed."""

    def __init__(self) -> None:
        self._left = [b"1", b"2"]
        self.is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)

    async def aclose(self) -> None:
        self.is_closed = True


def test_a_stream_is_poured_to_its_end() -> None:
    assert list(Poured(Pieces())) == [b"1", b"2"]


def test_a_stream_is_closed_also_before_it_was_begun() -> None:
    pieces = Pieces()
    Poured(pieces).close()
    assert pieces.is_closed


def test_a_blocking_framework_needs_blocking_messaging() -> None:
    async def opened() -> None:
        async with await memory.open_async() as dm:
            with pytest.raises(InvalidSetting) as caught:
                BlockingWorld(dm)  # type: ignore[arg-type]
            assert caught.value.details["setting"] == "dm"

    asyncio.run(opened())


def test_blocking_messaging_is_asked_straight_through() -> None:
    with memory.open_sync() as dm:
        dm.operations("olga").set_mode("on")
        world = BlockingWorld(dm)
        sent = finished(world.dm.mailbox("ann").start("bob", "Hello"))
        assert dm.mailbox("bob").inbox().items[0].newest == sent.id
        assert finished(world.ask(_product, 3, 4)) == 12
        assert finished(world.block(_product, 3, second=5)) == 15


def test_work_beside_everything_else_is_done_in_a_thread() -> None:
    done = threading.Event()

    async def work() -> None:
        done.set()

    with memory.open_sync() as dm:
        BlockingWorld(dm).begin(work())
        assert done.wait(10)


def test_a_ring_before_the_wait_counts_once() -> None:
    with memory.open_sync() as dm:
        bell = BlockingWorld(dm).bell()
        bell.ring()
        bell.ring()
        assert finished(bell.wait(10))
        assert not finished(bell.wait(0))


def test_a_loop_asks_whatever_the_host_has() -> None:
    async def work() -> None:
        here = threading.get_ident()
        async with await memory.open_async() as dm:
            world = LoopWorld(dm)
            assert world.dm is dm
            summed: Callable[[int, int], int | Awaitable[int]] = _sum
            later: Callable[[], int | Awaitable[int]] = lambda: _sum(5)  # noqa: E731
            assert await world.ask(summed, 1, 2) == 3
            assert await world.ask(_product, 3, 4) == 12
            assert await world.ask(later) == 5
            assert await world.ask(threading.get_ident) != here
            assert await world.block(threading.get_ident) != here

    asyncio.run(work())


def test_blocking_messaging_does_not_hold_up_a_loop() -> None:
    async def work() -> None:
        with memory.open_sync() as dm:
            dm.operations("olga").set_mode("on")
            awaited = LoopWorld(dm).dm
            sent = await awaited.mailbox("ann").start("bob", "Hello")
            assert (await awaited.mailbox("bob").inbox()).items[0].newest == sent.id

    asyncio.run(work())


def test_a_bell_of_a_loop_rings_from_any_thread() -> None:
    async def work() -> None:
        async with await memory.open_async() as dm:
            world = LoopWorld(dm)
            bell = world.bell()
            threading.Thread(target=bell.ring).start()
            assert await bell.wait(10)
            assert not await bell.wait(0)
            woken = []

            async def wait() -> None:
                woken.append(await bell.wait(10))
                done.ring()

            done = world.bell()
            world.begin(wait())
            bell.ring()
            assert await done.wait(10)
            assert woken == [True]

    asyncio.run(work())
