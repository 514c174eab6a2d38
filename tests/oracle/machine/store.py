"""One store under test, asked in terms that mean the same on all of them."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
from tests.oracle.history import Choice, Host, Limit, Person, Product
from tests.oracle.machine.people import OLGA, PAIRS, between
from tests.oracle.oracle_limits import Refusal
from tests.support.stores import Harness

from dmcore import (
    Block,
    DirectMessages,
    DmcoreError,
    Exported,
    Fact,
    InboxEntry,
    Mailbox,
    Message,
    ModerationDesk,
    Operations,
    OwnAccount,
    OwnReport,
    Page,
    Policy,
    RateLimit,
    errors,
)
from dmcore.adapters.clock import ManualClock
from dmcore.adapters.ids import SeededEntropy
from dmcore.domain.gates import Gate, Introduction, Profile
from dmcore.domain.ids import TenantId, User, UserId
from dmcore.domain.inbox import ConversationView
from dmcore.domain.pair import Pair
from dmcore.domain.preferences import Preferences
from dmcore.mailbox import Permission
from dmcore.ports.transactions import reading
from dmcore.testing.blocking import runner_of
from dmcore.testing.world import export_of

Shown = dict[str, object]
Answer = object


class Answering:
    """The directory of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def introduce(self, sender: User, recipient: User) -> Introduction:
        one, other = Person(sender.tenant, sender.id), Person(recipient.tenant, recipient.id)
        return Introduction(
            sender=self._profile(one),
            recipient=self._profile(other),
            are_connected=self._host.are_connected(one, other),
        )

    def _profile(self, person: Person) -> Profile | None:
        known = self._host.profiles.get(person)
        if known is None:
            return None
        return Profile(
            roles=frozenset({known.role}),
            is_subscribed=known.is_subscribed,
            is_staff=known.is_staff,
            is_active=known.is_active,
        )


def _policy(product: Product) -> Policy:
    window_us, host = product.edit_window_us, product.host
    kept_us = product.kept_us
    return Policy(
        # How often somebody changes a message is another matter: ``TestLimits``.
        edits=None,
        messages=_rate_limit(product.messages),
        starts=_rate_limit(product.starts),
        blocked="absorb" if product.absorbs else "refuse",
        edit_window=None if window_us is None else timedelta(microseconds=window_us),
        requests="ask" if product.asks else "open",
        request_messages=product.request_messages,
        messages_kept=None if kept_us is None else timedelta(microseconds=kept_us),
        gates=tuple(
            Gate(
                sender_roles=None if gate.sender_role is None else {gate.sender_role},
                needs_subscription=gate.needs_subscription,
                needs_connection=gate.needs_connection,
            )
            for gate in (host.gates if host is not None else ())
        ),
    )


def _rate_limit(limit: Limit | None) -> RateLimit | None:
    if limit is None:
        return None
    return RateLimit(limit.count, timedelta(microseconds=limit.window_us))


