"""django-postman beside dmcore: the same people and messages, server and rounds.

What a Django project would call: the managers that its views use, and its reply form, in the way
its view uses that. Nothing of it is slowed down: no requests, no templates, no notifications, no
moderators, one transaction for a reply, and a thread is cut to one page, which its own view does
not do.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import attrs
import psycopg
from bench.floors import INBOX_PAGE, THREAD_PAGE
from bench.operations import BODY, Call, Operation, Pick, Targets, depth_of
from bench.population import Population
from bench.scale import Place
from bench.stores import Store
from sqlalchemy import make_url

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATABASE: Final = "postman"
_SUBJECT: Final = "hello"
_AT_ONCE: Final = 10_000


@contextmanager
def postman_beside(store: Store) -> Iterator[list[Operation]]:
    """What is measured of both, on a store whose population django-postman has as well."""
    where = make_url(store.url)
    with psycopg.connect(store.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_DATABASE}")
        try:
            address = where.set(database=_DATABASE)
            _configure(address.translate_connect_args() | dict(address.query))
            filled = _fill(address.render_as_string(hide_password=False), store.population)
            yield _operations(store, filled)
        finally:
            _disconnect()
            connection.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")


def _configure(address: dict[str, Any]) -> None:
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "postman"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address["database"],
                "USER": address.get("username", ""),
                "HOST": address.get("host", ""),
                "PORT": address.get("port", ""),
                "CONN_MAX_AGE": None,
            }
        },
        SECRET_KEY="for a benchmark",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        POSTMAN_DISABLE_USER_EMAILING=True,
        POSTMAN_AUTO_MODERATE_AS=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _disconnect() -> None:
    with suppress(ImportError):
        from django.db import connections

        connections.close_all()


@attrs.frozen(kw_only=True)
class _Filled:
    """How django-postman names what dmcore has: numbers of users, of threads, of newest messages.

    ``received`` is the newest message that a user got in a conversation.
    """

    users: dict[str, int]
    threads: dict[UUID, int]
    received: dict[tuple[UUID, str], int]


def _fill(url: str, population: Population) -> _Filled:
    users: dict[str, int] = {user: it for it, user in enumerate(population.users, 1)}
    partners = dict(zip(population.ids, population.pairs, strict=True))
    read = {(it.conversation, it.user): it.read for it in population.waiting()}
    filled = _Filled(users=users, threads={}, received={})
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        names = "id, username, password, first_name, last_name, email, is_superuser, is_staff"
        people = f"COPY auth_user ({names}, is_active, date_joined) FROM STDIN"
        with cursor.copy(people) as copy:
            for user, number in users.items():
                copy.write_row((number, user, "", "", "", "", False, False, True, _EPOCH))
        columns = "id, subject, body, sender_id, recipient_id, email, parent_id, thread_id, sent_at"
        more = "read_at, sender_archived, recipient_archived, moderation_status, moderation_reason"
        with cursor.copy(f"COPY postman_message ({columns}, {more}) FROM STDIN") as copy:
            for number, row in enumerate(population.message_rows(), 1):
                conversation, message, sender, body, sent_at_us = row[:5]
                recipient = partners[conversation].other_than(sender)  # type: ignore[index, arg-type]
                sent_at = _EPOCH + timedelta(microseconds=sent_at_us)  # type: ignore[arg-type]
                place = (conversation, recipient)
                marker = read.get(place)  # type: ignore[arg-type]
                is_unread = marker is not None and message > marker  # type: ignore[operator]
                thread = filled.threads.setdefault(conversation, number)  # type: ignore[arg-type]
                filled.received[place] = number  # type: ignore[index]
                people_of_it = (users[sender], users[recipient])  # type: ignore[index]
                copy.write_row(
                    (
                        *(number, _SUBJECT, body, *people_of_it, "", None, thread, sent_at),
                        *(None if is_unread else sent_at, False, False, "a", ""),
                    )
                )
        for table in ("auth_user", "postman_message"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
        connection.commit()
        connection.autocommit = True
        cursor.execute("VACUUM ANALYZE")
    return filled


def _operations(store: Store, filled: _Filled) -> list[Operation]:
    """The targets are dmcore's share of the time that django-postman takes."""
    from django.contrib.auth.models import User
    from django.db import transaction
    from django.db.models import Q
    from postman.forms import FullReplyForm
    from postman.models import Message

    people = User.objects.in_bulk()
    population, dm = store.population, store.dm

    def person(user: str) -> Any:
        return people[filled.users[user]]

    def inbox(user: str) -> object:
        return [(it.sender.username, it.body) for it in Message.objects.inbox(user)[:INBOX_PAGE]]

    def thread(user: str, number: int, before: datetime | None = None) -> object:
        found = Message.objects.thread(user, Q(thread=number))
        if before is not None:
            found = found.filter(sent_at__lt=before)
        return list(found.order_by("-sent_at")[:THREAD_PAGE])

    def reply(user: Any, parent: int) -> None:
        written = {"subject": _SUBJECT, "body": BODY}
        with transaction.atomic():
            answered = Message.objects.get(Message.objects.perms(user), pk=parent)
            form = FullReplyForm(written, sender=user, recipient=answered.sender)
            if not (form.is_valid() and form.save(parent=answered)):
                raise AssertionError("django-postman refused a reply")

    def pick_inbox(user: str) -> tuple[Call, Call]:
        return partial(inbox, person(user)), partial(dm.mailbox(user).inbox, limit=INBOX_PAGE)

    def pick_thread(place: Place) -> tuple[Call, Call]:
        theirs = partial(thread, person(place.user), filled.threads[place.conversation])
        box = dm.mailbox(place.user)
        return theirs, partial(box.thread, place.conversation, limit=THREAD_PAGE)

    def pick_deep(place: Place) -> tuple[Call, Call]:
        depth, box = depth_of(store, place), dm.mailbox(place.user)
        page = box.thread(place.conversation, limit=1, before=depth.cursor)
        before = page.items[0].sent_at + timedelta(microseconds=1)
        number = filled.threads[place.conversation]
        theirs = partial(thread, person(place.user), number, before)
        more: dict[str, Any] = {"limit": THREAD_PAGE, "before": depth.cursor}
        return theirs, partial(box.thread, place.conversation, **more)

    def pick_unread(user: str) -> tuple[Call, Call]:
        theirs = partial(Message.objects.inbox_unread_count, person(user))
        return theirs, dm.mailbox(user).unread

    def pick_send(place: Place) -> tuple[Call, Call]:
        parent = filled.received[place.conversation, place.user]
        theirs = partial(reply, person(place.user), parent)
        return theirs, partial(dm.mailbox(place.user).send, place.conversation, BODY)

    answering = [
        it
        for it in population.active(2_000, "postman")
        if (it.conversation, it.user) in filled.received
    ]
    return [
        _operation("inbox page of 20", pick_inbox, population.busy(INBOX_PAGE), 1 / 10),
        _operation("thread page of 50, newest", pick_thread, population.deep(), 1 / 50),
        _operation("thread page of 50, 5,000 deep", pick_deep, population.deep(), 1 / 50),
        _operation(
            "the newest of any conversation", pick_thread, population.long(THREAD_PAGE), None
        ),
        _operation("unread count", pick_unread, population.users, None),
        _operation("send", pick_send, answering, 1 / 2, writes=True),
    ]


def _operation(
    name: str,
    pair: Callable[[Any], tuple[Call, Call]],
    items: Any,
    target: float | None,
    *,
    writes: bool = False,
) -> Operation:
    prepared = itertools.cycle(items)
    known: dict[Any, tuple[Call, Call]] = {}

    def pick(count: int) -> Pick:
        drawn = list(itertools.islice(prepared, count))
        pairs = [known.setdefault(it, pair(it)) if it not in known else known[it] for it in drawn]
        return [theirs for theirs, _ in pairs], [ours for _, ours in pairs]

    targets = Targets(first=None, final=target)
    return Operation(name=name, writes=writes, pick=pick, targets=targets, share=0.25)
