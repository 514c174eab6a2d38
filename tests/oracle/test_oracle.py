"""The oracle itself, on histories short enough to be checked by eye."""

from collections.abc import Sequence
from uuid import UUID

from tests.oracle.history import (
    ACCEPTED,
    ARCHIVED,
    CLEARED,
    DECLINED,
    MINUTE_US,
    MUTED,
    ON,
    REPLIES_ONLY,
    Choice,
    Gate,
    Host,
    Limit,
    Person,
    Product,
    Profile,
    Wrote,
)
from tests.oracle.oracle import Oracle
from tests.oracle.oracle_limits import Accepted, Refusal, Uncertain
from tests.oracle.oracle_views import Seen

from dmcore import errors

ANN, BOB, OLGA = Person("", "ann"), Person("", "bob"), Person("", "olga")
ABSORBING = Product(absorbs=True)
ASKING = Product(asks=True)


def oracle(product: Product | None = None) -> Oracle:
    made = Oracle(people=(ANN, BOB, OLGA), product=product or Product())
    made.turned(OLGA, ON, now_us=0)
    return made


def writes(
    it: Oracle, sender: Person, other: Person, now_us: int = 0, *, reply_to: UUID | None = None
) -> UUID:
    greatest = it.greatest_id(sender, other)
    earliest = (now_us // 1000) << 80 | 0x7 << 76 | 0x2 << 62
    id_ = UUID(int=max(earliest, greatest.int + 1 if greatest else 0))
    it.wrote(sender, other, id_=id_, text="x", key=None, now_us=now_us, reply_to=reply_to)
    return id_


def judged(it: Oracle, sender: Person, other: Person, now_us: int = 0) -> object:
    return it.judge_writing(sender, other, text="y", key=None, now_us=now_us, by_id=False)


def ids(messages: Sequence[Seen | Wrote] | None) -> list[UUID] | None:
    return None if messages is None else [message.id for message in messages]


def actions(it: Oracle, owner: Person) -> list[object]:
    return [fact[0] for fact in it.facts(owner)]


def folder(it: Oracle, viewer: Person, other: Person) -> str | None:
    view = it.view(viewer, other)
    return None if view is None else view.folder


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
    assert ids(it.thread(ANN, BOB)) == [mine]
    assert (it.listed(ANN, "inbox"), it.unread(ANN)) == ([], 0)
    assert ids(it.thread(BOB, ANN)) == [theirs, mine]
    assert judged(it, ANN, BOB) == Refusal(error=errors.YouBlockedThem)
    assert judged(it, BOB, ANN) == Refusal(error=errors.RecipientUnavailable)
    assert not it.can_see_profile(BOB, ANN)
    it.unblocked(ANN, BOB, now_us=0)
    assert (ids(it.thread(ANN, BOB)), it.unread(ANN)) == ([theirs, mine], 1)


def test_what_is_absorbed_is_never_shown_and_what_follows_looks_new() -> None:
    it = oracle(ABSORBING)
    it.blocked(ANN, BOB, now_us=0)
    absorbed = writes(it, BOB, ANN)
    it.unblocked(ANN, BOB, now_us=0)
    assert (it.thread(ANN, BOB), ids(it.thread(BOB, ANN))) == (None, [absorbed])
    it.turned(OLGA, REPLIES_ONLY, now_us=0)
    refusal = Refusal(error=errors.MessagingUnavailable, mode=REPLIES_ONLY)
    assert judged(it, ANN, BOB) == refusal
    assert judged(it, BOB, ANN) == Accepted()
    arrived = writes(it, BOB, ANN)
    assert ids(it.thread(ANN, BOB)) == [arrived]
    assert actions(it, ANN) == ["user_blocked", "user_unblocked", "conversation_started"]
    assert actions(it, BOB) == ["conversation_started", "message_sent"]


def test_an_edit_that_is_absorbed_stays_with_its_sender_until_the_next_one() -> None:
    it = oracle(ABSORBING)
    message = it.message(writes(it, ANN, BOB))
    it.blocked(BOB, ANN, now_us=1)
    it.edited(ANN, BOB, message.id, text="absorbed", now_us=2)
    it.unblocked(BOB, ANN, now_us=3)
    assert [it.text_seen_by(viewer, message) for viewer in (ANN, BOB)] == ["absorbed", "x"]
    assert "message_edited" not in actions(it, BOB)
    it.edited(ANN, BOB, message.id, text="open", now_us=4)
    assert [it.text_seen_by(viewer, message) for viewer in (ANN, BOB)] == ["open", "open"]
    assert it.seen(BOB, message).edited_at_us == 4


def test_the_text_that_the_other_has_anyway_is_no_edit_to_them() -> None:
    it = oracle(ABSORBING)
    message = it.message(writes(it, ANN, BOB))
    it.blocked(BOB, ANN, now_us=1)
    it.edited(ANN, BOB, message.id, text="absorbed", now_us=2)
    it.unblocked(BOB, ANN, now_us=3)
    it.edited(ANN, BOB, message.id, text="x", now_us=4)
    assert "message_edited" not in actions(it, BOB)
    assert [it.seen(viewer, message).edited_at_us for viewer in (ANN, BOB)] == [4, None]


def test_a_message_can_be_changed_in_its_window_and_by_its_sender_alone() -> None:
    it = oracle(Product(edit_window_us=MINUTE_US))
    id_ = writes(it, ANN, BOB)

    def judge(sender: Person, other: Person, now_us: int, text: str = "y") -> object:
        return it.judge_editing(sender, other, id_, text=text, now_us=now_us)

    assert judge(ANN, BOB, MINUTE_US) == Accepted()
    assert judge(ANN, BOB, MINUTE_US, "x") == Accepted(changes_nothing=True)
    assert judge(ANN, BOB, MINUTE_US + 1) == Refusal(error=errors.TooLateToEdit)
    assert judge(BOB, ANN, 0) == Refusal(error=errors.AccessDenied)
    it.deleted(ANN, BOB, id_, now_us=0)
    assert judge(ANN, BOB, 0) == Refusal(error=errors.TooLateToEdit)


def test_what_is_deleted_keeps_its_place_and_is_unread_no_more() -> None:
    it = oracle()
    first, second = writes(it, ANN, BOB), writes(it, ANN, BOB)
    it.deleted(ANN, BOB, second, now_us=0)
    assert [(seen.id, seen.text) for seen in it.thread(BOB, ANN) or []] == [
        (first, "x"),
        (second, None),
    ]
    assert (it.unread(BOB), folder(it, BOB, ANN)) == (1, "inbox")
    assert actions(it, BOB)[-1] == "message_deleted"


def test_what_is_hidden_or_cleared_is_gone_for_one_of_the_two() -> None:
    it = oracle()
    first, second = writes(it, ANN, BOB), writes(it, ANN, BOB)
    it.hid(BOB, ANN, second, now_us=0)
    assert (ids(it.thread(BOB, ANN)), it.unread(BOB)) == ([first], 1)
    it.sorted(BOB, ANN, CLEARED, now_us=0)
    assert (ids(it.thread(BOB, ANN)), folder(it, BOB, ANN)) == ([], None)
    assert ids(it.thread(ANN, BOB)) == [first, second]
    third = writes(it, ANN, BOB)
    assert (ids(it.thread(BOB, ANN)), folder(it, BOB, ANN)) == ([third], "inbox")


def test_a_message_brings_a_conversation_out_of_the_archive_unless_it_is_muted() -> None:
    it = oracle()
    writes(it, ANN, BOB)
    it.sorted(BOB, ANN, ARCHIVED, now_us=0)
    assert (folder(it, BOB, ANN), it.unread(BOB)) == ("archived", 0)
    writes(it, ANN, BOB)
    assert (folder(it, BOB, ANN), it.unread(BOB)) == ("inbox", 2)
    it.sorted(BOB, ANN, MUTED, now_us=0)
    it.sorted(BOB, ANN, ARCHIVED, now_us=0)
    writes(it, ANN, BOB)
    assert folder(it, BOB, ANN) == "archived"
    writes(it, BOB, ANN)
    assert folder(it, BOB, ANN) == "inbox"


def test_a_thread_is_a_chain_of_replies_as_each_of_the_two_knows_it() -> None:
    it = oracle(ABSORBING)
    root = writes(it, ANN, BOB)
    it.blocked(BOB, ANN, now_us=0)
    absorbed = writes(it, ANN, BOB, reply_to=root)
    it.unblocked(BOB, ANN, now_us=0)
    reply = writes(it, ANN, BOB, reply_to=absorbed)
    last = writes(it, BOB, ANN, reply_to=reply)
    assert ids(it.chain(ANN, BOB, root)) == [root, absorbed, reply, last]
    assert ids(it.chain(BOB, ANN, root)) == [root]
    assert ids(it.chain(BOB, ANN, reply)) == [reply, last]


def test_a_sender_sees_when_they_were_read_while_both_show_it() -> None:
    it = oracle()
    message = it.message(writes(it, ANN, BOB))
    hidden = Choice(receipts=False)
    it.chose(BOB, hidden, now_us=1)
    it.marked(BOB, ANN, through=message.id, now_us=2)
    it.chose(BOB, Choice(), now_us=3)
    assert it.seen(ANN, message).seen_at_us is None
    it.marked(BOB, ANN, through=message.id, now_us=3)
    assert it.seen(ANN, message).seen_at_us is None  # it was seen before, and that stays untold
    it.marked(BOB, ANN, through=writes(it, ANN, BOB), now_us=4)
    assert it.seen(ANN, message).seen_at_us == 4
    assert it.seen(BOB, message).seen_at_us is None
    assert actions(it, ANN) == ["conversation_started", "message_sent", "messages_seen"]
    it.chose(ANN, hidden, now_us=5)
    assert it.seen(ANN, message).seen_at_us is None


def test_a_first_message_waits_for_consent_and_nobody_is_told_of_a_refusal() -> None:
    it = oracle(ASKING)
    first = writes(it, ANN, BOB)
    assert (folder(it, BOB, ANN), it.unread(BOB), folder(it, ANN, BOB)) == ("requests", 0, "inbox")
    waiting = Refusal(error=errors.NotAcceptedYet, most=1)
    assert judged(it, ANN, BOB) == waiting
    it.marked(BOB, ANN, through=first, now_us=0)
    it.sorted(BOB, ANN, DECLINED, now_us=0)
    assert (folder(it, BOB, ANN), judged(it, ANN, BOB)) == (None, waiting)
    assert actions(it, ANN) == ["conversation_started"]
    it.sorted(BOB, ANN, ACCEPTED, now_us=0)
    assert (folder(it, BOB, ANN), judged(it, ANN, BOB)) == ("inbox", Accepted())
    assert actions(it, ANN) == ["conversation_started", "request_accepted"]
    assert it.seen(ANN, it.message(first)).seen_at_us is None


def test_an_answer_accepts() -> None:
    it = oracle(ASKING)
    writes(it, ANN, BOB)
    writes(it, BOB, ANN)
    assert (folder(it, BOB, ANN), judged(it, ANN, BOB)) == ("inbox", Accepted())
    assert it.judge_sorting(BOB, ANN, DECLINED) == Refusal(error=errors.NoRequest)


def test_what_was_absorbed_first_leaves_the_next_one_a_request() -> None:
    it = oracle(Product(asks=True, absorbs=True, request_messages=2))
    it.blocked(BOB, ANN, now_us=0)
    writes(it, ANN, BOB)
    it.unblocked(BOB, ANN, now_us=0)
    writes(it, ANN, BOB)
    assert folder(it, BOB, ANN) == "requests"


def test_a_host_says_who_may_start_with_whom() -> None:
    profiles = {
        ANN: Profile(role="agent"),
        BOB: Profile(),
        OLGA: Profile(is_staff=True),
    }
    gates = (Gate(sender_role="agent", needs_subscription=True),)
    it = oracle(Product(host=Host(profiles=profiles, gates=gates)))
    assert judged(it, ANN, BOB) == Refusal(error=errors.UpgradeRequired)
    assert judged(it, BOB, ANN) == Refusal(error=errors.StartRefused)
    assert judged(it, BOB, Person("", "eve")) == Refusal(error=errors.UnknownUser)
    it.chose(ANN, Choice(open_to="nobody"), now_us=0)
    assert judged(it, OLGA, ANN) == Accepted()


def test_a_closed_inbox_is_open_to_connections_and_to_replies() -> None:
    host = Host(
        profiles=dict.fromkeys((ANN, BOB, OLGA), Profile()),
        connections=(frozenset((ANN, BOB)),),
    )
    it = oracle(Product(host=host))
    it.chose(ANN, Choice(open_to="connections"), now_us=0)
    assert judged(it, BOB, ANN) == Accepted()
    assert judged(it, OLGA, ANN) == Refusal(error=errors.RecipientUnavailable)
    writes(it, ANN, OLGA)
    assert judged(it, OLGA, ANN) == Accepted()


def test_a_feed_tells_nothing_of_a_partner_who_is_blocked() -> None:
    it = oracle()
    writes(it, ANN, BOB)
    writes(it, BOB, ANN)
    it.blocked(ANN, BOB, now_us=0)
    assert [fact[:2] for fact in it.feed(ANN)] == [
        ("conversation_started", "ann"),
        ("user_blocked", "ann"),
    ]
    assert [fact[0] for fact in it.feed(ANN, after=1)] == ["user_blocked"]
    assert [fact[1] for fact in it.facts(ANN)] == ["ann", "bob", "ann"]
    assert it.feed(BOB) == it.facts(BOB)
    it.unblocked(ANN, BOB, now_us=0)
    assert it.feed(ANN) == it.facts(ANN)


def test_a_window_is_counted_to_the_microsecond() -> None:
    it = oracle(Product(messages=Limit(2, MINUTE_US)))
    writes(it, ANN, BOB, 1_000)
    writes(it, ANN, BOB, 2_000)

    def refusal(wait_us: int) -> Refusal:
        return Refusal(error=errors.LimitReached, limit="messages", retry_after_us=wait_us)

    assert judged(it, ANN, BOB, 2_000) == refusal(MINUTE_US - 1_000)
    it.turned_away(ANN, now_us=2_000)
    assert judged(it, ANN, BOB, MINUTE_US + 999) == refusal(1)
    assert judged(it, ANN, BOB, MINUTE_US + 1_000) == Accepted()


def test_a_clock_that_went_back_leaves_bounds() -> None:
    it = oracle(Product(messages=Limit(2, MINUTE_US)))
    writes(it, ANN, BOB, 10 * MINUTE_US)
    writes(it, ANN, BOB, 10 * MINUTE_US)
    assert judged(it, ANN, BOB, 5 * MINUTE_US) == Uncertain(must_refuse=False, longest_us=MINUTE_US)
    for _ in range(2):
        writes(it, ANN, BOB, 5 * MINUTE_US)
    assert judged(it, ANN, BOB, 5 * MINUTE_US) == Uncertain(must_refuse=True, longest_us=MINUTE_US)
    assert judged(it, ANN, BOB, 16 * MINUTE_US) == Accepted()
