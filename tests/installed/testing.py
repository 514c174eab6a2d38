"""The conformance suite on a store of one's own; here it is the one in memory."""

import subprocess
import sys
from pathlib import Path

SUITE = """
from copy import copy

import pytest

from dmcore.adapters.memory import MemoryTransactions, Store
from dmcore.adapters.opening import open_on
from dmcore.testing.conformance import *
from dmcore.testing.harness import Harness


class OneStore(Harness):
    def __init__(self):
        self._store = Store()

    def open(self, **settings):
        return open_on(MemoryTransactions(self._store), **settings)

    def contents(self):
        tables = ((name, it) for name, it in vars(self._store).items() if isinstance(it, dict))
        kept = {name: {key: copy(row) for key, row in it.items() if row} for name, it in tables}
        return {"mode": self._store.mode, **kept}

    def clear(self):
        namespace = self._store.namespace
        self._store = Store()
        self._store.namespace = namespace

    def close(self):
        pass


@pytest.fixture
def harness():
    return OneStore()
"""

Path("test_store.py").write_text(SUITE, encoding="utf-8")
command = [sys.executable, "-m", "pytest", "-q", "-p", "dmcore.testing.plugin"]
chosen = ["-k", "TestPairs or TestBodies or TestBlocks", "test_store.py"]
ran = subprocess.run([*command, *chosen], capture_output=True, text=True, check=False)
assert ran.returncode == 0, ran.stdout
