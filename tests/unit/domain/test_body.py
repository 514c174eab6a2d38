"""Bodies: what a message may say, and that it never shows itself by accident."""

import copy
import pickle
import unicodedata
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies import any_text

from dmcore.domain.body import Body, BodyReason, BodyRules, parse_body
from dmcore.errors import InvalidBody, InvalidSetting

RULES = BodyRules()
NO_EMOJI = BodyRules(emoji="refuse")


def reason_against(text: Any, rules: BodyRules = RULES) -> str:
    with pytest.raises(InvalidBody) as caught:
        parse_body(text, rules)
    return str(caught.value.details["reason"])


def is_accepted(text: str, rules: BodyRules = RULES) -> bool:
    return parse_body(text, rules).text == text


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize(
    "text",
    [
        "x",
        " x ",
        "\tx\r\n",
        "e\u0301 is not \u00e9",
        "\u202eright to left",
        "a\u200bb",
        "<b>no markup</b>",
        "\x01x",
        "\U0001f642",
        "\u05e9\u05dc\u05d5\u05dd",
        "\u3042",
        "\u0301",  # a mark without a letter is seen
        "\ue000",
        "\ufffd",
        "\U0010ffff",
    ],
)
def test_a_text_is_kept_byte_for_byte(text: str) -> None:
    """Never trimmed, folded, normalised or rewritten."""
    assert is_accepted(text)


@pytest.mark.promise("MSG-1")
@given(text=any_text)
def test_any_text_is_kept_as_it_is_or_refused_with_a_reason(text: str) -> None:
    refused: InvalidBody | None = None
    try:
        kept = parse_body(text, NO_EMOJI)
    except InvalidBody as error:
        refused = error
    if refused is None:
        assert kept.text == text
    else:
        assert refused.details["reason"] in set(BodyReason)


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("other", [None, 7, b"hello", ["hello"], Body("hello")], ids=repr)
def test_only_text_is_text(other: object) -> None:
    assert reason_against(other) == BodyReason.NOT_TEXT


@pytest.mark.promise("MSG-1")
def test_the_empty_text_says_nothing() -> None:
    assert reason_against("") == BodyReason.EMPTY


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("text", ["\0", "a\0b", "\u00e9\0", "a\0"])
def test_nul_is_refused(text: str) -> None:
    assert reason_against(text) == BodyReason.NUL


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ud83d \ude42", "\udc80 b"])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    assert reason_against(text) == BodyReason.LONE_SURROGATE


# Sizes ------------------------------------------------------------------------------------------


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("character", ["x", "\u00e9", "\u3042", "\U0001f642"])
def test_at_most_4000_code_points(character: str) -> None:
    assert is_accepted(character * 4_000)
    assert reason_against(character * 4_001) == BodyReason.TOO_LONG


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize(
    ("character", "size"), [("x", 1), ("\u00e9", 2), ("\u3042", 3), ("\U00020000", 4)]
)
def test_at_most_so_many_bytes_of_utf_8(character: str, size: int) -> None:
    rules = BodyRules(largest_bytes=100 * size)
    assert is_accepted(character * 100, rules)
    assert reason_against(character * 100 + "x", rules) == BodyReason.TOO_LARGE


@pytest.mark.promise("MSG-1")
def test_by_default_both_sizes_matter() -> None:
    """4,000 of the widest characters are 16,000 bytes; 16 KiB leave room for them."""
    assert RULES.longest == 4_000
    assert RULES.largest_bytes == 16 * 1024
    assert len("\U00020000".encode() * 4_000) < RULES.largest_bytes


@pytest.mark.promise("MSG-1")
def test_the_refusal_of_a_size_tells_the_bound_and_not_the_text() -> None:
    rules = BodyRules(longest=3, largest_bytes=5)
    with pytest.raises(InvalidBody) as long:
        parse_body("abcd", rules)
    assert long.value.details == {"reason": "too_long", "longest": 3}
    with pytest.raises(InvalidBody) as large:
        parse_body("\u3042\u3042", rules)
    assert large.value.details == {"reason": "too_large", "largest_bytes": 5}


# Invisible texts --------------------------------------------------------------------------------

# Unicode's Default_Ignorable_Code_Point, White_Space and what else draws nothing, from the property
# files and not from the code under test.
INVISIBLE = {
    "white space": [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x3000],
    "line and paragraph separators": [0x2028, 0x2029],
    "narrow and mathematical spaces": [0x202F, 0x205F],
    "zero width": [0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF],
    "directions": [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "invisible operators": [*range(0x2061, 0x2066), *range(0x206A, 0x2070)],
    "soft hyphen and joiner": [0x00AD, 0x034F],
    "hangul fillers": [0x115F, 0x1160, 0x3164, 0xFFA0],
    "khmer inherent vowels": [0x17B4, 0x17B5],
    "mongolian selectors": [0x180B, 0x180C, 0x180D, 0x180E, 0x180F],
    "blank braille": [0x2800],
    "a note without a head": [0x1D159],
    "variation selectors": [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)],
    "specials": [*range(0xFFF0, 0xFFF9)],
    "shorthand and musical controls": [*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)],
    "tags": [0xE0000, 0xE0001, *range(0xE0020, 0xE0080)],
    "unassigned ignorables": [0xE0002, 0xE001F, 0xE0080, 0xE00FF, 0xE01F0, 0xE0FFF],
}


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("kind", INVISIBLE)
def test_a_text_that_draws_nothing_is_refused(kind: str) -> None:
    for point in INVISIBLE[kind]:
        assert reason_against(chr(point)) == BodyReason.INVISIBLE, hex(point)
        assert reason_against(f" {chr(point)}\u200b") == BodyReason.INVISIBLE, hex(point)
        assert is_accepted(f"{chr(point)}x"), hex(point)


