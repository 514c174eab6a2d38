"""Whatever two sessions do at once, it is as if one had acted after the other."""

from collections.abc import Iterator

import pytest
from tests.interleavings.acts import ACTS
from tests.interleavings.conftest import IS_NIGHTLY, MOST_INTERRUPTIONS
from tests.interleavings.explorer import Choose, Script, explore
from tests.interleavings.ring import Bout, Ring

# Where the two have the same of each other it makes no difference which of them does what.
_EVEN = {"strangers", "friends"}
# Where one user alone can be in the own way: limits, keys, the same message twice.
_TEXTS = {it for it in ACTS if it.partition(" ")[0] in ("start", "send", "edit", "delete")}


def _bouts(name: str) -> Iterator[tuple[str, Bout]]:
    """The first act against every act: by the two users of a conversation, and by one alone."""
    first = ACTS[name]
    for other, second in ACTS.items():
        settings = {first.setting, second.setting} - {"strangers"} or {"strangers"}
        if not IS_NIGHTLY and settings - _EVEN:
            settings -= _EVEN
        if "start" in (name, other) and "prune_journals" not in (name, other):
            settings.add("strangers")
        for setting in sorted(settings):
            acts = (first, second)
            title = f"{name} and {other}, {setting}"
            if name <= other or IS_NIGHTLY or setting not in _EVEN:
                yield f"{title}, by two", Bout(setting, ("ann", "bob"), acts)
            if name <= other and (IS_NIGHTLY or {name, other} <= _TEXTS):
                yield f"{title}, by one", Bout(setting, ("ann", "ann"), acts)


@pytest.mark.promise("MSG-4", "PAIR-2", "LIMIT-1", "FEED-2")
@pytest.mark.parametrize("name", ACTS)
def test_two_acts_at_once_come_to_the_same_as_one_after_the_other(ring: Ring, name: str) -> None:
    for title, bout in _bouts(name):
        results: list[object] = []

        def fight(choose: Choose, bout: Bout = bout, results: list[object] = results) -> None:
            results.append(ring.fight(bout, choose))

        scripts = list(explore(fight, most_interruptions=MOST_INTERRUPTIONS))
        serial = [result for result, it in zip(results, scripts, strict=True) if _is_serial(it)]
        assert len(serial) == 2, title
        for script, result in zip(scripts, results, strict=True):
            assert result in serial, (title, script.choices)
    assert ring.is_sound()


def _is_serial(script: Script) -> bool:
    """Whether one acted only after the other had done all."""
    return not any(decision.is_interruption for decision in script.decisions)
