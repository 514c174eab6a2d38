"""Pages, and cursors that fit one list only."""

import base64
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.strategies import any_message_ids, any_text, conversation_ids, ids, users

from dmcore.domain.ids import ConversationId, MessageId, TenantId, User, UserId
from dmcore.domain.inbox import InboxPlace
from dmcore.domain.paging import (
    BlockPlace,
    Cursor,
    CursorScope,
    MessagePlace,
    Page,
    ThreadPlace,
    check_page_size,
)
from dmcore.errors import InvalidCursor, InvalidPageSize

ANN = User(TenantId(""), UserId("ann"))
SCOPE = CursorScope("thread", ANN, "subject")
MESSAGE = MessageId(UUID("01890000-0000-7000-8000-000000000001"))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Eight bytes of mark are the first ten letters and two thirds of the eleventh.
LETTERS_OF_THE_MARK = 10

scopes = st.builds(CursorScope, st.sampled_from(["inbox", "thread", "blocked"]), users, ids)
positions = st.integers(0, (1 << 63) - 1)
READERS: list[Callable[[CursorScope, str], object]] = [
    CursorScope.read_message,
    CursorScope.read_inbox,
    CursorScope.read_position,
    CursorScope.read_export,
]


def is_refused(read: Callable[[str], object], cursor: Any) -> bool:
    try:
        read(cursor)
    except InvalidCursor:
        return True
    return False


# There and back ---------------------------------------------------------------------------------


@pytest.mark.promise("PAGE-1")
@given(scope=scopes, message=any_message_ids, conversation=conversation_ids, position=positions)
def test_a_place_comes_back_as_it_went(
    scope: CursorScope, message: MessageId, conversation: ConversationId, position: int
) -> None:
    place = InboxPlace(newest=message, conversation=conversation)
    assert scope.read_message(scope.message(message)) == message
    assert scope.read_inbox(scope.inbox(place)) == place
    assert scope.read_position(scope.position(position)) == position
    for one in (BlockPlace(position), MessagePlace(conversation, message)):
        assert scope.read_export(scope.export(one)) == one


@given(scope=scopes, message=any_message_ids)
def test_a_cursor_fits_into_a_url(scope: CursorScope, message: MessageId) -> None:
    assert set(scope.message(message)) <= set(ALPHABET)


def test_a_cursor_stays_the_same_between_versions() -> None:
    """A golden value: a client may hold one across an upgrade."""
    assert SCOPE.message(MESSAGE) == "eDKByqIjUqABiQAAAABwAIAAAAAAAAAB"


# Smuggled from elsewhere ------------------------------------------------------------------------


@pytest.mark.promise("CONV-2")
@given(one=scopes, other=scopes, message=any_message_ids)
def test_a_cursor_of_another_list_is_refused(
    one: CursorScope, other: CursorScope, message: MessageId
) -> None:
    assume(one != other)
    assert is_refused(other.read_message, one.message(message))


@pytest.mark.promise("CONV-2")
@pytest.mark.parametrize(
    "other",
    [
        CursorScope("inbox", ANN, "subject"),
        CursorScope("thread", ANN, "other"),
        CursorScope("thread", ANN),
        CursorScope("thread", User(TenantId(""), UserId("bob")), "subject"),
        CursorScope("thread", User(TenantId("acme"), UserId("ann")), "subject"),
        CursorScope("thread", User(TenantId("ann"), UserId("subject"))),
    ],
    ids=["list", "subject", "no subject", "user", "tenant", "shifted"],
)
def test_every_part_of_a_scope_counts(other: CursorScope) -> None:
    assert is_refused(other.read_message, SCOPE.message(MESSAGE))


@given(position=positions, message=any_message_ids)
def test_a_cursor_of_another_kind_is_refused(position: int, message: MessageId) -> None:
    place = InboxPlace(newest=message, conversation=ConversationId(message))
    assert is_refused(SCOPE.read_message, SCOPE.position(position))
    assert is_refused(SCOPE.read_message, SCOPE.inbox(place))
    assert is_refused(SCOPE.read_inbox, SCOPE.message(message))
    assert is_refused(SCOPE.read_position, SCOPE.message(message))
    assert is_refused(SCOPE.read_export, SCOPE.message(message))


# Damaged ----------------------------------------------------------------------------------------


