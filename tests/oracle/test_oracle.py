"""The oracle itself, on histories short enough to be checked by eye."""

from uuid import UUID

from tests.oracle.oracle import (
    ON,
    REPLIES_ONLY,
    Accepted,
    Limit,
    Oracle,
    Person,
    Refusal,
    Uncertain,
    Wrote,
)

from dmcore import errors

ANN, BOB, OLGA = Person("", "ann"), Person("", "bob"), Person("", "olga")
MINUTE_US = 60_000_000


def oracle(*, messages: Limit | None = None, absorbs: bool = False) -> Oracle:
    made = Oracle(people=(ANN, BOB, OLGA), messages=messages, starts=None, absorbs=absorbs)
    made.turned(OLGA, ON, now_us=0)
    return made


def writes(it: Oracle, sender: Person, other: Person, now_us: int = 0) -> UUID:
    greatest = it.greatest_id(sender, other)
    earliest = (now_us // 1000) << 80 | 0x7 << 76 | 0x2 << 62
    id_ = UUID(int=max(earliest, greatest.int + 1 if greatest else 0))
    it.wrote(sender, other, id_=id_, text="x", key=None, now_us=now_us)
    return id_


def judged(it: Oracle, sender: Person, other: Person, now_us: int = 0) -> object:
    return it.judge_writing(sender, other, text="y", key=None, now_us=now_us, by_id=False)


def ids(messages: list[Wrote] | None) -> list[UUID] | None:
    return None if messages is None else [message.id for message in messages]


def test_both_see_what_is_written_and_one_of_them_has_it_unread() -> None:
    it = oracle()
    first, second = writes(it, ANN, BOB), writes(it, BOB, ANN)
    for viewer, other in ((ANN, BOB), (BOB, ANN)):
        assert ids(it.thread(viewer, other)) == [first, second]
        assert it.unread(viewer) == 1
    it.marked(ANN, BOB, through=second, now_us=0)
    it.marked(ANN, BOB, through=first, now_us=0)
    assert (it.unread(ANN), it.marker(ANN, BOB)) == (0, second)
    assert it.thread(OLGA, ANN) is None


def test_a_block_hides_and_an_unblock_shows_again() -> None:
    it = oracle()
    theirs, mine = writes(it, BOB, ANN), writes(it, ANN, BOB)
    it.blocked(ANN, BOB, now_us=0)
    assert (ids(it.thread(ANN, BOB)), it.inbox(ANN), it.unread(ANN)) == ([mine], [], 0)
    assert ids(it.thread(BOB, ANN)) == [theirs, mine]
    assert judged(it, ANN, BOB) == Refusal(errors.YouBlockedThem)
    assert judged(it, BOB, ANN) == Refusal(errors.RecipientUnavailable)
    assert not it.can_see_profile(BOB, ANN)
    it.unblocked(ANN, BOB, now_us=0)
    assert (ids(it.thread(ANN, BOB)), it.unread(ANN)) == ([theirs, mine], 1)


def test_what_is_absorbed_is_never_shown_and_what_follows_looks_new() -> None:
    it = oracle(absorbs=True)
    it.blocked(ANN, BOB, now_us=0)
    absorbed = writes(it, BOB, ANN)
    it.unblocked(ANN, BOB, now_us=0)
    assert (it.thread(ANN, BOB), ids(it.thread(BOB, ANN))) == (None, [absorbed])
    it.turned(OLGA, REPLIES_ONLY, now_us=0)
    assert judged(it, ANN, BOB) == Refusal(errors.MessagingUnavailable, mode=REPLIES_ONLY)
    assert judged(it, BOB, ANN) == Accepted()
    arrived = writes(it, BOB, ANN)
    assert ids(it.thread(ANN, BOB)) == [arrived]
    assert [fact[0] for fact in it.facts(ANN)] == [
        "user_blocked",
        "user_unblocked",
        "conversation_started",
    ]
    assert [fact[0] for fact in it.facts(BOB)] == ["conversation_started", "message_sent"]


def test_a_window_is_counted_to_the_microsecond() -> None:
    it = oracle(messages=Limit(2, MINUTE_US))
    writes(it, ANN, BOB, 1_000)
    writes(it, ANN, BOB, 2_000)
    refusal = Refusal(errors.LimitReached, "messages", MINUTE_US - 1_000)
    assert judged(it, ANN, BOB, 2_000) == refusal
    it.turned_away(ANN, now_us=2_000)
    nearly = Refusal(errors.LimitReached, "messages", 1)
    assert judged(it, ANN, BOB, MINUTE_US + 999) == nearly
    assert judged(it, ANN, BOB, MINUTE_US + 1_000) == Accepted()


def test_a_clock_that_went_back_leaves_bounds() -> None:
    it = oracle(messages=Limit(2, MINUTE_US))
    writes(it, ANN, BOB, 10 * MINUTE_US)
    writes(it, ANN, BOB, 10 * MINUTE_US)
    assert judged(it, ANN, BOB, 5 * MINUTE_US) == Uncertain(must_refuse=False, longest_us=MINUTE_US)
    for _ in range(2):
        writes(it, ANN, BOB, 5 * MINUTE_US)
    assert judged(it, ANN, BOB, 5 * MINUTE_US) == Uncertain(must_refuse=True, longest_us=MINUTE_US)
    assert judged(it, ANN, BOB, 16 * MINUTE_US) == Accepted()
