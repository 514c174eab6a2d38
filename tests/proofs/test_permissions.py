"""The whole matrix: every operation, by everybody, in every state (``permissions``, ``scenes``)."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import attrs
import pytest
from tests.proofs.permissions import MAILBOX, MODERATION, OPERATIONS, Row
from tests.proofs.places import MemoryPlace, Place, PostgresPlace, SqlitePlace
from tests.proofs.scenes import SCENES, Cell, Scene, cells
from tests.support.stores import (
    MemoryHarness,
    PostgresHarness,
    SqliteHarness,
    asked_through,
)

from dmcore import Body, DmcoreError, Mailbox, Mode, ModerationDesk, Operations
from dmcore.adapters import sql
from dmcore.domain.ids import TenantId, UserId
from dmcore.domain.pair import Pair
from dmcore.errors import AccessDenied, EvidenceDenied
from dmcore.testing.world import anatomy

# On a database the other modes are asked in these scenes, in memory in all of them.
IN_EVERY_MODE: Final = (
    SCENES["the two write to each other"],
    SCENES["it exists for ann only"],
)


OF_NO_REPORT: Final = {
    *("reports", "bulk", "restrict_each", "lift_each"),
    *("restrictions", "about", "metrics"),
}
"""What a moderator asks without naming a report: in another tenant it finds nothing."""


def operations_of(facade: type) -> set[str]:
    """The public methods, found in the class itself."""
    return {
        name
        for name, _ in inspect.getmembers(facade, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.promise("CONV-1")
@pytest.mark.parametrize(
    ("facade", "table"),
    [(Mailbox, MAILBOX), (Operations, OPERATIONS), (ModerationDesk, MODERATION)],
    ids=["mailbox", "operations", "moderation"],
)
def test_every_operation_has_its_rows(facade: type, table: Mapping[str, object]) -> None:
    public = operations_of(facade)
    missing = sorted(public - table.keys())
    assert not missing, f"say who may do this, in tests/proofs/permissions.py: {missing}"
    assert not table.keys() - public, "these are no operations any more"


@pytest.mark.promise("MOD-2")
def test_no_operation_is_both_a_participants_and_an_operators() -> None:
    assert not operations_of(Mailbox) & operations_of(Operations)
    assert not operations_of(ModerationDesk) & operations_of(Operations)
    # One makes a report, the other reads what is noted of it.
    assert operations_of(ModerationDesk) & operations_of(Mailbox) == {"report"}


Opened = Callable[[Scene], Any]


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, sqlite_url: str) -> Opened:
    """Opens a scene on an empty store."""

    @contextmanager
    def place_of(scene: Scene) -> Iterator[Place]:
        if request.param == "memory":
            yield MemoryPlace(MemoryHarness(), scene)
            return
        sql.initialise(sqlite_url)
        harness = SqliteHarness(sqlite_url)
        place = SqlitePlace(harness, scene)
        with asked_through(place.dm) as place.asked:
            yield place
        place.close()
        harness.close()

    return place_of


@attrs.define
class Findings:
    """What refusals looked like, and what they took."""

    anatomies: set[str] = attrs.field(factory=set)
    traces: dict[object, dict[tuple[str, ...], str]] = attrs.field(factory=dict)
    count: int = 0

    def check(self) -> None:
        """All that one does not have or see is one error, reached by the same statements."""
        assert len(self.anatomies) == 1
        for what, traces in self.traces.items():
            assert len(traces) == 1, (what, traces)


@pytest.mark.promise("CONV-1", "CONV-2", "BLOCK-1", "BLOCK-2", "REQ-1", "MSG-5", "OPS-1", "TEN-1")
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_every_cell_comes_out_as_the_table_says(opened: Opened, scene: Scene) -> None:
    """What is refused or only read changes nothing, and outsiders are told nothing.

    All that one does not have or see is one error, reached by the same statements.
    """
    findings = Findings()
    with opened(scene) as place:
        for mode in (
            Mode if scene in IN_EVERY_MODE or isinstance(place, MemoryPlace) else (Mode.ON,)
        ):
            place.dm.operations("olga").set_mode(mode)
            place.keep()
            for name, row, cell in _matrix(place, scene, mode):
                _ask(place, name, row, cell, findings)
    findings.check()
    assert findings.count > 500


@pytest.mark.promise("CONV-1", "CONV-2", "BLOCK-1", "BLOCK-2")
@pytest.mark.parametrize(
    "name",
    [
        "the two write to each other",
        "it exists for ann only, whom bob blocks",
        "a request awaits bob, who blocks",
    ],
)
def test_what_is_refused_or_read_is_so_on_postgresql(postgres_url: str, name: str) -> None:
    """A sample: what changes nothing, which is compared once, in the end."""
    findings = Findings()
    sql.initialise(postgres_url)
    harness = PostgresHarness(postgres_url)
    place = PostgresPlace(harness, SCENES[name])
    before = harness.contents()
    with asked_through(place.dm) as place.asked:
        for what, row, cell in _matrix(place, SCENES[name], Mode.ON):
            if row.is_reading or row.expected(cell.situation) is not None:
                _ask(place, what, row, cell, findings)
    assert harness.contents() == before
    findings.check()
    assert findings.count > 300
    harness.close()


def _matrix(place: Place, scene: Scene, mode: Mode) -> Iterator[tuple[object, Row, Cell]]:
    pair = Pair.of(TenantId(""), UserId("ann"), UserId("bob"))
    conversation = pair.conversation_id(place.namespace)
    for name, rows in MAILBOX.items():
        for number, row in enumerate(rows):
            for cell in cells(
                scene, place.facts, place.around, conversation, mode=mode, about=row.about
            ):
                yield (name, number), row, cell


def _ask(place: Place, name: object, row: Row, cell: Cell, findings: Findings) -> None:
    where = (name, cell)
    findings.count += 1
    before = place.version()
    del place.asked[:]
    expected, answer = row.expected(cell.situation), None
    refusal: DmcoreError | None = None
    try:
        answer = row.call(place.people.box(cell.actor), cell.asked)
    except DmcoreError as error:
        refusal = error
    came_out = None if refusal is None else type(refusal)
    assert came_out is expected, where
    if refusal is None:
        assert row.answers(cell.situation, answer), (where, answer)
        if cell.actor not in {"ann", "bob"} and row.is_reading:
            assert_tells_nothing(answer, place)
    if isinstance(refusal, AccessDenied):
        findings.anatomies.add(repr(anatomy(refusal)))
        # Somebody without an account has none to look at, which is no secret to them.
        level = (name, cell.actor, "message" if cell.situation.has else "conversation")
        findings.traces.setdefault(level, {}).setdefault(tuple(place.asked), repr(cell))
    is_changed = place.version() != before
    if is_changed:
        assert refusal is None, where
        assert not row.is_reading, where
        place.go_back()


# What is told -----------------------------------------------------------------------------------


def told(answer: object) -> Iterator[str]:
    """Every text and every id in an answer, however deep."""
    if isinstance(answer, Body):
        yield answer.text
    elif (kind := type(answer)) and attrs.has(kind):
        for field in attrs.fields(kind):
            yield from told(getattr(answer, field.name))
    elif isinstance(answer, tuple | list | frozenset | set):
        for item in answer:
            yield from told(item)
    else:
        yield str(answer)


def assert_tells_nothing(answer: object, place: Place) -> None:
    """No text, no message and no conversation of anybody else."""
    all_told = list(told(answer))
    messages = [it.message for it in place.facts.said]
    messages += [place.around.others, place.around.north]
    secrets = {str(message.id) for message in messages}
    secrets |= {str(message.conversation) for message in messages}
    assert not [text for text in all_told if "canary" in text or text in secrets]


# What changes something when it is asked; a look at how much there is to erase is written down.
WRITING_DESK = {
    "set_mode",
    "prune_journals",
    "preview_erasure",
    "erase",
    "erasures",
    "note_key_work",
    *("add_consumer", "consumers", "set_aside", "retry", "forget_consumer", "relaying"),
}


@pytest.mark.promise("MOD-2", "OPS-1")
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_operator_may_do_everything_and_is_shown_no_text(opened: Opened, scene: Scene) -> None:
    with opened(scene) as place:
        desk = place.dm.operations("olga")
        for mode in Mode:
            for name, call in OPERATIONS.items():
                desk.set_mode(mode)
                before = place.version()
                answer = call(desk)
                assert not [text for text in told(answer) if "canary" in text], name
                assert place.version() == before or name in WRITING_DESK


@pytest.mark.promise("MOD-2", "OPS-1")
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_moderator_is_shown_no_text_where_the_policy_shows_none(
    opened: Opened, scene: Scene
) -> None:
    with opened(scene) as place:
        said = place.facts.said if "ann" in place.facts.has else ()
        where = said[0].message.conversation if said else None
        made = place.dm.mailbox("ann").report("bob", conversation=where, reason="spam")
        desk, elsewhere = (place.dm.moderation("mod", tenant=it) for it in ("", "north"))
        for mode in Mode:
            place.dm.operations("olga").set_mode(mode)
            place.keep()
            for name, call in MODERATION.items():
                if name == "evidence":
                    with pytest.raises(EvidenceDenied):
                        call(desk, made.id)
                else:
                    answer = call(desk, made.id)
                    assert not [text for text in told(answer) if "canary" in text], name
                if name not in OF_NO_REPORT:
                    with pytest.raises(AccessDenied):
                        call(elsewhere, made.id)
                place.go_back()