@given(
    message=any_message_ids,
    at=st.integers(0, LETTERS_OF_THE_MARK - 1),
    letter=st.sampled_from(ALPHABET),
)
def test_a_changed_mark_is_refused(message: MessageId, at: int, letter: str) -> None:
    cursor = SCOPE.message(message)
    assume(cursor[at] != letter)
    assert is_refused(SCOPE.read_message, cursor[:at] + letter + cursor[at + 1 :])


@given(message=any_message_ids, at=st.integers(0, 31))
def test_a_shortened_or_lengthened_cursor_is_refused(message: MessageId, at: int) -> None:
    cursor = SCOPE.message(message)
    assert is_refused(SCOPE.read_message, cursor[:at] + cursor[at + 1 :])
    assert is_refused(SCOPE.read_message, cursor[:at] + "A" + cursor[at:])


@given(message=any_message_ids, at=st.integers(0, 31), other=st.sampled_from("+/=.~ \n\0é\ud800"))
def test_a_letter_that_no_cursor_has_is_refused(message: MessageId, at: int, other: str) -> None:
    cursor = SCOPE.message(message)
    assert is_refused(SCOPE.read_message, cursor[:at] + other + cursor[at:])
    assert is_refused(SCOPE.read_message, cursor[:at] + other + cursor[at + 1 :])


@given(cursor=any_text)
def test_any_other_text_is_refused(cursor: str) -> None:
    for read in READERS:
        assert is_refused(lambda text, read=read: read(SCOPE, text), cursor)  # type: ignore[misc]


@pytest.mark.parametrize("other", [None, 7, b"abc", "", " ", "====", [], MESSAGE], ids=repr)
def test_what_is_no_cursor_is_refused(other: object) -> None:
    assert all(
        is_refused(lambda given, read=read: read(SCOPE, given), other)  # type: ignore[misc]
        for read in READERS
    )


@given(position=positions)
def test_a_cursor_has_one_spelling(position: int) -> None:
    """Padding, spare bits and foreign letters make no second one."""
    cursor = SCOPE.position(position)
    assert is_refused(SCOPE.read_position, cursor + "=" * (-len(cursor) % 4) + "=")
    last = ALPHABET[ALPHABET.index(cursor[-1]) ^ 1]
    assert is_refused(SCOPE.read_position, cursor[:-1] + last)
    assert is_refused(SCOPE.read_position, f"{cursor}\n")


@given(payload=st.binary(min_size=8, max_size=8))
def test_a_forged_position_is_one_that_a_store_can_take(payload: bytes) -> None:
    """It grants nothing, but a number too great for a column would be an error of the store."""
    mark = base64.urlsafe_b64decode(SCOPE.position(0) + "==")[:8]
    forged = base64.urlsafe_b64encode(mark + payload).decode().rstrip("=")
    try:
        position = SCOPE.read_position(forged)
    except InvalidCursor:
        assert payload[0] & 0x80
    else:
        assert 0 <= position < 1 << 63


# Pages ------------------------------------------------------------------------------------------


@pytest.mark.promise("PAGE-1")
@given(found=st.lists(st.integers(), max_size=12), limit=st.integers(1, 12))
def test_a_page_is_full_and_knows_whether_more_follows(found: list[int], limit: int) -> None:
    read = found[: limit + 1]  # what a store is asked for: one to spare
    page = Page.cut(read, limit, lambda item: cast(Cursor, f"after {item}"))
    assert page.items == tuple(found[:limit])
    assert page.has_more == (len(found) > limit)
    assert page.next == (f"after {found[limit - 1]}" if len(found) > limit else None)


@pytest.mark.promise("PAGE-1")
@given(limit=st.integers(1, 100))
def test_a_page_holds_1_to_100(limit: int) -> None:
    assert check_page_size(limit) == limit


@pytest.mark.promise("PAGE-1")
@pytest.mark.parametrize("limit", [0, -1, 101, 10**30, 1.0, "20", None, True, False], ids=repr)
def test_another_page_size_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidPageSize) as caught:
        check_page_size(limit)
    assert caught.value.details == {"largest": 100}


def test_a_thread_is_read_from_its_newest_unless_said_otherwise() -> None:
    assert ThreadPlace() == ThreadPlace(before=None, after=None)
