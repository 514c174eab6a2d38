"""The life of a report, as a table; what is kept of it; how many may be made."""

from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from dmcore import Body, Policy, RateLimit
from dmcore.domain.ids import (
    ConversationId,
    Key,
    MessageId,
    ReportId,
    TenantId,
    User,
    UserId,
    derive_conversation_id,
    derive_report_id,
    new_report_id,
)
from dmcore.domain.instants import to_datetime
from dmcore.domain.reports import (
    MOVES,
    EvidenceItem,
    Report,
    ReportLine,
    ReportMove,
    ReportOrigin,
    ReportOutcome,
    ReportReason,
    ReportReceipt,
    ReportState,
    check_rate,
    is_evidence_kept,
    line_of,
    moved,
    receipt_of,
)
from dmcore.errors import IllegalMove, InvalidReport, InvalidSetting, LimitReached, TakenByAnother

MOD, MIA = UserId("mod"), UserId("mia")
HOUR_US = 3_600_000_000
REPORT = Report(
    id=ReportId(UUID(int=1)),
    tenant=TenantId(""),
    reporter=UserId("ann"),
    reported=UserId("bob"),
    conversation=ConversationId(UUID(int=2)),
    chosen=3,
    reason=ReportReason.THREAT,
    made_at_us=10,
    changed_at_us=10,
)


def in_state(state: ReportState) -> Report:
    return attrs.evolve(
        REPORT,
        state=state,
        taken_by=None if state is ReportState.PENDING else MOD,
        outcome=ReportOutcome.WARNED if state is ReportState.RESOLVED else None,
    )


@pytest.mark.promise("MOD-3")
@pytest.mark.parametrize("state", ReportState)
@pytest.mark.parametrize("move", ReportMove)
def test_a_move_is_in_the_table_or_illegal(state: ReportState, move: ReportMove) -> None:
    before = in_state(state)
    outcome = ReportOutcome.REFERRED if move is ReportMove.RESOLVE else None
    if (state, move) not in MOVES:
        with pytest.raises(IllegalMove):
            moved(before, move, moderator=MOD, outcome=outcome, now_us=11)
        return
    after = moved(before, move, moderator=MOD, outcome=outcome, now_us=11)
    assert after.state is MOVES[state, move]
    assert (after.taken_by is None) == (after.state is ReportState.PENDING)
    assert (after.outcome is not None) == (after.state is ReportState.RESOLVED)
    assert after.changed_at_us == 11
    undone = attrs.evolve(
        after,
        state=state,
        taken_by=before.taken_by,
        outcome=before.outcome,
        changed_at_us=before.changed_at_us,
    )
    assert undone == before


@pytest.mark.promise("MOD-3")
def test_every_state_can_be_reached_and_left() -> None:
    assert {state for state, _ in MOVES} == set(MOVES.values()) == set(ReportState)
    assert {move for _, move in MOVES} == set(ReportMove)


@pytest.mark.promise("MOD-3")
@pytest.mark.parametrize("move", ReportMove)
def test_only_finishing_is_for_the_taker_alone(move: ReportMove) -> None:
    (state,) = {it for it, its in MOVES if its is move} - {ReportState.DISMISSED}
    if move in {ReportMove.RESOLVE, ReportMove.DISMISS}:
        with pytest.raises(TakenByAnother):
            moved(in_state(state), move, moderator=MIA, outcome=None, now_us=11)
    else:
        moved(in_state(state), move, moderator=MIA, outcome=None, now_us=11)


@pytest.mark.promise("MOD-1", "MOD-2")
def test_what_is_kept_and_what_is_told_of_a_report_are_closed_sets() -> None:
    told = {
        *("id", "reporter", "reported", "conversation", "messages", "reason", "state"),
        *("taken_by", "outcome", "made_at_us", "changed_at_us", "origin", "flags"),
    }
    assert {it.name for it in attrs.fields(ReportLine)} == told
    kept = {it.name for it in attrs.fields(Report)}
    assert kept == (told - {"messages", "origin"}) | {"tenant", "chosen"}
    assert {it.name for it in attrs.fields(ReportReceipt)} == {
        *("id", "reported", "conversation", "messages", "reason", "made_at_us"),
    }
    line, receipt = line_of(REPORT), receipt_of(REPORT)
    assert line.made_at == line.changed_at == receipt.made_at == to_datetime(10)


