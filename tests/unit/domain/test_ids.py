"""Ids: how each is read, derived and ordered."""

import hashlib
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import (
    LARGEST_ENTROPY,
    YEAR_9999_US,
    any_text,
    entropies,
    ids,
    instants_us,
    tenant_ids,
    user_ids,
)

from dmcore.domain.ids import (
    LONGEST_ID,
    MessageId,
    User,
    derive_conversation_id,
    next_message_id,
    parse_conversation_id,
    parse_key,
    parse_message_id,
    parse_tenant_id,
    parse_user_id,
)
from dmcore.errors import DmcoreError, InvalidId, InvalidKey

Parse = Callable[[str], str]
PARSERS: list[Parse] = [parse_user_id, parse_tenant_id, parse_key]
UUID_PARSERS = [parse_conversation_id, parse_message_id]
NAMESPACE = bytes(range(16))


def refusal(parse: Callable[..., object], given: object) -> DmcoreError:
    with pytest.raises((InvalidId, InvalidKey)) as caught:
        parse(given)
    return caught.value


# Texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "a",
        "7",
        " ",
        "Ann",
        "ann@example.org",
        "x" * 255,
        "\U0001f642" * 255,  # code points are counted, not bytes and not UTF-16 units
        "e\u0301",
        "\u200b",  # a format character draws nothing, and is still an id
        "\u2028",
        "\ue000",
        "\U0010ffff",
    ],
)
def test_a_text_is_an_id_as_it_stands(parse: Parse, text: str) -> None:
    """Compared byte for byte: nothing is trimmed, folded or normalised."""
    assert parse(text) == text


@given(text=ids)
def test_every_text_without_control_characters_is_an_id(text: str) -> None:
    for parse in PARSERS:
        assert parse(text) == text


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("form", ["{}", "a{}", "{}a", "a{}b", "\u200b{}"])
def test_a_control_character_makes_no_id(parse: Parse, form: str) -> None:
    """NUL, C0, DEL and C1 alike, wherever they stand."""
    for point in (*range(0x20), 0x7F, *range(0x80, 0xA0)):
        error = refusal(parse, form.format(chr(point)))
        assert error.details["reason"] == "it holds a control character"


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("point", [0xD800, 0xDBFF, 0xDC00, 0xDFFF], ids=hex)
def test_a_lone_surrogate_makes_no_id(parse: Parse, point: int) -> None:
    error = refusal(parse, f"a{chr(point)}")
    assert error.details["reason"] == "it holds a lone surrogate"


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("character", ["x", "\U0001f642", "\u200b"])
def test_the_256th_code_point_is_one_too_many(parse: Parse, character: str) -> None:
    assert parse(character * LONGEST_ID) == character * LONGEST_ID
    error = refusal(parse, character * (LONGEST_ID + 1))
    assert error.details["reason"] == "it is longer than 255 characters"


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("other", [None, 7, 7.0, b"ann", True, ["ann"], UUID(int=1)], ids=repr)
def test_what_is_no_text_makes_no_id(parse: Parse, other: object) -> None:
    """Callers without a type checker get the typed error as well."""
    assert refusal(parse, other).details["reason"] == "it is not text"


def test_the_empty_text_is_the_default_tenant_and_nothing_else() -> None:
    assert parse_tenant_id("") == ""
    assert refusal(parse_user_id, "").details["reason"] == "it is empty"
    assert refusal(parse_key, "").details["reason"] == "it is empty"


def test_the_error_names_what_was_wrong() -> None:
    assert refusal(parse_user_id, "").details["kind"] == "user"
    assert refusal(parse_tenant_id, "\0").details["kind"] == "tenant"
    assert refusal(parse_conversation_id, "").details["kind"] == "conversation"
    assert refusal(parse_message_id, "").details["kind"] == "message"
    assert isinstance(refusal(parse_key, ""), InvalidKey)


def test_an_enumeration_of_texts_is_text() -> None:
    """Hosts keep well-known users in enumerations."""

    class Robot(StrEnum):
        WELCOME = "welcome-robot"

    assert parse_user_id(Robot.WELCOME) == "welcome-robot"


@given(text=any_text)
def test_any_text_is_read_or_refused_with_a_typed_error(text: str) -> None:
    try:
        assert parse_user_id(text) == text
    except InvalidId:
        assert text == "" or len(text) > LONGEST_ID or not text.isprintable()


def test_users_of_different_tenants_are_different() -> None:
    assert User(parse_tenant_id("a"), parse_user_id("ann")) != User(
        parse_tenant_id("b"), parse_user_id("ann")
    )


