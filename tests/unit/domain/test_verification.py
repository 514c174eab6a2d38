"""Verification: each rule finds its fault, and nothing is found in what is sound."""

from typing import Any

import attrs
import pytest

from dmcore.domain.account import Account
from dmcore.domain.conversation import Conversation, Folder, Listing, Request, Side
from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId, next_message_id
from dmcore.domain.limits import Window
from dmcore.domain.pair import Pair
from dmcore.domain.restriction import Standing
from dmcore.domain.verification import (
    AccountCensus,
    ConversationCensus,
    Finding,
    Orphans,
    SideCensus,
    account_findings,
    conversation_findings,
    orphan_findings,
)

NAMESPACE = bytes(16)
PAIR = Pair.of(TenantId("acme"), UserId("ann"), UserId("bob"))
NEWEST: MessageId = next_message_id(2_000_000, 0, None)
EARLIER: MessageId = next_message_id(500_000, 0, None)
OLDER: MessageId = next_message_id(1_000_000, 0, None)
LOW = Side(exists=True, newest=NEWEST, read=OLDER, said=OLDER, heard=NEWEST, told=OLDER, unread=2)
HIGH = Side(exists=True, newest=OLDER, said=NEWEST, heard=OLDER, blocks=True)
SOUND = ConversationCensus(
    conversation=Conversation(
        id=PAIR.conversation_id(NAMESPACE),
        pair=PAIR,
        newest=NEWEST,
        oldest=OLDER,
        low=LOW,
        high=HIGH,
    ),
    newest=NEWEST,
    oldest=OLDER,
    low=SideCensus(
        newest_shown=NEWEST,
        newest_said=OLDER,
        newest_heard=NEWEST,
        unread=2,
        is_block_listed=False,
        listed=Listing(folder=Folder.INBOX, newest=NEWEST, read=OLDER, unread=2, is_muted=False),
        newest_receipt=OLDER,
    ),
    high=SideCensus(
        newest_shown=OLDER,
        newest_said=NEWEST,
        newest_heard=OLDER,
        unread=0,
        is_block_listed=True,
        # Who blocks lists nothing of the other.
        listed=None,
        newest_receipt=None,
    ),
)


NOTHING = SideCensus(
    newest_shown=None,
    newest_said=None,
    newest_heard=None,
    unread=0,
    is_block_listed=False,
    listed=None,
    newest_receipt=None,
)
LISTED = SOUND.low.listed
assert LISTED is not None


def findings(census: ConversationCensus) -> list[str]:
    found = list(conversation_findings(census, NAMESPACE))
    assert all(str(census.conversation.id) in finding.where for finding in found)
    return [finding.rule for finding in found]


def test_nothing_is_found_in_a_sound_conversation() -> None:
    assert findings(SOUND) == []


def test_a_side_that_has_nothing_of_the_conversation_is_not_listed() -> None:
    conversation = attrs.evolve(SOUND.conversation, high=Side())
    assert findings(attrs.evolve(SOUND, conversation=conversation, high=NOTHING)) == []
    listed = attrs.evolve(NOTHING, listed=LISTED)
    assert findings(attrs.evolve(SOUND, conversation=conversation, high=listed)) == [
        "the listing is not the side"
    ]


@pytest.mark.promise("PAIR-1")
def test_an_id_that_is_not_its_pairs_is_found() -> None:
    conversation = attrs.evolve(SOUND.conversation, id=ConversationId(NEWEST))
    assert findings(attrs.evolve(SOUND, conversation=conversation)) == [
        "the id is not the one of its pair"
    ]
    assert list(conversation_findings(SOUND, bytes(15) + b"\1")) == [
        Finding("the id is not the one of its pair", f"conversation {SOUND.conversation.id}")
    ]


@pytest.mark.promise("MSG-2")
@pytest.mark.parametrize("newest", [None, OLDER])
def test_a_newest_message_that_is_not_the_greatest_is_found(newest: MessageId | None) -> None:
    assert findings(attrs.evolve(SOUND, newest=newest)) == [
        "the newest message is not the greatest stored"
    ]


