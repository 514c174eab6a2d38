"""Pairs of worlds, on each kind of store."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from tests.proofs.programs import Stages
from tests.proofs.stages import in_memory, on_sqlite

from dmcore import Policy
from dmcore.adapters import sql

Worlds = Callable[[Policy], AbstractContextManager[Stages]]


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two databases of one installation."""
    folder = tmp_path_factory.mktemp("worlds")
    sql.initialise(f"sqlite:///{folder / 'first.db'}")
    shutil.copyfile(folder / "first.db", folder / "second.db")
    return folder / "first.db", folder / "second.db"


@pytest.fixture(params=["memory", "sqlite"])
def worlds(request: pytest.FixtureRequest) -> Worlds:
    if request.param == "memory":
        return in_memory
    return partial(on_sqlite, files=request.getfixturevalue("two_files"))
