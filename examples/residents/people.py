"""The site's own database: organisations that manage buildings, and who lives in them.

It knows nothing of messages but that some came: a notification names ids and a time.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Self

import attrs
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_TABLES = """
CREATE TABLE IF NOT EXISTS organisation (id text PRIMARY KEY, name text NOT NULL);
CREATE TABLE IF NOT EXISTS resident (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation text NOT NULL REFERENCES organisation,
    name text NOT NULL,
    house text NOT NULL,
    flat text NOT NULL,
    is_listed boolean NOT NULL DEFAULT true
);
CREATE TABLE IF NOT EXISTS notification (
    organisation text NOT NULL,
    resident bigint NOT NULL REFERENCES resident ON DELETE CASCADE,
    position bigint NOT NULL,
    sender bigint NOT NULL REFERENCES resident ON DELETE CASCADE,
    conversation uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (organisation, resident, position)
);
"""

# Invented, all of them.
_ORGANISATIONS = [
    {"id": "linden", "name": "Linden Court"},
    {"id": "harbour", "name": "Harbour View"},
]
_RESIDENTS = [
    {"organisation": organisation, "name": name, "house": house, "flat": flat}
    for organisation, name, house, flat in (
        ("linden", "Marta Nowak", "House 1", "ground floor"),
        ("linden", "Jonas Weber", "House 1", "2nd floor, left"),
        ("linden", "Aylin Demir", "House 1", "2nd floor, right"),
        ("linden", "Samuel Okoro", "House 2", "1st floor"),
        ("linden", "Ines Ferreira", "House 2", "3rd floor"),
        ("harbour", "Tove Lund", "Quay 7", "4th floor"),
        ("harbour", "Pavel Horak", "Quay 7", "5th floor"),
        ("harbour", "Mei Tanaka", "Quay 9", "1st floor"),
    )
]
_ADD_ORGANISATION = text("INSERT INTO organisation (id, name) VALUES (:id, :name)")
_ADD_RESIDENT = text(
    "INSERT INTO resident (organisation, name, house, flat)"
    " VALUES (:organisation, :name, :house, :flat)"
)


@attrs.frozen(kw_only=True)
class Resident:
    """Somebody who lives in a building of an organisation."""

    id: str
    organisation: str
    at: str
    name: str
    house: str
    flat: str
    is_listed: bool


@attrs.frozen(kw_only=True)
class Notification:
    """That somebody wrote, and where; never what."""

    sender: str
    conversation: str
    at: datetime


class People:
    """The residents, in the site's own database. Nobody is found in another organisation."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def opened(cls, url: str) -> Self:
        """Open it; tables and residents are made where there are none."""
        people = cls(create_async_engine(url, hide_parameters=True))
        async with people._engine.begin() as connection:
            for statement in _TABLES.split(";\n")[:-1]:
                await connection.execute(text(statement))
            if not (await connection.execute(text("SELECT 1 FROM organisation"))).first():
                await connection.execute(_ADD_ORGANISATION, _ORGANISATIONS)
                await connection.execute(_ADD_RESIDENT, _RESIDENTS)
        return people

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    async def everybody(self) -> list[Resident]:
        """All residents of all organisations: for the page where one chooses who to be."""
        return await self._found("ORDER BY place.name DESC, house, resident.name")

    async def neighbours(self, me: Resident) -> list[Resident]:
        """The others of one's own organisation who are listed."""
        return await self._found(
            "WHERE organisation = :organisation AND is_listed AND resident.id <> :me"
            " ORDER BY house, resident.name",
            organisation=me.organisation,
            me=int(me.id),
        )

    async def with_id(self, id_: str) -> Resident | None:
        """Somebody who signs in."""
        if not id_.isdecimal():
            return None
        found = await self._found("WHERE CAST(resident.id AS text) = :id", id=id_)
        return found[0] if found else None

    async def in_organisation(self, organisation: str, ids: Collection[str]) -> dict[str, Resident]:
        """Those of an organisation, each under their id."""
        found = await self._found(
            "WHERE organisation = :organisation AND CAST(resident.id AS text) = ANY(:ids)",
            organisation=organisation,
            ids=list(ids),
        )
        return {it.id: it for it in found}

    async def show(self, me: Resident, *, is_listed: bool) -> None:
        """Whether one's neighbours find one in the list of neighbours."""
        async with self._engine.begin() as connection:
            await connection.execute(
                text("UPDATE resident SET is_listed = :is_listed WHERE id = :me"),
                {"is_listed": is_listed, "me": int(me.id)},
            )

    async def notifications(self, me: Resident) -> list[Notification]:
        """What waits to be looked at, newest first, one for a conversation."""
        query = text(
            "SELECT DISTINCT ON (conversation) name, conversation, at FROM notification"
            " JOIN resident ON resident.id = sender"
            " WHERE notification.organisation = :organisation AND notification.resident = :me"
            " ORDER BY conversation, at DESC"
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                query, {"organisation": me.organisation, "me": int(me.id)}
            )
            found = [
                Notification(sender=row.name, conversation=str(row.conversation), at=row.at)
                for row in rows
            ]
        return sorted(found, key=lambda it: it.at, reverse=True)

    async def _found(self, which: str, **values: object) -> list[Resident]:
        query = text(
            "SELECT resident.*, place.name AS place FROM resident"
            f" JOIN organisation AS place ON place.id = resident.organisation {which}"
        )
        async with self._engine.connect() as connection:
            return [_resident(row) for row in await connection.execute(query, values)]


def _resident(row: Row[tuple[object, ...]]) -> Resident:
    return Resident(
        id=str(row.id),
        organisation=row.organisation,
        at=row.place,
        name=row.name,
        house=row.house,
        flat=row.flat,
        is_listed=row.is_listed,
    )