@pytest.mark.parametrize("side", ["low", "high"])
@pytest.mark.parametrize(
    ("counted", "rule"),
    [
        ({"newest_shown": None}, "the newest visible message is another one"),
        ({"newest_said": None}, "the newest message said is another one"),
        ({"newest_heard": None}, "the newest message heard is another one"),
        ({"unread": 7}, "the unread count is not the number of unread messages"),
        ({"listed": attrs.evolve(LISTED, unread=9)}, "the listing is not the side"),
        ({"listed": attrs.evolve(LISTED, newest=OLDER)}, "the listing is not the side"),
        ({"listed": attrs.evolve(LISTED, read=None)}, "the listing is not the side"),
        ({"listed": attrs.evolve(LISTED, is_muted=True)}, "the listing is not the side"),
        ({"listed": attrs.evolve(LISTED, folder=Folder.ARCHIVED)}, "the listing is not the side"),
        ({"newest_receipt": NEWEST}, "the newest receipt is another one"),
        ({"oldest_receipt": EARLIER}, "a receipt is of a message that was removed"),
    ],
)
def test_a_side_that_differs_from_its_recount_is_found(
    side: str, counted: dict[str, Any], rule: str
) -> None:
    census = attrs.evolve(SOUND, **{side: attrs.evolve(getattr(SOUND, side), **counted)})
    found = list(conversation_findings(census, NAMESPACE))
    assert found == [Finding(rule, f"conversation {SOUND.conversation.id}, {side} side")]


def test_a_side_that_stands_in_no_list_of_its_user_is_found() -> None:
    census = attrs.evolve(SOUND, low=attrs.evolve(SOUND.low, listed=None))
    assert findings(census) == ["the listing is not the side"]


@pytest.mark.parametrize("read", ["low", "high"])
def test_a_read_marker_beyond_the_newest_message_is_found(read: str) -> None:
    beyond = next_message_id(3_000_000, 0, None)
    side = attrs.evolve(getattr(SOUND.conversation, read), read=beyond)
    conversation = attrs.evolve(SOUND.conversation, **{read: side})
    counted = attrs.evolve(getattr(SOUND, read), listed=side.listing)
    (finding,) = conversation_findings(
        attrs.evolve(SOUND, conversation=conversation, **{read: counted}), NAMESPACE
    )
    assert finding.rule == "the read marker is beyond the newest message"
    assert finding.where.endswith(f"{read} side")


@pytest.mark.parametrize(
    "something",
    [
        {"read": OLDER},
        {"said": OLDER},
        {"heard": OLDER},
        {"told": OLDER},
        {"cleared": OLDER},
        {"is_muted": True},
        {"is_archived": True},
        {"request": Request.PENDING},
        {"asked": 1},
    ],
    ids=lambda it: next(iter(it)),
)
def test_something_of_a_conversation_that_one_does_not_have_is_found(
    something: dict[str, Any],
) -> None:
    conversation = attrs.evolve(SOUND.conversation, high=Side(**something))
    told: dict[str, Any] = {
        "newest_said": something.get("said"),
        "newest_heard": something.get("heard"),
        "newest_receipt": something.get("told"),
    }
    counted = attrs.evolve(NOTHING, **told)
    assert findings(attrs.evolve(SOUND, conversation=conversation, high=counted)) == [
        "the side has something of a conversation that it does not have"
    ]


@pytest.mark.parametrize(("side", "is_listed"), [("low", True), ("high", False)])
def test_a_side_that_disagrees_with_the_block_list_is_found(side: str, is_listed: bool) -> None:
    counted = attrs.evolve(getattr(SOUND, side), is_block_listed=is_listed)
    assert findings(attrs.evolve(SOUND, **{side: counted})) == [
        "the side and the block list disagree"
    ]


def test_every_fault_is_named_at_once() -> None:
    broken = attrs.evolve(
        SOUND,
        newest=None,
        low=attrs.evolve(NOTHING, unread=5, is_block_listed=True),
    )
    assert len(findings(broken)) == 8


# Accounts ---------------------------------------------------------------------------------------

ANN = User(TenantId("acme"), UserId("ann"))
ACCOUNT = AccountCensus(
    account=Account(
        user=ANN,
        position=3,
        unread=2,
        sends=Window(instants=(1, 2, 2)),
        starts=Window(instants=(1,)),
    ),
    entries=3,
    first_position=1,
    last_position=3,
    unread_listed=2,
)
FRESH = AccountCensus(
    account=Account(user=ANN), entries=0, first_position=None, last_position=None, unread_listed=0
)


def test_nothing_is_found_in_a_sound_account() -> None:
    assert list(account_findings(ACCOUNT)) == []
    assert list(account_findings(FRESH)) == []


