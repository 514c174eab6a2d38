"""What an operator can ask: reads what comes from outside and describes the call to run."""

from datetime import datetime
from typing import Final

import attrs

from dmcore._rules import Rules
from dmcore.domain.events import Entry
from dmcore.domain.ids import User, parse_tenant_id, parse_user_id
from dmcore.domain.instants import to_us
from dmcore.domain.mode import Mode
from dmcore.domain.numbers import is_whole_number
from dmcore.domain.paging import Page, check_page_size
from dmcore.domain.verification import Finding
from dmcore.errors import InvalidSetting
from dmcore.operations import _acting
from dmcore.operations._acting import audit_scope
from dmcore.ports.installation import StoreStatus
from dmcore.ports.transactions import Call, reading, surveying, writing

_MOST_FINDINGS: Final = 1_000_000
_MOST_JOURNALS: Final = 10_000


@attrs.frozen
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
        of = self.operator.tenant if tenant is None else parse_tenant_id(tenant)
        owner = User(of, parse_user_id(user))
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

    def expired(self, *, before: datetime, most: int) -> Call[tuple[Entry, ...]]:
        if not _is_instant(before):
            raise InvalidSetting("before", "must be a datetime with a time zone")
        if not is_whole_number(most, least=1, most=_MOST_JOURNALS):
            raise InvalidSetting("most", f"must be a whole number in 1..{_MOST_JOURNALS}")
        return reading(_acting.expired, self._rules, before_us=to_us(before), most=most)

    def note_pruning(self) -> Call[None]:
        return writing(_acting.note_pruning, self._rules, operator=self.operator)

    def prune(self, through: Entry) -> Call[None]:
        return writing(_acting.prune, owner=through.owner, through=through.position)


def _is_instant(value: object) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None
