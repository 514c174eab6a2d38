"""A text is stored and returned byte for byte, or refused with a reason."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmcore import BodyReason, BodyRules, Policy
from dmcore.errors import DmcoreError, InvalidBody
from dmcore.testing.world import MakeWorld, World, inbox_of, text_of, texts, thread_of

FAITHFUL = {
    "one letter": "a",
    "spaces around": "  a  ",
    "tabs and newlines at the end": "a\t\n\n",
    "Windows line ends": "one\r\ntwo\r\n",
    "a lone carriage return": "one\rtwo",
    "other line ends": "a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b",
    "other control characters": "".join(map(chr, range(1, 32))) + "a\x7f",
    "composed": "\u00e9\u00c5",
    "decomposed": "e\u0301A\u030a",
    "compatibility forms": "ﬁ ①²",
    "astral": "\U0001d54f \U00020000 \U0010ffff",
    "a family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e007f",
    "a byte order mark first": "\ufeffa",
    "a byte order mark alone between": "a\ufeffb\ufeff",
    "directions": "\u202eabc\u202c \u2066def\u2069",
    "Arabic and Hebrew": "مرحبا שלום",
    "noncharacters": "\ufffe\uffff\U0001ffff!",
    "replacement character": "\ufffd",
    "quotes and marks": """'"`;--%s %(x)s :x ? $1 {x} \\ \\0 \\u0000""",
    "markup": "<b>&amp;</b> [a](javascript:b) <img src=x>",
    "a number": "0012.50",
    "NULL": "NULL",
    "4,000 letters": "x" * 4_000,
    "4,000 astral letters": "\U00020000" * 4_000,
}

REFUSED: dict[str, tuple[object, BodyReason]] = {
    "nothing": ("", BodyReason.EMPTY),
    "a space": (" ", BodyReason.INVISIBLE),
    "white space of many kinds": (" \t\r\n\u00a0\u2003\u3000\u2028", BodyReason.INVISIBLE),
    "zero width": ("\u200b\u200c\u200d\u2060\ufeff", BodyReason.INVISIBLE),
    "directions only": ("\u202e\u2066", BodyReason.INVISIBLE),
    "fillers": ("\u3164\u115f\u1160\uffa0\u2800", BodyReason.INVISIBLE),
    "variation selectors": ("\ufe0f\U000e0100", BodyReason.INVISIBLE),
    "tags": ("\U000e0067\U000e007f", BodyReason.INVISIBLE),
    "soft hyphens": ("\u00ad\u034f", BodyReason.INVISIBLE),
    "NUL": ("a\0b", BodyReason.NUL),
    "a high surrogate": ("a\ud83d", BodyReason.LONE_SURROGATE),
    "a low surrogate": ("\ude00b", BodyReason.LONE_SURROGATE),
    "surrogates in the wrong order": ("\ude00\ud83d", BodyReason.LONE_SURROGATE),
    "4,001 letters": ("x" * 4_001, BodyReason.TOO_LONG),
    "4,001 astral letters": ("\U00020000" * 4_001, BodyReason.TOO_LONG),
    "bytes": (b"hello", BodyReason.NOT_TEXT),
    "a number": (7, BodyReason.NOT_TEXT),
    "None": (None, BodyReason.NOT_TEXT),
}


