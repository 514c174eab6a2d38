"""What a user decides is valid or does not exist."""

from typing import Any

import attrs
import pytest

from dmcore.domain.preferences import OpenTo, Preferences, check_preferences
from dmcore.errors import InvalidSetting


@pytest.mark.promise("PREF-1")
def test_who_never_chose_is_open_to_everyone_and_shows_everything() -> None:
    assert attrs.astuple(Preferences()) == (OpenTo.EVERYONE, True, True, True)


@pytest.mark.promise("PREF-1")
@pytest.mark.parametrize("choice", OpenTo)
def test_a_choice_may_be_given_as_a_word(choice: OpenTo) -> None:
    word: Any = choice.value
    made = Preferences(open_to=word)
    assert made == Preferences(open_to=choice)
    assert made.open_to is choice


@pytest.mark.parametrize("value", ["", "Everyone", "friends", None, True, 0, ["nobody"]], ids=repr)
def test_who_may_start_is_one_of_three(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Preferences(open_to=value)
    assert caught.value.details["setting"] == "open_to"


@pytest.mark.parametrize("name", ["receipts", "typing", "presence"])
@pytest.mark.parametrize("value", [0, 1, None, "yes", "False"], ids=repr)
def test_what_is_shown_is_a_truth_and_nothing_like_one(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Preferences(**{name: value})
    assert caught.value.details["setting"] == name


@pytest.mark.parametrize("name", ["receipts", "typing", "presence"])
def test_each_is_chosen_by_itself(name: str) -> None:
    choices: dict[str, Any] = {name: False}
    made = Preferences(**choices)
    assert attrs.asdict(made) == {**attrs.asdict(Preferences()), name: False}


@pytest.mark.parametrize("value", [None, {}, "nobody", OpenTo.NOBODY, Preferences], ids=repr)
def test_preferences_come_as_such(value: Any) -> None:
    with pytest.raises(InvalidSetting) as caught:
        check_preferences(value)
    assert caught.value.details["setting"] == "preferences"
    assert check_preferences(made := Preferences(typing=False)) is made
