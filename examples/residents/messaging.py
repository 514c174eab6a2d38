"""What messaging is told about the residents, and how they hear of a message.

These are the lines that turn a site of residents into one whose people write to each other.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from threading import Event, Thread

from fastapi import Request
from sqlalchemy import create_engine, text

from dmcore import (
    Action,
    AsyncDirectMessages,
    DirectMessages,
    Entry,
    Introduction,
    Profile,
    User,
)
from dmcore.adapters import sql
from dmcore.adapters.relay import Callback, Relay
from dmcore.adapters.web import Document, Person, Site, Viewer
from dmcore.adapters.web.fastapi import Messages
from dmcore.presets import RESIDENTS
from examples.residents.database import Databases
from examples.residents.people import People

CONSUMER = "bell"
_MESSAGES = (Action.CONVERSATION_STARTED, Action.MESSAGE_SENT)


class Directory:
    """Asked when somebody is about to write to somebody new. An organisation is a tenant."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        """Both, if they live here; those who live in one house are connected."""
        known = await self._people.in_organisation(sender.tenant, [sender.id, recipient.id])
        writer, reader = known.get(sender.id), known.get(recipient.id)
        return Introduction(
            sender=None if writer is None else Profile(),
            recipient=None if reader is None else Profile(),
            are_connected=bool(writer and reader and writer.house == reader.house),
        )


async def opened_store(databases: Databases, people: People) -> AsyncDirectMessages:
    """The messages, as the login of the site sees them; never without row-level security."""
    return await sql.open_async(
        databases.messages,
        host_url=databases.host,
        row_security="require",
        policy=RESIDENTS,
        directory=Directory(people),
    )


def messages_of(
    dm: AsyncDirectMessages,
    people: People,
    *,
    identify: Callable[[Request], Awaitable[Viewer | None]],
    layout: Callable[[Document, object], Awaitable[str]],
) -> Messages:
    """The routers with the inbox and the interface, and the button and the badge."""

    async def names(viewer: Viewer, users: Sequence[str]) -> Mapping[str, Person]:
        """A link to a profile only where there is a profile to see."""
        known = await people.in_organisation(viewer.tenant, users)
        mailbox = dm.mailbox(viewer.user, tenant=viewer.tenant)
        seen = await mailbox.visible_profiles([it.id for it in known.values() if it.is_listed])
        return {
            user: Person(name=it.name, url=f"/people/{user}" if user in seen else None)
            for user, it in known.items()
        }

    site = Site(people=names, layout=layout, sign_in_url="/sign-in")
    return Messages(dm, identify=identify, site=site)


class Bell:
    """Writes into the site's own database who got a message, and takes it back when it is read.

    The relay delivers every event at least once and in order, and nobody who sends waits for it. It
    opens the messages with the operators' login: the site's own may not see everybody's events.
    """

    def __init__(self, databases: Databases) -> None:
        self._dm: DirectMessages = sql.open_sync(databases.operations, policy=RESIDENTS)
        self._operations = self._dm.operations("bell")
        self._engine = create_engine(databases.host, hide_parameters=True, pool_size=1)
        self._stop = Event()
        relay = Relay(
            self._operations,
            Callback(self._ring),
            name=CONSUMER,
            pause=timedelta(milliseconds=250),
        )
        self._thread = Thread(target=relay.run, args=[self._stop], name=CONSUMER)

    def start(self) -> None:
        """Go on where it stopped."""
        self._operations.add_consumer(CONSUMER)
        self._thread.start()

    def close(self) -> None:
        """Stop, and give back what is open."""
        self._stop.set()
        self._thread.join()
        self._engine.dispose()
        self._dm.close()

    def _ring(self, event: Entry) -> None:
        fact, owner = event.fact, event.owner
        if fact.conversation is None:
            return
        facts = {
            "organisation": owner.tenant,
            "resident": owner.id,
            "position": event.position,
            "sender": fact.actor,
            "conversation": fact.conversation,
            "at": fact.at,
        }
        is_message = fact.action in _MESSAGES and fact.actor != owner.id
        with self._engine.begin() as connection:
            if not self._is_news(event):
                connection.execute(_REMOVE, facts)
            elif is_message:
                connection.execute(_ADD, facts)

    def _is_news(self, event: Entry) -> bool:
        """Whether something waits there: not read, taken back, muted, archived, nor blocked."""
        found = self._operations.references(
            event.owner.id, tenant=event.owner.tenant, conversation=event.fact.conversation
        )
        return any(it.unread and it.is_listed and not it.is_muted for it in found)


# A repeat of an event writes nothing more, and nothing is written of whoever moved out meanwhile.
_ADD = text(
    "INSERT INTO notification (organisation, resident, position, sender, conversation, at)"
    " SELECT :organisation, reader.id, :position, writer.id, :conversation, :at"
    " FROM resident AS reader, resident AS writer"
    " WHERE CAST(reader.id AS text) = :resident AND CAST(writer.id AS text) = :sender"
    " ON CONFLICT DO NOTHING"
)
_REMOVE = text(
    "DELETE FROM notification WHERE organisation = :organisation"
    " AND CAST(resident AS text) = :resident AND conversation = :conversation"
)
