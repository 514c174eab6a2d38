"""Clocks: the machine's, and one that is set by hand."""

import threading
import time

from dmcore.adapters.clock import ManualClock, SystemClock


def test_the_machines_clock_tells_microseconds_since_the_epoch() -> None:
    before = time.time_ns() // 1000
    now_us = SystemClock().now_us()
    assert before <= now_us <= time.time_ns() // 1000


def test_a_clock_set_by_hand_stands_still() -> None:
    clock = ManualClock(5)
    assert [clock.now_us(), clock.now_us()] == [5, 5]
    assert ManualClock().now_us() == 0


def test_a_clock_set_by_hand_moves_in_both_directions() -> None:
    clock = ManualClock(5)
    clock.set_us(1_000_000)
    clock.advance(seconds=1.5, us=3)
    assert clock.now_us() == 2_500_003
    clock.advance(seconds=-2)
    assert clock.now_us() == 500_003
    clock.set_us(-7)
    assert clock.now_us() == -7


def test_no_step_is_lost_between_threads() -> None:
    clock = ManualClock()

    def walk() -> None:
        for _ in range(1_000):
            clock.advance(us=1)

    walkers = [threading.Thread(target=walk) for _ in range(4)]
    for walker in walkers:
        walker.start()
    for walker in walkers:
        walker.join()
    assert clock.now_us() == 4_000