@pytest.mark.promise("MOD-5")
def test_what_screening_reports_has_nobody_who_made_it_and_who_could_get_a_receipt() -> None:
    flagged = attrs.evolve(REPORT, reporter=None, reason=None, flags=("link", "word"))
    assert (REPORT.origin, flagged.origin) == (ReportOrigin.PARTICIPANT, ReportOrigin.SCREENING)
    assert (line_of(flagged).origin, line_of(flagged).flags) == (flagged.origin, ("link", "word"))
    with pytest.raises(ValueError, match="nobody"):
        receipt_of(flagged)


@pytest.mark.promise("MOD-1")
@pytest.mark.parametrize(
    "kind", [ReportReason, ReportOrigin, ReportState, ReportMove, ReportOutcome]
)
def test_words_are_read_or_refused_without_being_repeated(
    kind: type[ReportReason | ReportState | ReportMove | ReportOutcome],
) -> None:
    for word in kind:
        assert kind.parse(word.value) is word
    for wrong in ("", "my neighbour", word.value.upper()):
        with pytest.raises(InvalidReport) as caught:
            kind.parse(wrong)
        assert "neighbour" not in str(caught.value)


@pytest.mark.promise("MOD-1")
def test_the_id_of_a_key_is_its_owners_and_that_of_no_conversation() -> None:
    ann, bob = (User(TenantId(""), UserId(name)) for name in ("ann", "bob"))
    space = bytes(16)
    ids = {
        derive_report_id(space, ann, Key("k")),
        derive_report_id(space, bob, Key("k")),
        derive_report_id(space, ann, Key("l")),
        derive_report_id(bytes(15) + b"x", ann, Key("k")),
        derive_report_id(space, attrs.evolve(ann, tenant=TenantId("north")), Key("k")),
        derive_conversation_id(space, "", "ann", "k"),
    }
    assert len(ids) == 6
    assert derive_report_id(space, ann, Key("k")) in ids
    assert new_report_id(1, 2) != new_report_id(1, 3)


@pytest.mark.promise("MOD-2")
def test_evidence_is_kept_up_to_the_very_instant() -> None:
    kept = timedelta(microseconds=5)
    assert [is_evidence_kept(REPORT, kept, now) for now in (0, 10, 14, 15)] == [
        True,
        True,
        True,
        False,
    ]
    assert not is_evidence_kept(REPORT, timedelta(0), 10)


@pytest.mark.promise("LEAK-1")
def test_a_copy_does_not_show_its_text() -> None:
    item = EvidenceItem(
        message=MessageId(UUID(int=1)),
        sender=UserId("bob"),
        body=Body("zebra"),
        sent_at_us=1,
        edited_at_us=2,
    )
    assert "zebra" not in repr(item)
    assert (item.sent_at, item.edited_at) == (to_datetime(1), to_datetime(2))
    assert attrs.evolve(item, edited_at_us=None).edited_at is None


@pytest.mark.promise("MOD-1", "LIMIT-2")
def test_reports_are_limited_whatever_the_clock_does() -> None:
    limit = RateLimit(2, timedelta(hours=1))
    for made_us in ((), (5,), (5 - HOUR_US, 4)):
        check_rate(limit, made_us, 5)
    check_rate(None, (5, 5), 5)
    for made_us, wait_us in (((6 - HOUR_US, 4), 1), ((5, 5), HOUR_US), ((9, 8), HOUR_US)):
        with pytest.raises(LimitReached) as caught:
            check_rate(limit, made_us, 5)
        assert caught.value.retry_after == timedelta(microseconds=wait_us)


@pytest.mark.promise("MOD-1")
def test_a_policy_shows_no_evidence_and_limits_reports_unless_said_otherwise() -> None:
    policy = Policy()
    assert (policy.evidence, policy.evidence_kept) == ("never", timedelta(days=30))
    assert policy.reports == RateLimit(20, timedelta(hours=24))
    assert Policy(reports=None).reports is None
    assert Policy(evidence_kept=timedelta(0)).evidence_kept == timedelta(0)
    wrong: dict[str, list[object]] = {
        "evidence": ["", "NEVER", "all", None, True],
        "evidence_kept": [None, 30, timedelta(microseconds=-1), "30 days"],
        "reports": [20, (20, 60), False],
    }
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(InvalidSetting) as caught:
                Policy(**{name: value})  # type: ignore[arg-type]
            assert caught.value.details["setting"] == name
