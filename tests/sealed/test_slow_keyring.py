"""Whoever is erased has keys that lie far away: nobody waits for those but who erases (GDPR-1)."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager

import attrs
import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.sealed import Keys, set_up

from dmcore import DirectMessages
from dmcore.adapters import crypto, sql
from dmcore.domain.ids import User
from dmcore.ports.keyring import Keyring, UserKeys
from dmcore.testing.world import UNLIMITED

pytestmark = pytest.mark.promise("GDPR-1")


@attrs.frozen
class Slow:
    """A keyring that answers when something else has been done, and not before."""

    _keyring: Keyring
    _meanwhile: Callable[[User], object]

    @property
    def identity(self) -> bytes:
        return self._keyring.identity

    def find(self, users: Collection[User]) -> Mapping[User, UserKeys]:
        return self._keyring.find(users)

    def make(self, user: User) -> UserKeys:
        return self._keyring.make(user)

    def destroy(self, user: User) -> None:
        self._meanwhile(user)
        self._keyring.destroy(user)

    def close(self) -> None:
        self._keyring.close()


@contextmanager
def lived(url: str, keys: Keys) -> Iterator[DirectMessages]:
    """A sealed store in which some have written to each other."""
    set_up(url, keys)
    with sql.open_sync(url, policy=UNLIMITED, encryption=keys.encryption()) as dm:
        dm.operations("olga").set_mode("on")
        for name in ("ann", "dan"):
            dm.mailbox(name).start("bob", "x")
        yield dm


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_others_write_while_keys_are_destroyed(
    store: str, keys: Keys, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{store}_url")
    destroyed: list[str] = []

    def writing(user: User) -> None:
        """Also one whom whoever is erased has written to."""
        destroyed.append(user.id)
        others.mailbox("bob").start("cyd", "y")

    def encryption() -> crypto.AesGcm:
        return crypto.AesGcm(Slow(keys.keyring(), writing))

    async def awaited() -> None:
        async with await sql.open_async(url, encryption=encryption()) as dm:
            await dm.operations("olga").erase("dan", most=1)

    with lived(url, keys) as others:
        with sql.open_sync(url, encryption=encryption()) as dm:
            dm.operations("olga").erase("ann", most=1)
        asyncio.run(awaited())
        assert destroyed == ["ann", "ann", "dan", "dan"]
        assert others.mailbox("cyd").unread() == 4
        assert others.operations("olga").verify() == ()
    with closing(keys.keyring()) as ring:
        assert ring.status().users == 1


def test_keys_go_inside_of_a_transaction_of_the_host_too(postgres_url: str, keys: Keys) -> None:
    with lived(postgres_url, keys), closing(keys.encryption()) as encryption:
        engine = create_engine(postgres_url, hide_parameters=True)
        with engine.begin() as connection:
            sql.join(connection, encryption=encryption).operations("olga").erase("ann")
        engine.dispose()

        async def awaited() -> None:
            engine = create_async_engine(postgres_url, hide_parameters=True)
            async with engine.begin() as connection:
                dm = await sql.join_async(connection, encryption=encryption)
                await dm.operations("olga").erase("dan")
            await engine.dispose()

        asyncio.run(awaited())
    with closing(keys.keyring()) as ring:
        assert ring.status().users == 0
