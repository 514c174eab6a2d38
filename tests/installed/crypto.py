"""Texts at rest are sealed, and a device seals for others."""

from pathlib import Path

from tests.installed.exchange import write_to_each_other

from dmcore.adapters import crypto, sql
from dmcore.adapters.e2ee import SealingDevice

sql.initialise("sqlite:///messages.db")
crypto.KeyFile.make("key")
master = crypto.KeyFile("key")
crypto.initialise("sqlite:///keys.db", master=master)
encryption = crypto.encryption("sqlite:///keys.db", master=master)
sql.encrypt("sqlite:///messages.db", encryption=encryption)
with sql.open_sync("sqlite:///messages.db", encryption=encryption) as dm:
    write_to_each_other(dm)
SealingDevice.new("ann").enrolment()
assert b"Hello" not in b"".join(file.read_bytes() for file in Path().glob("messages.db*"))
