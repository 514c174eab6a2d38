"""Without any extra: the core, the store in memory, and a command line that says what it lacks."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from tests.installed.exchange import refusal, write_to_each_other

from dmcore import presets
from dmcore.adapters import memory
from dmcore.adapters.instrumentation import LoggedCalls
from dmcore.adapters.signals import LocalSignals

with memory.open_sync(policy=presets.COMMUNITY) as dm:
    write_to_each_other(dm.observed(LoggedCalls()))
LocalSignals()

missing = refusal(lambda: import_module("dmcore.adapters.sql"))
assert missing == 'sqlalchemy is not installed: pip install "dmcore[sql]"'

command = Path(sys.executable).with_name("dmcore")
ran = subprocess.run([command, "status"], capture_output=True, text=True, check=False)
assert ran.returncode == 2
assert 'pip install "dmcore[cli]"' in ran.stderr
assert version("dmcore")
