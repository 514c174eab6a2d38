"""What is done with keys: the words for it."""

import pytest

from dmcore import Action
from dmcore.domain.key_work import KeyWork
from dmcore.errors import InvalidSetting


@pytest.mark.promise("AUD-1")
def test_each_work_is_a_fact_of_its_own() -> None:
    actions = {work: work.action for work in KeyWork}
    assert set(map(type, actions.values())) == {Action}
    assert len(set(actions.values())) == len(KeyWork)


@pytest.mark.parametrize("work", KeyWork)
def test_a_work_is_read_by_its_word(work: KeyWork) -> None:
    is_of_somebody = work is KeyWork.DESTROY
    assert KeyWork.parse(work.value, is_of_somebody=is_of_somebody) is work
    with pytest.raises(InvalidSetting, match="user"):
        KeyWork.parse(work.value, is_of_somebody=not is_of_somebody)


@pytest.mark.parametrize("word", ["", "Rotate", "rotate-users", "melt", 5])
def test_another_word_is_none(word: str) -> None:
    with pytest.raises(InvalidSetting, match="work: must be one of encrypt, seal, rotate,"):
        KeyWork.parse(word, is_of_somebody=False)
