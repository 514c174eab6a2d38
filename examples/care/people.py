"""The collective's own people, in the collective's own database: who they are, who is signed in,
who knows whom. Messages are not here, and nothing of them.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import attrs
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    make_url,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dmcore import Introduction, Profile, User

MEMBER: Final = "member"
MODERATOR: Final = "moderator"
OPERATOR: Final = "operator"

_TABLES: Final = MetaData()
_PERSON: Final = Table(
    "person",
    _TABLES,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("offers", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default=true()),
    CheckConstraint("role IN ('member', 'moderator', 'operator')"),
)
_SIGN_IN: Final = Table(
    "sign_in",
    _TABLES,
    Column("digest", Text, primary_key=True),
    Column("person", ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
)
_ACQUAINTANCE: Final = Table(
    "acquaintance",
    _TABLES,
    Column("one", ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
    Column("other", ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
)


@attrs.frozen(kw_only=True)
class Member:
    """Somebody of the collective."""

    id: str
    name: str
    about: str = ""
    offers: str = ""
    role: str = MEMBER

    @property
    def initial(self) -> str:
        return self.name[0].upper()


_MEMBER: Final = [_PERSON.c[field.name] for field in attrs.fields(Member)]


def set_up(url: str, members: Iterable[Member], acquaintances: Iterable[tuple[str, str]]) -> None:
    """Make the tables, and the first people where there is nobody yet."""
    engine = create_engine(_driven(url))
    with engine.begin() as connection:
        _TABLES.create_all(connection)
        if connection.execute(select(_PERSON.c.id).limit(1)).first() is None:
            connection.execute(insert(_PERSON), [attrs.asdict(member) for member in members])
            pairs = [{"one": one, "other": other} for one, other in acquaintances]
            connection.execute(insert(_ACQUAINTANCE), pairs)
    engine.dispose()


class People:
    """What the site, and messaging, ask about people. It is the directory of messaging too."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def everyone(self) -> list[Member]:
        """All there are, by their names."""
        return await self._found(true())

    async def known(self, ids: Collection[str]) -> Mapping[str, Member]:
        """Those of these who are there. What PostgreSQL cannot hold is nobody's id."""
        asked = [each for each in ids if "\0" not in each]
        return {member.id: member for member in await self._found(_PERSON.c.id.in_(asked))}

    async def add(self, member: Member) -> None:
        """Somebody joins."""
        async with self._engine.begin() as connection:
            await connection.execute(insert(_PERSON).values(attrs.asdict(member)))

    async def remove(self, member_id: str) -> None:
        """Somebody is gone, with all their sign-ins."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(_PERSON).where(_PERSON.c.id == member_id))

    # Signing in ---------------------------------------------------------------------------------

    async def sign_in(self, member_id: str) -> str:
        """A new sign-in; what is returned goes into a cookie, and its digest alone is kept."""
        token = secrets.token_urlsafe(32)
        async with self._engine.begin() as connection:
            values = {"digest": session_of(token), "person": member_id}
            await connection.execute(insert(_SIGN_IN).values(values))
        return token

    async def sign_out(self, session: str) -> None:
        """This sign-in is over."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(_SIGN_IN).where(_SIGN_IN.c.digest == session))

    async def signed_in(self, session: str) -> Member | None:
        """Whose sign-in this is, while it holds."""
        found = await self._found(
            _PERSON.c.id.in_(select(_SIGN_IN.c.person).where(_SIGN_IN.c.digest == session))
        )
        return found[0] if found else None

    # What messaging asks ------------------------------------------------------------------------

    async def introduce(self, sender: User, recipient: User) -> Introduction:
        """Whoever may start with whom is decided by messaging; this is what it has to know."""
        profiles = {
            member.id: Profile(roles={member.role}, is_staff=member.role != MEMBER)
            for member in await self._found(_PERSON.c.id.in_([sender.id, recipient.id]))
        }
        return Introduction(
            sender=profiles.get(sender.id),
            recipient=profiles.get(recipient.id),
            are_connected=await self.are_acquainted(sender.id, recipient.id),
        )

    async def are_acquainted(self, one: str, other: str) -> bool:
        """Whether the two know each other from outside."""
        pairs = select(_ACQUAINTANCE.c.one).where(
            or_(
                (_ACQUAINTANCE.c.one == one) & (_ACQUAINTANCE.c.other == other),
                (_ACQUAINTANCE.c.one == other) & (_ACQUAINTANCE.c.other == one),
            )
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(pairs)).first() is not None

    async def _found(self, condition: ColumnElement[bool]) -> list[Member]:
        rows = select(*_MEMBER).where(_PERSON.c.is_active, condition).order_by(_PERSON.c.name)
        async with self._engine.connect() as connection:
            return [Member(**row) for row in (await connection.execute(rows)).mappings()]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[People]:
    """The people of this database, for the life of the site."""
    engine = create_async_engine(_driven(url))
    try:
        yield People(engine)
    finally:
        await engine.dispose()


def session_of(token: str) -> str:
    """What a sign-in is known by: who reads the database cannot sign in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _driven(url: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
