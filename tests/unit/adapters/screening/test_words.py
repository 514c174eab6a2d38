"""The word list: what it finds however it is written, and what it leaves alone."""

from typing import Any

import pytest
from hypothesis import given
from tests.unit.adapters.screening.submissions import forms, submitted, texts

from dmcore.adapters.screening import WordList
from dmcore.adapters.screening._folding import Table, folded
from dmcore.domain.screening import Flag, Pass, Refuse
from dmcore.errors import InvalidSetting

WORDS = ["fuck", "ass", "a$$hole", "shit", "kill", "whore", "dick", "god", "con"]
PHRASES = ["go away now", "fick dich"]
FOREIGN = ["сука", "рот", "шлюха", "שרמוטה", "شرموطة", "शब्द", "バカ", "씨발", "1488"]
LIST = WordList([*WORDS, *PHRASES, *FOREIGN])


def is_caught(text: str, words: WordList = LIST) -> bool:
    return words.screen(submitted(text)) != Pass()


CAUGHT = [
    "fuck",
    "what the FUCK is it",
    "(fuck)",
    "#fuck",
    "@fuck!",
    "fuck's",
    "fuck1",
    # The same letters, drawn otherwise.
    "\uff46\uff55\uff43\uff4b",
    "fu\u0301ck",
    "f\u00fa\u010dk",
    "f\u0336u\u0336c\u0336k\u0336",
    "\U0001d4ef\U0001d4fe\U0001d4ec\U0001d4f4",
    "\U0001f155\U0001f164\U0001f152\U0001f15a",
    "\U0001f1eb\U0001f1fa\U0001f1e8\U0001f1f0",
    "\u1da0\u1d58\u1d9c\u1d4f",
    # What draws nothing.
    "f\u200bu\u200cc\u200dk",
    "f\u00adu\u00adck",
    "f\u2060u\ufeffc\ufe0fk",
    "f\U000e0041uck",
    "f\u0941uck",
    "\u202efuck\u202c",
    # Look-alikes.
    "fu\u0441k",
    "f\u03c5ck",
    "\u0192uck",
    "k\u0131ll",
    "\u0455h\u0456t",
    # Digits and symbols.
    "sh1t",
    "5h1t",
    "$hit",
    "sh!t!",
    "sh!t!!!",
    "shit!!!",
    "a$$",
    "a55hole",
    "ki11",
    "k1ll",
    "d|ck",
    # Spaces and punctuation.
    "f u c k",
    "f  u\nc\tk you",
    "f.u.c.k",
    "f_u_c_k",
    "f-u-c-k",
    "f*u*c*k*",
    "f'u'c'k",
    "f\U0001f642u\U0001f642c\U0001f642k",
    "fu-ck",
    "fu.ck",
    "i f u c k it",
    "you a f u c k er",
    "f u c k u",
    "u r a f u c k",
    "a s s",
    "a $ $",
    "s h 1 t",
    "$-h-i-t",
    "\u0441 \u0443 k \u0430",
    # Letters written again and again.
    "fuuuck",
    "ffffuuuuccckkkk",
    "asssss",
    "f u u u c k",
    # Phrases.
    "Go away NOW",
    "go  away,\nnow!",
    "go-away-now",
    "g o a w a y n o w",
    "go \u0430way now",
    "f1ck dich",
    # Other scripts.
    "\u0421\u0423\u041a\u0410",
    "\u0442\u044b \u0441\u0443\u043aa",
    "\u0441\u0443\u0301\u043a\u0430",
    "\u0440\u043e\u0442",
    "\u05e9\u05b7\u05c1\u05e8\u05b0\u05de\u05d5\u05bc\u05d8\u05b8\u05d4",
    "\u202b\u0634\u064e\u0631\u0645\u0648\u0637\u0629\u202c",
    "\u0634\u0640\u0631\u0645\u0648\u0637\u0629".replace("\u0640", "\u200d"),
    "\u0936\u092c\u094d\u0926!",
    "\uff8a\uff9e\uff76".replace("\uff8a\uff9e", "\u30d0"),
    "\uc528\ubc1c",
    "1488",
    "\u0661\u0664\u0668\u0668",
]

