"""How the collective has its messages: its rules, what is screened, and how texts lie encrypted.

Everything that is particular about its messaging is on this page.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from dmcore import AsyncDirectMessages, AsyncDirectory, Screener, presets
from dmcore.adapters import crypto, sql
from dmcore.adapters.clock import ManualClock, SystemClock
from dmcore.adapters.instrumentation import LoggedCalls
from dmcore.adapters.screening import Burst, FirstContact, LinksAndContacts, Repetition, WordList
from examples.care import people, story
from examples.care.observing import Pulse

# Whoever wants to can have a conversation that the site cannot read: then no screener can either.
POLICY: Final = attrs.evolve(presets.CARE, sealing="offered")


def screeners() -> list[Screener]:
    """What is refused, and what a moderator is told of without seeing it."""
    return [
        WordList(["wire me money", "gift card", "crypto wallet"]),
        FirstContact(longest=1_000),
        LinksAndContacts(allowed_domains=["care.example"]),
        Repetition(),
        Burst(),
    ]


@attrs.frozen(kw_only=True)
class Places:
    """Where everything lies: two databases, and in a folder the keys and what is logged.

    The keys must never be where a backup of the messages is.
    """

    site_url: str
    messages_url: str
    folder: Path

    def encryption(self) -> crypto.AesGcm:
        """What seals texts: a keyring in one file, and the master key in another (CRYPT-1)."""
        master = crypto.KeyFile(self.folder / "master.key")
        return crypto.encryption(self._keyring, master=master)

    def make_keys(self) -> None:
        """Make the two where they are not there yet."""
        crypto.KeyFile.make(self.folder / "master.key")
        crypto.initialise(self._keyring, master=crypto.KeyFile(self.folder / "master.key"))

    @property
    def _keyring(self) -> str:
        return f"sqlite:///{self.folder / 'keys.db'}"


def set_up(places: Places) -> None:
    """Make what is not there yet; messaging goes on as it was left, else it is turned on."""
    people.set_up(places.site_url, story.MEMBERS, story.ACQUAINTANCES)
    places.make_keys()
    encryption = places.encryption()
    is_new = sql.initialise(places.messages_url, host_url=places.site_url)
    sql.encrypt(places.messages_url, encryption=encryption)
    if not is_new:
        return
    clock = ManualClock(SystemClock().now_us())
    with sql.open_sync(
        places.messages_url,
        policy=POLICY,
        screeners=screeners(),
        encryption=encryption,
        clock=clock,
    ) as dm:
        story.happen(dm, clock)


@asynccontextmanager
async def opened(
    places: Places, directory: AsyncDirectory, pulse: Pulse
) -> AsyncIterator[AsyncDirectMessages]:
    """Messaging for the life of the site, refused where it would lie in the site's database."""
    dm = await sql.open_async(
        places.messages_url,
        policy=POLICY,
        directory=directory,
        screeners=screeners(),
        encryption=places.encryption(),
        host_url=places.site_url,
    )
    async with dm:
        yield dm.observed(LoggedCalls()).observed(pulse)
