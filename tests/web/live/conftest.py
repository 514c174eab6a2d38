"""Live updates in each world, on one store in memory that others write to meanwhile."""

from collections.abc import Callable, Iterator

import pytest
from tests.web.live.scene import KINDS, QUICK, UNLIMITED, Stage

from dmcore import DirectMessages
from dmcore.adapters import memory
from dmcore.adapters.web import Site
from dmcore.adapters.web.live import Rhythm

MakeStage = Callable[..., Stage]


@pytest.fixture
def store() -> memory.Store:
    return memory.Store()


@pytest.fixture
def dm(store: memory.Store) -> DirectMessages:
    """Messaging for those who are not on the web."""
    messages = memory.open_sync(policy=UNLIMITED, store=store)
    messages.operations("olga").set_mode("on")
    return messages


@pytest.fixture(params=KINDS)
def make_stage(
    request: pytest.FixtureRequest, dm: DirectMessages, store: memory.Store
) -> Iterator[MakeStage]:
    stages = []

    def make(site: Site = QUICK, rhythm: Rhythm | None = None) -> Stage:
        stage = Stage(request.param, dm, store=store, rhythm=rhythm, site=site)
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        stage.end()


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage()