PASSES = [
    "assassin",
    "Scunthorpe",
    "Dickens and Penistone",
    "class, pass and grass",
    "as",
    "as s",
    "who're you",
    "good",
    "coon't",
    "skill",
    "killing time",
    "the A55 road",
    "455 a 1st",
    "p a s s",
    "a b c",
    "go away",
    "away now go",
    "go away, not now",
    "pot",
    "pot, caf\u00e9",
    "\u0440\u043e\u0442\u044b",
    "h\u00e9 pot \u00e9",
    "14 88",
    "!!!",
    "$ + $",
    "\u0301",
    "\u0941\u0941 \u0301",
    "b\u0101ka",
    "\u30d0",
    "fu ck",
    "f\u00a0uck",
]


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", CAUGHT, ids=ascii)
def test_a_word_is_found_however_it_is_written(text: str) -> None:
    assert LIST.screen(submitted(text)) == Refuse("word")


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("text", PASSES, ids=ascii)
def test_what_only_resembles_a_word_passes(text: str) -> None:
    assert LIST.screen(submitted(text)) == Pass()


@pytest.mark.promise("MOD-5")
def test_look_alikes_alone_are_latin_unless_the_message_is_in_their_script() -> None:
    words = WordList(["pox"])
    assert is_caught("\u0440\u043e\u0445", words)
    assert not is_caught("\u0440\u043e\u0445 \u044f", words)
    assert is_caught("p\u043e\u0445 \u044f", words)
    assert not is_caught("\u0440 \u043e \u0445 \u044f", words)


@pytest.mark.promise("MOD-5")
def test_a_word_of_another_script_is_not_found_in_latin_letters() -> None:
    words = WordList(["\u0440\u043e\u0442"])
    assert is_caught("\u0440o\u0442", words)
    assert not is_caught("pot", words)
    assert not is_caught("pot \u0430", words)


@pytest.mark.promise("MOD-5")
def test_a_long_entry_is_found_and_what_is_longer_is_not() -> None:
    words = WordList(["ab" * 50])
    assert is_caught("ab" * 50, words)
    assert not is_caught("ab" * 50 + "a", words)
    assert not is_caught("ab" * 2_000, words)


@pytest.mark.promise("MOD-5")
def test_an_empty_list_finds_nothing() -> None:
    assert not is_caught("fuck", WordList([]))


@pytest.mark.promise("MOD-5")
def test_a_word_of_two_letters_is_not_looked_for_in_pieces() -> None:
    words = WordList(["ab"])
    assert is_caught("ab", words)
    assert not is_caught("a b", words)
    assert not is_caught("a-b", words)


@pytest.mark.promise("MOD-5")
def test_an_operator_says_what_becomes_of_it() -> None:
    words = WordList(["fuck"], action="flag", reason="rude_word")
    assert words.screen(submitted("fuck")) == Flag("rude_word")
    assert words.reasons == ("rude_word",)


@pytest.mark.promise("MOD-5")
@given(text=texts)
def test_the_verdict_is_the_same_for_both_forms_of_composition(text: str) -> None:
    composed, decomposed = forms(text)
    assert folded(composed) == folded(decomposed)
    assert LIST.screen(submitted(composed)) == LIST.screen(submitted(decomposed))


@pytest.mark.promise("MOD-5")
@pytest.mark.parametrize("word", [*WORDS, *PHRASES, *FOREIGN], ids=ascii)
@given(text=texts)
def test_a_word_is_found_whatever_stands_around_it(word: str, text: str) -> None:
    """Letters of its own script around it take nothing from a word as it is listed."""
    assert is_caught(f"{text} {word} {text}")


@pytest.mark.promise("LEAK-1", "MOD-5")
@pytest.mark.parametrize(
    "words",
    ["fuck", ["fuck", ""], ["fuck", " ! "], ["fuck", 7], 7, ["fuck " * 9], ["fuck" * 26], None],
    ids=repr,
)
def test_a_list_holds_words_and_its_refusal_shows_none(words: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        WordList(words)
    assert caught.value.details["setting"] == "screening.words"
    assert "fuck" not in f"{caught.value!r}"


@pytest.mark.promise("LEAK-1")
def test_a_list_does_not_show_itself() -> None:
    assert "fuck" not in repr(LIST)


def test_what_a_character_folds_to_is_remembered_in_bounded_memory() -> None:
    table = Table(str.upper)
    assert "".join(map(chr, range(97, 20_000))).translate(table)[:2] == "AB"
    assert len(table) == 8_192
    assert "\U0001f600".translate(table) == "\U0001f600"
