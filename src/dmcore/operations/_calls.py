"""What an operator can ask: reads what comes from outside and describes the call to run."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import attrs

from dmcore._rules import Rules
from dmcore.domain.erasure import Erased, Erasure, ErasurePreview
from dmcore.domain.events import Action, Entry, Reach
from dmcore.domain.ids import (
    User,
    parse_consumer_name,
    parse_conversation_id,
    parse_tenant_id,
    parse_user_id,
)
from dmcore.domain.instants import is_span, to_us
from dmcore.domain.key_work import KeyWork
from dmcore.domain.mending import Damage
from dmcore.domain.mode import Mode
from dmcore.domain.numbers import is_whole_number
from dmcore.domain.paging import Page, check_page_size
from dmcore.domain.pseudonyms import is_pseudonym
from dmcore.domain.relaying import (
    LONGEST_LEASE,
    Batch,
    Begin,
    ConsumerStatus,
    Delivery,
    Outcome,
    Reference,
    SetAside,
    Settlement,
)
from dmcore.domain.retention import Pruned
from dmcore.domain.verification import Finding
from dmcore.errors import InvalidSetting
from dmcore.operations import _acting, _erasing, _keys, _ledger, _mending, _pruning, _relaying
from dmcore.operations._acting import audit_scope
from dmcore.operations._erasing import Recorded
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import Call, each_named, reading, surveying, writing

_MOST_FINDINGS: Final = 1_000_000
_MOST_JOURNALS: Final = 10_000
_MOST_REPORTS: Final = 10_000
_MOST_ROWS: Final = 10_000
_MOST_SET_ASIDE: Final = 10_000
_MOST_ATTEMPTS: Final = 100
_MESSAGES_AT_ONCE: Final = 500
_ROWS_AT_ONCE: Final = 500

# Whom they meant to erase is no fact: it would be one more place that names them.
_ERASING: Final = Reach(refused=Action.ERASURE_REFUSED)


@attrs.frozen(kw_only=True)
class ErasureSteps:
    """What an erasure consists of: begin, go on until nothing is left to do, and finish.

    Where ``begin`` says that it is not finished, ``settle`` comes first, and then ``go_on_behind``
    in the place of the first ``go_on``: with the keys that texts were sealed with gone.
    """

    begin: Call[bool]
    settle: Call[None]
    go_on: Call[Erased]
    go_on_behind: Call[Erased]
    finish: Call[Erased]


@attrs.frozen(kw_only=True)
class PruningSteps:
    """What pruning consists of: messages first, while there are any, then evidence and journals.

    ``most`` of each kind at the most.
    """

    begin: Call[Pruned]
    evidence: Call[int]
    journals: Call[tuple[Entry, ...]]
    rules: Rules
    most: int

    def messages(self, done: Pruned) -> Call[Pruned] | None:
        """The next step with messages, after ``done``; ``None`` where there is none."""
        left = min(self.most - done.messages, _MESSAGES_AT_ONCE)
        if done.is_complete or left == 0:
            return None
        return writing(_pruning.remove, self.rules, most=left)

    def finished(self, done: Pruned, *, evidence: int, journals: list[bool]) -> Pruned:
        """All of it; ``journals`` says of each that was shortened whether that was all of it."""
        are_all = max(evidence, len(journals)) < self.most and all(journals)
        return Pruned(
            messages=done.messages,
            evidence=evidence,
            journals=len(journals),
            is_complete=done.is_complete and are_all,
        )


@attrs.frozen
class RepairSteps:
    """What a repair consists of: find, note if there is anything, mend each, and look again."""

    operator: User
    _rules: Rules = attrs.field(repr=False)
    _most: int

    @property
    def find(self) -> Call[Damage]:
        return surveying(_mending.find, most=self._most).named("repair.find")

    def note(self, damage: Damage) -> Call[None]:
        return writing(_mending.note, self._rules, operator=self.operator, damage=damage).named(
            "repair.note"
        )

    def mend(self, damage: Damage) -> Iterator[Call[tuple[Finding, ...]]]:
        return (call.named("repair.mend") for call in self._mend(damage))

    def _mend(self, damage: Damage) -> Iterator[Call[tuple[Finding, ...]]]:
        for conversation, user in damage.conversations.items():
            yield writing(_mending.mend_conversation, conversation=conversation, user=user)
        for user in damage.ownerless:
            yield writing(_mending.mend_ownerless, user=user)
        for user in damage.accounts:
            yield writing(_mending.mend_account, self._rules, user=user)
        if damage.strays:
            yield writing(_mending.mend_strays)

    @property
    def left(self) -> Call[tuple[Finding, ...]]:
        return surveying(_acting.verify, most=self._most).named("repair.left")


@attrs.frozen
class RecordingSteps:
    """What taking in lines of a ledger consists of: a part of them after the other, then closing.

    The line that means the operator is the last.
    """

    operator: User
    _rules: Rules = attrs.field(repr=False)

    def take(self, lines: Iterable[str]) -> Iterator[Call[Recorded]]:
        first = 1
        for some in _erasing.in_parts(lines):
            call = writing(
                _ledger.record, self._rules, operator=self.operator, lines=some, first=first
            )
            yield call.named("record_erasures")
            first += len(some)

    @property
    def named(self) -> Call[tuple[User, ...]]:
        return surveying(_erasing.to_reapply).named("record_erasures.named")

    def close(self, named: Iterable[User]) -> Iterator[Call[None]]:
        """Nobody closes themselves."""
        for user in (it for it in named if it != self.operator):
            call = writing(_erasing.close, self._rules, operator=self.operator, user=user)
            yield call.named("record_erasures.close")

    def take_own(self, line: Erasure) -> Call[None]:
        call = writing(_erasing.record_own, self._rules, operator=self.operator, line=line)
        return call.named("record_erasures.own")


@attrs.frozen
@each_named
class RelayingCalls:
    """One call for each method of a worker's two desks, which document them. No I/O."""

    worker: _relaying.Worker
    _rules: Rules = attrs.field(repr=False)

    def hold(self) -> Call[_relaying.Turn]:
        return writing(_relaying.hold, self._rules, worker=self.worker).named("take.hold")

    def look(self, *, after: User | None) -> Call[tuple[Delivery, ...]]:
        call = reading(_relaying.look, self._rules, worker=self.worker, after=after)
        return call.named("take.look")

    def begin(self, due: tuple[Delivery, ...]) -> Call[Batch | None]:
        call = writing(_relaying.begin, self._rules, worker=self.worker, due=due)
        return call.named("take.begin")

    def keep(self) -> Call[bool]:
        return writing(_relaying.keep, self._rules, worker=self.worker)

    def settle(self, outcomes: Iterable[Outcome]) -> Call[Settlement]:
        return writing(_relaying.settle, self._rules, worker=self.worker, outcomes=tuple(outcomes))

    def release(self) -> Call[None]:
        return writing(_relaying.release, worker=self.worker)


