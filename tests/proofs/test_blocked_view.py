"""While Bob blocks Ann nothing of hers is in anything that he can ask for (BLOCK-1).

The law is looked for in the answers themselves, so a list that is added to what is observed is held
to it without a word about it here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from tests.proofs.conftest import Worlds
from tests.proofs.programs import target_of
from tests.proofs.stages import Seen, Stage, Step
from tests.proofs.test_secrecy import ANYHOW_S, OWN_VIEW, UNLIMITED, WRITING, moves, programs

from dmcore import Fact, InboxEntry, Message, Policy

_OF: Final = (
    *moves("ann", (*WRITING, "see", "delete", "accept", *OWN_VIEW), "bob"),
    *moves("bob", ("block", "unblock", "block", "start", "see", *OWN_VIEW), "ann"),
    *moves("cyd", ("start", "see", "edit"), "bob"),
    *moves("bob", ("start", "see"), "cyd"),
)
_OPENINGS: Final = (
    (("ann", "start", "bob"), ("bob", "start", "ann"), ("bob", "block", "ann")),
    (("bob", "start", "ann"), ("ann", "see", "bob"), ("ann", "reply", "bob")),
    (("ann", "start", "bob"), ("cyd", "start", "bob"), ("bob", "block", "ann")),
)
_POLICIES: Final[Mapping[str, Policy]] = {
    "refuse": UNLIMITED,
    "absorb": attrs.evolve(UNLIMITED, blocked="absorb"),
    "absorb, ask": attrs.evolve(UNLIMITED, blocked="absorb", requests="ask"),
}


def _parts(value: object) -> Iterator[object]:
    """A value and everything that is in it."""
    yield value
    kind: type = type(value)
    if attrs.has(kind):
        for field in attrs.fields(kind):
            yield from _parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for it in value.values():
            yield from _parts(it)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for it in value:
            yield from _parts(it)


def _is_of_ann(part: object) -> bool:
    match part:
        case Message(sender="ann") | Fact(actor="ann") | InboxEntry(other="ann"):
            return True
    return False


def _of_ann(seen: Mapping[str, Seen]) -> dict[str, list[object]]:
    found = {
        question: [part for part in _parts(it.answer) if _is_of_ann(part)]
        for question, it in seen.items()
    }
    return {question: parts for question, parts in found.items() if parts}


@pytest.mark.promise("BLOCK-1", "PAGE-1", "FEED-1", "GDPR-1")
@pytest.mark.parametrize("policy", _POLICIES.values(), ids=_POLICIES)
def test_whoever_blocks_sees_nothing_of_the_blocked_anywhere(
    worlds: Worlds, policy: Policy
) -> None:
    @settings(
        max_examples=max(settings().max_examples // worlds.share // 2, 1),
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(programs(_OF, ANYHOW_S, *_OPENINGS))
    def proof(program: list[Step]) -> None:
        with worlds.open(policy) as (stage, _idle):
            for number, step in enumerate(program, 1):
                stage.begin(step, number)
                stage.act(step, target_of(step, [stage]), f"{step.who} {number}")
            _check(stage)

    proof()


def _check(stage: Stage) -> None:
    """Whether he blocks her already, or does so now."""
    stage.box("bob").block("ann")
    assert _of_ann(stage.observed("bob", sorted(stage.ever))) == {}


def test_what_is_hers_is_found_where_it_is(worlds: Worlds) -> None:
    """Or the proof would prove nothing."""
    with worlds.open(UNLIMITED) as (stage, _idle):
        stage.box("ann").start("bob", "hello")
        found = _of_ann(stage.observed("bob", ()))
    assert found.keys() == {"inbox", "snapshot", "changes", "export", "thread ann-bob"}