@pytest.mark.promise("FEED-1")
def test_positions_that_are_no_longer_kept_are_no_fault() -> None:
    account = attrs.evolve(ACCOUNT.account, pruned=2)
    census = attrs.evolve(ACCOUNT, account=account, entries=1, first_position=3)
    assert list(account_findings(census)) == []
    emptied = attrs.evolve(
        census,
        account=attrs.evolve(account, pruned=3),
        entries=0,
        first_position=None,
        last_position=None,
    )
    assert list(account_findings(emptied)) == []
    for fault in (census, ACCOUNT):
        wrong = attrs.evolve(fault, account=attrs.evolve(account, pruned=1))
        assert [finding.rule for finding in account_findings(wrong)] == [
            "the journal positions have a gap or another end"
        ]


@pytest.mark.promise("FEED-2")
@pytest.mark.parametrize(
    "census",
    [
        attrs.evolve(ACCOUNT, entries=2),
        attrs.evolve(ACCOUNT, first_position=0),
        attrs.evolve(ACCOUNT, last_position=4),
        attrs.evolve(ACCOUNT, last_position=2),
        attrs.evolve(FRESH, entries=1, first_position=1, last_position=1),
        attrs.evolve(ACCOUNT, entries=0, first_position=None, last_position=None),
    ],
    ids=["gap", "begins early", "goes on", "ends early", "of nobody", "none"],
)
def test_positions_that_do_not_run_from_1_to_the_last_are_found(census: AccountCensus) -> None:
    assert [finding.rule for finding in account_findings(census)] == [
        "the journal positions have a gap or another end"
    ]


def test_an_unread_total_that_is_not_the_sum_is_found() -> None:
    (finding,) = account_findings(attrs.evolve(ACCOUNT, unread_listed=1))
    assert finding.rule == "the unread total is not the sum over the inbox"
    assert "'acme'" in finding.where
    assert "'ann'" in finding.where


@pytest.mark.promise("LIMIT-1")
@pytest.mark.parametrize("window", ["sends", "starts", "edits"])
def test_a_window_out_of_order_is_found(window: str) -> None:
    reverse: dict[str, Any] = {window: Window(instants=(2, 1))}
    account = attrs.evolve(ACCOUNT.account, **reverse)
    (finding,) = account_findings(attrs.evolve(ACCOUNT, account=account))
    assert finding.rule == "the instants of a limit are not in order"


@pytest.mark.promise("MOD-4")
def test_a_standing_that_is_not_that_of_the_restrictions_is_found() -> None:
    muted = Standing(muted_until_us=7)
    (finding,) = account_findings(attrs.evolve(ACCOUNT, standing=muted))
    assert finding.rule == "the standing is not that of the restrictions"
    account = attrs.evolve(ACCOUNT.account, standing=muted)
    assert list(account_findings(attrs.evolve(ACCOUNT, account=account, standing=muted))) == []


@pytest.mark.promise("MOD-4")
def test_a_restriction_whose_instants_no_calendar_has_is_found() -> None:
    (beyond,) = account_findings(attrs.evolve(ACCOUNT, marks_beyond=1))
    assert beyond.rule == "the mark of a consumer of events is beyond the end of the journal"
    (finding,) = account_findings(attrs.evolve(ACCOUNT, timeless=1))
    assert finding.rule == "a restriction has an instant that no calendar has"


@pytest.mark.parametrize(("counted", "last"), [(1, 2), (2, 1), (2, 3), (0, None)])
def test_restrictions_that_are_not_numbered_as_counted_are_found(
    counted: int, last: int | None
) -> None:
    twice = attrs.evolve(ACCOUNT.account, restrictions=2)
    sound = attrs.evolve(ACCOUNT, account=twice, restrictions=2, last_restriction=2)
    assert list(account_findings(sound)) == []
    (finding,) = account_findings(attrs.evolve(sound, restrictions=counted, last_restriction=last))
    assert finding.rule == "the restrictions are not numbered as counted"


# Orphans ----------------------------------------------------------------------------------------

NONE = Orphans(
    messages=0,
    sides=0,
    journal_entries=0,
    foreign_senders=0,
    foreign_readers=0,
    broken_links=0,
)


def test_no_orphans_are_no_finding() -> None:
    assert list(orphan_findings(NONE)) == []


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("messages", "messages without a conversation"),
        ("sides", "listings of a conversation that is not their user's"),
        ("journal_entries", "journal entries without a mailbox"),
        ("foreign_senders", "messages by someone outside the pair"),
        ("foreign_readers", "receipts by someone outside the pair"),
        ("broken_links", "answers to a message that is not there"),
        ("restrictions", "restrictions without a mailbox"),
        ("marks", "marks or events set aside of no consumer or mailbox"),
    ],
)
def test_orphans_are_counted(kind: str, rule: str) -> None:
    assert list(orphan_findings(attrs.evolve(NONE, **{kind: 3}))) == [Finding(rule, "3 rows")]