class Store:
    """Messaging on one store."""

    def __init__(self, harness: Harness, product: Product, clock: ManualClock) -> None:
        harness.clear()
        self.harness = harness
        self.name = harness.name
        self.dm = self._opened(harness, product, clock)
        self.desk: Operations = self.dm.operations(OLGA.name, tenant=OLGA.tenant)
        namespace = runner_of(self.dm).run(reading(lambda tx: tx.namespace))
        self.ids = {
            between(one, other): Pair.of(
                TenantId(one.tenant), UserId(one.name), UserId(other.name)
            ).conversation_id(namespace)
            for one, other in PAIRS
        }
        self.names = {id_: name for name, id_ in self.ids.items()}
        self._polled: dict[Person, str] = {}

    @staticmethod
    def _opened(harness: Harness, product: Product, clock: ManualClock) -> DirectMessages:
        policy, entropy = _policy(product), SeededEntropy("in step")
        ungated = harness.open(policy=attrs.evolve(policy, gates=()), clock=clock, entropy=entropy)
        if product.host is None:
            return ungated
        rules = attrs.evolve(ungated._rules, policy=policy, has_directory=True)
        return attrs.evolve(ungated, rules=rules, directory=Answering(product.host))

    def box(self, person: Person) -> Mailbox:
        return self.dm.mailbox(person.name, tenant=person.tenant)

    def moderation(self, tenant: str) -> ModerationDesk:
        return self.dm.moderation("mod", tenant=tenant)

    def conversation(self, one: Person, other: Person) -> UUID:
        return self.ids[between(one, other)]

    # What one person sees ------------------------------------------------------------------------

    def shown_to(self, person: Person) -> Shown:
        """Everything that one person can see, in whole pages."""
        box = self.box(person)
        questions: dict[str, Callable[[], Answer]] = {
            "feed": lambda: self.feed(person, None, 100)[0],
            "news": lambda: self.news(person),
            "inbox": lambda: self.lines(person, "inbox"),
            "requests": lambda: self.lines(person, "requests"),
            "archived": lambda: self.lines(person, "archived"),
            "unread": box.unread,
            "blocks": lambda: [(it.blocked, it.since_us) for it in whole(box.blocked(limit=100))],
            "preferences": lambda: chosen(box.preferences()),
        }
        for one, other in PAIRS:
            if one == person:
                questions |= self._about(person, other)
        return {name: asked(question) for name, question in questions.items()}

    def _about(self, person: Person, other: Person) -> dict[str, Callable[[], Answer]]:
        box = self.box(person)
        return {
            f"thread with {other.name}": lambda: self.thread(person, other),
            f"conversation with {other.name}": lambda: self.view(box.conversation_with(other.name)),
            f"permission for {other.name}": lambda: permission(box.can_message(other.name)),
        }

    def shown_closely_to(self, person: Person, roots: Iterable[tuple[Person, UUID]]) -> Shown:
        """The same in other ways: the journal, a snapshot, an export, conversations by id."""
        box = self.box(person)
        shown: Shown = {"journal": self.journal(person)}
        shown["snapshot"] = asked(lambda: self.snapshot(person))
        shown["export"] = asked(lambda: self.export(person))
        for one, other in PAIRS:
            if one == person:
                id_ = self.conversation(one, other)
                shown[f"the one with {other.name}"] = asked(
                    lambda id_=id_: self.view(box.conversation(id_))  # type: ignore[misc]
                )
                shown[f"profile of {other.name}"] = asked(
                    lambda other=other: box.can_see_profile(other.name)  # type: ignore[misc]
                )
        for other, root in roots:
            shown[f"thread of {root} with {other.name}"] = asked(
                lambda other=other, root=root: self.thread(  # type: ignore[misc]
                    person, other, root
                )
            )
        return shown

    def thread(self, person: Person, other: Person, root: UUID | None = None) -> Answer:
        conversation = self.conversation(person, other)
        page = self.box(person).thread(conversation, root=root, limit=100)
        assert not page.has_more
        assert page.older is None
        assert (page.newer is None) == (page.items == ())
        return page.other, page.read, [self.told(message) for message in page.items]

    def lines(self, person: Person, folder: str) -> list[Answer]:
        return whole(self.page(person, folder, limit=100))

    def page(
        self, person: Person, folder: str, *, limit: int, cursor: str | None = None
    ) -> Page[Answer]:
        page = getattr(self.box(person), folder)(limit=limit, cursor=cursor)
        return Page(tuple(map(self.line, page.items)), page.next)

    def line(self, entry: InboxEntry) -> Answer:
        assert entry.preview is not None
        assert entry.preview.id == entry.newest
        assert entry.conversation == entry.preview.conversation
        return entry.other, self.told(entry.preview), entry.read, entry.unread, entry.is_muted

    def view(self, view: ConversationView | None) -> Answer:
        if view is None:
            return None
        fields = attrs.asdict(view)
        fields["conversation"] = self.names[view.conversation]
        return fields

    def snapshot(self, person: Person) -> Answer:
        box = self.box(person)
        snapshot = box.snapshot(limit=100)
        assert box.changes(after=snapshot.cursor).items == ()
        lines = [self.line(entry) for entry in whole(snapshot.inbox)]
        return snapshot.unread, chosen(snapshot.preferences), lines

    def export(self, person: Person) -> list[Answer]:
        """Each conversation in one piece, which the oracle has by the other's name."""
        heads, pieces = list[Answer](), dict[str, list[Answer]]()
        piece: list[Answer] = heads
        places = []
        for thing in export_of(self.box(person), limit=5):
            if isinstance(thing, ConversationView):
                places.append(thing.conversation)
                piece = pieces.setdefault(thing.other, [])
            piece.append(self.exported(thing))
        assert places == sorted(set(places))
        return heads + [answer for other in sorted(pieces) for answer in pieces[other]]

    def exported(self, thing: Exported) -> Answer:
        if isinstance(thing, Message):
            return self.told(thing)
        if isinstance(thing, ConversationView):
            return self.view(thing)
        assert not isinstance(thing, OwnReport), "nobody reports here"
        if isinstance(thing, Block):
            return thing.blocked, thing.since_us
        assert isinstance(thing, OwnAccount), "nobody has a device here"
        mute = thing.is_muted, thing.muted_until_us
        return chosen(thing.preferences), mute, (thing.is_suspended, thing.suspended_until_us)

    def news(self, person: Person) -> list[Answer]:
        """What the feed tells since the place where the last poll ended."""
        news, self._polled[person] = self.feed(person, self._polled.get(person), 3)
        return news

    def feed(self, person: Person, cursor: str | None, limit: int) -> tuple[list[Answer], str]:
        """The feed after a place, page by page, and where it ends now."""
        fed: list[Answer] = []
        has_more = True
        while has_more:
            changes = self.box(person).changes(after=cursor, limit=limit)
            assert len(changes.items) == limit or not changes.has_more
            fed += [self.fact(it) for it in changes.items]
            cursor, has_more = changes.next, changes.has_more
        assert cursor is not None
        return fed, cursor

    def journal(self, person: Person) -> list[Answer]:
        entries = whole(self.desk.audit(person.name, tenant=person.tenant, limit=100))
        assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
        return [self.fact(entry.fact) for entry in entries]

    # In comparable form --------------------------------------------------------------------------

    def told(self, message: Message) -> Answer:
        return (
            message.id,
            self.names[message.conversation],
            message.sender,
            None if message.body is None else message.body.text,
            message.sent_at_us,
            message.edited_at_us,
            message.reply_to,
            message.thread_id,
            message.seen_at_us,
        )

    def fact(self, fact: Fact) -> Answer:
        if fact.conversation is not None:
            assert {fact.actor, fact.other} == set(self.names[fact.conversation][1:])
        return (
            fact.action.value,
            fact.actor,
            fact.other,
            fact.conversation is not None,
            fact.message,
            fact.at_us,
            fact.mode,
        )

    def counts(self) -> dict[str, int]:
        status = attrs.asdict(self.desk.status())
        wanted = ("conversations", "messages", "users", "blocks", "journal_entries")
        return {name: status[name] for name in wanted}

    def attempt(self, act: "Callable[[Store], Any]") -> Answer:
        """What an act comes to: its answer, or the error in a form that can be compared."""
        answer = asked(lambda: act(self))
        return self.told(answer) if isinstance(answer, Message) else answer


def asked(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except DmcoreError as error:
        return refused(error)


def refused(error: DmcoreError) -> Refusal:
    details: dict[str, Any] = dict(error.details)
    wait_us = None
    if isinstance(error, errors.LimitReached):
        wait_us = error.retry_after // timedelta(microseconds=1)
        assert details.pop("retry_after_s") == wait_us / 10**6
        assert details["limit"] == error.limit
    if isinstance(error, errors.Muted | errors.Suspended) and error.retry_after is not None:
        wait_us = error.retry_after // timedelta(microseconds=1)
        assert details.pop("retry_after_s") == wait_us / 10**6
    return Refusal(
        error=type(error),
        mode=details.pop("mode", None),
        limit=details.pop("limit", None),
        retry_after_us=wait_us,
        most=details.pop("most", None),
        rest=tuple(sorted(details.items())),
    )


def permission(given: Permission) -> Answer:
    wait = given.retry_after
    wait_us = None if wait is None else wait // timedelta(microseconds=1)
    return given.is_allowed, given.reason, wait_us


def chosen(preferences: Preferences) -> Choice:
    return Choice(**attrs.asdict(preferences))


def whole(page: Page[Any]) -> list[Any]:
    assert not page.has_more
    return list(page.items)