@attrs.frozen
@each_named
class OperationsCalls:
    """One call for each method of the two desks, which document them. No I/O."""

    operator: User
    _rules: Rules = attrs.field(repr=False)

    def mode(self) -> Call[Mode]:
        return reading(_acting.mode)

    def set_mode(self, mode: Mode | str) -> Call[Mode]:
        return writing(_acting.set_mode, self._rules, operator=self.operator, mode=Mode.parse(mode))

    def status(self) -> Call[StoreStatus]:
        return surveying(_acting.status)

    def audit(
        self, user: str, *, tenant: str | None, limit: int, cursor: str | None
    ) -> Call[Page[Entry]]:
        owner = self._owner(user, tenant)
        after = 0 if cursor is None else audit_scope(self.operator, owner).read_position(cursor)
        return reading(
            _acting.audit,
            operator=self.operator,
            owner=owner,
            after=after,
            limit=check_page_size(limit),
        )

    def verify(self, *, most: int) -> Call[tuple[Finding, ...]]:
        if not is_whole_number(most, least=1, most=_MOST_FINDINGS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_FINDINGS}")
        return surveying(_acting.verify, most=most)

    def repairing(self, *, most: int) -> "RepairSteps":
        if not is_whole_number(most, least=1, most=_MOST_FINDINGS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_FINDINGS}")
        return RepairSteps(self.operator, self._rules, most)

    def expired(self, *, before: datetime, most: int) -> Call[tuple[Entry, ...]]:
        if not _is_instant(before):
            raise InvalidSetting("before", "must be a datetime with a time zone")
        if not is_whole_number(most, least=1, most=_MOST_JOURNALS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_JOURNALS}")
        return reading(_pruning.expired, self._rules, before_us=to_us(before), most=most)

    def note_pruning(self) -> Call[None]:
        return writing(_pruning.note_journals, self._rules, operator=self.operator)

    def prune_evidence(self, *, most: int) -> Call[int]:
        if not is_whole_number(most, least=1, most=_MOST_REPORTS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_REPORTS}")
        return writing(_pruning.evidence, self._rules, operator=self.operator, most=most)

    def preview_erasure(self, user: str, *, tenant: str | None) -> Call[ErasurePreview]:
        of = self._erased_user(user, tenant)
        call = writing(_erasing.preview, self._rules, operator=self.operator, user=of)
        return call.reaching(_ERASING)

    def erasing(self, user: str, *, tenant: str | None, most: int) -> ErasureSteps:
        if not is_whole_number(most, least=1, most=_MOST_ROWS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_ROWS}")
        return self._steps(self._erased_user(user, tenant), most)

    def reapplying(self, user: User) -> ErasureSteps:
        return self._steps(user, _ROWS_AT_ONCE)

    def _steps(self, user: User, most: int) -> ErasureSteps:
        operator, rules = self.operator, self._rules
        go_on = writing(_erasing.go_on, rules, operator=operator, user=user, most=most)
        finish = writing(_erasing.finish, rules, operator=operator, user=user, most=most)
        return ErasureSteps(
            begin=writing(_erasing.begin, rules, operator=operator, user=user)
            .named("erase.begin")
            .reaching(_ERASING),
            settle=reading(_erasing.settle).named("erase.settle"),
            go_on=go_on.named("erase.go_on"),
            go_on_behind=go_on.forgetting(user).named("erase.go_on"),
            finish=finish.forgetting(user).named("erase.finish"),
        )

    def _erased_user(self, user: str, tenant: str | None) -> User:
        erased = self._owner(user, tenant)
        if is_pseudonym(erased.id):
            raise InvalidSetting("user", "is what is left of somebody who was erased")
        return erased

    def erasures(self, *, limit: int, cursor: str | None) -> Call[Page[Erasure]]:
        scope = _erasing.ledger_scope(self.operator)
        return reading(
            _erasing.ledger,
            scope=scope,
            after=None if cursor is None else scope.read_pseudonym(cursor),
            limit=check_page_size(limit),
        )

    def to_reapply(self) -> Call[tuple[User, ...]]:
        return surveying(_erasing.to_reapply)

    def export_erasures(self, *, limit: int, cursor: str | None) -> Call[Page[str]]:
        scope = _erasing.export_scope(self.operator)
        return reading(
            _ledger.written,
            scope=scope,
            after=None if cursor is None else scope.read_pseudonym(cursor),
            limit=check_page_size(limit),
        )

    def recording(self) -> "RecordingSteps":
        return RecordingSteps(self.operator, self._rules)

    def shorten(self, through: Entry) -> Call[bool]:
        return writing(_pruning.shorten, owner=through.owner, through=through.position)

    def pruning(self, *, most: int) -> PruningSteps:
        if not is_whole_number(most, least=1, most=_MOST_ROWS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_ROWS}")
        operator, rules = self.operator, self._rules
        return PruningSteps(
            begin=writing(_pruning.begin, rules, operator=operator),
            evidence=writing(_pruning.evidence, rules, operator=operator, most=most),
            journals=reading(_pruning.outdated, rules, most=most),
            rules=rules,
            most=most,
        )

    def note_key_work(
        self, work: KeyWork | str, *, user: str | None, tenant: str | None
    ) -> Call[None]:
        return writing(
            _keys.note,
            self._rules,
            operator=self.operator,
            work=KeyWork.parse(work, is_of_somebody=user is not None),
            owner=None if user is None else self._owner(user, tenant),
        )

    def add_consumer(self, consumer: str, *, begin: str) -> Call[bool]:
        return writing(
            _relaying.add,
            self._rules,
            operator=self.operator,
            consumer=parse_consumer_name(consumer),
            begin=Begin.parse(begin),
        )

    def consumers(self) -> Call[tuple[ConsumerStatus, ...]]:
        return surveying(_relaying.consumers, self._rules)

    def set_aside(self, consumer: str, *, most: int) -> Call[tuple[SetAside, ...]]:
        if not is_whole_number(most, least=1, most=_MOST_SET_ASIDE):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_SET_ASIDE}")
        return surveying(_relaying.aside, consumer=parse_consumer_name(consumer), most=most)

    def retry(
        self, consumer: str, *, user: str | None, tenant: str | None, position: int | None
    ) -> Call[int]:
        if position is not None and (user is None or not is_whole_number(position, least=1)):
            raise InvalidSetting("position", "must be a whole number, of a user that is named")
        return writing(
            _relaying.retry,
            self._rules,
            operator=self.operator,
            consumer=parse_consumer_name(consumer),
            owner=None if user is None else self._owner(user, tenant),
            position=position,
        )

    def forget_consumer(self, consumer: str) -> Call[None]:
        name = parse_consumer_name(consumer)
        return writing(_relaying.forget, self._rules, operator=self.operator, consumer=name)

    def references(
        self, user: str, *, tenant: str | None, conversation: UUID | str | None
    ) -> Call[tuple[Reference, ...]]:
        one = None if conversation is None else parse_conversation_id(conversation)
        return reading(
            _relaying.references,
            self._rules,
            owner=self._owner(user, tenant),
            conversation=one,
        )

    def relaying(
        self, consumer: str, *, holder: str, lease: timedelta, attempts: int
    ) -> RelayingCalls:
        if not is_whole_number(attempts, least=1, most=_MOST_ATTEMPTS):
            raise InvalidSetting("attempts", f"must be a whole number in 1..{_MOST_ATTEMPTS}")
        if not is_span(lease) or not timedelta(seconds=1) <= lease <= LONGEST_LEASE:
            raise InvalidSetting("lease", "must be a timedelta of a second to an hour")
        worker = _relaying.Worker(
            consumer=parse_consumer_name(consumer),
            holder=parse_consumer_name(holder),
            lease=lease,
            attempts=attempts,
        )
        return RelayingCalls(worker, self._rules)

    def _owner(self, user: str, tenant: str | None) -> User:
        of = self.operator.tenant if tenant is None else parse_tenant_id(tenant)
        return User(of, parse_user_id(user))


def _is_instant(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None