# UUIDs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parse", UUID_PARSERS)
@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "12345678-1234-5678-1234-56781234567",
        "12345678-1234-5678-1234-5678123456789",
        "12345678123456781234567812345678",
        "{12345678-1234-5678-1234-56781234567}",
        "urn:uuid:12345678-1234-5678-1234-567812345678",
        "1234567812345678-1234-5678-1234-5678",  # dashes in other places
        "g2345678-1234-5678-1234-567812345678",
        "１2345678-1234-5678-1234-567812345678",  # a full-width digit
        "0x345678-1234-5678-1234-567812345678",
        "+2345678-1234-5678-1234-567812345678",
        " 2345678-1234-5678-1234-567812345678",
        "1234_678-1234-5678-1234-567812345678",
        "12345678-1234-5678-1234-56781234567\n",
        "\0" * 36,
        "\ud800" * 36,
        None,
        7,
        b"12345678-1234-5678-1234-567812345678",
    ],
    ids=repr,
)
def test_only_the_canonical_form_of_a_uuid_is_an_id(
    parse: Callable[..., UUID], given: object
) -> None:
    assert refusal(parse, given).details["reason"] == "it is not a UUID"


@pytest.mark.parametrize("parse", UUID_PARSERS)
@given(number=st.integers(0, (1 << 128) - 1))
def test_a_uuid_is_read_as_text_in_either_case_or_as_itself(
    parse: Callable[..., UUID], number: int
) -> None:
    value = UUID(int=number)
    assert parse(value) == parse(str(value)) == parse(str(value).upper()) == value


@pytest.mark.parametrize("parse", UUID_PARSERS)
@given(text=any_text)
def test_any_other_text_is_refused_with_a_typed_error(
    parse: Callable[..., UUID], text: str
) -> None:
    refusal(parse, text)


# The id of a pair's conversation ----------------------------------------------------------------


@pytest.mark.promise("PAIR-1")
def test_the_id_of_a_conversation_never_changes_between_versions() -> None:
    """A golden value: what is stored today is found tomorrow."""
    derived = derive_conversation_id(NAMESPACE, "", "ann", "bob")
    assert derived == UUID("0e5ad8c7-ecd3-8d8f-8c0e-4b0119158875")


@pytest.mark.promise("PAIR-1")
def test_the_id_is_the_hash_of_namespace_and_length_prefixed_parts() -> None:
    content = NAMESPACE + b"\0\0\0\x05" + "caf\u00e9".encode() + b"\0\0\0\x03ann\0\0\0\x03bob"
    digest = int.from_bytes(hashlib.sha256(content).digest()[:16], "big")
    derived = derive_conversation_id(NAMESPACE, "caf\u00e9", "ann", "bob")
    free_bits = ((1 << 128) - 1) & ~(0xF << 76) & ~(0x3 << 62)
    assert derived.int & free_bits == digest & free_bits


@pytest.mark.promise("PAIR-1")
@given(tenant=tenant_ids, low=user_ids, high=user_ids)
def test_the_id_is_a_uuid_of_version_8(tenant: str, low: str, high: str) -> None:
    derived = derive_conversation_id(NAMESPACE, tenant, low, high)
    assert derived.version == 8
    assert derived.variant == "specified in RFC 4122"


@pytest.mark.promise("PAIR-1", "TEN-1")
@pytest.mark.parametrize(
    "parts",
    [
        ("", "ab", "c"),
        ("a", "b", "c"),
        ("", "a", "bc"),
        ("ab", "c", ""),
        ("a", "", "bc"),
        ("", "", "abc"),
        ("abc", "", ""),
        ("ab", "", "c"),
    ],
)
def test_no_two_triples_run_together(parts: tuple[str, str, str]) -> None:
    """Joined without lengths, all of these would be the same bytes."""
    others = {
        derive_conversation_id(NAMESPACE, *other)
        for other in [("", "abc", ""), ("a", "bc", ""), ("", "ab\0c", "")]
    }
    assert derive_conversation_id(NAMESPACE, *parts) not in others


