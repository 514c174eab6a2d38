"""Entropy: the operating system's, and one that can be repeated."""

import threading

from dmcore.adapters.ids import SeededEntropy, SystemEntropy

BITS = 62


def test_the_operating_system_gives_62_bits() -> None:
    """All of them are used: over 200 draws each is seen set and unset."""
    draws = [SystemEntropy().draw() for _ in range(200)]
    assert len(set(draws)) == 200
    for bit in range(BITS):
        assert {draw >> bit & 1 for draw in draws} == {0, 1}
    assert max(draws) < 1 << BITS


def test_the_same_seed_gives_the_same_bits() -> None:
    one, other = SeededEntropy("seed"), SeededEntropy("seed")
    drawn = [one.draw() for _ in range(20)]
    assert drawn == [other.draw() for _ in range(20)]
    assert len(set(drawn)) == 20
    assert all(0 <= draw < 1 << BITS for draw in drawn)
    assert SeededEntropy("another").draw() != drawn[0]
    assert SeededEntropy(7).draw() == SeededEntropy(7).draw()


def test_threads_share_one_sequence() -> None:
    entropy = SeededEntropy(7)
    drawn: list[int] = []

    def draw() -> None:
        drawn.extend([entropy.draw() for _ in range(500)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = SeededEntropy(7)
    assert sorted(drawn) == sorted(alone.draw() for _ in range(2_000))
