"""SQLite, called and awaited; its schema; references for a host."""

import asyncio

from tests.installed.exchange import refusal, write_to_each_other

from dmcore.adapters import sql
from dmcore.adapters.relay import HostReferences

URL = "sqlite:///messages.db"

sql.initialise(URL)
assert sql.check_schema(URL).is_current
assert sql.upgrade(URL) == (sql.check_schema(URL).found,) * 2
with sql.open_sync(URL) as dm:
    write_to_each_other(dm)


async def count() -> int:
    async with await sql.open_async(URL) as awaited:
        return await awaited.mailbox("bob").unread()


assert asyncio.run(count()) == 1
with sql.open_sync(URL) as dm:
    references = HostReferences(dm.operations("relay"), "sqlite:///site.db")
    references.create()
    references.close()

missing = refusal(lambda: sql.open_sync("postgresql://localhost/messages"))
assert 'pip install "dmcore[postgres]"' in missing