@pytest.mark.promise("PAIR-1")
@given(
    one=st.tuples(tenant_ids, user_ids, user_ids),
    other=st.tuples(tenant_ids, user_ids, user_ids),
)
def test_different_triples_have_different_ids(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    ids_are_equal = derive_conversation_id(NAMESPACE, *one) == derive_conversation_id(
        NAMESPACE, *other
    )
    assert ids_are_equal == (one == other)


@pytest.mark.promise("PAIR-1")
def test_another_installation_gives_other_ids() -> None:
    """Without the installation's secret an id tells nothing about who is in it."""
    assert derive_conversation_id(NAMESPACE, "", "ann", "bob") != derive_conversation_id(
        bytes(16), "", "ann", "bob"
    )


# The ids of messages ----------------------------------------------------------------------------


def milliseconds_of(message: MessageId) -> int:
    return message.int >> 80


@pytest.mark.promise("MSG-2")
@given(now_us=instants_us, entropy=entropies)
def test_a_first_message_has_a_version_7_id_of_its_millisecond(now_us: int, entropy: int) -> None:
    made = next_message_id(now_us, entropy, None)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert milliseconds_of(made) == now_us // 1000


@pytest.mark.promise("MSG-2")
@given(now_us=instants_us, entropies_=st.lists(entropies, unique=True, min_size=2, max_size=2))
def test_every_random_bit_is_in_the_id(now_us: int, entropies_: list[int]) -> None:
    one, other = (next_message_id(now_us, entropy, None) for entropy in entropies_)
    assert one != other


@pytest.mark.promise("MSG-2")
@given(steps=st.lists(st.tuples(st.integers(-(1 << 70), YEAR_9999_US), entropies), max_size=30))
def test_ids_grow_whatever_the_clock_says(steps: list[tuple[int, int]]) -> None:
    """As UUID, as text and as bytes: in every form in which a store may sort them."""
    made: list[MessageId] = []
    for now_us, entropy in steps:
        made.append(next_message_id(now_us, entropy, made[-1] if made else None))
    assert made == sorted(set(made))
    assert [str(it) for it in made] == sorted({str(it) for it in made})
    assert [it.bytes for it in made] == sorted({it.bytes for it in made})
    assert all(it.version == 7 for it in made)


@pytest.mark.promise("MSG-2")
def test_a_full_millisecond_carries_into_the_next() -> None:
    """All bits below it are used up: the next id is one millisecond ahead, and still in order."""
    full = next_message_id(5_999, LARGEST_ENTROPY, None)
    last = MessageId(UUID(int=full.int | 0xFFF << 64))
    following = next_message_id(5_999, 0, last)
    assert following.int > last.int
    assert milliseconds_of(last) == 5
    assert milliseconds_of(following) == 6
    assert following.version == 7
    assert following.variant == "specified in RFC 4122"


@pytest.mark.promise("MSG-2")
@given(now_us=instants_us, first=entropies, second=entropies)
def test_within_a_millisecond_the_next_id_cannot_be_guessed(
    now_us: int, first: int, second: int
) -> None:
    """It lies a random step of 1 to 2**32 further, or wherever a greater draw puts it."""
    before = next_message_id(now_us, first, None)
    after = next_message_id(now_us, second, before)
    step = 1 + (second & 0xFFFFFFFF)
    fresh = _payload(next_message_id(now_us, second, None))
    assert _payload(after) == max(_payload(before) + step, fresh)


@pytest.mark.promise("MSG-2", "PAGE-2")
@given(now_us=st.integers(0, YEAR_9999_US), entropies_=st.tuples(entropies, entropies))
def test_ids_of_different_conversations_sort_by_the_microsecond(
    now_us: int, entropies_: tuple[int, int]
) -> None:
    one, other = entropies_
    assert next_message_id(now_us, one, None) < next_message_id(now_us + 1, other, None)


def _payload(message: MessageId) -> int:
    """The id without version and variant, cut from its text."""
    bits = f"{message.int:0128b}"
    return int(bits[:48] + bits[52:64] + bits[66:], 2)


@pytest.mark.promise("MSG-2")
@pytest.mark.parametrize("now_us", [-1, -(10**18), -(1 << 200)])
def test_a_clock_before_the_epoch_gives_ids_of_the_epoch(now_us: int) -> None:
    assert milliseconds_of(next_message_id(now_us, 1, None)) == 0


@pytest.mark.promise("MSG-2")
@pytest.mark.parametrize("now_us", [1 << 60, 1 << 63, 1 << 200])
@given(draws=st.lists(st.integers(0, 1 << 73), min_size=1, max_size=10))
def test_a_clock_past_the_last_millisecond_still_gives_ids_in_order(
    now_us: int, draws: list[int]
) -> None:
    made: list[MessageId] = []
    for draw in draws:
        made.append(next_message_id(now_us, draw, made[-1] if made else None))
    assert milliseconds_of(made[0]) == (1 << 48) - 1
    assert made == sorted(set(made))
    assert all(it.version == 7 for it in made)


@pytest.mark.promise("MSG-2")
def test_a_clock_that_jumps_back_goes_on_from_the_last_id() -> None:
    last = next_message_id(YEAR_9999_US, 0, None)
    following = next_message_id(0, 41, last)
    assert following.int == last.int + 42


@given(now_us=instants_us, entropy=st.integers(1 << 62, 1 << 128))
def test_more_than_62_random_bits_do_no_harm(now_us: int, entropy: int) -> None:
    made = next_message_id(now_us, entropy, None)
    assert made.version == 7
    assert milliseconds_of(made) == now_us // 1000
