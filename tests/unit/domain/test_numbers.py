"""Whole numbers within bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmcore.domain.numbers import is_whole_number


@given(value=st.integers(), least=st.integers(), most=st.none() | st.integers())
def test_a_number_is_whole_and_within_its_bounds(value: int, least: int, most: int | None) -> None:
    is_within = least <= value and (most is None or value <= most)
    assert is_whole_number(value, least=least, most=most) == is_within


@pytest.mark.parametrize("bound", [1, 5, 9])
def test_bounds_belong_to_it(bound: int) -> None:
    assert is_whole_number(bound, least=1, most=9)


@pytest.mark.parametrize(
    "value", [True, False, 1.0, "1", None, b"1", [1], float("nan"), 1j], ids=repr
)
def test_what_only_looks_like_one_is_none(value: Any) -> None:
    assert not is_whole_number(value, least=0)
