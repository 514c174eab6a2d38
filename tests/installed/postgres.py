"""PostgreSQL, called and awaited. The address of an empty database stands in DMCORE_URL."""

import asyncio
import os

from tests.installed.exchange import write_to_each_other

from dmcore.adapters import sql

URL = os.environ["DMCORE_URL"]

sql.initialise(URL)
with sql.open_sync(URL) as dm:
    write_to_each_other(dm)


async def count() -> int:
    async with await sql.open_async(URL) as awaited:
        return await awaited.mailbox("bob").unread()


assert asyncio.run(count()) == 1
