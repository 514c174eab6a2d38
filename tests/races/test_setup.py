"""Several processes may set up one database at once."""

from pathlib import Path

import pytest
from tests.races import acts
from tests.races.conftest import ROUNDS
from tests.races.crew import SIZE, Crew, NoStore, part

from dmcore import Policy
from dmcore.adapters import sql


@pytest.mark.promise("OPS-1")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_of_eight_set_ups_at_once_one_makes_the_tables_and_none_fails(
    crew: Crew, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number in range(6 * ROUNDS):
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path / f'{number}.db'}"
        else:
            server = request.getfixturevalue("postgres_server")
            url = server.create_database()
        made = crew.run(NoStore(), Policy(), [part(acts.sets_up, url=url)] * SIZE)
        assert sorted(made) == [False] * (SIZE - 1) + [True]
        with sql.open_sync(url) as dm:
            assert dm.operations("olga").verify() == ()
        if kind == "postgres":
            server.drop_database(url)