@pytest.mark.promise("MSG-1")
@given(text=st.text(st.sampled_from([chr(it) for row in INVISIBLE.values() for it in row])))
def test_no_mixture_of_invisible_characters_shows_anything(text: str) -> None:
    assert reason_against(text) == (BodyReason.INVISIBLE if text else BodyReason.EMPTY)


@pytest.mark.promise("MSG-1")
@given(
    character=st.characters(
        categories=["L", "N", "P", "S"],
        exclude_characters=[chr(it) for row in INVISIBLE.values() for it in row],
    )
)
def test_every_letter_digit_and_sign_shows_something(character: str) -> None:
    assert is_accepted(character), unicodedata.name(character, "unnamed")


# Emoji ------------------------------------------------------------------------------------------

EMOJI = [
    "\U0001f642",
    "\U0001f44d\U0001f3fd",  # with a skin tone
    "\U0001f469\u200d\U0001f680",  # joined
    "\U0001f1ee\U0001f1f9",  # a flag
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "1\ufe0f\u20e3",
    "1\u20e3",
    "\u2764\ufe0f",
    "\u00a9\ufe0f",
    "\u2194\ufe0f",
    "\u231a",
    "\u23f0",
    "\u26a1",
    "\u26d4",
    "\u2705",
    "\u270a",
    "\u2728",
    "\u274c",
    "\u2753",
    "\u2795",
    "\u27b0",
    "\u2b50",
    "\u2b55",
    "\U0001f004",
    "\U0001f0cf",
    "\U0001f18e",
    "\U0001f19a",
    "\U0001f201",
    "\U0001f250",
    "\U0001f300",
    "\U0001f5ff",
    "\U0001f680",
    "\U0001f6fc",
    "\U0001f7e0",
    "\U0001f7f0",
    "\U0001f90c",
    "\U0001f9ff",
    "\U0001fa70",
    "\U0001faff",
]

# Signs that are drawn as text unless a selector asks for a picture.
SIGNS = [
    "plain text",
    "(c) 1 # *",
    "\u00a9 \u00ae \u2122",
    "\u2190 \u2194 \u21aa \u2b95",
    "\u2013 \u2026 \u20ac \u00a7 \u00b0",
    "\u2116 \u266a \u266f",
    "\u2460 \u24c2",
    "\u25a0 \u25b6 \u25cf",
    "\u2640 \u2642",
    "\u221e \u2211",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\u4f60\u597d \u0928\u092e\u0938\u094d\u0924\u0947",
    "\U0001d54f",  # a mathematical letter
    "\U00020000",
]


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("emoji", EMOJI, ids=ascii)
def test_a_policy_can_refuse_emoji(emoji: str) -> None:
    assert reason_against(f"so: {emoji}", NO_EMOJI) == BodyReason.EMOJI
    assert is_accepted(emoji)


@pytest.mark.promise("MSG-1")
@pytest.mark.parametrize("signs", SIGNS, ids=ascii)
def test_a_policy_against_emoji_leaves_signs_alone(signs: str) -> None:
    assert is_accepted(signs, NO_EMOJI)


# Rules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["longest", "largest_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "9", None, True], ids=repr)
def test_a_size_is_a_whole_number_of_at_least_1(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        BodyRules(**{name: value})
    assert caught.value.details["setting"] == f"body.{name}"


@pytest.mark.parametrize("value", ["", "ALLOW", "deny", None, True, ["allow"]], ids=repr)
def test_emoji_are_allowed_or_refused(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        BodyRules(emoji=value)
    assert caught.value.details["setting"] == "body.emoji"


@pytest.mark.promise("MSG-1")
def test_the_smallest_sizes_hold_one_character() -> None:
    assert is_accepted("x", BodyRules(longest=1, largest_bytes=1))
    assert reason_against("xy", BodyRules(longest=1)) == BodyReason.TOO_LONG
    assert reason_against("xy", BodyRules(largest_bytes=1)) == BodyReason.TOO_LARGE


# The value --------------------------------------------------------------------------------------


@pytest.mark.promise("LEAK-1")
def test_a_body_does_not_show_itself() -> None:
    body = Body("a secret")
    shown = (repr(body), str(body), f"{body}", f"{body!r}", repr([body]), ascii(body))
    assert all("secret" not in text for text in shown)


def test_a_body_survives_copying_and_pickling() -> None:
    body = Body("h\u00e9llo")
    assert copy.copy(body) == copy.deepcopy(body) == pickle.loads(pickle.dumps(body)) == body
    assert pickle.loads(pickle.dumps(body)).text == "h\u00e9llo"


def test_bodies_are_equal_by_their_text() -> None:
    assert Body("a") == Body("a")
    assert hash(Body("a")) == hash(Body("a"))
    assert Body("e\u0301") != Body("\u00e9")
    a_text: object = "a"
    assert Body("a") != a_text


@pytest.mark.promise("LEAK-1", "MSG-1")
def test_a_body_is_a_value_that_never_changes() -> None:
    """Two of the same text are one; nobody can put another text into one that was checked."""
    body = Body("hello")
    assert body == Body("hello")
    assert body != Body("hallo")
    assert body != "hello"
    assert len({body, Body("hello"), Body("hallo")}) == 2
    changing: Any = body
    with pytest.raises(AttributeError):
        changing.text = "other"
    with pytest.raises(AttributeError):
        del changing._text
    assert body.text == "hello"
    assert not attrs.has(Body)