class TestBodies:
    """A text is stored and returned byte for byte, or refused with a reason."""

    @pytest.mark.promise("MSG-1")
    def test_every_text_comes_back_as_it_was(self, world: World) -> None:
        conversation = world.ann.start("bob", "first").conversation
        for name, text in FAITHFUL.items():
            world.tick()
            sent = world.ann.send(conversation, text, key=name)
            assert text_of(sent) == text
            for box in (world.ann, world.bob):
                (entry,) = inbox_of(box)
                assert entry.preview is not None
                assert text_of(entry.preview) == text
                assert box.thread(conversation).items[-1] == sent
        assert texts(thread_of(world.bob, conversation)) == ["first", *FAITHFUL.values()]

    @pytest.mark.promise("MSG-1", "MSG-3")
    def test_a_retry_returns_the_text_as_it_was(self, world: World) -> None:
        for name, text in FAITHFUL.items():
            first = world.ann.start("bob", text, key=name)
            assert world.ann.start("bob", text, key=name) == first

    @pytest.mark.promise("MSG-1")
    def test_any_text_comes_back_as_it_was(self, world: World) -> None:
        conversation = world.ann.start("bob", "first").conversation

        @settings(max_examples=40)
        @given(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)
        )
        def holds(text: str) -> None:
            visible = f"{text}!"
            sent = world.ann.send(conversation, visible)
            assert text_of(sent) == visible
            assert text_of(world.bob.thread(conversation, limit=1).items[0]) == visible

        holds()

    @pytest.mark.promise("MSG-1")
    @pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
    def test_what_is_no_message_is_refused_with_its_reason(
        self, world: World, case: tuple[object, BodyReason]
    ) -> None:
        text, reason = case
        conversation = world.ann.start("bob", "first").conversation
        writes: tuple[Callable[[], object], ...] = (
            lambda: world.ann.send(conversation, text),  # type: ignore[arg-type]
            lambda: world.ann.start("cyd", text),  # type: ignore[arg-type]
            lambda: world.ann.start("bob", text, key="k"),  # type: ignore[arg-type]
        )
        with world.unchanged():
            for write in writes:
                with pytest.raises(InvalidBody) as caught:
                    write()
                assert caught.value.details["reason"] == reason

    @pytest.mark.promise("MSG-1", "LEAK-1")
    def test_a_refusal_does_not_repeat_the_text(self, world: World) -> None:
        secret = "the door code is zebra"
        for text in (f"{secret}\0", f"{secret}\ud800", secret + "x" * 4_000):
            with pytest.raises(InvalidBody) as caught:
                world.ann.start("bob", text)
            assert (
                secret
                not in f"{caught.value!r} {caught.value.details} {caught.value.__context__!r}"
            )

    @pytest.mark.promise("MSG-1")
    def test_sixteen_kibibytes_are_the_edge(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(body=BodyRules(longest=20_000)))
        for letter in ("a", "é", "\U00020000"):
            size = len(letter.encode())
            fits = letter * (16_384 // size)
            sent = world.ann.start("bob", fits)
            assert text_of(world.bob.thread(sent.conversation, limit=1).items[0]) == fits
            with world.unchanged(), pytest.raises(InvalidBody) as caught:
                world.ann.start("bob", fits + "a")
            assert caught.value.details == {"reason": BodyReason.TOO_LARGE, "largest_bytes": 16_384}

    @pytest.mark.promise("MSG-1")
    def test_the_sizes_are_the_policys(self, make_world: MakeWorld) -> None:
        world = make_world(Policy(body=BodyRules(longest=3, largest_bytes=5)))
        conversation = world.ann.start("bob", "abc").conversation
        world.ann.send(conversation, "éé")
        for text, reason in (("abcd", BodyReason.TOO_LONG), ("ééé", BodyReason.TOO_LARGE)):
            with world.unchanged(), pytest.raises(InvalidBody) as caught:
                world.ann.send(conversation, text)
            assert caught.value.details["reason"] == reason

    @pytest.mark.promise("MSG-1")
    def test_emoji_are_text_unless_the_policy_refuses_them(self, make_world: MakeWorld) -> None:
        strict = make_world(Policy(body=BodyRules(emoji="refuse"), messages=None, starts=None))
        free = strict.open()
        conversation = strict.ann.start("bob", "plain").conversation
        for text in (
            "\U0001f600",
            "ok \u2764\ufe0f",
            "1\ufe0f\u20e3",
            "\U0001f1e9\U0001f1ea",
            "\u26bd",
        ):
            with strict.unchanged(), pytest.raises(InvalidBody) as caught:
                strict.ann.send(conversation, text)
            assert caught.value.details["reason"] == BodyReason.EMOJI
            free.mailbox("ann").send(conversation, text)
            assert text_of(strict.bob.thread(conversation, limit=1).items[0]) == text
        for text in ("1 # * ©", "→ ½ ∑", "日本語", ":-)", "a\u0308"):
            assert text_of(strict.ann.send(conversation, text)) == text

    @pytest.mark.promise("MSG-1", "LEAK-1")
    def test_a_text_shows_itself_only_when_asked(self, world: World) -> None:
        sent = world.ann.start("bob", "the door code is zebra")
        for shown in (sent, sent.body, world.bob.inbox(), world.bob.thread(sent.conversation)):
            assert "zebra" not in f"{shown!r} {shown!s}"
        assert text_of(sent) == "the door code is zebra"

    def test_a_bad_text_is_noticed_before_the_store_is_asked(self, make_world: MakeWorld) -> None:
        """The border comes first: a text that is none is refused in every mode, to everybody."""
        world = make_world(mode=None)
        with pytest.raises(InvalidBody):
            world.ann.start("bob", " ")
        with pytest.raises(DmcoreError) as caught:
            world.ann.start("bob", "x")
        assert caught.value.code == "messaging_unavailable"
