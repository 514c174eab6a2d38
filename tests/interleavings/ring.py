"""Where two sessions meet: a store, one handle for each, and everything that can be seen after."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from enum import Enum
from typing import Final
from uuid import UUID

import attrs
from sqlalchemy import Connection
from tests.interleavings.acts import Act, Scene, set_scene
from tests.interleavings.duel import Corner, Duel, Phase, Session, WaitsForLock, cornered
from tests.interleavings.explorer import Choose
from tests.support.stores import SqlHarness

from dmcore import Body, DirectMessages, DmcoreError, Policy, RateLimit, User
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.sql import IsolationLevel, SqlTransactions
from dmcore.domain.gates import Introduction, Profile
from dmcore.errors import StoreError
from dmcore.testing.world import NOON_US, SECOND_US

# Ann, who wrote twice before, may write once more: of two attempts one is refused.
_ABSORBING: Final = Policy(
    messages=RateLimit(3, timedelta(minutes=1)),
    starts=RateLimit(2, timedelta(hours=1)),
    blocked="absorb",
    requests="ask",
    request_messages=2,
)


@attrs.frozen
class Rules:
    """Under which policy the two meet, and whether a host is asked about who wants to start."""

    policy: Policy
    has_directory: bool


RULES: Final[Mapping[str, Rules]] = {
    "absorb": Rules(_ABSORBING, has_directory=False),
    "refuse": Rules(attrs.evolve(_ABSORBING, blocked="refuse"), has_directory=True),
}


class Host:
    """Knows everybody, in whatever tenant, as friends of each other."""

    def introduce(self, _sender: User, _recipient: User) -> Introduction:
        return Introduction(sender=Profile(), recipient=Profile(), are_connected=True)


class SameBits:
    """Each session's ids are made of the same bits, however often it has to start over."""

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def draw(self) -> int:
        return self._bits


@attrs.frozen
class Bout:
    """Who does what: two users, perhaps the same one, and an act of each."""

    setting: str
    users: tuple[str, str]
    acts: tuple[Act, Act]


class Ring:
    """A store on which the same bout is fought again and again, each time in a fresh tenant."""

    def __init__(
        self, watcher: DirectMessages, corners: Sequence[Corner], waits: WaitsForLock
    ) -> None:
        self._watcher = watcher
        self._corners = corners
        self._waits = waits
        self._rounds = 0
        self.waited = 0

    def fight(self, bout: Bout, choose: Choose) -> object:
        """One round; everything that anybody can tell of it afterwards."""
        self._rounds += 1
        for corner in self._corners:
            corner.runner.session = None
        transactions = self._watcher._transactions
        assert isinstance(transactions, SqlTransactions)
        tenant = f"round {self._rounds}"
        scene = set_scene(self._watcher, transactions._namespace, bout.setting, tenant)
        sessions = [
            Session(corner.runner, answering(act, corner.dm, scene, user))
            for corner, act, user in zip(self._corners, bout.acts, bout.users, strict=True)
        ]
        duel = Duel(sessions, self._waits)
        duel.fight(choose)
        self.waited += duel.waited
        for session in sessions:
            assert not isinstance(session.answer, BaseException), session.points
        seen = [observed(self._watcher, scene, user) for user in ("ann", "bob")]
        olga = self._watcher.operations("olga", tenant=tenant)
        answers = [session.answer for session in sessions]
        journals = [olga.audit(it, tenant=tenant).items for it in ("ann", "bob", "olga")]
        facts = [[(it.position, it.fact) for it in items] for items in journals]
        return plain([answers, seen, olga.mode(), facts], scene.conversation)

    def is_sound(self) -> bool:
        """Nothing in any round left a gap in a journal or a count that is not so."""
        return self._watcher.operations("olga").verify() == ()


def answering(act: Act, dm: DirectMessages, scene: Scene, user: str) -> Callable[[], object]:
    def answer() -> object:
        try:
            return act.call(dm, scene, user)
        except StoreError as error:
            return error
        except DmcoreError as error:
            return error.code, str(error), dict(error.details)
        except Exception as error:  # noqa: BLE001 - whoever let the session act looks at it
            return error

    return answer


def observed(dm: DirectMessages, scene: Scene, user: str) -> list[object]:
    """Everything that one of the two can ask for."""
    box = dm.mailbox(user, tenant=scene.tenant)
    view = box.conversation_with(scene.partner_of(user))
    return [
        view,
        None if view is None else box.thread(scene.conversation, limit=100).items,
        *(it(limit=100).items for it in (box.inbox, box.requests, box.archived)),
        box.unread(),
        box.preferences(),
        [block.blocked for block in box.blocked().items],
        box.can_message(scene.partner_of(user)),
    ]


def plain(value: object, conversation: UUID) -> object:
    """The value in a form that can be compared: the conversation, whose id depends on the tenant,
    is the same in every round.
    """
    match value:
        case Body():
            return value.text
        case UUID():
            return "the conversation" if value == conversation else str(value)
        case Enum() | str() | int() | float() | None | timedelta():
            return value
        case bytes():
            # A proof of a message binds its conversation, and so is another one in every round.
            return len(value)
        case Mapping():
            return {key: plain(it, conversation) for key, it in value.items()}
        case list() | tuple():
            return [plain(it, conversation) for it in value]
    kind: type = type(value)
    assert attrs.has(kind), f"{kind} cannot be compared"
    return {it.name: plain(getattr(value, it.name), conversation) for it in attrs.fields(kind)}


def sqlite_waits(session: Session, other: Session) -> bool:
    """There is one writer: BEGIN IMMEDIATE does not return while the other is in a transaction."""
    return session.phase is Phase.BEGINNING and other.phase is Phase.INSIDE


class PostgresWaits:
    """PostgreSQL says by itself whose locks a connection waits for."""

    def __init__(self, connection: Connection, pids: Mapping[object, list[int]]) -> None:
        self._connection = connection
        self._pids = pids

    def __call__(self, session: Session, other: Session) -> bool:
        mine, theirs = self._pids[session.runner], self._pids[other.runner]
        if not mine or not theirs:
            return False
        question = "SELECT %s = ANY (pg_blocking_pids(%s))"
        return bool(self._connection.exec_driver_sql(question, (theirs[0], mine[0])).scalar_one())


@contextmanager
def ring_on(harness: SqlHarness, rules: Rules, level: IsolationLevel | None) -> Iterator[Ring]:
    """A ring on one store; the handles and the watcher are closed with it by the harness."""

    def opened(seconds: int, bits: int) -> DirectMessages:
        return harness.open(
            policy=rules.policy,
            clock=ManualClock(NOON_US + seconds * SECOND_US),
            entropy=SameBits(bits),
            directory=Host() if rules.has_directory else None,
            isolation_level=level,
        )

    with ExitStack() as stack:
        corners = [stack.enter_context(cornered(opened(20 + it, 7 << it * 8))) for it in (0, 1)]
        waits: WaitsForLock = sqlite_waits
        if harness.kind == "postgres":
            connection = stack.enter_context(
                harness._raw.connect().execution_options(isolation_level="AUTOCOMMIT")
            )
            waits = PostgresWaits(connection, {it.runner: it.pids for it in corners})
        yield Ring(opened(0, 1), corners, waits)
