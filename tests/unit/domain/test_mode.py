"""The operator's switch: what each position allows."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from tests.unit.strategies import any_text

from dmcore.domain.mode import Mode
from dmcore.errors import InvalidSetting, MessagingUnavailable

ALLOWED = {
    Mode.OFF: set[str](),
    Mode.READ_ONLY: {"read"},
    Mode.REPLIES_ONLY: {"read", "reply"},
    Mode.ON: {"read", "reply", "start"},
}
CHECKS: dict[str, Callable[[Mode], None]] = {
    "read": Mode.check_read,
    "reply": Mode.check_reply,
    "start": Mode.check_start,
}


@pytest.mark.promise("OPS-1")
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("action", CHECKS)
def test_each_position_allows_what_the_table_says(mode: Mode, action: str) -> None:
    if action in ALLOWED[mode]:
        CHECKS[action](mode)
    else:
        with pytest.raises(MessagingUnavailable) as caught:
            CHECKS[action](mode)
        assert caught.value.details == {"mode": mode.value}


@pytest.mark.parametrize("mode", Mode)
def test_a_mode_is_read_from_its_name_with_either_dash(mode: Mode) -> None:
    assert Mode.parse(mode) is mode
    assert Mode.parse(mode.value) is mode
    assert Mode.parse(mode.value.replace("_", "-")) is mode


@pytest.mark.parametrize("word", ["", "ON", "On", "on ", "read only", "enabled", "1"])
def test_another_word_is_no_mode(word: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Mode.parse(word)
    assert caught.value.details["setting"] == "mode"
    assert "off, read-only, replies-only, on" in str(caught.value)


@pytest.mark.parametrize("value", [None, True, 1, b"on"], ids=repr)
def test_what_is_no_word_is_no_mode(value: Any) -> None:
    with pytest.raises(InvalidSetting):
        Mode.parse(value)


@given(word=any_text)
def test_any_text_is_a_mode_or_refused_with_a_typed_error(word: str) -> None:
    with suppress(InvalidSetting):
        assert Mode.parse(word).value == word.replace("-", "_")
